"""Models of one head of every task, and of several heads."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.heads import HEADS, heads_of
from fusionkeras.heads.ordinal import rank_probabilities
from fusionkeras.models.answers import ANSWERS, NamedLabels, NamedProbabilities

WORDS = ["red", "circle", "blue"]
TEXTS = {"text": tf.constant(["a red circle", "", "blue blue", "the circle"])}
IDS = [np.array([[2, 3, 0], [4, 0, 0]])]


def heads():
    return {
        "kind": fk.ClassificationHead(2),
        "genres": fk.MultilabelHead(3),
        "price": fk.RegressionHead(50.0, 20.0),
        "stars": fk.OrdinalHead(4),
    }


NAMES = {"kind": ["no", "yes"], "genres": ["a", "b", "ü"], "price": None, "stars": list("1234")}


def text():
    return fk.lstm_branch(WORDS, 3, units=4)


def serving(head, names=None, thresholds=None):
    branch = text()
    model, preprocessor = fk.build_model([branch], heads=head), fk.build_preprocessor([branch])
    return model, preprocessor, fk.end_to_end(model, preprocessor, names, thresholds)


def test_every_task_is_answered():
    assert set(ANSWERS) == set(HEADS) == {head.task for head in heads().values()}


def test_several_heads_share_the_trunk():
    model = fk.build_model([text()], heads=heads(), hidden_dims=[4], dropout=0.1)
    assert {name: x.shape[1:] for name, x in model(IDS).items()} == {
        "kind": (1,), "genres": (3,), "price": (1,), "stars": (3,)
    }  # fmt: skip
    assert list(heads_of(model)) == list(model.output) and set(model.output) == set(heads())
    assert [layer.name for layer in model.layers if "hidden" in layer.name] == [
        "hidden_0_dropout", "hidden_0"
    ]  # fmt: skip


def test_one_head_in_a_dict_answers_by_name():
    model = fk.build_model([text()], heads={"price": fk.RegressionHead()})
    assert list(model(IDS)) == ["price"] == list(heads_of(model))


def test_without_heads_it_is_a_classifier():
    model = fk.build_model([text()])
    assert model.output_shape == (None, 1) and model.name == "model"
    assert fk.build_model([text()], heads=fk.RegressionHead()).layers[-1].name == "value"


def test_models_of_one_head_share_nothing():
    head = fk.RegressionHead(5.0, 2.0)
    models = [fk.build_model([text()], heads=head) for _ in range(2)]
    assert not head.built and models[0].layers[-1] is not models[1].layers[-1]
    assert models[0].layers[-1].mean == 5.0


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ("classification", TypeError, r"Wrong heads. Expected a Head, such as"),
        ({}, TypeError, "Wrong heads"),
        ({"a": 3}, TypeError, "Wrong heads"),
        ({"the kind": fk.ClassificationHead(2)}, ValueError, "A head cannot be named 'the kind'"),
        ({"1": fk.ClassificationHead(2)}, ValueError, "letters, digits and _, a letter first"),
        ({"fusion": fk.ClassificationHead(2)}, ValueError, "layer of the model is named 'fusion'"),
        (fk.ClassificationHead(2, name="fusion"), ValueError, "head='fusion'. Rename the head"),
    ],
)
def test_wrong_heads(wrong, error, message):
    with pytest.raises(error, match=message):
        fk.build_model([text()], heads=wrong)


# Raw columns in


@pytest.mark.parametrize("name", heads())
def test_one_head_served(name, tmp_path):
    model, preprocessor, served = serving(heads()[name], NAMES[name])
    scores, answer = model(preprocessor(TEXTS)).numpy(), served(TEXTS)
    if name == "price":
        assert list(answer) == ["value"]
        np.testing.assert_array_equal(answer["value"], scores[:, 0])
    else:
        expected = {
            "kind": lambda: np.hstack([1 - scores, scores]),
            "genres": lambda: scores,
            "stars": lambda: rank_probabilities(scores),
        }[name]()
        np.testing.assert_allclose(answer["probabilities"], expected, rtol=1e-6)
        assert set(answer) == {"label", "probabilities"}
    if name in ("kind", "stars"):
        best = np.argmax(answer["probabilities"], axis=-1)
        assert [x.decode() for x in answer["label"].numpy()] == [NAMES[name][i] for i in best]
    served.save(tmp_path / "x.keras")
    again = keras.models.load_model(tmp_path / "x.keras")(TEXTS)
    for key in answer:
        np.testing.assert_array_equal(again[key], answer[key])


def test_several_heads_served():
    model, preprocessor, served = serving(heads(), NAMES, {"genres": [0.1, 0.9, 0.5]})
    answer = served(TEXTS)
    assert {key: tensor.shape for key, tensor in answer.items()} == {
        "kind_label": (4,), "kind_probabilities": (4, 2), "genres_label": (4,),
        "genres_probabilities": (4, 3), "price_value": (4,), "stars_label": (4,),
        "stars_probabilities": (4, 4),
    }  # fmt: skip
    np.testing.assert_array_equal(
        answer["price_value"], model(preprocessor(TEXTS))["price"].numpy()[:, 0]
    )
    assert {head.task for head in heads_of(served).values()} == set(HEADS)


def test_labels_apply_above_their_thresholds():
    answer = NamedLabels(["a", "b", "ü"], [0.5, 0.2, 0.9])
    scores = tf.constant([[0.6, 0.3, 0.95], [0.5, 0.2, 0.9], [0.0, 0.3, 0.95], [0.6, 0, 0]])
    labels = [x.decode() for x in answer(scores)["label"].numpy()]
    assert labels == ["a|b|ü", "", "b|ü", "a"]
    assert NamedLabels(["a", "b"]).thresholds == [0.5, 0.5]
    tuned = np.array([0.1, 1 / 3], "float32")  # as it is compared, bit for bit
    layer = NamedLabels.from_config(NamedLabels(["a", "b"], tuned).get_config())
    assert layer(tf.constant([tuned]))["label"].numpy().tolist() == [b""]
    above = np.nextafter(tuned, np.float32(1))
    assert layer(tf.constant([above]))["label"].numpy().tolist() == [b"a|b"]


def test_names_that_would_run_together():
    with pytest.raises(ValueError, match="The names would run together. Expected names without"):
        NamedLabels(["a", "b|c"])


def test_answers_of_the_first_files_are_read():
    config = {"name": "answer", "trainable": True, "class_names": ["a", "b"]}  # without a head
    assert list(NamedProbabilities.from_config(config)(tf.ones((1, 1)))) == [
        "label", "probabilities"
    ]  # fmt: skip


def test_mixed_precision_keeps_answers_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model, preprocessor, served = serving(heads(), NAMES)
        prices = model(preprocessor(TEXTS))["price"]
        assert prices.dtype == served(TEXTS)["price_value"].dtype == tf.float32
        np.testing.assert_allclose(served(TEXTS)["price_value"], prices[:, 0], rtol=1e-6)
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("head", "names", "thresholds", "message"),
    [
        ("kind", None, None, "Wrong class names. Expected two or more distinct names"),
        ("genres", ["a", "b"], None, "tells 3 classes apart. Expected 3 class names"),
        ("genres", ["a", "b", "c"], [0.5, 0.5], r"one number in \[0, 1\], or 3 of them"),
        ("genres", ["a", "b", "c"], 1.5, "Wrong thresholds"),
        ("stars", ["1", "2", "3"], None, "tells 4 classes apart"),
        ("kind", ["a", "b"], 0.5, "Thresholds are for multilabel heads, and this one is of class"),
        ("price", ["a", "b"], None, "Regression has no classes"),
        (None, ["a", "b"], None, "The model has several heads.*class_names="),
        (None, NAMES, {"genre": 0.5}, "Unknown head 'genre'.*Did you mean 'genres'"),
    ],
)
def test_wrong_names_and_thresholds(head, names, thresholds, message):
    with pytest.raises(ValueError, match=message):
        serving(heads()[head] if head else heads(), names, thresholds)
