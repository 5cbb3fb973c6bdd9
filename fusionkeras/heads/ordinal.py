"""One rank of several in order."""

import keras
import numpy as np
from keras import ops

from fusionkeras._checks import check_integer
from fusionkeras.heads.base import Head
from fusionkeras.heads.classification import count_classes
from fusionkeras.heads.losses import OrdinalLoss


@keras.saving.register_keras_serializable("fusionkeras")
class OrdinalHead(Head):
    """Tells one rank of several in order: `P(rank > k) = sigmoid(w x + b_k)`.

    All levels share the weights `w`, and the biases fall with `k`, so the probabilities never
    contradict each other. At first, where `w x` is 0, all ranks are equally likely.

    Labels are int32 `(batch,)`, ranks from 0.

    Args:
        num_classes: int, the number of ranks, at least 2.
        name: str.
        **kwargs: `dtype` and `trainable` of a Keras layer.

    Call arguments:
        x: float tensor `(batch, dim)`.

    Returns:
        float32 `(batch, num_classes - 1)`, `P(rank > k)` for k = 0, 1, ...; it never rises with k.

    Raises:
        ValueError: for fewer than two ranks.

    Example:
        >>> head = OrdinalHead(num_classes=4)
        >>> head(keras.ops.zeros((1, 2))).numpy().round(2).tolist()
        [[0.75, 0.5, 0.25]]

    Reference:
        Cao, Mirjalili, Raschka 2020, "Rank consistent ordinal regression for neural networks with
        application to age estimation", equations 4 and 5. *Differs from the paper*: there the
        biases are free, and fall only where the loss is at its minimum (theorem 1); here they
        fall by construction, `b_k` being `b_0` less a running sum of softplus. The rank that is
        answered is the likeliest, and not the number of levels above one half.
    """

    task = "ordinal"

    def __init__(self, num_classes, name="probabilities", **kwargs):
        check_integer("number of ranks", 2, num_classes=num_classes)
        super().__init__(1, False, name=name, **kwargs)
        self.num_classes = num_classes
        # A Dense layer saves no weights but its own, so these are in a layer.
        self.levels = Levels(int(num_classes) - 1, dtype=self.dtype_policy, name="levels")

    def build(self, input_shape):
        """Makes the shared weights and the biases."""
        super().build(input_shape)
        self.levels.build((*input_shape[:-1], 1))

    def answer(self, logits):
        """The probabilities that the rank lies above each level."""
        return self.levels(logits)

    def compute_output_shape(self, input_shape):
        """One output a level, although there is one logit."""
        return (*input_shape[:-1], int(self.num_classes) - 1)

    def usual_loss(self):
        """The cross-entropy of all levels, summed."""
        return OrdinalLoss()

    def weighted_metrics(self):
        """The accuracy, and the mean distance from the true rank."""
        return [
            keras.metrics.MeanMetricWrapper(rank_is_right, name="accuracy"),
            keras.metrics.MeanMetricWrapper(rank_distance, name="mae"),
        ]

    def priors(self, labels):
        """The number of rows of each rank, at least 1, from int labels `(rows,)`."""
        return count_classes(labels, self.num_classes)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "num_classes": self.num_classes}


class Levels(keras.layers.Layer):
    """From one score to `P(rank > k)`, with biases that fall by construction.

    Args:
        count: int, the number of levels.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        score: float tensor `(batch, 1)`.

    Returns:
        float tensor `(batch, count)`.
    """

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def build(self, input_shape):
        """Makes the first bias and the steps down from it: at first all ranks are alike."""
        self.steps = self.add_weight((self.count,), self._alike, name="steps")
        self.built = True

    def call(self, score):
        """The probabilities."""
        falls = [self.steps[:1], -ops.softplus(self.steps[1:])]
        return keras.activations.sigmoid(score + ops.cumsum(ops.concatenate(falls)))

    def compute_output_shape(self, input_shape):
        """One output a level."""
        return (*input_shape[:-1], self.count)

    def _alike(self, shape, dtype=None):
        shares = 1 - np.arange(1, self.count + 1) / (self.count + 1)
        biases = np.log(shares / (1 - shares))
        steps = np.log(np.expm1(biases[:-1] - biases[1:]))  # the inverse of softplus
        return ops.convert_to_tensor(np.concatenate([biases[:1], steps]), dtype)


def rank_probabilities(above):
    """The probability of each rank.

    Args:
        above: float tensor `(batch, ranks - 1)`, `P(rank > k)`.

    Returns:
        float tensor `(batch, ranks)`.

    Example:
        >>> rank_probabilities(keras.ops.array([[0.75, 0.25]])).numpy().tolist()
        [[0.25, 0.5, 0.25]]
    """
    above = ops.convert_to_tensor(above)
    first = ops.ones_like(above[:, :1])
    above = ops.concatenate([first, above, ops.zeros_like(first)], axis=-1)
    return above[:, :-1] - above[:, 1:]


@keras.saving.register_keras_serializable("fusionkeras")
def rank_is_right(y_true, y_pred):
    """1 where the likeliest rank is the true one, float32 `(batch,)`."""
    return ops.cast(ops.equal(rank_distance(y_true, y_pred), 0), "float32")


@keras.saving.register_keras_serializable("fusionkeras")
def rank_distance(y_true, y_pred):
    """The distance from the true rank to the likeliest, float32 `(batch,)`."""
    rank = ops.argmax(rank_probabilities(y_pred), axis=-1)
    truth = ops.reshape(y_true, (-1,))
    return ops.abs(ops.cast(truth, "float32") - ops.cast(rank, "float32"))
