"""What the fusions by products share."""

import keras
from keras import ops


def factor(fusion, name, units, **options):
    """Makes what a branch puts into a product: a dense layer `(batch, width) -> (batch, units)`.

    Its biases begin as standard normal numbers. With zeros an absent branch, whose learned vector
    begins with zeros as well, would wipe out all others and stop their gradients.
    """
    return fusion.dense(
        units,
        fusion.widths[name],
        f"{name}_factor",
        # A new one each: an initializer gives the same numbers every time.
        bias_initializer=keras.initializers.RandomNormal(stddev=1.0),
        **options,
    )


def product(parts):
    """The product of tensors of one shape, element by element."""
    parts = list(parts)
    result = parts[0]
    for part in parts[1:]:
        result = result * part
    return result


def signed_root_of_unit_length(x):
    """`z = sign(x) sqrt(|x|)` and then `z / |z|`, over the last axis; in float32.

    The square root is `x / sqrt(|x| + 0.01)` of an `x` whose root mean square is 1: smooth around
    0, where its gradient would not be finite and would blow up the rounding errors of an FFT.
    """
    x = ops.cast(x, "float32")
    x = x / ops.sqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-6)
    z = x / ops.sqrt(ops.abs(x) + 0.01)
    return z / ops.sqrt(ops.sum(ops.square(z), axis=-1, keepdims=True) + 1e-6)
