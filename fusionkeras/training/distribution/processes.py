"""The processes that train together."""

import keras


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
