"""The bootstrap of rows and seeds, and what it tells apart."""

import itertools

import numpy as np
import pytest
from scipy import stats

from fusionkeras.evaluation.comparing.bootstrap import interval, letters, resampled, told_apart
from fusionkeras.evaluation.weighted import RocArea, Share


def hits(values):
    """Accuracy, of `(seeds, rows)` of whether an answer is right: a statistic for each seed."""
    return [Share(own) for own in values]


def test_with_one_seed_it_is_the_bootstrap_of_scipy():
    right = np.random.default_rng(0).random((1, 200)) < 0.8
    own = interval(resampled({"one": hits(right)}, np.arange(200))["one"])
    other = stats.bootstrap((right[0],), np.mean, method="percentile", rng=0).confidence_interval
    np.testing.assert_allclose(own, other, atol=0.01)


def test_seeds_that_differ_widen_the_interval():
    alike = np.repeat(np.random.default_rng(0).random((1, 400)) < 0.8, 5, axis=0)
    differing = np.array([np.roll(np.arange(400) < 400 * share, 7) for share in
                          (0.6, 0.7, 0.8, 0.9, 1.0)])  # fmt: skip
    draws = resampled({"alike": hits(alike), "differing": hits(differing)}, np.arange(400))
    narrow, wide = (np.subtract(*interval(draws[name])) for name in ("alike", "differing"))
    assert wide < 1.5 * narrow < 0
    assert np.std(draws["differing"]) == pytest.approx(0.065, abs=0.01)  # seeds .063, rows .014


def test_differences_are_paired():
    random = np.random.default_rng(1)
    right = random.random((3, 300)) < 0.7
    better = right | (random.random((3, 300)) < 0.1)
    draws = resampled({"one": hits(right), "other": hits(better)}, np.arange(300))
    assert np.std(draws["other"] - draws["one"]) < 0.6 * np.std(draws["one"])
    assert interval(draws["other"] - draws["one"])[0] > 0
    apart = told_apart(draws, {"one": right.mean(), "other": better.mean()})
    assert apart == {frozenset(["one", "other"])}


def test_rows_of_one_unit_are_drawn_together():
    right = np.repeat(np.random.default_rng(0).random((1, 40)) < 0.5, 10, axis=1)
    rows = {"one": hits(right)}
    together = resampled(rows, np.repeat(np.arange(40) + 7, 10))["one"]
    assert np.std(together) == pytest.approx(0.5 / np.sqrt(40), rel=0.15)
    alone = resampled(rows, np.arange(400))["one"]
    assert np.std(alone) == pytest.approx(0.5 / np.sqrt(400), rel=0.15)


@pytest.mark.slow
def test_of_equal_candidates_few_boards_tell_any_apart():
    random, wrong = np.random.default_rng(3), 0
    for board in range(60):
        right = {name: random.random((2, 80)) < 0.8 for name in "abcdef"}
        values = {name: own.mean() for name, own in right.items()}
        rows = {name: hits(own) for name, own in right.items()}
        draws = resampled(rows, np.arange(80), resamples=300, seed=board)
        wrong += bool(told_apart(draws, values))
    assert wrong <= 6  # 3 are expected, and were seen; of pairs each by itself 9


def test_draws_without_a_value_are_left_out_of_all():
    scores, right = np.arange(6.0), np.arange(6) > 4  # a third of the draws has no positive row
    statistics = {
        "area": [RocArea(right, scores)],
        "share": hits(right[None]),
    }
    draws = resampled(statistics, np.arange(6), resamples=300)
    assert len(draws["area"]) == len(draws["share"]) == pytest.approx(200, abs=25)
    assert np.all(draws["area"] == 1) and draws["share"].min() > 0


def test_the_same_answers_are_never_told_apart():
    rows = hits(np.random.default_rng(0).random((2, 50)) < 0.8)
    draws = resampled({"one": rows, "same": rows}, np.arange(50), resamples=50)
    assert told_apart(draws, {"one": 0.8, "same": 0.8}) == set()
    assert told_apart({"one": draws["one"]}, {"one": 0.8}) == set()


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
