import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk

SMALL = {"weights": None, "image_size": (32, 32)}
WORDS = ["red", "circle", "blue"]


def arrays(rows=8, length=6, ids=50):
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (rows, 32, 32, 3)).astype("float32")
    return [images, random.integers(2, ids, (rows, length))], random.integers(0, 2, rows)


def build(name, preset, **kwargs):
    text = {"vocabulary_size": 50} if "lstm" in name else {"preset": preset}
    return getattr(fk, f"build_{name}")(sequence_length=6, **SMALL, **text, **kwargs)


NAMED = ["resnet50_lstm", "vgg16_lstm", "resnet50_bert", "vgg16_bert"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_named_systems_are_plain_models_that_take_arrays(name, preset):
    model = build(name, preset)
    assert type(model) is keras.Model or type(model).__name__ == "Functional"
    frozen = {"image"} | ({"text"} if "bert" in name else set())
    before = {branch: model.get_layer(f"{branch}_encoder").get_weights() for branch in frozen}
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    inputs, labels = arrays()
    history = model.fit(inputs, labels, epochs=2, validation_split=0.25, verbose=0)
    assert len(history.history["val_accuracy"]) == 2
    assert model.output_shape == (None, 1)
    for branch, weights in before.items():  # BatchNorm's statistics included
        for old, new in zip(
            weights, model.get_layer(f"{branch}_encoder").get_weights(), strict=True
        ):
            np.testing.assert_array_equal(old, new)


def test_defaults_are_those_of_the_recipes(preset):
    model = build("resnet50_lstm", preset)
    text = model.get_layer("text_encoder")
    assert text.get_layer("embedding").output.shape[-1] == 300
    assert text.get_layer("lstm").units == 128
    assert [layer.name for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [
        "probabilities"
    ]
    assert model.get_layer("fusion").hidden_dim == 128
    model = build("vgg16_lstm", preset)
    text = model.get_layer("text_encoder")
    assert text.get_layer("embedding").output.shape[-1] == 128
    assert text.get_layer("lstm").units == 64
    assert [model.get_layer(f"hidden_{i}").units for i in (0, 1)] == [64, 32]


def test_more_classes_give_softmax(preset):
    model = build("vgg16_lstm", preset, num_classes=5, hidden_dims=(), hidden_dim=None, dropout=0.2)
    inputs, _ = arrays()
    probabilities = model.predict(inputs, verbose=0)
    assert probabilities.shape == (8, 5)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-5)
    assert model.get_layer("head_dropout").rate == 0.2


def test_the_named_systems_are_the_general_builder(preset):
    named = build("resnet50_lstm", preset, num_classes=3)
    branches = [
        fk.image_branch("resnet50", **SMALL),
        fk.lstm_branch(vocabulary_size=50, sequence_length=6, embedding_dim=300),
    ]
    general = fk.build_classifier(branches, num_classes=3)
    general.set_weights(named.get_weights())
    inputs, _ = arrays()
    np.testing.assert_array_equal(general(inputs), named(inputs))


def test_one_branch_and_many():
    front, back = (
        fk.image_branch("small_cnn", image_size=(32, 32), name=name) for name in ("front", "back")
    )
    text = fk.lstm_branch(WORDS, 6)
    assert [x.name for x in fk.build_classifier(text).inputs] == ["text_token_ids"]
    assert [x.name for x in fk.build_classifier([front]).inputs] == ["front"]
    model = fk.build_classifier([text, front, back], num_classes=4)
    assert [x.name for x in model.inputs] == ["text_token_ids", "front", "back"]


def test_inputs_are_matched_by_name_and_surplus_is_ignored():
    branches = [fk.image_branch("small_cnn", image_size=(32, 32)), fk.lstm_branch(WORDS, 6)]
    model = fk.build_classifier(branches)
    (images, ids), _ = arrays(ids=5)
    by_name = {"zebra": ids, "text_token_ids": ids, "image": images, "a": images}
    np.testing.assert_array_equal(model([images, ids]), model(by_name))


def test_an_absent_input_is_told_apart_and_its_place_learnt():
    branches = [fk.image_branch("small_cnn", image_size=(32, 32)), fk.lstm_branch(WORDS, 6)]
    model = fk.build_classifier(branches, num_classes=3)
    (images, ids), _ = arrays(rows=2, ids=5)
    images[0], ids[1] = -1, 0
    before = model([images, ids]).numpy()
    assert np.isfinite(before).all()
    model.get_layer("fusion").absent["image"].assign(np.ones(128))
    after = model([images, ids]).numpy()
    assert not np.allclose(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


@keras.saving.register_keras_serializable("tests")
class Product(keras.layers.Layer):
    def call(self, features):
        first, *others = (part["pooled_output"] for part in features.values())
        for other in others:
            first = first * other
        return first


def test_parts_of_ones_own_need_no_table(tmp_path):
    numbers = keras.Input((8,), name="numbers")
    features = {"pooled_output": numbers, "present": keras.ops.any(numbers != 0, axis=-1)}
    mine = fk.Branch("numbers", keras.Model(numbers, features, name="numbers_encoder"))
    text = fk.lstm_branch(WORDS, 6, units=8)
    model = fk.build_classifier([text, mine], fusion=Product(), num_classes=3)
    model.save(tmp_path / "x.keras")
    inputs = [np.array([[2, 3, 0, 0, 0, 0]]), np.ones((1, 8))]
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(model(inputs), loaded(inputs))


@pytest.mark.parametrize(
    ("branches", "error", "message"),
    [
        ([], ValueError, "There is no branch"),
        (["resnet50"], TypeError, "This is no branch.*branch='resnet50'"),
        (
            [fk.lstm_branch(WORDS), fk.lstm_branch(WORDS)],
            ValueError,
            r"branches=\['text', 'text'\]",
        ),
    ],
)
def test_wrong_branches_are_an_error(branches, error, message):
    with pytest.raises(error, match=message):
        fk.build_classifier(branches)


class Sequences(keras.layers.Layer):
    """No fusion: it gives (batch, branches, dim)."""

    def call(self, features):
        return keras.ops.stack([own["pooled_output"] for own in features.values()], axis=1)


def two_texts(names=("title", "text")):
    return [fk.lstm_branch(WORDS, 6, units=8, name=name) for name in names]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"fusion": Sequences()}, r"Sequences gives what the model cannot go on with.*dim\)"),
        ({"auxiliary": keras.layers.Identity()}, None),
        ({"auxiliary": Sequences()}, "a dict by branch, of .'text', 'title'."),
        ({"auxiliary": ["contrastive", "contrastive"]}, "An objective is named twice"),
    ],
)
def test_layers_that_are_no_fusion_or_objective(kwargs, message):
    if message is None:
        fk.build_classifier(two_texts(), **kwargs)
        return
    with pytest.raises(ValueError, match=message):
        fk.build_classifier(two_texts(), **kwargs)


