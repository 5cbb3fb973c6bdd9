"""Latents that read all branches over and over."""

import keras
from keras import ops

from fusionkeras._checks import check_integer, check_rate
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.blocks import AttentionBlock
from fusionkeras.fusion.tokens import (
    clear_padding,
    in_every_row,
    learned_vectors,
    name_weights,
    token_embeddings,
    token_masks,
)


@keras.saving.register_keras_serializable("fusionkeras")
class Perceiver(Fusion):
    """A few learned latents attend to all tokens of all branches, then to each other.

    `z = S(C(z, t))`, `num_layers` times, each time with a cross-attending `C` and a self-attending
    `S` of its own, both pre-norm `AttentionBlock`s; `t` are the tokens with their embeddings, and
    `y = mean_k LN(z_k)` over the latents. Padding and absent branches are not looked at; where
    nothing is present, the learned vectors of all are. Its cost grows with the number of tokens,
    not with its square.

    Args:
        num_latents: int, the number of latents.
        num_layers: int, how often the latents read the tokens.
        num_heads: int, which divides the width.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they
            are, and they must be of one width.
        dropout: float in [0, 1), dropout inside the blocks.

    Call arguments:
        features: dict of `{branch: {"sequence_output": (batch, time, dim), "padding_mask":
            (batch, time) bool, "present": (batch,) bool}}`.
        return_attention: bool, whether to return the weights of the last reading as well.

    Returns:
        float tensor `(batch, hidden_dim)`; with `return_attention` also `{"latents_to_<branch>":
        float32 (batch, heads, num_latents, steps)}`, which sum to 1 over all branches together.

    Raises:
        ValueError: for a branch without sequences or with sequences of no fixed length, or heads
            that do not divide the width.

    Example:
        >>> import numpy as np
        >>> branch = {"sequence_output": np.ones((2, 3, 7)), "present": np.array([True, False])}
        >>> branch["padding_mask"] = np.array([[True, True, False], [False, False, False]])
        >>> Perceiver(hidden_dim=8)({"image": branch, "text": branch}).shape
        TensorShape([2, 8])

    Reference:
        Jaegle et al. 2021, "Perceiver: General Perception with Iterative Attention"
        (https://arxiv.org/abs/2103.03206), section 3.1 and figure 1: cross-attention and a latent
        transformer in turns, and a mean over the latents.
        Differs from the paper: learned positions for Fourier features; one block of
        self-attention a turn, and no weights shared between turns; a feed-forward net 4 times as
        wide as the latents.
    """

    reads = ("sequence_output", "padding_mask", "present")
    one_width = True

    def __init__(
        self, num_latents=8, num_layers=2, num_heads=4, hidden_dim=128, dropout=0.0, **kwargs
    ):
        super().__init__(hidden_dim, **kwargs)
        check_integer("number of latents", num_latents=num_latents)
        check_integer("number of layers", num_layers=num_layers)
        check_integer("number of heads", num_heads=num_heads)
        check_rate("dropout", dropout=dropout)
        self.num_latents, self.num_layers = num_latents, num_layers
        self.num_heads, self.dropout = num_heads, dropout

    def build(self, features_shape):
        """Makes the embeddings, the latents and the blocks."""
        super().build(features_shape)
        self.embeddings = token_embeddings(self, features_shape)
        width = next(iter(self.widths.values()))
        self.latents = learned_vectors(self, self.num_latents, width, "latents")
        self.readers, self.thinkers = [], []
        for layer in range(self.num_layers):
            self.readers.append(self._block(width, f"cross_{layer}", cross=True))
            self.thinkers.append(self._block(width, f"self_{layer}", cross=False))
        self.normalise = self.layer(keras.layers.LayerNormalization, (None, width), "normalise")

    def fuse(self, features):
        """Reads and thinks in turns, and means over the latents."""
        parts = {name: self.embeddings[name](clear_padding(x)) for name, x in features.items()}
        tokens = ops.concatenate(list(parts.values()), axis=1)
        mask = ops.concatenate(list(token_masks(features).values()), axis=1)
        latents = in_every_row(self.latents, tokens)
        all_latents = ops.ones_like(latents[..., 0], dtype="bool")
        for read, think in zip(self.readers, self.thinkers, strict=True):
            latents, weights = read(latents, tokens, mask)
            latents, _ = think(latents, latents, all_latents)
        fused = ops.mean(self.normalise(latents), axis=1)
        return fused, name_weights("latents", weights, parts)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_latents": self.num_latents,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
        }

    def _block(self, width, name, cross):
        options = {"num_heads": self.num_heads, "dropout": self.dropout, "cross": cross}
        return self.layer(AttentionBlock, (None, None, width), name, **options)
