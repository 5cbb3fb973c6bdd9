"""The block that all fusions by attention are made of."""

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_integer, check_rate
from fusionkeras.fusion.masking import all_where_none, masked_softmax


@keras.saving.register_keras_serializable("fusionkeras")
class AttentionBlock(keras.layers.Layer):
    """Multi-head attention and a feed-forward net, each with a residual: a transformer's layer.

    Pre-norm: `z = x + A(LN(x), LN(c))`, `y = z + F(LN(z))`; post-norm: `z = LN(x + A(x, c))`,
    `y = LN(z + F(z))`. `x` are the queries and `c` what they attend to; `F(z) = W_2 gelu(W_1 z +
    b_1) + b_2`; `A` joins the heads `softmax(q k^T / sqrt(d)) v` by a last dense layer. The
    softmax is taken over the steps that the mask marks, in float32; where it marks none, over all.

    Args:
        num_heads: int, which divides the width.
        feedforward_dim: int, the width inside `F`; None is 4 times the width.
        dropout: float in [0, 1), dropout ahead of both residuals.
        norm_first: bool, pre-norm or post-norm.
        cross: bool, whether the context is of another kind than the queries; pre-norm then
            normalises it by a layer of its own.

    Call arguments:
        queries: float tensor `(batch, n, width)`.
        context: float tensor `(batch, m, width)`, the queries themselves for self-attention.
        mask: bool tensor `(batch, m)`, which steps of the context are looked at.

    Returns:
        The pair of a float tensor `(batch, n, width)` and the weights, float32 `(batch, num_heads,
        n, m)`, which sum to 1 over the context and are exactly 0 where it is masked.

    Raises:
        ValueError: for wrong numbers, or heads that do not divide the width.

    Example:
        >>> import numpy as np
        >>> x, mask = np.ones((1, 2, 4), "float32"), np.array([[True, False]])
        >>> y, weights = AttentionBlock(num_heads=2)(x, x, mask)
        >>> y.shape, weights[0, 0].numpy().tolist()
        (TensorShape([1, 2, 4]), [[1.0, 0.0], [1.0, 0.0]])

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need" (https://arxiv.org/abs/1706.03762),
        equations 1 and 2, and section 3.2.2. Pre-norm: Xiong et al. 2020
        (https://arxiv.org/abs/2002.04745).
        Differs from the paper: gelu, as in BERT, for relu in equation 2; biases in the
        projections of the heads.
    """

    def __init__(
        self,
        num_heads=4,
        feedforward_dim=None,
        dropout=0.0,
        norm_first=True,
        cross=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_integer("number of heads", num_heads=num_heads)
        if feedforward_dim is not None:
            check_integer("width of the feed-forward net", feedforward_dim=feedforward_dim)
        check_rate("dropout", dropout=dropout)
        self.num_heads, self.feedforward_dim, self.dropout = num_heads, feedforward_dim, dropout
        self.norm_first, self.cross = norm_first, cross
        self.supports_masking = True

    def build(self, queries_shape):
        """Makes the layers, for queries and context of one width."""
        width = queries_shape[-1]
        if width % self.num_heads:
            raise argument_error(
                "The heads do not divide the width evenly",
                f"num_heads that divides {width}",
                "Change hidden_dim or num_heads.",
                num_heads=self.num_heads,
            )
        self.query = self._dense(width, width, "query")
        self.key = self._dense(width, width, "key")
        self.value = self._dense(width, width, "value")
        self.join = self._dense(width, width, "join")
        inner = self.feedforward_dim or 4 * width
        self.expand = self._dense(inner, width, "expand", activation="gelu")
        self.contract = self._dense(width, inner, "contract")
        self.attention_norm = self._norm(width, "attention_norm")
        self.feedforward_norm = self._norm(width, "feedforward_norm")
        if self.cross and self.norm_first:
            self.context_norm = self._norm(width, "context_norm")
        self.drop = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy, name="drop")
        self.built = True

    def call(self, queries, context, mask):
        """Attends, and feeds forward."""
        if self.norm_first:
            normalise = self.context_norm if self.cross else self.attention_norm
            seen, weights = self._attend(self.attention_norm(queries), normalise(context), mask)
            x = queries + self.drop(seen)
            return x + self._feed_forward(self.feedforward_norm(x)), weights
        seen, weights = self._attend(queries, context, mask)
        x = self.attention_norm(queries + self.drop(seen))
        return self.feedforward_norm(x + self._feed_forward(x)), weights

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "feedforward_dim": self.feedforward_dim,
            "dropout": self.dropout,
            "norm_first": self.norm_first,
            "cross": self.cross,
        }

    def _attend(self, queries, context, mask):
        q = self._heads(self.query(queries))
        k, v = self._heads(self.key(context)), self._heads(self.value(context))
        # Scaled ahead of the product, which could overflow in float16.
        q = q * q.shape[-1] ** -0.5
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2)))
        weights = masked_softmax(scores, all_where_none(mask)[:, None, None, :])
        seen = ops.transpose(ops.matmul(ops.cast(weights, v.dtype), v), (0, 2, 1, 3))
        steps = ops.shape(queries)[1]
        return self.join(ops.reshape(seen, (-1, steps, queries.shape[-1]))), weights

    def _heads(self, x):
        """From `(batch, n, width)` to `(batch, heads, n, width / heads)`."""
        split = (-1, ops.shape(x)[1], self.num_heads, x.shape[-1] // self.num_heads)
        return ops.transpose(ops.reshape(x, split), (0, 2, 1, 3))

    def _feed_forward(self, x):
        return self.drop(self.contract(self.expand(x)))

    def _dense(self, units, width, name, activation=None):
        layer = keras.layers.Dense(units, activation, dtype=self.dtype_policy, name=name)
        layer.build((None, None, width))
        return layer

    def _norm(self, width, name):
        layer = keras.layers.LayerNormalization(dtype=self.dtype_policy, name=name)
        layer.build((None, None, width))
        return layer
