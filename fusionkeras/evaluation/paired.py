"""Whether one model is better than another, by their answers to the same rows."""

import dataclasses

import numpy as np

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.evaluation.intervals import bootstrap_with_draws
from fusionkeras.evaluation.numbers import intervals_as_json, short, with_interval
from fusionkeras.evaluation.rows import RowReport
from fusionkeras.evaluation.several import reports_of

# Of these the smaller is the better.
LOSSES = ("log_loss", "mae", "rmse")


@dataclasses.dataclass(frozen=True)
class PairedTest:
    """What `paired_test` found; `print` gives one sentence.

    Attributes:
        metric: str.
        first: float, the metric of the first model.
        second: float, that of the second.
        interval: `(low, high)`, of the difference first - second.
        p_value: float, that of the paired bootstrap; NaN where the resamples tell nothing.
        rows: int, how many rows both have answered.
        confidence: float, that of the interval.
        only_first: int, the rows that only the first has right; None where rows are not right or
            wrong (multilabel, regression).
        only_second: int, the rows that only the second has right, or None.
        mcnemar_p_value: float, that of McNemar's exact test, or None.
    """

    metric: str
    first: float
    second: float
    interval: tuple
    p_value: float
    rows: int
    confidence: float
    only_first: int | None = None
    only_second: int | None = None
    mcnemar_p_value: float | None = None

    @property
    def difference(self):
        """The metric of the first less that of the second."""
        return self.first - self.second

    @property
    def tells(self):
        """Whether the resamples tell anything.

        They do not where the interval is undefined, or a point other than 0: that no resample
        changes a difference, of a single row say, is no proof of it.
        """
        low, high = self.interval
        return low < high or low == high == 0

    @property
    def better(self):
        """The str "first" or "second"; None where the interval holds 0, or nothing is told."""
        low, high = self.interval
        if not self.tells or low <= 0 <= high:
            return None
        return "first" if (low > 0) != (self.metric in LOSSES) else "second"

    def as_dict(self):
        """All of it as `json.dumps` takes it; NaN becomes None."""
        found = dataclasses.asdict(self) | {"difference": self.difference, "better": self.better}
        numbers = {name: value for name, value in found.items() if isinstance(value, float)}
        known = {name: None if np.isnan(value) else value for name, value in numbers.items()}
        return found | known | {"interval": intervals_as_json(self.interval)}

    def __str__(self):
        """One sentence."""
        verdict = f"the {self.better} is better" if self.better else "they cannot be told apart"
        if not self.tells:
            verdict = "which is better cannot be told"
        p_value = "unknown" if np.isnan(self.p_value) else f"= {short(self.p_value)}"
        difference = with_interval(self.difference, self.interval, sign="+")
        told = (
            f"{self.metric} {short(self.first)} against {short(self.second)} on "
            f"{_rows(self.rows)}: difference {difference}, {verdict} (paired bootstrap p {p_value}"
        )
        if self.mcnemar_p_value is None:
            return f"{told})"
        return (
            f"{told}; McNemar p = {short(self.mcnemar_p_value)}: {_rows(self.only_first)} "
            f"only the first has right, {self.only_second} only the second)"
        )


