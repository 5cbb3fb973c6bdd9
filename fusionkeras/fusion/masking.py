"""Means and softmaxes over what is present."""

from keras import ops


def stack(features):
    """The pooled outputs of all branches, `(batch, branches, dim)`."""
    return ops.stack([part["pooled_output"] for part in features.values()], axis=1)


def counted(features):
    """Which branches count in a row, bool `(batch, branches)`.

    Those that are present; all of them, with what stands in their place, where none is.
    """
    return all_where_none(ops.stack([part["present"] for part in features.values()], axis=1))


def all_where_none(mask):
    """A bool mask `(..., n)` that marks at least one: where it marks none, all of them."""
    nothing = ops.logical_not(ops.any(mask, axis=-1, keepdims=True))
    return ops.logical_or(mask, nothing)


def masked_mean(x, mask):
    """The mean of `(batch, n, dim)` over those that the mask `(batch, n)` marks, in float32."""
    weights = ops.cast(mask, "float32")[..., None]
    mean = ops.sum(ops.cast(x, "float32") * weights, axis=1) / ops.sum(weights, axis=1)
    return ops.cast(mean, x.dtype)


def masked_softmax(scores, mask, axis=-1):
    """A softmax over those that the mask marks, the others get exactly 0; in float32.

    The mask has the shape of the scores, or one that broadcasts to it.
    """
    # Not ops.softmax, which warns where there is but one branch.
    scores = ops.where(mask, ops.cast(scores, "float32"), -1e9)
    shares = ops.exp(scores - ops.stop_gradient(ops.max(scores, axis=axis, keepdims=True)))
    shares = ops.where(mask, shares, 0.0)
    return shares / ops.sum(shares, axis=axis, keepdims=True)
