"""The processes that train together."""

import keras
import numpy as np

from fusionkeras._checks import argument_error


def processes():
    """Which process this is, and of how many: `(index, count)`."""
    if keras.backend.backend() != "jax":
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


def wait_for_all(what):
    """Returns when every process has come here.

    Args:
        what: str, the same in all of them.
    """
    if processes()[1] > 1:
        from jax.experimental.multihost_utils import sync_global_devices

        sync_global_devices(what)


def check_same(value, what, name):
    """Raises ValueError unless all processes have found the same.

    Args:
        value: int or bool, what this process has found.
        what: str, where.
        name: str, how that is called here.
    """
    if processes()[1] == 1:
        return
    from jax.experimental.multihost_utils import process_allgather

    found = [int(one) for one in process_allgather(np.int32(value))]
    if len(set(found)) > 1:
        raise argument_error(
            f"The processes do not find the same in the {what}",
            "a folder that all of them see",
            name=name,
            found=found,
        )
