"""Pairs that belong together are drawn together."""

import itertools

import keras
from keras import ops

from fusionkeras.objectives.base import Objective, check_number, masked_mean

# A vector shorter than this has no direction.
SHORTEST = 1e-6


@keras.saving.register_keras_serializable("fusionkeras")
class ContrastiveAlignment(Objective):
    """Tells which text is that of a picture, among those of the batch, and the other way round.

    For each pair of branches, over the rows `r` where both are present, with projections scaled to
    length 1: `s_rq = z_r^T v_q / temperature` and `loss = mean_r(log sum_q exp(s_rq) + log sum_q
    exp(s_qr) - 2 s_rr) / 2`. The mean over the pairs is added; a pair with fewer than two such
    rows has nothing to tell apart, and counts as 0.

    The loss grows with the rows of a batch, up to `log rows` for projections that tell nothing:
    compare it only between batches of one size. Rows that repeat each other (one picture sold
    under ten captions) are each other's negatives all the same.

    Args:
        weight: float of at least 0, what the loss is multiplied by.
        temperature: float above 0; the smaller, the more the hardest negatives count.
        dim: int, the width to which each branch is projected.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool,
            ...}}`, two branches or more.

    Returns:
        The same dict, with `pooled_output` of width `dim`; not scaled to length 1.

    Raises:
        ValueError: for wrong numbers, or one branch alone.
        TypeError: for what is no number.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.eye(4, 7), "present": np.ones(4, bool)}
        >>> objective = ContrastiveAlignment(weight=1.0, dim=8)
        >>> objective({"image": branch, "text": branch})["text"]["pooled_output"].shape
        TensorShape([4, 8])
        >>> [loss.shape for loss in objective.losses]
        [TensorShape([])]

    Reference:
        van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding"
        (https://arxiv.org/abs/1807.03748), equation 4; both ways as in Radford et al. 2021,
        "Learning Transferable Visual Models From Natural Language Supervision"
        (https://arxiv.org/abs/2103.00020), figure 3.
        Differs from the paper: the score of a pair is the cosine, where equation 3 has a bilinear
        form, and the temperature stays as given, where CLIP learns it; negatives are taken among
        the rows where both are present.
    """

    def __init__(self, weight=0.1, temperature=0.07, dim=128, **kwargs):
        super().__init__(weight, dim, **kwargs)
        self.temperature = check_number("temperature", above=0, temperature=temperature)

    def loss(self, projected, present):
        """The mean over all pairs of branches."""
        unit = {name: _unit(x) for name, x in projected.items()}
        pairs = list(itertools.combinations(unit, 2))
        losses = [
            self._of_pair(unit[one], unit[other], ops.logical_and(present[one], present[other]))
            for one, other in pairs
        ]
        return sum(losses) / len(pairs)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "temperature": self.temperature}

    def _of_pair(self, one, other, both):
        scores = ops.matmul(one, ops.transpose(other)) / self.temperature
        row = ops.arange(ops.shape(scores)[0])
        own = ops.sum(ops.where(row[:, None] == row, scores, 0.0), axis=1)
        # exp(-1e9 - max) is exactly 0, and a row alone among such has a loss of exactly 0.
        scores = ops.where(ops.logical_and(both[:, None], both), scores, -1e9)
        found = ops.logsumexp(scores, axis=1) + ops.logsumexp(scores, axis=0) - 2.0 * own
        return masked_mean(found, both) / 2.0


def _unit(x):
    """Rows of length 1; one without a direction stays as it is, so its gradient is finite."""
    square = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x * ops.rsqrt(ops.where(square > SHORTEST**2, square, ops.ones_like(square)))
