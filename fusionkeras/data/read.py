"""From a table on disk to splits that can be trained on."""

import logging

import numpy as np

from fusionkeras._checks import argument_error, check_choice, check_integer
from fusionkeras.data.judge import check_columns, label_ids, read_and_judge
from fusionkeras.data.split import (
    PARTS,
    check_fractions,
    default_split,
    split_by_column,
    split_by_fraction,
)
from fusionkeras.data.table import Data, Table, account

_LOGGER = logging.getLogger("fusionkeras")


def read_table(
    train,
    columns,
    label,
    files=None,
    validation=None,
    test=None,
    split=None,
    seed=0,
    missing="quarantine",
    check="full",
    files_root=None,
    progress=True,
):
    """Reads a table, checks every row and splits it.

    Every row of the input is in exactly one split or in the quarantine; none is filled in. Cells
    are strings exactly as written. Files are not loaded, but all of them are decoded once (and
    that is remembered until they change).

    Args:
        train: path of a `.csv`, `.tsv`, `.parquet`, `.jsonl` or `.ndjson` file (UTF-8), or a
            pandas DataFrame.
        columns: dict of `{key: column of the table}`; the keys name the raw columns from here
            on, such as `{"image": "photo", "text": "caption"}`.
        label: str, the column with the labels.
        files: keys whose cells are paths of pictures, relative to `files_root`; None means
            `image`, where there is such a key.
        validation: a further table of the same columns, or None.
        test: a further table of the same columns, or None.
        split: how the first table is split: `(train, validation, test)` fractions, stratified
            by label; or the name of a column with train, validation (val, valid, dev) or test
            in each row. By default .8/.1/.1; with `test` .9/.1/0, with `validation` .9/0/.1,
            with both 1/0/0. Each class has at least one row in train, however few it has.
        seed: int; the same seed gives the same split.
        missing: "quarantine" puts a row with a bad or empty modality into the quarantine;
            "allow" keeps it with that modality absent, and lists it in `Data.absent`. A row
            with no modality, or no label, goes to the quarantine always.
        check: "full" decodes every file; "header" only looks at its first bytes.
        files_root: folder that the paths are relative to and may not leave; by default that of
            the table (for a DataFrame the current one).
        progress: bool, whether a bar on stderr shows the checking.

    Returns:
        `Data`. `class_names` are the sorted labels of the usable rows of the first table.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for a table that cannot be read, misses a column or has fewer than two
            classes, and for wrong arguments.

    Example:
    >>> import pandas as pd
    >>> rows = {"caption": ["red", "blue", " "], "category": ["warm", "cold", "cold"]}
    >>> data = read_table(pd.DataFrame(rows), columns={"text": "caption"}, files=(),
    ...                   label="category", split=(1, 0, 0))
    >>> data.summary()
    '3 rows: 2 train; 1 in quarantine (1 empty)'
    >>> data.class_names
    ['cold', 'warm']
    """
    files = check_columns(columns, files)
    if not isinstance(label, str):
        raise argument_error(
            "Wrong type of label", "the name of a column", kind=TypeError, label=label
        )
    check_integer("seed", 0, seed=seed)
    check_choice("way to treat missing modalities", ("quarantine", "allow"), missing=missing)
    split = default_split(validation, test) if split is None else split
    split = split if isinstance(split, str) else check_fractions(split)
    sources = {"train": train, "validation": validation, "test": test}
    sources = {name: source for name, source in sources.items() if source is not None}
    inputs = read_and_judge(sources, columns, files, files_root, check, progress, label, split)
    return _divide(inputs, files, label, split, seed, missing)


