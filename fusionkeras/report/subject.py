"""What a report is about: a model, a table, and what was measured."""

import dataclasses

import numpy as np

from fusionkeras.evaluation.missing import without


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a report is about.

    Attributes:
        model: str, what the model is called.
        source: str, what the table is called.
        loaded: what `load` returns.
        table: `Table`, all rows of the source, in order.
        statuses: object array `(rows,)`: "ok", or the first thing that is wrong with a row.
        judged: bool array `(rows,)`, whether the row is measured.
        found: dict of `{head: (labels, answers, whether the row counts)}`.
        lacking: dict of `{column: dict}`, the same where that column is taken away; empty for a
            model of a single column.
        report: a function from what `found` is to what `evaluate` returns.
        files: dict of what a RUN keeps: "config" and "metrics", dicts; "history" and
            "quarantine", DataFrames; none of them need be there.
        errors: int, how many errors of each head are shown.
    """

    model: str
    source: str
    loaded: object
    table: object
    statuses: np.ndarray
    judged: np.ndarray
    found: dict
    lacking: dict
    report: object
    files: dict
    errors: int = 12

    def reports(self, found=None):
        """`{head: report}`, of the heads that have rows; that of a single head is ""."""
        found = self.report(self.found if found is None else found)
        return getattr(found, "reports", {"": found})

    def places(self, head):
        """The places in the table of the rows that a head's report is about, an int array."""
        return np.flatnonzero(self.found[head][2])

    def pairs(self, column):
        """`{head: (report without the column, report with it)}`, on the same rows.

        These rows hold something besides the column; heads that have no such row are left out.
        """
        lacking = self.lacking[column]
        both = {head: self.found[head][2] & lacking[head][2] for head in lacking}
        both = {head: counts for head, counts in both.items() if counts.any()}
        if not both:
            return {}
        there = self.reports({head: (*self.found[head][:2], both[head]) for head in both})
        gone = self.reports({head: (*lacking[head][:2], both[head]) for head in both})
        return {head: (gone[head], there[head]) for head in both}


def ask_all(answer, table, columns):
    """Asks a model about a table, and about it without each column.

    Args:
        answer: a function from a `Table` to `{head: (labels, answers, whether the row counts)}`.
        table: `Table`.
        columns: list of str, the raw columns of the model.

    Returns:
        `(found, lacking)`, as `Subject` has them.
    """
    several = columns if len(columns) > 1 else ()
    return answer(table), {column: answer(without(table, column)) for column in several}
