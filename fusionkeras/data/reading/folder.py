"""A folder of pictures for each class, with a side table of texts."""

import os
from pathlib import Path

from fusionkeras._checks import argument_error
from fusionkeras.data.reading.judge import check_columns
from fusionkeras.data.reading.read import read_table
from fusionkeras.data.reading.readers import read_cells
from fusionkeras.data.splitting.split import SPLIT_NAMES

LABEL, SPLIT = "class", "split"


def read_folder(folder, texts=None, columns=None, **arguments):
    """Reads pictures that lie in a folder for each class, and checks and splits them.

    `folder/cat/1.jpg` is a picture of the class "cat"; where all folders are called train,
    validation (val, valid, dev) or test, `folder/train/cat/1.jpg` is one of that split. The names
    of files do not matter but for those that begin with a dot, which are no pictures. Every file
    below a class and every row of `texts` is in exactly one split or in the quarantine.

    Args:
        folder: path of the folder.
        texts: None, or a table (as for `read_table`) with a column of paths relative to `folder`,
            such as `cat/1.jpg`, and columns of texts. A picture may have several rows. Pictures
            without a text lack one, and rows without a picture lack that: `missing` says what
            becomes of them.
        columns: dict of `{key: column of texts}`; the key "image" is for the column of paths. By
            default `{"image": "image", "text": "text"}`, without `texts` only the picture.
        **arguments: for `read_table`, such as `missing`, `seed` and, where no folders tell the
            splits, three fractions as `split`.

    Returns:
        `Data`. Rows of the quarantine are counted over the pictures in the order of their paths,
        then the rows of `texts` without one.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for a folder without classes, and as for `read_table`.

    Example:
    >>> import tempfile
    >>> import tensorflow as tf
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("cat/1.png", "dog/1.png", "dog/2.png"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     picture = tf.io.encode_png(tf.zeros((4, 4, 3), tf.uint8))
    ...     tf.io.write_file(str(folder / name), picture)
    >>> read_folder(folder, split=(1, 0, 0), progress=False).class_names
    ['cat', 'dog']
    """
    folder = Path(folder)
    frame = folder_frame(folder, texts, columns)
    if _tells_split(folder):
        arguments.setdefault("split", SPLIT)
    columns = {key: key for key in frame.columns if key not in (LABEL, SPLIT)}
    return read_table(frame, columns, LABEL, ["image"], files_root=folder, **arguments)


def folder_frame(folder, texts=None, columns=None):
    """The rows of a folder, unchecked: those of its pictures, then of texts without one.

    Args:
        folder: as for `read_folder`.
        texts: as for `read_folder`.
        columns: as for `read_folder`.

    Returns:
        DataFrame of the keys of `columns`, `class` and `split`.
    """
    import pandas as pd

    folder = Path(folder)
    names = find_pictures(folder)
    columns = _check_columns(columns, texts)
    rows = _join(folder, names, texts, columns)
    return pd.DataFrame(rows, columns=[*columns, LABEL, SPLIT], dtype=object)


def _check_columns(columns, texts):
    if columns is None:
        columns = {"image": "image"} if texts is None else {"image": "image", "text": "text"}
    check_columns(columns, files=())
    reserved = {LABEL, SPLIT}
    if "image" not in columns or reserved & set(columns) or (texts is None and len(columns) > 1):
        raise argument_error(
            "Wrong columns of a folder",
            f"a dict with 'image' and without {sorted(reserved)}, and further keys only with texts",
            columns=columns,
        )
    return columns


def find_pictures(folder):
    """The paths below the classes, relative to the `Path` of a folder, in order."""
    if not folder.is_dir():
        raise argument_error("There is no such folder", "an existing folder", folder=str(folder))
    found, depth = [], 3 if _tells_split(folder) else 2
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(place).relative_to(folder)
        if len(inside.parts) + 1 >= depth:
            found += [inside / name for name in files if not name.startswith(".")]
        # A link to a folder is not walked into: it may lead out, or round and round. It counts as
        # a picture that is none, also where it stands for a whole class.
        found += [inside / name for name in folders if os.path.islink(os.path.join(place, name))]
    names = sorted(path.as_posix() for path in found)
    if not names:
        raise argument_error(
            "There is no picture in a folder of a class",
            "files such as cat/1.jpg, or train/cat/1.jpg",
            folder=str(folder),
        )
    return names


def _tells_split(folder):
    """Whether all folders are splits, one of them that of the training."""
    names = {one.name.lower() for one in folder.iterdir() if one.is_dir() and one.name[0] != "."}
    return bool(names & {"train", "training"}) and names <= set(SPLIT_NAMES)


def _join(folder, names, texts, columns):
    """Rows of cells, class and split: the pictures in order, then the texts without one."""
    keys = [key for key in columns if key != "image"]
    said = {} if texts is None else _read_texts(folder, texts, columns, keys)
    rows = [(name, *one) for name in names for one in said.pop(name, [(name, [""] * len(keys))])]
    rows += [(name, *one) for name, others in said.items() for one in others]
    places = _Places(names, _tells_split(folder))
    found = []
    for name, cell, own in rows:
        cells = dict(zip(keys, own, strict=True)) | {"image": cell}
        found.append([*(cells[key] for key in columns), *places(name)])
    return found


class _Places:
    """What the path of a picture tells: its class, "" where no class has that name; its split."""

    def __init__(self, names, tells_split):
        self._tells_split = tells_split
        self._classes = {self._parts(name)[1] for name in names}

    def __call__(self, name):
        split, label = self._parts(name)
        return (label, split) if label and label in self._classes else ("", "train")

    def _parts(self, name):
        split, _, rest = name.partition("/") if self._tells_split else ("train", "", name)
        known = "/" in rest and split.lower() in SPLIT_NAMES
        return (split, rest.partition("/")[0]) if known else ("train", None)


def _read_texts(folder, texts, columns, keys):
    """The rows of the side table by the path of their picture: `{path: [(cell, texts), ...]}`."""
    cells, _ = read_cells(texts, "texts", list(dict.fromkeys(columns.values())))
    said = {}
    for cell, *own in zip(*(cells[columns[key]] for key in ("image", *keys)), strict=True):
        name = os.path.relpath(folder / cell, folder) if cell.strip() else ""
        said.setdefault(Path(name).as_posix() if name else "", []).append((cell, own))
    return said
