"""The rows that an export is tried on: real ones where there are any, otherwise made up."""

import base64
import json

import numpy as np
import tensorflow as tf

from fusionkeras.data import Table, raw_batches
from fusionkeras.data.rows import columns_of_rows, list_of_rows
from fusionkeras.export.short import in_full
from fusionkeras.export.signatures import answering, whole

# How many rows are tried, and travel with the export: the first of them whatever its size.
COUNT, MAX_BYTES = 8, 4_000_000
# Of how many of them, besides the one that is empty, the explanation is compared, too.
EXPLAINED = 2
# Where they lie in the folder of a version; TensorFlow Serving reads nothing else there than the
# warm-up.
PLACE = "assets.extra/examples.json"


def columns_of_examples(served, examples):
    """Raw columns to try a model on.

    Args:
        served: `ServedModel`.
        examples: a `Table`, of which rows are taken evenly; a dict of one row or a list of them,
            as `predict` takes; or None for rows that are made up.

    Returns:
        `(columns, origin)`: `{column: list of bytes}`, behind at most 8 rows, or 4 MB, one of
        which everything is missing; and a str that says where they are from.
    """
    if examples is None:
        columns, origin = _made_up(served), "made up"
    elif isinstance(examples, Table):
        examples.check_columns(served.columns)
        places = np.unique(np.linspace(0, len(examples) - 1, COUNT).astype(int))[: len(examples)]
        columns = next(iter(raw_batches(examples.take(places), COUNT)))
        origin = "of a table"
    else:
        rows = list_of_rows(examples, "For rows of a table pass a Table, such as data.test.")
        columns, origin = columns_of_rows(served, rows[:COUNT]), "given"
    cells = {name: columns[name].numpy().tolist() for name in served.columns}
    sizes = [sum(map(len, row)) for row in zip(*cells.values(), strict=True)]
    kept = max(1, int(np.sum(np.cumsum(sizes) <= MAX_BYTES)))
    return {name: [*cells[name][:kept], b""] for name in cells}, origin


def write_examples(path, served, columns, origin, tolerance, explained=None):
    """Writes rows with what Keras answers, so that the export can be checked anywhere.

    Args:
        path: `pathlib.Path` of the file.
        served: `ServedModel` of a Keras model.
        columns: `{column: list of bytes}`.
        origin: str, where the rows are from.
        tolerance: float, by how much the export may differ.
        explained: what `explaining` gives, or None where nothing is explained.
    """
    ask = answering(served.parts, in_full(whole(served.parts)))  # not compiled: it is asked once
    with tf.device("CPU:0"):  # where it is compared; a graphics card may round to fewer digits
        answers = ask({name: tf.constant(cells, tf.string) for name, cells in columns.items()})
    content = {
        "origin": origin,
        "tolerance": tolerance,
        "columns": encoded(columns),
        "answers": {key: _plain(tensor.numpy()) for key, tensor in answers.items()},
    }
    if explained is not None:
        content["explained"] = _explained(explained, columns)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")


def _explained(explain, columns):
    """A few rows, the last one included, and what Keras says of them."""
    few = {name: [*cells[:-1][:EXPLAINED], cells[-1]] for name, cells in columns.items()}
    with tf.device("CPU:0"):
        found = explain({name: tf.constant(cells, tf.string) for name, cells in few.items()})
    answers = {key: _plain(tensor.numpy()) for key, tensor in found.items()}
    return {"columns": encoded(few), "answers": answers}


def encoded(columns):
    """Cells as JSON can hold them, `{column: list of base64}`."""
    return {
        name: [base64.b64encode(cell).decode() for cell in cells] for name, cells in columns.items()
    }


def _plain(values):
    if values.dtype == object and values.ndim > 1:
        return [_plain(row) for row in values]
    return [x.decode() for x in values] if values.dtype == object else values.tolist()


def _made_up(served):
    """Drawn pictures and words of the vocabulary; in one row each a column is missing."""
    random = np.random.default_rng(0)
    words = {name: _words(served, name) for name in served.columns if name not in served.files}
    columns = {
        name: [
            _text(random, words[name]) if name in words else _picture(random) for _ in range(COUNT)
        ]
        for name in served.columns
    }
    for row, name in enumerate(served.columns[:COUNT]):
        columns[name][row] = b"" if name in words else b"no picture"
    return {name: tf.constant(cells, tf.string) for name, cells in columns.items()}


def _words(served, column):
    parts = getattr(served.parts.preprocessor, "preprocessors", {}).values()
    lists = [getattr(part, "vocabulary", ()) for part in parts if column in part.columns]
    words = [word for words in lists for word in words if word.isalnum()]
    return words[:1000] or ["nothing", "is", "known", "of", "words"]


def _text(random, words):
    return " ".join(random.choice(words, random.integers(3, 12))).encode()


def _picture(random):
    """A JPEG of smooth colours."""
    coarse = tf.constant(random.uniform(0, 255, (4, 5, 3)), tf.float32)
    pixels = tf.image.resize(coarse, (240, 320), "bicubic")
    return tf.io.encode_jpeg(tf.cast(tf.clip_by_value(pixels, 0, 255), tf.uint8)).numpy()
