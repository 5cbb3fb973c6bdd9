"""Multimodal compact bilinear pooling."""

import keras
from keras import ops

from fusionkeras._checks import check_integer
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.products import signed_root_of_unit_length


@keras.saving.register_keras_serializable("fusionkeras")
class CompactBilinear(Fusion):
    """A random sketch of the tensor fusion, made without making the tensor.

    Each `[x_i; 1]` is count-sketched: number `k` is added to the place `hash_i(k)` of `sketch_dim`
    with the sign `sign_i(k)`. The sketch of the outer product is the circular convolution of the
    sketches, `s = irfft(prod_i rfft(sketch_i))`; then `z = sign(s) sqrt(|s|)` and `y = z / |z|`.
    An absent branch enters with its learned vector.

    Args:
        sketch_dim: int, the width of the output.
        seed: int of at least 0, from which hashes and signs are drawn; they are saved.
        hidden_dim: int, the width to which each branch is projected; None leaves them as they are.

    Call arguments:
        features: dict of `{branch: {"pooled_output": (batch, dim), "present": (batch,) bool}}`.

    Returns:
        float tensor `(batch, sketch_dim)`, rows of length 1.

    Example:
        >>> import numpy as np
        >>> branch = {"pooled_output": np.ones((2, 7)), "present": np.array([True, False])}
        >>> fused = CompactBilinear(sketch_dim=16)({"image": branch, "text": branch})
        >>> np.linalg.norm(fused, axis=1).round(3).tolist()
        [1.0, 1.0]

    Reference:
        Fukui et al. 2016, "Multimodal Compact Bilinear Pooling for Visual Question Answering and
        Visual Grounding" (https://arxiv.org/abs/1606.01847), algorithm 1, and the signed square
        root and l2 normalisation that follow it there.
        Differs from the paper: any number of branches; a 1 is appended to each, as in tensor
        fusion, so that an absent branch, whose learned vector begins with zeros, lets the others
        through; the square root is smooth around 0, `s / sqrt(|s| + 0.01)` for an `s` of
        root mean square 1.
    """

    def __init__(self, sketch_dim=1024, seed=0, hidden_dim=128, **kwargs):
        super().__init__(hidden_dim, **kwargs)
        check_integer("width of the sketch", sketch_dim=sketch_dim)
        check_integer("seed", minimum=0, seed=seed)
        self.sketch_dim = sketch_dim
        self.seed = seed

    def build(self, features_shape):
        """Draws the hashes and signs of each branch, another pair for each."""
        super().build(features_shape)
        self.hashes, self.signs = {}, {}
        for place, (name, width) in enumerate(self.widths.items()):
            seed = 1000 * self.seed + 2 * place
            options = {"shape": (width + 1,), "trainable": False, "autocast": False}
            self.hashes[name] = self.add_weight(
                name=f"hash_{name}",
                dtype="int32",
                initializer=_hash(self.sketch_dim, seed),
                **options,
            )
            self.signs[name] = self.add_weight(
                name=f"sign_{name}", dtype="float32", initializer=_sign(seed + 1), **options
            )

    def fuse(self, features):
        """Sketches each branch and multiplies the transforms; all in float32."""
        real, imaginary = None, None
        for name, part in features.items():
            a, b = ops.rfft(self._sketch(name, ops.cast(part["pooled_output"], "float32")))
            if real is None:
                real, imaginary = a, b
            else:
                real, imaginary = real * a - imaginary * b, real * b + imaginary * a
        sketch = ops.irfft((real, imaginary), fft_length=self.sketch_dim)
        return ops.cast(signed_root_of_unit_length(sketch), self.compute_dtype)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "sketch_dim": self.sketch_dim, "seed": self.seed}

    def _sketch(self, name, x):
        """The count sketch of `[x; 1]`, `(batch, sketch_dim)`."""
        x = ops.concatenate([x, ops.ones_like(x[:, :1])], axis=-1) * self.signs[name]
        sums = ops.segment_sum(ops.transpose(x), self.hashes[name], num_segments=self.sketch_dim)
        return ops.transpose(sums)


def _hash(size, seed):
    """An initializer that draws places below a size."""
    return lambda shape, dtype: keras.random.randint(shape, 0, size, dtype=dtype, seed=seed)


def _sign(seed):
    """An initializer that draws -1 and 1."""

    def draw(shape, dtype):
        return ops.cast(2 * keras.random.randint(shape, 0, 2, seed=seed) - 1, dtype)

    return draw
