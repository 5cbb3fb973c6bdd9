"""Augmentation ahead of frozen encoders, and pictures that are mirrored."""

import logging

import keras
import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.branches.augment import augmented
from fusionkeras.training.frozen.features import FrozenGroup
from fusionkeras.training.mirroring import warn_of_mirroring

SIZE = (32, 32)


@pytest.fixture
def passes(monkeypatch):
    """The inputs of frozen encoders whose features are computed, one a row."""
    counts, extract = [], FrozenGroup.extract

    def counted(self, inputs):
        counts.extend([self.inputs[0]] * len(inputs[self.inputs[0]]))
        return extract(self, inputs)

    monkeypatch.setattr(FrozenGroup, "extract", counted)
    return counts


def read(table):
    columns = {"image": "image", "text": "text"}
    return fk.read_table(table, columns=columns, label="label", split=(1, 0, 0))


def frozen_pictures(augment):
    """A frozen picture encoder that is quickly built and run."""
    pixels = keras.Input((*SIZE, 3), name="image")
    changed = augmented(pixels, augment)
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(6, 3, strides=4)(changed))
    features = {"pooled_output": pooled, "present": keras.ops.any(pixels > -0.5, axis=(1, 2, 3))}
    encoder = keras.Model(pixels, features, name="image_encoder")
    encoder.trainable = False
    return fk.Branch("image", encoder, fk.DecodeImage(SIZE))


def words_of(data, **options):
    return fk.lstm_branch(fk.learn_vocabulary(data.train, "text"), 8, units=4, **options)


def compiled(*branches):
    keras.utils.set_random_seed(0)
    model = fk.build_classifier(list(branches), fk.Concat(hidden_dim=4))
    return fk.compile_model(model), fk.build_preprocessor(list(branches))


@pytest.mark.slow
def test_views_of_augmented_pictures_are_kept(statements, passes):
    data = read(statements)
    pictures = frozen_pictures("light")
    model, preprocessor = compiled(pictures, words_of(data))
    train = fk.prepare(data.train, preprocessor, shuffle=True)
    distinct = len(np.unique(data.train.columns["image"]))
    fk.fit(model, train, epochs=3, views=2, verbose=0)
    assert passes == ["image"] * 2 * distinct
    fk.fit(model, train, epochs=1, views=2, verbose=0)
    assert len(passes) == 2 * distinct


@pytest.mark.slow
def test_without_views_a_frozen_encoder_runs_in_every_epoch(statements, passes, caplog):
    data = read(statements)
    pictures = frozen_pictures("light")
    model, preprocessor = compiled(pictures, words_of(data))
    with caplog.at_level(logging.WARNING, "fusionkeras"):
        fk.fit(model, fk.prepare(data.train, preprocessor, shuffle=True), verbose=0)
    assert "'augment' inside it draws anew in training" in caplog.text and not passes


@pytest.mark.slow
def test_views_of_texts_with_dropped_words(statements, preset, passes):
    data = read(statements)
    texts = fk.bert_branch(preset, 8, word_dropout=0.3)
    model, preprocessor = compiled(texts)
    train = fk.prepare(data.train, preprocessor, shuffle=True, imbalance="resample")
    distinct = len(np.unique(data.train.columns["text"]))
    fk.fit(model, train, epochs=3, views=3, verbose=0)
    assert passes == ["text_token_ids"] * 3 * distinct


@pytest.mark.slow
def test_rows_are_resampled_on_kept_features_as_on_pictures(statements):
    data, histories = read(statements), []
    for cache in (True, False):
        keras.utils.set_random_seed(0)  # of the encoder, too
        pictures = frozen_pictures(None)
        model, preprocessor = compiled(pictures)
        train = fk.prepare(data.train, preprocessor, 16, shuffle=True, imbalance="resample")
        history = fk.fit(model, train, epochs=2, cache=cache, verbose=0).history
        histories.append(history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-3)


# Mirroring


def mirrored(statements, texts, mode, caplog, train):
    frame = pd.read_csv(statements)
    frame["text"] = [*texts, *frame["text"].str.replace("right|left", "", regex=True)][:60]
    frame["image"] = [str(statements.parent / name) for name in frame["image"]]
    data = fk.read_table(
        frame, columns={"image": "image", "text": "text"}, label="label", split=(1, 0, 0),
        files_root=statements.parent, check="header",
    )  # fmt: skip
    pictures = frozen_pictures([keras.layers.RandomFlip(mode)] if mode else "light")
    model, preprocessor = compiled(pictures, words_of(data))
    with caplog.at_level(logging.WARNING, "fusionkeras"):
        train(model, fk.prepare(data.train, preprocessor))
    return caplog.text


@pytest.mark.slow
def test_mirroring_is_warned_about_once(statements, caplog):
    texts = ["a red circle", "the LEFT one", "ein Kreis rechts", "leftover brightness"]
    said = mirrored(statements, texts, "horizontal", caplog, fk.fit)
    assert said.count("Pictures are mirrored") == 1
    assert "2 of 60 texts in 'text' tell left from right, such as row 1: 'the LEFT one'" in said
    assert "Leave RandomFlip out of augment=" in said


@pytest.mark.parametrize(
    "texts, mode", [(["a leftover"], "horizontal"), (["left"], "vertical"), (["left"], None)]
)
def test_no_warning_where_nothing_breaks(texts, mode, statements, caplog):
    def look(model, dataset):
        warn_of_mirroring(model, dataset.source)

    assert "mirrored" not in mirrored(statements, texts, mode, caplog, look)
