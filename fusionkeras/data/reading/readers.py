"""Tables of any form to columns of strings, every cell exactly as it is written."""

import itertools
import os
from pathlib import Path

from fusionkeras._checks import argument_error
from fusionkeras.data.cells import Cells, to_arrow
from fusionkeras.data.pictures.kept import picture_cells
from fusionkeras.data.reading.formats import in_chunks, read_files, read_frame, shown
from fusionkeras.data.values import as_arrow


def read_cells(source, argument, wanted, lists=(), pictures=None):
    """Reads the wanted columns of one table as strings.

    Nothing is guessed: "NA", "007" and " 1.0 " stay what they are. Values that are not strings
    (Parquet, JSON lines, DataFrame) are written out: a missing one as "", an integer as "3", a
    truth value as "True", a float as its `repr`. Blank lines of a text file are no rows.

    Args:
        source: path of a `.csv`, `.tsv`, `.parquet`, `.jsonl` or `.ndjson` file, or of a folder of
            `.parquet` files; or a pandas DataFrame.
        argument: str, the name under which errors speak of the table.
        wanted: list of str, the columns to read.
        lists: the names of columns whose values may be lists too: these are written as JSON.
        pictures: dict of `{column: bool}`, the columns of pictures, whose values may be the
            pictures themselves, and whether a str is their base64; see `picture_cell`.

    Returns:
        `(cells, folder)`: `{column: Cells}`, and the `Path` of the folder that paths in the table
        start from: the one that holds the file, a folder of Parquet files itself, or for a
        DataFrame the current one.

    Raises:
        TypeError: when `source` is neither a path nor a DataFrame.
        ValueError: when the table cannot be read, has no row or misses a column.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        chunks = read_files(path, argument, wanted)
        folder = path.absolute() if path.is_dir() else path.absolute().parent
    else:
        chunks = read_frame(source, argument, wanted)
        folder = Path.cwd()
    cells = _gather(chunks, argument, wanted, lists, pictures or {})
    _check_rows(len(cells[wanted[0]]), argument, source)
    return cells, folder


def count_rows(path, argument, wanted, pictures=()):
    """Reads a file or a folder of files through, so that what is wrong with it shows.

    Args:
        path: as `source` of `read_cells`, but no DataFrame.
        argument: as for `read_cells`.
        wanted: as for `read_cells`.
        pictures: the columns of pictures, whose values are not looked at.

    Returns:
        int, the rows.

    Raises:
        ValueError: as for `read_cells`.
    """
    texts, rows = [name for name in wanted if name not in pictures], 0
    for chunk in read_files(Path(path), argument, wanted):
        _gather([chunk], argument, texts, (), {}, rows)
        rows += len(chunk[wanted[0]])
    _check_rows(rows, argument, path)
    return rows


def stream_cells(path, argument, wanted, size, skip=0, pictures=None):
    """Reads the wanted columns of a file or a folder of files piece by piece.

    Args:
        path: as `source` of `read_cells`, but no DataFrame.
        argument: as for `read_cells`.
        wanted: as for `read_cells`.
        size: int, the rows of each piece but the last.
        skip: int, how many rows ahead of the first piece are left out.
        pictures: as for `read_cells`.

    Yields:
        `{column: Cells}`.
    """
    chunks = read_files(Path(path), argument, wanted)
    return in_pieces(chunks, argument, wanted, size, skip, pictures)


def in_pieces(chunks, argument, wanted, size, skip=0, pictures=None, first=0):
    """Chunks of rows, `{column: values}`, in pieces of as many rows, `{column: Cells}`.

    Args:
        chunks: iterable of dict.
        argument: as for `stream_cells`.
        wanted: as for `stream_cells`.
        size: as for `stream_cells`.
        skip: as for `stream_cells`.
        pictures: as for `stream_cells`.
        first: int, the row of the table that the chunks begin with, for errors.

    Yields:
        `{column: Cells}`.
    """
    rows = itertools.islice(_as_rows(chunks, wanted), skip, None)
    for place, some in enumerate(in_chunks(rows, size)):
        piece = dict(zip(wanted, map(list, zip(*some, strict=True)), strict=True))
        begin = first + skip + place * size
        yield _gather([piece], argument, wanted, (), pictures or {}, begin)


def _as_rows(chunks, wanted):
    for chunk in chunks:
        columns = (chunk[name] for name in wanted)
        lists = [x.to_pylist() if hasattr(x, "to_pylist") else x for x in columns]
        yield from zip(*lists, strict=True)


def _check_rows(rows, argument, source):
    if not rows:
        raise argument_error(
            "The table has no rows",
            "at least one row below the header",
            **{argument: shown(source)},
        )


def _gather(chunks, argument, wanted, lists, pictures, row=0):
    """Joins chunks, `{column: values}`, to `{column: Cells}`; errors count rows from `row`."""
    import pyarrow as pa

    pieces = {name: [to_arrow([])] for name in wanted}
    for chunk in chunks:
        for name in pieces:
            values = chunk[name]
            if name in pictures:
                values = picture_cells(values, pictures[name])
            pieces[name].append(as_arrow(values, argument, name, name in lists, row))
        row += len(next(iter(chunk.values())))
    # One column after the other, so that no more than one is there twice.
    return {name: Cells(pa.concat_arrays(pieces.pop(name))) for name in list(pieces)}
