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
    rows = [_cells(loss) for loss in subject.losses]
    if not rows:
        return paragraph("The model reads a single column: there is nothing to take away.")
    head = ["without", "metric", "with it", "without it", "difference", "rows", "verdict"]
    table = write_table(head, rows, "The model without each column", range(2, 6))
    return table + paragraph(_NOTE, soft=True)


def _cells(loss):
    test = loss.test
    return [
        of_head(loss.head, loss.column),
        shown_metric(test.metric),
        short(test.second),
        short(test.first),
        with_interval(test.difference, test.interval, "+"),
        f"{test.rows:,}",
        loss.verdict,
    ]


def tell_loss(loss):
    """A `Loss` in one sentence.

    Example:
        >>> from fusionkeras.evaluation import PairedTest
        >>> from fusionkeras.report.losses import Loss
        >>> test = PairedTest("accuracy", 0.93, 0.95, (-0.05, 0.01), 0.3, 210, 0.95)
        >>> tell_loss(Loss("image", "", test))
        'Without image: accuracy .930 instead of .950 on 210 rows, difference
        -.020 [-.050, +.010]: image adds nothing measurable here.'
    """
    test = loss.test
    difference = with_interval(test.difference, test.interval, "+")
    text = (
        f"Without {loss.column}: {shown_metric(test.metric)} {short(test.first)} instead of "
        f"{short(test.second)} on {counted(test.rows, 'row')}, difference {difference}: "
        f"{loss.verdict}."
    )
    return of_head(loss.head, text)
