"""Branches that learn to answer by themselves, and the blend of their losses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.objectives import Unimodal, WithBranches
from fusionkeras.training.blending import blending_weights

RANDOM = np.random.default_rng(0)


def build(heads=None, weight=0.5, **options):
    def branch(name):
        x = keras.Input((3,), name=name)
        present = keras.ops.any(x != 0, axis=-1)
        return fk.Branch(
            name, keras.Model(x, {"pooled_output": x, "present": present}, name=f"{name}_encoder")
        )

    branches, objective = [branch("a"), branch("b")], fk.Unimodal(weight=weight, dim=4)
    return fk.build_model(branches, fk.Concat(4), heads, auxiliary=objective, **options), objective


def arrays(rows=8):
    given = {name: RANDOM.normal(size=(rows, 3)).astype("float32") for name in "ab"}
    given["a"][0] = 0  # absent
    return given, RANDOM.integers(0, 2, rows)


def test_the_loss_is_the_sum_over_what_is_present():
    model, objective = build()
    fk.compile_model(model)
    given, labels = arrays()
    weights = np.linspace(0.5, 2, 8).astype("float32")
    fused = np.asarray(model(given))[:, 0]
    own = {name: np.asarray(answer)[:, 0] for name, (answer, _) in objective.answers[""].items()}

    def entropy(p):
        return -np.where(labels == 1, np.log(p), np.log(1 - p))

    there = {"a": np.arange(8) > 0, "b": np.ones(8, bool)}
    expected = np.mean(weights * entropy(fused))
    for name, p in own.items():
        expected += 0.5 * np.mean(weights * there[name] * entropy(p))
    found = model.evaluate(
        given, labels, sample_weight=weights, batch_size=8, verbose=0, return_dict=True
    )
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    assert found["fused_loss"] == pytest.approx(np.mean(weights * entropy(fused)), rel=1e-5)
    assert {"a_loss", "b_loss"} <= set(found)


def test_answers_do_not_depend_on_the_heads_of_the_branches():
    model, objective = build()
    given, _ = arrays()
    before = np.asarray(model(given))
    for head in objective.own_heads.values():
        head.set_weights([weight + 1 for weight in head.get_weights()])
    np.testing.assert_array_equal(model(given), before)


@pytest.mark.slow
def test_a_branch_that_is_told_apart_by_its_own_loss_alone_learns():
    """With a fusion that reads nothing of b, only its own loss teaches its projection."""
    model, objective = build()
    fk.compile_model(model, 0.05)
    given, labels = arrays(64)
    given["b"][:, 0] = 4 * labels - 2
    before = objective.projections["b"].get_weights()[0]
    history = model.fit(given, labels, epochs=20, verbose=0).history
    assert history["b_loss"][-1] < 0.5 * history["b_loss"][0]
    assert not np.allclose(before, objective.projections["b"].get_weights()[0])


@pytest.mark.slow
def test_several_heads_and_fit_on_data_without_labels_for_one():
    heads = {"kind": fk.ClassificationHead(3), "price": fk.RegressionHead(1.0, 2.0)}
    model, objective = build(heads)
    fk.compile_model(model)
    given, _ = arrays()
    labels = {"kind": RANDOM.integers(0, 3, 8), "price": RANDOM.normal(size=8)}
    history = model.fit(given, labels, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all() and {"fused_loss", "a_loss"} <= set(history)
    assert set(objective.answers) == {"kind", "price"}


@pytest.mark.slow
def test_a_saved_model_answers_the_same_and_asks_to_be_compiled_again(tmp_path):
    model, _ = build()
    fk.compile_model(model)
    given, labels = arrays()
    model.fit(given, labels, verbose=0)
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(loaded(given), model(given))
    with pytest.raises(ValueError, match="have lost their model.*fk.compile_model"):
        loaded.evaluate(given, labels, verbose=0)
    fk.compile_model(loaded).fit(given, labels, verbose=0)


def test_the_loss_alone_is_an_error():
    loss = WithBranches(keras.losses.BinaryCrossentropy(), "")
    with pytest.raises(ValueError, match="have lost their model"):
        loss(tf.ones((1, 1)), tf.ones((1, 1)))


def test_blending_weights_by_hand():
    before = np.array([1.0, 1.0, 1.0]), np.array([1.1, 1.0, 1.0])
    train, validation = np.array([0.5, 0.5, 0.5]), np.array([0.8, 0.6, 1.2])
    # gains .3 .4 0; overfitting .3 - .1 = .2, .1, .7
    expected = np.array([0.3 / 0.04, 0.4 / 0.01, 0])
    found = blending_weights(*before, train, validation)
    np.testing.assert_allclose(found, 0.9 * expected / expected.sum() + 0.1 / 3)
    assert blending_weights(train, before[0], train, before[0] + 1) is None


def test_what_overfits_loses_its_weight_in_the_very_next_step():
    model, objective = build(weight=1.0)
    fk.compile_model(model)
    given, labels = arrays()
    model.evaluate(given, labels, verbose=0)
    blending = fk.GradientBlending()
    blending.set_model(model)
    blending.on_train_begin()
    logs = {"fused": (1.0, 1.0), "a": (1.0, 1.0), "b": (1.0, 1.0)}
    later = {"fused": (0.5, 0.8), "a": (0.8, 0.9), "b": (0.2, 1.4)}
    for epoch, losses in enumerate([logs, later]):
        blending.on_epoch_end(
            epoch,
            {f"{name}_loss": train for name, (train, _) in losses.items()}
            | {f"val_{name}_loss": validation for name, (_, validation) in losses.items()},
        )
    # gains .2 .1 0; overfitting .3 .1 1.2
    expected = np.array([0.2 / 0.09, 0.1 / 0.01, 0])
    expected = 3 * (0.9 * expected / expected.sum() + 0.1 / 3)
    np.testing.assert_allclose(objective.blend, expected, rtol=1e-5)
    np.testing.assert_allclose(list(blending.history[0].values()), expected, rtol=1e-5)
    found = model.evaluate(given, labels, batch_size=8, verbose=0, return_dict=True)
    parts = [found[f"{name}_loss"] for name in ("fused", "a", "b")]
    assert found["loss"] == pytest.approx(float(np.dot(expected, parts)), rel=1e-5)


@pytest.mark.slow
def test_blending_needs_branches_and_validation():
    model, _ = build()
    fk.compile_model(model)
    given, labels = arrays()
    with pytest.raises(ValueError, match="how each branch generalises. Expected validation_data"):
        model.fit(given, labels, callbacks=[fk.GradientBlending()], verbose=0)
    branch = fk.lstm_branch(["red"], 2, units=2)
    plain = fk.compile_model(fk.build_model([branch]))
    with pytest.raises(ValueError, match="no losses of branches to blend"):
        plain.fit(
            np.ones((2, 2), "int32"), np.ones(2), callbacks=[fk.GradientBlending()], verbose=0
        )


def test_one_branch_alone_is_an_error():
    with pytest.raises(ValueError, match="Unimodal has nothing to do"):
        fk.build_model([fk.lstm_branch(["red"], 2, units=2)], auxiliary=Unimodal())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_compiled_by_keras_alone_it_warns():
    model, _ = build()
    model.compile("adam", "binary_crossentropy")
    with pytest.warns(UserWarning, match="not part of the model's loss.*fk.compile_model"):
        model.fit(*arrays(), verbose=0)


def test_a_branch_called_fused_is_an_error():
    branches = [fk.lstm_branch(["red"], 2, units=2, name=name) for name in ("fused", "text")]
    with pytest.raises(ValueError, match="A branch cannot be called 'fused'"):
        fk.build_model(branches, auxiliary="unimodal")
