"""The processes that train together."""

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error

TOGETHER = 1 << 16  # rows that are put together at once


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


def put_together(own, total, model=None):
    """The rows of all processes, of which each has every `count`-th, from its `index` on.

    Args:
        own: uint8 `(rows, F)`, the rows of this process.
        total: int, how many all of them have.
        model: as for `processes`.

    Returns:
        uint8 `(total, F)`.

    Example:
        >>> put_together(np.array([[1, 2], [3, 4]], np.uint8), total=2).tolist()
        [[1, 2], [3, 4]]
    """
    index, count = processes(model)
    if count == 1:
        return own
    rows = np.zeros((total, *own.shape[1:]), np.uint8)
    rows[index::count] = own
    for begin in range(0, total, TOGETHER):
        part = rows[begin : begin + TOGETHER]
        part[:] = _add_up(part, model)
    return rows


def _gather(value, model):
    """What each process has, a list of int."""
    index, count = processes(model)
    own = np.zeros(count, np.float32)
    own[index] = value
    return [round(one) for one in _add_up(own, model).tolist()]


def _add_up(own, model):
    """The sum of what all processes have, arrays of one shape."""
    own = np.asarray(own, np.float32)
    if keras.backend.backend() == "jax":
        from jax.experimental.multihost_utils import process_allgather

        return np.asarray(process_allgather(own)).sum(axis=0)
    strategy = _strategy(model)

    @tf.function
    def add_up():
        return strategy.reduce("SUM", strategy.run(lambda: tf.constant(own)), axis=None)

    return add_up().numpy() / (strategy.num_replicas_in_sync // processes(model)[1])


def _strategy(model):
    return tf.distribute.get_strategy() if model is None else model.distribute_strategy
