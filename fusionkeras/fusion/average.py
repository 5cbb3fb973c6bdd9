"""The mean over what is present."""

import keras

from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.masking import counted, masked_mean, stack


@keras.saving.register_keras_serializable("fusionkeras")
class Average(Fusion):
    """The mean of the branches that are present: `y = sum_i p_i x_i / sum_i p_i`.

    `p_i` is 1 where branch `i` is present and 0 elsewhere; where none is, all count, with their
    learned vectors.

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
        >>> Average(hidden_dim=None)({"image": image, "text": text}).numpy().tolist()
        [[2.0], [1.0]]
    """

    one_width = True

    def fuse(self, features):
        """Averages the branches."""
        return masked_mean(stack(features), counted(features))
