"""Where a score comes from: Grad-CAM, integrated gradients, occlusion."""

import numpy as np
import tensorflow as tf

# Of the integral. Gauss and Legendre's points are exact for polynomials of twice the degree.
STEPS = 32


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

    `(x - b) * integral_0^1 gradient(b + t (x - b)) dt`, by 32 points of Gauss and Legendre. The
    shares add up to `score(x) - score(b)` whatever the baseline is, by the fundamental theorem of
    calculus along the line from one to the other (the paper's completeness).

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
    points, weights = np.polynomial.legendre.leggauss(STEPS)
    points, weights = [0, *((points + 1) / 2)], [0, *(weights / 2)]  # first the baseline itself
    spread = [-1] + [1] * (len(x.shape) - 1)
    path = baseline + tf.constant(np.reshape(points, spread), x.dtype) * (x - baseline)
    with tf.GradientTape() as tape:
        tape.watch(path)
        found = score(path)
    gradient = tf.cast(tape.gradient(found, path), tf.float32)
    mean = tf.reduce_sum(tf.constant(np.reshape(weights, spread), tf.float32) * gradient, axis=0)
    return tf.reduce_sum(mean * tf.cast(x - baseline, tf.float32)[0], axis=-1), found[0]


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
