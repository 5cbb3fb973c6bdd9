import keras
import numpy as np
import pytest
import tensorflow as tf

from fusionkeras.objectives import AdversarialAlignment
from fusionkeras.objectives.adversarial import reverse_gradient

STEPS = 3000


def branch(x, there=None):
    there = np.ones(len(x), bool) if there is None else np.array(there)
    return {"pooled_output": tf.constant(x, tf.float32), "present": tf.constant(there)}


def features(seed=0, rows=9):
    random = np.random.default_rng(seed)
    return {
        name: branch(random.normal(size=(rows, width)), random.random(rows) < 0.7)
        for name, width in {"text": 3, "image": 4, "sound": 5}.items()
    }


def test_the_loss_is_that_of_the_formula():
    given, objective = features(), AdversarialAlignment(0.3, dim=4, hidden_dim=6)
    aligned = objective(given)
    losses = []
    for place, name in enumerate(sorted(given)):
        x = np.asarray(aligned[name]["pooled_output"], "float64")
        (u, c), (v, d) = objective.hidden.get_weights(), objective.scores.get_weights()
        p = np.exp(np.maximum(x @ u + c, 0) @ v + d)
        losses.append(-np.log(p[:, place] / p.sum(axis=1))[given[name]["present"].numpy()])
    expected = 0.3 * np.mean(np.concatenate(losses))
    np.testing.assert_allclose(objective.losses[0], expected, rtol=1e-5)


@pytest.mark.parametrize("strength", [0.0, 1.0, 2.5])
def test_the_discriminator_descends_what_the_projections_ascend(strength):
    given, gradients = features(), []
    objective = AdversarialAlignment(1.0, dim=4, hidden_dim=6)
    objective(given)
    discriminator = [*objective.hidden.weights, *objective.scores.weights]
    projections = [own for layer in objective.projections.values() for own in layer.weights]
    variables = [[own.value for own in player] for player in (discriminator, projections)]
    for objective.strength in (strength, -1.0):  # -1 stands for no reversal
        with tf.GradientTape() as tape:
            objective(given)
            loss = objective.losses[0]
        gradients.append(tape.gradient(loss, variables))
    (learns, unlearns), (plain_learns, plain) = gradients
    for mine, other in zip(learns, plain_learns, strict=True):
        np.testing.assert_array_equal(mine, other)
    for mine, other in zip(unlearns, plain, strict=True):
        assert np.any(other)
        np.testing.assert_allclose(mine, -strength * other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_reversal_is_exact(dtype, compiled):
    x = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.linspace(-3, 3, 1000)
    x = tf.cast(x, dtype)
    strength = 0.3

    @tf.function(jit_compile=compiled)
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = reverse_gradient(x, strength)
        return y, tape.gradient(y, x)

    y, gradient = run(x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(gradient, -tf.cast(tf.fill(1000, strength), dtype))


def tellable(rows=1024, held_out=512):
    """Features of two branches with something in common, which a label depends on."""
    random = np.random.default_rng(0)
    shared = random.normal(size=(rows + held_out, 6))
    x = {}
    for name, width in {"image": 10, "text": 12}.items():
        noise = random.normal(random.normal(size=width), 0.3, (rows + held_out, width))
        x[name] = branch(shared @ random.normal(size=(6, width)) / 2.5 + noise)
    return x, (shared[:, :2].sum(axis=1, keepdims=True) > 0).astype("float32"), rows


def train(strength):
    """Trains projections for the label and against the discriminator; the held-out accuracy too."""
    keras.utils.set_random_seed(0)
    given, y, rows = tellable()
    inputs = tf.nest.map_structure(lambda x: keras.Input(x.shape[1:], dtype=x.dtype.name), given)
    aligned = AdversarialAlignment(1.0, dim=8, strength=strength)(inputs)
    projected = {name: part["pooled_output"] for name, part in aligned.items()}
    x = keras.layers.LayerNormalization()(keras.layers.Concatenate()(list(projected.values())))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    # A game: with a rate that does not fall, the two would go round each other for ever.
    rate = keras.optimizers.schedules.CosineDecay(1.0, STEPS)
    optimizer, loss = keras.optimizers.SGD(rate), "binary_crossentropy"
    model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=50)
    first, last = (
        tf.nest.map_structure(lambda value, part=part: value[part], (given, y))
        for part in (slice(rows), slice(rows, None))
    )
    batches = tf.data.Dataset.from_tensor_slices(first).cache().shuffle(rows, seed=0).repeat()
    model.fit(batches.batch(256), steps_per_epoch=STEPS, shuffle=False, verbose=0)
    accuracy = model.evaluate(*last, verbose=0, return_dict=True)["accuracy"]
    return keras.Model(inputs, projected)(given), accuracy


def probe(projected, hidden):
    """How often another classifier, trained afterwards, tells the branches apart, held out."""
    x = np.concatenate([np.asarray(part) for part in projected.values()])
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = np.repeat([0.0, 1.0], len(x) // 2)
    order = np.random.default_rng(0).permutation(len(x))
    x, y, half = x[order], y[order], len(x) // 2
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(32, activation="relu")] if hidden else []
    model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x[:half], y[:half], batch_size=128, epochs=15, verbose=0)
    return model.evaluate(x[half:], y[half:], verbose=0, return_dict=True)["accuracy"]


@pytest.mark.slow
def test_branches_can_no_longer_be_told_apart():
    projected, accuracy = train(strength=0.05)
    for hidden in (False, True):
        assert abs(probe(projected, hidden) - 0.5) < 0.15  # .50 to .61 in several runs
    without, other = train(strength=0.0)
    for hidden in (False, True):
        assert probe(without, hidden) > 0.9
    assert accuracy > 0.85 and abs(accuracy - other) < 0.05  # the label is still told


def test_wrong_arguments():
    with pytest.raises(ValueError, match="Wrong strength of the reversal.*least 0.*strength=-1"):
        AdversarialAlignment(strength=-1)
    with pytest.raises(ValueError, match="width of the discriminator is too small.*hidden_dim=0"):
        AdversarialAlignment(hidden_dim=0)
