"""Words left out at random in training."""

import keras
from keras import ops

from fusionkeras._checks import check_rate


@keras.saving.register_keras_serializable("fusionkeras")
class WordDropout(keras.layers.Layer):
    """Replaces the ids of words in training; at inference nothing is replaced.

    Each word of a text is replaced with the probability `rate`, but never the last one that is
    left. Padding and special tokens stay.

    Args:
        rate: float in [0, 1), the probability.
        replacement: int, the id that stands in: of the unknown word, or of `[MASK]`.
        kept: list of int, the ids that are no words: padding and special tokens.
        seed: int or None, for the same draws in every training.
        name: str.
        **kwargs: `trainable` of a Keras layer.

    Call arguments:
        ids: int32 tensor `(batch, time)`.
        training: bool.

    Returns:
        int32 tensor `(batch, time)`.

    Example:
        >>> import numpy as np
        >>> ids = np.array([[5, 6, 7, 0], [5, 1, 0, 0]])
        >>> layer = WordDropout(0.99, replacement=1, kept=[0], seed=0)
        >>> dropped = np.asarray(layer(ids, training=True))
        >>> (dropped == 1).sum(axis=1).tolist(), dropped[1].tolist()
        ([2, 1], [5, 1, 0, 0])

    Reference:
        Bowman et al. 2016, "Generating sentences from a continuous space"
        (https://arxiv.org/abs/1511.06349), section 3.1.
        Differs from the paper: the words are those that an encoder reads, and one stays.
    """

    def __init__(self, rate, replacement, kept, seed=None, name="word_dropout", **kwargs):
        super().__init__(name=name, **kwargs)
        self.rate = check_rate("rate of dropped words", word_dropout=rate)
        self.replacement, self.kept, self.seed = replacement, list(kept), seed
        self.generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, ids, training=False):
        """Replaces, in training."""
        if not training or not self.rate:
            return ids
        words = ids != self.replacement
        for special in self.kept:
            words = ops.logical_and(words, ids != special)
        draws = keras.random.uniform(ops.shape(ids), seed=self.generator)
        draws = ops.where(words, draws, -1.0)
        largest = draws >= ops.max(draws, axis=1, keepdims=True)
        dropped = ops.logical_and(draws < self.rate, ops.logical_not(largest))
        return ops.where(ops.logical_and(words, dropped), self.replacement, ids)

    def compute_output_spec(self, ids, training=False):
        """What goes in comes out."""
        return keras.KerasTensor(ids.shape, ids.dtype)

    def get_config(self):
        """The constructor's arguments."""
        own = {"rate": self.rate, "replacement": self.replacement, "kept": self.kept}
        return {**super().get_config(), **own, "seed": self.seed}
