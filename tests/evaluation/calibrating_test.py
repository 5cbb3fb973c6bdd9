"""Calibration fitted on rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

import fusionkeras as fk

ROWS = 3000


def softmax(z):
    p = np.exp(z - z.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def as_is(p, labels):
    """A model that answers what it is given, and such rows."""
    x = keras.Input((p.shape[1],), name="p")
    data = tf.data.Dataset.from_tensor_slices(({"p": p.astype("float32")}, labels)).batch(512)
    return keras.Model([x], keras.layers.Identity()(x)), data


def drawn(overconfident, classes=4, bias=0.0, seed=0):
    random = np.random.default_rng(seed)
    z = random.normal(size=(ROWS, classes)) * 1.5
    labels = np.array([random.choice(classes, p=row) for row in softmax(z)])
    return softmax(overconfident * z + bias), labels


def test_a_temperature_is_found_again():
    p, labels = drawn(3.0)
    layer = fk.calibrate(*as_is(p, labels))
    assert layer.temperature == pytest.approx(3, rel=0.05) and layer.bias == 0
    report = fk.ClassificationReport(list("abcd"), labels, layer(p.astype("float32")).numpy())
    before = fk.ClassificationReport(list("abcd"), labels, p)
    told = layer.measured
    assert (told["method"], told["rows"]) == ("temperature", ROWS)
    for when, own in (("before", before), ("after", report)):
        assert told[f"log_loss_{when}"] == pytest.approx(own.log_loss, abs=1e-5)
        error = own.expected_calibration_error()
        assert told[f"expected_calibration_error_{when}"] == pytest.approx(error, abs=1e-4)
    assert told["log_loss_after"] < told["log_loss_before"] - 0.1
    assert report.expected_calibration_error() < 0.03 < before.expected_calibration_error()
    assert report.accuracy == before.accuracy
    for scale in (0.99 * layer.scale, 1.01 * layer.scale):  # no other is better
        other = fk.Calibration(scale)(p.astype("float32")).numpy().astype(float)
        assert log_loss(labels, other / other.sum(1, keepdims=True)) > told["log_loss_after"]


def test_scales_and_biases_of_classes_are_found_again():
    p, labels = drawn(2.0, bias=np.array([1.0, -1.0, 0.0, 0.0]))
    layer = fk.calibrate(*as_is(p, labels), "vector")
    np.testing.assert_allclose(layer.scale, 0.5, atol=0.06)
    bias = np.array(layer.bias) - layer.bias[3]
    np.testing.assert_allclose(bias, [-0.5, 0.5, 0, 0], atol=0.2)
    one = fk.calibrate(*as_is(p, labels)).measured
    assert layer.measured["log_loss_after"] < one["log_loss_after"] < one["log_loss_before"]


def test_of_two_classes_a_scale_and_a_bias_are_a_logistic_regression():
    p, labels = drawn(2.0, 2)
    model, data = as_is(p[:, 1:], labels)
    layer = fk.calibrate(model, data, "vector")
    z = np.log(p[:, 1] / p[:, 0])[:, None]
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(z, labels)
    np.testing.assert_allclose(layer.scale, expected.coef_[0], rtol=1e-2)  # rows outweigh the prior
    np.testing.assert_allclose(layer.bias, expected.intercept_, atol=1e-2)
    assert not layer.exclusive and fk.calibrate(model, data).temperature == pytest.approx(
        2, rel=0.1
    )


def test_of_few_rows_scales_and_biases_stay_near_no_change():
    p, labels = drawn(2.0, 3)
    few = slice(0, 30)
    layer = fk.calibrate(*as_is(p[few], labels[few]), "vector")

    def loss(numbers):  # of all rows, and the prior
        z = numbers[:3] * np.log(p[few].astype("float32").astype(float)) + numbers[3:]
        losses = -np.log(softmax(z)[np.arange(30), labels[few]])
        return losses.sum() + np.sum((numbers - [1, 1, 1, 0, 0, 0]) ** 2) / 2

    best = minimize(loss, [1, 1, 1, 0, 0, 0], method="Powell", options={"ftol": 1e-12}).x
    np.testing.assert_allclose([*layer.scale, *layer.bias], best, atol=1e-3)
    none = fk.calibrate(*as_is(p[labels < 2], labels[labels < 2]), "vector")  # of the third
    assert np.max(np.abs(none.bias)) < 10 and np.min(none.scale) > 0.1


def test_where_every_row_is_right_it_stays_finite():
    labels = np.arange(40) % 2
    certain = np.eye(2)[labels]
    for p in (certain, certain[:, 1:], 0.8 * certain + 0.1, certain[::-1].copy()):
        for method in ("temperature", "vector"):
            layer = fk.calibrate(*as_is(p, labels), method)
            assert 0.01 <= np.min(layer.scale) <= np.max(layer.scale) <= 100
            assert np.isfinite(list(layer.measured.values())[2:]).all()
            assert layer.measured["log_loss_after"] <= layer.measured["log_loss_before"]


@pytest.fixture(scope="module")
def several():
    """A model of several heads, and its rows."""
    heads = {
        "kind": fk.ClassificationHead(2),
        "tags": fk.MultilabelHead(2),
        "price": fk.RegressionHead(1.0, 1.0),
        "stars": fk.OrdinalHead(3),
    }
    model = fk.build_model([fk.lstm_branch(["red", "blue"], 2, units=4)], heads=heads)
    random = np.random.default_rng(0)
    labels = {
        "kind": random.integers(0, 2, 40),
        "tags": random.integers(0, 2, (40, 2)).astype("float32"),
        "price": random.normal(size=40),
        "stars": random.integers(0, 3, 40),
    }
    ids = random.integers(0, 4, (40, 2))
    return model, tf.data.Dataset.from_tensor_slices(({"text_token_ids": ids}, labels)).batch(20)


@pytest.mark.parametrize("method", ["temperature", "vector"])
def test_several_heads(several, method):
    found = fk.calibrate(*several, method)
    assert {head: layer.name for head, layer in found.items()} == {
        "kind": "kind_calibration", "tags": "tags_calibration"
    }  # fmt: skip
    before = fk.evaluate(*several, {"kind": ["a", "b"], "tags": ["x", "y"], "stars": list("123")})
    for head, layer in found.items():
        told, report = layer.measured, before[head]
        assert not layer.exclusive
        assert told["log_loss_after"] <= told["log_loss_before"]
        assert np.size(layer.scale) == (report.labels.ndim if method == "vector" else 1)
        error = told["expected_calibration_error_before"]
        assert report.expected_calibration_error() == pytest.approx(error, abs=1e-5)
    tags = before["tags"]
    expected = np.mean([log_loss(*pair) for pair in zip(tags.labels.T, tags.probabilities.T,
                                                        strict=True)])  # fmt: skip
    assert found["tags"].measured["log_loss_before"] == pytest.approx(expected, rel=1e-5)


def test_what_cannot_be_calibrated(several):
    p, labels = drawn(1.0)
    model, data = as_is(p, labels)
    with pytest.raises(ValueError, match="Unknown method of calibration.*mean 'temperature'"):
        fk.calibrate(model, data, "temperatur")
    price = fk.build_model([fk.lstm_branch(["red"], 2)], heads=fk.RegressionHead())
    with pytest.raises(ValueError, match="Calibration is for probabilities of classes or labels"):
        fk.calibrate(price, data)


def test_a_served_model_is_not_calibrated():
    branch = fk.lstm_branch(["red"], 2, units=4)
    model = fk.build_classifier([branch])
    served = fk.end_to_end(model, fk.build_preprocessor([branch]), ["a", "b"])
    with pytest.raises(ValueError, match="This model answers already.*that end_to_end was given"):
        fk.calibrate(served, None)
