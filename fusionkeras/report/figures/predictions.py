"""What was told against what is true."""

import numpy as np

from fusionkeras.evaluation import RegressionReport
from fusionkeras.report.figures.drawing import SERIES, check_drawn, make_axes, name_axes

_MOST = 2000


def plot_predictions(report, ax=None):
    """Draws the predictions of a regression against the true values; on the line both agree.

    Args:
        report: `RegressionReport`. Of more than 2,000 rows as many are drawn, evenly taken.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`.

    Example:
        >>> ax = plot_predictions(RegressionReport(np.array([1.0, 3.0]), np.array([2.0, 3.0])))
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('true', 'predicted')
    """
    check_drawn(report, RegressionReport)
    places = np.linspace(0, report.rows - 1, min(report.rows, _MOST)).astype(int)
    true, said = (np.asarray(values)[places] for values in (report.labels, report.predictions))
    ax = make_axes(ax)
    ends = [min(true.min(), said.min()), max(true.max(), said.max())]
    ax.plot(ends, ends, color="black", alpha=0.4, linewidth=0.8)
    ax.plot(true, said, "o", markersize=4, alpha=0.5, color=SERIES[0], markeredgewidth=0)
    return name_axes(ax, "Predicted by true value", "true", "predicted")


def describe_predictions(report):
    """The same in words.

    Example:
        >>> describe_predictions(RegressionReport(np.array([1.0, 3.0]), np.array([2.0, 3.0])))
        'True values from 1 to 3, predictions from 2 to 3; R2 0.500.'
    """
    (low, high), (least, most) = (
        (np.min(values), np.max(values)) for values in (report.labels, report.predictions)
    )
    spans = f"True values from {low:.4g} to {high:.4g}, predictions from {least:.4g} to {most:.4g}"
    return f"{spans}; R2 {report.r2:.3f}."
