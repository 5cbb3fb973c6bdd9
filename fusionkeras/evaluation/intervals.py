"""Bootstrap intervals: how far a metric could be off because it is measured on so few rows."""

import numpy as np

from fusionkeras._checks import argument_error, check_choice, check_integer

METHODS = ("bca", "percentile")
# Cells of an array of weights that are there at a time: few, so that they stay in the fast memory.
CELLS = 2**16
# Of more rows the jackknife leaves out groups, so many in all.
_GROUPS = 2000
# What share of the resamples may leave a metric undefined.
_UNDEFINED = 0.1


def bootstrap(statistics, rows, confidence=0.95, resamples=1000, method="bca", seed=0):
    """Bootstrap intervals of some statistics, all on the same resamples.

    Args:
        statistics: dict of `{name: statistic}`: functions from weights `(rows, resamples)` to
            numbers `(resamples,)`, such as those of `weighted.py`.
        rows: int, how many rows are resampled.
        confidence: float, how often such intervals shall hold what is estimated.
        resamples: int, how often as many rows are drawn, with replacement.
        method: "bca" or "percentile".
        seed: int, of the draws.

    Returns:
        dict of `{name: (low, high)}`. Resamples in which a statistic is undefined are left out; it
        is NaN where they are more than a tenth, the statistic of all rows is undefined or, with
        "bca", lies beyond all resamples. Where all resamples agree it is a point; of a `Share`
        that is 0 or 1, which no resample can change, it is that of Clopper and Pearson.

    Raises:
        TypeError, ValueError: for wrong arguments.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap" (1993): section 13.3, the
        percentile interval; eq. 14.10, BCa, with the bias of 14.14 and the acceleration of 14.15.
        Differs from the book: resamples equal to the value count half for the bias, as
        `scipy.stats.bootstrap` has it; of more than 2,000 rows the acceleration is that of a
        jackknife of 2,000 groups of rows.
    """
    return bootstrap_with_draws(statistics, rows, confidence, resamples, method, seed)[0]


def bootstrap_with_draws(statistics, rows, confidence, resamples, method, seed):
    """What `bootstrap` returns, and the statistics on its resamples, `{name: (resamples,)}`."""
    check_choice("method", METHODS, method=method)
    check_integer("number of resamples", 2, resamples=resamples)
    check_integer("seed", 0, seed=seed)
    check_confidence(confidence)
    drawn = under(statistics, _draw(rows, resamples, seed))
    whole = under(statistics, [np.ones((rows, 1))])
    left_out = under(statistics, _jackknife(rows)) if method == "bca" else {}
    intervals = {
        name: _interval(statistic, drawn[name], whole[name][0], left_out.get(name), confidence)
        for name, statistic in statistics.items()
    }
    return intervals, drawn


def check_confidence(confidence):
    """Raises unless the confidence is a number between 0 and 1."""
    if not isinstance(confidence, (int, float, np.number)) or not 0 < confidence < 1:
        raise argument_error(
            "Wrong confidence", "a number between 0 and 1, such as 0.95", confidence=confidence
        )


def under(statistics, batches):
    """What the statistics are under batches of weights, `{name: array}`."""
    found = {name: [] for name in statistics}
    for weights in batches:
        for name, statistic in statistics.items():
            found[name].append(statistic(weights))
    return {name: np.concatenate(values) for name, values in found.items()}


def _draw(rows, resamples, seed):
    """How often each row is in each resample, in batches of `(rows, some resamples)`."""
    random, size = np.random.default_rng(seed), max(CELLS // rows, 4)
    for begin in range(0, resamples, size):
        count = min(size, resamples - begin)
        places = random.integers(0, rows, (count, rows)) + rows * np.arange(count)[:, None]
        counts = np.bincount(places.ravel(), minlength=count * rows).reshape(count, rows)
        yield np.ascontiguousarray(counts.T, dtype=float)


def _jackknife(rows):
    """All rows but one, or but one group, in batches of `(rows, some of them)`."""
    groups, size = min(rows, _GROUPS), max(CELLS // rows, 4)
    own = np.arange(rows)[:, None] % groups
    for begin in range(0, groups, size):
        yield (own != np.arange(begin, min(begin + size, groups))).astype(float)


def _interval(statistic, drawn, whole, left_out, confidence):
    known = drawn[~np.isnan(drawn)]
    if np.isnan(whole) or len(known) < (1 - _UNDEFINED) * len(drawn):
        return (float("nan"),) * 2
    if np.ptp(known) <= 1e-12 * abs(whole) and abs(known[0] - whole) <= 1e-12 * abs(whole):
        exact = getattr(statistic, "exact_interval", None)
        return exact(confidence) if exact else (float(whole),) * 2
    tails = np.array([1 - confidence, 1 + confidence]) / 2
    if left_out is not None:
        tails = _corrected(tails, known, whole, left_out[~np.isnan(left_out)])
    if np.isnan(tails).any():
        return (float("nan"),) * 2
    return tuple(np.quantile(known, tails).tolist())


def _corrected(tails, known, whole, left_out):
    """The tails of the resamples between which the interval of BCa lies."""
    from scipy.special import ndtr, ndtri

    below = (np.mean(known < whole) + np.mean(known <= whole)) / 2
    if not 0 < below < 1:
        return np.full(2, np.nan)
    bias, away = ndtri(below), left_out.mean() - left_out
    spread = np.sum(away**2)
    acceleration = np.sum(away**3) / (6 * spread**1.5) if spread > 0 else 0.0
    reach = bias + ndtri(tails)
    return ndtr(bias + reach / (1 - acceleration * reach))
