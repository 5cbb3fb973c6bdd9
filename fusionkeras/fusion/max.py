"""The largest of what is present."""

import keras
from keras import ops

from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.masking import counted, stack


@keras.saving.register_keras_serializable("fusionkeras")
class Max(Fusion):
    """The largest number of the branches that are present: `y_k = max_i x_ik`, for each `k`.

    Where no branch is present all count, with their learned vectors.

    Args:
        hidden_dim: int, the width to which each branch is projected; None leaves them as they
            are, and they must be of one width.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        float tensor `(batch, hidden_dim)`.

    Raises:
        ValueError: with `hidden_dim=None`, for branches of different widths.

    Example:
        >>> import numpy as np
        >>> there = np.array([True, True])
        >>> image = {"pooled_output": np.array([[1.0, 5.0], [1.0, 5.0]]), "present": there}
        >>> text = {
        ...     "pooled_output": np.array([[3.0, 4.0], [3.0, 4.0]]),
        ...     "present": np.array([True, False]),
        ... }
        >>> Max(hidden_dim=None)({"image": image, "text": text}).numpy().tolist()
        [[3.0, 5.0], [1.0, 5.0]]
    """

    one_width = True

    def fuse(self, features):
        """Takes the largest, number by number."""
        counts = counted(features)[..., None]
        return ops.max(ops.where(counts, stack(features), -float("inf")), axis=1)
