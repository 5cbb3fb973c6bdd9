"""Low-rank multimodal fusion."""

import keras
from keras import ops

from fusionkeras._checks import check_integer
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.products import factor, product


@keras.saving.register_keras_serializable("fusionkeras")
class LowRank(Fusion):
    """A dense layer over the tensor fusion, of low rank, so that the tensor is never made.

    `y = sum_r w_r prod_i (W_i^(r) [x_i; 1]) + b`, the product number by number. An absent branch
    enters with its learned vector.

    Args:
        rank: int, the number of products that are summed.
        output_dim: int, the width of the output; None makes it that of the widest branch, behind
            its projection.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        float tensor `(batch, output_dim)`.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> LowRank(rank=2, output_dim=3)({"image": branch, "text": branch}).shape
        TensorShape([2, 3])

    Reference:
        Liu et al. 2018, "Efficient Low-rank Multimodal Fusion with Modality-Specific Factors"
        (https://arxiv.org/abs/1806.00064), section 3: `h = sum_r prod_m (w_m^(r) [z_m; 1])`;
        the weights `w_r` and the bias `b` are those of the authors' code.
        Differs from the paper: the weights of the 1 begin as standard normal numbers, so that an
        absent branch lets the others through.
    """

    def __init__(self, rank=4, output_dim=None, hidden_dim=128, **kwargs):
        super().__init__(hidden_dim, **kwargs)
        check_integer("rank of the fusion", rank=rank)
        if output_dim is not None:
            check_integer("width of the output", output_dim=output_dim)
        self.rank = rank
        self.output_dim = output_dim

    def build(self, features_shape):
        """Makes the factors of each branch, all ranks side by side."""
        super().build(features_shape)
        self.units = self.output_dim or max(self.widths.values())
        self.factors = {name: factor(self, name, self.rank * self.units) for name in self.widths}
        self.rank_weights = self.add_weight(
            shape=(self.rank,),
            initializer=keras.initializers.Constant(self.rank**-0.5),
            name="rank_weights",
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def fuse(self, features):
        """Multiplies the factors and sums over the ranks."""
        x = product(self.factors[name](part["pooled_output"]) for name, part in features.items())
        x = ops.reshape(x, (-1, self.rank, self.units))
        weights = ops.cast(self.rank_weights, x.dtype)[:, None]
        return ops.sum(weights * x, axis=1) + ops.cast(self.bias, x.dtype)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "rank": self.rank, "output_dim": self.output_dim}