def read_rows(
    table,
    columns,
    files=None,
    files_root=None,
    label=None,
    class_names=None,
    check="full",
    progress=True,
):
    """Reads a table to predict on: every row, in order, whatever is wrong with it.

    A bad modality is absent from its row; the status of the row names the first one.

    Args:
        table: path or DataFrame, as for `read_table`.
        columns: dict of `{key: column of the table}`.
        files: keys whose cells are paths of pictures.
        files_root: folder that the paths are relative to and may not leave.
        label: str, the column with the labels, or None.
        class_names: list of str, needed with `label`.
        check: "full" or "header".
        progress: bool, whether a bar on stderr shows the checking.

    Returns:
        `(table, statuses)`: a `Table` of all rows, labels -1 where missing or unknown; and an
        object array `(rows,)` of "ok" or a reason.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for a table that cannot be read, and for wrong arguments.

    Example:
    >>> import pandas as pd
    >>> rows, statuses = read_rows(pd.DataFrame({"text": ["red", ""]}), {"text": "text"}, files=())
    >>> len(rows), statuses.tolist()
    (2, ['ok', 'empty'])
    """
    files = check_columns(columns, files)
    if label is not None and class_names is None:
        raise argument_error(
            "Labels need the names of the classes",
            "class_names with label",
            label=label,
            class_names=class_names,
        )
    names = list(class_names or [])
    (found,) = read_and_judge(
        {"test": table}, columns, files, files_root, check, progress, label, None
    )
    labels, problems = np.full(len(found), -1), {}
    if label is not None:
        labels, problems = label_ids(found, names)
    statuses = np.full(len(found), "ok", object)
    for row in range(len(found)):
        bad = [entry["reason"] for entry in found.entries(row)]
        bad += [problems[row][0]] if row in problems else []
        statuses[row] = bad[0] if bad else "ok"
    table = Table(
        np.arange(len(found)),
        "test",
        found.columns(),
        files,
        labels.astype(np.int32),
        names,
        "allow",
    )
    return table, statuses


def _divide(inputs, files, label, split, seed, missing):
    judged = [_sort_out(found, label, missing) for found in inputs]
    class_names = _class_names(inputs[0], judged[0])
    quarantine, absent, parts = [], [], {}
    for found, (bad, gone) in zip(inputs, judged, strict=True):
        labels, problems = label_ids(found, class_names)
        for row, problem in problems.items():
            bad.setdefault(row, found.entry(row, label, found.labels[row], problem))
        usable = np.array([row for row in range(len(found)) if row not in bad], np.int64)
        quarantine += [bad[row] for row in sorted(bad)]
        absent += [entry for row in sorted(gone) if row not in bad for entry in gone[row]]
        table = Table(
            np.arange(len(found)), found.name, found.columns(), files, labels, class_names, missing
        ).take(usable)
        if found.name == "train":
            parts |= _split(table, found, split, seed, [other.name for other in inputs[1:]])
        else:
            parts[found.name] = table
    data = Data(
        **parts, class_names=class_names, quarantine=account(quarantine), absent=account(absent)
    )
    if quarantine or absent:
        _LOGGER.warning(data.summary())
    return data


def _sort_out(found, label, missing):
    """The rows that cannot be used, `{row: entry}`, and those with absences, `{row: entries}`."""
    bad, gone = {}, {}
    for row in range(len(found)):
        entries = found.entries(row)
        if entries and (missing == "quarantine" or len(entries) == len(found.cells)):
            bad[row] = entries[0]
        elif not found.labels[row].strip():
            bad[row] = found.entry(row, label, found.labels[row], ("missing_label", "no label"))
        elif entries:
            gone[row] = entries
    return bad, gone


def _class_names(found, judged):
    bad, _ = judged
    names = sorted({found.labels[row] for row in range(len(found)) if row not in bad})
    if len(names) < 2:
        entry = next(iter(bad.values()), None)
        first = f"The first bad row: {entry}." if entry else ""
        raise argument_error(
            f"The usable rows of the table have fewer than two labels ({len(found) - len(bad)} "
            f"of {len(found)} rows are usable)",
            "at least two labels",
            first,
            labels=names,
        )
    return names


def _split(table, found, split, seed, further):
    """The splits of the first table; those that further tables hold must be left empty."""
    if isinstance(split, str):
        numbers = split_by_column(found.split, split)[table.rows]
    else:
        numbers = split_by_fraction(table.labels, split, seed)
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
