"""What is measured as cells get worse, as tables for people and JSON for programs."""

import dataclasses
import math

from fusionkeras.evaluation.curves.kinds import KINDS


@dataclasses.dataclass(frozen=True)
class RobustnessReport:
    """What `robustness` and `evaluate(..., missing=shares)` found.

    Attributes:
        reports: dict of `{kind: {column: {strength: report}}}`: what `evaluate` returns where the
            cells of that column are spoilt in that way; None where no row would have anything
            left. The kinds, and what their strengths are, stand in `robustness`.

    Example:
        >>> import numpy as np
        >>> from fusionkeras.evaluation import ClassificationReport
        >>> half = ClassificationReport(["a", "b"], np.array([0, 1]), np.array([[0.6, 0.4]] * 2))
        >>> print(RobustnessReport({"missing": {"image": {0.5: half}}}))
        accuracy, by share of cells taken away
                   0.5     rows
        image   0.5000        2
    """

    reports: dict

    def as_dict(self):
        """`{kind: {column: {strength: summary}}}`, which `json.dumps` takes."""
        return {
            kind: {
                column: {str(at): report and report.summary() for at, report in reports.items()}
                for column, reports in own.items()
            }
            for kind, own in self.reports.items()
        }

    def metrics(self):
        """The first metric of each head, `{name: {kind: {column: {strength: float}}}}`.

        NaN where there are no rows.
        """
        names = sorted(
            {
                name
                for own in self.reports.values()
                for reports in own.values()
                for report in reports.values()
                for name in _firsts(report)
            }
        )
        return {name: self._metric(name) for name in names}

    def _metric(self, name):
        return {
            kind: {
                column: {
                    strength: _firsts(report).get(name, (math.nan, 0))[0]
                    for strength, report in reports.items()
                }
                for column, reports in own.items()
            }
            for kind, own in self.reports.items()
        }

    def __str__(self):
        """Readable tables, for each head one a kind."""
        return "\n\n".join(
            self._table(name, kind, values)
            for name, kinds in self.metrics().items()
            for kind, values in kinds.items()
        )

    def _table(self, name, kind, values):
        width, strengths = max(map(len, values)), next(iter(values.values()))
        lines = [f"{name}, by {KINDS[kind].said}"]
        lines.append(" " * width + "".join(f"{at:9.3g}" for at in strengths) + "     rows")
        for column, found in values.items():
            firsts = [_firsts(report).get(name) for report in self.reports[kind][column].values()]
            rows = max((first[1] for first in firsts if first), default=0)
            numbers = "".join(f"{value:9.4f}" for value in found.values())
            lines.append(f"{column:{width}}{numbers}{rows:9d}")
        return "\n".join(lines)


def _firsts(report):
    """The first metric of each head and the rows behind it, `{name: (value, rows)}`."""
    if report is None:
        return {}
    summary = report.summary()
    heads = summary if isinstance(next(iter(summary.values())), dict) else {"": summary}
    return {
        f"{head} {next(iter(own))}".strip(): (next(iter(own.values())), own["rows"])
        for head, own in heads.items()
    }
