"""What a report is about: a model, a table, and what was measured."""

import dataclasses
import functools

import numpy as np


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
        reports: dict of `{head: report}`, of the heads that have rows; a single one is "".
        losses: list of `Loss`.
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
    reports: dict
    losses: list
    files: dict
    errors: int = 12

    @functools.cached_property
    def intervals(self):
        """The intervals of each head's metrics, `{head: {metric: (low, high)}}`."""
        return {head: report.intervals() for head, report in self.reports.items()}

    def places(self, head):
        """The places in the table of the rows that a head's report is about, an int array."""
        return np.flatnonzero(self.found[head][2])
