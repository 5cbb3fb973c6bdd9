"""How a model fares as its modalities vanish."""

import dataclasses
import math

import numpy as np

from fusionkeras._checks import argument_error, check_integer


@dataclasses.dataclass(frozen=True)
class MissingReport:
    """What `evaluate(..., missing=shares)` found.

    Attributes:
        reports: dict of `{column: {share: report}}`: what `evaluate` returns where that share of
            the column's cells is taken away; None where no row would have anything left.

    Example:
        >>> from fusionkeras.evaluation import ClassificationReport
        >>> half = ClassificationReport(["a", "b"], np.array([0, 1]), np.array([[0.6, 0.4]] * 2))
        >>> print(MissingReport({"image": {0.5: half}}))
        accuracy, by share of cells taken away
                   0.5     rows
        image   0.5000        2
    """

    reports: dict

    def as_dict(self):
        """`{column: {share: summary}}`, which `json.dumps` takes."""
        return {
            column: {str(share): report and report.summary() for share, report in reports.items()}
            for column, reports in self.reports.items()
        }

    def metrics(self):
        """The first metric of each head, `{name: {column: {share: float}}}`; NaN without rows."""
        found = {
            column: {share: _firsts(report) for share, report in reports.items()}
            for column, reports in self.reports.items()
        }
        names = {name for shares in found.values() for firsts in shares.values() for name in firsts}
        return {
            name: {
                column: {share: firsts.get(name, (math.nan, 0))[0] for share, firsts in own.items()}
                for column, own in found.items()
            }
            for name in sorted(names)
        }

    def __str__(self):
        """A readable table, for several heads one for each."""
        return "\n\n".join(self._table(name, own) for name, own in self.metrics().items())

    def _table(self, name, values):
        width, shares = max(map(len, values)), next(iter(values.values()))
        lines = [f"{name}, by share of cells taken away"]
        lines.append(" " * width + "".join(f"{share:9.3g}" for share in shares) + "     rows")
        for column, found in values.items():
            firsts = [_firsts(report).get(name) for report in self.reports[column].values()]
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


def evaluate_missing(answer, report, table, columns, shares, seed=0):
    """Measures a model on a table from which more and more cells of one column are taken away.

    The cells are drawn once, from those that hold something: what is gone at a smaller share is
    gone at a larger. All shares of a column are measured on the same rows, those that hold
    something else as well. Since no row sees another, each is asked twice a column, with it and
    without it, and every share is put together from these answers.

    Args:
        answer: a function from a `Table` to `{head: three arrays}` over all of its rows, in order:
            labels, what the model says, and bool, whether the row counts.
        report: a function from such a dict to a report.
        table: `Table`.
        columns: the keys of the columns to take away, one after the other.
        shares: list of float in [0, 1].
        seed: int, of the draw.

    Returns:
        `MissingReport`.

    Raises:
        ValueError: for wrong shares, or a model of a single column.
    """
    check_integer("seed", 0, seed=seed)
    shares = _check_shares(shares)
    if len(columns) < 2:
        raise argument_error(
            "The model reads a single column, so nothing would be left of any row",
            "a model of two columns or more",
            columns=list(columns),
        )
    random, whole, reports = np.random.default_rng(seed), answer(table), {}
    for column in columns:
        lacking = answer(without(table, column))
        draw = random.permutation(np.flatnonzero(table.columns[column] != ""))
        reports[column] = {}
        for share in shares:
            gone = np.zeros(len(table), bool)
            gone[draw[: round(share * len(draw))]] = True
            found = _mixed(whole, lacking, gone)
            some = any(counts.any() for _, _, counts in found.values())
            reports[column][share] = report(found) if some else None
    return MissingReport(reports)


def _mixed(whole, lacking, gone):
    """What was answered, for the rows that are `gone` without the column."""

    def pick(one, other):
        return np.where(gone.reshape(-1, *[1] * (one.ndim - 1)), other, one)

    return {
        head: (labels, pick(answers, lacking[head][1]), counts & lacking[head][2])
        for head, (labels, answers, counts) in whole.items()
    }


def without(table, column):
    """A `Table` that lacks what a column holds."""
    columns = {**table.columns, column: np.full(len(table), "", object)}
    return dataclasses.replace(table, columns=columns, missing="allow", failures=[])


def _check_shares(shares):
    expected = "a list of numbers in [0, 1], such as [0, 0.5, 1]"
    listed = list(shares) if isinstance(shares, (list, tuple, np.ndarray)) else []
    numbers = all(isinstance(share, (int, float, np.number)) for share in listed)
    if not listed or not numbers or min(listed) < 0 or max(listed) > 1:
        raise argument_error("Wrong shares of missing modalities", expected, missing=shares)
    return [float(share) for share in listed]
