"""Bootstrap intervals are SciPy's, of metrics that are scikit-learn's."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy import stats

import fusionkeras as fk
from fusionkeras.evaluation.intervals import bootstrap
from fusionkeras.evaluation.numbers import intervals_as_json
from fusionkeras.evaluation.weighted import Share

NAMES = ["a", "b", "c", "d"]


def classes(rows=60, names=NAMES, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(names), rows)
    scores = random.dirichlet(np.ones(len(names)), rows) + 0.3 * np.eye(len(names))[labels]
    scores = np.round(scores, 1) + 0.01  # ties
    return fk.ClassificationReport(names, labels, np.float32(scores / scores.sum(1)[:, None]))


def ranks(rows=60):
    found = classes(rows)
    return fk.OrdinalReport(NAMES, found.labels, found.probabilities)


def labelled(rows=60):
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (rows, 4))
    labels[:, 3] = np.arange(rows) < 3  # in some resamples no row has it
    scores = np.float32(np.round((random.uniform(size=(rows, 4)) + labels) / 2, 1))
    return fk.MultilabelReport(NAMES, labels, scores, [0.5, 0.4, 0.6, 0.5])


def one_label():
    found = labelled()
    return fk.MultilabelReport(NAMES[:1], found.labels[:, :1], found.probabilities[:, :1])


def quantities(rows=60):
    random = np.random.default_rng(0)
    labels = np.float32(random.normal(1000, 50, rows))
    return fk.RegressionReport(labels, np.float32(labels + random.normal(0, 9, rows)))


REPORTS = {
    "two classes": classes(names=["no", "yes"]),
    "classes": classes(),
    "labels": labelled(),
    "one label": one_label(),
    "ranks": ranks(),
    "quantities": quantities(),
}
# What a class of the report itself has as 0 where it is undefined.
BY_CLASS = {
    "two classes": "per_class",
    "classes": "per_class",
    "labels": "per_label",
    "one label": "per_label",
}


def drawn(rows, times, seed):
    """The rows that `scipy.stats.bootstrap` draws."""
    return np.random.default_rng(seed).integers(0, rows, (times, rows))


def weights_of(places):
    """How often each of the 60 rows is drawn, `(60, resamples)`."""
    return np.stack([np.bincount(own, minlength=60) for own in places], axis=1).astype(float)


@pytest.mark.parametrize("name", REPORTS)
def test_under_weights_each_metric_is_that_of_the_rows_drawn(name):
    report = REPORTS[name]
    places = np.concatenate([[np.arange(60)], drawn(60, 20, 0)])
    expected = [report.take(own).summary() for own in places]
    assert set(report.statistics()) == set(expected[0]) - {"rows"}
    for metric, statistic in report.statistics().items():
        values = [np.nan if own[metric] is None else own[metric] for own in expected]
        np.testing.assert_allclose(statistic(weights_of(places)), values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", BY_CLASS)
def test_under_weights_each_class_is_that_of_the_rows_drawn(name):
    report = REPORTS[name]
    places = drawn(60, 20, 1)
    expected = [getattr(report.take(own), BY_CLASS[name]) for own in places]
    found = report.statistics_of_classes()
    assert {key for key, _ in found} == set(report.class_names)
    for (own, metric), statistic in found.items():
        values = np.array([one[own][metric] or 0 for one in expected])
        under = statistic(weights_of(places))
        np.testing.assert_allclose(np.nan_to_num(under), values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", ["percentile", "BCa"])
@pytest.mark.parametrize("name", REPORTS)
def test_the_intervals_are_those_of_scipy(name, method):
    found = REPORTS[name].intervals(0.9, resamples=99, method=method.lower(), seed=3)
    for metric, statistic in REPORTS[name].statistics().items():

        def under(places, axis, statistic=statistic):
            values = statistic(weights_of(np.atleast_2d(places)))
            return values.reshape(places.shape[:-1])

        rows, random = (np.arange(60),), np.random.default_rng(3)
        how = {"n_resamples": 99, "confidence_level": 0.9, "method": method, "random_state": random}
        expected = stats.bootstrap(rows, under, **how).confidence_interval
        assert found[metric] == pytest.approx(tuple(expected), rel=1e-9)


def test_the_same_seed_gives_the_same_intervals_however_they_are_drawn(monkeypatch):
    report = REPORTS["classes"]
    found = report.intervals(resamples=50, seed=1)
    assert found == report.intervals(resamples=50, seed=1) != report.intervals(resamples=50, seed=2)
    monkeypatch.setattr("fusionkeras.evaluation.intervals.CELLS", 60 * 8)
    assert report.intervals(resamples=50, seed=1) == found
    assert all(low < getattr(report, name) < high for name, (low, high) in found.items())


def test_the_jackknife_of_groups_is_near_that_of_rows(monkeypatch):
    report = quantities(400)
    rows = report.intervals(resamples=500)
    monkeypatch.setattr("fusionkeras.evaluation.intervals._GROUPS", 100)
    groups = report.intervals(resamples=500)
    assert groups != rows
    for name, (low, high) in rows.items():
        assert groups[name] == pytest.approx((low, high), abs=(high - low) / 20)


def test_intervals_hold_what_they_estimate_about_as_often_as_they_say():
    random, held = np.random.default_rng(0), 0
    for _ in range(200):
        errors = random.exponential(size=50)
        low, high = fk.RegressionReport(np.zeros(50), errors).intervals(resamples=200)["mae"]
        held += low <= 1 <= high
    assert 0.89 <= held / 200 <= 0.98


def test_where_all_rows_are_right_a_share_has_the_exact_interval():
    labels = np.arange(30) % 3
    report = fk.ClassificationReport(NAMES[:3], labels, np.eye(3)[labels] * 0.7 + 0.1)
    found = report.intervals()
    exact = stats.binomtest(30, 30).proportion_ci(method="exact")
    assert found["accuracy"] == pytest.approx((exact.low, 1.0))
    assert found["f1_macro"] == found["roc_auc"] == (1.0, 1.0)
    assert found["log_loss"] == pytest.approx((-math.log(0.8),) * 2)
    by_class = report.intervals(per_class=True)
    exact = stats.binomtest(10, 10).proportion_ci(method="exact")
    assert by_class["a"]["recall"] == by_class["a"]["precision"] == pytest.approx((exact.low, 1.0))
    assert by_class["a"]["f1"] == (1.0, 1.0)


def test_what_too_many_resamples_leave_undefined_has_no_interval():
    one = fk.ClassificationReport(["a", "b"], np.arange(9) // 8, np.full((9, 2), 0.5))
    found = one.intervals()
    assert np.isnan(found["roc_auc"]).all() and not np.isnan(found["log_loss"]).any()
    by_class = one.intervals(per_class=True)  # "b" is never given, and in a third never there
    assert np.isnan(by_class["b"]["precision"]).all() and np.isnan(by_class["b"]["recall"]).all()
    told = json.loads(json.dumps(intervals_as_json(found), allow_nan=False))
    assert told["roc_auc"] == [None, None]
    # Four rows of a class: in a seventieth of the resamples there is none.
    few = fk.ClassificationReport(["a", "b"], np.arange(9) // 5, one.probabilities)
    assert few.intervals()["roc_auc"] == (0.5, 0.5)


def test_a_value_beyond_all_resamples_has_no_bca():
    beyond = {"x": lambda weights: np.where(weights.min(axis=0) > 0, 9.0, weights[0])}
    assert np.isnan(bootstrap(beyond, 30)["x"]).all()
    assert not np.isnan(bootstrap(beyond, 30, method="percentile")["x"]).any()


def test_several_heads_and_how_intervals_are_printed():
    report = fk.HeadReports({"kind": REPORTS["classes"], "price": REPORTS["quantities"]})
    found = report.intervals(resamples=50)
    assert found["kind"] == REPORTS["classes"].intervals(resamples=50)
    kind, price = report.line(found).split("; ")
    low, high = (f"{end:.3f}".lstrip("0") for end in found["kind"]["accuracy"])
    accuracy = f"{report['kind'].accuracy:.3f}".lstrip("0")
    assert kind.startswith(f"kind: accuracy {accuracy} [{low}, {high}]   macro F1 .")
    assert price.startswith(f"price: MAE {report['price'].mae:.3f} [")
    assert price.endswith("   rows 60") and report.line().startswith("kind: accuracy 0.")


def test_rows_are_taken_as_often_as_wanted():
    report = REPORTS["labels"]
    found = report.take([0, 0, 5])
    assert type(found) is type(report) and found.rows == 3
    np.testing.assert_array_equal(found.labels, report.labels[[0, 0, 5]])
    assert found.thresholds == report.thresholds
    assert report.take(np.arange(60) < 7).rows == 7
    assert dataclasses.replace(report).intervals(resamples=9) == report.intervals(resamples=9)


def test_a_single_label_has_the_numbers_of_its_rows():
    report = REPORTS["one label"]
    hits = np.sum((report.predictions == 1) & (report.labels == 1))
    f1 = 2 * hits / (report.predictions.sum() + report.labels.sum())
    assert report.f1_micro == report.f1_macro == report.per_label["a"]["f1"] == pytest.approx(f1)
    assert f"a      {report.per_label['a']['precision']:9.4f}" in str(report)


def test_a_share_among_some_rows():
    share = Share(np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool))
    weights = np.array([[1, 3, 0], [1, 1, 1], [1, 1, 0], [1, 1, 1.0]])
    np.testing.assert_array_equal(share(weights), [0.5, 0.75, np.nan])


WRONG = [
    ({"confidence": 1}, r"Wrong confidence. Expected a number between 0 and 1, such as 0.95"),
    ({"confidence": "high"}, "Wrong confidence"),
    ({"resamples": 1}, "The number of resamples is too small"),
    ({"method": "basic"}, r"Unknown method. Expected one of \['bca', 'percentile'\]"),
    ({"seed": -1}, "The seed is too small"),
    ({"per_class": True}, "A RegressionReport has no numbers by class. Expected per_class=False"),
]


@pytest.mark.parametrize("arguments, message", WRONG)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        REPORTS["quantities"].intervals(**arguments)
