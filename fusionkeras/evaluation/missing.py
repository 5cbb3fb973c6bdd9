"""How a model fares as its modalities vanish."""

import dataclasses

import numpy as np

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.evaluation.curves.kinds import check_strengths
from fusionkeras.evaluation.curves.report import RobustnessReport


def evaluate_missing(answer, report, table, columns, shares, seed=0, whole=None):
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
        whole: what `answer` gives for the table, where that is known.

    Returns:
        `RobustnessReport` of the kind "missing".

    Raises:
        ValueError: for wrong shares, or a model of a single column.
    """
    check_integer("seed", 0, seed=seed)
    shares = check_strengths("missing", shares)
    if len(columns) < 2:
        raise argument_error(
            "The model reads a single column, so nothing would be left of any row",
            "a model of two columns or more",
            columns=list(columns),
        )
    whole = answer(table) if whole is None else whole
    random, reports = np.random.default_rng(seed), {}
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
    return RobustnessReport({"missing": reports})


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
