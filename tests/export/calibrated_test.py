"""Calibration and "unsure" in what is exported."""

import json

import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.export.loading import as_served
from fusionkeras.models.parts import parts_of

WORDS = ["red", "blue", "green", "grey"]
ROWS = [{"text": " ".join(WORDS[:count])} for count in (1, 2, 3, 4)]
MEASURED = {"method": "vector", "rows": 4}


@pytest.fixture(scope="module")
def models():
    """What is served of a model, without and with a calibration and a probability to be unsure."""
    branch = fk.lstm_branch(WORDS, 4, units=4)
    model, preprocessor = (
        fk.build_classifier([branch], num_classes=3),
        fk.build_preprocessor([branch]),
    )
    layer = fk.Calibration([9.0, 1.0, 1.0], [0.0, 0.1, 0.0], measured=MEASURED)
    plain = fk.end_to_end(model, preprocessor, list("abc"))
    p = fk.predict(fk.end_to_end(model, preprocessor, list("abc"), calibration=layer), ROWS)
    unsure = float(np.mean(sorted(row["probability"] for row in p)[1:3]))
    more = {"calibration": layer, "unsure": unsure}
    return plain, fk.end_to_end(model, preprocessor, list("abc"), **more)


@pytest.fixture(scope="module")
def folder(models, tmp_path_factory):
    place = tmp_path_factory.mktemp("calibrated") / "x"
    return fk.export(models[1], place, examples=ROWS, verify=False)


def labels(answers):
    return [row["label"] for row in answers]


def test_it_answers_as_keras_does(models, folder):
    expected, found = fk.predict(models[1], ROWS), fk.predict(fk.load(folder), ROWS)
    assert labels(expected) == labels(found) and labels(found).count("unsure") == 2
    for one, other, plain in zip(expected, found, fk.predict(models[0], ROWS), strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], rel=1e-5)
        assert one["probability"] == max(one["probabilities"].values())
        assert one["probabilities"]["a"] < 0.01 < plain["probabilities"]["a"]


@pytest.mark.slow
def test_it_answers_so_where_only_tensorflow_is(folder):
    found = fk.verify(folder)
    assert found["largest_difference"] < 1e-5 and found["other_labels"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["int8", "float16"])
def test_in_short_numbers(models, quantize, tmp_path):
    version = fk.export(
        models[1], tmp_path / "x", quantize=quantize, fold=True, explain=False, verify=False
    )
    expected = fk.predict(models[1], ROWS)
    for one, other in zip(expected, fk.predict(fk.load(version), ROWS), strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-2)


def test_what_it_says_of_itself(models, folder):
    (head,) = json.loads((folder / "model_card.json").read_text())["heads"].values()
    unsure = models[1].layers[-1].unsure
    assert head == {
        "task": "classification",
        "class_names": list("abc"),
        "calibration": {**MEASURED, "scale": [9.0, 1.0, 1.0], "bias": [0.0, 0.1, 0.0]},
        "unsure": unsure,
    }
    assert as_served(models[1]).unsure == unsure and as_served(models[0]).unsure is None
    loaded = fk.load(folder)
    assert loaded.unsure == pytest.approx(unsure) and loaded.class_names == list("abc")
    assert (folder / "labels.txt").read_text() == "a\nb\nc\n"
    parts = parts_of(models[1])
    assert len(parts.answers) == 1 and parts.model.output.shape == (None, 3)


@pytest.mark.slow
def test_evaluate_says_how_many_are_answered(models, folder):
    truth = np.array([0, 1, 2, 1])
    data = tf.data.Dataset.from_tensors(({"text": [row["text"] for row in ROWS]}, truth))
    found = [fk.evaluate(model, data) for model in (models[1], fk.load(folder))]
    assert found[0].answered == found[1].answered == 0.5
    assert found[0].accuracy_answered == found[1].accuracy_answered
    assert found[0].log_loss == pytest.approx(found[1].log_loss, rel=1e-5)
    plain = fk.evaluate(models[0], data)
    assert plain.answered == 1 and plain.log_loss != pytest.approx(found[0].log_loss, rel=1e-2)
    assert plain.unsure is None


def test_of_several_heads(tmp_path):
    branch = fk.lstm_branch(WORDS, 4, units=4)
    heads = {"kind": fk.ClassificationHead(2), "size": fk.ClassificationHead(3)}
    model, preprocessor = fk.build_model([branch], heads=heads), fk.build_preprocessor([branch])
    names = {"kind": ["no", "yes"], "size": list("123")}
    served = fk.end_to_end(
        model, preprocessor, names, calibration={"size": fk.Calibration(2.0)}, unsure={"kind": 1.0}
    )
    version = fk.export(served, tmp_path / "x", explain=False, verify=False)
    loaded, card = fk.load(version), json.loads((version / "model_card.json").read_text())
    assert loaded.unsure == {"kind": 1.0}
    assert fk.predict(loaded, ROWS[0])["kind"]["label"] == "unsure"
    assert fk.predict(loaded, ROWS[0])["size"]["label"] in "123"
    assert card["heads"]["kind"]["calibration"] is None and card["heads"]["kind"]["unsure"] == 1
    assert card["heads"]["size"]["calibration"] == {"scale": 2.0, "bias": 0.0}
