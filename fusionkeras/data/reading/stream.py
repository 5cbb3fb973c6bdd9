"""Rows to ask a model about, piece by piece: of a long table only a piece is in memory."""

from pathlib import Path

import numpy as np

from fusionkeras.data.reading.judge import check_columns, judge_cells
from fusionkeras.data.reading.read import rows_to_ask
from fusionkeras.data.reading.readers import count_rows, stream_cells


class StreamedRows:
    r"""The rows of a file or of a folder of Parquet files, each piece read when it is asked for.

    The table is read through once to begin with, so that a row that cannot be parsed shows before
    any is answered.

    Args:
        path: as `table` of `read_rows`, but no DataFrame.
        columns: as for `read_rows`.
        files: as for `read_rows`.
        files_root: as for `read_rows`.
        check: as for `read_rows`.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for a table that cannot be read, and for wrong arguments.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "texts.csv"
    >>> _ = path.write_text("id,text\n1,red\n2,\n3,blue\n", "utf-8")
    >>> rows = StreamedRows(path, {"text": "text"}, files=())
    >>> len(rows)
    3
    >>> for table, statuses in rows.pieces(2, skip=1):
    ...     print(table.columns["text"].tolist(), statuses.tolist())
    ['', 'blue'] ['empty', 'ok']
    """

    def __init__(self, path, columns, files=None, files_root=None, check="full"):
        self._path, self._columns = Path(path), columns
        self._files = check_columns(columns, files)
        self._judging = (self._files, files_root, check, False)
        self._wanted = list(dict.fromkeys(columns.values()))
        self._pictures = {columns[key]: False for key in self._files}
        self._rows = count_rows(self._path, "test", self._wanted, self._pictures)

    def __len__(self):
        return self._rows

    def pieces(self, size, skip=0):
        """Reads and checks the rows piece by piece.

        Args:
            size: int, the rows of each piece but the last.
            skip: int, how many rows ahead of the first piece are left out, unchecked.

        Yields:
            `(table, statuses)`, as `read_rows` returns them.
        """
        path = self._path.absolute()
        folder = path if path.is_dir() else path.parent
        pieces = stream_cells(self._path, "test", self._wanted, size, skip, self._pictures)
        return judge_pieces(pieces, self._columns, folder, *self._judging)


def judge_pieces(pieces, columns, folder, files, files_root, check="full", progress=False):
    """Checks rows piece by piece.

    Args:
        pieces: iterable of `{column: Cells}`.
        columns: as for `read_rows`.
        folder: `Path` of the folder that paths in the table start from.
        files: tuple of the keys whose cells are pictures.
        files_root: as for `read_rows`.
        check: as for `read_rows`.
        progress: as for `read_rows`.

    Yields:
        `(table, statuses)`, as `read_rows` returns them.
    """
    for cells in pieces:
        by_key = {key: cells[column] for key, column in columns.items()}
        one = ("test", by_key, {}, {}, folder)
        (found,) = judge_cells([one], files, files_root, check, progress)
        yield rows_to_ask(found, files, {})


class ReadRows:
    """Rows that were read whole already, in the form of `StreamedRows`.

    Args:
        table: `Table`.
        statuses: object array `(rows,)`, as `read_rows` returns it.
    """

    def __init__(self, table, statuses):
        self._table, self._statuses = table, statuses

    def __len__(self):
        return len(self._table)

    def pieces(self, size, skip=0):
        """Takes the rows piece by piece, as `StreamedRows` does."""
        for begin in range(skip, len(self), size):
            places = np.arange(begin, min(begin + size, len(self)))
            yield self._table.take(places), self._statuses[places]
