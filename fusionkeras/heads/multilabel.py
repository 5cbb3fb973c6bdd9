"""Any number of labels of several."""

import keras
import numpy as np

from fusionkeras._checks import check_integer
from fusionkeras.heads.base import Head
from fusionkeras.heads.soft import HalvedAccuracy


@keras.saving.register_keras_serializable("fusionkeras")
class MultilabelHead(Head):
    """Tells which of several labels apply, each by a sigmoid of its own.

    Labels are float32 `(batch, num_classes)`, 1 where a label applies and 0 where not.

    Args:
        num_classes: int, the number of labels, at least 2.
        name: str.
        **kwargs: `dtype` and `trainable` of a Keras layer.

    Call arguments:
        x: float tensor `(batch, dim)`.

    Returns:
        float32 `(batch, num_classes)`, the probability that each label applies.

    Raises:
        ValueError: for fewer than two labels.

    Example:
        >>> head = MultilabelHead(num_classes=3)
        >>> head(keras.ops.zeros((1, 2))).numpy().tolist()
        [[0.5, 0.5, 0.5]]
    """

    task = "multilabel"

    def __init__(self, num_classes, name="probabilities", **kwargs):
        check_integer("number of labels", 2, num_classes=num_classes)
        super().__init__(int(num_classes), name=name, **kwargs)
        self.num_classes = num_classes

    def answer(self, logits):
        """The probabilities."""
        return keras.activations.sigmoid(logits)

    def usual_loss(self):
        """Binary cross-entropy, the mean over labels."""
        return keras.losses.BinaryCrossentropy()

    def weighted_metrics(self):
        """The share of right decisions, and F1 over all of them, at thresholds of .5."""
        return [
            HalvedAccuracy(name="accuracy"),
            keras.metrics.F1Score(average="micro", threshold=0.5, name="f1_micro"),
        ]

    def priors(self, labels):
        """The share of rows to which each label applies, from labels `(rows, num_classes)`.

        It is never 0 or 1: at least one row in which it applies, and one in which not, are taken
        to be there. Rows of -1 have no label.
        """
        labels = np.asarray(labels)
        labels = labels[np.all(labels >= 0, axis=-1)]
        rows = max(len(labels), 2)
        return (np.clip(labels.sum(axis=0), 1, rows - 1) / rows).tolist()

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "num_classes": self.num_classes}
