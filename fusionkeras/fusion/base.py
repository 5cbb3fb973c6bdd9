"""What every fusion shares: checks, order, projection, normalisation, absence."""

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_integer


class Fusion(keras.layers.Layer):
    """Joins the features of several branches into one vector.

    The branches are taken in the order of their names. The pooled output `x` of each is projected
    to a common width and normalised, `LayerNorm(W x + b)`; with `hidden_dim=None` it stays as it
    is. Where the branch is absent in a row, a learned vector stands in its place, so what an
    absent input holds never matters.

    A subclass writes one method, `fuse`.

    Args:
        hidden_dim: int, the common width; None leaves the features as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool,
            ...}}`, as encoders give it.

    Returns:
        float tensor `(batch, fused_dim)`.

    Raises:
        ValueError: when the features are not of that form.
    """

    # The features of a branch that `fuse` reads, by name; None means all. A model hands over no
    # others, so that those of a frozen encoder are not kept in vain.
    reads = None

    def __init__(self, hidden_dim=128, **kwargs):
        super().__init__(**kwargs)
        if hidden_dim is not None:
            check_integer("width of the fusion", hidden_dim=hidden_dim)
        self.hidden_dim = hidden_dim
        self.supports_masking = True

    def fuse(self, features):
        """Joins the projected features, `{branch: {...}}` sorted by name, to `(batch, dim)`."""
        raise NotImplementedError

    def build(self, features_shape):
        """Makes the projections and the vectors of absence, branch by branch."""
        _check_features(features_shape)
        self.projections, self.absent = {}, {}
        for name in sorted(features_shape):
            width = features_shape[name]["pooled_output"][-1]
            if self.hidden_dim is not None:
                self.projections[name] = self._projection(name, width)
                width = self.hidden_dim
            self.absent[name] = self.add_weight(
                shape=(width,), initializer="zeros", name=f"absent_{name}"
            )
        self.built = True

    def call(self, features):
        """Prepares every branch and calls `fuse`."""
        return self.fuse({name: self._prepare(name, features[name]) for name in sorted(features)})

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "hidden_dim": self.hidden_dim}

    def _projection(self, name, width):
        projection = keras.Sequential(
            [
                keras.layers.Dense(self.hidden_dim, dtype=self.dtype_policy, name="project"),
                keras.layers.LayerNormalization(dtype=self.dtype_policy, name="normalise"),
            ],
            name=f"{name}_projection",
        )
        projection.build((None, width))
        return projection

    def _prepare(self, name, features):
        pooled = features["pooled_output"]
        if self.hidden_dim is not None:
            pooled = self.projections[name](pooled)
        present = ops.expand_dims(features["present"], -1)
        absent = ops.cast(self.absent[name], pooled.dtype)
        return {**features, "pooled_output": ops.where(present, pooled, absent)}


def _check_features(features_shape):
    expected = "{branch: {'pooled_output': (batch, dim), 'present': (batch,)}}"
    if not isinstance(features_shape, dict) or not features_shape:
        raise argument_error(
            "A fusion joins the features of branches", expected, features_shape=features_shape
        )
    for name, shapes in features_shape.items():
        if not isinstance(shapes, dict) or not {"pooled_output", "present"} <= set(shapes):
            raise argument_error(
                f"The branch {name!r} lacks features that the fusion needs",
                expected,
                features_shape=shapes,
            )
