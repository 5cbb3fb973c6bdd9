"""Training of a new model, once for each part of a table."""

import keras

from fusionkeras._checks import argument_error
from fusionkeras.data import prepare
from fusionkeras.preprocessing.base import Preprocessor
from fusionkeras.training import fit


def train_new(build, train, seed, epochs, batch_size, cache, **kwargs):
    """Builds and trains a model.

    Args:
        build: a function from a `Table` to `(model, preprocessor)`.
        train: `Table`.
        seed: int, of the orders of rows.
        epochs: as in `fit`.
        batch_size: int.
        cache: as in `fit`.
        **kwargs: further arguments of `fit`.

    Returns:
        `(model, preprocessor)`.

    Raises:
        TypeError: where `build` returns something else.
    """
    model, preprocessor = _check_built(build(train))
    batches = prepare(train, preprocessor, batch_size, shuffle=True, seed=seed)
    fit(model, batches, epochs=epochs, cache=cache, **kwargs)
    return model, preprocessor


def _check_built(built):
    """Raises unless `build` has returned what it is to return; returns that."""
    pair = built if isinstance(built, tuple) and len(built) == 2 else (None, None)
    if not isinstance(pair[0], keras.Model) or not isinstance(pair[1], Preprocessor):
        raise argument_error(
            "Wrong type of what build returns",
            "(model, preprocessor): a compiled keras.Model and a Preprocessor",
            "Make the latter with build_preprocessor(branches).",
            TypeError,
            built=built,
        )
    return pair
