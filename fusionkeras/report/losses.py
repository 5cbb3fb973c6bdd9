"""What a model loses where a column is taken away."""

import dataclasses

from fusionkeras.evaluation import paired_test
from fusionkeras.evaluation.missing import without

_LOWER_IS_BETTER = {"mae"}


@dataclasses.dataclass(frozen=True)
class Loss:
    """How one head fares without one column.

    Attributes:
        column: str, what is taken away.
        head: str, "" for a single one.
        metric: str, the first metric of the task.
        there: float, the metric with the column.
        gone: float, the metric without it, on the same rows.
        difference: float, `gone - there`.
        interval: `(low, high)`, of the difference, 95 %.
        rows: int, those that hold something besides the column.
    """

    column: str
    head: str
    metric: str
    there: float
    gone: float
    difference: float
    interval: tuple
    rows: int

    @property
    def verdict(self):
        """What that means, in words.

        Example:
            >>> Loss("image", "", "accuracy", 0.95, 0.93, -0.02, (-0.05, 0.01), 210).verdict
            'no measurable difference'
        """
        low, high = self.interval
        if not (low > 0 or high < 0):
            return "no measurable difference"
        worse = (low > 0) == (self.metric in _LOWER_IS_BETTER)
        return f"{self.column} helps" if worse else f"{self.column} does harm"


def ask_without(answer, table, columns):
    """Asks a model about a table without each column.

    Args:
        answer: a function from a `Table` to `{head: (labels, answers, whether the row counts)}`.
        table: `Table`.
        columns: list of str, the raw columns of the model.

    Returns:
        `{column: what is answered}`; empty where the model reads a single column.
    """
    several = columns if len(columns) > 1 else ()
    return {column: answer(without(table, column)) for column in several}


def measure_losses(report, found, lacking):
    """Compares the answers with and without each column, on the rows that hold something besides.

    Args:
        report: a function from answers to what `evaluate` returns.
        found: the answers to all rows, as `ask_without` has them.
        lacking: what `ask_without` returns.

    Returns:
        list of `Loss`.
    """
    losses = []
    for column, own in lacking.items():
        both = {head: found[head][2] & own[head][2] for head in own}
        both = {head: counts for head, counts in both.items() if counts.any()}
        if both:
            there, gone = (
                reports_of(report({head: (*answers[head][:2], both[head]) for head in both}))
                for answers in (found, own)
            )
            losses += [_compare(column, head, gone[head], there[head]) for head in both]
    return losses


def reports_of(report):
    """What `evaluate` returns as `{head: report}`; a single head is ""."""
    return getattr(report, "reports", {"": report})


def _compare(column, head, gone, there):
    metric = next(iter(there.summary()))
    test = paired_test(gone, there, metric)
    values = getattr(there, metric), getattr(gone, metric)
    return Loss(column, head, metric, *values, test.difference, test.interval, there.rows)
