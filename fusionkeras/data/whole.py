"""Files that are written whole or not at all, and the folders that they stand in."""

import contextlib
import os
import uuid

from fusionkeras._checks import argument_error


def write_whole(path, write, alone=False, sync=False):
    """Writes a file under another name beside its place, and moves it when it is whole.

    So a crash leaves what was there before. (A folder cannot be moved over another one: `export`
    has a way of its own.)

    Args:
        path: `Path` of the file, in a folder that is there.
        write: a function that is given the `Path` to write to, which ends like `path`.
        alone: bool, whether nobody else writes the file at the same time. What a killed writing
            has left then goes with the next one; otherwise every writing has a name of its own.
        sync: bool, whether the content is on the disk ahead of the name, should the machine lose
            its power.

    Example:
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_whole(path, lambda unfinished: unfinished.write_text("whole"))
    >>> path.read_text()
    'whole'
    """
    with unfinished_file(path, alone) as unfinished:
        write(unfinished)
        if sync:
            with open(unfinished, "rb+") as file:
                os.fsync(file.fileno())
        os.replace(unfinished, path)


@contextlib.contextmanager
def unfinished_file(path, alone=False):
    """The `Path` to write a file to ahead of its place; gone afterwards unless moved.

    For what tells its place only when it is written; all else takes `write_whole`.
    """
    mark = "" if alone else f"{uuid.uuid4().hex}-"
    unfinished = path.with_name(f".unfinished-{mark}{path.name}")
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def make_folder(path, **received):
    """Makes a folder and those above it.

    Args:
        path: `pathlib.Path`.
        **received: the argument that it follows from, for the error.

    Raises:
        ValueError: where it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argument_error(
            f"The folder cannot be made ({error})", "a place that can be written to", **received
        ) from error
