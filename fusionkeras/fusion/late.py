"""Decision-level fusion: each branch decides by itself, and the decisions are joined."""

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.masking import counted, masked_softmax

VOTES = ("mean", "learned", "product")


@keras.saving.register_keras_serializable("fusionkeras")
class Late(Fusion):
    """Joins the branches' own predictions, not their features.

    The builder puts dense layers and a head of its own behind each branch, named
    `<branch>_<head>`, and joins what they predict by a `Vote`. What takes both modalities to tell
    (whether a statement fits a picture) is beyond it: a mean, or a product, of what each says by
    itself holds no interaction between them.

    Args:
        vote: "mean", "learned" (a mean with one learned weight a branch) or "product" (of
            probabilities, scaled to sum to 1); always over the branches that are present.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        dict of `{branch: float tensor (batch, hidden_dim)}`.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> sorted(Late(hidden_dim=4)({"image": branch, "text": branch}))
        ['image', 'text']

    Reference:
        Kittler et al. 1998, "On combining classifiers", IEEE TPAMI 20(3), equations 11 (product
        rule) and 15 (sum rule).
        Differs from the paper: priors are taken for equal in the product, and the learned weights
        are a softmax.
    """

    def __init__(self, vote="mean", hidden_dim=128, **kwargs):
        super().__init__(hidden_dim, **kwargs)
        self.vote = check_choice("vote", VOTES, vote=vote)

    def fuse(self, features):
        """The projected features of each branch."""
        return {name: part["pooled_output"] for name, part in features.items()}

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "vote": self.vote}


@keras.saving.register_keras_serializable("fusionkeras")
class Vote(keras.layers.Layer):
    """Joins predictions, over the branches that are present (over all where none is).

    `mean`: `p = sum_i w_i p_i`, `w_i` equal; `learned`: `w = softmax(v)`, the same in all rows;
    `product`: `p_k = prod_i p_ik / sum_j prod_i p_ij`, and for probabilities that do not exclude
    each other (sigmoids) the same for each and its opposite.

    Args:
        vote: "mean", "learned" or "product".
        exclusive: bool, whether the predictions of a row are probabilities that sum to 1.

    Call arguments:
        predictions: dict of `{branch: (batch, units)}`.
        present: dict of `{branch: (batch,) bool}`.

    Returns:
        float32 tensor `(batch, units)`.

    Example:
        >>> import numpy as np
        >>> p = {"image": np.array([[0.9, 0.1]]), "text": np.array([[0.5, 0.5]])}
        >>> there = {"image": np.array([True]), "text": np.array([True])}
        >>> print(np.round(Vote("mean")(p, there), 2), np.round(Vote("product")(p, there), 2))
        [[0.7 0.3]] [[0.9 0.1]]
    """

    def __init__(self, vote="mean", exclusive=True, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.vote, self.exclusive = check_choice("vote", VOTES, vote=vote), exclusive
        self.supports_masking = True

    def build(self, predictions_shape, present_shape):
        """Makes the learned weights."""
        if set(predictions_shape) != set(present_shape):
            raise argument_error(
                "The predictions and the presences are of different branches",
                "the same branches",
                predictions=sorted(predictions_shape),
                present=sorted(present_shape),
            )
        if self.vote == "learned":
            shape = (len(predictions_shape),)
            self.scores = self.add_weight(shape=shape, initializer="zeros", name="scores")
        self.built = True

    def call(self, predictions, present):
        """Votes."""
        names = sorted(predictions)
        p = ops.stack([ops.cast(predictions[name], "float32") for name in names], axis=1)
        mask = counted({name: {"present": present[name]} for name in names})
        if self.vote == "product":
            return self._product(p, ops.cast(mask, "float32")[..., None])
        scores = self.scores if self.vote == "learned" else ops.zeros(len(names))
        weights = masked_softmax(scores[None, :], mask)
        return ops.sum(weights[..., None] * p, axis=1)

    def compute_output_spec(self, predictions, present):
        """The form of one prediction."""
        first = next(iter(predictions.values()))
        return keras.KerasTensor(first.shape, "float32")

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "vote": self.vote, "exclusive": self.exclusive}

    def _product(self, p, mask):
        def log_product(p):
            return ops.sum(mask * ops.log(ops.maximum(p, keras.config.epsilon())), axis=1)

        if self.exclusive:
            return ops.softmax(log_product(p), axis=-1)
        return ops.sigmoid(log_product(p) - log_product(1 - p))
