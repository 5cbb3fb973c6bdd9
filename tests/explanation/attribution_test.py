"""The methods on functions whose answers can be worked out by hand."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from fusionkeras.explanation.attribution import grad_cam, integrated_gradients, occlusion
from fusionkeras.explanation.shapley import shapley_weights, subsets


def test_grad_cam_by_hand():
    grid = tf.constant([[[[1.0, 1.0], [2.0, 0.0]], [[0.0, 3.0], [4.0, 1.0]]]])

    def score(grid):  # 8 times the mean of the first channel, less 4 times that of the second
        return tf.reduce_sum(2 * grid[..., 0] - grid[..., 1], axis=(1, 2))

    assert grad_cam(score, grid).numpy().tolist() == [[1, 4], [0, 7]]


def test_integrated_gradients_of_a_linear_score_are_its_terms():
    x, below = tf.constant([[[1.0, 2.0], [3.0, 4.0]]]), tf.constant([[[0.0, 1.0], [0.0, 1.0]]])
    weights = tf.constant([[1.0, 10.0], [100.0, 1000.0]])
    shares, without = integrated_gradients(
        lambda x: tf.reduce_sum(weights * x, axis=(1, 2)), x, below
    )
    np.testing.assert_allclose(shares, [1 + 10, 300 + 3000], rtol=1e-6)
    assert float(without) == pytest.approx(1010)


def test_integrated_gradients_add_up():
    random = np.random.default_rng(0)
    x, below = (tf.constant(random.normal(size=(1, 5, 3)), tf.float32) for _ in range(2))
    layers = [tf.constant(random.normal(size=shape), tf.float32) for shape in ((15, 20), (20, 1))]

    def score(x):
        hidden = tf.nn.relu(tf.reshape(x, (-1, 15)) @ layers[0])
        return tf.tanh(hidden @ layers[1] / 5)[:, 0]

    shares, without = integrated_gradients(score, x, below)
    difference = float(score(x)[0] - score(below)[0])
    assert abs(float(tf.reduce_sum(shares)) - difference) < 0.01 * abs(difference)
    assert float(without) == pytest.approx(float(score(below)[0]), abs=1e-6)


def test_occlusion_takes_all_pieces_of_a_word_at_once():
    vectors = tf.constant([[[1.0], [2.0], [3.0], [5.0], [7.0]]])
    places = tf.constant([-1, 0, 0, 1, -1])  # two pieces, then one; the ends are no words
    weights = occlusion(lambda x: tf.reduce_sum(x[..., 0], axis=1) ** 2, vectors, places)
    assert weights.numpy().tolist() == [18**2 - 13**2, 18**2 - 13**2, 0, 0, 0]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_shapley_values_are_the_mean_over_all_orders(count):
    values = np.random.default_rng(count).normal(size=2**count)
    value_of = {tuple(there): v for there, v in zip(subsets(count).tolist(), values, strict=True)}
    expected = np.zeros(count)
    for order in itertools.permutations(range(count)):
        there = [False] * count
        for branch in order:
            before = value_of[tuple(there)]
            there[branch] = True
            expected[branch] += value_of[tuple(there)] - before
    found = shapley_weights(count) @ values
    np.testing.assert_allclose(found, expected / math.factorial(count), atol=1e-12)
    np.testing.assert_allclose(found.sum(), values[-1] - values[0], atol=1e-12)
