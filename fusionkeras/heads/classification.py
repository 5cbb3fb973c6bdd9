"""One class of several."""

import keras
import numpy as np

from fusionkeras._checks import check_integer
from fusionkeras.heads.base import Head
from fusionkeras.heads.soft import Accuracy, Crossentropy, HalvedAccuracy


@keras.saving.register_keras_serializable("fusionkeras")
class ClassificationHead(Head):
    """Tells one class of several: one sigmoid for two classes, softmax for more.

    Labels are int32 `(batch,)`, the ids of the classes.

    Args:
        num_classes: int, at least 2.
        name: str.
        **kwargs: `dtype` and `trainable` of a Keras layer.

    Call arguments:
        x: float tensor `(batch, dim)`.

    Returns:
        float32 `(batch, 1)`, the probability of the second of two classes, or `(batch,
        num_classes)`.

    Raises:
        ValueError: for fewer than two classes.

    Example:
        >>> ClassificationHead(num_classes=2).units, ClassificationHead(num_classes=5).units
        (1, 5)
    """

    task = "classification"

    def __init__(self, num_classes, name="probabilities", **kwargs):
        check_integer("number of classes", 2, num_classes=num_classes)
        super().__init__(1 if num_classes == 2 else int(num_classes), name=name, **kwargs)
        self.num_classes = num_classes

    @property
    def is_binary(self):
        """Whether one probability tells it all."""
        return self.num_classes == 2

    @property
    def exclusive(self):
        """Whether the probabilities of a row sum to 1."""
        return not self.is_binary

    def answer(self, logits):
        """The probabilities."""
        activations = keras.activations  # which leave the logits to the losses
        return activations.sigmoid(logits) if self.is_binary else activations.softmax(logits)

    def usual_loss(self):
        """Cross-entropy."""
        if self.is_binary:
            return keras.losses.BinaryCrossentropy()
        return Crossentropy()

    def weighted_metrics(self):
        """The accuracy."""
        if self.is_binary:
            return [HalvedAccuracy(name="accuracy")]
        return [Accuracy(name="accuracy")]

    def priors(self, labels):
        """The number of rows of each class, at least 1, from int labels `(rows,)`."""
        return count_classes(labels, self.num_classes)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "num_classes": self.num_classes}


def count_classes(labels, num_classes):
    """The number of rows of each class, a list of float; 1 where there is none.

    Args:
        labels: int array `(rows,)`; rows of -1 have no label.
        num_classes: int.
    """
    labels = np.asarray(labels)
    counts = np.bincount(labels[labels >= 0], minlength=num_classes)
    return np.maximum(counts, 1).astype(float).tolist()
