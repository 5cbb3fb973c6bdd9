"""Rows that are not used, and why."""

import numpy as np

from fusionkeras.pages.table import write_table
from fusionkeras.report.sections.data import count_reasons
from fusionkeras.report.sections.writing import counted, heading, paragraph

_LISTED = 20
_LONGEST = 120


def write_left_out(subject, figures):
    """The rows of the table that are not measured, and the quarantine of the training."""
    return _of_table(subject) + _of_training(subject.files)


def _of_table(subject):
    places = np.flatnonzero(~subject.judged)
    if not len(places):
        return paragraph("Every row of the table is measured.")
    statuses = [_reason(subject.statuses[place]) for place in places]
    told = f"{counted(len(places), 'row')} of the table not measured: {count_reasons(statuses)}."
    rows = [
        [str(subject.table.rows[place]), reason, *_cells(subject.table, place)]
        for place, reason in zip(places[:_LISTED], statuses, strict=False)
    ]
    head = ["row", "reason", *subject.table.columns]
    return paragraph(told) + write_table(head, rows, _caption("Rows not measured", len(places)))


def _reason(status):
    """What is wrong with a row; one whose cells are fine has no label that the model knows."""
    return "no known label" if status == "ok" else status


def _cells(table, place):
    return [_cut(cells[place].rpartition("/")[2] if key in table.files else cells[place])
            for key, cells in table.columns.items()]  # fmt: skip


def _cut(text):
    text = str(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _of_training(files):
    quarantine = files.get("quarantine")
    if quarantine is None:
        return ""
    title = heading("In the training")
    if not len(quarantine):
        return title + paragraph("No row was in quarantine.")
    told = (
        f"{counted(len(quarantine), 'row')} in quarantine: {count_reasons(quarantine['reason'])}."
    )
    shown = quarantine.head(_LISTED).fillna("")
    names = ["table", "row", "column", "value", "reason", "detail"]
    rows = [[_cut(cell) for cell in row] for row in shown[names].astype(str).to_numpy().tolist()]
    table = write_table(names, rows, _caption("The quarantine", len(quarantine)))
    return title + paragraph(told) + table


def _caption(what, count):
    return f"{what}; rows from 0" + (
        f"; the first {_LISTED} of {count:,}" if count > _LISTED else ""
    )
