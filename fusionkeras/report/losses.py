"""What a model loses where a column is taken away."""

import dataclasses

from fusionkeras.evaluation import PairedTest
from fusionkeras.evaluation.missing import without
from fusionkeras.evaluation.numbers import verdict
from fusionkeras.evaluation.paired import paired_tests


@dataclasses.dataclass(frozen=True)
class Loss:
    """How one head fares without one column.

    Attributes:
        column: str, what is taken away.
        head: str, "" for a single one.
        test: `PairedTest` of the first metric of the task: first without the column, second with
            it, on the rows that hold something besides.
    """

    column: str
    head: str
    test: PairedTest

    @property
    def verdict(self):
        """What that means, in words.

        Example:
            >>> test = PairedTest("accuracy", 0.93, 0.95, (-0.05, 0.01), 0.3, 210, 0.95)
            >>> Loss("image", "", test).verdict
            'image adds nothing measurable here'
        """
        gain = {"first": -1, "second": 1, None: 0}[self.test.better]
        return verdict([self.column], gain if self.test.tells else None)


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
        if any((found[head][2] & own[head][2]).any() for head in own):
            tests = paired_tests((report, report), (own, found))
            losses += [Loss(column, head, test) for head, test in tests.items()]
    return losses
