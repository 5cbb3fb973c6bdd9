"""Multi-modal factorized bilinear pooling."""

import keras
from keras import ops

from fusionkeras._checks import check_integer, check_rate
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.products import factor, product, signed_root_of_unit_length


@keras.saving.register_keras_serializable("fusionkeras")
class MFB(Fusion):
    """A product of expanded branches, summed in groups, its square root brought to length 1.

    `p = dropout(prod_i (U_i x_i + b_i))`, `factors * output_dim` numbers; `s` sums each run of
    `factors` of them; `z = sign(s) sqrt(|s|)` and `y = z / |z|`. An absent branch enters with its
    learned vector.

    Args:
        factors: int, how many products make one number of the output.
        output_dim: int, the width of the output; None makes it that of the widest branch, behind
            its projection.
        dropout: float in [0, 1), the rate at which products are dropped in training.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        float tensor `(batch, output_dim)`, rows of length 1.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> fused = MFB(factors=2, hidden_dim=4)({"image": branch, "text": branch})
        >>> np.linalg.norm(fused, axis=1).round(3).tolist()
        [1.0, 1.0]

    Reference:
        Yu et al. 2017, "Multi-modal Factorized Bilinear Pooling with Co-Attention Learning for
        Visual Question Answering" (https://arxiv.org/abs/1708.01471), section 3: `z =
        SumPooling(U^T x * V^T y, k)`, power and l2 normalisation.
        Differs from the paper: any number of branches; biases, which begin as standard normal
        numbers, so that an absent branch lets the others through; the square root is smooth
        around 0, `s / sqrt(|s| + 0.01)` for an `s` of root mean square 1.
    """

    def __init__(self, factors=5, output_dim=None, dropout=0.0, hidden_dim=128, **kwargs):
        super().__init__(hidden_dim, **kwargs)
        check_integer("number of factors", factors=factors)
        if output_dim is not None:
            check_integer("width of the output", output_dim=output_dim)
        check_rate("rate of dropout", dropout=dropout)
        self.factors = factors
        self.output_dim = output_dim
        self.dropout = dropout

    def build(self, features_shape):
        """Makes the expansion of each branch."""
        super().build(features_shape)
        self.units = self.output_dim or max(self.widths.values())
        total = self.factors * self.units
        self.expansions = {name: factor(self, name, total) for name in self.widths}
        self.drop = self.layer(keras.layers.Dropout, (None, total), "drop", rate=self.dropout)

    def fuse(self, features):
        """Multiplies, sums in groups and normalises."""
        x = product(self.expansions[name](part["pooled_output"]) for name, part in features.items())
        x = ops.cast(self.drop(x), "float32")
        pooled = ops.sum(ops.reshape(x, (-1, self.units, self.factors)), axis=-1)
        return ops.cast(signed_root_of_unit_length(pooled), self.compute_dtype)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "factors": self.factors,
            "output_dim": self.output_dim,
            "dropout": self.dropout,
        }
