"""The metrics of a comparison are those of the reports, on all rows and on any of them."""

import numpy as np
import pytest

from fusionkeras.evaluation import (
    ClassificationReport,
    MultilabelReport,
    OrdinalReport,
    RegressionReport,
)
from fusionkeras.evaluation.comparing.metrics import METRICS, metric_of

RANDOM = np.random.default_rng(0)
PROBABILITIES = RANDOM.dirichlet(np.ones(4), 50).astype("float32")
IDS = RANDOM.integers(0, 4, 50)
MANY, GIVEN = RANDOM.integers(0, 2, (50, 4)), RANDOM.random((50, 4)).astype("float32")
PRICES, GUESSES = RANDOM.normal(size=50), RANDOM.normal(size=50).astype("float32")
NAMES = list("abcd")
REPORTS = {
    "classification": (IDS, PROBABILITIES, lambda y, p: ClassificationReport(NAMES, y, p)),
    "ordinal": (IDS, PROBABILITIES, lambda y, p: OrdinalReport(NAMES, y, p)),
    "multilabel": (MANY, GIVEN, lambda y, p: MultilabelReport(NAMES, y, p)),
    "regression": (PRICES, GUESSES, RegressionReport),
}


@pytest.mark.parametrize(
    ("task", "name"), [(task, name) for task, own in METRICS.items() for name in own]
)
def test_every_metric_is_that_of_the_report(task, name):
    labels, answers, report = REPORTS[task]
    metric = metric_of(task, name)
    drawn = RANDOM.integers(0, 50, 50)  # rows may come twice
    for some in (np.arange(50), drawn, np.arange(3)):
        expected = getattr(report(labels[some], answers[some]), name)
        assert metric.of(labels[some], answers[some]) == pytest.approx(expected, rel=1e-6)
    assert metric.better(1.0) == (-1 if name in ("mae", "rmse", "log_loss") else 1)


@pytest.mark.parametrize("task", REPORTS)
def test_they_are_all_that_a_report_has(task):
    labels, answers, report = REPORTS[task]
    assert tuple(report(labels, answers).statistics()) == METRICS[task]


def test_metrics_that_are_none():
    with pytest.raises(ValueError, match="Unknown metric of classification models"):
        metric_of("classification", "mae")
    with pytest.raises(ValueError, match="about one metric, and the table has several columns"):
        metric_of({"kind": "classification", "price": "regression"})


def test_a_metric_that_is_undefined():
    with pytest.raises(ValueError, match="undefined on these rows.*metric='roc_auc'"):
        metric_of("classification", "roc_auc").of(np.zeros(3, int), PROBABILITIES[:3])
