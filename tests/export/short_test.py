"""Exports in short numbers, and with BatchNorm folded."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.export.loading import as_served
from fusionkeras.export.short import shortened
from fusionkeras.export.signatures import answering, whole


@pytest.fixture(scope="module")
def serving(preset):
    """Convolutions with BatchNorm that has seen something, a BERT and dense layers."""
    keras.utils.set_random_seed(0)
    branches = [
        fk.image_branch("mobilenet_v2", weights=None, image_size=(32, 32)),
        fk.bert_branch(preset, 12),
    ]
    model = fk.build_classifier(branches, num_classes=3, hidden_dims=[16])
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.moving_mean.shape
            layer.moving_mean.assign(np.random.default_rng(0).normal(0, 0.1, size))
            layer.moving_variance.assign(np.random.default_rng(1).uniform(0.5, 2, size))
    return fk.end_to_end(model, fk.build_preprocessor(branches), ["a", "b", "c"])


@pytest.fixture(scope="module")
def columns():
    png = tf.io.encode_png(np.random.default_rng(0).integers(0, 256, (40, 40, 3), "uint8"))
    return {"image": tf.stack([png, b""]), "text": tf.constant(["a red circle", "blue"])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantize", "fold", "tolerance"),
    [(None, True, 1e-5), ("float16", False, 1e-2), ("int8", True, 1e-2)],
)
def test_it_answers_as_the_model(serving, columns, quantize, fold, tolerance):
    parts = as_served(serving).parts
    expected = serving(columns)["probabilities"]
    part = shortened(whole(parts), quantize, fold)
    found = tf.function(answering(parts, part))(columns)
    difference = np.abs(found["probabilities"] - expected).max()
    assert difference < tolerance and (difference > 0 or not quantize)
    assert found["image_used"].numpy().tolist() == [True, False]
    # what was given is as it was
    np.testing.assert_array_equal(serving(columns)["probabilities"], expected)


def test_folding_leaves_no_batch_norm(serving):
    part = shortened(whole(as_served(serving).parts), None, True)
    layers = list(part("scores")._flatten_layers())
    assert not [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]


def test_half_the_size(tmp_path):
    branch = fk.lstm_branch(["red"], 4, embedding_dim=8000, units=4)
    model = fk.build_classifier([branch])
    serving = fk.end_to_end(model, fk.build_preprocessor([branch]), ["no", "yes"])
    sizes = {}
    for quantize in (None, "float16"):
        version = fk.export(serving, tmp_path / "x", quantize=quantize, explain=False, verify=False)
        sizes[quantize] = os.path.getsize(version / "variables" / "variables.data-00000-of-00001")
    assert sizes["float16"] < 0.55 * sizes[None]


def test_unknown_quantization(serving, tmp_path):
    with pytest.raises(ValueError, match="Unknown quantization.*'int8'.*quantize='int4'"):
        fk.export(serving, tmp_path / "x", quantize="int4")
    assert list(tmp_path.iterdir()) == []
