"""What every fusion shares: checks, order, projection, normalisation, absence."""

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_built_for, check_integer

SHAPES = {
    "pooled_output": "(batch, dim)",
    "sequence_output": "(batch, time, dim)",
    "padding_mask": "(batch, time)",
    "present": "(batch,)",
}


class Fusion(keras.layers.Layer):
    """Joins the features of several branches into one vector.

    The branches are taken in the order of their names. What `x` the fusion reads of each, pooled
    output or sequence, is projected to a common width and normalised, `LayerNorm(W x + b)`; with
    `hidden_dim=None` it stays as it is. Where the branch is absent in a row, a learned vector
    stands in its place and its whole sequence counts as padding, so what an absent input holds
    never matters.

    A subclass writes one method, `fuse`. One with weights of its own makes them in `build`, behind
    `super().build(features_shape)`; `self.widths` then tells the width of each branch.

    Args:
        hidden_dim: int, the common width; None leaves the features as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool,
            ...}}`, as encoders give it.
        return_attention: bool, whether to return the attention as well.

    Returns:
        float tensor `(batch, fused_dim)`; with `return_attention` a pair of it and a dict of
        weights by name.

    Raises:
        ValueError: when the features are not of that form, or not what the fusion needs.
    """

    # The features of a branch that `fuse` reads, the content first, which is projected. A model
    # hands over no others, so that those of a frozen encoder are not kept in vain.
    reads = ("pooled_output", "present")
    # Whether all branches must be of one width.
    one_width = False
    min_branches = 1

    def __init__(self, hidden_dim=128, **kwargs):
        super().__init__(**kwargs)
        if hidden_dim is not None:
            check_integer("width of the fusion", hidden_dim=hidden_dim)
        self.hidden_dim = hidden_dim
        self.supports_masking = True

    def fuse(self, features):
        """Joins the projected features, `{branch: {...}}` sorted by name, to `(batch, dim)`.

        A fusion that attends may return a pair: the vector, and its attention by name. One that
        gives `{branch: (batch, dim)}`, and has an attribute `vote`, leaves the branches to decide
        by themselves (see `Late`).
        """
        raise NotImplementedError

    def build(self, features_shape):
        """Makes the projections and the vectors of absence, branch by branch."""
        _check_features(self, features_shape)
        self.content = self.reads[0]
        self.projections, self.absent, self.widths = {}, {}, {}
        for name in sorted(features_shape):
            width = features_shape[name][self.content][-1]
            if self.hidden_dim is not None:
                self.projections[name] = self._projection(name, width)
                width = self.hidden_dim
            self.absent[name] = self.add_weight(
                shape=(width,), initializer="zeros", name=f"absent_{name}"
            )
            self.widths[name] = width
        _check_widths(self)
        self.built = True

    def call(self, features, return_attention=False):
        """Prepares every branch and calls `fuse`."""
        check_built_for(self, self.widths, features)
        fused = self.fuse({name: self._prepare(name, features[name]) for name in sorted(features)})
        fused, attention = fused if isinstance(fused, tuple) else (fused, None)
        if not return_attention:
            return fused
        if attention is None:
            raise argument_error(
                f"{type(self).__name__} does not attend to anything",
                "a fusion by attention, such as CrossAttention",
                return_attention=return_attention,
            )
        return fused, attention

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "hidden_dim": self.hidden_dim}

    def dense(self, units, width, name, **options):
        """Makes a dense layer of the fusion's precision, built for vectors of a width."""
        return self.layer(keras.layers.Dense, (None, width), name, units=units, **options)

    def layer(self, kind, shape, name, **options):
        """Makes a Keras layer of the fusion's precision, built for a shape."""
        layer = kind(dtype=self.dtype_policy, name=name, **options)
        layer.build(shape)
        return layer

    def _projection(self, name, width):
        projection = keras.Sequential(
            [
                keras.layers.Dense(self.hidden_dim, dtype=self.dtype_policy, name="project"),
                keras.layers.LayerNormalization(dtype=self.dtype_policy, name="normalise"),
            ],
            name=f"{name}_projection",
        )
        steps = (None,) if self.content == "pooled_output" else (None, None)
        projection.build((*steps, width))
        return projection

    def _prepare(self, name, features):
        """The features that are read, projected, with absence in its place."""
        x, present = features[self.content], features["present"]
        there = ops.reshape(present, (-1, *[1] * (len(x.shape) - 1)))
        kept, prepared = there, {"present": present}
        if "padding_mask" in self.reads:
            prepared["padding_mask"] = ops.logical_and(features["padding_mask"], there[..., 0])
            kept = prepared["padding_mask"][..., None]
        x = ops.where(kept, x, ops.zeros_like(x))  # or its gradient might not be finite
        if self.hidden_dim is not None:
            x = self.projections[name](x)
        x = ops.where(there, x, ops.cast(self.absent[name], x.dtype))
        return {self.content: x, **prepared}


def _check_features(fusion, features_shape):
    needed = ", ".join(f"{key!r}: {SHAPES[key]}" for key in fusion.reads)
    expected = f"{{branch: {{{needed}}}}}"
    if not isinstance(features_shape, dict) or not features_shape:
        raise argument_error(
            "A fusion joins the features of branches", expected, features_shape=features_shape
        )
    for name, shapes in features_shape.items():
        lacking = set(fusion.reads) - set(shapes if isinstance(shapes, dict) else ())
        if lacking:
            raise argument_error(
                f"The branch {name!r} lacks features that {type(fusion).__name__} needs: "
                f"{', '.join(sorted(lacking))}",
                expected,
                "Use a fusion of pooled features, such as 'gated'."
                if "sequence_output" in lacking
                else "",
                features_shape=shapes,
            )
    if len(features_shape) < fusion.min_branches:
        raise argument_error(
            f"{type(fusion).__name__} joins at least {fusion.min_branches} branches",
            "more branches",
            "Use 'concat', which takes any number.",
            branches=sorted(features_shape),
        )


def _check_widths(fusion):
    if fusion.one_width and len(set(fusion.widths.values())) > 1:
        raise argument_error(
            f"{type(fusion).__name__} needs branches of one width",
            "equal widths, or hidden_dim to project them to",
            "Pass hidden_dim=128.",
            widths=fusion.widths,
        )
