"""Rows as people write them, made to raw columns."""

import pathlib

import tensorflow as tf

from fusionkeras._checks import argument_error


def list_of_rows(rows, cure=""):
    """Rows as `predict` takes them, as a list; raises TypeError where they are no dicts."""
    many = list(rows) if hasattr(rows, "__iter__") and not isinstance(rows, dict) else [rows]
    if not all(isinstance(row, dict) for row in many):
        raise argument_error(
            "A row is no dict", "{column: value}, or a list of them", cure, TypeError, rows=rows
        )
    return many


def columns_of_rows(served, rows):
    """Makes raw columns of rows as `predict` takes them.

    Args:
        served: what is asked: `columns`, list of str, and `files`, those of them that hold files.
        rows: list of `{column: value}`.

    Returns:
        `{column: string tensor (batch,)}`, "" where a value is missing.

    Raises:
        ValueError: for a row with an unknown column, or without any of the model's.
        FileNotFoundError: for the path of a picture that is not there.
    """
    _check_rows(served, rows)
    return {name: _column(served, name, rows) for name in served.columns}


def _check_rows(served, rows):
    for row in rows:
        unknown = [name for name in row if name not in served.columns]
        if unknown or all(value in (None, "", b"") for value in row.values()):
            raise argument_error(
                f"Unknown column {unknown[0]!r}" if unknown else "There is nothing in this row",
                f"at least one of {served.columns}",
                row=row,
            )


def _column(served, name, rows):
    return tf.constant([_encode(served, name, row.get(name)) for row in rows], tf.string)


def _encode(served, name, value):
    if value is None or (isinstance(value, (str, bytes)) and not value):
        return b""
    if not isinstance(value, (str, bytes, pathlib.PurePath)):
        raise argument_error(
            f"Wrong value for the column {name!r}",
            "a str, bytes, a path, or None where it is missing",
            kind=TypeError,
            value=value,
        )
    if isinstance(value, pathlib.PurePath) or (isinstance(value, str) and name in served.files):
        return pathlib.Path(value).read_bytes()
    return value
