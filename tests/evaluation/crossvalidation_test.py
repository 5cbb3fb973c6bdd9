"""Cross-validation: folds, features computed once, answers in order, intervals."""

import json
import os

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import fusionkeras as fk
from fusionkeras.evaluation import (
    ClassificationReport,
    CrossValidationReport,
    HeadReports,
    RegressionReport,
    cross_validate,
)
from fusionkeras.evaluation.crossvalidation import _draw, _warn_of_classes
from fusionkeras.training.frozen.features import FrozenGroup


def words(train, seen=None):
    """A text branch that is quickly traced, with the vocabulary of the rows of training."""
    vocabulary = fk.learn_vocabulary(train, "text")
    if seen is not None:
        seen.append(set(vocabulary))
    ids = keras.Input((2,), name="text_token_ids", dtype="int32")
    outputs = {
        "pooled_output": keras.layers.Flatten()(
            keras.layers.Embedding(len(vocabulary) + 2, 4)(ids)
        ),
        "present": keras.ops.any(ids != 0, axis=-1),
    }
    encoder = keras.Model(ids, outputs, name="text_encoder")
    return fk.Branch("text", encoder, fk.WordIds(vocabulary, sequence_length=2))


def build(train, seen=None):
    branches = [words(train, seen)]
    model = fk.build_model(branches, heads=fk.heads_for(train))
    return fk.compile_model(model, learning_rate=0.05), fk.build_preprocessor(branches)


def table(rows=30, label="label", **arguments):
    frame = pd.DataFrame(
        {
            "text": [f"{'red' if row % 3 else 'blue'} w{row}" for row in range(rows)],
            "label": ["warm" if row % 3 else "cold" for row in range(rows)],
            "price": [float(row % 3) for row in range(rows)],
            "owner": [f"o{row // 4}" for row in range(rows)],
        }
    )
    return fk.read_table(frame, {"text": "text"}, label, split=(1, 0, 0), **arguments).train


@pytest.mark.slow
def test_every_row_is_answered_once_by_a_model_that_has_not_seen_it():
    rows, seen = table(), []
    report = cross_validate(
        lambda train: build(train, seen), rows, folds=2, seed=2, epochs=30, verbose=0
    )
    assert len(report.reports) == 2 and np.bincount(report.folds).tolist() == [15, 15]
    for fold, vocabulary in enumerate(seen):
        held_out = {f"w{row}" for row in rows.rows[report.folds == fold]}
        assert len(held_out) == 15 and not held_out & vocabulary and len(vocabulary) == 17
        found = report.reports[fold]
        assert isinstance(found, ClassificationReport)
        np.testing.assert_array_equal(found.labels, rows.labels[report.folds == fold])
        np.testing.assert_array_equal(found.probabilities, report.predictions[report.folds == fold])
    assert report.predictions.shape == (30, 2)
    assert np.mean(report.predictions.argmax(1) == rows.labels) > 0.9
    assert report.summary()["accuracy"]["mean"] > 0.9


@pytest.mark.slow
def test_the_same_seed_gives_the_same_report():
    rows = table(label="price", task="regression")
    one, same = (cross_validate(build, rows, folds=2, seed=1, verbose=0) for _ in range(2))
    assert isinstance(one.reports[0], RegressionReport) and one.predictions.shape == (30,)
    np.testing.assert_array_equal(one.folds, same.folds)
    np.testing.assert_array_equal(one.predictions, same.predictions)
    assert not np.array_equal(one.folds, _draw(rows, 2, None, seed=2))


def test_groups_are_those_of_the_table_or_those_said():
    owners = np.arange(30) // 4
    said = [f"o{one}" for one in owners]
    for folds in (_draw(table(groups="owner"), 2, None, 0), _draw(table(), 2, said, 0)):
        assert all(len(set(folds[owners == one])) == 1 for one in owners)
        assert abs(np.bincount(folds)[0] - 15) <= 4


@pytest.mark.slow
def test_quantities_and_several_heads():
    label = {"label": "classification", "price": "regression"}
    report = cross_validate(build, table(label=label), folds=2, verbose=0)
    assert all(isinstance(found, HeadReports) for found in report.reports)
    assert report.predictions["label"].shape == (30, 2)
    assert report.predictions["price"].shape == (30,)
    names = set(report.summary())
    assert {"label accuracy", "price mae"} <= names and not [x for x in names if "rows" in x]
    assert "price rmse" in str(report)


def image_branch():
    """A frozen picture encoder whose weights are the same in every fold."""
    pixels = keras.Input((16, 16, 3), name="image")
    start = keras.initializers.GlorotUniform(seed=0)
    grid = keras.layers.Conv2D(4, 3, strides=2, kernel_initializer=start)(pixels)
    outputs = {
        "pooled_output": keras.layers.GlobalAveragePooling2D()(grid),
        "present": keras.ops.any(pixels > -0.5, axis=(1, 2, 3)),
    }
    encoder = keras.Model(pixels, outputs, name="image_encoder")
    encoder.trainable = False
    return fk.Branch("image", encoder, fk.DecodeImage((16, 16)))


