"""The reports of a model of several heads."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class HeadReports:
    """One report for each head, in the form of one.

    Attributes:
        reports: dict of `{head: report}`; `reports["price"]` is also `head_reports["price"]`.

    Example:
        >>> import numpy as np
        >>> from fusionkeras.evaluation.regression import RegressionReport
        >>> found = HeadReports({"price": RegressionReport(np.ones(2), np.ones(2))})
        >>> found["price"].mae, found.line()
        (0.0, 'price: MAE 0.0000   RMSE 0.0000   R2 1.0000   rows 2')
    """

    reports: dict

    def __getitem__(self, head):
        """The report of one head."""
        return self.reports[head]

    def as_dict(self):
        """All of it by head, as `json.dumps` takes it."""
        return {head: report.as_dict() for head, report in self.reports.items()}

    def summary(self):
        """The numbers that stand for each head, as a dict of dicts."""
        return {head: report.summary() for head, report in self.reports.items()}

    def intervals(self, **arguments):
        """The intervals of each head, `{head: {metric: (low, high)}}`; see `RowReport.intervals`.

        Args:
            **arguments: as for the report of a single head.
        """
        return {head: report.intervals(**arguments) for head, report in self.reports.items()}

    def slices(self, values, **arguments):
        """Each head by the values of a column, `{head: SliceReport}`; see `RowReport.slices`.

        Args:
            values: dict of `{head: values}`, one a row of the head's report: each head has the
                rows that have a label for it.
            **arguments: as for the report of a single head.
        """
        return {
            head: report.slices(values[head], **arguments) for head, report in self.reports.items()
        }

    def line(self, intervals=None):
        """The numbers of all heads in one line, with `intervals()` beside them where given."""
        own = intervals or {}
        reports = self.reports.items()
        return "; ".join(f"{head}: {report.line(own.get(head))}" for head, report in reports)

    def __str__(self):
        """The tables of all heads, each under its name."""
        return "\n\n".join(f"{head}\n{report}" for head, report in self.reports.items())


def reports_of(report):
    """What `evaluate` returns as `{head: report}`; a single head is ""."""
    return report.reports if isinstance(report, HeadReports) else {"": report}
