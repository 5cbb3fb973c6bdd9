"""Each form of a table, read from within: where its rows begin, and some of them alone."""

import itertools
import json
from array import array

from fusionkeras.data.reading.formats import (
    CHUNK,
    collect,
    fields_of,
    find_columns,
    in_chunks,
    parse_line,
    read_header,
    rows_below,
    values_of,
)
from fusionkeras.data.reading.tfrecords.reading import cell_of
from fusionkeras.data.reading.tfrecords.records import read_records


def read_some_records(path, begin, rows, wanted, records):
    """The chunks of some rows of a file of `write_tfrecords`; the `Spans` tell `records`."""
    features = read_records(path, records["compression"])
    for some in in_chunks(itertools.islice(features, begin, begin + rows), CHUNK):
        yield {
            key: [cell_of(record, key, key in records["files"]) for record in some]
            for key in wanted
        }


def count_parquet(path, wanted, received):
    """The rows of a Parquet file, of which only the footer is read."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        find_columns(file.schema_arrow.names, wanted, received)
        return file.metadata.num_rows


def _read_parquet(path, begin, rows, wanted, received):
    """Only the groups of rows are read that hold some of these."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        groups, before, ahead = [], 0, 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if before + count <= begin:
                ahead = before + count
            elif before < begin + rows:
                groups.append(group)
            before += count
        skip = begin - ahead
        for batch in file.iter_batches(CHUNK, row_groups=groups, columns=wanted):
            some = batch.slice(skip, rows)  # of no row where all of them are still to be skipped
            skip, rows = max(skip - len(batch), 0), rows - len(some)
            if len(some):
                yield {name: values_of(some.column(name)) for name in wanted}
            if not rows:
                return


class _Counted:
    """The lines of a text file, and the bytes that they and all before them have."""

    def __init__(self, file, begin):
        self._lines, self.bytes = iter(file), begin

    def __iter__(self):
        return self

    def __next__(self):
        line = next(self._lines)
        self.bytes += len(line.encode())
        return line


def _counted(path):
    """The file, opened as text with its line ends as they are, and the bytes ahead of it."""
    with open(path, "rb") as file:
        begin = 3 if file.read(3) == b"\xef\xbb\xbf" else 0
    return open(path, encoding="utf-8-sig", newline=""), begin


def _mark(rows, lines, step):
    """Goes through rows, of which `lines` is just behind the last: their number, the marks."""
    count, marks, end = 0, array("q"), lines.bytes
    for _ in rows:
        if count % step == 0:
            marks.append(end)
        count, end = count + 1, lines.bytes
    return count, marks


def _mark_csv(path, wanted, received, step):
    file, begin = _counted(path)
    with file, fields_of(lines := _Counted(file, begin), path, received) as fields:
        header = read_header(fields, received)
        find_columns(header, wanted, received)
        return _mark(rows_below(fields, header, received), lines, step)


def _read_csv(path, begin, rows, wanted, received):
    with (
        open(path, encoding="utf-8-sig", newline="") as file,
        fields_of(file, path, received) as fields,
    ):
        header = read_header(fields, received)
    with _opened_at(path, begin) as file, fields_of(file, path, received) as fields:
        some = itertools.islice(rows_below(fields, header, received), rows)
        yield from collect(some, header, wanted, received)


def _mark_json_lines(path, wanted, received, step):
    names = {}

    def parsed(lines):
        for number, text in enumerate(lines, start=1):
            if text.strip():
                names.update(dict.fromkeys(parse_line(text, number, received)))
                yield

    file, begin = _counted(path)
    with file:
        lines = _Counted(file, begin)
        rows, marks = _mark(parsed(lines), lines, step)
    if rows:
        find_columns(list(names), wanted, received)
    return rows, marks


def _read_json_lines(path, begin, rows, wanted, received):
    with _opened_at(path, begin) as file:
        some = itertools.islice((json.loads(text) for text in file if text.strip()), rows)
        for values in in_chunks(some, CHUNK):
            yield {name: [row.get(name) for row in values] for name in wanted}


def _opened_at(path, begin):
    file = open(path, encoding="utf-8", newline="")
    file.buffer.seek(begin)
    return file


# Ending -> how rows of a text file are marked: (path, wanted columns, {argument: path} for errors,
# step) -> (rows, marks).
MARKS = {
    ".csv": _mark_csv,
    ".tsv": _mark_csv,
    ".jsonl": _mark_json_lines,
    ".ndjson": _mark_json_lines,
}
# Ending -> how some rows are read: (path, begin, rows, wanted, received) -> chunks of rows.
READ_SOME = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
