"""Attention bottlenecks: branches that exchange through a few tokens only."""

import keras
from keras import ops

from fusionkeras._checks import check_integer, check_rate
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.blocks import AttentionBlock
from fusionkeras.fusion.masking import counted, masked_mean
from fusionkeras.fusion.tokens import (
    clear_padding,
    in_every_row,
    learned_vectors,
    name_weights,
    token_embeddings,
    token_masks,
)


@keras.saving.register_keras_serializable("fusionkeras")
class Bottleneck(Fusion):
    """Each branch attends to itself and to a few bottleneck tokens, which all branches share.

    In every layer `[z_i; b_i] = B_i([z_i; b])` for each branch `i`, with a pre-norm
    `AttentionBlock` of its own, and `b = mean_i b_i` over the branches that are present. `z_i`
    begins as a learned summary token and the steps of the branch with their embeddings, `b` as
    learned vectors. `y = mean_i LN(z_i0)`, the mean of the summary tokens of what is present. Where
    nothing is present, all count, with their learned vectors.

    Args:
        num_bottlenecks: int, the number of bottleneck tokens.
        num_layers: int of at least 2: what the bottlenecks gather in one layer is read in the
            next.
        num_heads: int, which divides the width.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they
            are, and they must be of one width.
        dropout: float in [0, 1), dropout inside the blocks.

    Call arguments:
        features: dict of `{branch: {"sequence_output": (batch, time, dim), "padding_mask":
            (batch, time) bool, "present": (batch,) bool}}`.
        return_attention: bool, whether to return the weights of the last layer as well.

    Returns:
        float tensor `(batch, hidden_dim)`; with `return_attention` also, for every branch,
        `"<branch>_summary_to_<branch>"` `(batch, heads, steps)`, `"<branch>_summary_to_itself"`
        `(batch, heads, 1)` and `"<branch>_summary_to_bottlenecks"` `(batch, heads,
        num_bottlenecks)`, float32, which sum to 1 together.

    Raises:
        ValueError: for a branch without sequences or with sequences of no fixed length, or heads
            that do not divide the width.

    Example:
        >>> import numpy as np
        >>> branch = {"sequence_output": np.ones((2, 3, 7)), "present": np.array([True, False])}
        >>> branch["padding_mask"] = np.array([[True, True, False], [False, False, False]])
        >>> Bottleneck(hidden_dim=8)({"image": branch, "text": branch}).shape
        TensorShape([2, 8])

    Reference:
        Nagrani et al. 2021, "Attention Bottlenecks for Multimodal Fusion"
        (https://arxiv.org/abs/2107.00135), section 3.2, "fusion via attention bottlenecks":
        `[z_i^(l+1) || zhat_fsn_i^(l+1)] = Transformer([z_i^l || z_fsn^l]; theta_i)`,
        `z_fsn^(l+1) = Avg_i(zhat_fsn_i^(l+1))`. The paper averages the logits of the modalities'
        class tokens, which the mean `y` amounts to ahead of a linear head.
        Differs from the paper: it exchanges in every layer; those ahead of the paper's fusion
        layer are the encoders. Means are over what is present.
    """

    reads = ("sequence_output", "padding_mask", "present")
    one_width = True

    def __init__(
        self,
        num_bottlenecks=4,
        num_layers=2,
        num_heads=4,
        hidden_dim=128,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(hidden_dim, **kwargs)
        check_integer("number of bottleneck tokens", num_bottlenecks=num_bottlenecks)
        check_integer("number of layers", 2, num_layers=num_layers)
        check_integer("number of heads", num_heads=num_heads)
        check_rate("dropout", dropout=dropout)
        self.num_bottlenecks, self.num_layers = num_bottlenecks, num_layers
        self.num_heads, self.dropout = num_heads, dropout

    def build(self, features_shape):
        """Makes the learned tokens, the embeddings, and the blocks of every branch."""
        super().build(features_shape)
        self.embeddings = token_embeddings(self, features_shape)
        options = {"num_heads": self.num_heads, "dropout": self.dropout}
        self.blocks, self.summaries = {}, {}
        for name, width in self.widths.items():
            self.summaries[name] = learned_vectors(self, 1, width, f"{name}_summary")
            for layer in range(self.num_layers):
                own, shape = f"{name}_{layer}", (None, None, width)
                self.blocks[own] = self.layer(AttentionBlock, shape, f"{own}_block", **options)
        self.bottlenecks = learned_vectors(self, self.num_bottlenecks, width, "bottlenecks")
        self.normalise = self.layer(keras.layers.LayerNormalization, (None, width), "normalise")

    def fuse(self, features):
        """Exchanges through the bottlenecks, and means over the summary tokens."""
        masks, counts, states = self._masks(features), counted(features), {}
        for name, part in features.items():
            x = self.embeddings[name](clear_padding(part))
            summary = in_every_row(self.summaries[name], x)
            states[name] = ops.concatenate([summary, x], axis=1)
        bottlenecks = in_every_row(self.bottlenecks, x)
        for layer in range(self.num_layers - 1):
            states, bottlenecks = self._exchange(layer, states, bottlenecks, masks, counts)
        summaries, attention = [], {}
        for name, state in states.items():
            tokens = ops.concatenate([state, bottlenecks], axis=1)
            block = self.blocks[f"{name}_{self.num_layers - 1}"]
            summary, weights = block(tokens[:, :1], tokens, masks[name])
            summaries.append(self.normalise(summary[:, 0]))
            keys = {"itself": summary, name: state[:, 1:], "bottlenecks": bottlenecks}
            attention |= name_weights(f"{name}_summary", weights[:, :, 0], keys)
        return masked_mean(ops.stack(summaries, axis=1), counts), attention

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_bottlenecks": self.num_bottlenecks,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
        }

    def _masks(self, features):
        """Masks of what each branch looks at: its summary token, its steps, the bottlenecks."""
        masks = {}
        for name, mask in token_masks(features).items():
            seen = ops.ones_like(mask[:, :1])
            masks[name] = ops.concatenate([seen, mask, *[seen] * self.num_bottlenecks], axis=1)
        return masks

    def _exchange(self, layer, states, bottlenecks, masks, counts):
        """One layer: new states of all branches, and the mean of their bottlenecks."""
        after, gathered, count = {}, [], self.num_bottlenecks
        for name, state in states.items():
            tokens = ops.concatenate([state, bottlenecks], axis=1)
            tokens, _ = self.blocks[f"{name}_{layer}"](tokens, tokens, masks[name])
            after[name] = tokens[:, :-count]
            gathered.append(ops.reshape(tokens[:, -count:], (-1, count * tokens.shape[-1])))
        mean = masked_mean(ops.stack(gathered, axis=1), counts)
        return after, ops.reshape(mean, (-1, count, tokens.shape[-1]))
