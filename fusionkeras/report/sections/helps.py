"""What the model loses without each modality."""

from fusionkeras.evaluation.numbers import short, with_interval
from fusionkeras.pages.table import write_table
from fusionkeras.report.sections.writing import counted, of_head, paragraph, shown_metric

_NOTE = (
    "The column is taken away from each row that holds something besides, and the model is asked "
    "again; in brackets the 95 % interval of the difference on the same rows. It tells what this "
    "model makes of the column. What another one, trained without it, could do is told by "
    "fusionkeras compare."
)


def write_helps(subject, figures):
    """A table of what the model is without each column."""
    rows = [
        [
            of_head(loss.head, loss.column),
            shown_metric(loss.metric),
            short(loss.there),
            short(loss.gone),
            with_interval(loss.difference, loss.interval, "+"),
            f"{loss.rows:,}",
            loss.verdict,
        ]
        for loss in subject.losses
    ]
    if not rows:
        return paragraph("The model reads a single column: there is nothing to take away.")
    head = ["without", "metric", "with it", "without it", "difference", "rows", "verdict"]
    table = write_table(head, rows, "The model without each column", range(2, 6))
    return table + paragraph(_NOTE, soft=True)


def tell_loss(loss):
    """A `Loss` in one sentence.

    Example:
        >>> from fusionkeras.report.losses import Loss
        >>> tell_loss(Loss("image", "", "accuracy", 0.95, 0.93, -0.02, (-0.05, 0.01), 210))
        'Without image: accuracy .930 instead of .950 on 210 rows, difference
        -.020 [-.050, +.010]: no measurable difference.'
    """
    difference = with_interval(loss.difference, loss.interval, "+")
    text = (
        f"Without {loss.column}: {shown_metric(loss.metric)} {short(loss.gone)} instead of "
        f"{short(loss.there)} on {counted(loss.rows, 'row')}, difference {difference}: "
        f"{loss.verdict}."
    )
    return of_head(loss.head, text)