def build_pair(train):
    branches = [image_branch(), words(train)]
    model = fk.compile_model(fk.build_classifier(branches))
    return model, fk.build_preprocessor(branches)


@pytest.fixture
def pictures(statements):
    columns = {"image": "image", "text": "text"}
    return fk.read_table(statements, columns, label="label", split=(1, 0, 0)).train


@pytest.mark.slow
def test_frozen_encoders_run_once_over_all_folds(pictures, monkeypatch):
    counts, ahead, extract = [], [], FrozenGroup.extract

    def counted(self, inputs):
        counts.append(len(inputs["image"]))
        return extract(self, inputs)

    def watched(train):
        ahead.append(sum(counts))
        return build_pair(train)

    monkeypatch.setattr(FrozenGroup, "extract", counted)
    report = cross_validate(watched, pictures, folds=2, epochs=2, verbose=0)
    assert ahead == [0, 60] and sum(counts) == 60
    plain = cross_validate(build_pair, pictures, folds=2, epochs=2, verbose=0, cache=False)
    assert sum(counts) == 60
    np.testing.assert_allclose(report.predictions, plain.predictions, atol=1e-4)


@pytest.mark.slow
def test_a_picture_that_vanishes_is_a_failure_of_the_table(pictures, tmp_path):
    gone = pictures.columns["image"][7]
    os.rename(gone, f"{gone}.away")
    try:
        report = cross_validate(build_pair, pictures, folds=2, verbose=0)
    finally:
        os.rename(f"{gone}.away", gone)
    assert [(failure["row"], failure["reason"]) for failure in pictures.failures] == [
        (7, "missing_file")
    ]
    assert sum(found.rows for found in report.reports) == 59
    assert len(report.predictions) == 60 and np.isfinite(report.predictions).all()


def test_a_class_of_a_single_fold_is_told_of(caplog):
    rows = pd.DataFrame({"text": ["red", "blue"] * 5, "label": ["a", "b"] * 4 + ["a", "c"]})
    rows = fk.read_table(rows, {"text": "text"}, label="label", split=(1, 0, 0)).train
    _warn_of_classes(rows, _draw(rows, 2, None, seed=0))
    assert "All rows of ['c'] are in one fold, whose model has not seen any" in caplog.text


def reports(values):
    return [RegressionReport(np.zeros(4), np.full(4, value)) for value in values]


def test_the_interval_is_that_of_the_equation():
    values = np.array([0.5, 0.7, 0.4, 0.9, 0.6])
    found = CrossValidationReport(reports(values), np.arange(20) % 5, np.zeros(20))
    variance = (1 / 5 + 4 / 16) * values.var(ddof=1)  # 4 rows held out, 16 of training
    for level in (0.95, 0.8):
        expected = stats.t.interval(level, df=4, loc=values.mean(), scale=np.sqrt(variance))
        assert found.interval("mae", level) == pytest.approx(expected)
    naive = stats.t.interval(0.95, df=4, loc=values.mean(), scale=stats.sem(values))
    assert np.diff(found.interval("mae"))[0] == pytest.approx(1.5 * np.diff(naive)[0])
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["rows"] == 20 and len(told["folds"]) == 5
    assert told["metrics"]["mae"]["mean"] == pytest.approx(0.62)
    assert told["metrics"]["mae"]["std"] == pytest.approx(values.std(ddof=1))
    assert told["metrics"]["mae"]["interval"] == pytest.approx(found.interval("mae"))
    assert str(found).splitlines()[0] == "20 rows in 5 folds"
    assert "0.5000 0.7000 0.4000 0.9000 0.6000" in str(found)


def test_what_a_fold_cannot_tell_is_none():
    one = RegressionReport(np.zeros(1), np.ones(1))  # too few rows for R2
    found = CrossValidationReport([*reports([0.5]), one], np.arange(5) % 2, np.zeros(5))
    told = found.summary()["r2"]
    assert told == {"mean": None, "std": None, "interval": [None, None]}
    assert found.summary()["mae"]["mean"] == 0.75 and "nan" in str(found)
    json.dumps(found.as_dict(), allow_nan=False)


WRONG = [
    ({"table": "posts.csv"}, TypeError, "Wrong type of table. Expected a Table"),
    ({"folds": 1}, ValueError, "number of folds is too small"),
    ({"folds": 31}, ValueError, r"fewer rows .30. than folds. Expected at least one for each"),
    ({"groups": np.arange(30) // 15, "folds": 3}, ValueError, r"fewer groups .2. than folds"),
    ({"groups": [1, 2]}, ValueError, "Wrong groups. Expected a value for each of the 30 rows"),
    ({"groups": "owner"}, ValueError, r"Or read the table with read_table\(groups=COLUMN\)"),
    ({"groups": [None] * 30}, ValueError, "Wrong groups"),
    ({"build": lambda train: build(train)[0]}, TypeError, r"Expected \(model, preprocessor\)"),
]


@pytest.mark.parametrize("arguments, kind, message", WRONG)
def test_wrong_arguments(arguments, kind, message):
    arguments = {"build": build, "table": table(), **arguments}
    with pytest.raises(kind, match=message):
        cross_validate(**arguments)
