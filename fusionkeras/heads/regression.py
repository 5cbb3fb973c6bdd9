"""A quantity."""

import math
import numbers

import keras

from fusionkeras._checks import argument_error
from fusionkeras.heads.base import Head
from fusionkeras.heads.losses import StandardisedLoss


@keras.saving.register_keras_serializable("fusionkeras")
class RegressionHead(Head):
    """Tells a quantity in its own units: `deviation * (w x + b) + mean`.

    The weights learn the standardised quantity, which is of the order of 1 whatever the units;
    everything outside of this layer (labels, predictions, metrics) is in the units of the labels.

    Args:
        mean: float, the mean of the labels of training.
        deviation: float above 0, their standard deviation.
        name: str.
        **kwargs: `dtype` and `trainable` of a Keras layer.

    Call arguments:
        x: float tensor `(batch, dim)`.

    Returns:
        float32 `(batch, 1)`.

    Raises:
        ValueError: for numbers that are not finite, and a deviation that is not positive.

    Example:
        >>> head = RegressionHead(mean=100.0, deviation=20.0)
        >>> head(keras.ops.zeros((1, 2))).numpy().tolist()
        [[100.0]]
    """

    task = "regression"

    def __init__(self, mean=0.0, deviation=1.0, name="value", **kwargs):
        _check_number("mean", mean, -math.inf, mean=mean)
        _check_number("deviation", deviation, 0, deviation=deviation)
        super().__init__(1, name=name, **kwargs)
        self.mean = mean
        self.deviation = deviation

    def answer(self, logits):
        """The quantity in its own units."""
        return logits * self.deviation + self.mean

    def usual_loss(self):
        """The squared error of the standardised quantity."""
        return StandardisedLoss(self.deviation)

    def weighted_metrics(self):
        """The mean absolute error, in the units of the labels."""
        return [keras.metrics.MeanAbsoluteError(name="mae")]

    def loss_of_kind(self, kind, priors):
        """Raises: there is no imbalance between classes."""
        raise argument_error(
            f"Regression has no classes, so its loss cannot be {kind!r}",
            "None or a keras.losses.Loss",
            "Give other heads theirs by a dict.",
            loss=kind,
        )

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "mean": self.mean, "deviation": self.deviation}


def _check_number(what, value, above, **received):
    right = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not right or not above < value < math.inf:
        expected = "a finite number" if above else "a finite number above 0"
        raise argument_error(f"Wrong {what}", expected, **received)
