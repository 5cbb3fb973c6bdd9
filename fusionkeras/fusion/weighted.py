"""One weight for each branch, computed from what it holds."""

import keras
from keras import ops

from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.masking import counted, masked_softmax, stack


@keras.saving.register_keras_serializable("fusionkeras")
class Weighted(Fusion):
    """A weighted mean of the branches, each row with weights of its own.

    `a = softmax_i(v_i . x_i + b_i)` over the branches that are present, and `y = sum_i a_i x_i`.
    A branch is weighed as a whole; `Gated` weighs number by number, and by all branches together.
    Where no branch is present all count, with their learned vectors. `v_i` begins at 0, and the
    whole as `Average`, so that no branch has won before the others have learned.

    Args:
        hidden_dim: int, the width to which each branch is projected; None leaves them as they
            are, and they must be of one width.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.
        return_attention: bool, whether to return the weights `a_i` as well.

    Returns:
        float tensor `(batch, hidden_dim)`; with `return_attention` also `{branch: weight
        (batch,)}`, float32.

    Raises:
        ValueError: with `hidden_dim=None`, for branches of different widths.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, True])}
        >>> fused, weights = Weighted(hidden_dim=4)(
        ...     {"image": branch, "text": {**branch, "present": np.array([True, False])}},
        ...     return_attention=True,
        ... )
        >>> weights["image"].numpy().tolist()[1], weights["text"].numpy().tolist()[1]
        (1.0, 0.0)
    """

    one_width = True

    def build(self, features_shape):
        """Makes a score for each branch."""
        super().build(features_shape)
        self.scores = {
            name: self.dense(1, width, f"{name}_score", kernel_initializer="zeros")
            for name, width in self.widths.items()
        }

    def fuse(self, features):
        """Weighs each branch by its score."""
        scores = [self.scores[name](part["pooled_output"]) for name, part in features.items()]
        weights = masked_softmax(ops.concatenate(scores, axis=-1), counted(features))
        x = stack(features)
        fused = ops.sum(ops.cast(weights, x.dtype)[..., None] * x, axis=1)
        return fused, {name: weights[:, place] for place, name in enumerate(features)}
