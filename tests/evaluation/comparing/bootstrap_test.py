"""The bootstrap of rows and seeds, and what it tells apart."""

import itertools

import numpy as np
import pytest
from scipy import stats

from fusionkeras.evaluation.comparing.bootstrap import interval, letters, resampled, told_apart
from fusionkeras.evaluation.comparing.metrics import metric_of

ACCURACY = metric_of("classification")


def hits(values):
    """`(seeds, rows)` of 0 and 1 in the form of the metric."""
    return np.stack([values, np.ones_like(values)], axis=-1).astype(float)


def test_with_one_seed_it_is_the_bootstrap_of_scipy():
    right = np.random.default_rng(0).random((1, 200)) < 0.8
    own = interval(resampled(ACCURACY, {"one": hits(right)})["one"])
    other = stats.bootstrap((right[0],), np.mean, method="percentile", rng=0).confidence_interval
    np.testing.assert_allclose(own, other, atol=0.01)


def test_seeds_that_differ_widen_the_interval():
    alike = np.repeat(np.random.default_rng(0).random((1, 400)) < 0.8, 5, axis=0)
    differing = np.array([np.roll(np.arange(400) < 400 * share, 7) for share in
                          (0.6, 0.7, 0.8, 0.9, 1.0)])  # fmt: skip
    draws = resampled(ACCURACY, {"alike": hits(alike), "differing": hits(differing)})
    narrow, wide = (np.subtract(*interval(draws[name])) for name in ("alike", "differing"))
    assert wide < 1.5 * narrow < 0
    assert np.std(draws["differing"]) == pytest.approx(0.065, abs=0.01)  # seeds .063, rows .014


def test_differences_are_paired():
    random = np.random.default_rng(1)
    right = random.random((3, 300)) < 0.7
    better = right | (random.random((3, 300)) < 0.1)
    draws = resampled(ACCURACY, {"one": hits(right), "other": hits(better)})
    assert np.std(draws["other"] - draws["one"]) < 0.6 * np.std(draws["one"])
    assert interval(draws["other"] - draws["one"])[0] > 0
    apart = told_apart(draws, {"one": right.mean(), "other": better.mean()})
    assert apart == {frozenset(["one", "other"])}


def test_rows_of_one_unit_are_drawn_together():
    right = np.repeat(np.random.default_rng(0).random((1, 40)) < 0.5, 10, axis=1)
    rows = {"one": hits(right)}
    together = resampled(ACCURACY, rows, np.repeat(np.arange(40) + 7, 10))["one"]
    assert np.std(together) == pytest.approx(0.5 / np.sqrt(40), rel=0.15)
    assert np.std(resampled(ACCURACY, rows)["one"]) == pytest.approx(0.5 / np.sqrt(400), rel=0.15)


@pytest.mark.slow
def test_of_equal_candidates_few_boards_tell_any_apart():
    random, wrong = np.random.default_rng(3), 0
    for board in range(60):
        rows = {name: hits(random.random((2, 80)) < 0.8) for name in "abcdef"}
        values = {name: own[..., 0].mean() for name, own in rows.items()}
        wrong += bool(told_apart(resampled(ACCURACY, rows, resamples=300, seed=board), values))
    assert wrong <= 6  # 3 are expected, and were seen; of pairs each by itself 9


def test_the_same_answers_are_never_told_apart():
    rows = hits(np.random.default_rng(0).random((2, 50)) < 0.8)
    draws = resampled(ACCURACY, {"one": rows, "same": rows}, resamples=50)
    assert told_apart(draws, {"one": 0.8, "same": 0.8}) == set()


def test_letters_are_shared_by_those_that_are_not_told_apart():
    names, random = list("abcdefg"), np.random.default_rng(0)
    for _ in range(50):
        pairs = [frozenset(pair) for pair in itertools.combinations(names, 2)]
        apart = {pair for pair in pairs if random.random() < 0.4}
        found = letters(names, apart)
        for one, other in map(tuple, pairs):
            assert bool(set(found[one]) & set(found[other])) == (
                frozenset((one, other)) not in apart
            )
    assert letters(names, set()) == dict.fromkeys(names, "a")