@pytest.mark.parametrize("kind", ["fusion", "auxiliary"])
def test_a_layer_that_belongs_to_a_model_of_other_branches(kind):
    layer = fk.Concat() if kind == "fusion" else fk.ContrastiveAlignment()
    fk.build_classifier(two_texts(), **{kind: layer})
    fk.build_classifier(two_texts(), **{kind: layer})
    with pytest.raises(ValueError, match=r"belongs to a model of other branches.*'text', 'title'"):
        fk.build_classifier(two_texts(("title", "body")), **{kind: layer})


@pytest.mark.parametrize("fusion", ["transformer", "bottleneck"])
def test_a_branch_named_like_a_token_of_the_fusion(fusion):
    with pytest.raises(ValueError, match="cannot tell a branch 'itself' from tokens of its own"):
        fk.build_classifier(two_texts(("itself", "text")), fusion)


@pytest.mark.parametrize("name", ["answer", "fusion", "classifier", "contrastive"])
def test_a_branch_named_like_a_layer(name):
    with pytest.raises(ValueError, match=f"A branch cannot be called '{name}'.*Pass name="):
        fk.build_classifier(two_texts((name, "text")), auxiliary="contrastive")


def test_layers_that_are_not_registered_are_passed_to_load(tmp_path):
    text = fk.lstm_branch(WORDS, 6, units=8)
    model = fk.build_classifier([text], fusion=Product(), num_classes=2)
    serving = fk.end_to_end(model, fk.build_preprocessor([text]), ["a", "b"])
    serving.save(tmp_path / "x.keras")
    loaded = fk.load(tmp_path / "x.keras", custom_objects={"Product": Product})
    assert fk.predict(loaded, {"text": "red"}) == fk.predict(serving, {"text": "red"})


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_classes": 1}, "number of classes is too small.*num_classes=1"),
        ({"dropout": 1.0}, r"Wrong dropout. Expected a number in \[0, 1\)"),
        ({"hidden_dims": [0]}, "hidden_dims=0"),
        ({"fusion": "summ"}, "Unknown fusion"),
    ],
)
def test_wrong_numbers_are_an_error(kwargs, message):
    with pytest.raises(ValueError, match=message):
        fk.build_classifier([fk.lstm_branch(WORDS)], **kwargs)


