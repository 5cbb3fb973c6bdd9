"""What a model learns to tell: label columns, and the arrays that they become."""

import dataclasses
import logging
import math
import re

import numpy as np

from fusionkeras._checks import argument_error, check_choice, did_you_mean
from fusionkeras.data.cells import as_cells
from fusionkeras.data.labels import number_of, split_labels

TASKS = ("classification", "multilabel", "regression", "ordinal")
SERVED_SEPARATOR = "|"
# What TensorFlow takes as the name of a layer, and a signature as the name of an output.
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")
_MISSING = ("missing_label", "no label")
_LOGGER = logging.getLogger("fusionkeras")


@dataclasses.dataclass(frozen=True)
class Target:
    """One label column and what is to be learned from it.

    Args:
        column: str, the column of the table.
        task: one of `TASKS`.
        separator: str, what stands between the labels of one cell of a multilabel column.
        class_names: list of str, the labels in their order; None where they are to be learned
            from the table, and always for regression.
        given: bool, whether `class_names` were said and not learned.
    """

    column: str
    task: str = "classification"
    separator: str = "|"
    class_names: list | None = None
    given: bool = False

    @property
    def learns_names(self):
        """Whether the table has yet to tell the names of the classes."""
        return self.task != "regression" and self.class_names is None


def check_targets(label, task=None, separator="|", class_names=None):
    """Makes the targets that arguments describe.

    Args:
        label: str, the column with the labels; or a dict of `{column: task}` for several heads.
        task: one of `TASKS`, or None for classification; None where `label` is a dict.
        separator: str, what stands between the labels of one cell of a multilabel column.
        class_names: list of str, or None; for several heads a dict of `{column: list}`.

    Returns:
        dict of `{head: Target}`; the head is "" where `label` is a str, and the column otherwise.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for an unknown task, a column that cannot name a head, and wrong class names.

    Example:
    >>> {head: target.task for head, target in check_targets({"price": "regression"}).items()}
    {'price': 'regression'}
    """
    if not isinstance(separator, str) or not separator.strip():
        raise argument_error("Wrong separator", "a str such as '|'", separator=separator)
    if isinstance(label, dict):
        tasks, names = _check_heads(label, task, class_names)
    elif isinstance(label, str):
        tasks, names = {"": task or TASKS[0]}, {"": class_names}
    else:
        raise argument_error(
            "Wrong type of label",
            "the name of a column, or a dict of {column: task}",
            kind=TypeError,
            label=label,
        )
    return {
        head: Target(
            head or label,
            check_choice("task", TASKS, task=one),
            separator,
            _check_names(names.get(head), one),
            names.get(head) is not None,
        )
        for head, one in tasks.items()
    }


def _check_heads(label, task, class_names):
    if not label:
        raise argument_error("There is no label", "a dict of {column: task}", label=label)
    for column in label:
        if not isinstance(column, str) or not _NAME.fullmatch(column):
            raise argument_error(
                f"The column {column!r} cannot name a head",
                "letters, digits and _, a letter first",
                "Rename the column.",
                label=label,
            )
    if task is not None:
        raise argument_error(
            "The tasks of several heads stand in label", "task=None", label=label, task=task
        )
    names = {} if class_names is None else class_names
    if not isinstance(names, dict):
        raise argument_error(
            "Wrong class names",
            "a dict of {column: list of names} for several heads",
            kind=TypeError,
            class_names=class_names,
        )
    for column in names:
        if column not in label:
            cure = did_you_mean(column, label)
            raise argument_error(f"Unknown head {column!r}", f"one of {list(label)}", cure)
    return label, names


def _check_names(names, task):
    if names is None:
        return None
    if task == "regression":
        raise argument_error("Regression has no classes", "class_names=None", class_names=names)
    right = isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names)
    if not right or not len(set(names)) == len(names) >= 2:
        raise argument_error("Wrong class names", "two or more distinct names", class_names=names)
    return _check_servable(list(names)) if task == "multilabel" else list(names)


def _check_servable(names):
    """Raises where a name holds what stands between the labels that a model answers."""
    for name in names:
        if SERVED_SEPARATOR in name:
            raise argument_error(
                f"A model answers labels with {SERVED_SEPARATOR!r} between them, and this one "
                "holds it itself",
                f"labels without {SERVED_SEPARATOR!r}",
                "Rename the label.",
                label=name,
            )
    return names


def by_head(values):
    """The one value of a single head, or the dict of several."""
    return values[""] if set(values) == {""} else values


