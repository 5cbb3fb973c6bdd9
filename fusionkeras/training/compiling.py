"""Compiling a classifier with what its task implies."""

import keras
import tensorflow as tf

from fusionkeras._checks import check_learning_rate
from fusionkeras.heads import head_of


def compile_classifier(model, learning_rate=1e-3, optimizer="adam", **kwargs):
    """Compiles a classifier: loss and metrics follow from its number of classes.

    The metrics are weighted ones, so that a row of weight 0 counts nowhere.

    Args:
        model: a model of `build_classifier`.
        learning_rate: float, or a `keras.optimizers.schedules.LearningRateSchedule`.
        optimizer: the name of a Keras optimizer, or one ready made, which keeps its own rate.
        **kwargs: further arguments of `model.compile`, such as `jit_compile`.

    Returns:
        The model.

    Raises:
        ValueError: for a rate that is not positive, or a model of another kind.

    Example:
        >>> import fusionkeras as fk
        >>> model = fk.build_classifier([fk.lstm_branch(["red"], sequence_length=4)])
        >>> compile_classifier(model, learning_rate=1e-3).loss.name
        'binary_crossentropy'
    """
    head = head_of(model)
    if isinstance(learning_rate, (int, float)):
        check_learning_rate(learning_rate)
    if isinstance(optimizer, str):
        optimizer = keras.optimizers.get(optimizer)
        optimizer.learning_rate = learning_rate
    options = {
        "loss": head.loss(),
        "weighted_metrics": head.metrics(),
        # On a processor XLA made a step twice as slow (measured on small_cnn + LSTM).
        "jit_compile": "auto" if tf.config.list_physical_devices("GPU") else False,
        **kwargs,
    }
    model.compile(optimizer=optimizer, **options)
    return model
