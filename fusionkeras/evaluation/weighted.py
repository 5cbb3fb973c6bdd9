"""Metrics of weighted rows, under many weightings at once: what resampling asks for.

A weighting says how often each row is drawn. All weightings are one float64 array `weights` `(rows,
weightings)`, and each function returns one number for each of them, `(weightings,)`, NaN where the
metric is undefined. They are what scikit-learn computes with `sample_weight`, thousands at a time.
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
        self.among = np.ones(len(hits), bool) if among is None else np.asarray(among, bool)
        self.hits = hits & self.among

    def __call__(self, weights):
        """The share under each weighting."""
        return ratio(self.hits.astype(float) @ weights, self.among.astype(float) @ weights)

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
    return values @ weights / weights.sum(axis=0)


def root_mean(values, weights):
    """The root of the mean of one number a row."""
    return np.sqrt(mean(values, weights))


def f1_scores(there, given, weights, undefined=np.nan):
    """The F1 of each class, `(classes, weightings)`; `there` and `given` are `(rows, classes)`."""
    hits = (there & given).T.astype(float) @ weights
    return ratio(2 * hits, there.T.astype(float) @ weights + given.T @ weights, undefined)


def f1_of_class(there, given, weights):
    """The F1 of one class; `there` and `given` are `(rows,)`."""
    return f1_scores(there[:, None], given[:, None], weights)[0]


def f1_macro_there(there, given, weights):
    """The mean F1 of the classes that are there, in truth or in prediction."""
    return mean_defined(f1_scores(there, given, weights))


def f1_macro(there, given, weights):
    """The mean F1 of all classes, 0 for one that is neither there nor given."""
    return f1_scores(there, given, weights, undefined=0.0).mean(axis=0)


def f1_micro(there, given, weights):
    """F1 over all cells together, 0 where nothing is there or given."""
    hits = np.sum(there & given, axis=1) @ weights
    return ratio(2 * hits, (there.sum(axis=1) + given.sum(axis=1)) @ weights, undefined=0.0)


def roc_area(positive, scores, weights):
    """The area under the ROC curve: how often a positive row has more than a negative one.

    For each positive row: what all rows below it weigh, and half of those that equal it. The
    positive rows among these, all pairs of them, come to half the square of what they weigh.
    """
    hits, upto, equal = _ranked(positive, scores, weights)
    total, all_hits = weights.sum(axis=0), hits.sum(axis=0)
    wins = np.sum(hits * (upto - equal / 2), axis=0) - all_hits**2 / 2
    return ratio(wins, all_hits * (total - all_hits))


def roc_areas(positive, scores, weights):
    """The mean area over the classes that have one; two arrays `(rows, classes)`."""
    pairs = zip(positive.T, scores.T, strict=True)
    return mean_defined(np.array([roc_area(*pair, weights) for pair in pairs]))


def precision_area(positive, scores, weights):
    """The area under the precision-recall steps of one class: the mean precision at its rows."""
    hits, upto, _ = _ranked(positive, -np.asarray(scores), weights)
    found = np.cumsum(hits, axis=0)
    return ratio(np.sum(hits * ratio(found, upto, undefined=0.0), axis=0), hits.sum(axis=0))


def precision_areas(positive, scores, weights):
    """The mean of these areas over the classes that are there; two arrays `(rows, classes)`."""
    pairs = zip(positive.T, scores.T, strict=True)
    return mean_defined(np.array([precision_area(*pair, weights) for pair in pairs]))


def _ranked(positive, scores, weights):
    """The distinct scores of positive rows, from the lowest, three arrays `(scores, weightings)`.

    What the positive rows of each weigh, all rows up to it, and all rows of it.
    """
    order = np.argsort(scores, kind="stable")
    positive, ordered = np.asarray(positive, bool)[order], np.asarray(scores)[order]
    group = np.cumsum(np.append(False, ordered[1:] != ordered[:-1]))
    own, begins = np.unique(group[positive], return_index=True)
    if not len(own):
        return (np.zeros((0, weights.shape[1])),) * 3
    hits = np.add.reduceat(weights[order[positive]], begins, axis=0)
    upto = np.cumsum(weights[order], axis=0)
    ends = np.searchsorted(group, own, side="right") - 1
    starts = np.searchsorted(group, own)
    return hits, upto[ends], upto[ends] - upto[starts] + weights[order[starts]]


def r2(labels, errors, weights):
    """The share of the variance that is explained; as scikit-learn, 0 or 1 where there is none."""
    wrong = errors**2 @ weights
    labels = labels - labels.mean()  # or squares of large labels would swallow what they differ by
    squares = labels**2 @ weights
    total = squares - (labels @ weights) ** 2 / weights.sum(axis=0)
    varied = total > 1e-12 * squares
    constant = np.where(wrong > 0, 0.0, 1.0)
    return np.where(varied, 1 - wrong / np.where(varied, total, 1), constant)


def quadratic_kappa(labels, predictions, weights):
    """Cohen's kappa with quadratic weights."""
    wrong = (labels - predictions) ** 2 @ weights
    rows, sums = weights.sum(axis=0), (labels @ weights) * (predictions @ weights)
    expected = rows * ((labels**2 + predictions**2) @ weights) - 2 * sums
    return 1 - ratio(rows * wrong, expected)
