"""The rows of three tables as the tensors that learners read, held in memory for all of them."""

import dataclasses
import logging
import math

import tensorflow as tf

from fusionkeras.data import prepare
from fusionkeras.data.feeding.order import Order
from fusionkeras.data.feeding.pipeline import batches_of, mapped, order_of
from fusionkeras.training.frozen import NotCachedError, open_frozen

_LOGGER = logging.getLogger("fusionkeras")
SPLITS = ("train", "validation", "test")
# How many bytes of tensors are held; what takes more is read batch by batch in every epoch.
HELD = 2**30
# How many rows that are held are asked at once.
LARGE = 512


class Rows:
    """Three tables, with what has been held of them so far.

    Args:
        data: `Data` with rows in each split.
        preprocessor: `Preprocessor` of all branches.
        batch_size: int.
        imbalance: as in `prepare`, for the rows of training.
        cache: as in `fit`.
    """

    def __init__(self, data, preprocessor, batch_size, imbalance, cache):
        self.cache, self.held = cache, {split: {} for split in SPLITS}
        given = {"batch_size": batch_size, "shuffle": True, "imbalance": imbalance}
        source = prepare(data.train, preprocessor, **given).source
        in_order = {"order": Order(len(data.train)), "shuffle": False}
        self.sources = {"train": dataclasses.replace(source, **in_order)}
        for split in SPLITS[1:]:
            table = getattr(data, split)
            own = {"table": table, "order": Order(len(table)), "imbalance": {}}
            own["class_weight"] = None
            self.sources[split] = dataclasses.replace(self.sources["train"], **own)
        # One order for all seeds, so that a dataset is made once for all of them.
        order = Order(len(data.train), lambda epoch: self._order.places(epoch))
        self.shuffled = dataclasses.replace(source, order=order)
        self.begin(0)

    def begin(self, seed):
        """From here on `shuffled` gives what `prepare(shuffle=True, seed=seed)` does."""
        self._order = order_of(self.shuffled.table, self.shuffled.imbalance, seed)

    def has_room(self, size):
        """Whether tensors of so many bytes a row can be held beside those that are."""
        rows = sum(len(source.table) for source in self.sources.values())
        held = [tensor for own in self.held.values() for tensor in own.values()]
        return rows * size + sum(x.dtype.size * int(tf.size(x)) for x in held) <= HELD


class Feed:
    """What one model is trained and asked with: its learning part, and batches for it.

    Args:
        model: functional `keras.Model` of some or all of the branches.
        rows: `Rows`.
    """

    def __init__(self, model, rows):
        self.rows = rows
        try:
            self._open(model, open_frozen(model, rows.cache) if rows.cache is not False else None)
        except (NotCachedError, OSError) as reason:
            _LOGGER.warning("Frozen encoders run in every epoch: %s.", reason)
            self._open(model, None)

    def training(self):
        """The batches `(features, label, weight)` of `Rows.shuffled`."""
        source = self.rows.shuffled
        if not self.is_held:
            return self._read(source)
        everything = self._everything("train")

        def pick(places, epochs):
            return tf.nest.map_structure(lambda one: tf.gather(one, places), everything)

        return mapped(source.batches(), pick)

    def in_order(self, split):
        """The batches of a split, in the order of its rows; of what is held larger ones."""
        if not self.is_held:
            return self._read(self.rows.sources[split])
        return tf.data.Dataset.from_tensor_slices(self._everything(split)).batch(LARGE)

    def _everything(self, split):
        held = self.rows.held[split]
        return {name: held[key] for name, key in self.names.items()}, held["label"], held["weight"]

    def _open(self, model, frozen):
        self.frozen = frozen
        self.learner = model if frozen is None else frozen.parts.learner
        self.names = self._names()
        self.is_held = self.rows.has_room(self._size())
        for split, source in self.rows.sources.items():
            held = self.rows.held[split]
            if not self.is_held:
                self._read(source)  # raises now where features cannot be kept
            elif not held.keys() >= set(self.names.values()):
                self.rows.held[split] = {**self._collected(source), **held}

    def _names(self):
        """What each input of the learner is held as; equal features have equal keys."""
        names = {tensor.name: tensor.name for tensor in self.learner.inputs}
        for encoder in self.frozen.encoders if self.frozen else ():
            stem = f"{' '.join(encoder.inputs)} {encoder.fingerprint.hex()}"
            for place, name in enumerate(encoder.extractor.output):
                names[name] = f"{stem} {place}"
        return names

    def _size(self):
        """How many bytes a row takes of the inputs of the learner that are not held yet."""
        held = self.rows.held["train"]
        lacking = [x for x in self.learner.inputs if self.names[x.name] not in held]
        if any(None in tensor.shape[1:] for tensor in lacking):
            return math.inf
        return sum(math.prod(x.shape[1:]) * tf.as_dtype(x.dtype).size for x in lacking)

    def _collected(self, source):
        """All rows in order, `{key: tensor (rows, ...)}`."""
        parts = [
            ({key: inputs[name] for name, key in self.names.items()}, label, weight)
            for inputs, label, weight in self._read(source)
        ]
        with tf.device("CPU:0"):
            found, label, weight = tf.nest.map_structure(lambda *x: tf.concat(x, 0), *parts)
        return {**found, "label": label, "weight": weight}

    def _read(self, source):
        return batches_of(source) if self.frozen is None else self.frozen.of_source(source)
