"""Gated multimodal units."""

import keras
from keras import ops

from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.masking import counted, masked_softmax


@keras.saving.register_keras_serializable("fusionkeras")
class Gated(Fusion):
    """A gate, computed from all branches, weighs each branch number by number.

    `h_i = tanh(W_i x_i)`, `z = softmax_i(V_i [x_1; ...; x_n])` over the branches that are present,
    for each number by itself, and `y = sum_i z_i * h_i`.

    Args:
        hidden_dim: int, the width to which each branch is projected; None leaves them as they
            are, and they must be of one width.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.
        return_attention: bool, whether to return the gates `z_i` as well.

    Returns:
        float tensor `(batch, hidden_dim)`; with `return_attention` also `{branch: gate (batch,
        hidden_dim)}`.

    Raises:
        ValueError: with `hidden_dim=None`, for branches of different widths.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> Gated(hidden_dim=4)({"image": branch, "text": branch}).shape
        TensorShape([2, 4])

    Reference:
        Arevalo et al. 2017, "Gated Multimodal Units for Information Fusion"
        (https://arxiv.org/abs/1702.01992), section 3.1: `h_v = tanh(W_v x_v)`, `h_t = tanh(W_t
        x_t)`, `z = sigmoid(W_z [x_v; x_t])`, `h = z * h_v + (1 - z) * h_t`.
        Differs from the paper: for two branches the softmax is its sigmoid, of `V_1 - V_2`; for
        more, where the paper takes sigmoids that do not know of each other, the gates sum to 1,
        over what is present.
    """

    one_width = True

    def build(self, features_shape):
        """Makes a hidden layer and a gate for each branch."""
        super().build(features_shape)
        total, self.hidden, self.gates = sum(self.widths.values()), {}, {}
        for name, width in self.widths.items():
            self.hidden[name] = self.dense(width, width, f"{name}_hidden", activation="tanh")
            self.gates[name] = self.dense(width, total, f"{name}_gate", use_bias=False)

    def fuse(self, features):
        """Weighs each branch by its gate."""
        parts = {name: part["pooled_output"] for name, part in features.items()}
        everything = ops.concatenate(list(parts.values()), axis=-1)
        hidden = ops.stack([self.hidden[name](x) for name, x in parts.items()], axis=1)
        scores = ops.stack([self.gates[name](everything) for name in parts], axis=1)
        gates = masked_softmax(scores, counted(features)[..., None], axis=1)
        fused = ops.sum(ops.cast(gates, hidden.dtype) * hidden, axis=1)
        return fused, {name: gates[:, place] for place, name in enumerate(parts)}
