"""How a model fares as its modalities vanish."""

import dataclasses

import numpy as np

from fusionkeras._checks import argument_error, check_integer


@dataclasses.dataclass(frozen=True)
class MissingReport:
    """What `evaluate(..., missing=shares)` found.

    Attributes:
        reports: dict of `{column: {share: report}}`: what `evaluate` returns for rows of which
            that share lacks what the column holds.

    Example:
        >>> from fusionkeras.evaluation import ClassificationReport
        >>> half = ClassificationReport(["a", "b"], np.array([0, 1]), np.array([[0.6, 0.4]] * 2))
        >>> print(MissingReport({"image": {0.5: half}}))
        accuracy, by share of rows without it
                   0.5
        image   0.5000
    """

    reports: dict

    def as_dict(self):
        """`{column: {share: summary}}`, which `json.dumps` takes."""
        return {
            column: {str(share): report.summary() for share, report in reports.items()}
            for column, reports in self.reports.items()
        }

    def metric(self):
        """The first metric of the reports as `(name, {column: {share: float}})`."""
        first = {
            column: {share: _first(report.summary()) for share, report in reports.items()}
            for column, reports in self.reports.items()
        }
        name = next(iter(next(iter(first.values())).values()))[0]
        return name, {
            column: {share: value for share, (_, value) in found.items()}
            for column, found in first.items()
        }

    def __str__(self):
        """A readable table."""
        name, values = self.metric()
        width = max(map(len, values))
        shares = next(iter(values.values()))
        lines = [f"{name}, by share of rows without it"]
        lines.append(" " * width + "".join(f"{share:9.3g}" for share in shares))
        for column, found in values.items():
            lines.append(f"{column:{width}}" + "".join(f"{value:9.4f}" for value in found.values()))
        return "\n".join(lines)


def _first(summary):
    """The first number of a summary and its name; of several heads that of the first."""
    name, value = next(iter(summary.items()))
    if not isinstance(value, dict):
        return name, value
    inner, number = _first(value)
    return f"{name} {inner}", number


def evaluate_missing(answer, report, table, columns, shares, seed=0):
    """Measures a model on a table from which more and more cells of one column vanish.

    The rows are drawn once: those that lack the column at a smaller share lack it at a larger.
    Since no row sees another, each is asked twice a column, with it and without it, and every
    share is put together from these answers.

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
            "The model reads a single column, so nothing would be left of some rows",
            "a model of two columns or more",
            columns=list(columns),
        )
    rank = np.random.default_rng(seed).permutation(len(table))
    whole, reports = answer(table), {}
    for column in columns:
        lacking = answer(without(table, column))
        reports[column] = {
            share: report(_mixed(whole, lacking, rank < round(share * len(table))))
            for share in shares
        }
    return MissingReport(reports)


def _mixed(whole, lacking, gone):
    """What was answered, for the rows that are `gone` from the second table."""

    def pick(one, other):
        return np.where(gone.reshape(-1, *[1] * (one.ndim - 1)), other, one)

    return {head: tuple(map(pick, whole[head], lacking[head])) for head in whole}


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
