"""Tables of any form to columns of strings, every cell exactly as it is written."""

import csv
import json
import os
import sys
from contextlib import suppress
from datetime import date, time
from numbers import Number
from pathlib import Path

import numpy as np

from fusionkeras._checks import argument_error, did_you_mean
from fusionkeras.data.pictures import picture_cells


def read_cells(source, argument, wanted, lists=(), pictures=None):
    """Reads the wanted columns of one table as strings.

    Nothing is guessed: "NA", "007" and " 1.0 " stay what they are. Values that are not strings
    (Parquet, JSON lines, DataFrame) are written out: a missing one as "", an integer as "3", a
    truth value as "True", a float as its `repr`. Blank lines of a text file are no rows.

    Args:
        source: path of a `.csv`, `.tsv`, `.parquet`, `.jsonl` or `.ndjson` file, or a pandas
            DataFrame.
        argument: str, the name under which errors speak of the table.
        wanted: list of str, the columns to read.
        lists: the names of columns whose values may be lists too: these are written as JSON.
        pictures: dict of `{column: bool}`, the columns of pictures, whose values may be the
            pictures themselves, and whether a str is their base64; see `picture_cell`.

    Returns:
        `(cells, folder)`: `{column: object array (rows,) of str}`, and the `Path` of the folder
        that holds the table (the current one for a DataFrame).

    Raises:
        TypeError: when `source` is neither a path nor a DataFrame.
        ValueError: when the table cannot be read, has no row or misses a column.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        columns = _read_file(path, argument, wanted)
        folder = path.absolute().parent
    else:
        columns = _read_frame(source, argument, wanted)
        folder = Path.cwd()
    for name, in_base64 in (pictures or {}).items():
        columns[name] = picture_cells(columns[name], in_base64)
    cells = {name: _as_strings(columns[name], argument, name, name in lists) for name in wanted}
    if not len(cells[wanted[0]]):
        raise argument_error(
            "The table has no rows",
            "at least one row below the header",
            **{argument: _shown(source)},
        )
    return cells, folder


def _read_file(path, argument, wanted):
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise argument_error(
            "Unknown kind of table",
            f"a DataFrame or a file that ends in one of {list(READERS)}",
            "Convert the table, or read it with pandas and pass the DataFrame.",
            **{argument: str(path)},
        )
    try:
        return reader(path, wanted, {argument: str(path)})
    except UnicodeDecodeError as error:
        raise argument_error(
            "The table is not UTF-8",
            f"UTF-8 text (byte {error.start} is not)",
            f"Convert it: iconv -f ORIGINAL -t UTF-8 {path.name}",
            **{argument: str(path)},
        ) from error
    except OSError as error:
        raise argument_error(
            f"The table cannot be opened ({error.strerror or error})",
            "a file that can be read",
            "Check the path.",
            **{argument: str(path)},
        ) from error


def _read_csv(path, wanted, received):
    with open(path, encoding="utf-8-sig", newline="") as file:
        # The default limit is 128 kB a cell; the old one is put back at once.
        limit = csv.field_size_limit(sys.maxsize)
        try:
            lines = csv.reader(
                file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True
            )
            return _collect(lines, wanted, received)
        except csv.Error as error:
            raise argument_error(
                f"The table cannot be parsed at line {lines.line_num} ({error})",
                "one row of fields a line",
                'Put fields that hold quotes, separators or newlines into quotes, and write " '
                'within them as "".',
                **received,
            ) from error
        finally:
            csv.field_size_limit(limit)


def _collect(lines, wanted, received):
    header = next(lines, None)
    if header is None:
        raise argument_error(
            "The table is empty", "a line with the names of the columns", **received
        )
    if any("\0" in name for name in header):
        raise argument_error(
            "The table is not UTF-8",
            "UTF-8 text without zero bytes",
            "It may be UTF-16; convert it.",
            **received,
        )
    places = _find_columns(header, wanted, received)
    columns = {name: [] for name in wanted}
    count = 0
    for fields in lines:
        if not fields and len(header) == 1:
            fields = [""]  # the only cell of this row is empty
        if not fields:
            continue
        if len(fields) != len(header):
            raise argument_error(
                f"Row {count} of the table (line {lines.line_num}) has {len(fields)} fields",
                f"{len(header)} fields, as in the header",
                "Repair that line.",
                **received,
            )
        for name, place in places.items():
            columns[name].append(fields[place])
        count += 1
    return columns


def _read_json_lines(path, wanted, received):
    with open(path, encoding="utf-8-sig") as file:
        lines = [
            _parse(text, number, received)
            for number, text in enumerate(file, start=1)
            if text.strip()
        ]
    names = list(dict.fromkeys(name for line in lines for name in line))
    if lines:
        _find_columns(names, wanted, received)
    return {name: [line.get(name) for line in lines] for name in wanted}


def _parse(text, number, received):
    try:
        line = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise argument_error(
            f"Line {number} of the table is not JSON ({error})",
            "one JSON object a line",
            "Repair that line.",
            **received,
        ) from error
    if not isinstance(line, dict):
        raise argument_error(
            f"Line {number} of the table is not a JSON object", "one JSON object a line", **received
        )
    return line


def _without_duplicates(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"a name occurs twice among {names}")
    return dict(pairs)


def _read_parquet(path, wanted, received):
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        _find_columns(file.schema_arrow.names, wanted, received)
        table = file.read(columns=list(dict.fromkeys(wanted)))
        return {name: table.column(name).to_pylist() for name in wanted}
    except pyarrow.ArrowException as error:
        raise argument_error(
            f"The table is no readable Parquet file ({error})",
            "a Parquet file",
            "Write it again.",
            **received,
        ) from error


def _read_frame(frame, argument, wanted):
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise argument_error(
            "Wrong type of table",
            "a path or a pandas DataFrame",
            kind=TypeError,
            **{argument: frame},
        )
    places = _find_columns(list(frame.columns), wanted, {argument: _shown(frame)})
    return {name: frame.iloc[:, place].tolist() for name, place in places.items()}


# Ending -> reader: (path, wanted columns, {argument: path} for errors) -> {column: values}.
READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}


def _find_columns(names, wanted, received):
    """The place of each wanted column among `names`; a missing or double one is an error."""
    for column in wanted:
        if names.count(column) == 1:
            continue
        problem = "more than one column" if column in names else "no column"
        cure = "Rename one of them." if column in names else did_you_mean(column, names)
        raise argument_error(
            f"The table has {problem} {column!r}", f"one of {names}", cure, **received
        )
    return {column: names.index(column) for column in wanted}


def _as_strings(values, argument, column, lists):
    cells = np.empty(len(values), object)
    for row, value in enumerate(values):
        if lists and _is_list(value):
            value = [_as_string(item, argument, column, row) for item in value]
            value = json.dumps(value, ensure_ascii=False)
        cell = value if type(value) is str else _as_string(value, argument, column, row)
        cells[row] = cell if cell.isascii() else _as_unicode(cell)
    return cells


def write_cells(values):
    """Values as the cells of a column that may hold lists: an object array `(n,)` of str."""
    return _as_strings(list(values), "table", "label", lists=True)


def _is_list(value):
    """Whether a value holds several: a list, a tuple or an array of one dimension."""
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1)


def _as_unicode(cell):
    """A half of a surrogate pair, which is in no UTF-8 file, becomes U+FFFD."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        return cell.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return cell


def _as_string(value, argument, column, row):
    import pandas as pd

    plain = (str, bytes, Number, np.generic, date, time, os.PathLike, type(pd.NA), type(None))
    if isinstance(value, plain):
        if pd.isna(value):
            return ""
        if isinstance(value, float):
            return float.__repr__(value)
        if not isinstance(value, bytes):
            return str(value)
        with suppress(UnicodeDecodeError):
            return value.decode()
    raise argument_error(
        f"Row {row} of the column {column!r} in the table {argument!r} holds no single value",
        "a text, a number, a date or nothing",
        cell=value,
    )


def _shown(source):
    return str(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
