"""One transformer over the tokens of all branches."""

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
class TransformerFusion(Fusion):
    """All tokens of all branches attend to each other, and a summary token to all of them.

    `z = [s; x_1 + m_1 + p_1; x_2 + m_2 + p_2; ...]` with a learned summary token `s`, and for each
    branch a vector `m_i` and one for every position `p_i`; then `num_layers` pre-norm
    `AttentionBlock`s, and `y = LN(z_0)`. Padding and absent branches are not looked at; where
    nothing is present, the learned vectors of all are.

    Args:
        num_layers: int, the number of blocks.
        num_heads: int, which divides the width.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they
            are, and they must be of one width.
        dropout: float in [0, 1), dropout inside the blocks.

    Call arguments:
        features: dict of `{branch: {"sequence_output": (batch, time, dim), "padding_mask":
            (batch, time) bool, "present": (batch,) bool}}`.
        return_attention: bool, whether to return the weights of the last layer as well.

    Returns:
        float tensor `(batch, hidden_dim)`; with `return_attention` also `{"summary_to_<branch>":
        float32 (batch, heads, steps)}` and `"summary_to_itself"` `(batch, heads, 1)`, which sum
        to 1 together.

    Raises:
        ValueError: for a branch without sequences or with sequences of no fixed length, or heads
            that do not divide the width.

    Example:
        >>> import numpy as np
        >>> branch = {"sequence_output": np.ones((2, 3, 7)), "present": np.array([True, False])}
        >>> branch["padding_mask"] = np.array([[True, True, False], [False, False, False]])
        >>> TransformerFusion(hidden_dim=8)({"image": branch, "text": branch}).shape
        TensorShape([2, 8])

    Reference:
        Kim et al. 2021, "ViLT" (https://arxiv.org/abs/2102.03334), equations 1 to 5: tokens with
        position and modal-type embeddings in one stream of pre-norm blocks.
        Differs from the paper: one summary token for a class token of each modality; no tanh
        layer behind it (equation 6), which is the head's business; the tokens come from encoders.
    """

    reads = ("sequence_output", "padding_mask", "present")
    one_width = True

    def __init__(self, num_layers=2, num_heads=4, hidden_dim=128, dropout=0.0, **kwargs):
        super().__init__(hidden_dim, **kwargs)
        check_integer("number of layers", num_layers=num_layers)
        check_integer("number of heads", num_heads=num_heads)
        check_rate("dropout", dropout=dropout)
        self.num_layers, self.num_heads, self.dropout = num_layers, num_heads, dropout

    def build(self, features_shape):
        """Makes the embeddings, the summary token and the blocks."""
        super().build(features_shape)
        self.embeddings = token_embeddings(self, features_shape)
        width = next(iter(self.widths.values()))
        self.summary = learned_vectors(self, 1, width, "summary")
        options = {"num_heads": self.num_heads, "dropout": self.dropout}
        self.blocks = [
            self.layer(AttentionBlock, (None, None, width), f"block_{layer}", **options)
            for layer in range(self.num_layers)
        ]
        self.normalise = self.layer(keras.layers.LayerNormalization, (None, width), "normalise")

    def fuse(self, features):
        """Runs the blocks, the last one for the summary token alone."""
        parts = {name: self.embeddings[name](clear_padding(x)) for name, x in features.items()}
        masks = list(token_masks(features).values())
        parts = {"itself": in_every_row(self.summary, next(iter(parts.values()))), **parts}
        tokens = ops.concatenate(list(parts.values()), axis=1)
        mask = ops.concatenate([ops.ones_like(masks[0][:, :1]), *masks], axis=1)
        for block in self.blocks[:-1]:
            tokens, _ = block(tokens, tokens, mask)
        summary, weights = self.blocks[-1](tokens[:, :1], tokens, mask)
        return self.normalise(summary[:, 0]), name_weights("summary", weights[:, :, 0], parts)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
        }
