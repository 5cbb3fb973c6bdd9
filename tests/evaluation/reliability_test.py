"""Reliability and the expected calibration error."""

import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

import fusionkeras as fk
from fusionkeras.evaluation.reliability import reliability


def test_by_hand():
    found = reliability([0.0, 0.2, 0.25, 0.3, 0.5, 1.0], [0, 0, 1, 1, 1, 0], bins=4)
    np.testing.assert_array_equal(found.edges, [0, 0.25, 0.5, 0.75, 1])
    assert found.rows.tolist() == [3, 2, 0, 1]  # a bin holds its upper edge
    np.testing.assert_allclose(found.confidence, [0.15, 0.4, np.nan, 1])
    np.testing.assert_allclose(found.accuracy, [1 / 3, 1, np.nan, 0])
    expected = (3 * (1 / 3 - 0.15) + 2 * 0.6 + 1) / 6
    assert found.expected_calibration_error == pytest.approx(expected)


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_it_is_scikit_learns_curve(bins):
    random = np.random.default_rng(bins)
    p = np.round(random.uniform(size=500), 2)
    true = random.uniform(size=500) < p**2
    found = reliability(p, true, bins)
    some = found.rows > 0
    accuracy, confidence = calibration_curve(true, p, n_bins=bins)
    np.testing.assert_allclose(found.accuracy[some], accuracy)
    np.testing.assert_allclose(found.confidence[some], confidence)
    assert found.rows.sum() == 500


def test_no_bins():
    with pytest.raises(ValueError, match="The number of bins is too small"):
        reliability([0.5], [1], bins=0)


def test_of_a_classifier():
    labels, p = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    report = fk.ClassificationReport(["cat", "dog"], labels, p)
    found = report.reliability(2)
    assert found.rows.tolist() == [0, 3] and found.accuracy[1] == pytest.approx(2 / 3)
    assert report.expected_calibration_error() == pytest.approx((0.1 + 0.2 + 0.7) / 3)
    assert report.as_dict()["expected_calibration_error"] == report.expected_calibration_error()
    assert "expected calibration error 0.3333" in str(report)
    assert "expected_calibration_error" not in report.summary()


def test_of_each_label():
    labels, p = np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.1], [0.8, 0.3]])
    report = fk.MultilabelReport(["new", "red"], labels, p)
    found = report.reliability(2)
    assert list(found) == ["new", "red"] and found["red"].rows.tolist() == [2, 0]
    assert found["new"].expected_calibration_error == pytest.approx(0.35)
    assert report.expected_calibration_error(2) == pytest.approx((0.35 + 0.2) / 2)
    assert json.loads(json.dumps(report.as_dict()))["expected_calibration_error"] > 0
    assert "expected calibration error 0." in str(report)


def test_rows_that_are_not_answered():
    labels, p = np.array([0, 1, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    report = fk.ClassificationReport(["cat", "dog"], labels, p, unsure=0.7)
    assert (report.answered, report.accuracy_answered) == (0.75, pytest.approx(2 / 3))
    assert report.accuracy == 0.5
    content = json.loads(json.dumps(report.as_dict()))
    assert content["unsure"] == 0.7 and content["answered"] == 0.75
    assert "unsure below 0.7000   answered 0.7500   accuracy among those 0.6667" in str(report)
    none = fk.ClassificationReport(["cat", "dog"], labels, p, unsure=1.0)
    assert none.answered == 0 and none.as_dict()["accuracy_answered"] is None
    every = fk.ClassificationReport(["cat", "dog"], labels, p)
    assert every.answered == 1 and every.accuracy_answered == every.accuracy
    assert "answered" not in every.as_dict() and "answered" not in str(every)
