"""Values of any type, written out as the strings of a column."""

import json
import os
from contextlib import suppress
from datetime import date, time
from numbers import Number

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.data.cells import Cells, to_arrow


def as_arrow(values, argument, column, lists, first):
    """Writes values out as UTF-8: texts in Arrow as they are, and others one by one.

    Args:
        values: list, or pyarrow array of texts.
        argument: str, the name under which errors speak of the table.
        column: str, the column, for errors.
        lists: bool, whether values may be lists too: these are written as JSON.
        first: int, the row of the first value, for errors.

    Returns:
        pyarrow `large_binary` array without nulls.
    """
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values.cast(pa.large_binary()).fill_null(b"")
    return to_arrow(_as_strings(values, argument, column, lists, first))


def _as_strings(values, argument, column, lists, first=0):
    for row, value in enumerate(values, start=first):
        if lists and _is_list(value):
            value = [_as_string(item, argument, column, row) for item in value]
            value = json.dumps(value, ensure_ascii=False)
        cell = value if type(value) is str else _as_string(value, argument, column, row)
        yield cell if cell.isascii() else _as_unicode(cell)


def write_cells(values):
    """Values as the cells of a column that may hold lists: `Cells`."""
    return Cells(_as_strings(values, "table", "label", lists=True))


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
