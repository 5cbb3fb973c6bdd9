"""How good the model is: metrics with intervals, and the figures of its task."""

import math

from fusionkeras.evaluation import (
    ClassificationReport,
    MultilabelReport,
    OrdinalReport,
    RegressionReport,
)
from fusionkeras.evaluation.numbers import short, with_interval
from fusionkeras.pages.table import write_table
from fusionkeras.report.figures.confusion import (
    describe_confusion,
    find_confusions,
    plot_confusion,
)
from fusionkeras.report.figures.curves import (
    areas_of_roc,
    average_precisions,
    describe_areas,
    plot_precision_recall,
    plot_roc,
)
from fusionkeras.report.figures.predictions import describe_predictions, plot_predictions
from fusionkeras.report.figures.reliability import describe_reliability, plot_reliability
from fusionkeras.report.sections.writing import folded, heading, of_head, paragraph, shown_metric

_MOST_CONFUSIONS, _MOST_CLASSES = 10, 15
_NOTE = (
    "In brackets: 95 % intervals, bootstrap over the rows. They tell what other rows could give, "
    "not another training."
)


def write_measured(subject, figures):
    """Head by head: metrics, classes, figures."""
    parts = [paragraph(_NOTE, soft=True)]
    for head, report in subject.reports.items():
        parts += [heading(head)] if head else []
        parts += [
            _metrics(report, head, subject.intervals[head]),
            _classes(report, head),
            _figures(report, head, figures),
        ]
        parts += [_confusions(report, head)]
    return "".join(parts)


def _metrics(report, head, intervals):
    rows = [
        [shown_metric(name), with_interval(getattr(report, name), intervals[name])]
        for name in intervals
        if not math.isnan(getattr(report, name))
    ]
    if hasattr(report, "expected_calibration_error"):
        error = report.expected_calibration_error()
        rows.append(["expected calibration error", short(error)])
    if getattr(report, "unsure", None) is not None:
        rows.append(
            [f"answered, the others unsure below {report.unsure:.3f}", short(report.answered)]
        )
        rows.append(["accuracy of the answered", short(report.accuracy_answered)])
    rows.append(["rows", f"{report.rows:,}"])
    return write_table(["metric", "value"], rows, of_head(head, "Metrics"), (1,))


def _classes(report, head):
    if not isinstance(report, (ClassificationReport, MultilabelReport)):
        return ""
    found = getattr(report, "per_class", None) or report.per_label
    intervals = report.intervals(per_class=True)
    names = [name for name in next(iter(found.values())) if name not in ("rows", "threshold")]
    rows = [
        [label, *(_with(own[name], intervals[label].get(name)) for name in names),
         f"{own['rows']:,}"]
        for label, own in found.items()
    ]  # fmt: skip
    head_row = ["class", *map(shown_metric, names), "rows"]
    table = write_table(head_row, rows, of_head(head, "By class"), range(1, len(head_row)))
    return table if len(rows) <= _MOST_CLASSES else folded(f"All {len(rows)} classes", table)


def _with(number, interval):
    if number is None:
        return "–"
    return (
        short(number)
        if interval is None or math.isnan(interval[0])
        else with_interval(number, interval)
    )


def _figures(report, head, figures):
    drawn = "".join(
        figures.write(ax, of_head(head, title), description)
        for ax, title, description in _draw(report)
    )
    return f'<div class="figures">{drawn}</div>\n'


def _draw(report):
    """`(axes, title, description)` of each figure that the task has."""
    if isinstance(report, RegressionReport):
        yield plot_predictions(report), "Predicted by true value", describe_predictions(report)
        return
    if not isinstance(report, MultilabelReport):
        yield plot_confusion(report), "Confusion matrix", describe_confusion(report)
    if areas := areas_of_roc(report):
        told = describe_areas(areas, "Area under the ROC curve")
        yield plot_roc(report), "ROC curve", told
        told = describe_areas(average_precisions(report), "Average precision")
        yield plot_precision_recall(report), "Precision-recall curve", told
    if not isinstance(report, OrdinalReport):
        yield plot_reliability(report), "Reliability diagram", describe_reliability(report)


def _confusions(report, head):
    if not hasattr(report, "confusion"):
        return ""
    found = find_confusions(report)
    if not found:
        return ""
    rows = [
        [true, said, f"{count:,}", f"{count / rows:.1%}"]
        for true, said, count, rows in found[:_MOST_CONFUSIONS]
    ]
    caption = of_head(head, "The most frequent confusions")
    return write_table(["true", "predicted", "rows", "of the class"], rows, caption, (2, 3))
