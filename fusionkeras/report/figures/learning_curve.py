"""Whether more rows of training would help."""

import numpy as np

from fusionkeras._checks import check_choice
from fusionkeras.evaluation import LearningCurve
from fusionkeras.report.figures.drawing import SERIES, check_drawn, make_axes, name_axes


def plot_learning_curve(curve, metric=None, ax=None):
    """Draws a metric by the number of rows of training: the mean, its interval, each training.

    Args:
        curve: `LearningCurve`, what `learning_curve` returns.
        metric: str, one of `curve.metrics()`; None takes the first.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`. The number of rows has a logarithmic scale.

    Raises:
        ValueError: for a metric that was not measured.

    Example:
        >>> from fusionkeras.evaluation import RegressionReport
        >>> reports = [RegressionReport(np.zeros(2), np.full(2, error)) for error in (1.0, 3.0)]
        >>> curve = LearningCurve([0.5, 1.0], [5, 10], [reports, reports])
        >>> plot_learning_curve(curve).get_ylabel()
        'mae'
    """
    found = check_drawn(curve, LearningCurve).metrics()
    metric = next(iter(found)) if metric is None else metric
    values = found[check_choice("metric of the curve", found, metric=metric)]
    ax = make_axes(ax)
    ax.set_xscale("log")
    low, high = curve.interval(metric).T
    if not np.isnan(low).any():
        ax.fill_between(curve.rows, low, high, color=SERIES[0], alpha=0.15, linewidth=0)
    ax.plot(curve.rows, values.mean(axis=1), color=SERIES[0], marker="o", markersize=4)
    for own in values.T:
        ax.plot(curve.rows, own, "x", color=SERIES[0], alpha=0.5, markersize=4)
    ax.set_xticks(curve.rows, [f"{rows:,}" for rows in curve.rows])
    ax.set_xticks([], minor=True)
    return name_axes(ax, f"{metric} by rows of training, 95 %", "rows of training", metric)
