"""Where a score comes from: Grad-CAM, integrated gradients, occlusion."""

import numpy as np
import tensorflow as tf

# Of the integral. Behind LayerNorm a score changes most at once, so the first ones are small.
STEPS = 64
_POINTS = (np.arange(STEPS + 1) / STEPS) ** 2
# By how much a mean gradient may be stretched.
_STRETCH = 10.0


def grad_cam(score, grid):
    """The cells of a grid that speak for a class: `relu(sum_k a_k A_k)`.

    `a_k` is the mean over the cells of the gradient of the score by channel `k`, `A_k`.

    Args:
        score: function from grids `(batch, height, width, channels)` to scores `(batch,)`.
        grid: float `(1, height, width, channels)`.

    Returns:
        float32 `(height, width)`, none below 0.

    Reference:
        Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
        Localization" (https://arxiv.org/abs/1610.02391), equations 1 and 2. The score is the log
        odds of the class, where theirs is its logit, which differs where there are more than two.
    """
    with tf.GradientTape() as tape:
        tape.watch(grid)
        found = score(grid)
    weights = tf.reduce_mean(tape.gradient(found, grid), axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(tf.cast(weights * grid, tf.float32), axis=-1))
    return heat[0]


def integrated_gradients(score, x, baseline):
    """The share of each number in what the score is above that of a baseline.

    `(x - b) * integral_0^1 gradient(b + t (x - b)) dt`. The shares add up to `score(x) - score(b)`
    whatever the baseline is, by the fundamental theorem of calculus along the line from one to the
    other (the paper's completeness).

    The integral is a sum over 64 steps. In each the mean gradient is a mixture of those at its two
    ends, the one that gives the rise of the score in the step, where there is such a one. That is
    exact where one ReLU switches within the step; the trapezoidal rule always takes the halves.
    Where the rise is beyond both, as where a signed root is steepest between them, the nearer one
    is stretched to it, tenfold at most.

    Args:
        score: function from `(batch, ...)` to scores `(batch,)`.
        x: float `(1, ..., dim)`.
        baseline: like `x`.

    Returns:
        `(shares, below)`: float32 `(...)`, summed over the last axis, and `score(b)`, float32.

    Reference:
        Sundararajan, Taly, Yan 2017, "Axiomatic Attribution for Deep Networks"
        (https://arxiv.org/abs/1703.01365), equation 1 and proposition 1. Differs from the paper:
        it begins within the encoder, at the grid or at the vectors of words, and not at pixels.
    """
    spread = [-1] + [1] * (len(x.shape) - 1)
    path = baseline + tf.constant(np.reshape(_POINTS, spread), x.dtype) * (x - baseline)
    with tf.GradientTape() as tape:
        tape.watch(path)
        found = score(path)
    gradient = tf.cast(tape.gradient(found, path), tf.float32)
    direction = tf.cast(x - baseline, tf.float32)
    slopes = tf.reduce_sum(gradient * direction, axis=list(range(1, len(x.shape))))
    weights = tf.reshape(_weights(found, slopes), spread)
    mean = tf.reduce_sum(weights * gradient, axis=0)
    return tf.reduce_sum(mean * direction[0], axis=-1), found[0]


def _weights(found, slopes):
    """How much the gradient at each point counts, of scores and their slopes there."""
    lengths = tf.constant(np.diff(_POINTS), tf.float32)
    rises = (found[1:] - found[:-1]) / lengths
    mean, turn = (slopes[:-1] + slopes[1:]) / 2, slopes[:-1] - slopes[1:]
    # Where the slope hardly turns, halves will do, and rounding must not decide.
    least = 0.01 * tf.reduce_mean(tf.abs(slopes))
    share = tf.math.divide_no_nan(turn * (rises - mean), turn**2 + least**2)
    share = tf.clip_by_value(0.5 + share, 0.0, 1.0)
    mixed = share * slopes[:-1] + (1 - share) * slopes[1:]
    stretch = tf.where(tf.abs(mixed) > least, tf.math.divide_no_nan(rises, mixed), 1.0)
    lengths *= tf.clip_by_value(stretch, 0.0, _STRETCH)
    return tf.pad(share * lengths, [[0, 1]]) + tf.pad((1 - share) * lengths, [[1, 0]])


def occlusion(score, vectors, places):
    """By how much the score falls when a word is taken away: all its vectors become 0.

    Args:
        score: function from `(batch, time, dim)` to scores `(batch,)`.
        vectors: float `(1, time, dim)`.
        places: int32 `(time,)`, the word that each vector belongs to, below 0 for none.

    Returns:
        float32 `(time,)`, by word; 0 behind the last.

    Reference:
        Zeiler, Fergus 2014, "Visualizing and Understanding Convolutional Networks"
        (https://arxiv.org/abs/1311.2901), section 4.2, for words instead of squares of a picture.
    """
    words = tf.range(vectors.shape[1])
    gone = places[tf.newaxis, :] == words[:, tf.newaxis]
    without = tf.where(gone[:, :, tf.newaxis], tf.zeros_like(vectors), vectors)
    fall = score(vectors) - score(without)
    return tf.where(tf.reduce_any(gone, axis=1), fall, 0.0)
