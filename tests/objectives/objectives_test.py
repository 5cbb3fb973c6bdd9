"""What holds for every auxiliary objective of the table, and for the base that they share."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.objectives import OBJECTIVES, Objective, get_objective

WIDTHS = {"image": 7, "text": 5, "sound": 6}
PRECISIONS = ["float32", "mixed_bfloat16", "mixed_float16"]
# Unimodal adds its loss where the labels are, not in its call: see unimodal_test.py.
each = pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "unimodal"])


def small(name, **kwargs):
    return get_objective(name, **{"weight": 0.5, "dim": 4, **kwargs})


def features(rows=6, branches=("image", "text", "sound"), seed=0):
    """Random features; in each branch one row is absent, and the last row in all of them."""
    random = np.random.default_rng(seed)
    given = {}
    for place, name in enumerate(branches):
        there = ~np.isin(np.arange(rows), [place, rows - 1])
        given[name] = {
            "pooled_output": random.normal(size=(rows, WIDTHS[name])).astype("float32"),
            "sequence_output": random.normal(size=(rows, 2, 3)).astype("float32"),
            "padding_mask": np.array([[True, False]] * rows) & there[:, None],
            "present": there,
        }
    return tf.nest.map_structure(tf.constant, given)


def with_absent(given, content):
    def fill(part):
        x = tf.where(part["present"][:, None], part["pooled_output"], content)
        return {**part, "pooled_output": x}

    return {name: fill(part) for name, part in given.items()}


def loss_of(objective, given, **kwargs):
    objective(given, **kwargs)
    (loss,) = objective.losses
    return loss


def gradients(objective, given):
    """Of the loss and of what is handed on, to the weights and to the pooled features."""
    pooled = {name: part["pooled_output"] for name, part in given.items()}
    with tf.GradientTape() as tape:
        tape.watch(pooled)
        parts = {name: {**given[name], "pooled_output": x} for name, x in pooled.items()}
        loss = loss_of(objective, parts)
    weights = [weight.value for weight in objective.trainable_variables]
    zero = tf.UnconnectedGradients.ZERO
    return tape.gradient(loss, [weights, pooled], unconnected_gradients=zero)


def model_of(objective, given):
    inputs = tf.nest.map_structure(lambda x: keras.Input(x.shape[1:], dtype=x.dtype.name), given)
    x = [part["pooled_output"] for part in objective(inputs).values()]
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(x)))


def test_every_public_objective_is_in_the_table():
    public = {
        value
        for value in vars(fk.objectives).values()
        if isinstance(value, type) and issubclass(value, Objective) and value is not Objective
    }
    assert public == set(OBJECTIVES.values())


@each
def test_only_the_pooled_output_changes(name):
    given = features()
    aligned = small(name)(given)
    assert list(aligned) == list(given)
    for branch, part in aligned.items():
        assert list(part) == list(given[branch])
        assert part["pooled_output"].shape == (6, 4)
        for key in set(part) - {"pooled_output"}:
            np.testing.assert_array_equal(part[key], given[branch][key])


@each
def test_the_loss_is_weighted_and_added_in_training_and_evaluation_alike(name):
    objective, given = small(name), features()
    loss = loss_of(objective, given)
    other = small(name, weight=2.0)
    other(given)
    other.set_weights(objective.get_weights())
    np.testing.assert_allclose(4 * loss, loss_of(other, given), rtol=1e-5)
    model = model_of(objective, given)
    model.compile("sgd", "mse")
    targets = np.zeros((6, 1))
    expected = float(np.mean(model(given) ** 2) + loss)
    assert model.evaluate(given, targets, verbose=0) == pytest.approx(expected, rel=1e-5)
    history = model.fit(given, targets, verbose=0, shuffle=False).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


@each
@pytest.mark.parametrize("content", [7e3, np.inf, np.nan])
def test_what_is_absent_never_matters(name, content):
    objective = small(name)
    given, other = (with_absent(features(), value) for value in (0.0, content))
    expected, actual = objective(given), objective(other)
    for branch, part in expected.items():
        np.testing.assert_array_equal(part["pooled_output"], actual[branch]["pooled_output"])
    assert loss_of(objective, given) == loss_of(objective, other)
    for mine, twin in zip(
        tf.nest.flatten(gradients(objective, given)),
        tf.nest.flatten(gradients(objective, other)),
        strict=True,
    ):
        assert np.isfinite(mine).all()
        np.testing.assert_array_equal(mine, twin)


@each
def test_absent_rows_may_as_well_not_be_there(name):
    given, objective = features(branches=("image", "text")), small(name)
    loss = loss_of(objective, given)
    without = tf.nest.map_structure(lambda x: x[:5], given)
    np.testing.assert_allclose(loss_of(objective, without), loss, rtol=1e-6)
    _, pooled = gradients(objective, given)
    for branch, gradient in pooled.items():
        assert not gradient[~given[branch]["present"].numpy()].numpy().any()


@each
def test_nothing_present_and_nothing_in_what_is(name):
    given, objective = features(), small(name)
    for part in given.values():
        part["present"] = tf.zeros(6, bool)
    assert loss_of(objective, given) == 0
    for gradient in tf.nest.flatten(gradients(objective, given)):
        assert not np.any(gradient)
    for part in given.values():
        part.update(present=tf.ones(6, bool), pooled_output=0 * part["pooled_output"])
    for gradient in tf.nest.flatten(gradients(objective, given)):
        assert np.isfinite(gradient).all() and np.abs(gradient).max() < 100


@each
def test_every_weight_learns(name):
    objective = small(name)
    weights, _ = gradients(objective, features())
    for weight, gradient in zip(objective.trainable_variables, weights, strict=True):
        assert np.any(gradient), weight.path


@each
@pytest.mark.parametrize("precision", PRECISIONS)
def test_precisions(name, precision):
    objective, plain, given = small(name, dtype=precision), small(name), features()
    aligned = objective(given)
    (loss,) = objective.losses
    plain(given)
    plain.set_weights(objective.get_weights())
    assert loss.dtype == "float32"
    np.testing.assert_allclose(loss, loss_of(plain, given), rtol=0.05)
    part = aligned["image"]
    assert part["pooled_output"].dtype == precision.removeprefix("mixed_")
    assert part["sequence_output"].dtype == "float32" and part["present"].dtype == "bool"
    for gradient in tf.nest.flatten(gradients(objective, given)):
        assert np.isfinite(gradient).all()


@each
def test_compiles_to_xla(name):
    objective, given = small(name), features()
    expected = [loss_of(objective, given), *tf.nest.flatten(gradients(objective, given))]

    @tf.function(jit_compile=True)
    def compiled():
        return [loss_of(objective, given), *tf.nest.flatten(gradients(objective, given))]

    for mine, other in zip(compiled(), expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


@each
def test_saves_and_loads(name, tmp_path):
    objective, given = small(name), features()
    model = model_of(objective, given)
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(model(given), loaded(given))
    assert float(model.losses[0]) == float(loaded.losses[0])
    rebuilt = type(objective).from_config(objective.get_config())
    assert rebuilt.get_config() == objective.get_config()


@each
def test_exports_an_answer_that_needs_no_batch(name, tmp_path):
    objective, given = small(name), features()
    model = model_of(objective, given)
    model.export(tmp_path / "x", verbose=False)
    served = tf.saved_model.load(tmp_path / "x")
    for rows in (1, 6):
        some = tf.nest.map_structure(lambda x, rows=rows: x[:rows], given)
        np.testing.assert_allclose(served.serve(some), model(given)[:rows], rtol=1e-5, atol=1e-6)


@each
def test_wrong_arguments(name):
    with pytest.raises(ValueError, match=r"Wrong weight of the obj.*of at least 0.*weight=-1"):
        get_objective(name, weight=-1)
    with pytest.raises(ValueError, match="Wrong weight of the objective.*finite.*weight=nan"):
        get_objective(name, weight=np.nan)
    with pytest.raises(TypeError, match="Wrong type for the weight of the obj.*weight='much'"):
        get_objective(name, weight="much")
    with pytest.raises(ValueError, match="width of the projections is too small.*dim=0"):
        get_objective(name, dim=0)


@each
def test_wrong_features(name):
    given, kind = features(), OBJECTIVES[name].__name__
    with pytest.raises(
        ValueError,
        match=rf"{kind} has nothing to do: there is one branch alone. Expected two branches "
        r"or more. Received: branches=\['text'\]. Leave the objective out.",
    ):
        small(name)({"text": given["text"]})
    with pytest.raises(ValueError, match=f"{kind} aligns the features of branches. Expected"):
        small(name)(given["text"]["pooled_output"])
    del given["text"]["pooled_output"]
    with pytest.raises(ValueError, match="The branch 'text' lacks.*needs: pooled_output.*Expec"):
        small(name)(given)


def test_names():
    assert get_objective("contrastive", dim=3).name == "contrastive"
    layer = keras.layers.Identity()
    assert get_objective(layer) is layer
    with pytest.raises(ValueError, match="Unknown objective. Expected.*Did you mean 'contrast"):
        get_objective("contrast")
    with pytest.raises(TypeError, match="Wrong objective. Expected a Keras layer or one.*=3"):
        get_objective(3)
