"""A joint projection, weighed by an attention over its parts."""

import keras
from keras import ops

from fusionkeras._checks import check_integer
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.masking import masked_softmax


@keras.saving.register_keras_serializable("fusionkeras")
class AttentionProduct(Fusion):
    """A hidden layer over all branches, each of its parts weighed by an attention over them.

    `X = tanh(W [x_1; ...; x_n] + b)`, `A = softmax(V X + c)` over the parts of `X`, and `Y = units
    * A * X`, number by number. The factor `units` makes the mean weight 1, so that a uniform
    attention leaves `X` as it is, whatever its width. An absent branch enters with its learned
    vector.

    Args:
        units: int, the number of parts; None makes it the width of the widest branch, behind its
            projection.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.
        return_attention: bool, whether to return `A` as well.

    Returns:
        float tensor `(batch, units)`; with `return_attention` also `{"parts": A (batch, units)}`,
        float32, rows that sum to 1.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> fused, attention = AttentionProduct(units=3, hidden_dim=4)(
        ...     {"image": branch, "text": branch}, return_attention=True
        ... )
        >>> fused.shape, attention["parts"].numpy().sum(axis=1).round(3).tolist()
        (TensorShape([2, 3]), [1.0, 1.0])
    """

    def __init__(self, units=None, hidden_dim=128, **kwargs):
        super().__init__(hidden_dim, **kwargs)
        if units is not None:
            check_integer("number of parts", units=units)
        self.units = units

    def build(self, features_shape):
        """Makes the joint projection and the scores of its parts."""
        super().build(features_shape)
        self.parts = self.units or max(self.widths.values())
        total = sum(self.widths.values())
        self.joint = self.dense(self.parts, total, "joint", activation="tanh")
        self.scores = self.dense(self.parts, self.parts, "scores")

    def fuse(self, features):
        """Projects all branches together and weighs the parts."""
        everything = [part["pooled_output"] for part in features.values()]
        x = self.joint(ops.concatenate(everything, axis=-1))
        scores = self.scores(x)
        attention = masked_softmax(scores, ops.ones_like(scores, dtype="bool"))
        return ops.cast(self.parts * attention, x.dtype) * x, {"parts": attention}

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units}
