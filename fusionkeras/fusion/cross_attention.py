"""Cross-attention: words look at regions, regions at words, or both."""

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_choice, check_integer, check_rate
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.blocks import AttentionBlock
from fusionkeras.fusion.masking import all_where_none, masked_mean
from fusionkeras.fusion.tokens import clear_padding, name_weights


@keras.saving.register_keras_serializable("fusionkeras")
class CrossAttention(Fusion):
    """The steps of one branch attend to those of others: `y = mean_t B(q, c)_t`.

    `B` is a post-norm `AttentionBlock`, `q` the steps of the query's branch, `c` those of its
    context laid end to end; the mean is over the steps of `q` that are no padding. With several
    queries their means are concatenated, sorted by name; with several layers the next one starts
    from what the last one gave, for contexts too that are queries themselves. An absent query is
    its learned vector, which attends; an absent context is not looked at, unless there is no
    other: then its learned vector is. A branch that is alone attends to itself.

    Args:
        query: str, the branch that attends; None lets every branch but `context` attend.
        context: str, the branch that is looked at; None is all branches other than the query.
        num_heads: int, which divides the width.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they
            are, and they must be of one width.
        dropout: float in [0, 1), dropout inside the blocks.
        num_layers: int, the number of blocks of each query, one after the other.

    Call arguments:
        features: dict of `{branch: {"sequence_output": (batch, time, dim), "padding_mask":
            (batch, time) bool, "present": (batch,) bool}}`.
        return_attention: bool, whether to return the weights of the last layer as well.

    Returns:
        float tensor `(batch, number of queries * hidden_dim)`; with `return_attention` also
        `{"<query>_to_<context>": float32 (batch, heads, steps of the query, of the context)}`,
        which sum to 1 over the steps of all contexts together.

    Raises:
        ValueError: for unknown branches, one that would not be read, a branch without sequences,
            or heads that do not divide the width.

    Example:
        >>> import numpy as np
        >>> branch = {"sequence_output": np.ones((2, 3, 7)), "present": np.array([True, False])}
        >>> branch["padding_mask"] = np.array([[True, True, False], [False, False, False]])
        >>> fusion = CrossAttention(query="text", context="image", hidden_dim=8)
        >>> fusion({"image": branch, "text": branch}).shape
        TensorShape([2, 8])

    Reference:
        Lu et al. 2019, "ViLBERT" (https://arxiv.org/abs/1908.02265), the co-attentional
        transformer layer of figure 2b: keys and values of each modality go to the other's block.
        Differs from the paper: a mean over the steps for the states of [IMG] and [CLS], which
        encoders of other kinds do not have; no self-attention in between, which is the encoders'
        business; any number of branches, and either direction by itself.
    """

    reads = ("sequence_output", "padding_mask", "present")
    one_width = True

    def __init__(
        self,
        query=None,
        context=None,
        num_heads=4,
        hidden_dim=128,
        dropout=0.0,
        num_layers=1,
        **kwargs,
    ):
        super().__init__(hidden_dim, **kwargs)
        check_integer("number of heads", num_heads=num_heads)
        check_rate("dropout", dropout=dropout)
        check_integer("number of layers", num_layers=num_layers)
        self.query, self.context = query, context
        self.num_heads, self.dropout, self.num_layers = num_heads, dropout, num_layers

    def build(self, features_shape):
        """Makes the blocks of every query."""
        super().build(features_shape)
        self._check_names()
        options = {"num_heads": self.num_heads, "dropout": self.dropout, "norm_first": False}
        self.blocks = {}
        for query in self._contexts(self.widths):
            for layer in range(self.num_layers):
                name, shape = f"{query}_{layer}", (None, None, self.widths[query])
                self.blocks[name] = self.layer(AttentionBlock, shape, f"{name}_block", **options)

    def fuse(self, features):
        """Lets each query attend, and means over its steps."""
        x = {name: clear_padding(part) for name, part in features.items()}
        masks = {name: part["padding_mask"] for name, part in features.items()}
        contexts = self._contexts(features)
        for layer in range(self.num_layers):
            before, attention = dict(x), {}
            for query, names in contexts.items():
                seen = ops.concatenate([before[name] for name in names], axis=1)
                mask = ops.concatenate([masks[name] for name in names], axis=1)
                block = self.blocks[f"{query}_{layer}"]
                x[query], weights = block(before[query], seen, mask)
                attention |= name_weights(query, weights, {name: before[name] for name in names})
        means = [masked_mean(x[query], all_where_none(masks[query])) for query in contexts]
        return ops.concatenate(means, axis=-1), attention

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "query": self.query,
            "context": self.context,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "num_layers": self.num_layers,
        }

    def _contexts(self, names):
        """What each query looks at, `{query: [branch, ...]}`."""
        queries = [name for name in names if name != self.context] or list(names)
        queries = queries if self.query is None else [self.query]
        if self.context is not None:
            return {query: [self.context] for query in queries}
        return {query: [name for name in names if name != query] or [query] for query in queries}

    def _check_names(self):
        names = list(self.widths)
        if self.query is not None:
            check_choice("branch for the query", names, query=self.query)
        if self.context is not None:
            check_choice("branch for the context", names, context=self.context)
        contexts = self._contexts(names)
        unread = set(names) - set(contexts) - {name for seen in contexts.values() for name in seen}
        if unread:
            raise argument_error(
                f"CrossAttention would read nothing of the branches {sorted(unread)}",
                "every branch as the query or in its context",
                "Leave context out: the query then attends to all other branches.",
                query=self.query,
                context=self.context,
            )
