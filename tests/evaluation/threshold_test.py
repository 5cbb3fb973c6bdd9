"""Thresholds for a wanted precision or recall."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

import fusionkeras as fk


def report(classes=3, rows=80, seed=0):
    random = np.random.default_rng(seed)
    p = np.round(random.dirichlet(np.ones(classes), rows), 2).astype("float32")
    labels = np.array([random.choice(classes, p=row / row.sum()) for row in p.astype(float)])
    return fk.ClassificationReport([f"class {i}" for i in range(classes)], labels, p)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_of_the_likeliest_class_it_is_the_best_of_all(classes, seed):
    found = report(classes, seed=seed)
    confidence, right = found.probabilities.max(-1), found.predictions == found.labels
    tried = {}
    for limit in np.unique(confidence):
        answered = confidence >= limit
        tried[limit] = (right[answered].mean(), right[answered].sum() / 80, answered.mean())
    wanted = np.median([precision for precision, *_ in tried.values()])
    threshold = fk.threshold_for(found, precision=wanted)
    coverage = max(share for precision, _, share in tried.values() if precision >= wanted)
    assert threshold.precision >= wanted and threshold.coverage == pytest.approx(coverage)
    served = dataclasses.replace(found, unsure=threshold)  # it is passed on as it is
    assert served.answered == threshold.coverage and threshold.rows == 80
    assert served.accuracy_answered == pytest.approx(threshold.precision)
    assert f"unsure below {float(threshold):.4f}   answered" in str(served)
    assert served.as_dict()["unsure"] == threshold.value
    threshold = fk.threshold_for(found, recall=0.4)
    best = max(precision for precision, recall, _ in tried.values() if recall >= 0.4)
    assert threshold.recall >= 0.4 and threshold.precision <= best
    assert threshold.coverage == min(share for _, recall, share in tried.values() if recall >= 0.4)


@pytest.mark.parametrize("kind", ["one class", "one label"])
def test_of_one_class_it_is_scikit_learns(kind):
    found = report(3)
    truth = found.labels == 1
    if kind == "one label":
        found = fk.MultilabelReport(found.class_names, np.eye(3)[found.labels], found.probabilities)
    for wanted in ({"precision": 0.6}, {"recall": 0.7}):
        threshold = fk.threshold_for(found, label="class 1", **wanted)
        given = found.probabilities[:, 1] > np.float32(threshold.value)
        np.testing.assert_array_equal(given, found.probabilities[:, 1] >= threshold.value)
        assert threshold.precision == pytest.approx(precision_score(truth, given))
        assert threshold.recall == pytest.approx(recall_score(truth, given))
        assert all(getattr(threshold, name) >= value for name, value in wanted.items())


def test_by_hand():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.45, 0.55]])
    found = fk.ClassificationReport(["cat", "dog"], np.array([0, 1, 1, 1]), p)
    threshold = fk.threshold_for(found, precision=0.9)
    assert float(threshold) == pytest.approx(0.7) and threshold.coverage == 0.5
    assert threshold.as_dict()["recall"] == 0.5
    assert str(threshold) == (
        "from .7000 on: precision 1.0000, recall .5000, .5000 of 4 rows answered"
    )
    assert fk.threshold_for(found, precision=0.75).value == 0  # all are answered
    assert fk.threshold_for(found, recall=0.75).value == 0
    assert fk.threshold_for(found, recall=0.25).value == pytest.approx(0.85)


def test_neighbouring_probabilities():
    one = np.float32(0.7)
    p = np.array([one, np.nextafter(one, np.float32(0))])
    found = fk.ClassificationReport(["a", "b"], np.array([0, 1]), np.stack([p, 1 - p], axis=1))
    threshold = fk.threshold_for(found, precision=1)
    assert dataclasses.replace(found, unsure=threshold).answered == 0.5


PRICES = fk.RegressionReport(np.ones(2), np.ones(2))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "One thing can be wanted. Expected precision=, or recall=."),
        ({"precision": 0.5, "recall": 0.5}, "One thing can be wanted"),
        ({"precision": 0}, r"Wrong precision. Expected a number in \(0, 1\]"),
        ({"recall": True}, "Wrong recall"),
        (
            {"recall": 0.99},
            r"gives this recall on these rows. Expected at most 0\.\d+, the",
        ),
        ({"recall": 0.5, "label": "clas 1"}, "Unknown label.*Did you mean 'class 1'"),
    ],
)
def test_what_cannot_be_had(wanted, message):
    with pytest.raises(ValueError, match=message):
        fk.threshold_for(report(), **wanted)


def test_what_has_no_threshold():
    with pytest.raises(TypeError, match="Thresholds are for classes.*report='RegressionReport'"):
        fk.threshold_for(PRICES, precision=0.9)
    tags = fk.MultilabelReport(["a", "b"], np.array([[1, 0]]), np.array([[0.9, 0.1]]))
    with pytest.raises(ValueError, match="Unknown label"):
        fk.threshold_for(tags, precision=0.9)
    with pytest.raises(ValueError, match="No row has this label. Expected rows that have it"):
        fk.threshold_for(tags, precision=0.9, label="b")
