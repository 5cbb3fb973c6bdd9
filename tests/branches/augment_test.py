"""Pictures changed in training, and in nothing else."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.branches.augment import AUGMENTATIONS, Augment

SIZE = (16, 16)
FLIP = [keras.layers.RandomFlip("horizontal", seed=0)]
KINDS = {
    **{name: make for name, make in AUGMENTATIONS.items()},
    "rand_augment": lambda: [keras.layers.RandAugment(seed=0)],
    "crop": lambda: [keras.layers.ZeroPadding2D(2), keras.layers.RandomCrop(*SIZE)],
    "colour": lambda: [keras.layers.RandomColorJitter(brightness_factor=0.9, hue_factor=0.5)],
    "smaller crop": lambda: [keras.layers.RandomCrop(12, 12), keras.layers.Resizing(*SIZE)],
    "pipeline": lambda: [keras.layers.Pipeline([keras.layers.RandomFlip("horizontal", seed=0)])],
}


def pictures(rows=8):
    pixels = np.random.default_rng(0).uniform(0, 255, (rows, *SIZE, 3)).astype("float32")
    pixels[1] = -1
    return pixels


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_stay_pixels_and_absent_stays_absent(kind):
    keras.utils.set_random_seed(0)
    layer, pixels = Augment(KINDS[kind]()), pictures()
    runs = [np.asarray(layer(pixels, training=True)) for _ in range(6)]
    assert all(np.array_equal(run[1], pixels[1]) for run in runs)
    assert all(run.min() == -1 and run.max() <= 255 and run[0].min() >= 0 for run in runs)
    assert any(not np.array_equal(run[0], pixels[0]) for run in runs)
    assert any(not np.array_equal(run, runs[0]) for run in runs)
    for said in ({}, {"training": False}):
        assert np.array_equal(layer(pixels, **said), pixels)


def test_a_pipeline_of_keras_is_its_layers():
    layer = Augment([keras.layers.Pipeline([keras.layers.RandomFlip(), *KINDS["crop"]()])])
    again = Augment.from_config(layer.get_config())
    for one in (layer, again):
        names = [type(inner).__name__ for inner in one.layers]
        assert names == ["RandomFlip", "ZeroPadding2D", "RandomCrop"]
    with pytest.raises(ValueError, match="MixUp mixes pictures and labels"):
        Augment([keras.layers.Pipeline([keras.layers.MixUp(0.2)])])


def test_a_branch_augments_in_training_only():
    keras.utils.set_random_seed(0)
    plain = fk.image_branch("small_cnn", image_size=(32, 32)).encoder
    changed = fk.image_branch("small_cnn", image_size=(32, 32), augment="light").encoder
    changed.set_weights(plain.get_weights())
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    asked = changed(pixels)["pooled_output"]
    np.testing.assert_array_equal(asked, plain(pixels)["pooled_output"])
    plain.trainable = changed.trainable = False  # BatchNorm stands still
    seen = [changed(pixels, training=True)["pooled_output"].numpy() for _ in range(2)]
    assert not np.array_equal(seen[0], asked) and not np.array_equal(*seen)


def test_in_half_precision_pixels_are_not_rounded():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = Augment([keras.layers.RandomBrightness(0.1)])
        pixels = pictures()
        assert layer(pixels).dtype == tf.float32 and np.array_equal(layer(pixels), pixels)
        assert layer(pixels, training=True).dtype == tf.float32
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.slow
def test_saved_with_it_and_exported_without(tmp_path, rows):
    branch = fk.image_branch("small_cnn", image_size=(32, 32), augment=[*FLIP, *KINDS["light"]()])
    model = fk.build_classifier([branch], num_classes=2)
    serving = fk.end_to_end(model, fk.build_preprocessor([branch]), ["a", "b"])
    expected = serving({"image": rows["image"]}, training=False)["probabilities"]
    serving.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    found = loaded({"image": rows["image"]}, training=False)["probabilities"]
    np.testing.assert_array_equal(found, expected)
    (layer,) = [one for one in loaded._flatten_layers() if isinstance(one, Augment)]
    kinds = [type(one).__name__ for one in layer.layers]
    assert kinds[:2] == ["RandomFlip", "RandomTranslation"] and len(kinds) == 6
    fk.export(serving, tmp_path / "saved", explain=False, verify=False)
    graph = tf.saved_model.load(str(tmp_path / "saved" / "1")).signatures["serving_default"].graph
    functions = graph.as_graph_def().library.function
    operations = {node.op for one in functions for node in one.node_def}
    assert "Conv2D" in operations
    assert not [name for name in operations if "Random" in name or "ImageProjective" in name]
    served = fk.load(tmp_path / "saved")
    answers = [fk.predict(served, {"image": one}) for one in rows["image"].numpy()]
    found = [list(answer["probabilities"].values()) for answer in answers]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


WRONG = {
    "name": ("lihgt", ValueError, "Unknown augmentation.*Did you mean 'light'"),
    "type": (keras.layers.RandomFlip(), TypeError, "Wrong type of augmentation.*list of Keras"),
    "no layer": ([np.fliplr], TypeError, "What is no layer cannot augment"),
    "mixing": ([keras.layers.MixUp()], ValueError, r"MixUp mixes pictures and labels.*mix=\.\.\."),
    "size": (
        [keras.layers.RandomCrop(20, 20)],
        ValueError,
        r"pictures of \(20, 20\) out of those of \(32, 32\).*Resizing\(32, 32\) at the end",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_augmentation(name):
    augment, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        fk.image_branch("small_cnn", image_size=(32, 32), augment=augment)
