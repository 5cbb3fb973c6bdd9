"""In which precision a command computes."""

import contextlib

import keras


@contextlib.contextmanager
def precision_of(options):
    """While it lasts, layers are made in the precision that the options name, if they do.

    Args:
        options: the namespace of a command; without `precision`, nothing changes.
    """
    before = keras.config.dtype_policy()
    try:
        if getattr(options, "precision", None) is not None:
            keras.config.set_dtype_policy(options.precision)
        yield
    finally:
        keras.config.set_dtype_policy(before)
