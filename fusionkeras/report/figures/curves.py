"""How the classes are told apart at every threshold."""

import numpy as np

from fusionkeras.evaluation import ClassificationReport, MultilabelReport, OrdinalReport
from fusionkeras.report.figures.drawing import (
    LINES,
    SERIES,
    check_drawn,
    make_axes,
    name_axes,
    name_series,
    shorten_name,
)

_KINDS = (ClassificationReport, MultilabelReport, OrdinalReport)


def plot_roc(report, ax=None):
    """Draws ROC curves: the share of a class that is found, against the false alarms.

    Of two classes the second is drawn, of more each against the rest: the six with the smallest
    areas.

    Args:
        report: `ClassificationReport`, `MultilabelReport` or `OrdinalReport`.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> report = ClassificationReport(["cat", "dog"], np.array([0, 1]), probabilities)
        >>> plot_roc(report).get_legend_handles_labels()[1]
        ['dog 1.000']
    """
    from sklearn.metrics import roc_curve

    areas = areas_of_roc(report)
    ax = make_axes(ax, series=min(len(areas), len(SERIES)))
    ax.plot([0, 1], [0, 1], color="black", alpha=0.4, linewidth=0.8)

    def curve(true, scores):
        return roc_curve(true, scores)[:2]

    _draw(ax, report, curve, areas)
    title = "ROC, with the area under it"
    name_axes(ax, title, "false positive rate", "true positive rate")
    return name_series(ax)


def plot_precision_recall(report, ax=None):
    """Draws precision-recall curves.

    Of two classes the second is drawn, of more each against the rest: the six with the smallest
    average precision.

    Args:
        report: `ClassificationReport`, `MultilabelReport` or `OrdinalReport`.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> report = ClassificationReport(["cat", "dog"], np.array([0, 1]), probabilities)
        >>> plot_precision_recall(report).get_legend_handles_labels()[1]
        ['dog 1.000']
    """
    from sklearn.metrics import precision_recall_curve

    areas = average_precisions(report)
    ax = make_axes(ax, series=min(len(areas), len(SERIES)))

    def curve(true, scores):
        precision, recall, _ = precision_recall_curve(true, scores)
        return recall, precision

    _draw(ax, report, curve, areas, drawstyle="steps-pre")
    name_axes(ax, "Precision by recall, with its average", "recall", "precision")
    return name_series(ax)


def areas_of_roc(report):
    """`{class: area under its ROC curve}`, of classes that some rows are of, and others not."""
    from sklearn.metrics import roc_auc_score

    return _of_classes(report, roc_auc_score)


def average_precisions(report):
    """`{class: average precision}`, of classes that some rows are of, and others not."""
    from sklearn.metrics import average_precision_score

    return _of_classes(report, average_precision_score)


def describe_areas(areas, what):
    """Areas in words.

    Example:
        >>> describe_areas({"cat": 0.5, "dog": 1.0}, "Area under the ROC curve")
        'Area under the ROC curve: mean 0.750; cat 0.500, dog 1.000.'
    """
    shown = ", ".join(f"{name} {area:.3f}" for name, area in _smallest(areas).items())
    several = f"mean {np.mean(list(areas.values())):.3f}; " if len(areas) > 1 else ""
    return f"{what}: {several}{shown}."


def _of_classes(report, score):
    columns = _columns(check_drawn(report, *_KINDS))
    return {name: float(score(*columns[name])) for name in columns}


def _columns(report):
    """`{class: (whether each row is of it, its probabilities)}`, where the curve is defined."""
    names, scores = report.class_names, np.asarray(report.probabilities)
    ids = range(len(names))
    if not isinstance(report, MultilabelReport) and len(names) == 2:
        ids = [1]
    true = np.asarray(report.labels)
    true = true if true.ndim == 2 else true[:, None] == np.arange(len(names))
    return {
        names[i]: (true[:, i].astype(int), scores[:, i])
        for i in ids
        if 0 < true[:, i].sum() < len(true)
    }


def _smallest(areas):
    """The six classes with the smallest areas, in the order of the classes."""
    shown = sorted(areas, key=areas.get)[: len(SERIES)]
    return {name: area for name, area in areas.items() if name in shown}


def _draw(ax, report, curve, areas, **options):
    columns = _columns(report)
    for place, (name, area) in enumerate(_smallest(areas).items()):
        style = {"color": SERIES[place], "linestyle": LINES[place], **options}
        ax.plot(*curve(*columns[name]), label=f"{shorten_name(name)} {area:.3f}", **style)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