def paired_test(first, second, metric=None, confidence=0.95, resamples=2000, method="bca", seed=0):
    """Tests whether two models differ by more than the chance of the rows.

    Both have answered the same rows, so the same rows are drawn for both. What another training
    of either would change is not in it.

    Args:
        first: a report of `evaluate`, of one head.
        second: a report of the same class on the same rows.
        metric: str, one of `first.summary()` but rows; None takes the first of them, which is
            accuracy for classes and ranks.
        confidence: float, of the interval of the difference.
        resamples: int, how often as many rows are drawn, with replacement.
        method: of the interval, "bca" or "percentile", as for `intervals`.
        seed: int, of the draws.

    Returns:
        `PairedTest`. The p-value of the bootstrap is the share of resamples whose difference is
        as far from the difference found as that is from 0, or farther; the difference found is
        counted among them. That of McNemar, for classes and ranks, looks at the rows that one of
        the two has right: were they equally good, each would be the first's or the second's by
        the toss of a coin. Where no resample changes a difference that is not 0, as of a single
        row, the bootstrap tells nothing: neither is called better, and its p-value is NaN.

    Raises:
        TypeError: for what is no report of one head, or of different classes.
        ValueError: for reports on other rows or labels, and wrong arguments.

    Example:
        >>> from fusionkeras.evaluation import ClassificationReport
        >>> labels = np.arange(40) % 2
        >>> sure, poor = np.eye(2)[labels], np.eye(2)[np.arange(40) // 4 % 2]
        >>> names = ["cat", "dog"]
        >>> found = paired_test(
        ...     ClassificationReport(names, labels, sure), ClassificationReport(names, labels, poor)
        ... )
        >>> found.difference, found.only_first, found.only_second, found.better
        (0.5, 20, 0, 'first')

    Reference:
        Davison and Hinkley, "Bootstrap Methods and their Application" (1997), section 4.4, of the
        difference less the one found. McNemar, "Note on the sampling error of the difference
        between correlated proportions", Psychometrika 12 (1947). Differs from the paper: the
        p-value is the exact one of the binomial distribution.
    """
    _check_pair(first, second)
    own, others = first.statistics(), second.statistics()
    metric = check_choice("metric", own, metric=next(iter(own)) if metric is None else metric)
    statistics = {metric: lambda weights: own[metric](weights) - others[metric](weights)}
    how = (confidence, resamples, method, seed)
    intervals, drawn = bootstrap_with_draws(statistics, first.rows, *how)
    values = getattr(first, metric), getattr(second, metric)
    p_value = _p_value(drawn[metric], values[0] - values[1])
    found = (metric, *values, intervals[metric], p_value, first.rows, confidence)
    test = PairedTest(*found, *_mcnemar(first, second))
    return test if test.tells else dataclasses.replace(test, p_value=float("nan"))


def paired_tests(reports, answers):
    """`paired_test` of two models for each head, on the rows that count for both.

    Args:
        reports: two functions from answers to what `evaluate` returns.
        answers: `{head: (labels, answers, whether the row counts)}` of both, all rows.

    Returns:
        `{head: PairedTest}`, of the heads that have such rows; a single head is "".

    Raises:
        ValueError: where no row counts for both.
    """
    one, other = answers
    counts = {head: one[head][2] & other[head][2] for head in one}
    first, second = (
        reports_of(report({head: (*rows[:2], counts[head]) for head, rows in own.items()}))
        for report, own in zip(reports, answers, strict=True)
    )
    return {head: paired_test(own, second[head]) for head, own in first.items()}


def _check_pair(first, second):
    if not isinstance(first, RowReport) or type(first) is not type(second):
        raise argument_error(
            "The reports cannot be compared",
            "two reports of the same class, each of one head",
            "Of several heads take those of one: report[head].",
            TypeError,
            first=type(first).__name__,
            second=type(second).__name__,
        )
    names = [getattr(report, "class_names", None) for report in (first, second)]
    if names[0] != names[1]:
        raise argument_error(
            "The reports tell other classes apart",
            "the same classes in the same order",
            first=names[0],
            second=names[1],
        )
    if not np.array_equal(first.labels, second.labels):
        raise argument_error(
            "The reports are of other rows",
            "two models measured on the same rows, with the same labels in the same order",
            first=f"{first.rows} rows",
            second=f"{second.rows} rows",
        )


def _p_value(drawn, found):
    """How often chance alone comes as far; NaN where the difference is undefined."""
    away = np.abs(drawn[~np.isnan(drawn)] - found)
    if np.isnan(found) or not len(away):
        return float("nan")
    as_far = np.sum(away >= abs(found) - 1e-12)  # shares of the same rows differ by rounding
    return float((1 + as_far) / (1 + len(away)))


def _rows(number):
    return f"{number:,} row{'s' * (number != 1)}"


def _mcnemar(first, second):
    """`(rows only the first has right, only the second, p-value)`; () where none are right."""
    from scipy.stats import binomtest

    if not hasattr(first, "accuracy"):
        return ()
    right = [report.predictions == report.labels for report in (first, second)]
    only = int(np.sum(right[0] & ~right[1])), int(np.sum(right[1] & ~right[0]))
    return *only, float(binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0
