"""Metrics of weighted rows, under many weightings at once: what resampling asks for.

A weighting says how often each row is drawn. All weightings are one float64 array `weights` `(rows,
weightings)`, and each function returns one number for each of them, `(weightings,)`, NaN where the
metric is undefined. They are what scikit-learn computes with `sample_weight`, thousands at a time.
What does not depend on the weights is done once: those that sort or count are classes, made of rows
and called with weights.
"""

import numpy as np


class Share:
    """The share of the rows that are `hits`, among all rows or those that are `among`.

    Args:
        hits: bool array `(rows,)`.
        among: bool array `(rows,)`, which rows are looked at; None for all.

    Example:
        >>> Share([True, False])(np.array([[1.0, 3.0], [1.0, 1.0]])).tolist()
        [0.5, 0.75]
    """

    def __init__(self, hits, among=None):
        hits = np.asarray(hits, bool)
        among = np.ones(len(hits), bool) if among is None else np.asarray(among, bool)
        self.hits, self.among = _floats(hits & among), _floats(among)

    def __call__(self, weights):
        """The share under each weighting."""
        return ratio(self.hits @ weights, self.among @ weights)

    def exact_interval(self, confidence):
        """The interval of Clopper and Pearson: `(low, high)`, of binomial counts."""
        from scipy.stats import binomtest

        found = binomtest(int(self.hits.sum()), int(self.among.sum()))
        return tuple(map(float, found.proportion_ci(confidence, method="exact")))


def ratio(part, whole, undefined=np.nan):
    """`part / whole`, and `undefined` where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), undefined), where=whole > 0)


def mean_defined(values):
    """The mean over the first axis of what is not NaN."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0).sum(axis=0), known.sum(axis=0))


def mean(values, weights):
    """The mean of one number a row."""
    return ratio(values @ weights, weights.sum(axis=0))


def root_mean(values, weights):
    """The root of the mean of one number a row."""
    return np.sqrt(mean(values, weights))


class F1:
    """The F1 of each class, `(classes, weightings)`.

    Args:
        there: bool array `(rows, classes)`, the truth; or `(rows,)` of one class.
        given: bool array of that shape, the answers.
        undefined: float, the F1 of a class that is neither there nor given.
    """

    def __init__(self, there, given, undefined=np.nan):
        self.hits, self.undefined = _floats((there & given).T), undefined
        self.sizes = _floats(there.T) + _floats(given.T)

    def __call__(self, weights):
        """F1 under each weighting."""
        return ratio(2 * (self.hits @ weights), self.sizes @ weights, self.undefined)


class MeanF1(F1):
    """The mean over the classes of their F1, of those that have one."""

    def __call__(self, weights):
        """That mean under each weighting."""
        return mean_defined(super().__call__(weights))


class MicroF1(F1):
    """F1 over all cells of `there` and `given` together, 0 where nothing is there or given."""

    def __init__(self, there, given):
        super().__init__(there, given, undefined=0.0)
        self.hits, self.sizes = self.hits.sum(axis=0), self.sizes.sum(axis=0)


class RocArea:
    """The area under the ROC curve: how often a positive row has more than a negative one.

    For each positive row: what all rows below it weigh, and half of those that equal it. The
    positive rows among these, all pairs of them, come to half the square of what they weigh.

    Args:
        positive: bool array `(rows,)`.
        scores: float array `(rows,)`.
    """

    def __init__(self, positive, scores):
        self.ranked = _Ranked(positive, scores)

    def __call__(self, weights):
        """The area under each weighting."""
        hits, upto, equal = self.ranked(weights)
        total, all_hits = weights.sum(axis=0), hits.sum(axis=0)
        wins = np.sum(hits * (upto - equal / 2), axis=0) - all_hits**2 / 2
        return ratio(wins, all_hits * (total - all_hits))


class PrecisionArea:
    """The area under the precision-recall steps of one class: the mean precision at its rows.

    Args:
        positive: bool array `(rows,)`.
        scores: float array `(rows,)`.
    """

    def __init__(self, positive, scores):
        self.ranked = _Ranked(positive, -np.asarray(scores))

    def __call__(self, weights):
        """The area under each weighting."""
        hits, upto, _ = self.ranked(weights)
        precision = ratio(np.cumsum(hits, axis=0), upto, undefined=0.0)
        return ratio(np.sum(hits * precision, axis=0), hits.sum(axis=0))


class MeanArea:
    """The mean area over the classes that have one.

    Args:
        kind: `RocArea` or `PrecisionArea`.
        positive: bool array `(rows, classes)`.
        scores: float array `(rows, classes)`.
    """

    def __init__(self, kind, positive, scores):
        self.areas = [kind(*pair) for pair in zip(positive.T, scores.T, strict=True)]

    def __call__(self, weights):
        """That mean under each weighting."""
        return mean_defined(np.array([area(weights) for area in self.areas]))


class _Ranked:
    """The distinct scores of positive rows, from the lowest: `positive` and `scores` `(rows,)`."""

    def __init__(self, positive, scores):
        self.order = np.argsort(scores, kind="stable")
        positive, ordered = np.asarray(positive, bool)[self.order], np.asarray(scores)[self.order]
        group = np.cumsum(np.append(False, ordered[1:] != ordered[:-1]))
        own, self.begins = np.unique(group[positive], return_index=True)
        self.positive = self.order[positive]
        starts, ends = (np.searchsorted(group, own, side) for side in ("left", "right"))
        bounds = np.unique(np.concatenate([[0], starts, ends]))
        self.bounds = bounds[bounds < len(group)]
        self.places = np.searchsorted(self.bounds, starts)

    def __call__(self, weights):
        """Three arrays `(scores, weightings)`.

        What the positive rows of each weigh, all rows up to it, and all rows of it.
        """
        if not len(self.places):
            return (np.zeros((0, weights.shape[1])),) * 3
        hits = np.add.reduceat(weights.take(self.positive, axis=0), self.begins, axis=0)
        sums = np.add.reduceat(weights.take(self.order, axis=0), self.bounds, axis=0)
        return hits, np.cumsum(sums, axis=0)[self.places], sums[self.places]


def r2(labels, errors, weights):
    """The share of the variance that is explained; as scikit-learn, 0 or 1 where there is none.

    NaN of fewer than two rows.
    """
    if len(labels) < 2:
        return np.full(weights.shape[1], np.nan)
    wrong = errors**2 @ weights
    labels = labels - labels.mean()  # or squares of large labels would swallow what they differ by
    squares = labels**2 @ weights
    total = squares - ratio((labels @ weights) ** 2, weights.sum(axis=0))
    varied = total > 1e-12 * squares
    constant = np.where(wrong > 0, 0.0, 1.0)
    return np.where(varied, 1 - wrong / np.where(varied, total, 1), constant)


def quadratic_kappa(labels, predictions, weights):
    """Cohen's kappa with quadratic weights."""
    wrong = (labels - predictions) ** 2 @ weights
    rows, sums = weights.sum(axis=0), (labels @ weights) * (predictions @ weights)
    expected = rows * ((labels**2 + predictions**2) @ weights) - 2 * sums
    return 1 - ratio(rows * wrong, expected)


def _floats(values):
    """As BLAS multiplies them fast: float64, in the order of their axes."""
    return np.ascontiguousarray(values, float)
