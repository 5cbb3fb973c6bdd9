"""Auxiliary objectives in a classifier: built, fitted, with frozen encoders run once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.objectives import OBJECTIVES, get_objective

SIZE = (8, 8)
WORDS = ["red", "circle", "blue"]
each = pytest.mark.parametrize("name", ["contrastive", "adversarial"])


def picture_branch():
    """A frozen picture encoder that is quickly built and run."""
    pixels = keras.Input((*SIZE, 3), name="image")
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu")(pixels / 255)
    present = keras.ops.any(pixels > -0.5, axis=(1, 2, 3))
    outputs = {"pooled_output": keras.layers.GlobalAveragePooling2D()(x), "present": present}
    encoder = keras.Model(pixels, outputs, name="image_encoder")
    encoder.trainable = False
    return fk.Branch("image", encoder, fk.DecodeImage(SIZE))


def words_branch():
    ids = keras.Input((4,), name="text_token_ids", dtype="int32")
    vectors = keras.layers.Embedding(5, 5)(ids)
    outputs = {
        "pooled_output": keras.ops.mean(vectors, axis=1),
        "present": keras.ops.any(ids != 0, axis=-1),
    }
    encoder = keras.Model(ids, outputs, name="text_encoder")
    return fk.Branch("text", encoder, fk.WordIds(WORDS, sequence_length=4))


def build(auxiliary, **kwargs):
    keras.utils.set_random_seed(0)
    branches = [picture_branch(), words_branch()]
    return fk.build_classifier(branches, auxiliary=auxiliary, **kwargs)


def arrays(rows=24):
    """Pictures and words, a third of the pictures and one text absent."""
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (rows, *SIZE, 3)).astype("float32")
    images[::3] = -1
    ids = random.integers(1, 5, (rows, 4)).astype("int32")
    ids[1] = 0
    return {"image": images, "text_token_ids": ids}, random.integers(0, 2, rows)


def batches():
    return tf.data.Dataset.from_tensor_slices(arrays()).batch(8)


@pytest.mark.slow
def test_fit_on_kept_features_is_model_fit(monkeypatch):
    seen, features = [], fk.training.frozen.features.FrozenGroup
    extract = features.extract
    monkeypatch.setattr(
        features, "extract", lambda self, x: seen.append(self.inputs) or extract(self, x)
    )
    results = []
    for fit in (fk.fit, keras.Model.fit):
        model = build([get_objective(name, weight=0.5, dim=8) for name in OBJECTIVES])
        fk.compile_classifier(model, learning_rate=0.01)
        options = {"validation_data": batches(), "epochs": 2, "verbose": 0, "shuffle": False}
        results.append((model, fit(model, batches(), **options).history))
    assert seen and set(seen) == {("image",)}
    (model, history), (other, plain) = results
    assert list(history) == list(plain)
    for key, values in history.items():
        np.testing.assert_allclose(values, plain[key], rtol=1e-5, atol=1e-5)
    for weight, twin in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(weight, twin, rtol=1e-4, atol=1e-5)


@each
def test_the_loss_is_part_of_what_is_minimised(name):
    inputs, labels = arrays()
    model = fk.compile_classifier(build(name))
    plain = keras.losses.BinaryCrossentropy()(labels[:, None], model(inputs))
    (added,) = model.losses
    assert float(added) > 0
    expected = pytest.approx(float(plain + added), rel=1e-5)
    assert model.evaluate(inputs, labels, batch_size=24, verbose=0)[0] == expected


def test_both_at_once(tmp_path):
    model = build(["contrastive", "adversarial"], fusion=fk.Concat(hidden_dim=None))
    inputs, _ = arrays()
    expected = model(inputs)
    assert model.output_shape == (None, 1) and len(model.losses) == 2
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(expected, loaded(inputs))


@each
def test_one_branch_alone_has_nothing_to_do(name):
    with pytest.raises(ValueError, match="has nothing to do: there is one branch alone"):
        fk.build_classifier([words_branch()], auxiliary=name)
