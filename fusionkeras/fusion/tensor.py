"""Tensor fusion: the outer product."""

import math

import keras
from keras import ops

from fusionkeras._checks import argument_error
from fusionkeras.fusion.base import Fusion

LARGEST = 2**17


@keras.saving.register_keras_serializable("fusionkeras")
class TensorFusion(Fusion):
    """Every product of one number, or 1, from each branch: `y = [x_1; 1] (x) [x_2; 1] (x) ...`.

    With the 1 appended, the outer product holds the branches themselves, their products two by
    two, and so on up to all of them. It is flattened with the last branch by name running fastest.
    An absent branch enters with its learned vector.

    Args:
        hidden_dim: int, the width to which each branch is projected, small since the output has
            `(hidden_dim + 1) ** branches` numbers; None leaves them as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        float tensor `(batch, product of all (width + 1))`.

    Raises:
        ValueError: for an output of more than 131072 numbers.

    Example:
        >>> import numpy as np
        >>> there = np.array([True])
        >>> image = {"pooled_output": np.array([[2.0, 3.0]]), "present": there}
        >>> text = {"pooled_output": np.array([[5.0]]), "present": there}
        >>> TensorFusion(hidden_dim=None)({"image": image, "text": text}).numpy().tolist()
        [[10.0, 2.0, 15.0, 3.0, 5.0, 1.0]]

    Reference:
        Zadeh et al. 2017, "Tensor Fusion Network for Multimodal Sentiment Analysis"
        (https://arxiv.org/abs/1707.07250), section 4.2, tensor fusion layer: `z = [z_l; 1] (x)
        [z_v; 1] (x) [z_a; 1]`.
        Differs from the paper: any number of modalities, in the order of their names.
    """

    def __init__(self, hidden_dim=16, **kwargs):
        super().__init__(hidden_dim, **kwargs)

    def build(self, features_shape):
        """Refuses a product that is too large."""
        super().build(features_shape)
        self.size = math.prod(width + 1 for width in self.widths.values())
        if self.size > LARGEST:
            raise argument_error(
                f"The outer product of the branches has {self.size} numbers",
                f"at most {LARGEST}",
                "Pass a smaller hidden_dim, or use 'low_rank', which never makes the product.",
                widths=self.widths,
            )

    def fuse(self, features):
        """Multiplies everything by everything."""
        parts = [part["pooled_output"] for part in features.values()]
        one = ops.ones_like(parts[0][:, :1])
        parts = [ops.concatenate([part, one], axis=-1) for part in parts]
        fused = parts[0]
        for part in parts[1:]:
            width = fused.shape[-1] * part.shape[-1]
            fused = ops.reshape(fused[:, :, None] * part[:, None, :], (-1, width))
        return fused
