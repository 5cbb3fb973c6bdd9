"""A quantity."""

import keras
import tensorflow as tf

from fusionkeras.models.answers.base import Answer


@keras.saving.register_keras_serializable("fusionkeras")
class Quantity(Answer):
    """Turns the output of a regression head into one number a row.

    Args:
        head: as in `Answer`.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        scores: float32 `(batch, 1)`.

    Returns:
        `{"value": float32 (batch,)}`.
    """

    task = "regression"

    def answer(self, scores):
        """The number, in the units of the labels."""
        return {"value": tf.squeeze(scores, axis=-1)}

    def specs(self):
        """One number."""
        return {"value": ((), "float32")}
