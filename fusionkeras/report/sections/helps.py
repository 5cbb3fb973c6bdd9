"""What the model loses without each modality."""

from fusionkeras.evaluation.numbers import short, with_interval
from fusionkeras.pages.table import write_table
from fusionkeras.report.sections.writing import (
    counted,
    of_head,
    paragraph,
    shown_metric,
)

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
            of_head(head, column),
            shown_metric(found.metric),
            short(found.there),
            short(found.gone),
            with_interval(found.difference, found.interval, "+"),
            f"{found.rows:,}",
            found.verdict,
        ]
        for column, head, found in _measure(subject)
    ]
    if not rows:
        return paragraph("The model reads a single column: there is nothing to take away.")
    head = ["without", "metric", "with it", "without it", "difference", "rows", "verdict"]
    table = write_table(head, rows, "The model without each column", range(2, 6))
    return table + paragraph(_NOTE, soft=True)


def tell_help(subject):
    """Yields a sentence for each column and head."""
    for column, head, found in _measure(subject):
        difference = with_interval(found.difference, found.interval, "+")
        yield of_head(
            head,
            f"Without {column}: {shown_metric(found.metric)} {short(found.gone)} instead of "
            f"{short(found.there)} on {counted(found.rows, 'row')}, difference {difference}: "
            f"{found.verdict}.",
        )
