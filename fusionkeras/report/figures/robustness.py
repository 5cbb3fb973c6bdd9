"""How a model fares as its cells get worse."""

from fusionkeras._checks import check_choice
from fusionkeras.evaluation import RobustnessReport
from fusionkeras.evaluation.curves.kinds import KINDS
from fusionkeras.report.figures.drawing import (
    LINES,
    SERIES,
    check_drawn,
    make_axes,
    name_axes,
    name_series,
    shorten_name,
)


def plot_robustness(report, kind=None, metric=None, ax=None):
    """Draws a metric as noise, blur, JPEG, typos or absence get stronger, a line a column.

    Args:
        report: `RobustnessReport`, what `robustness` and `evaluate(missing=...)` return.
        kind: str, such as "noise" or "missing"; None draws all kinds, each on the scale of its
            own largest strength.
        metric: str, one of `report.metrics()`; None takes the first, which of several heads is
            that of the first by name.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`.

    Raises:
        ValueError: for a kind or metric that was not measured.

    Example:
        >>> import numpy as np
        >>> from fusionkeras.evaluation import ClassificationReport
        >>> half = ClassificationReport(["a", "b"], np.array([0, 1]), np.array([[0.6, 0.4]] * 2))
        >>> report = RobustnessReport({"missing": {"image": {0.0: half, 1.0: half}}})
        >>> plot_robustness(report).get_xlabel()
        'share of cells taken away'
    """
    found = check_drawn(report, RobustnessReport).metrics()
    metric = next(iter(found)) if metric is None else metric
    kinds = found[check_choice("metric of the report", found, metric=metric)]
    if kind is None and len(kinds) == 1:
        kind = next(iter(kinds))
    if kind is not None:
        kinds = {check_choice("kind of the report", kinds, name=kind): kinds[kind]}
    lines = list(_lines(kinds))
    ax = make_axes(ax, series=len(lines))
    for place, (name, scale, values) in enumerate(lines):
        strengths = [strength / scale for strength in values]
        style = {"color": SERIES[place % 6], "linestyle": LINES[place % 6]}
        ax.plot(strengths, values.values(), marker="o", markersize=3, label=name, **style)
    said = KINDS[kind].said if kind else "strength, of the strongest"
    name_axes(ax, f"{metric} as cells get worse", said, metric)
    return name_series(ax)


def _lines(kinds):
    """`(name, scale, {strength: value})` of each line."""
    for kind, columns in kinds.items():
        for column, values in columns.items():
            if len(kinds) == 1:
                yield shorten_name(column), 1, values
            else:
                yield shorten_name(f"{column}, {kind}"), max(values) or 1, values
