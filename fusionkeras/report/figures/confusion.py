"""Which classes are taken for which."""

import numpy as np

from fusionkeras.evaluation import ClassificationReport, OrdinalReport
from fusionkeras.report.figures.drawing import (
    SERIES,
    check_drawn,
    make_axes,
    name_axes,
    name_ticks,
)

# Beyond so many classes no number fits into a cell, and beyond so many no name beside it.
_NUMBERED, _NAMED = 12, 30


def plot_confusion(report, ax=None):
    """Draws the confusion matrix: the darker a cell, the larger its share of the true class.

    Args:
        report: `ClassificationReport` or `OrdinalReport`.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`. Beyond 12 classes the cells have no numbers, beyond 30 no names.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> report = ClassificationReport(["cat", "dog"], np.array([0, 1]), probabilities)
        >>> [text.get_text() for text in plot_confusion(report).texts]
        ['1', '1']
    """
    from matplotlib.patches import Rectangle

    counts = check_drawn(report, ClassificationReport, OrdinalReport).confusion
    classes = len(counts)
    side = min(2.2 + 0.35 * classes, 4.2)
    ax = make_axes(ax, 4.2, side + 0.6)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for row, column in np.argwhere(counts):
        # Never so dark that the number cannot be read.
        style = {"facecolor": SERIES[0], "alpha": 0.08 + 0.42 * shares[row, column], "lw": 0}
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **style))
        if classes <= _NUMBERED:
            ax.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=8)
    ax.set(xlim=(-0.5, classes - 0.5), ylim=(classes - 0.5, -0.5), aspect="equal")
    _name(ax, report.class_names)
    return name_axes(ax, "Confusion, rows", "predicted", "true")


def _name(ax, class_names):
    names = class_names if len(class_names) <= _NAMED else ()
    size = 9 if len(names) <= _NUMBERED else 6
    turned = {"rotation": 90} if max(map(len, names), default=0) * len(names) > 24 else {}
    name_ticks(ax.xaxis, range(len(names)), names, fontsize=size, **turned)
    name_ticks(ax.yaxis, range(len(names)), names, fontsize=size)


def describe_confusion(report, most=5):
    """The same in words.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> report = ClassificationReport(["cat", "dog"], np.array([0, 1]), probabilities)
        >>> describe_confusion(report)
        '1 of 2 rows right. Most frequent: dog taken for cat, 1 of 1.'
    """
    right = int(np.trace(report.confusion))
    parts = [
        f"{true} taken for {said}, {count:,} of {rows:,}"
        for true, said, count, rows in find_confusions(report)[:most]
    ]
    frequent = f" Most frequent: {'; '.join(parts)}." if parts else ""
    return f"{right:,} of {report.rows:,} rows right.{frequent}"


def find_confusions(report):
    """What is taken for something else, `(true class, predicted class, rows, rows of the class)`.

    Args:
        report: `ClassificationReport` or `OrdinalReport`.

    Returns:
        list of tuples, the most frequent first.
    """
    counts, names = report.confusion, report.class_names
    wrong = counts - np.diag(np.diag(counts))
    places = np.argwhere(wrong)
    order = np.argsort(-wrong[wrong > 0], kind="stable")
    return [
        (names[row], names[column], int(wrong[row, column]), int(counts[row].sum()))
        for row, column in places[order]
    ]
