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
        self.sources = {}
        for split in SPLITS:
            more = {"shuffle": True, "imbalance": imbalance} if split == "train" else {}
            own = prepare(getattr(data, split), preprocessor, batch_size, **more).source
            self.sources[split] = dataclasses.replace(own, order=Order(len(own.table)))

    def shuffled(self, seed):
        """The source of training with a seed: what `prepare(shuffle=True, seed=seed)` reads."""
        source = self.sources["train"]
        order = order_of(source.table, source.imbalance, seed)
        return dataclasses.replace(source, order=order, seed=seed)

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

    def batches(self, split, source=None):
        """The batches `(features, label, weight)` of a split, in the order of a source of it."""
        source = self.rows.sources[split] if source is None else source
        if not self.is_held:
            return self._read(source)
        held = self.rows.held[split]
        tensors = {name: held[key] for name, key in self.names.items()}
        everything = (tensors, held["label"], held["weight"])

        def pick(places, epochs):
            return tf.nest.map_structure(lambda one: tf.gather(one, places), everything)

        return mapped(source.order.batches(source.batch_size), pick)

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
        names = {tensor.name: ("raw", tensor.name) for tensor in self.learner.inputs}
        for encoder in self.frozen.encoders if self.frozen else ():
            for place, name in enumerate(encoder.extractor.output):
                names[name] = (encoder.inputs, encoder.fingerprint, place)
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
        batches = batches_of(source)
        return batches if self.frozen is None else self.frozen.replace(batches)
