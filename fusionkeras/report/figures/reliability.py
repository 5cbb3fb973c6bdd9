"""Whether probabilities mean what they say."""

from fusionkeras.evaluation import ClassificationReport, MultilabelReport
from fusionkeras.report.figures.drawing import (
    LINES,
    SERIES,
    check_drawn,
    make_axes,
    name_axes,
    name_series,
    shorten_name,
)


def plot_reliability(report, bins=15, ax=None):
    """Draws how often an answer is right, by how sure the model is; on the line both agree.

    Args:
        report: `ClassificationReport`; or `MultilabelReport`, of which the six labels with the
            largest error are drawn.
        bins: int, of equal width; the larger a point, the more rows are in its bin.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`.

    Reference:
        Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks", figure 1.
        Differs from the paper: points at the mean confidence of each bin, not bars.

    Example:
        >>> import numpy as np
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> report = ClassificationReport(["cat", "dog"], np.array([0, 1]), probabilities)
        >>> plot_reliability(report).get_xlabel()
        'mean probability'
    """
    reliabilities = _reliabilities(report, bins)
    ax = make_axes(ax, series=len(reliabilities))
    ax.plot([0, 1], [0, 1], color="black", alpha=0.4, linewidth=0.8)
    for place, (name, found) in enumerate(reliabilities.items()):
        some = found.rows > 0
        points = found.confidence[some], found.accuracy[some]
        style = {"color": SERIES[place], "linestyle": LINES[place], "label": shorten_name(name)}
        ax.plot(*points, **style)
        ax.scatter(*points, s=8 + 90 * found.rows[some] / found.rows.sum(), color=SERIES[place])
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    name_axes(ax, "Reliability", "mean probability", "share that is right")
    return name_series(ax)


def describe_reliability(report, bins=15):
    """The same in words.

    Example:
        >>> import numpy as np
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> report = ClassificationReport(["cat", "dog"], np.array([0, 1]), probabilities)
        >>> describe_reliability(report)
        'Expected calibration error 0.350. At a mean probability of 0.60 right in 0.00 of 1 row;
        0.90 in 1.00 of 1.'
    """
    error = f"Expected calibration error {report.expected_calibration_error(bins):.3f}."
    found = _reliabilities(report, bins)
    if "" not in found:
        worst = ", ".join(f"{x} {y.expected_calibration_error:.3f}" for x, y in found.items())
        return f"{error} Largest: {worst}."
    bins = found[""]
    points = [
        f"{confidence:.2f} in {accuracy:.2f} of {rows:,}"
        for confidence, accuracy, rows in zip(
            bins.confidence, bins.accuracy, bins.rows, strict=True
        )
        if rows
    ]
    first = points[0].replace(" in ", " right in ") + (" row" if bins.rows.sum() else "")
    return f"{error} At a mean probability of {'; '.join([first, *points[1:]])}."


def _reliabilities(report, bins):
    """`{label: Reliability}`, "" for that of the likeliest class; at most six."""
    found = check_drawn(report, ClassificationReport, MultilabelReport).reliability(bins)
    if not isinstance(found, dict):
        return {"": found}
    found = {name: one for name, one in found.items() if one.rows.sum()}
    worst = sorted(found, key=lambda name: -found[name].expected_calibration_error)[: len(SERIES)]
    return {name: found[name] for name in worst}
