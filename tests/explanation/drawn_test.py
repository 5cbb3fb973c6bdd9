"""Explanations of a model that learnt what decides: they point at it, and fall with it."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.branches.image import _features
from fusionkeras.branches.small_cnn import small_cnn
from fusionkeras.datasets import draw_statements
from fusionkeras.datasets.drawn import COLOURS
from fusionkeras.models.parts import parts_of

pytestmark = pytest.mark.slow
SIZE, ROWS = (48, 48), 32


@dataclasses.dataclass
class Learnt:
    serving: keras.Model
    pictures: np.ndarray
    texts: list
    why: fk.Explanation

    @property
    def shape(self):
        """Where the coloured shape lies: the ground is grey."""
        return np.ptp(self.pictures, axis=-1) > 80

    def arrays(self, pictures=None, texts=None):
        columns = {
            "image": tf.constant([b""] * ROWS),
            "text": tf.constant(self.texts if texts is None else texts),
        }
        pictures = self.pictures if pictures is None else pictures
        pixels = tf.constant(pictures)
        return {**parts_of(self.serving).preprocessor(columns), "image": pixels}

    def scores(self, **changed):
        """The log odds of what was answered at first."""
        shares = parts_of(self.serving).model(self.arrays(**changed), training=False).numpy()[:, 0]
        shares = np.clip(shares, 1e-6, 1 - 1e-6)
        return np.log(shares / (1 - shares)) * np.where(
            np.array(self.why.classes) == "wrong", 1, -1
        )


def fine_cnn():
    """An encoder whose grid is an eighth as high and wide as the picture."""
    pixels = keras.Input((*SIZE, 3), name="image")
    grid = small_cnn(keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels), widths=(16, 32, 64))
    model = keras.Model(pixels, _features(pixels, grid), name="image_encoder")
    return fk.Branch("image", model, fk.DecodeImage(SIZE))


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """Statements about colours alone, since a small network learns those in seconds."""
    keras.utils.set_random_seed(0)
    place = draw_statements(tmp_path_factory.mktemp("drawn"), rows=1200, image_size=SIZE)
    frame = pd.read_csv(place)
    frame[frame["text"].str.contains("|".join(COLOURS))].to_csv(place, index=False)
    data = fk.read_table(
        place, {"image": "image", "text": "text"}, "label", split=(0.9, 0, 0.1), seed=0,
        progress=False,
    )  # fmt: skip
    branches = [fine_cnn(), fk.lstm_branch(fk.learn_vocabulary(data.train, "text"), 6, units=16)]
    model = fk.build_classifier(branches, "multiply", hidden_dims=[32])
    preprocessor = fk.build_preprocessor(branches)
    fk.compile_classifier(model, learning_rate=4e-3)
    train = fk.prepare(data.train, preprocessor, batch_size=32, shuffle=True, seed=0, cache=True)
    fk.fit(model, train, epochs=8, verbose=0)
    serving = fk.end_to_end(model, preprocessor, data.class_names)
    test = data.test.take(np.arange(ROWS))
    assert fk.evaluate(model, fk.prepare(test, preprocessor), data.class_names).accuracy > 0.9
    batch = next(iter(fk.raw_batches(test, ROWS)))
    pictures = preprocessor(batch)["image"].numpy()
    why = fk.explain(serving, test)
    return Learnt(serving, pictures, batch["text"].numpy().tolist(), why)


def test_the_heat_lies_on_the_shape_that_decides(learnt):
    heat = np.maximum(learnt.why.heat_over("image", SIZE), 0)
    shares = (heat * learnt.shape).sum((1, 2)) / heat.sum((1, 2))
    assert learnt.shape.mean() < 0.4  # as much would lie there by chance
    assert shares.mean() >= 0.6


def test_the_word_that_decides_weighs_most(learnt):
    heaviest = [
        words[np.argmax(np.abs(own))]
        for words, own in zip(learnt.why.words["text"], learnt.why.weights["text"], strict=True)
    ]
    assert np.mean([word in COLOURS for word in heaviest]) > 0.9


def test_both_branches_are_needed(learnt):
    told = learnt.why.contributions()
    assert min(told["image"]["mean"], told["text"]["mean"]) > 0.5


def test_random_weights_destroy_the_maps(learnt):
    """Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (https://arxiv.org/abs/1810.03292)."""
    parts = parts_of(learnt.serving)
    other = keras.models.clone_model(parts.model, recursive=True)
    random = fk.explain(other, learnt.arrays())
    alike = [
        rank_correlation(one, two)
        for one, two in zip(learnt.why.heat["image"], random.heat["image"], strict=True)
    ]
    assert abs(np.mean(alike)) < 0.5
    words = zip(learnt.why.weights["text"], random.weights["text"], strict=True)
    assert np.mean([rank_correlation(one, two) for one, two in words]) < 0.5


def rank_correlation(one, other):
    one, other = (np.argsort(np.argsort(x.ravel())) for x in (one, other))
    return np.corrcoef(one, other)[0, 1]


def deleted_cells(learnt, order):
    """The mean score as cells are painted grey in an order `(rows, cells)`, some at a time."""
    cells, found = learnt.why.heat["image"][0].size, []
    for count in range(0, cells + 1, 6):
        gone = np.zeros((ROWS, cells), bool)
        np.put_along_axis(gone, order[:, :count], True, axis=1)
        gone = gone.reshape(-1, 6, 6).repeat(8, axis=1).repeat(8, axis=2)
        pictures = np.where(gone[..., np.newaxis], 145.0, learnt.pictures)
        found.append(learnt.scores(pictures=pictures.astype("float32")).mean())
    return found


def test_the_score_falls_faster_where_the_heat_goes_first(learnt):
    heat = learnt.why.heat["image"].reshape(ROWS, -1)
    hottest = deleted_cells(learnt, np.argsort(-heat, axis=1))
    random = np.random.default_rng(0)
    orders = [random.permuted(np.tile(np.arange(36), (ROWS, 1)), axis=1) for _ in range(3)]
    by_chance = np.mean([deleted_cells(learnt, order) for order in orders], axis=0)
    assert hottest[0] == pytest.approx(by_chance[0])
    assert np.mean(hottest) < np.mean(by_chance)


def deleted_word(learnt, place_of):
    texts = []
    for row, words in enumerate(learnt.why.words["text"]):
        place = place_of(row, words)
        texts.append(" ".join("unheard" if x == place else w for x, w in enumerate(words)))
    return learnt.scores(texts=texts).mean()


def test_the_score_falls_further_without_the_heaviest_word(learnt):
    random = np.random.default_rng(0)
    heaviest = deleted_word(learnt, lambda row, _: np.argmax(learnt.why.weights["text"][row]))
    by_chance = [deleted_word(learnt, lambda _, words: random.integers(len(words))) for _ in "123"]
    assert heaviest < np.mean(by_chance)
