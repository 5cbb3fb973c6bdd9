"""From the rows of a table to batches that a model can be fitted on."""

import os
import weakref
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.data.failures import report_failures
from fusionkeras.data.files import read_files
from fusionkeras.data.rowcache import RowCache
from fusionkeras.data.table import Table
from fusionkeras.data.weights import row_weights
from fusionkeras.preprocessing.base import Preprocessor


@dataclass(frozen=True, eq=False)
class Source:
    """What a dataset of `prepare` was made from; it stands in its attribute `source`."""

    table: Table
    preprocessor: Preprocessor
    batch_size: int
    seed: int
    shuffle: bool
    class_weight: object = None


def prepare(
    table,
    preprocessor,
    batch_size=32,
    shuffle=False,
    seed=0,
    class_weight=None,
    cache=False,
):
    """Makes batches of a table's rows, pictures read as they are needed.

    A row that cannot be used after all (its file has vanished since, a text has no word) ends no
    epoch: its weight is 0, and it is added to `table.failures`.

    Args:
        table: `Table`, such as `data.train`.
        preprocessor: `Preprocessor`, as `build_preprocessor` makes it.
        batch_size: int; the last batch may be smaller.
        shuffle: bool, whether each epoch has a new order. The same seed gives the same orders.
        seed: int.
        class_weight: None, "balanced" (rows of rare classes count for more) or a dict of
            `{class name: weight}`; absent names weigh 1.
        cache: bool or path. True keeps preprocessed rows in memory, a path in files in that
            folder (until the dataset is not used any more), so that later epochs decode nothing.

    Returns:
        `tf.data.Dataset` of `(inputs, label, sample_weight)`: a dict of tensors `(batch, ...)`,
        int32 `(batch,)` and float32 `(batch,)`. Its attribute `source` is a `Source`.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for a table without rows or without a column that the preprocessor reads.

    Example:
    >>> import pandas as pd
    >>> from fusionkeras.data.read import read_table
    >>> from fusionkeras.preprocessing.text import WordIds
    >>> frame = pd.DataFrame({"text": ["red", "blue"], "label": ["warm", "cold"]})
    >>> data = read_table(frame, {"text": "text"}, label="label", files=(), split=(1, 0, 0))
    >>> batches = prepare(data.train, WordIds(["red", "blue"], sequence_length=2))
    >>> for inputs, labels, weights in batches:
    ...     print(inputs["text_token_ids"].numpy().tolist(), labels.numpy(), weights.numpy())
    [[2, 0], [3, 0]] [1 0] [1. 1.]
    """
    if not isinstance(preprocessor, Preprocessor):
        raise argument_error(
            "Wrong type of preprocessor",
            "a Preprocessor",
            "Make one with build_preprocessor(branches).",
            TypeError,
            preprocessor=preprocessor,
        )
    if not isinstance(shuffle, bool):
        raise argument_error(
            "Wrong type of shuffle", "True or False", kind=TypeError, shuffle=shuffle
        )
    check_integer("seed", 0, seed=seed)
    places = _places(table, batch_size, preprocessor.columns)
    if shuffle:
        places = places.shuffle(len(table), seed=seed, reshuffle_each_iteration=True)
    weights = row_weights(table.labels, table.class_names, class_weight)
    make = _make_inputs(table, preprocessor)
    rows = _open_cache(len(table), preprocessor, cache)
    make = make if rows is None else _cached(make, rows, preprocessor)
    dataset = _mapped(places.batch(batch_size), _with_labels(make, table.labels, weights))
    dataset.cached_rows = rows  # keeps them alive, with all datasets that are derived from it
    dataset.source = Source(table, preprocessor, batch_size, seed, shuffle, class_weight)
    return dataset


def raw_batches(table, batch_size=32):
    """Makes batches of raw columns, in order: what a served model is asked.

    Args:
        table: `Table`.
        batch_size: int; the last batch may be smaller.

    Returns:
        `tf.data.Dataset` of `{key: string tensor (batch,)}`: texts, and the bytes of files; ""
        where a file cannot be read.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for a table without rows.

    Example:
    >>> import pandas as pd
    >>> from fusionkeras.data.read import read_rows
    >>> table, _ = read_rows(pd.DataFrame({"text": ["red", "blue"]}), {"text": "text"}, files=())
    >>> next(iter(raw_batches(table)))["text"].numpy().tolist()
    [b'red', b'blue']
    """
    places = _places(table, batch_size, ())
    read = _make_reader(table, list(table.columns))
    return _mapped(places.batch(batch_size), lambda rows: read(rows)[1])


def _places(table, batch_size, columns):
    if not isinstance(table, Table):
        raise argument_error(
            "Wrong type of table", "a Table, such as data.train", kind=TypeError, table=table
        )
    check_integer("batch size", batch_size=batch_size)
    table.check_columns(columns)
    if not len(table):
        raise argument_error(
            "The split has no rows", "at least one row", "Choose another split.", table=table
        )
    return tf.data.Dataset.range(len(table))


