"""TFRecord files to checked rows."""

from pathlib import Path

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.data.pictures.kept import keep_picture, path_of
from fusionkeras.data.reading.tfrecords.foreign import read_foreign
from fusionkeras.data.reading.tfrecords.records import (
    ACCOUNTS,
    NUMBERS,
    SCHEMA,
    labels_of,
    read_records,
    read_schema,
)
from fusionkeras.data.splitting.split import PARTS
from fusionkeras.data.table import Data, Table, account
from fusionkeras.data.targets import by_head


def read_tfrecords(folder, columns=None, label=None, files=None, progress=True, **arguments):
    """Reads what `write_tfrecords` wrote, or TFRecord files of another origin.

    The pictures are kept as files in the user's cache folder, each once.

    Args:
        folder: path of a folder with `schema.json`, which tells all else. Without one, path of a
            folder of TFRecord files of `tf.train.Example`, or a list of such files: then `columns`
            and `label` are needed.
        columns: None; for other files a dict of `{key: feature}`, such as
            `{"image": "image/encoded", "text": "image/caption"}`.
        label: None; for other files the feature with the labels, as for `read_table`.
        files: None; for other files the keys whose features are encoded pictures.
        progress: bool, whether a bar on stderr shows the reading.
        **arguments: for other files, as for `read_table`.

    Returns:
        `Data`. Of what `write_tfrecords` wrote it is the one that was written: the same rows in
        the same order, weights, groups, splits, class names and quarantine; the cells of pictures
        are paths of the kept files, and no row has failed yet.

    Raises:
        ValueError: for a folder without records or files that lack or are damaged, which are
            named; for wrong arguments.
    """
    if not isinstance(folder, (list, tuple)) and (Path(folder) / SCHEMA).is_file():
        said = {"columns": columns, "label": label, "files": files, **arguments}
        said = {name: value for name, value in said.items() if value is not None}
        if said:
            raise argument_error(
                "The schema of the records tells this itself", "none of it", **said
            )
        return _read_data(Path(folder), progress)
    return read_foreign(folder, columns, label, files, progress, arguments)


def _read_data(folder, progress):
    from tqdm import tqdm

    schema = read_schema(folder)
    rows = sum(sum(split["files"].values()) for split in schema["splits"].values())
    with tqdm(total=rows, desc="Reading", unit="row", disable=not progress) as bar:
        tables = {split: _read_table(folder, schema, split, bar) for split in PARTS}
    accounts = {name: _read_account(folder / f"{name}.csv") for name in ACCOUNTS}
    told = schema.get("split", {})  # older schemas tell nothing; JSON has lists for tuples
    told = {key: tuple(one) if isinstance(one, list) else one for key, one in told.items()}
    return Data(**tables, class_names=schema["class_names"], **accounts, split=told)


def _read_table(folder, schema, split, bar):
    files, found = tuple(schema["files"]), schema["splits"][split]
    columns = {key: [] for key in schema["columns"]}
    numbers = {field: [] for field in found.get("numbers", ["rows"])}
    several = isinstance(schema["task"], dict)
    heads = schema["task"] if several else {"": schema["task"]}
    names = schema["class_names"] if several else {"": schema["class_names"]}
    labels = {head: [] for head in heads}
    for name, count in found["files"].items():
        for record in read_records(folder / name, schema["compression"], count):
            for field, values in numbers.items():
                feature, kind, _ = NUMBERS[field]
                values.append(getattr(record[feature], kind).value[0])
            for key, cells in columns.items():
                cells.append(cell_of(record, key, key in files))
            for head, own in labels.items():
                own.append(record.get(f"label/{head}"))
            bar.update(1)
    return Table(
        table=found["table"],
        columns={key: np.array([*cells, None], object)[:-1] for key, cells in columns.items()},
        files=files,
        labels=by_head({x: labels_of(labels[x], heads[x], names[x]) for x in heads}),
        class_names=schema["class_names"],
        missing=schema["missing"],
        task=schema["task"],
        **{field: np.array(values, NUMBERS[field][-1]) for field, values in numbers.items()},
    )


def cell_of(record, key, is_file):
    """A cell of a record; a picture is kept as a file, and the cell is its path."""
    value = record[f"column/{key}"].bytes_list.value[0]
    if not is_file:
        return value.decode()
    return str(path_of(keep_picture(value))) if value else ""


def _read_account(path):
    """A quarantine as it was written: all of its cells but the rows are strings."""
    import pandas as pd

    try:
        return account(pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records"))
    except (OSError, ValueError) as error:
        raise argument_error(
            f"The file {path.name} of the records cannot be read ({error})",
            "what write_tfrecords wrote",
            "Delete it, and call write_tfrecords again: it writes what lacks.",
            path=str(path),
        ) from error
