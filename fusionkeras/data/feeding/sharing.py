"""Batches that several processes and devices share."""

import tensorflow as tf

from fusionkeras.data.feeding.order import Order

# Among the inputs: an empty tensor `(rows of this process, rows of the batch that count, 0)`.
ROWS = "rows of the whole batch"


class SharedOrder(Order):
    """The part of an order that one of several processes reads.

    A batch has the same rows as ever. It is filled up with its own rows until the devices can
    divide it, and each process takes its piece, those that fill up last. How many rows the batch
    really has is told by the shape of a further input, `ROWS`, so that the step of training can
    cut off the others.

    Args:
        order: `Order`, which goes on leading: it tells the epoch and the places.
        index: int, the number of this process.
        processes: int, how many share a batch.
        devices: int, how many devices all of them have together.

    Example:
    >>> def parts(index):
    ...     batches = SharedOrder(Order(5), index, processes=2, devices=4).batches(4)
    ...     return [(places.numpy().tolist(), int(rows)) for places, _, rows in batches]
    >>> parts(0), parts(1)
    ([([0, 1], 4), ([4, 4], 1)], [([2, 3], 4), ([4, 4], 1)])
    """

    def __init__(self, order, index, processes, devices):
        self.size, self.inner = order.size, order
        self._index, self._processes, self._devices = index, processes, devices

    def places(self, epoch):
        """The places of an epoch, of all processes."""
        return self.inner.places(epoch)

    def lead(self, epoch, skip=0):
        """As the order itself."""
        self.inner.lead(epoch, skip)

    def led(self):
        """As the order itself."""
        return self.inner.led()

    def batches(self, batch_size, drop_remainder=False):
        """The places of this process batch by batch.

        Args:
            batch_size: int, of the whole batch.
            drop_remainder: bool, whether a last batch that is smaller is left out.

        Returns:
            `tf.data.Dataset` of `(places, epochs, rows)`: both int64 `(part,)`, and how many rows
            the whole batch has, int64 `()`.
        """
        whole = self.inner.batches(batch_size, drop_remainder)
        batches = whole.map(tf.autograph.experimental.do_not_convert(self._part))
        batches.order = whole.order  # keeps it alive
        return batches

    def rows(self, batch_size):
        """As the order itself, of this process."""
        return -(-batch_size // self._devices) * self._devices // self._processes

    def _part(self, places, epochs):
        rows = tf.shape(places, tf.int64)[0]
        part = self.rows(rows)
        mine = (tf.range(part) + self._index * part) % rows
        return tf.gather(places, mine), tf.gather(epochs, mine), rows


class ReplicaOrder(SharedOrder):
    """The part of an order that the replicas of one process read, share after share.

    As `SharedOrder`, but nothing is filled up: of a batch that does not divide, the last share has
    fewer rows, or none.

    Args:
        order: `Order`, which goes on leading.
        index: int, the number of this process.
        processes: int, how many share a batch.
        devices: int, how many devices all of them have together: the replicas.

    Example:
    >>> for index in (0, 1):
    ...     order = ReplicaOrder(Order(5), index, processes=2, devices=2)
    ...     [places.numpy().tolist() for places, _ in order.batches(4)]
    [[0, 1], [4]]
    [[2, 3], []]
    """

    @property
    def count(self):
        """How many replicas this process has."""
        return self._devices // self._processes

    def rows(self, batch_size):
        """As the order itself, of a share."""
        return None if batch_size % self._devices else batch_size // self._devices

    def batches(self, batch_size, drop_remainder=False):
        """The places of these replicas, batch by batch, and of each batch share by share.

        Args:
            batch_size: int, of the whole batch.
            drop_remainder: bool, whether a last batch that is smaller is left out.

        Returns:
            `tf.data.Dataset` of `(places, epochs)`, both int64 `(share,)`.
        """
        whole = self.inner.batches(batch_size, drop_remainder)
        replicas = tf.data.Dataset.range(self._index * self.count, (self._index + 1) * self.count)

        def shares(places, epochs):
            size = -(-tf.shape(places, tf.int64)[0] // self._devices)
            return replicas.map(
                lambda one: (places[one * size :][:size], epochs[one * size :][:size])
            )

        number = whole.cardinality() * self.count
        batches = whole.flat_map(tf.autograph.experimental.do_not_convert(shares))
        batches = batches.apply(tf.data.experimental.assert_cardinality(number))
        batches.order = whole.order  # keeps it alive
        return batches


def marked(inputs, places, rows):
    """Inputs that tell how many rows their whole batch has.

    Args:
        inputs: dict of tensors `(part, ...)`.
        places: int64 tensor `(part,)`.
        rows: int64 tensor `()`.
    """
    return {**inputs, ROWS: tf.zeros([tf.shape(places, tf.int64)[0], rows, 0], tf.bool)}


def without_filling(batch):
    """Cuts off the rows that only fill a batch up; what tells so goes, too.

    Args:
        batch: `(inputs, ...)`, tuple of tensors, or dicts of them, of all processes together.

    Example:
    >>> import numpy as np
    >>> inputs = {"x": np.arange(4), ROWS: np.zeros((4, 3, 0), bool)}
    >>> without_filling((inputs, np.ones(4)))
    ({'x': array([0, 1, 2])}, array([1., 1., 1.]))
    """
    if not isinstance(batch, tuple) or not isinstance(batch[0], dict) or ROWS not in batch[0]:
        return batch
    rows = batch[0][ROWS].shape[1]
    inputs = {name: value for name, value in batch[0].items() if name != ROWS}
    return tf.nest.map_structure(lambda one: one[:rows], (inputs, *batch[1:]))
