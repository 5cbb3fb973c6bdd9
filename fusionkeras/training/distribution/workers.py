"""The processes of `tf.distribute` that train together: what each reads, and which one writes."""

import dataclasses

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.data.feeding.order import SharedOrder
from fusionkeras.data.feeding.pipeline import batches_of

_WRITERS = (
    keras.callbacks.BackupAndRestore,
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.TensorBoard,
)


def is_chief(model=None):
    """Whether this process is the one that writes; alone, it is.

    Args:
        model: `keras.Model`; None asks the strategy in whose scope this is called.

    Example:
    >>> is_chief()
    True
    """
    strategy = tf.distribute.get_strategy() if model is None else model.distribute_strategy
    if not strategy.extended._in_multi_worker_mode():
        return True
    jobs, resolver = strategy.cluster_resolver.cluster_spec().jobs, strategy.cluster_resolver
    return resolver.task_type == "chief" or ("chief" not in jobs and resolver.task_id == 0)


def is_shared_by_processes(model):
    """Whether a model is trained by several processes."""
    strategy = getattr(model, "_distribute_strategy", None)
    return strategy is not None and strategy.extended._in_multi_worker_mode()


def part_of(data, model):
    """What this process reads of data that `prepare` made: its share of every batch.

    Left to itself each process would decode all rows, and throw those of the others away.

    Args:
        data: `tf.data.Dataset` of `prepare`; or other data, which are left alone.
        model: compiled `keras.Model`.

    Raises:
        ValueError: for pictures that are mixed within a batch.
    """
    if not (is_shared_by_processes(model) and hasattr(data, "source")):
        return data
    if data.source.mix is not None:
        raise argument_error(
            "Pictures are mixed within a batch, which processes share",
            "data prepared without mix",
            mix=data.source.mix,
        )
    strategy = model.distribute_strategy
    count = strategy.extended._num_replicas_in_sync // strategy.extended._num_workers
    first = strategy.extended._id_in_cluster * count
    order = SharedOrder(data.source.order, first, count, strategy.num_replicas_in_sync)
    return batches_of(dataclasses.replace(data.source, order=order))


def fed(data, model):
    """What Keras takes of data that are this process's part already."""
    if not (is_shared_by_processes(model) and hasattr(data, "source")):
        return data
    dataset = model.distribute_strategy.distribute_datasets_from_function(lambda context: data)
    dataset._cardinality //= data.source.order.count  # Keras counts the shares of a batch as one
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
    if not is_shared_by_processes(model) or is_chief(model):
        return callbacks
    restore = [_Restore(one) for one in callbacks if isinstance(one, _WRITERS[0])]
    return [*restore, *(one for one in callbacks if not isinstance(one, _WRITERS))]


class _Restore(keras.callbacks.Callback):
    """Goes on from a backup that another process writes."""

    def __init__(self, backup):
        super().__init__()
        self.backup = backup

    def on_train_begin(self, logs=None):
        """Takes over what is kept."""
        self.backup.set_model(self.model)
        self.backup.on_train_begin(logs)
