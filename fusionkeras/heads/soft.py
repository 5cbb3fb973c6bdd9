"""What is measured on one class a row, where labels may be shares of classes as well."""

import keras
from keras import ops


def are_shares(y_true, y_pred):
    """Whether labels are shares `(batch, classes)` of exclusive classes, and not their ids."""
    return len(y_true.shape) == 2 and y_true.shape[-1] == y_pred.shape[-1] > 1


@keras.saving.register_keras_serializable("fusionkeras")
class Crossentropy(keras.losses.SparseCategoricalCrossentropy):
    """Keras' cross-entropy of ids `(batch,)`, and of shares `(batch, classes)`.

    Example:
        >>> p = ops.array([[0.5, 0.25, 0.25]])
        >>> ids, shares = ops.array([0]), ops.array([[1.0, 0.0, 0.0]])
        >>> abs(float(Crossentropy()(ids, p)) - float(Crossentropy()(shares, p))) < 1e-6
        True
    """

    def call(self, y_true, y_pred):
        """The loss of each row, `(batch,)`."""
        if are_shares(y_true, y_pred):
            return keras.losses.categorical_crossentropy(y_true, y_pred)
        return super().call(y_true, y_pred)


@keras.saving.register_keras_serializable("fusionkeras")
class Accuracy(keras.metrics.SparseCategoricalAccuracy):
    """Keras' accuracy of ids `(batch,)`; of shares `(batch, classes)` the largest is the truth."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch."""
        if are_shares(y_true, y_pred):
            y_true = ops.argmax(y_true, axis=-1)
        return super().update_state(y_true, y_pred, sample_weight)


@keras.saving.register_keras_serializable("fusionkeras")
class HalvedAccuracy(keras.metrics.BinaryAccuracy):
    """Keras' accuracy of 0 and 1; what is a share above a half counts as 1."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch."""
        y_true = ops.cast(ops.convert_to_tensor(y_true), "float32") > 0.5
        return super().update_state(ops.cast(y_true, "float32"), y_pred, sample_weight)
