"""What chance does to a comparison: rows and seeds drawn again and again."""

import itertools

import numpy as np

from fusionkeras.evaluation.intervals import CELLS

LEVEL = 0.95


def resampled(statistics, units, resamples=2000, seed=0):
    """A hierarchical bootstrap: rows and seeds are both drawn with replacement.

    Every candidate is measured on the same draws, so that differences between them are paired:
    what is hard or easy about the rows of a draw falls out of them.

    Args:
        statistics: dict of `{candidate: [a statistic for each seed]}`, functions of weights of the
            rows, as `bootstrap` takes them.
        units: array `(rows,)`: rows of equal values are drawn together.
        resamples: int, how many draws.
        seed: int, of the draws.

    Returns:
        dict of `{candidate: float array (resamples,)}`, the mean over the seeds of each draw; fewer
        where a metric is undefined on some draws: these are left out of all.

    Example:
        >>> mean = lambda weights: np.arange(4.0) @ weights / 4
        >>> resampled({"one": [mean]}, np.arange(4), resamples=3)["one"].shape
        (3,)
    """
    found = {name: [] for name in statistics}
    seeds = len(next(iter(statistics.values())))
    for weights, drawn in _draws(units, seeds, resamples, seed):
        for name, own in statistics.items():
            values = np.stack([statistic(weights) for statistic in own])
            found[name].append(np.take_along_axis(values, drawn, axis=0).mean(axis=0))
    found = {name: np.concatenate(values) for name, values in found.items()}
    known = ~np.any([np.isnan(values) for values in found.values()], axis=0)
    return {name: values[known] for name, values in found.items()}


def _draws(units, seeds, resamples, seed):
    """How often each row is drawn, `(rows, some draws)`, and which seeds, `(seeds, some draws)`."""
    random, unit_of_row = np.random.default_rng(seed), np.unique(units, return_inverse=True)[1]
    number, size = unit_of_row.max() + 1, max(CELLS // len(units), 4)
    for begin in range(0, resamples, size):
        count = min(size, resamples - begin)
        weights, drawn = np.empty((count, len(units))), np.empty((count, seeds), int)
        for draw in range(count):
            times = np.bincount(random.integers(number, size=number), minlength=number)
            weights[draw], drawn[draw] = times[unit_of_row], random.integers(seeds, size=seeds)
        yield np.ascontiguousarray(weights.T), drawn.T


def interval(draws, level=LEVEL):
    """The middle share `level` of some draws, `(low, high)`."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def told_apart(draws, values, level=LEVEL):
    """Which candidates differ by more than chance explains, in all pairs at once.

    Each difference is measured in its own standard error over the draws. It counts where it is
    larger than what, in a share `level` of the draws, no pair strays from its value by: so, if
    none of them differed, no pair at all would be told apart that often. Where no draw changes a
    difference, such as that of 1 and 0, it is not told apart: nothing says what chance does to it.

    Args:
        draws: dict of `{candidate: float array (resamples,)}`, as `resampled` gives it.
        values: dict of `{candidate: float}`, what was measured on the rows as they are.
        level: float.

    Returns:
        set of frozensets of two candidates.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(3, 1000)) * 0.01
        >>> values = {"a": 0.9, "b": 0.905, "c": 0.5}
        >>> draws = {name: values[name] + own for name, own in zip(values, noise, strict=True)}
        >>> sorted(map(sorted, told_apart(draws, values)))
        [['a', 'c'], ['b', 'c']]

    Reference:
        Westfall and Young, "Resampling-Based Multiple Testing" (1993), the single-step maximum of
        studentised differences.
    """
    pairs = list(itertools.combinations(values, 2))
    if not pairs:
        return set()
    differences = np.array([values[one] - values[other] for one, other in pairs])
    strays = np.array([draws[one] - draws[other] for one, other in pairs])
    strays = strays - differences[:, None]
    errors = strays.std(axis=1)
    errors[errors <= 1e-12 * np.abs(differences)] = np.inf  # no draw changes it, but for rounding
    limit = np.quantile(np.max(np.abs(strays) / errors[:, None], axis=0), level)
    apart = np.abs(differences) / errors > limit
    return {frozenset(pair) for pair, differs in zip(pairs, apart, strict=True) if differs}


def letters(names, apart):
    """A compact letter display: candidates that share a letter cannot be told apart.

    Args:
        names: list of str, the candidates, best first.
        apart: set of frozensets of two of them, as `told_apart` gives it.

    Returns:
        dict of `{candidate: str}`, such as "ab".

    Example:
        >>> letters(["one", "two", "three"], {frozenset(["one", "three"])})
        {'one': 'a', 'two': 'ab', 'three': 'b'}

    Reference:
        Piepho 2004, "An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons",
        Journal of Computational and Graphical Statistics 13, the insert-and-absorb algorithm.
    """
    groups = [set(names)]
    for one, other in itertools.combinations(names, 2):
        if frozenset((one, other)) in apart:
            split = [part for group in groups for part in _without(group, one, other)]
            groups = _largest(split)
    groups.sort(key=lambda group: sorted(map(names.index, group)))
    return {
        name: "".join(_letter(place) for place, group in enumerate(groups) if name in group)
        for name in names
    }


def _without(group, one, other):
    return [group - {one}, group - {other}] if {one, other} <= group else [group]


def _largest(groups):
    """The groups that are in no other one, each once."""
    kept = []
    for group in sorted(groups, key=len, reverse=True):
        if not any(group <= other for other in kept):
            kept.append(group)
    return kept


def _letter(place):
    return chr(ord("a") + place % 26) * (1 + place // 26)
