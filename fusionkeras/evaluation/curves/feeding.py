"""What a served model is asked, and what it should say."""

import numpy as np
import tensorflow as tf

from fusionkeras.data.feeding.inputs import make_reader
from fusionkeras.data.feeding.pipeline import mapped


def labelled_batches(table, judged, batch_size=32, spoiler=None):
    """Makes batches of raw columns with their labels, in order.

    Args:
        table: `Table`; it may have labels for several heads.
        judged: bool array `(rows,)`, the rows that count.
        batch_size: int.
        spoiler: `Spoiler`, or None.

    Returns:
        `tf.data.Dataset` of `(columns, labels, weight)`: `{key: string tensor (batch,)}` as
        `raw_batches` gives them; labels as the table has them; float32 `(batch,)`, 0 for rows that
        do not count, or whose files cannot be read any more.
    """
    read = make_reader(table, list(table.columns))
    with tf.device("CPU:0"):
        labels, judged = tf.nest.map_structure(tf.constant, (table.labels, judged))

    def step(places):
        columns, readable = read(places)
        counts = tf.reduce_all(tf.stack([tf.gather(judged, places), *readable.values()]), axis=0)
        if spoiler is not None:
            columns = _spoilt(spoiler, places, columns)
        own = tf.nest.map_structure(lambda one: tf.gather(one, places), labels)
        return columns, own, tf.cast(counts, tf.float32)

    dataset = mapped(tf.data.Dataset.range(len(table)).batch(batch_size), step)
    dataset.table = table  # keeps it alive
    return dataset


def _spoilt(spoiler, places, columns):
    # Declared stateless, or deterministic ops would run all batches one after another.
    cells = [places, columns[spoiler.column]]
    spoilt = tf.numpy_function(spoiler, cells, tf.string, stateful=False)
    return {**columns, spoiler.column: tf.ensure_shape(spoilt, [None])}


def something_in(table, columns):
    """Whether there is anything in these columns of a row, bool `(rows,)`."""
    return np.any([table.columns[column] != "" for column in columns], axis=0)
