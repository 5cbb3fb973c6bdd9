"""The first lines of a report: the metric, and what helps."""

from fusionkeras.evaluation.numbers import with_interval
from fusionkeras.report.sections.helps import tell_loss
from fusionkeras.report.sections.writing import counted, of_head, paragraph, shown_metric


def write_short(subject, figures):
    """The first metric of each head with its interval, and a sentence for each column."""
    parts = []
    for head, report in subject.reports.items():
        metric = next(iter(report.summary()))
        value = with_interval(getattr(report, metric), subject.intervals[head][metric])
        text = f"{shown_metric(metric)} {value} on {counted(report.rows, 'row')}."
        parts.append(paragraph(of_head(head, text)))
    return "".join(parts) + "".join(paragraph(tell_loss(loss)) for loss in subject.losses)
