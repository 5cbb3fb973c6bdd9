"""The projected Hadamard product."""

import keras

from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.products import factor, product


@keras.saving.register_keras_serializable("fusionkeras")
class Multiply(Fusion):
    """The product, number by number, of a hidden layer for each branch.

    `y = prod_i tanh(W_i x_i + b_i)`. An absent branch enters with its learned vector.

    Args:
        hidden_dim: int, the width to which each branch is projected, and that of the product; with
            None the branches stay as they are and the product is as wide as the widest.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        float tensor `(batch, hidden_dim)`.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> Multiply(hidden_dim=4)({"image": branch, "text": branch}).shape
        TensorShape([2, 4])

    Reference:
        Kim et al. 2017, "Hadamard Product for Low-rank Bilinear Pooling"
        (https://arxiv.org/abs/1610.04325), low-rank bilinear pooling with a nonlinear activation:
        `f = P^T (tanh(U^T x) * tanh(V^T y)) + b`.
        Differs from the paper: any number of branches; hidden layers have biases; `P` and `b` are
        left to the head.
    """

    def build(self, features_shape):
        """Makes a hidden layer for each branch."""
        super().build(features_shape)
        units = max(self.widths.values())
        self.factors = {name: factor(self, name, units, activation="tanh") for name in self.widths}

    def fuse(self, features):
        """Multiplies the hidden layers."""
        return product(self.factors[name](x["pooled_output"]) for name, x in features.items())
