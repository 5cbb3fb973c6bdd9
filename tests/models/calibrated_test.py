"""Calibration and "unsure" in what is served."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.models import with_calibration

TEXTS = {"text": tf.constant(["red", "", "blue blue", "red blue"])}
HEADS = {"kind": fk.ClassificationHead(2), "tags": fk.MultilabelHead(2),
         "price": fk.RegressionHead(50.0, 20.0)}  # fmt: skip
NAMES = {"kind": ["no", "yes"], "tags": ["a", "b"], "price": None}
CALIBRATIONS = {"kind": fk.Calibration(3.0, 0.2, exclusive=False),
                "tags": fk.Calibration([2.0, 0.5], [0.1, -0.1], exclusive=False)}  # fmt: skip


def built(heads):
    branch = fk.lstm_branch(["red", "blue"], 3, units=4)
    return fk.build_model([branch], heads=heads), fk.build_preprocessor([branch])


def names_of(labels):
    return [name.decode() for name in labels.numpy()]


def test_probabilities_are_calibrated_and_saved(tmp_path):
    model, preprocessor = built(fk.ClassificationHead(3))
    layer = fk.Calibration([2.0, 1.0, 0.5], [0.0, 0.3, 0.0])
    served = fk.end_to_end(model, preprocessor, list("abc"), calibration=layer)
    scores = model(preprocessor(TEXTS))
    np.testing.assert_array_equal(served(TEXTS)["probabilities"], layer(scores))
    plain = keras.Model(model.inputs, layer(model.output))  # as in README
    again = fk.end_to_end(plain, preprocessor, list("abc"))
    np.testing.assert_array_equal(again(TEXTS)["probabilities"], layer(scores))
    served.save(tmp_path / "x.keras")
    loaded = fk.load(tmp_path / "x.keras")
    for key, expected in served(TEXTS).items():
        np.testing.assert_array_equal(loaded(TEXTS)[key], expected)
    assert model(preprocessor(TEXTS)).numpy().tolist() == scores.numpy().tolist()


def test_several_heads():
    model, preprocessor = built(HEADS)
    served = fk.end_to_end(model, preprocessor, NAMES, {"tags": 0.3}, CALIBRATIONS, {"kind": 0.9})
    found, scores = served(TEXTS), model(preprocessor(TEXTS))
    kind = CALIBRATIONS["kind"](scores["kind"]).numpy()
    np.testing.assert_array_equal(found["kind_probabilities"], np.hstack([1 - kind, kind]))
    np.testing.assert_array_equal(found["tags_probabilities"], CALIBRATIONS["tags"](scores["tags"]))
    np.testing.assert_array_equal(found["price_value"], scores["price"][:, 0])
    assert set(names_of(found["kind_label"])) == {"unsure"}
    assert with_calibration(model).output == model.output


@pytest.mark.parametrize("classes", [2, 3])
def test_below_a_probability_it_is_unsure(classes, tmp_path):
    model, preprocessor = built(fk.ClassificationHead(classes))
    names = list("abc")[:classes]
    sure = fk.end_to_end(model, preprocessor, names)(TEXTS)
    p = sure["probabilities"].numpy().max(axis=-1)
    limit = float(np.median(p))  # of four rows between two
    served = fk.end_to_end(model, preprocessor, names, unsure=limit)
    served.save(tmp_path / "x.keras")
    for one in (served, fk.load(tmp_path / "x.keras")):
        found = one(TEXTS)
        expected = np.where(p >= np.float32(limit), names_of(sure["label"]), "unsure")
        assert names_of(found["label"]) == expected.tolist()
        assert 0 < (expected == "unsure").sum() < 4
        np.testing.assert_array_equal(found["probabilities"], sure["probabilities"])
    at = fk.end_to_end(model, preprocessor, names, unsure=p.max())(TEXTS)
    assert names_of(at["label"])[p.argmax()] != "unsure"  # from there on


WRONG = {
    "of ranks": (fk.OrdinalHead(3), {"calibration": fk.Calibration()}, ValueError,
                 "The calibration is not for this head of ordinal"),
    "of labels": (fk.MultilabelHead(3), {"calibration": fk.Calibration()}, ValueError,
                  "not for this head of multilabel. Expected what calibrate returns"),
    "of two classes": (fk.ClassificationHead(2), {"calibration": fk.Calibration()}, ValueError,
                       "not for this head of classification"),
    "no calibration": (fk.ClassificationHead(3), {"calibration": 0.5}, TypeError,
                       "This is no calibration. Expected what calibrate returns"),
    "by head": (HEADS, {"calibration": fk.Calibration()}, ValueError,
                "The model has several heads.*calibration="),
    "unknown head": (HEADS, {"unsure": {"kin": 0.5}}, ValueError, "Unknown head 'kin'"),
    "unsure of labels": (fk.MultilabelHead(3), {"unsure": 0.5}, ValueError,
                         "Unsure is for classification heads, and this one is of multilabel"),
    "unsure of ranks": (fk.OrdinalHead(3), {"unsure": 0.5}, ValueError, "Unsure is for class"),
    "no probability": (fk.ClassificationHead(3), {"unsure": 1.5}, ValueError,
                       r"Wrong probability below which nothing is answered. Expected a number in"),
    "no number": (fk.ClassificationHead(3), {"unsure": "a"}, ValueError, "Wrong probability"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name):
    heads, arguments, error, message = WRONG[name]
    model, preprocessor = built(heads)
    names = NAMES if heads is HEADS else list("abc")
    with pytest.raises(error, match=message):
        fk.end_to_end(model, preprocessor, names, **arguments)


def test_no_class_is_called_unsure():
    model, preprocessor = built(fk.ClassificationHead(2))
    names = ["sure", "unsure"]
    assert fk.end_to_end(model, preprocessor, names)(TEXTS)["label"].shape == (4,)
    with pytest.raises(ValueError, match="A class is called 'unsure', as is what is not answered"):
        fk.end_to_end(model, preprocessor, names, unsure=0.5)
