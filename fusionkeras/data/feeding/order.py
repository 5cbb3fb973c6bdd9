"""In which order an epoch goes through the rows of a table."""

import threading
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from fusionkeras.data.feeding.rowcache import weakly


def shuffled(size, seed, epoch):
    """All rows in an order that is a function of the seed and the epoch alone.

    Args:
        size: int, the number of rows.
        seed: int.
        epoch: int, from 0.

    Returns:
        int64 array `(size,)`.

    Example:
    >>> sorted(shuffled(3, seed=0, epoch=2).tolist())
    [0, 1, 2]
    """
    return np.random.default_rng([seed, epoch]).permutation(size)


def number_of_batches(size, batch_size, drop_remainder=False):
    """How many batches so many rows make.

    Args:
        size: int, the number of rows.
        batch_size: int.
        drop_remainder: bool, whether only whole batches count.

    Returns:
        int.

    Example:
    >>> number_of_batches(5, 2), number_of_batches(5, 2, drop_remainder=True)
    (3, 2)
    """
    return size // batch_size if drop_remainder else -(-size // batch_size)


class Order:
    """The places of rows, epoch after epoch.

    Every dataset that is made from it takes the next epoch when it is gone through, from epoch 0
    on; where a training leads, the epoch that it is at.

    Args:
        size: int, how many places an epoch has.
        draw: a function from the number of an epoch to its places, an int64 array `(size,)`; None
            for the places from 0 on.

    Example:
    >>> order = Order(3, lambda epoch: np.roll(np.arange(3), epoch))
    >>> batches = order.batches(2)
    >>> [places.numpy().tolist() for places, _ in batches]
    [[0, 1], [2]]
    >>> with order.led():
    ...     order.lead(epoch=2, skip=1)
    ...     [part.numpy().tolist() for part in next(iter(batches))]
    [[2, 0], [2, 2]]
    """

    def __init__(self, size, draw=None):
        self.size, self._draw = size, draw
        self._epoch, self._skip, self._is_led = 0, 0, False
        self._lock = threading.Lock()

    def places(self, epoch):
        """The places of an epoch, an int64 array `(size,)`."""
        places = np.arange(self.size) if self._draw is None else self._draw(epoch)
        return np.asarray(places, np.int64)

    def batches(self, batch_size, drop_remainder=False):
        """The places batch by batch, with the epoch of each.

        Args:
            batch_size: int; the last batch may be smaller.
            drop_remainder: bool, whether it then is left out.

        Returns:
            `tf.data.Dataset` of `(places, epochs)`, both int64 `(batch,)`.
        """
        following = weakly(self._following)

        def read(_):
            types = (tf.int64, tf.int64)
            places, epoch = tf.numpy_function(following, [], types)
            places, epoch = tf.ensure_shape(places, [None]), tf.ensure_shape(epoch, [])
            return tf.data.Dataset.from_tensor_slices(places).map(lambda place: (place, epoch))

        batches = tf.data.Dataset.range(1).flat_map(read).batch(batch_size, drop_remainder)
        # Of batches, not of rows: else the last batch of an epoch that skips some would fail.
        number = number_of_batches(self.size, batch_size, drop_remainder)
        batches = batches.apply(tf.data.experimental.assert_cardinality(number))
        batches.order = self  # keeps it alive, with all datasets that are derived from it
        return batches

    def rows(self, batch_size):
        """How many rows a whole batch has here; None where that differs."""
        return batch_size

    def lead(self, epoch, skip=0):
        """Says which epoch all datasets go through from now on.

        Args:
            epoch: int, from 0.
            skip: int, how many places at the begin of the epoch are left out. The datasets then
                hold fewer rows than their cardinality says, and are not to be read to their end.
        """
        with self._lock:
            self._epoch, self._skip = epoch, skip

    @contextmanager
    def led(self):
        """While it lasts, datasets take the epoch of `lead`, and afterwards those behind it."""
        self._is_led = True
        try:
            yield
        finally:
            self._is_led = False
            self.lead(self._epoch + 1)

    def _following(self):
        with self._lock:
            epoch, skip = self._epoch, self._skip
            if not self._is_led:
                self._epoch += 1
        return self.places(epoch)[skip:], np.int64(epoch)
