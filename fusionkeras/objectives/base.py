"""What every auxiliary objective shares: checks, projection, absence, the loss that is added."""

import math
import numbers

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_built_for, check_integer

SHAPES = {"pooled_output": "(batch, dim)", "present": "(batch,)"}


class Objective(keras.layers.Layer):
    """Projects the branches to one width and adds a loss of their projections to the model's.

    `pooled_output` of each branch gives way to its projection `W x + b`, so what lies behind reads
    what the loss has shaped; everything else passes unchanged. Absent rows take no part in the
    loss, and what they hold never matters.

    The loss is added in every call, by `add_loss`: `loss` and `val_loss` of `model.fit` are then of
    one kind, as Keras has it for regularisation, and `model.evaluate` gives the same sum. What is
    predicted or served does not depend on it. It knows no weights of rows: a row of weight 0 counts
    in it as any other. A fusion that reads sequences only does not see the projections; there the
    loss teaches the encoders alone.

    A subclass writes one method, `loss`. One with weights of its own makes them in `build`, behind
    `super().build(features_shape)`.

    Args:
        weight: float of at least 0, what the loss is multiplied by.
        dim: int, the width to which each branch is projected.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool,
            ...}}`, two branches or more.

    Returns:
        The same dict, with `pooled_output` of width `dim`.

    Raises:
        ValueError: for wrong numbers, one branch alone, or features not of that form.
    """

    # The features that are read; a model has to hand them over, whatever its fusion reads.
    reads = ("pooled_output", "present")

    def __init__(self, weight=0.1, dim=128, **kwargs):
        # Without casts of its own, what only passes keeps its dtype.
        super().__init__(**{"autocast": False, **kwargs})
        self.weight = check_number("weight of the objective", weight=weight)
        check_integer("width of the projections", dim=dim)
        self.dim = dim
        self.supports_masking = True

    def loss(self, projected, present):
        """The loss, a float32 scalar.

        Args:
            projected: dict of `{branch: (batch, dim)}`, float32, sorted by name.
            present: dict of `{branch: (batch,) bool}`, likewise.
        """
        raise NotImplementedError

    def build(self, features_shape):
        """Makes the projections, branch by branch."""
        _check_features(self, features_shape)
        self.projections = {
            name: self.dense(self.dim, features_shape[name]["pooled_output"], f"{name}_projection")
            for name in sorted(features_shape)
        }
        self.built = True

    def call(self, features):
        """Projects every branch and adds the loss."""
        check_built_for(self, self.projections, features)
        present = {name: features[name]["present"] for name in sorted(features)}
        projected = {name: self._project(name, features[name]) for name in present}
        in_full = {name: ops.cast(x, "float32") for name, x in projected.items()}
        self.add_loss(self.weight * self.loss(in_full, present))
        return {name: {**own, "pooled_output": projected[name]} for name, own in features.items()}

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "weight": self.weight, "dim": self.dim}

    def dense(self, units, shape, name, **options):
        """Makes a dense layer of the objective's precision, built for a shape."""
        layer = keras.layers.Dense(units, **{"dtype": self.dtype_policy, "name": name, **options})
        layer.build(shape)
        return layer

    def _project(self, name, features):
        x = features["pooled_output"]
        # Emptied, not only left out of the loss: its gradient might not be finite.
        x = ops.where(features["present"][:, None], x, ops.zeros_like(x))
        return self.projections[name](x)


def check_number(what, above=None, **received):
    """Raises unless the one received value is a finite number of at least 0; returns it.

    With `above=0` it has to be more than 0.
    """
    ((_, value),) = received.items()
    expected = (
        "a finite number of at least 0" if above is None else f"a finite number above {above}"
    )
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise argument_error(f"Wrong type for the {what}", expected, kind=TypeError, **received)
    if not math.isfinite(value) or value < 0 or (above is not None and value <= above):
        raise argument_error(f"Wrong {what}", expected, **received)
    return value


def masked_mean(values, mask):
    """The mean of those values that the mask, of their shape, marks; 0 where it marks none."""
    kept = ops.where(mask, values, ops.zeros_like(values))
    return ops.sum(kept) / ops.maximum(ops.sum(ops.cast(mask, values.dtype)), 1.0)


def _check_features(objective, features_shape):
    needed = ", ".join(f"{key!r}: {SHAPES[key]}" for key in objective.reads)
    expected = f"{{branch: {{{needed}}}}}"
    kind = type(objective).__name__
    if not isinstance(features_shape, dict) or not features_shape:
        raise argument_error(
            f"{kind} aligns the features of branches", expected, features_shape=features_shape
        )
    for name, shapes in features_shape.items():
        lacking = set(objective.reads) - set(shapes if isinstance(shapes, dict) else ())
        if lacking:
            raise argument_error(
                f"The branch {name!r} lacks features that {kind} needs: "
                f"{', '.join(sorted(lacking))}",
                expected,
                features_shape=shapes,
            )
    if len(features_shape) < 2:
        raise argument_error(
            f"{kind} has nothing to do: there is one branch alone",
            "two branches or more",
            "Leave the objective out.",
            branches=sorted(features_shape),
        )
