"""The layer that calibrates."""

import keras
import numpy as np
import pytest

import fusionkeras as fk


def some(classes=4, rows=200, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), rows).astype("float32")


def test_the_powers_of_a_temperature():
    found = fk.Calibration(0.5)(np.array([[0.64, 0.36]])).numpy()
    np.testing.assert_allclose(found, [[0.8 / 1.4, 0.6 / 1.4]], rtol=1e-6)
    found = fk.Calibration(0.5, exclusive=False)(np.array([[0.8], [0.5]])).numpy()
    np.testing.assert_allclose(found, [[2 / 3], [0.5]], rtol=1e-6)  # of odds 4 the root


def test_a_scale_and_a_bias_for_each():
    found = fk.Calibration([1.0, 2.0], [np.log(2), 0.0])(np.array([[0.3, 0.7]])).numpy()
    np.testing.assert_allclose(found, [[0.6 / 1.09, 0.49 / 1.09]], rtol=1e-6)
    layer = fk.Calibration([1.0, 2.0], [np.log(2), 0.0], exclusive=False)
    np.testing.assert_allclose(layer(np.array([[0.5, 0.75]])).numpy(), [[2 / 3, 0.9]], rtol=1e-6)


@pytest.mark.parametrize("exclusive", [True, False])
def test_certainty_stays_a_number(exclusive):
    p = np.array([[1.0, 0.0], [0.0, 1.0]], "float32")
    for scale in (0.01, 1.0, 100.0):
        found = fk.Calibration(scale, exclusive=exclusive)(p).numpy()
        assert np.isfinite(found).all() and (found[0, 0] > found[0, 1])
    found = fk.Calibration(1.0, exclusive=exclusive)(p).numpy()
    np.testing.assert_allclose(found, p, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.02, 0.5, 1.7, 30.0])
def test_a_temperature_changes_no_likeliest_class(temperature):
    p = some()
    layer = fk.Calibration(1 / temperature)
    found = layer(p).numpy()
    np.testing.assert_array_equal(found.argmax(-1), p.argmax(-1))
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    assert layer.temperature == pytest.approx(temperature)
    assert (found.max(-1) < p.max(-1)).all() == (temperature > 1)
    assert fk.Calibration([1.0, 2.0]).temperature is None


def test_it_is_read_as_it_was_written():
    measured = {"method": "vector", "rows": 3}
    layer = fk.Calibration([1.0, 0.1], [0.25, 1 / 3], True, measured, name="calibration")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config() and again.measured == measured
    np.testing.assert_array_equal(again(some(2)), layer(some(2)))
    assert fk.Calibration().get_config()["measured"] is None


def test_float32_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert fk.Calibration(0.5)(some()).dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0,), "Wrong scale of a calibration. Expected a positive number, or one for each class"),
        (([1.0, -1.0],), "Wrong scale"),
        (("a",), "Wrong scale"),
        (([[1.0]],), "Wrong scale"),
        ((1.0, np.nan), "Wrong bias of a calibration. Expected a finite number"),
    ],
)
def test_wrong_numbers(arguments, message):
    with pytest.raises(ValueError, match=message):
        fk.Calibration(*arguments)


def test_numbers_for_other_classes():
    with pytest.raises(ValueError, match="for 3 probabilities a row. Expected one for 4. Received"):
        fk.Calibration([1.0, 1.0, 1.0])(some())
