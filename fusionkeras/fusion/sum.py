"""The sum."""

import keras
from keras import ops

from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.masking import stack


@keras.saving.register_keras_serializable("fusionkeras")
class Sum(Fusion):
    """The sum of all branches: `y = sum_i x_i`.

    An absent branch adds its learned vector, so the sum keeps its size whatever is missing.

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
        >>> image = {"pooled_output": np.array([[1.0], [1.0]]), "present": np.array([True, True])}
        >>> text = {"pooled_output": np.array([[3.0], [3.0]]), "present": np.array([True, False])}
        >>> Sum(hidden_dim=None)({"image": image, "text": text}).numpy().tolist()
        [[4.0], [1.0]]
    """

    one_width = True

    def fuse(self, features):
        """Adds the branches."""
        return ops.sum(stack(features), axis=1)
