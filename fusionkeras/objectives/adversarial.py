"""What tells the modalities apart is unlearned."""

import keras
from keras import ops

from fusionkeras._checks import check_integer
from fusionkeras.objectives.base import Objective, check_number, masked_mean


@keras.saving.register_keras_serializable("fusionkeras")
class AdversarialAlignment(Objective):
    """A discriminator learns to tell the branches apart; the projections learn that it cannot.

    `loss = mean(-log p_b(x_rb))` over all branches `b` and the rows `r` where they are present,
    with `p = softmax(V relu(U x + c) + d)`. The discriminator descends this loss. On its way to
    the projections, and to encoders that learn, the gradient is multiplied by `-strength`, so they
    ascend it.

    The loss is a tug of war, not a measure: near 0 the branches are told apart; where nothing
    tells `n` branches apart that are equally often present, it is `log n`. So it rises where the
    objective succeeds, and `val_loss` with it, by up to `weight * log n`: stop early by another
    quantity, such as `val_accuracy`. Nor does `log n` prove success, since the projections may
    just have run away from a slow discriminator; a probe that is trained afterwards tells.

    The two settle where the discriminator is the quicker one, and better still where the learning
    rate falls. On drawn features of two branches (1024 rows, 3000 steps, weight 1), where a probe
    is right in .93 or more without reversal and in .5 by chance: SGD whose rate falls from 1 to 0,
    strength .05, batches of 256: .50 to .58 with four seeds; Adam at a constant rate of .001,
    batches of 64, one seed: .60 (linear) and .76 (one hidden layer) at strength .1, .98 at 1.

    Args:
        weight: float of at least 0, what the loss is multiplied by.
        dim: int, the width to which each branch is projected.
        hidden_dim: int, the width of the discriminator's hidden layer.
        strength: float of at least 0, what the reversed gradient is multiplied by. A strong one
            moves the projections faster than the discriminator can follow, and hides little.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool,
            ...}}`, two branches or more.

    Returns:
        The same dict, with `pooled_output` of width `dim`.

    Raises:
        ValueError: for wrong numbers, or one branch alone.
        TypeError: for what is no number.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.eye(4, 7), "present": np.ones(4, bool)}
        >>> objective = AdversarialAlignment(weight=1.0, dim=8)
        >>> objective({"image": branch, "text": branch})["text"]["pooled_output"].shape
        TensorShape([4, 8])
        >>> [loss.shape for loss in objective.losses]
        [TensorShape([])]

    Reference:
        Ganin and Lempitsky 2015, "Unsupervised Domain Adaptation by Backpropagation"
        (https://arxiv.org/abs/1409.7495), equations 4 and 6.
        Differs from the paper: the domains are the modalities, of which there may be more than
        two; `strength`, the paper's lambda, stays as given, where the paper raises it from 0 to 1;
        the discriminator's own step is multiplied by `weight`, too.
    """

    def __init__(self, weight=0.1, dim=128, hidden_dim=64, strength=0.1, **kwargs):
        super().__init__(weight, dim, **kwargs)
        check_integer("width of the discriminator", hidden_dim=hidden_dim)
        self.hidden_dim = hidden_dim
        self.strength = check_number("strength of the reversal", strength=strength)

    def build(self, features_shape):
        """Makes the discriminator."""
        super().build(features_shape)
        options = {"dtype": "float32"}  # it is small, and the tug of war is on small differences
        self.hidden = self.dense(
            self.hidden_dim, (None, self.dim), "discriminator_hidden", activation="relu", **options
        )
        shape = (None, self.hidden_dim)
        self.scores = self.dense(len(features_shape), shape, "discriminator_scores", **options)

    def loss(self, projected, present):
        """How hard the discriminator finds it to name the branch."""
        x = reverse_gradient(ops.stack(list(projected.values()), axis=1), self.strength)
        there = ops.stack(list(present.values()), axis=1)
        log_p = ops.log_softmax(self.scores(self.hidden(x)), axis=-1)
        own = ops.stack([log_p[:, place, place] for place in range(len(projected))], axis=1)
        return masked_mean(-own, there)

    def get_config(self):
        """The constructor's arguments."""
        config = super().get_config()
        return {**config, "hidden_dim": self.hidden_dim, "strength": self.strength}


def reverse_gradient(x, strength=1.0):
    """Gives `x` itself, whose gradient is `-strength` times what comes back.

    Args:
        x: float tensor of any shape.
        strength: float.

    Returns:
        A tensor equal to `x`, bit by bit in every precision, as `x - x` is 0.

    Example:
        >>> reverse_gradient(keras.ops.convert_to_tensor([0.1, -7.0])).numpy().tolist()
        [0.10000000149011612, -7.0]
    """
    still = ops.stop_gradient(x)
    return still + strength * (still - x)
