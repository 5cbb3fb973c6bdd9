"""Padding is not computed: a batch of texts is cut to the longest of them."""

import keras
import numpy as np
import tensorflow as tf

from fusionkeras.training.frozen.split import rerun
from fusionkeras.training.running import compiled

# On so many rows, so closely must the short encoder answer as the full one before it is used.
PROBE_ROWS, TOLERANCE = 8, 1e-3


def shorten(group, padding, numbers, read):
    """Finds an order of texts in which batches hold little padding, and an encoder to match.

    That an encoder is indifferent to padding is not believed but tried, on the shortest texts:
    where it is not, or where its graph has its length baked in, it runs as it is.

    Args:
        group: `FrozenGroup`.
        padding: dict of `{tensor name: array}`, what stands for an absent input.
        numbers: int array `(n,)`, the inputs.
        read: a function from numbers to batches of their tensors, dicts by name.

    Returns:
        `(order, extract)`: the numbers, longest first; and a function from the tensors of a batch
        to its features.
    """
    short = _build(group, padding)
    if short is None:
        return numbers, group.extract
    lengths = np.concatenate([short.lengths(tensors) for tensors in read(numbers)])
    order = numbers[np.argsort(-lengths, kind="stable")]
    (probe,) = read(order[-PROBE_ROWS:])
    if not _agree(short.extract(probe), group.extract(probe)):
        return numbers, group.extract
    return order, short.extract


class ShortExtractor:
    """A text encoder that runs on as many ids as the longest row of a batch has.

    Sequences that come out are filled up with zeros to their full length.

    Args:
        group: `FrozenGroup` with one input `(batch, length)`.
        padding_id: int, the id that fills up a row.
    """

    def __init__(self, group, padding_id):
        (self.name,) = group.inputs
        extractor = group.encoder.extractor
        (full,) = extractor.inputs
        self.length, self.padding_id = full.shape[1], padding_id
        ids = keras.Input((None,), dtype=full.dtype, name=self.name)
        model = keras.Model([ids], rerun(extractor, [ids]))
        self._specs = group.specs
        self._run = compiled(model, [tf.TensorSpec((None, None), full.dtype)], training=False)

    def lengths(self, tensors):
        """How many ids stand in each row before its padding, `(batch,)`."""
        used = np.asarray(tensors[self.name]) != self.padding_id
        return np.where(used.any(axis=1), self.length - used[:, ::-1].argmax(axis=1), 0)

    def extract(self, tensors):
        """The features of a batch, `{name: array (batch, ...)}`."""
        longest = max(self.lengths(tensors).max(), 1)
        if keras.backend.backend() == "jax":  # which compiles every length anew
            longest = 2 ** int(np.ceil(np.log2(longest)))
        features = self._run([tensors[self.name][:, :longest]])
        return {name: self._filled(name, np.asarray(value)) for name, value in features.items()}

    def _filled(self, name, value):
        shape = (len(value), *self._specs[name][0])
        filled = np.zeros(shape, value.dtype)
        filled[tuple(slice(size) for size in value.shape)] = value
        return filled


def _build(group, padding):
    """The short encoder, or None where there is nothing to shorten or it cannot be."""
    rows = [padding.get(name) for name in group.inputs]
    if len(rows) != 1 or rows[0] is None or rows[0].ndim != 1 or rows[0].dtype.kind != "i":
        return None
    if len(set(rows[0].tolist())) != 1:
        return None
    try:
        return ShortExtractor(group, rows[0][0])
    except (ValueError, TypeError, tf.errors.InvalidArgumentError):
        return None  # the length is baked into the graph


def _agree(short, full):
    return all(
        np.allclose(short[name], full[name], TOLERANCE, TOLERANCE * np.abs(full[name]).max())
        for name in full
    )
