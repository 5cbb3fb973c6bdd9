"""The processes that train together."""

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error


def processes(model=None):
    """Which process this is, and of how many: `(index, count)`.

    Args:
        model: `keras.Model`; on TensorFlow the processes are those of its strategy. None asks the
            strategy in whose scope this is called.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.process_index(), jax.process_count()
    extended = _strategy(model).extended
    if keras.backend.backend() == "tensorflow" and extended._in_multi_worker_mode():
        return extended._id_in_cluster, extended._num_workers
    return 0, 1


def is_chief(model=None):
    """Whether this process is the one that writes; alone, it is.

    Args:
        model: a `keras.Model` that several processes may train; None asks the strategy in whose
            scope this is called.

    Example:
        >>> is_chief()
        True
    """
    return processes(model)[0] == 0


def wait_for_all(what, model=None):
    """Returns when every process has come here.

    Args:
        what: str, the same in all of them.
        model: as for `processes`.
    """
    if processes(model)[1] == 1:
        return
    if keras.backend.backend() == "jax":
        from jax.experimental.multihost_utils import sync_global_devices

        sync_global_devices(what)
    else:
        _gather(0, model)


def check_same(value, what, name, model=None):
    """Raises ValueError unless all processes have found the same.

    Args:
        value: int or bool, what this process has found.
        what: str, where.
        name: str, how that is called here.
        model: as for `processes`.
    """
    if processes(model)[1] == 1:
        return
    found = _gather(int(value), model)
    if len(set(found)) > 1:
        raise argument_error(
            f"The processes do not find the same in the {what}",
            "a folder that all of them see",
            name=name,
            found=found,
        )


def _gather(value, model):
    """What each process has, a list of int."""
    if keras.backend.backend() == "jax":
        from jax.experimental.multihost_utils import process_allgather

        return [int(one) for one in process_allgather(np.int32(value))]
    (index, count), strategy = processes(model), _strategy(model)
    own = np.zeros(count, np.float32)
    own[index] = value

    @tf.function
    def add_up():
        return strategy.reduce("SUM", strategy.run(lambda: tf.constant(own)), axis=None)

    replicas = strategy.num_replicas_in_sync // count
    return [round(one / replicas) for one in add_up().numpy().tolist()]


def _strategy(model):
    return tf.distribute.get_strategy() if model is None else model.distribute_strategy
