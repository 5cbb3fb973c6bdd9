"""Where the rows of a table lie, so that each of many readers reads its own and no other."""

import dataclasses
import itertools
import os
from array import array
from pathlib import Path

from fusionkeras._checks import argument_error
from fusionkeras.data.pictures.kept import pictures_folder
from fusionkeras.data.reading.formats import files_of, find_columns, readable
from fusionkeras.data.reading.judge import check_columns
from fusionkeras.data.reading.marks import MARKS, READ_SOME, count_parquet, read_some_records
from fusionkeras.data.reading.readers import in_pieces
from fusionkeras.data.reading.stream import judge_pieces
from fusionkeras.data.reading.tfrecords.records import read_schema


@dataclasses.dataclass(frozen=True)
class Spans:
    """The rows of a table by where they lie: nothing of what they hold.

    Attributes:
        folder: str, the folder that paths in the table start from; for records "", since their
            pictures are kept in the cache folder of whoever reads.
        files: tuple of `(path, rows)`, in order.
        marks: array of int, the bytes at which each `step` rows of a text file begin; empty for
            files that tell themselves where their rows are.
        step: int, the rows from one mark to the next.
        records: dict, what `schema.json` says of records; None for other tables.
    """

    folder: str
    files: tuple
    marks: array = dataclasses.field(default_factory=lambda: array("q"))
    step: int = 1
    records: dict | None = None

    def __len__(self):
        return sum(rows for _, rows in self.files)

    def stamps(self):
        """What tells whether the files are others than before: `[[path, bytes, time], ...]`."""
        found = [(path, os.stat(path)) for path, _ in self.files]
        return [[path, stat.st_size, stat.st_mtime_ns] for path, stat in found]

    def thinned(self, step):
        """These spans with fewer marks, for readers that begin at multiples of `step` alone."""
        marks = self.marks[:: step // self.step]
        return dataclasses.replace(self, marks=marks, step=step)

    def within(self, first, rows):
        """Where some rows lie: `(path, begin, rows)`, the begin in bytes of text, or in rows."""
        if self.marks:
            return [(self.files[0][0], self.marks[first // self.step], rows)]
        found, before = [], 0
        for path, count in self.files:
            begin, end = max(first - before, 0), min(first + rows - before, count)
            if begin < end:
                found.append((path, begin, end - begin))
            before += count
        return found


def find_spans(path, columns, files, step):
    r"""Finds where the rows of a table in files lie.

    Of Parquet the footers are read. A text file is read through once, since only that tells where
    its rows begin; of all that it holds nothing is kept but a number for each `step` rows.

    Args:
        path: str or path, as `table` of `read_rows`, but no DataFrame.
        columns: as for `read_rows`.
        files: as for `read_rows`.
        step: int, at the multiples of which readers may begin.

    Returns:
        `Spans`.

    Raises:
        ValueError: for a table that cannot be read, such as one with a row that is too short.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "texts.csv"
    >>> _ = path.write_text('id,text\n1,red\n2,"a\nb"\n3,blue\n', "utf-8")
    >>> spans = find_spans(path, {"text": "text"}, (), step=2)
    >>> len(spans), [begin for _, begin, _ in spans.within(2, 1)]
    (3, [22])
    """
    check_columns(columns, files)
    path, wanted = Path(path).absolute(), list(dict.fromkeys(columns.values()))
    found, marks = [], array("q")
    for file in files_of(path, "test"):
        received = {"test": str(file)}
        with readable(file, received):
            if file.suffix.lower() == ".parquet":
                found.append((str(file), count_parquet(file, wanted, received)))
            else:
                rows, marks = MARKS[file.suffix.lower()](file, wanted, received, step)
                found.append((str(file), rows))
    folder = path if path.is_dir() else path.parent
    return _with_rows(Spans(str(folder), tuple(found), marks, step), path)


def find_record_spans(folder, splits, columns):
    """Finds where the rows of a folder of `write_tfrecords` lie: `schema.json` tells it.

    Args:
        folder: str or path.
        splits: list of str, in order.
        columns: as for `read_rows`.

    Returns:
        `Spans`.

    Raises:
        ValueError: for a folder or columns that cannot be read.
    """
    folder = Path(folder).absolute()
    schema = read_schema(folder)
    find_columns(list(schema["columns"]), list(columns.values()), {"table": str(folder)})
    found = [
        (str(folder / name), count)
        for split in splits
        for name, count in schema["splits"][split]["files"].items()
    ]
    records = {"compression": schema["compression"], "files": list(schema["files"])}
    return _with_rows(Spans("", tuple(found), records=records), folder)


def _with_rows(spans, path):
    if not len(spans):
        raise argument_error(
            "The table has no rows", "at least one row below the header", test=str(path)
        )
    return spans


@dataclasses.dataclass(frozen=True)
class SpannedRows:
    """Some rows of a table, read and checked where they are needed.

    Attributes:
        spans: `Spans`.
        columns: as for `read_rows`.
        files: as for `read_rows`.
        files_root: as for `read_rows`.
    """

    spans: Spans
    columns: dict
    files: tuple
    files_root: str | None = None

    def pieces(self, size, first, rows):
        """Reads and checks some of the rows, piece by piece.

        Args:
            size: int, the rows of each piece but the last.
            first: int, a multiple of the spans' `step`.
            rows: int, how many.

        Yields:
            `(table, statuses)`, as `read_rows` returns them.
        """
        wanted = list(dict.fromkeys(self.columns.values()))
        folder, root = Path(self.spans.folder), self.files_root
        if self.spans.records:
            folder = root = pictures_folder()
            folder.mkdir(parents=True, exist_ok=True)  # where no record has a picture
        chunks = itertools.chain.from_iterable(
            self._chunks(Path(path), begin, count, wanted)
            for path, begin, count in self.spans.within(first, rows)
        )
        pictures = {self.columns[key]: False for key in self.files}
        pieces = in_pieces(chunks, "test", wanted, size, pictures=pictures, first=first)
        return judge_pieces(pieces, self.columns, folder, tuple(self.files), root)

    def _chunks(self, path, begin, rows, wanted):
        received = {"test": str(path)}
        with readable(path, received):
            if self.spans.records:
                yield from read_some_records(path, begin, rows, wanted, self.spans.records)
            else:
                yield from READ_SOME[path.suffix.lower()](path, begin, rows, wanted, received)
