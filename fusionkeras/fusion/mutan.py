"""Multimodal Tucker fusion."""

import keras
from keras import ops

from fusionkeras._checks import check_integer
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.products import factor, product


@keras.saving.register_keras_serializable("fusionkeras")
class MUTAN(Fusion):
    """A Tucker decomposition of all products of the branches, its core of low rank.

    `h_i = tanh(W_i x_i + b_i)` and `y = sum_r prod_i (M_i^(r) h_i + c_i^(r))`, the product number
    by number. An absent branch enters with its learned vector.

    Args:
        rank: int, the number of products that are summed.
        output_dim: int, the width of the output; None makes it that of the widest branch, behind
            its projection.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they
            are. `h_i` is as wide as `x_i`.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        float tensor `(batch, output_dim)`.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> MUTAN(rank=2, output_dim=3)({"image": branch, "text": branch}).shape
        TensorShape([2, 3])

    Reference:
        Ben-younes et al. 2017, "MUTAN: Multimodal Tucker Fusion for Visual Question Answering"
        (https://arxiv.org/abs/1705.06676), section 3, tensor sparsity: `q~ = tanh(q^T W_q)`, `v~ =
        tanh(v^T W_v)`, `z = sum_r z_r`, `z_r = (q~^T M_r) * (v~^T N_r)`.
        Differs from the paper: any number of branches; biases, of which `c_i` begin as standard
        normal numbers, so that an absent branch lets the others through; `W_o` is left to the
        head.
    """

    def __init__(self, rank=5, output_dim=None, hidden_dim=128, **kwargs):
        super().__init__(hidden_dim, **kwargs)
        check_integer("rank of the fusion", rank=rank)
        if output_dim is not None:
            check_integer("width of the output", output_dim=output_dim)
        self.rank = rank
        self.output_dim = output_dim

    def build(self, features_shape):
        """Makes a hidden layer and the factors of each branch, all ranks side by side."""
        super().build(features_shape)
        self.units = self.output_dim or max(self.widths.values())
        self.hidden, self.factors = {}, {}
        for name, width in self.widths.items():
            self.hidden[name] = self.dense(width, width, f"{name}_hidden", activation="tanh")
            self.factors[name] = factor(self, name, self.rank * self.units)

    def fuse(self, features):
        """Multiplies the factors and sums over the ranks."""
        hidden = {name: self.hidden[name](x["pooled_output"]) for name, x in features.items()}
        x = product(self.factors[name](h) for name, h in hidden.items())
        return ops.sum(ops.reshape(x, (-1, self.rank, self.units)), axis=1)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "rank": self.rank, "output_dim": self.output_dim}
