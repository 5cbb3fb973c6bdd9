"""Each form of a table to chunks of rows, `{column: values}`."""

import csv
import itertools
import json
import os
import sys
import threading
from contextlib import contextmanager, suppress

from fusionkeras._checks import argument_error, did_you_mean, shorten

# How many rows are values of Python at once; cells may hold whole pictures.
CHUNK = 2048


def read_files(path, argument, wanted):
    """The chunks of a file, or of all Parquet files of a folder."""
    for file in files_of(path, argument):
        received = {argument: str(file)}
        with readable(file, received):
            yield from READERS[file.suffix.lower()](file, wanted, received)


def files_of(path, argument):
    """The files of a table, one or all Parquet files of a folder: list of `Path`."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".parquet")
        if not files:
            raise argument_error(
                "The folder holds no table",
                "files that end in .parquet, or the path of a file",
                **{argument: str(path)},
            )
        return files
    if path.suffix.lower() not in READERS:
        raise argument_error(
            "Unknown kind of table",
            f"a DataFrame, a folder of Parquet files or a file that ends in one of {list(READERS)}",
            "Convert the table, or read it with pandas and pass the DataFrame.",
            **{argument: str(path)},
        )
    return [path]


@contextmanager
def readable(path, received):
    """Says which file cannot be opened, is no UTF-8 or no Parquet."""
    import pyarrow

    try:
        yield
    except UnicodeDecodeError as error:
        raise argument_error(
            "The table is not UTF-8",
            f"UTF-8 text (byte {error.start} is not)",
            f"Convert it: iconv -f ORIGINAL -t UTF-8 {path.name}",
            **received,
        ) from error
    except OSError as error:
        raise argument_error(
            f"The table cannot be opened ({error.strerror or error})",
            "a file that can be read",
            "Check the path.",
            **received,
        ) from error
    except pyarrow.ArrowException as error:
        raise argument_error(
            f"The table is no readable Parquet file ({error})",
            "a Parquet file",
            "Write it again.",
            **received,
        ) from error


def _read_csv(path, wanted, received):
    with (
        open(path, encoding="utf-8-sig", newline="") as file,
        fields_of(file, path, received) as lines,
    ):
        header = read_header(lines, received)
        yield from collect(rows_below(lines, header, received), header, wanted, received)


@contextmanager
def fields_of(file, path, received):
    """The `csv.reader` of lines of text; its errors tell where the table cannot be parsed."""
    lines = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
    try:
        with _LONG_FIELDS:
            yield lines
    except csv.Error as error:
        raise argument_error(
            f"The table cannot be parsed at line {lines.line_num} ({error})",
            "one row of fields a line",
            'Put fields that hold quotes, separators or newlines into quotes, and write " '
            'within them as "".',
            **received,
        ) from error


class _LongFields:
    """Fields of any length: by default `csv` reads 128 kB, and that is one limit for all threads.

    The last thread that reads a table puts the old limit back.
    """

    def __init__(self):
        self._lock, self._readers, self._before = threading.Lock(), 0, None

    def __enter__(self):
        with self._lock:
            if not self._readers:
                self._before = csv.field_size_limit(sys.maxsize)
            self._readers += 1

    def __exit__(self, *error):
        with self._lock:
            self._readers -= 1
            if not self._readers:
                csv.field_size_limit(self._before)


_LONG_FIELDS = _LongFields()


def read_header(lines, received):
    """The names of the columns, the first of the lines of a `csv.reader`."""
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
    return header


def collect(rows, header, wanted, received):
    """The chunks of rows of a text file."""
    places = find_columns(header, wanted, received)
    for some in in_chunks(rows, CHUNK):
        yield {name: [fields[place] for fields in some] for name, place in places.items()}


def rows_below(lines, header, received):
    """The rows below the header, each a list of as many fields."""
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
        yield fields
        count += 1


def in_chunks(rows, size):
    """Lists of at most `size` rows."""
    rows = iter(rows)
    return iter(lambda: list(itertools.islice(rows, size)), [])


def _read_json_lines(path, wanted, received):
    names, empty = {}, True
    with open(path, encoding="utf-8-sig") as file:
        numbered = ((text, number) for number, text in enumerate(file, start=1) if text.strip())
        parsed = (parse_line(text, number, received) for text, number in numbered)
        for lines in in_chunks(parsed, CHUNK):
            names |= dict.fromkeys(name for line in lines for name in line)
            empty = False
            yield {name: [line.get(name) for line in lines] for name in wanted}
    if not empty:
        find_columns(list(names), wanted, received)


def parse_line(text, number, received):
    """A line of JSON as a dict of its values."""
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
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        find_columns(file.schema_arrow.names, wanted, received)
        columns = list(dict.fromkeys(wanted))
        for batch in file.iter_batches(CHUNK, columns=columns):
            yield {name: values_of(batch.column(name)) for name in wanted}


def values_of(column):
    """An Arrow column of texts as it is, where they are UTF-8; others as a list."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_string(column.type) or types.is_large_string(column.type):
        with suppress(pa.ArrowInvalid):
            column.validate(full=True)
            return column
    return column.to_pylist()


def read_frame(frame, argument, wanted):
    """The chunks of a DataFrame."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise argument_error(
            "Wrong type of table",
            "a path or a pandas DataFrame",
            kind=TypeError,
            **{argument: frame},
        )
    places = find_columns(list(frame.columns), wanted, {argument: shown(frame)})
    for start in range(0, len(frame), CHUNK):
        some = frame.iloc[start : start + CHUNK]
        yield {name: some.iloc[:, place].tolist() for name, place in places.items()}


# Ending -> reader: (path, wanted columns, {argument: path} for errors) -> chunks of rows,
# {column: list or Arrow array of values}.
READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}


def find_columns(names, wanted, received):
    """The place of each wanted column among `names`; a missing or double one is an error."""
    for column in wanted:
        if names.count(column) == 1:
            continue
        problem = "more than one column" if column in names else "no column"
        cure = "Rename one of them." if column in names else did_you_mean(column, names)
        raise argument_error(
            f"The table has {problem} {column!r}", f"one of {shorten(names)}", cure, **received
        )
    return {column: names.index(column) for column in wanted}


def shown(source):
    """A table as errors name it: its path, or what it is."""
    return str(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
