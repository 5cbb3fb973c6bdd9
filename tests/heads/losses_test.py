"""Each loss against its formula, written in NumPy from logits as the papers have it."""

import json

import keras
import numpy as np
import pytest

from fusionkeras.heads import (
    ClassificationHead,
    FocalLoss,
    LogitAdjustedLoss,
    MultilabelHead,
    OrdinalHead,
    OrdinalLoss,
    StandardisedLoss,
)

ROWS, CLASSES = 40, 4
RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 2, (ROWS, CLASSES))
IDS = RANDOM.integers(0, CLASSES, ROWS)
APPLY = RANDOM.integers(0, 2, (ROWS, CLASSES)).astype("float32")
WEIGHTS = RANDOM.uniform(0, 2, ROWS)
COUNTS = [50.0, 10.0, 5.0, 35.0]
SHARES = [0.5, 0.1, 0.05, 0.9]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def falling(rows=ROWS):
    """Logits of `rank > k`: one score a row, biases that fall."""
    return LOGITS[:rows, :1] + np.array([1.0, 0.2, -2.0])


def truth_of(p, truth):
    return np.where(truth, p, 1 - p)


def value(loss, labels, outputs, weights=None):
    return float(loss(labels, outputs.astype("float32"), sample_weight=weights))


def mean(losses, weights=None):
    return np.mean(losses if weights is None else losses * weights)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("gamma", [0, 0.5, 2.0])
def test_focal(gamma, weights):
    def focal(p):
        return -((1 - p) ** gamma) * np.log(p)

    p = softmax(LOGITS)
    expected = mean(focal(p[np.arange(ROWS), IDS]), weights)
    got = value(FocalLoss(gamma=gamma), IDS, p, weights)
    assert got == pytest.approx(expected, rel=1e-5)

    p, truth = sigmoid(LOGITS[:, :1]), IDS[:, None] > 1
    expected = mean(focal(truth_of(p, truth))[:, 0], weights)
    assert value(FocalLoss(gamma=gamma), truth[:, 0], p, weights) == pytest.approx(
        expected, rel=1e-5
    )

    p = sigmoid(LOGITS)
    expected = mean(focal(truth_of(p, APPLY > 0)).mean(axis=-1), weights)
    got = value(FocalLoss("multilabel", gamma), APPLY, p, weights)
    assert got == pytest.approx(expected, rel=1e-5)

    p = sigmoid(falling())
    expected = mean(focal(truth_of(p, IDS[:, None] > np.arange(3))).sum(axis=-1), weights)
    assert value(FocalLoss("ordinal", gamma), IDS, p, weights) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("tau", [0, 0.5, 1.0])
