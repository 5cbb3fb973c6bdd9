"""Training."""

import tensorflow as tf


def fit(model, train, validation_data=None, epochs=1, callbacks=None, **kwargs):
    """Trains a compiled model: `model.fit` in every respect.

    Args:
        model: a compiled `keras.Model`.
        train: what `prepare` returns, or anything that `model.fit` takes as `x`.
        validation_data: as in `model.fit`.
        epochs: int, the number of passes over `train`.
        callbacks: list of `keras.callbacks.Callback`.
        **kwargs: further arguments of `model.fit`.

    Returns:
        The `keras.callbacks.History`.

    Example:
        >>> import fusionkeras as fk, pandas as pd
        >>> table = pd.DataFrame({"text": ["red", "blue"] * 5, "label": ["warm", "cold"] * 5})
        >>> data = fk.read_table(table, {"text": "text"}, label="label", files=())
        >>> branch = fk.lstm_branch(["red", "blue"], sequence_length=2)
        >>> model = fk.compile_classifier(fk.build_classifier([branch]))
        >>> train = fk.prepare(data.train, fk.build_preprocessor([branch]), shuffle=True)
        >>> sorted(fit(model, train, epochs=1, verbose=0).history)
        ['accuracy', 'loss']
    """
    if isinstance(train, tf.data.Dataset):
        kwargs.setdefault("shuffle", False)  # a dataset shuffles itself; Keras warns otherwise
    # Keras remembers the epoch that BackupAndRestore went on from, and would begin every later
    # fit of this model there, whatever initial_epoch says.
    model._initial_epoch = None
    return model.fit(
        train, validation_data=validation_data, epochs=epochs, callbacks=callbacks, **kwargs
    )
