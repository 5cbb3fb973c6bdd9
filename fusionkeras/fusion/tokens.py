"""Sequences of several branches as tokens: embedded, masked, and told apart again."""

import keras
from keras import ops

from fusionkeras._checks import argument_error
from fusionkeras.fusion.masking import counted

# What is looked at besides branches.
RESERVED = ("itself", "bottlenecks")


@keras.saving.register_keras_serializable("fusionkeras")
class TokenEmbedding(keras.layers.Layer):
    """Adds what tells a token's branch and its place in it: `y_t = x_t + m + p_t`.

    Call arguments:
        x: float tensor `(batch, time, dim)`, with at most as many steps as it was built for.

    Returns:
        float tensor `(batch, time, dim)`.

    Example:
        >>> import numpy as np
        >>> TokenEmbedding()(np.ones((2, 3, 4), "float32")).shape
        TensorShape([2, 3, 4])
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, x_shape):
        """Makes the vector of the modality and those of the positions."""
        steps, width = x_shape[1:]
        self.modality = learned_vectors(self, 1, width, "modality")
        self.positions = learned_vectors(self, steps, width, "positions")
        self.built = True

    def call(self, x):
        """Adds both."""
        vectors = self.modality + self.positions[: ops.shape(x)[1]]
        return x + ops.cast(vectors, x.dtype)


def learned_vectors(layer, number, width, name):
    """Makes a weight `(number, width)` of a layer that begins small, as in BERT."""
    # A new initializer each time: one that is used twice gives the same numbers twice.
    small = keras.initializers.TruncatedNormal(stddev=0.02)
    return layer.add_weight(shape=(number, width), initializer=small, name=name)


def token_embeddings(fusion, features_shape):
    """Makes a `TokenEmbedding` for every branch of a fusion, a dict by name.

    Raises:
        ValueError: for a sequence whose length is not known, or a branch that is called as what
            its attention tells apart from the branches.
    """
    embeddings = {}
    for name, width in fusion.widths.items():
        if name in RESERVED:
            raise argument_error(
                f"{type(fusion).__name__} cannot tell a branch {name!r} from tokens of its own",
                f"another name than {' and '.join(map(repr, RESERVED))}",
                branches=sorted(fusion.widths),
            )
        steps = features_shape[name]["sequence_output"][1]
        if steps is None:
            raise argument_error(
                f"The sequences of the branch {name!r} have no fixed length, and "
                f"{type(fusion).__name__} learns a vector for every position",
                "'sequence_output' of (batch, time, dim) with a known time",
                "Fix the length, or use 'cross_attention', which needs no positions.",
                sequence_output=features_shape[name]["sequence_output"],
            )
        embeddings[name] = fusion.layer(TokenEmbedding, (None, steps, width), f"{name}_embedding")
    return embeddings


def clear_padding(part):
    """The sequence of a branch, zero where it is padding, but for the vectors of absence."""
    # What is masked gets the weight 0, and 0 times what is not finite would not be 0.
    kept = ops.logical_or(part["padding_mask"], ops.logical_not(part["present"])[:, None])
    x = part["sequence_output"]
    return ops.where(kept[..., None], x, ops.zeros_like(x))


def token_masks(features):
    """Which tokens are looked at, `{branch: (batch, time) bool}`.

    Those of present branches that are no padding; all of them where no branch is present.
    """
    counts, masks = counted(features), {}
    for place, (name, part) in enumerate(features.items()):
        stands_in = ops.logical_and(counts[:, place], ops.logical_not(part["present"]))
        masks[name] = ops.logical_or(part["padding_mask"], stands_in[:, None])
    return masks


def in_every_row(vectors, like):
    """Repeats learned vectors `(n, dim)`, `(batch, n, dim)` in the dtype of `like`."""
    rows = (ops.shape(like)[0], *vectors.shape)
    return ops.broadcast_to(ops.cast(vectors, like.dtype)[None], rows)


def name_weights(queries, weights, keys):
    """Cuts attention weights by what is looked at.

    Args:
        queries: str, the name of what looks.
        weights: float tensor `(..., all keys)`.
        keys: dict of `{name: (batch, number of keys, ...)}`, in the order of the weights.

    Returns:
        dict of `{"<queries>_to_<name>": (..., number of keys)}`.
    """
    named, start = {}, 0
    for name, part in keys.items():
        stop = start + ops.shape(part)[1]
        named[f"{queries}_to_{name}"] = weights[..., start:stop]
        start = stop
    return named
