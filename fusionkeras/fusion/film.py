"""Feature-wise linear modulation."""

import keras
from keras import ops

from fusionkeras._checks import check_choice
from fusionkeras.fusion.base import Fusion


@keras.saving.register_keras_serializable("fusionkeras")
class FiLM(Fusion):
    """One branch is scaled and shifted, number by number, by what the others say.

    `y = gamma(c) * x_m + beta(c)`, where `x_m` is the modulated branch, `c` the concatenation of
    all others, `gamma(c) = 1 + W c + b` and `beta(c) = V c + d`. An absent branch, modulated or
    not, enters with its learned vector.

    Args:
        modulated: str, the branch to modulate; None takes the first by name.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`,
            two branches or more.

    Returns:
        float tensor `(batch, hidden_dim)`; with `hidden_dim=None` as wide as the modulated branch.

    Raises:
        ValueError: for fewer than two branches, or where `modulated` is none of them.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> FiLM(modulated="image", hidden_dim=4)({"image": branch, "text": branch}).shape
        TensorShape([2, 4])

    Reference:
        Perez et al. 2018, "FiLM: Visual Reasoning with a General Conditioning Layer"
        (https://arxiv.org/abs/1709.07871), equations 1 and 2: `gamma_i = f(x_i)`, `beta_i =
        h(x_i)`, `FiLM(F_i) = gamma_i F_i + beta_i`.
        Differs from the paper: it modulates the feature maps of several layers of a convolutional
        network, this one pooled vector; `f` and `h` are linear; several branches may condition.
    """

    min_branches = 2

    def __init__(self, modulated=None, hidden_dim=128, **kwargs):
        super().__init__(hidden_dim, **kwargs)
        self.modulated = modulated

    def build(self, features_shape):
        """Makes the scale and the shift."""
        super().build(features_shape)
        if self.modulated is not None:
            check_choice("branch to modulate", sorted(self.widths), modulated=self.modulated)
        self.target = sorted(self.widths)[0] if self.modulated is None else self.modulated
        units = self.widths[self.target]
        others = sum(self.widths.values()) - units
        self.gamma = self.dense(units, others, "gamma")
        self.beta = self.dense(units, others, "beta")

    def fuse(self, features):
        """Scales and shifts the modulated branch."""
        x = features[self.target]["pooled_output"]
        others = [part["pooled_output"] for name, part in features.items() if name != self.target]
        conditions = ops.concatenate(others, axis=-1)
        return (1 + self.gamma(conditions)) * x + self.beta(conditions)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "modulated": self.modulated}
