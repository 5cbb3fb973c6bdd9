"""Every number of the reports is scikit-learn's."""

import dataclasses
import json
import math

import numpy as np
import pytest
import sklearn.metrics as sk

from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.evaluation.multilabel import MultilabelReport, best_thresholds
from fusionkeras.evaluation.ordinal import OrdinalReport
from fusionkeras.evaluation.regression import RegressionReport
from fusionkeras.evaluation.several import HeadReports

NAMES = ["a", "b", "c", "d"]


def multilabel(rows=80, seed=0, **arguments):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (rows, 4))
    scores = random.uniform(size=(rows, 4)).astype("float32")
    return MultilabelReport(NAMES, labels, (scores + labels) / 2, **arguments)


@pytest.mark.parametrize("thresholds", [0.5, [0.1, 0.4, 0.6, 1.0]])
def test_multilabel(thresholds):
    found = multilabel(thresholds=thresholds)
    true, p = found.labels, found.probabilities
    given = (p > np.float32(thresholds)).astype(int)
    np.testing.assert_array_equal(found.predictions, given)
    assert found.f1_micro == sk.f1_score(true, given, average="micro")
    assert found.f1_macro == sk.f1_score(true, given, average="macro")
    area = sk.average_precision_score(true, p, average="macro")
    assert found.average_precision == pytest.approx(area, abs=1e-12)
    assert found.exact_match == sk.accuracy_score(true, given)
    for i, row in enumerate(found.per_label.values()):
        assert row["precision"] == sk.precision_score(true[:, i], given[:, i], zero_division=0)
        assert row["recall"] == sk.recall_score(true[:, i], given[:, i])
        assert row["f1"] == sk.f1_score(true[:, i], given[:, i])
        assert row["average_precision"] == sk.average_precision_score(true[:, i], p[:, i])
        assert row["rows"] == true[:, i].sum()
        assert row["threshold"] == np.broadcast_to(thresholds, 4)[i]


def test_multilabel_where_a_label_never_applies():
    found = MultilabelReport(["a", "b"], np.array([[1, 0], [0, 0]]), np.array([[0.9, 0], [0.8, 0]]))
    assert found.average_precision == 1 and found.per_label["b"]["average_precision"] is None
    found = dataclasses.replace(found, labels=np.zeros((2, 2), int))
    assert math.isnan(found.average_precision)
    assert json.loads(json.dumps(found.as_dict()))["average_precision"] is None


@pytest.mark.parametrize("thresholds", ["a", [0.5], [0.5, 2], -0.1, None])
def test_wrong_thresholds(thresholds):
    with pytest.raises(
        ValueError, match=r"Wrong thresholds. Expected one number in \[0, 1\], or 2"
    ):
        MultilabelReport(["a", "b"], np.ones((1, 2)), np.ones((1, 2)), thresholds)


def test_the_best_thresholds_are_the_best_of_all():
    for seed in range(5):
        found = multilabel(seed=seed, rows=30)
        tuned = best_thresholds(found.labels, found.probabilities)
        assert tuned.dtype == np.float32
        grid = np.linspace(0, 1, 2001, dtype="float32")
        for i, threshold in enumerate(tuned):
            true, p = found.labels[:, i], found.probabilities[:, i]
            given = p > grid[:, None]
            best = np.max(2 * np.sum(given & (true == 1), axis=1) / (given.sum(1) + true.sum()))
            assert sk.f1_score(true, p > threshold) == pytest.approx(best, abs=1e-12)


def test_of_equal_thresholds_the_nearest_to_half_is_taken():
    labels, p = np.array([[0, 0, 1], [1, 0, 1]]), np.array([[0.1, 0.9, 0.7], [0.9, 0.8, 0.6]])
    assert best_thresholds(labels, p).tolist() == [0.5, 0.5, 0.5]
    assert best_thresholds([[0], [1]], [[0.6], [0.8]]).tolist() == pytest.approx([0.7])
    assert best_thresholds([[1], [1]], [[0.2], [0.3]]).tolist() == pytest.approx([0.1])


def test_regression():
    random = np.random.default_rng(0)
    true = random.normal(1000, 50, 40).astype("float32")
    found = RegressionReport(true, (true + random.normal(0, 9, 40)).astype("float32"))
    given = found.predictions.astype(float)
    assert found.mae == pytest.approx(sk.mean_absolute_error(true, given), rel=1e-12)
    assert found.rmse == pytest.approx(sk.root_mean_squared_error(true, given), rel=1e-12)
    assert found.r2 == pytest.approx(sk.r2_score(true, given), rel=1e-12)
    one = RegressionReport(true[:1], given[:1])
    assert math.isnan(one.r2) and one.as_dict()["r2"] is None


def test_ordinal():
    random = np.random.default_rng(0)
    true, p = random.integers(0, 4, 60), random.dirichlet(np.ones(4), 60)
    found = OrdinalReport(NAMES, true, p)
    given = found.predictions
    assert found.accuracy == sk.accuracy_score(true, given)
    assert found.mae == sk.mean_absolute_error(true, given)
    assert found.kappa == sk.cohen_kappa_score(true, given, weights="quadratic")
    np.testing.assert_array_equal(found.confusion, sk.confusion_matrix(true, given))
    constant = OrdinalReport(NAMES, np.zeros(3, int), np.tile([1.0, 0, 0, 0], (3, 1)))
    assert math.isnan(constant.kappa) and constant.as_dict()["kappa"] is None


def test_several_heads_and_how_all_are_printed():
    values = RegressionReport(np.array([1.0, 3.0]), np.array([2.0, 3.0]))
    ranks = OrdinalReport(["low", "high"], np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    labels, p = np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.2], [0.3, 0.4]])
    tags = MultilabelReport(["new", "red"], labels, p)
    kinds = ClassificationReport(["cup", "pot"], np.array([0, 1]), p)
    found = HeadReports({"price": values, "size": ranks, "tags": tags, "kind": kinds})
    assert found["price"] is values
    assert found.summary()["price"] == {"mae": 0.5, "rmse": 0.5**0.5, "r2": 0.5, "rows": 2}
    content = json.loads(json.dumps(found.as_dict()))
    assert set(content["size"]) == {"accuracy", "mae", "kappa", "rows", "confusion", "class_names"}
    assert set(content["tags"]) == {
        "f1_micro", "f1_macro", "average_precision", "exact_match", "rows", "per_label",
        "expected_calibration_error", "class_names",
    }  # fmt: skip
    expected = """\
price
MAE 0.5000   RMSE 0.7071   R2 0.5000   rows 2

size
accuracy 0.5000   MAE of ranks 0.5000   quadratic kappa 0.0000   rows 2

confusion (true rank down, predicted across):
                    #0   #1
#0 low               1    0
#1 high              1    0

tags
       precision  recall      f1  average precision  threshold    rows
new       1.0000  1.0000  1.0000             1.0000     0.5000       1
red       0.0000  0.0000  0.0000             1.0000     0.5000       1

micro F1 0.6667   macro F1 0.5000   average precision 1.0000   exact match 0.5000   rows 2
expected calibration error 0.3000

kind
"""
    assert str(found).startswith(expected)
    assert found.line().startswith("price: MAE 0.5000") and "; kind: accuracy" in found.line()
