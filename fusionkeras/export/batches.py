"""A model asked about a table of any length, piece by piece."""

import numpy as np
import tensorflow as tf

from fusionkeras._checks import check_integer
from fusionkeras.data.pictures.files import read_files
from fusionkeras.evaluation.answers import tasks_of

# How many rows are answered between two parts on disk: a killed process loses less than these.
_PART_ROWS = 512


def part_rows(batch_size, rows=_PART_ROWS):
    """How many rows a part has: whole batches, so that parts change nothing about the answers."""
    check_integer("batch size", batch_size=batch_size)
    return batch_size * max(1, rows // batch_size)


def raw_columns(table, places):
    """The raw columns of some rows as they are in a table: of a file its path.

    Args:
        table: `Table`.
        places: int array `(k,)`.

    Returns:
        `{key: object array (k,) of bytes}`.
    """
    return {key: cells.encoded(places) for key, cells in table.columns.items()}


def with_contents(columns, files):
    """What a model is asked: raw columns with the contents of files, "" where one is not read.

    Args:
        columns: what `raw_columns` returns.
        files: the keys of columns that hold paths.

    Returns:
        `{key: string tensor (k,)}`.
    """
    columns = {key: tf.constant(cells, tf.string) for key, cells in columns.items()}
    return columns | {key: _contents(columns[key]) for key in columns if key in files}


# One graph for all pieces: a `tf.data` pipeline for each would never be let go of.
@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def _contents(paths):
    return read_files(paths)[0]


def answers_frame(served, answers, statuses):
    """The answers to some batches as a DataFrame of the columns that `predict` writes.

    Args:
        served: `ServedModel`.
        answers: list of what the model returned, batch by batch.
        statuses: object array `(rows,)`.
    """
    import pandas

    tasks = tasks_of(served)
    if "" in tasks:
        frame = _columns_of_head(answers, "", tasks[""], served.class_names)
        places = list(frame)[:2] if "probability" in frame else list(frame)[:1]
        return pandas.DataFrame({**{x: frame[x] for x in places}, "status": statuses, **frame})
    frame = {"status": statuses}
    for head, task in tasks.items():
        frame |= _columns_of_head(answers, f"{head}_", task, served.class_names[head])
    return pandas.DataFrame(frame)


def _columns_of_head(answers, prefix, task, class_names):
    """The columns of the answers of one head, by name."""
    keys = ("value",) if task == "regression" else ("label", "probabilities")
    found = {
        key: np.concatenate([answer[prefix + key].numpy() for answer in answers]) for key in keys
    }
    if task == "regression":
        return {f"{prefix}value": found["value"]}
    frame = {f"{prefix}label": [label.decode() for label in found["label"]]}
    if task != "multilabel":
        frame[f"{prefix}probability"] = found["probabilities"].max(axis=-1)
    for name, column in zip(class_names, found["probabilities"].T, strict=True):
        frame[f"{prefix}probability_{name}"] = column
    return frame


def answer_rows(served, rows, parts, batch_size, size, progress=True, frame=answers_frame):
    """Answers all rows that are in no part yet, and writes them part by part.

    Args:
        served: `ServedModel`, or what else is asked about raw columns.
        rows: `StreamedRows` or `ReadRows`.
        parts: `Parts`.
        batch_size: int, the rows that the model is asked about at once.
        size: int, the rows of a part, a multiple of the batch size.
        progress: bool, whether a bar on stderr shows how far it is.
        frame: a function that makes a DataFrame of the answers, as `answers_frame`.
    """
    from tqdm import tqdm

    done = min(len(parts) * size, len(rows))
    with tqdm(total=len(rows), initial=done, unit="row", disable=not progress) as bar:
        for table, statuses in rows.pieces(size, skip=done):
            answers = []
            for begin in range(0, len(table), batch_size):
                places = np.arange(begin, min(begin + batch_size, len(table)))
                answers.append(served(with_contents(raw_columns(table, places), table.files)))
                bar.update(len(places))
            parts.append(frame(served, answers, statuses))
