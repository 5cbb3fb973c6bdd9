"""Judged rows to labels, splits and a quarantine."""

import dataclasses
import logging

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.data.split import (
    PARTS,
    keep_in_train,
    split_by_column,
    split_by_fraction,
    strata,
)
from fusionkeras.data.table import Data, Table, account
from fusionkeras.data.targets import by_head, encode, is_labelled, learn_names

_LOGGER = logging.getLogger("fusionkeras")


def divide(inputs, files, targets, split, seed, missing):
    """Sorts the rows of judged tables into three splits and a quarantine.

    Args:
        inputs: list of `Judged`, the first table first.
        files: tuple of str, the keys whose cells are files.
        targets: dict of `{head: Target}`.
        split: three fractions, or the name of a column.
        seed: int.
        missing: "quarantine" or "allow".

    Returns:
        `Data`.
    """
    judged = [_sort_out(found, missing) for found in inputs]
    targets = _name_classes(inputs[0], judged[0][0], targets)
    quarantine, absent, parts = [], [], {}
    for found, (bad, gone) in zip(inputs, judged, strict=True):
        labels = label_rows(found, bad, gone, targets)
        usable = np.array([row for row in range(len(found)) if row not in bad], np.int64)
        quarantine += [bad[row] for row in sorted(bad)]
        absent += [entry for row in sorted(gone) if row not in bad for entry in gone[row]]
        table = make_table(found, files, labels, targets, missing).take(usable)
        if found.name == "train":
            _check_labels(found, bad, table, targets)
            parts |= _split(table, found, split, seed, [other.name for other in inputs[1:]])
        else:
            parts[found.name] = table
    data = Data(
        **parts,
        class_names=parts["train"].class_names,
        quarantine=account(quarantine),
        absent=account(absent),
    )
    if quarantine or absent:
        _LOGGER.warning(data.summary())
    return data


def make_table(found, files, labels, targets, missing):
    """A `Table` of all rows of a judged table."""
    return Table(
        np.arange(len(found)),
        found.name,
        found.columns(),
        files,
        by_head(labels),
        by_head({head: target.class_names for head, target in targets.items()}),
        missing,
        task=by_head({head: target.task for head, target in targets.items()}),
    )


def _sort_out(found, missing):
    """The rows without modalities, `{row: entry}`, and those with absences, `{row: entries}`."""
    bad, gone = {}, {}
    for row in range(len(found)):
        entries = found.entries(row)
        if entries and (missing == "quarantine" or len(entries) == len(found.cells)):
            bad[row] = entries[0]
        elif entries:
            gone[row] = entries
    return bad, gone


def label_rows(found, bad, gone, targets):
    """The labels `{head: array}`; rows without any are added to `bad`, missing ones to `gone`."""
    labels, problems = {}, {}
    for head, target in targets.items():
        labels[head], own = encode(target, found.labels[target.column])
        for row, problem in own.items():
            entry = found.label_entry(row, target.column, problem)
            problems.setdefault(row, []).append(entry)
    for row in sorted(problems):
        if len(problems[row]) == len(targets):
            bad.setdefault(row, problems[row][0])
        else:
            gone.setdefault(row, []).extend(problems[row])
    return labels


def _name_classes(found, bad, targets):
    """The targets with the names that the usable rows of the first table have."""
    named = {}
    for head, target in targets.items():
        if target.learns_names:
            cells = found.labels[target.column]
            names = learn_names(target, [x for row, x in enumerate(cells) if row not in bad])
            target = dataclasses.replace(target, class_names=names)
        named[head] = target
    return named


def _check_labels(found, bad, table, targets):
    """Raises unless the rows of the first table tell something about every head."""
    for head, (task, labels, class_names) in table.heads().items():
        _warn_of_empty_classes(targets[head], labels)
        few = class_names is not None and len(class_names) < 2
        if not few and np.any(is_labelled(labels, task)):
            continue
        usable = f"{len(found) - len(bad)} of {len(found)} rows are usable"
        kind = "number" if task == "regression" else "label"
        raise argument_error(
            f"The usable rows of the table have {'fewer than two labels' if few else f'no {kind}'} "
            f"({usable})",
            "at least two labels" if few else f"at least one {kind}",
            f"The first bad row: {bad[min(bad)]}." if bad else "",
            **({"column": targets[head].column} if head else {}),
            labels=class_names,
        )


def _warn_of_empty_classes(target, labels):
    """Names that were said and that no row has are often names that are written otherwise."""
    if target.given:
        ids = np.nonzero(labels == 1)[1] if target.task == "multilabel" else labels
        unused = [name for place, name in enumerate(target.class_names) if place not in ids]
        if unused:
            _LOGGER.warning("No row of %r is labelled %s", target.column, unused)


def _split(table, found, split, seed, further):
    """The splits of the first table; those that further tables hold must be left empty."""
    if isinstance(split, str):
        numbers = split_by_column(found.split, split)[table.rows]
    else:
        heads = [(labels, task) for task, labels, _ in table.heads().values()]
        alike = strata(*heads[0]) if heads else np.zeros(len(table), np.int32)
        numbers = split_by_fraction(alike, split, seed)
        for labels, task in heads:
            keep_in_train(numbers, labels, task)
    for name in further:
        taken = np.any(numbers == PARTS.index(name))
        if taken or (not isinstance(split, str) and split[PARTS.index(name)]):
            raise argument_error(
                f"There is a {name} table, and the split takes {name} rows from the first one",
                "one of both",
                f"Leave out the {name} table, or change the split.",
                split=split,
            )
    return {
        name: table.take(numbers == number)
        for number, name in enumerate(PARTS)
        if name not in further
    }