# Raw columns in


def serving(num_classes=3, names=("a", "b", "ü")):
    branches = [fk.image_branch("small_cnn", image_size=(32, 32)), fk.lstm_branch(WORDS, 6)]
    model = fk.build_classifier(branches, num_classes=num_classes)
    preprocessor = fk.build_preprocessor(branches)
    return model, preprocessor, fk.end_to_end(model, preprocessor, names)


def test_end_to_end_is_the_model_behind_the_preprocessor(rows):
    model, preprocessor, served = serving()
    answers = served(rows)
    np.testing.assert_array_equal(answers["probabilities"], model(preprocessor(rows)))
    best = np.argmax(answers["probabilities"], axis=-1)
    assert [x.decode() for x in answers["label"].numpy()] == [["a", "b", "ü"][i] for i in best]


def test_branches_in_any_order_are_served(rows):
    branches = [fk.lstm_branch(["red"], 4), fk.image_branch("small_cnn", image_size=(16, 16))]
    model, preprocessor = fk.build_classifier(branches), fk.build_preprocessor(branches)
    expected = model(preprocessor(rows))
    found = fk.end_to_end(model, preprocessor, ["a", "b"])(rows)["probabilities"]
    np.testing.assert_allclose(found[:, 1:], expected, rtol=1e-6)


def test_two_classes_get_two_probabilities(rows):
    model, preprocessor, served = serving(2, ("no", "yes"))
    p = model(preprocessor(rows)).numpy()
    np.testing.assert_allclose(served(rows)["probabilities"], np.hstack([1 - p, p]))


def test_keras_file_gives_the_same_numbers(rows, tmp_path):
    _, _, served = serving()
    served.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(loaded(rows)["probabilities"], served(rows)["probabilities"])
    assert (loaded.predict(rows, verbose=0)["label"] == served(rows)["label"].numpy()).all()


def test_a_branch_of_arrays_has_no_preprocessor():
    with pytest.raises(ValueError, match="'text' takes arrays only.*Give lstm_branch a vocabulary"):
        fk.build_preprocessor([fk.lstm_branch(vocabulary_size=9)])


@pytest.mark.parametrize("names", [["a"], ["a", "a", "b"], ["a", "b"], "abc", [0, 1, 2]])
def test_wrong_class_names(names):
    with pytest.raises(ValueError, match="class_names="):
        serving(names=names)


def test_a_preprocessor_of_other_branches():
    model, _, _ = serving()
    other = fk.build_preprocessor([fk.lstm_branch(WORDS, 6)])
    with pytest.raises(ValueError, match="does not give the model's input 'image'"):
        fk.end_to_end(model, other, ["a", "b", "c"])


def test_mixed_precision_keeps_the_head_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = fk.build_classifier([fk.lstm_branch(WORDS, 6)], hidden_dims=[4])
        assert model([np.ones((2, 6))]).dtype == tf.float32
    finally:
        keras.config.set_dtype_policy("float32")
