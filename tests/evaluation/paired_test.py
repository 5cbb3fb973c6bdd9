"""Two models on the same rows: the numbers are SciPy's, the sentence says what they mean."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

import fusionkeras as fk

LABELS = np.arange(120) % 3
NAMES = ["a", "b", "c"]


def answers(wrong, seed=0):
    """A report of a model that is wrong at some rows."""
    random = np.random.default_rng(seed)
    given = np.where(np.isin(np.arange(120), wrong), (LABELS + 1) % 3, LABELS)
    scores = random.uniform(0, 0.4, (120, 3)) + np.eye(3)[given]
    return fk.ClassificationReport(NAMES, LABELS, scores / scores.sum(1, keepdims=True))


def values(scale):
    random = np.random.default_rng(int(scale * 10))
    return fk.RegressionReport(np.arange(120.0), np.arange(120) + scale * random.normal(size=120))


def test_the_numbers_are_scipys():
    first, second = answers(range(8)), answers([*range(4, 10), *range(60, 80)])
    found = fk.paired_test(first, second, resamples=999, seed=5)
    right = [np.float64(one.predictions == LABELS) for one in (first, second)]
    expected = stats.bootstrap(
        right,
        lambda own, other, axis: own.mean(axis) - other.mean(axis),
        paired=True,
        n_resamples=999,
        random_state=np.random.default_rng(5),
    )
    assert found.interval == pytest.approx(tuple(expected.confidence_interval), rel=1e-9)
    assert found.difference == pytest.approx(np.mean(right[0]) - np.mean(right[1]))
    drawn = expected.bootstrap_distribution - found.difference
    as_far = np.sum(np.abs(drawn) >= found.difference - 1e-12)
    assert found.p_value == (1 + as_far) / 1000 < 0.05
    assert (found.only_first, found.only_second) == (22, 4)
    assert found.mcnemar_p_value == stats.binomtest(22, 26).pvalue
    assert (found.rows, found.metric, found.better) == (120, "accuracy", "first")


def test_the_other_way_round_is_the_same_with_the_other_sign():
    first, second = answers(range(8)), answers(range(4, 30), seed=1)
    for metric in ("accuracy", "f1_macro", "log_loss"):
        one, other = (
            fk.paired_test(*pair, metric=metric, method="percentile")
            for pair in ((first, second), (second, first))
        )
        assert other.difference == -one.difference and one.p_value == other.p_value
        assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))
        assert one.better == "first" and other.better == "second"  # also of a loss, where less is


def test_what_is_the_same_cannot_be_told_apart():
    one = answers(range(8))
    found = fk.paired_test(one, one)
    assert (found.difference, found.interval, found.p_value) == (0, (0, 0), 1)
    assert (found.only_first, found.only_second, found.mcnemar_p_value) == (0, 0, 1)
    assert found.better is None and "they cannot be told apart" in str(found)


def test_chance_is_found_as_often_as_it_is_said():
    random, small = np.random.default_rng(0), 0
    for _ in range(100):
        pair = [answers(np.flatnonzero(random.uniform(size=120) < 0.2)) for _ in range(2)]
        small += fk.paired_test(*pair, resamples=200).p_value <= 0.1
    assert 4 <= small <= 18


def test_one_sentence():
    found = fk.paired_test(answers(range(4)), answers(range(30)), seed=1)
    low, high = (f"{end:+.3f}".replace("0.", ".") for end in found.interval)
    assert str(found) == (
        "accuracy .967 against .750 on 120 rows: difference "
        f"+.217 [{low}, {high}], the first is better (paired bootstrap p = .0005; McNemar p = "
        "3e-08: 26 rows only the first has right, 0 only the second)"
    )
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["interval"] == list(found.interval) and told["better"] == "first"
    assert told["difference"] == found.difference


def test_quantities_ranks_and_labels():
    found = fk.paired_test(values(1), values(3))
    assert found.metric == "mae" and found.better == "first" and found.difference < 0
    assert found.mcnemar_p_value is None and "McNemar" not in str(found)
    ranks = [fk.OrdinalReport(NAMES, LABELS, answers(range(n)).probabilities) for n in (3, 30)]
    assert fk.paired_test(*ranks).only_first == 27
    assert fk.paired_test(*ranks, metric="kappa").better == "first"
    one = fk.MultilabelReport(NAMES, np.eye(3, dtype=int)[LABELS], answers([]).probabilities)
    found = fk.paired_test(one, dataclasses.replace(one, thresholds=0.9))
    assert found.metric == "f1_micro" and found.only_first is None
    with pytest.raises(ValueError, match=r"Unknown metric. Expected one of \['mae', 'rmse', 'r2'"):
        fk.paired_test(values(1), values(3), metric="accuracy")


@pytest.mark.parametrize("rows", [1, 3])
def test_what_no_resample_changes_is_no_proof(rows):
    found = fk.paired_test(answers([]).take(range(rows)), answers(range(120)).take(range(rows)))
    assert (found.difference, found.interval, found.better) == (1, (1, 1), None)
    assert np.isnan(found.p_value) and found.as_dict()["p_value"] is None
    rows, p = ("1 row", "1.000") if rows == 1 else ("3 rows", ".250")
    assert str(found) == (
        f"accuracy 1.000 against .000 on {rows}: difference +1.000 [+1.000, +1.000], which is "
        f"better cannot be told (paired bootstrap p unknown; McNemar p = {p}: {rows} only the "
        "first has right, 0 only the second)"
    )


def test_an_undefined_difference_is_none():
    one = fk.ClassificationReport(["a", "b"], np.zeros(9, int), np.full((9, 2), 0.5))
    found = fk.paired_test(one, one, metric="roc_auc")
    assert np.isnan(found.p_value) and found.better is None
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["difference"] is None and told["interval"] == [None, None]


WRONG = [
    (
        answers([]).take(range(119)),
        ValueError,
        "The reports are of other rows. Expected two models",
    ),
    (answers([]).take(range(119, -1, -1)), ValueError, "The reports are of other rows"),
    (
        dataclasses.replace(answers([]), class_names=["a", "c", "b"]),
        ValueError,
        "The reports tell other classes apart. Expected the same classes in the same order",
    ),
    (
        values(1),
        TypeError,
        "The reports cannot be compared. Expected two reports of the same class",
    ),
    (fk.HeadReports({"a": answers([])}), TypeError, r"Of several heads take those of one"),
]


@pytest.mark.parametrize("second, kind, message", WRONG)
def test_what_cannot_be_compared(second, kind, message):
    with pytest.raises(kind, match=message):
        fk.paired_test(answers([]), second)