def test_logit_adjustment(tau):
    shares = np.array(COUNTS) / sum(COUNTS)
    p = softmax(LOGITS + tau * np.log(shares))  # equation 10
    expected = mean(-np.log(p[np.arange(ROWS), IDS]))
    loss = LogitAdjustedLoss(COUNTS, tau=tau)
    assert value(loss, IDS, softmax(LOGITS)) == pytest.approx(expected, rel=1e-5)

    logits = np.stack([np.zeros(ROWS), LOGITS[:, 0]], axis=-1)  # a sigmoid is a softmax of two
    p = softmax(logits + tau * np.log([0.8, 0.2]))
    expected = mean(-np.log(p[np.arange(ROWS), IDS // 2]))
    loss = LogitAdjustedLoss([40, 10], tau=tau)
    assert value(loss, IDS // 2, sigmoid(LOGITS[:, :1])) == pytest.approx(expected, rel=1e-5)

    odds = np.log(SHARES) - np.log1p(-np.array(SHARES))
    p = sigmoid(LOGITS + tau * odds)
    expected = mean(-np.log(truth_of(p, APPLY > 0)).mean(axis=-1))
    loss = LogitAdjustedLoss(SHARES, "multilabel", tau)
    assert value(loss, APPLY, sigmoid(LOGITS)) == pytest.approx(expected, rel=1e-5)

    above = np.array([0.5, 0.4, 0.35])  # the shares of ranks above 0, 1 and 2 of COUNTS
    p = sigmoid(falling() + tau * np.log(above / (1 - above)))
    expected = mean(-np.log(truth_of(p, IDS[:, None] > np.arange(3))).sum(axis=-1))
    loss = LogitAdjustedLoss(COUNTS, "ordinal", tau)
    assert value(loss, IDS, sigmoid(falling())) == pytest.approx(expected, rel=1e-5)


def test_logit_adjustment_answers_rare_classes_as_readily():
    """Of two classes that nothing tells apart, 9 to 1, the best answer is to be undecided."""
    labels, answers = np.array([0] * 9 + [1]), np.linspace(0.01, 0.99, 99)
    for loss, best in ((FocalLoss(gamma=0), 0.1), (LogitAdjustedLoss([9, 1]), 0.5)):
        losses = [value(loss, labels, np.full((10, 1), answer)) for answer in answers]
        assert answers[np.argmin(losses)] == pytest.approx(best)


def test_ordinal_is_the_sum_over_levels():
    p = sigmoid(falling())
    expected = mean(-np.log(truth_of(p, IDS[:, None] > np.arange(3))).sum(axis=-1))
    assert value(OrdinalLoss(), IDS, p) == pytest.approx(expected, rel=1e-5)


def test_standardised_is_the_squared_error_of_standardised_targets():
    labels, outputs = 50 + 20 * LOGITS[:, 0], 50 + 20 * LOGITS[:, 1:2]
    expected = mean((LOGITS[:, 0] - LOGITS[:, 1]) ** 2)
    assert value(StandardisedLoss(20.0), labels, outputs) == pytest.approx(expected, rel=1e-5)


def test_hopeless_answers_have_finite_losses_and_gradients():
    import tensorflow as tf

    for loss in (FocalLoss(gamma=0.5), LogitAdjustedLoss([1, 1000]), OrdinalLoss()):
        outputs = tf.Variable([[0.0], [1.0], [0.0], [1.0]])
        with tf.GradientTape() as tape:
            found = loss(tf.constant([0, 0, 1, 1]), outputs)
        assert np.isfinite(found) and np.isfinite(tape.gradient(found, outputs)).all()


@pytest.mark.parametrize(
    "loss",
    [
        FocalLoss("multilabel", gamma=1.5),
        LogitAdjustedLoss(COUNTS, "ordinal", tau=0.5, name="mine", reduction="sum"),
        OrdinalLoss(),
        StandardisedLoss(2.5),
    ],
)
def test_losses_are_kept(loss):
    again = keras.losses.deserialize(json.loads(json.dumps(keras.losses.serialize(loss))))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FocalLoss("regression"), "Unknown task. Expected one of .*task='regression'"),
        (lambda: FocalLoss(gamma=-1), "Wrong gamma. Expected a number of at least 0"),
        (lambda: LogitAdjustedLoss([1, 2], tau="x"), "Wrong tau"),
        (lambda: LogitAdjustedLoss(None), "Wrong priors. Expected a positive number for each"),
        (lambda: LogitAdjustedLoss([0, 1]), "Wrong priors"),
        (lambda: LogitAdjustedLoss([1, 0.5], "multilabel"), "share of rows, between 0 and 1"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_priors_of_other_classes():
    with pytest.raises(ValueError, match="3 priors for an output of width 4. Expected one for"):
        LogitAdjustedLoss([1, 2, 3])(IDS, softmax(LOGITS).astype("float32"))


@pytest.mark.parametrize("kind", ["focal", "logit_adjusted"])
@pytest.mark.parametrize(
    ("head", "labels"),
    [
        (ClassificationHead(2), [0, 1, 0, 1]),
        (ClassificationHead(3), [0, 1, 2, 0]),
        (MultilabelHead(3), [[1, 0, 0]] * 4),
        (OrdinalHead(3), [2, 0, 2, 0]),
    ],
)
def test_confident_errors_are_unlearned(head, labels, kind):
    """Where probabilities round to 0 and 1 only logits have a gradient."""
    labels = np.array(labels, "float32" if head.task == "multilabel" else "int32")
    x = np.eye(4, dtype="float32")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, type(head).from_config(head.get_config())(inputs))
    layer = model.layers[-1]
    kernel = 40 * RANDOM.choice([-1.0, 1.0], layer.kernel.shape)
    model.compile(keras.optimizers.SGD(0.1), head.loss(kind, head.priors(labels)))
    losses = {}
    for sign in (-1, 1):
        layer.kernel.assign(sign * kernel)
        losses[model.evaluate(x, labels, verbose=0)] = sign
    wrong = max(losses)
    layer.kernel.assign(losses[wrong] * kernel)
    model.fit(x, labels, epochs=3, verbose=0)
    assert wrong > 1 and model.evaluate(x, labels, verbose=0) < wrong
