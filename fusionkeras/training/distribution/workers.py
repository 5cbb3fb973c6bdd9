"""The processes of `tf.distribute` that train together: what each reads, and which one writes."""

import dataclasses

import keras

from fusionkeras._checks import argument_error
from fusionkeras.data.feeding.pipeline import batches_of
from fusionkeras.data.feeding.sharing import ReplicaOrder
from fusionkeras.training.distribution.processes import processes

_WRITERS = (
    keras.callbacks.BackupAndRestore,
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.TensorBoard,
)


def part_of(data, model):
    """What this process reads of data that `prepare` made: its share of every batch.

    Left to itself each process would decode all rows, and throw those of the others away.

    Args:
        data: `tf.data.Dataset` of `prepare`; or other data, which are left alone.
        model: compiled `keras.Model`.

    Raises:
        ValueError: for pictures that are mixed within a batch.
    """
    index, count = _processes(model)
    if count == 1 or not hasattr(data, "source"):
        return data
    replicas = model.distribute_strategy.num_replicas_in_sync
    return in_order(data, ReplicaOrder(data.source.order, index, count, replicas))


def in_order(data, order):
    """The batches of a dataset of `prepare`, of which another `Order` says what is read here.

    Args:
        data: `tf.data.Dataset` of `prepare`.
        order: `Order`.

    Raises:
        ValueError: for pictures that are mixed within a batch.
    """
    if data.source.mix is not None:
        raise argument_error(
            "Pictures are mixed within a batch, which devices share",
            "data prepared without mix",
            mix=data.source.mix,
        )
    return batches_of(dataclasses.replace(data.source, order=order))


def fed(data, model):
    """What Keras takes of data that are this process's part already."""
    if _processes(model)[1] == 1 or not hasattr(data, "source"):
        return data
    dataset = model.distribute_strategy.distribute_datasets_from_function(lambda context: data)
    # Keras takes it for the number of batches, of each of which this process has several shares.
    dataset._cardinality //= data.source.order.count
    dataset.data = data  # keeps it alive
    return dataset


def callbacks_of_worker(callbacks, model):
    """The callbacks of this process: those that write do so in the chief alone.

    Args:
        callbacks: list of `keras.callbacks.Callback`.
        model: compiled `keras.Model`.

    Returns:
        list of callbacks. In other processes `BackupAndRestore` goes on from what the chief has
        kept, and Keras' other callbacks that write are left out; `Resume` knows by itself.
    """
    if _processes(model)[0] == 0:
        return callbacks
    restore = [_Restore(one) for one in callbacks if isinstance(one, _WRITERS[0])]
    return [*restore, *(one for one in callbacks if not isinstance(one, _WRITERS))]


def _processes(model):
    """As `processes`; Keras feeds those of JAX itself."""
    return processes(model) if keras.backend.backend() == "tensorflow" else (0, 1)


class _Restore(keras.callbacks.Callback):
    """Goes on from a backup that another process writes."""

    def __init__(self, backup):
        super().__init__()
        self.backup = backup

    def on_train_begin(self, logs=None):
        """Takes over what is kept."""
        self.backup.set_model(self.model)
        self.backup.on_train_begin(logs)
