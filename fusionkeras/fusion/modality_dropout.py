"""Modalities left out at random in training."""

import keras
from keras import ops

from fusionkeras._checks import check_rate


@keras.saving.register_keras_serializable("fusionkeras")
class ModalityDropout(keras.layers.Layer):
    """Drops whole modalities, row by row, in training; at inference nothing is dropped.

    A branch that is present is dropped with the probability `rate`, but never the last one of a
    row. A dropped branch is an absent one: `present` and `padding_mask` are false and its features
    are 0, so a fusion learns what to do without it.

    Args:
        rate: float in [0, 1), the probability.
        seed: int or None, for the same drops in every training.

    Call arguments:
        features: dict of `{branch: {"present": (batch,) bool, ...}}`.
        training: bool.

    Returns:
        The same dict, with some branches absent.

    Example:
        >>> import numpy as np
        >>> there = np.ones(1000, bool)
        >>> kept = ModalityDropout(0.5, seed=0)(
        ...     {"image": {"present": there}, "text": {"present": there}}, training=True
        ... )
        >>> image, text = (np.asarray(kept[name]["present"]) for name in ("image", "text"))
        >>> bool(np.all(image | text)), bool(0.3 < np.mean(~image) < 0.45)
        (True, True)

    Reference:
        Neverova et al. 2016, "ModDrop: adaptive multi-modal gesture recognition"
        (https://arxiv.org/abs/1501.00102), section 4.2.
        Differs from the paper: the last modality of a row stays, so with two branches and rate
        `r` each is dropped in `r (1 - r / 2)` of the rows; and the fusion is told what is gone.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = check_rate("rate of dropped modalities", rate=rate)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, features, training=False):
        """Drops, in training."""
        if not training or not self.rate:
            return features
        names = sorted(features)
        present = ops.stack([features[name]["present"] for name in names], axis=1)
        kept = self._kept(present)
        return {name: _keep(features[name], kept[:, place]) for place, name in enumerate(names)}

    def compute_output_spec(self, features, training=False):
        """What goes in comes out."""
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, keras.backend.standardize_dtype(x.dtype)), features
        )

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

    def _kept(self, present):
        """Of each row what a draw keeps, and in any case the present one with the largest draw."""
        draws = keras.random.uniform(ops.shape(present), seed=self.generator)
        draws = ops.where(present, draws, -1.0)
        largest = draws >= ops.max(draws, axis=1, keepdims=True)
        return ops.logical_and(present, ops.logical_or(draws >= self.rate, largest))


def _keep(features, kept):
    def keep(value):
        there = ops.reshape(kept, (-1, *[1] * (len(value.shape) - 1)))
        return ops.where(there, value, ops.zeros_like(value))

    return {**{key: keep(value) for key, value in features.items()}, "present": kept}