def learn_names(target, cells):
    """The names of the classes, in the order of their ids.

    Args:
        target: `Target` whose names are to be learned.
        cells: iterable of str, the labels of the usable rows.

    Returns:
        list of str: sorted; for an ordinal target by number, where all are numbers.
    """
    names = sorted({name for cell in cells for name in labels_of(cell, target) or ()})
    if target.task == "multilabel":
        return _check_servable(names)
    if target.task != "ordinal":
        return names
    numbers = [number_of(name) for name in names]
    if not all(map(math.isfinite, numbers)):
        _LOGGER.warning(
            "The ranks of %r are taken in the order of the alphabet: %s. Say class_names= (on the "
            "command line --class-order) for another.",
            target.column,
            names,
        )
        return names
    if len(set(numbers)) < len(numbers):
        raise argument_error(
            f"The column {target.column!r} writes one rank in several ways",
            "each rank written alike",
            "Repair the column, or name the ranks with class_names.",
            labels=names,
        )
    return sorted(names, key=number_of)


def encode(target, cells):
    """Turns the cells of a label column into the labels that a model is trained on.

    Args:
        target: `Target` that has its class names.
        cells: `Cells`, or an iterable of str.

    Returns:
        `(labels, problems)`. Labels are int32 `(n,)`, places in `class_names`, -1 where missing
        (classification, ordinal); float32 `(n, classes)` of 0 and 1, a row of -1 where missing
        (multilabel); or float32 `(n,)`, NaN where missing (regression). Problems are
        `{row: (reason, detail)}` for the rows whose label is missing.

    Example:
    >>> encode(Target("genre", "multilabel", class_names=["a", "b"]), ["b|a", "b", ""])[0].tolist()
    [[1.0, 1.0], [0.0, 1.0], [-1.0, -1.0]]
    """
    cells, numbers = as_cells(cells).distinct()
    if target.task == "regression":
        labels, wrong = _encode_numbers(cells)
    else:
        labels, wrong = _encode_names(cells, target)
    is_wrong = np.zeros(len(cells), bool)
    is_wrong[list(wrong)] = True
    rows = np.flatnonzero(is_wrong[numbers]).tolist()
    return labels[numbers], {row: wrong[numbers[row]] for row in rows}


def _encode_names(cells, target):
    ids = {name: number for number, name in enumerate(target.class_names)}
    found = [_ids_of(cell, target, ids) for cell in cells]
    problems = {row: one for row, one in enumerate(found) if isinstance(one, tuple)}
    if target.task == "multilabel":
        labels = np.zeros((len(cells), len(ids)), np.float32)
        labels[list(problems)] = -1
        for row, one in enumerate(found):
            labels[row, one if row not in problems else []] = 1
        return labels, problems
    labels = [-1 if row in problems else one[0] for row, one in enumerate(found)]
    return np.array(labels, np.int32), problems


def _ids_of(cell, target, ids):
    """The list of the ids of a cell, or `(reason, detail)`."""
    names = labels_of(cell, target)
    if names is None:
        return _MISSING
    unknown = [name for name in names if name not in ids]
    if not unknown:
        return [ids[name] for name in names]
    known = "class_names" if target.given else f"{len(ids)} labels of the first table"
    what = f"{unknown[0]!r} is " if target.task == "multilabel" else ""
    return "unknown_label", f"{what}not one of the {known}"


def _encode_numbers(cells):
    numbers = [number_of(cell) for cell in cells]
    problems = {
        row: ("not_a_number", "no finite number") if cell.strip() else _MISSING
        for row, (cell, number) in enumerate(zip(cells, numbers, strict=True))
        if not math.isfinite(number)
    }
    return np.array([math.nan if row in problems else x for row, x in enumerate(numbers)],
                    np.float32), problems  # fmt: skip


def labels_of(cell, target):
    """The labels of one cell, each once; None where it is missing."""
    if target.task == "multilabel":
        return split_labels(cell, target.separator)
    return [cell] if cell.strip() else None


def is_labelled(labels, task):
    """Whether each row has a label: bool array `(n,)`, for labels as `encode` gives them."""
    if task == "regression":
        return np.isfinite(labels)
    return labels[:, 0] >= 0 if task == "multilabel" else labels >= 0


def fill_missing(labels, task):
    """Labels with 0 where there is none: a loss of NaN stays NaN, whatever its weight."""
    known = is_labelled(labels, task)
    return np.where(known if labels.ndim == 1 else known[:, None], labels, 0).astype(labels.dtype)
