import keras
import numpy as np
import pytest

import fusionkeras as fk
from fusionkeras.training.frozen.fold import fold


def shake(model):
    """Gives all weights, those of BatchNorm too, values that no initializer gives."""
    random = np.random.default_rng(0)
    model.set_weights(
        [
            weight + random.uniform(0.1, 0.3, weight.shape).astype(weight.dtype) * (weight.ndim < 2)
            for weight in model.get_weights()
        ]
    )


def norms(model):
    return [
        layer for layer in model._flatten_layers() if type(layer).__name__ == "BatchNormalization"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["resnet50", "mobilenet_v2", "efficientnet_b0"])
def test_encoders_answer_as_before(encoder):
    branch = fk.image_branch(encoder, weights=None, image_size=(32, 32))
    shake(branch.encoder)
    copy = fold(branch.encoder)
    assert norms(branch.encoder) and not norms(copy)
    images = np.random.default_rng(1).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    expected, answer = branch.encoder(images), copy(images)
    assert list(expected) == list(answer)
    scale = np.abs(expected["pooled_output"]).max()
    for name in expected:
        np.testing.assert_allclose(answer[name], expected[name], rtol=1e-4, atol=1e-5 * scale)


def test_a_bert_stays_as_it_is(preset):
    branch = fk.bert_branch(preset, 6)
    ids = np.array([[2, 5, 6, 3, 0, 0]])
    expected, answer = branch.encoder(ids), fold(branch.encoder)(ids)
    np.testing.assert_array_equal(answer["pooled_output"], expected["pooled_output"])


def test_what_cannot_be_folded_is_left():
    x = keras.Input((8, 8, 3))
    shared = keras.layers.Conv2D(4, 3)(x)  # somebody else reads it too
    active = keras.layers.Conv2D(4, 3, activation="relu")(x)
    other_axis = keras.layers.Conv2D(6, 3)(x)
    outputs = [
        shared,
        keras.layers.BatchNormalization()(shared),
        keras.layers.BatchNormalization()(active),
        keras.layers.BatchNormalization(axis=1)(other_axis),
        keras.layers.BatchNormalization()(x),
        keras.layers.BatchNormalization(scale=False, center=False)(keras.layers.Dense(5)(x)),
    ]
    model = keras.Model(x, outputs)
    shake(model)
    model.trainable = False
    copy = fold(model)
    assert len(norms(copy)) == 4
    images = np.random.default_rng(1).uniform(-1, 1, (4, 8, 8, 3)).astype("float32")
    for expected, answer in zip(model(images), copy(images), strict=True):
        np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-5)


def test_layers_of_a_class_of_their_own_are_left():
    class Standardised(keras.layers.Conv2D):
        def call(self, inputs):
            return super().call(inputs) * 2

    x = keras.Input((8, 8, 3))
    lora = keras.layers.Dense(4, use_bias=False)
    outputs = [
        keras.layers.BatchNormalization()(Standardised(4, 3)(x)),
        keras.layers.BatchNormalization()(lora(x)),
    ]
    model = keras.Model(x, outputs)
    lora.enable_lora(2)
    model.trainable = False
    assert len(norms(fold(model))) == 2


def test_what_learns_is_folded_for_inference_only():
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(x)))
    shake(model)
    assert len(norms(fold(model))) == 1
    copy = fold(model, inference=True)
    assert not norms(copy) and len(norms(model)) == 1
    images = np.random.default_rng(1).uniform(-1, 1, (4, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(copy(images), model(images, training=False), rtol=1e-4, atol=1e-5)