def _mapped(batches, function):
    function = tf.autograph.experimental.do_not_convert(function)
    options = tf.data.Options()
    options.deterministic = True
    # The tuner has been seen to leave a core idle for whole epochs, which then took twice as long
    # (2 of 7, and 0 of 7 without it); AUTOTUNE then means all cores.
    options.autotune.enabled = False
    batches = batches.map(function, num_parallel_calls=tf.data.AUTOTUNE)
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def _make_reader(table, columns):
    """A function from places to `(cells, raw columns, readable)`, each a dict by column."""
    with tf.device("CPU:0"):
        constants = {key: tf.constant(_encode(table, key)) for key in columns}

    def read(places):
        cells = {key: tf.gather(cell, places) for key, cell in constants.items()}
        files = {key: read_files(cells[key]) for key in columns if key in table.files}
        raw = {key: files[key][0] if key in files else cells[key] for key in columns}
        return cells, raw, {key: readable for key, (_, readable) in files.items()}

    return read


def _encode(table, key):
    encode = os.fsencode if key in table.files else str.encode
    return [encode(cell) for cell in table.columns[key]]


def _make_inputs(table, preprocessor):
    """A function from places to `(inputs, usable)`."""
    parts = getattr(preprocessor, "preprocessors", {"": preprocessor})
    read = _make_reader(table, preprocessor.columns)

    def make(places):
        cells, raw, readable = read(places)
        inputs = preprocessor(raw)
        present = preprocessor.present(inputs)
        present = present if isinstance(present, dict) else {"": present}
        nothing = ~tf.reduce_any(tf.stack(list(present.values())), axis=0)
        failed = {key: ~good for key, good in readable.items()}
        for name, part in parts.items():
            for key in part.columns:
                gone = ~present[name] & (cells[key] != "")
                if key not in table.files and table.missing == "allow":
                    gone &= nothing  # a text without a word is absent, unless it was all there was
                failed[key] = failed.get(key, False) | gone
        return inputs, _usable(table, places, failed, nothing)

    return make


def _usable(table, places, failed, nothing):
    """1.0 where a row can be used, 0.0 elsewhere; failures are reported."""
    keys = list(failed)
    if not keys:
        return tf.cast(~nothing, tf.float32)
    failed = tf.stack([failed[key] for key in keys], axis=1)
    reference = weakref.ref(table)  # TensorFlow never lets go of what it calls in Python

    def report(places, failed):
        rows, table = np.flatnonzero(failed.any(axis=1)), reference()
        if table is not None:
            report_failures(table, places[rows], [keys[failed[row].argmax()] for row in rows])
        return failed.any(axis=1)

    bad = tf.cond(
        tf.reduce_any(failed),
        # Declared stateless, or deterministic ops would run all batches one after another.
        lambda: tf.numpy_function(report, [places, failed], tf.bool, stateful=False),
        lambda: tf.zeros_like(nothing),
    )
    bad.set_shape([None])
    return tf.cast(~(bad | nothing), tf.float32)


def _with_labels(make, labels, weights):
    with tf.device("CPU:0"):
        labels, weights = tf.constant(labels, tf.int32), tf.constant(weights, tf.float32)

    def step(places):
        inputs, usable = make(places)
        return inputs, tf.gather(labels, places), tf.gather(weights, places) * usable

    return step


def _open_cache(size, preprocessor, cache):
    if cache is not True and cache is not False and not isinstance(cache, (str, os.PathLike)):
        raise argument_error(
            "Wrong type of cache",
            "True, False or the path of a folder",
            kind=TypeError,
            cache=cache,
        )
    if cache is False:
        return None
    specs = {**preprocessor.output_specs(), "usable rows": ((), "float32")}
    return RowCache(size, specs, None if cache is True else cache)


def _cached(make, rows, preprocessor):
    """`make`, but rows that were made once are taken from the cache."""
    specs = preprocessor.output_specs()
    names = list(specs)
    types = [tf.as_dtype(dtype) for _, dtype in specs.values()] + [tf.float32]
    has, get, put = rows.functions()

    def make_and_keep(places):
        inputs, usable = make(places)
        values = [places, *(inputs[name] for name in names), usable]
        return tf.numpy_function(put, values, types)

    def cached(places):
        known = tf.numpy_function(has, [places], tf.bool)
        known.set_shape([])
        *values, usable = tf.cond(
            known,
            lambda: tf.numpy_function(get, [places], types),
            lambda: make_and_keep(places),
        )
        inputs = dict(zip(names, values, strict=True))
        for name, (shape, _) in specs.items():
            inputs[name].set_shape((None, *shape))
        usable.set_shape([None])
        return inputs, usable

    return cached
