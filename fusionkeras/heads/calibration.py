"""Probabilities that mean what they say: a layer behind a head."""

import keras
import numpy as np
from keras import ops

from fusionkeras._checks import argument_error

# Where probabilities are clipped before their logarithm is taken. A softmax in float32 tells
# probabilities this small from each other; beside 1 float32 tells hardly less than 1e-7, which
# counts where not only p but also 1 - p is looked at.
SMALLEST, NEAREST = 1e-37, 1e-7


@keras.saving.register_keras_serializable("fusionkeras")
class Calibration(keras.layers.Layer):
    """Turns the probabilities of a head into calibrated ones.

    Where the probabilities of a row sum to 1: `softmax(scale log p + bias)`. Where each stands for
    itself: `sigmoid(scale log(p / (1 - p)) + bias)`. A temperature T is the scale 1 / T; it changes
    no order, and so (but for ties within rounding) no likeliest class.

    `calibrate` finds the numbers, `end_to_end` takes the layer, and in plain Keras
    `keras.Model(model.inputs, layer(model.output))` is the calibrated model.

    Args:
        scale: positive float, or one for each class.
        bias: float, or one for each class.
        exclusive: bool, whether the probabilities of a row sum to 1.
        measured: dict of numbers and str, what was found where it was fitted, or None.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        probabilities: float `(batch, outputs)`, as a head of classes gives them.

    Returns:
        float32 `(batch, outputs)`.

    Raises:
        ValueError: for numbers that are not finite, a scale that is not positive, and more or
            fewer of them than probabilities.

    Example:
        >>> layer = Calibration(scale=0.5)  # a temperature of 2
        >>> layer(ops.array([[0.9, 0.1], [1.0, 0.0]])).numpy().round(4).tolist()
        [[0.75, 0.25], [1.0, 0.0]]

    Reference:
        Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks", equations 8
        (vector scaling) and 9 (temperature scaling). *Differs from the paper*: it starts from
        log p in place of the logits, of which softmax keeps no more; for one temperature that is
        the same.
    """

    def __init__(self, scale=1.0, bias=0.0, exclusive=True, measured=None, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.scale = _check_numbers("scale", scale, above=0)
        self.bias = _check_numbers("bias", bias)
        self.exclusive = exclusive
        self.measured = measured

    @property
    def temperature(self):
        """T, where one scale is for all classes; otherwise None."""
        return None if isinstance(self.scale, list) else 1 / self.scale

    def build(self, probabilities_shape):
        """Checks that there is a number for each probability."""
        outputs = probabilities_shape[-1]
        for name, numbers in (("scale", self.scale), ("bias", self.bias)):
            if isinstance(numbers, list) and len(numbers) != outputs:
                raise argument_error(
                    f"The calibration is for {len(numbers)} probabilities a row",
                    f"one for {outputs}",
                    **{name: list(numbers)},
                )
        self.built = True

    def call(self, probabilities):
        """The calibrated probabilities."""
        scale, bias = (ops.array(x, probabilities.dtype) for x in (self.scale, self.bias))
        if self.exclusive:
            return ops.softmax(scale * ops.log(ops.clip(probabilities, SMALLEST, 1.0)) + bias)
        p = ops.clip(probabilities, NEAREST, 1 - NEAREST)
        return ops.sigmoid(scale * (ops.log(p) - ops.log1p(-p)) + bias)

    def compute_output_shape(self, probabilities_shape):
        """As many as there were."""
        return probabilities_shape

    def get_config(self):
        """The constructor's arguments."""
        own = {
            "scale": np.asarray(self.scale).tolist(),
            "bias": np.asarray(self.bias).tolist(),
            "exclusive": self.exclusive,
            "measured": None if self.measured is None else dict(self.measured),
        }
        return {**super().get_config(), **own}


def _check_numbers(what, values, above=-np.inf):
    """`values` as a float or a list of float."""
    numbers = np.asarray(values)
    right = numbers.dtype.kind in "fiu" and numbers.ndim <= 1
    if not right or not np.all(np.isfinite(numbers) & (numbers > above)):
        kind = "finite" if above < 0 else "positive"
        raise argument_error(
            f"Wrong {what} of a calibration",
            f"a {kind} number, or one for each class",
            **{what: values},
        )
    return numbers.astype(float).tolist()
