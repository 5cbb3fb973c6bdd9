import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from fusionkeras.objectives import ContrastiveAlignment


def branch(x, there=None):
    there = np.ones(len(x), bool) if there is None else np.array(there)
    return {"pooled_output": np.asarray(x, "float32"), "present": there}


def info_nce(projected, present, temperature):
    """Equation 4, row by row, both ways, over rows where both are present."""
    losses = []
    for one, other in itertools.combinations(sorted(projected), 2):
        rows = np.flatnonzero(present[one] & present[other])
        z, v = (projected[name][rows] for name in (one, other))
        z, v = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (z, v))
        f = np.exp(z @ v.T / temperature)
        found = [
            -np.log(f[r, r] / f[r].sum()) / 2 - np.log(f[r, r] / f[:, r].sum()) / 2
            for r in range(len(rows))
        ]
        losses.append(np.mean(found) if len(rows) > 1 else 0)
    return np.mean(losses)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_the_loss_is_that_of_the_formula(temperature):
    random = np.random.default_rng(0)
    there = random.random((3, 9)) < 0.7
    given = {
        name: branch(random.normal(size=(9, 3 + place)), there[place])
        for place, name in enumerate(["text", "image", "sound"])
    }
    objective = ContrastiveAlignment(0.3, temperature, dim=5)
    aligned = objective(given)
    projected = {
        name: np.asarray(part["pooled_output"], "float64") for name, part in aligned.items()
    }
    present = {name: part["present"] for name, part in given.items()}
    expected = 0.3 * info_nce(projected, present, temperature)
    np.testing.assert_allclose(objective.losses[0], expected, rtol=1e-5)


def by_hand(x, y, there=None):
    """The loss of projections that are the features themselves, at temperature 1."""
    objective = ContrastiveAlignment(1.0, temperature=1.0, dim=2)
    given = {"image": branch(x), "text": branch(y, there)}
    objective(given)
    for projection in objective.projections.values():
        projection.set_weights([np.eye(2), np.zeros(2)])
    objective(given)
    return float(objective.losses[0])


def test_the_loss_by_hand():
    axes = [[3.0, 0.0], [0.0, 0.5]]
    assert by_hand(axes, axes) == pytest.approx(np.log1p(np.exp(-1)))
    assert by_hand(axes, axes[::-1]) == pytest.approx(np.log1p(np.exp(1)))
    assert by_hand([[2, 2]] * 5, [[3, 3]] * 5) == pytest.approx(np.log(5))


def test_fewer_than_two_pairs_have_no_loss():
    axes = [[3.0, 0.0], [0.0, 0.5]]
    assert by_hand(axes, axes, [True, False]) == 0
    assert by_hand(axes, axes, [False, False]) == 0
    assert by_hand(axes[:1], axes[:1]) == 0


def test_a_pair_without_rows_counts_as_0_among_the_pairs():
    x, there = np.random.default_rng(0).normal(size=(4, 3)), [True, True, False, False]
    two = {"image": branch(x, there), "text": branch(x[::-1], there)}
    three = {**two, "zither": branch(x, np.logical_not(there))}
    objective = ContrastiveAlignment(dim=4)
    objective(three)
    projections = objective.projections
    loss = float(objective.losses[0])
    alone = ContrastiveAlignment(dim=4)
    alone(two)
    for name in two:
        alone.projections[name].set_weights(projections[name].get_weights())
    alone(two)
    assert float(alone.losses[0]) == pytest.approx(3 * loss, rel=1e-5)


@pytest.mark.slow
def test_pairs_become_retrievable():
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    shared, rows = random.normal(size=(1280, 8)), 1024
    x = {
        name: shared @ random.normal(size=(8, width)) / 3 + random.normal(0, 0.1, (1280, width))
        for name, width in {"image": 20, "text": 30}.items()
    }
    features = {name: branch(part) for name, part in x.items()}
    inputs = {
        name: {
            "pooled_output": keras.Input((part.shape[1],)),
            "present": keras.Input((), dtype="bool"),
        }
        for name, part in x.items()
    }
    aligned = ContrastiveAlignment(1.0, dim=16)(inputs)
    outputs = {name: part["pooled_output"] for name, part in aligned.items()}
    model = keras.Model(inputs, outputs)
    train, held_out = (
        tf.nest.map_structure(lambda value, part=part: value[part], features)
        for part in (slice(rows), slice(rows, None))
    )

    def recall():
        z, v = (keras.ops.normalize(part) for part in model(held_out).values())
        return np.mean(np.argmax(z @ keras.ops.transpose(v), axis=1) == np.arange(256))

    assert recall() < 0.05
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(train, batch_size=64, epochs=12, verbose=0)
    assert recall() > 0.8


def test_wrong_temperatures():
    with pytest.raises(ValueError, match="Wrong temperature.*finite number above 0.*ature=0"):
        ContrastiveAlignment(temperature=0)
    with pytest.raises(TypeError, match="Wrong type for the temperature.*temperature='hot'"):
        ContrastiveAlignment(temperature="hot")
