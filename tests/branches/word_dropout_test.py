"""Words that count as unknown in training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.branches.word_dropout import WordDropout


def ids_of(rows=2000, seed=0):
    random = np.random.default_rng(seed)
    ids = random.integers(2, 9, (rows, 6)).astype("int32")
    ids[np.arange(6) >= random.integers(0, 7, rows)[:, None]] = 0  # padding at the end
    return ids


def test_words_are_dropped_and_nothing_else():
    ids = ids_of()
    layer = WordDropout(0.4, replacement=1, kept=[0, 5], seed=0)
    dropped = np.asarray(layer(ids, training=True))
    words = (ids != 0) & (ids != 5)
    assert np.array_equal(dropped[~words], ids[~words])
    assert set(dropped[words & (dropped != ids)]) == {1}
    left = (words & (dropped == ids)).sum(axis=1)
    assert np.all(left[words.any(axis=1)] >= 1)
    several = words.sum(axis=1) == 6
    assert 0.36 < np.mean(dropped[several] == 1) < 0.44
    assert np.array_equal(layer(ids), ids) and layer(ids, training=True).dtype == tf.int32


def test_the_last_word_stays():
    layer = WordDropout(0.99, replacement=1, kept=[0], seed=0)
    ids = np.array([[1, 7, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], "int32")
    assert np.array_equal(layer(ids, training=True), ids)


def branches(preset, rate):
    return {
        "lstm": fk.lstm_branch(["red", "circle"], 6, units=4, word_dropout=rate),
        "bert": fk.bert_branch(preset, 8, word_dropout=rate, trainable=True),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lstm", "bert"])
def test_of_a_branch(kind, preset, tmp_path):
    keras.utils.set_random_seed(0)
    branch = branches(preset, 0.6)[kind]
    ids = branch.preprocessor({"text": tf.constant(["red circle red circle", ""])})
    ids = ids["text_token_ids"]
    asked = branch.encoder(ids)
    trained = [branch.encoder(ids, training=True) for _ in range(4)]
    pooled = [one["pooled_output"].numpy()[0] for one in trained]
    assert any(not np.allclose(one, asked["pooled_output"][0]) for one in pooled)
    for one in trained:  # what is absent, and where a text ends, is told as before
        for name in ("present", "padding_mask"):
            assert np.array_equal(one[name], asked[name])
    branch.encoder.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    found = loaded(ids)["pooled_output"]
    np.testing.assert_allclose(found, asked["pooled_output"], rtol=1e-5)
    assert [x for x in loaded._flatten_layers() if isinstance(x, WordDropout)][0].rate == 0.6


def test_what_bert_keeps(preset):
    branch = branches(preset, 0.9)["bert"]
    layer = branch.encoder.get_layer("word_dropout")
    words = branch.preprocessor.vocabulary
    kept = {words[number] for number in layer.kept}
    assert {"[PAD]", "[CLS]", "[SEP]", "[UNK]"} <= kept
    assert words[layer.replacement] == ("[MASK]" if "[MASK]" in words else "[UNK]")


@pytest.mark.parametrize("rate", [1, -0.1, "x"])
def test_wrong_rates(rate, preset):
    for make in (
        lambda: fk.lstm_branch(["red"], word_dropout=rate),
        lambda: fk.bert_branch(preset, word_dropout=rate),
    ):
        with pytest.raises(ValueError, match="Wrong rate of dropped words.*word_dropout="):
            make()
