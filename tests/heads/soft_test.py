"""Shares of classes where a row has been mixed; ids as ever."""

import keras
import numpy as np
import pytest

from fusionkeras.heads import ClassificationHead, FocalLoss, LogitAdjustedLoss, MultilabelHead

SHARES = np.array([[0.7, 0.3, 0.0], [0.0, 0.0, 1.0]], "float32")
P = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], "float32")


def test_usual_loss_and_accuracy_of_shares():
    head = ClassificationHead(3)
    expected = -np.mean(np.sum(SHARES * np.log(P), axis=1))
    assert float(head.usual_loss()(SHARES, P)) == pytest.approx(expected, rel=1e-5)
    keras_own = keras.losses.SparseCategoricalCrossentropy()
    ids = np.array([0, 2])
    assert float(head.usual_loss()(ids, P)) == pytest.approx(float(keras_own(ids, P)), rel=1e-6)
    (metric,) = head.weighted_metrics()
    metric.update_state(SHARES, P)
    metric.update_state(np.array([1, 2]), P)
    assert float(metric.result()) == pytest.approx(3 / 4)


@pytest.mark.parametrize("make", [FocalLoss, lambda task: LogitAdjustedLoss([5, 3, 2], task)])
def test_losses_against_imbalance_are_linear_in_the_shares(make):
    loss = make("classification")
    parts = [float(loss(np.full(2, one), P[:1].repeat(2, 0))) for one in range(3)]
    found = float(loss(SHARES[:1], P[:1]))
    assert found == pytest.approx(np.dot(SHARES[0], parts), rel=1e-5)


@pytest.mark.parametrize("head", [ClassificationHead(2), MultilabelHead(2)])
def test_halves(head):
    metric = head.weighted_metrics()[0]
    width = head.units
    shares = np.array([[0.8, 0.2], [0.4, 0.9]], "float32")[:, :width]
    answers = np.array([[0.6, 0.3], [0.7, 0.9]], "float32")[:, :width]
    metric.update_state(shares[:, 0] if width == 1 else shares, answers)
    assert float(metric.result()) == pytest.approx(1 / 2 if width == 1 else 3 / 4)
    loss = FocalLoss(head.task)
    ones, zeros = np.ones_like(shares), np.zeros_like(shares)
    yes, no = float(loss(ones, answers)), float(loss(zeros, answers))
    assert float(loss(ones * 0.3, answers)) == pytest.approx(0.3 * yes + 0.7 * no, rel=1e-5)
