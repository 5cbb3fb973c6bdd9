"""Concatenation."""

import keras
from keras import ops

from fusionkeras.fusion.base import Fusion


@keras.saving.register_keras_serializable("fusionkeras")
class Concat(Fusion):
    """Lays the branches' features side by side: `y = [x_1; x_2; ...]`, sorted by name.

    Each `x_i` is projected and normalised first (see `Fusion`), since a wide or loud branch
    otherwise drowns the others.

    Args:
        hidden_dim: int, the width to which each branch is projected; None leaves them as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        float tensor `(batch, number of branches * hidden_dim)`.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> Concat(hidden_dim=4)({"image": branch, "text": branch}).shape
        TensorShape([2, 8])
    """

    reads = ("pooled_output", "present")

    def fuse(self, features):
        """Concatenates along the last axis."""
        return ops.concatenate([part["pooled_output"] for part in features.values()], axis=-1)
