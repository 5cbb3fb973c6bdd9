"""From the rows of a table to batches that a model can be fitted on."""

import functools
import os

import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.data.feeding.imbalance import balanced_weights, check_imbalance, shares_of
from fusionkeras.data.feeding.inputs import make_judge, make_reader, parts_of
from fusionkeras.data.feeding.making import make_inputs
from fusionkeras.data.feeding.mixing import check_mix, mixed
from fusionkeras.data.feeding.order import Order, shuffled
from fusionkeras.data.feeding.resampling import drawn_order
from fusionkeras.data.feeding.sharing import marked
from fusionkeras.data.feeding.source import Source
from fusionkeras.data.feeding.weights import weights_of
from fusionkeras.data.table import Table
from fusionkeras.data.targets import by_head, fill_missing
from fusionkeras.preprocessing.base import Preprocessor


def prepare(
    table,
    preprocessor,
    batch_size=32,
    shuffle=False,
    seed=0,
    class_weight=None,
    cache=False,
    imbalance=None,
    mix=None,
    drop_remainder=False,
):
    """Makes batches of a table's rows, pictures read as they are needed.

    A row that cannot be used after all (its file has vanished since, a text has no word) ends no
    epoch: its weight is 0, and it is added to `table.failures`.

    Args:
        table: `Table`, such as `data.train`.
        preprocessor: `Preprocessor`, as `build_preprocessor` makes it.
        batch_size: int; the last batch may be smaller, unless `drop_remainder`.
        shuffle: bool, whether each epoch has a new order, a function of the seed and the number of
            the epoch alone: `fk.fit(initial_epoch=3)` sees the rows in the order of epoch 3.
        seed: int.
        class_weight: None, "balanced" (rows of rare classes count for more) or a dict of
            `{class name: weight}`; absent names weigh 1. For several heads a dict of this by
            head; for regression None. A row of several labels weighs the mean of their weights.
        cache: bool or path. True keeps preprocessed rows in memory, a path in files in that
            folder (until the dataset is not used any more), so that later epochs decode nothing.
        imbalance: None, "class_weight" (`class_weight="balanced"`) or "resample": rows are drawn
            with replacement, each class equally often in expectation, an epoch as long as the
            table; a row of several labels in proportion to the mean of its balanced weights.
            "focal" and "logit_adjusted" are the loss's part: `compile_model` takes the same
            names. For several heads one for all that have classes, or a dict by head; at most one
            head is resampled.
        mix: None, or a `keras.layers.MixUp` or `keras.layers.CutMix`, for models that read one
            picture and nothing else: pictures are mixed with others of their batch, and so are
            their labels, which become float32 shares `(batch, classes)`, of two classes the share
            of the second `(batch,)`. The losses of `compile_model` take them. What is absent is
            not mixed, and frozen encoders run in every epoch.
        drop_remainder: bool, whether the rows that make no whole batch are left out, so that all
            shapes are static, as a TPU and XLA want them. With `shuffle` other rows are left out in
            every epoch, without it always the last ones.

    Returns:
        `tf.data.Dataset` of `(inputs, label, sample_weight)`: a dict of tensors `(batch, ...)`,
        int32 `(batch,)` (multilabel: float32 `(batch, classes)`; regression: float32 `(batch,)`)
        and float32 `(batch,)`. For several heads labels and weights are dicts by head, and a row
        without the label of a head weighs 0 for that head. Its attribute `source` is a `Source`.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for a table without rows or without a column that the preprocessor reads, for
            wrong weights and ways against imbalance, for resampling without `shuffle`, for mixing
            where there is more than one picture, or no classes, and where fewer rows than a batch
            would all be left out.

    Example:
    >>> import pandas as pd
    >>> from fusionkeras.data.reading.read import read_table
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
    _check_bool(shuffle=shuffle)
    check_integer("seed", 0, seed=seed)
    _check_cache(cache)
    _check_table(table, batch_size, preprocessor.columns)
    _check_remainder(drop_remainder, batch_size, table)
    chosen = check_imbalance(imbalance, {head: task for head, (task, *_) in table.heads().items()})
    class_weight = balanced_weights(class_weight, chosen)
    check_mix(mix, table, parts_of(preprocessor))
    if shares_of(table, chosen) is not None:
        _check_shuffled(shuffle, imbalance)
    order = order_of(table, chosen, seed) if shuffle else Order(len(table))
    source = (table, preprocessor, batch_size, seed, shuffle, class_weight, cache, order)
    return batches_of(Source(*source, chosen, mix, drop_remainder))


def order_of(table, chosen, seed):
    """The shuffled rows of a table, epoch after epoch.

    Args:
        table: `Table`.
        chosen: dict, what is done against imbalance, as in `Source`.
        seed: int.

    Returns:
        `Order`.
    """
    shares = shares_of(table, chosen)
    if shares is not None:
        return Order(len(table), functools.partial(drawn_order, shares, seed))
    return Order(len(table), functools.partial(shuffled, len(table), seed))


def _check_bool(**received):
    ((name, value),) = received.items()
    if not isinstance(value, bool):
        raise argument_error(f"Wrong type of {name}", "True or False", kind=TypeError, **received)


def _check_remainder(drop_remainder, batch_size, table):
    _check_bool(drop_remainder=drop_remainder)
    if drop_remainder and len(table) < batch_size:
        raise argument_error(
            f"The table has {len(table)} rows, which make no whole batch",
            f"batch_size of at most {len(table)}, or drop_remainder=False",
            batch_size=batch_size,
            drop_remainder=drop_remainder,
        )


def _check_shuffled(shuffle, imbalance):
    if not shuffle:
        raise argument_error(
            "Resampling draws the rows, so they have no order to keep",
            "shuffle=True",
            "Resample the rows of training only.",
            imbalance=imbalance,
            shuffle=shuffle,
        )


def batches_of(source, provided=(), provide=None):
    """The dataset that a source describes, with some of its inputs taken from elsewhere.

    Args:
        source: `Source`.
        provided: names of the branches whose columns are neither read nor preprocessed.
        provide: a function from places and their epochs, both int64 `(batch,)`, to what stands in
            for them: a dict of tensors, and `{column: bool (batch,)}`, whether the modality is
            there.

    Returns:
        `tf.data.Dataset` of `(inputs, label, sample_weight)`, as `prepare` returns it.
    """
    table = source.table
    parts = parts_of(source.preprocessor)
    parts = {name: part for name, part in parts.items() if name not in provided}
    make, rows = make_inputs(table, parts, source.cache)
    usable = make_judge(table)
    with tf.device("CPU:0"):
        weights = by_head(weights_of(table, source.class_weight))
        labels, weights = tf.nest.map_structure(tf.constant, (_labels(table), weights))

    def pick(tensors, places):
        return tf.nest.map_structure(lambda one: tf.gather(one, places), tensors)

    def step(places, epochs, *rows):
        inputs, good = make(places)
        if provide is not None:
            others, there = provide(places, epochs)
            inputs, good = {**inputs, **others}, {**good, **there}
        there = usable(places, good)
        weight = tf.nest.map_structure(lambda one: one * there, pick(weights, places))
        inputs = marked(inputs, places, *rows) if rows else inputs
        return inputs, pick(labels, places), weight

    dataset = mapped(source.batches(), step)
    if source.mix is not None:
        dataset = mixed(dataset, source.mix, table)
    if source.drop_remainder:
        dataset = _whole(dataset, source.order.rows(source.batch_size))
    dataset = _lazily(dataset)
    dataset.cached_rows = rows  # keeps them alive, with all datasets that are derived from it
    dataset.source = source
    return dataset


def _whole(dataset, rows):
    """The same batches, of which it is said that each is whole."""

    def say(*batch):
        return tf.nest.map_structure(
            lambda one: tf.ensure_shape(one, (rows, *one.shape[1:])), batch
        )

    return dataset.map(tf.autograph.experimental.do_not_convert(say))


def _lazily(dataset):
    """The same batches, set up when the first is asked for.

    Keras makes two iterators for every epoch and asks one of them. TensorFlow sets up the whole
    graph of reading and decoding for each, half a second of processor time with pictures.
    """
    lazy = tf.data.Dataset.range(1).flat_map(lambda _: dataset)
    number = dataset.cardinality()
    return lazy.apply(tf.data.experimental.assert_cardinality(number)).with_options(
        dataset.options()
    )


def _labels(table):
    """The labels, by head where there are several."""
    if table.task == "classification":
        return np.asarray(table.labels, np.int32)  # -1 where missing, as it always was
    heads = table.heads().items()
    return by_head({head: fill_missing(labels, task) for head, (task, labels, _) in heads})


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
    >>> from fusionkeras.data.reading.read import read_rows
    >>> table, _ = read_rows(pd.DataFrame({"text": ["red", "blue"]}), {"text": "text"}, files=())
    >>> next(iter(raw_batches(table)))["text"].numpy().tolist()
    [b'red', b'blue']
    """
    _check_table(table, batch_size, ())
    read = make_reader(table, list(table.columns))
    places = tf.data.Dataset.range(len(table))
    dataset = mapped(places.batch(batch_size), lambda rows: read(rows)[0])
    dataset.table = table  # keeps it alive
    return dataset


def _check_table(table, batch_size, columns):
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


def mapped(batches, function):
    """Maps batches in parallel and in order, ahead of their use."""
    function = tf.autograph.experimental.do_not_convert(function)
    options = tf.data.Options()
    options.deterministic = True
    # The tuner has been seen to leave a core idle for whole epochs, which then took twice as long
    # (2 of 7, and 0 of 7 without it); AUTOTUNE then means all cores.
    options.autotune.enabled = False
    batches = batches.map(function, num_parallel_calls=tf.data.AUTOTUNE)
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def _check_cache(cache):
    if not isinstance(cache, (bool, str, os.PathLike)):
        raise argument_error(
            "Wrong type of cache",
            "True, False or the path of a folder",
            kind=TypeError,
            cache=cache,
        )
