import json

import keras
import numpy as np
import pytest

import fusionkeras as fk
from fusionkeras.heads import HEADS, KINDS_OF_LOSS, OrdinalLoss, StandardisedLoss, heads_of
from fusionkeras.heads.ordinal import rank_probabilities

MAKE = {
    "classification": lambda: fk.ClassificationHead(3),
    "multilabel": lambda: fk.MultilabelHead(3),
    "regression": lambda: fk.RegressionHead(100.0, 20.0),
    "ordinal": lambda: fk.OrdinalHead(4),
}
# For each task labels and weights as `prepare` gives them; the last row has no label.
LABELS = {
    "classification": np.array([0, 1, 2, 0]),
    "multilabel": np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]], "float32"),
    "regression": np.array([80.0, 100, 130, 0], "float32"),
    "ordinal": np.array([0, 3, 2, 0]),
}
WEIGHTS = np.array([1, 2, 1, 0], "float32")
X = np.random.default_rng(0).normal(0, 1, (4, 5)).astype("float32")


def built(head):
    x = keras.Input((5,))
    return keras.Model(x, head(x))


def test_every_task_has_a_head_that_is_tested():
    assert set(MAKE) == set(HEADS) == set(LABELS)
    assert {task: head.task for task, head in HEADS.items()} == {task: task for task in HEADS}


@pytest.mark.parametrize("task", HEADS)
def test_a_head_is_kept_with_its_model(task, tmp_path):
    model = built(MAKE[task]())
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    ((name, head),) = heads_of(loaded).items()
    assert (name, type(head)) == ("", HEADS[task])
    assert head.get_config() == MAKE[task]().get_config()
    np.testing.assert_array_equal(model(X), loaded(X))


@pytest.mark.slow
@pytest.mark.parametrize("task", HEADS)
def test_a_head_trains_and_is_measured(task, tmp_path):
    keras.utils.set_random_seed(0)
    head = MAKE[task]()
    model = built(head)
    for kind in (None, *(KINDS_OF_LOSS if task != "regression" else ())):
        priors = head.priors(LABELS[task]) if kind == "logit_adjusted" else None
        loss = head.loss(kind, priors)
        model.compile("adam", loss, weighted_metrics=head.weighted_metrics(), jit_compile=False)
        history = model.fit(X, LABELS[task], sample_weight=WEIGHTS, epochs=8, verbose=0).history
        assert history["loss"][-1] < history["loss"][0] and np.isfinite(history["loss"]).all()
        model.save(tmp_path / "x.keras")
        again = keras.models.load_model(tmp_path / "x.keras")
        asked = {"sample_weight": WEIGHTS, "verbose": 0, "return_dict": True}
        wrong = np.array(LABELS[task])
        wrong[-1] = 1 - wrong[-1]  # it weighs nothing
        assert again.evaluate(X, wrong, **asked) == model.evaluate(X, LABELS[task], **asked)


def test_outputs():
    assert built(fk.ClassificationHead(2))(X).shape == (4, 1)
    np.testing.assert_allclose(np.sum(built(fk.ClassificationHead(3))(X), axis=-1), 1, rtol=1e-5)
    assert built(fk.MultilabelHead(3))(X).shape == (4, 3)


def test_regression_speaks_the_units_of_its_labels():
    head = fk.RegressionHead(100.0, 20.0)
    model = built(head)
    x, (kernel, bias) = X, head.get_weights()
    np.testing.assert_allclose(model(x), 100 + 20 * (x @ kernel + bias), rtol=1e-5)
    assert isinstance(head.loss(), StandardisedLoss)
    mae = head.weighted_metrics()[0]
    mae.update_state(LABELS["regression"], model(x))
    assert float(mae.result()) == pytest.approx(
        np.abs(LABELS["regression"] - np.ravel(model(x))).mean(), rel=1e-5
    )


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_ranks_never_contradict_each_other(classes):
    head = fk.OrdinalHead(classes)
    model = built(head)
    model.set_weights([np.zeros_like(weight) if weight.shape == (5, 1) else weight
                       for weight in model.get_weights()])  # fmt: skip
    np.testing.assert_allclose(rank_probabilities(model(X)), 1 / classes, rtol=1e-5)
    random = np.random.default_rng(1)
    model.set_weights([random.normal(0, 5, weight.shape) for weight in model.get_weights()])
    above = model(X).numpy()
    assert above.shape == (4, classes - 1) and (np.diff(above, axis=-1) <= 0).all()
    np.testing.assert_allclose(np.sum(rank_probabilities(above), axis=-1), 1, rtol=1e-5)


def test_ranks_are_measured_as_in_numpy():
    head = fk.OrdinalHead(4)
    model = built(head)
    truth, ranks = LABELS["ordinal"], np.argmax(rank_probabilities(model(X)), axis=-1)
    found = {}
    for metric in head.weighted_metrics():
        metric.update_state(truth, model(X), sample_weight=WEIGHTS)
        found[metric.name] = float(metric.result())
    assert found == {
        "accuracy": pytest.approx(np.average(truth == ranks, weights=WEIGHTS)),
        "mae": pytest.approx(np.average(np.abs(truth - ranks), weights=WEIGHTS)),
    }


def test_order_is_learned():
    """One score tells all ranks, so rows between those that were seen get the ranks between."""
    keras.utils.set_random_seed(0)
    head = fk.OrdinalHead(3)
    model = keras.Sequential([keras.Input((1,)), head])
    x = np.linspace(-1, 1, 60)[:, None]
    ranks = np.digitize(x[:, 0], [-0.3, 0.4])
    model.compile(keras.optimizers.Adam(0.3), head.loss(), jit_compile=False)
    model.fit(x, ranks, epochs=60, batch_size=60, verbose=0)
    assert (np.argmax(rank_probabilities(model(x)), axis=-1) == ranks).mean() > 0.9


def test_priors():
    assert fk.ClassificationHead(4).priors([0, 0, 2, -1]) == [2, 1, 1, 1]
    assert fk.OrdinalHead(3).priors([2, 2, -1]) == [1, 1, 2]
    labels = [[1, 0, 1]] * 3 + [[0, 0, 1], [-1, -1, -1]]
    assert fk.MultilabelHead(3).priors(labels) == [0.75, 0.25, 0.75]
    assert json.dumps(fk.MultilabelHead(3).priors(np.ones((1, 3))))


def test_kinds_of_loss():
    head = fk.OrdinalHead(3)
    assert isinstance(head.loss(), OrdinalLoss)
    assert head.loss("focal").task == head.loss("logit_adjusted", [1, 1, 1]).task == "ordinal"
    mine = keras.losses.Poisson()
    assert head.loss(mine) is mine
    with pytest.raises(ValueError, match="Unknown kind of loss.*Did you mean 'focal'?"):
        head.loss("focall")
    with pytest.raises(ValueError, match="Regression has no classes, so its loss cannot be 'focal"):
        fk.RegressionHead().loss("focal")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fk.ClassificationHead(1), ValueError, "number of classes is too small"),
        (lambda: fk.MultilabelHead("3"), TypeError, "Wrong type for the number of labels"),
        (lambda: fk.OrdinalHead(1), ValueError, "number of ranks is too small"),
        (lambda: fk.RegressionHead(np.nan), ValueError, "Wrong mean. Expected a finite number"),
        (lambda: fk.RegressionHead(0, 0), ValueError, "a finite number above 0.*deviation=0"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_heads_are_found():
    x = keras.Input((4,))
    parts = {"price": fk.RegressionHead(name="price"), "kind": fk.ClassificationHead(2, "kind")}
    model = keras.Model(x, {name: head(x) for name, head in parts.items()})
    assert heads_of(model) == parts
    assert heads_of(keras.Model(x, fk.heads.ClassificationHead(2)(x)))[""].is_binary
    assert heads_of(keras.Model(x, x))[""].num_classes == 4  # one's own, without a head of ours
    with pytest.raises(ValueError, match="The model has several heads.*'price', 'kind'"):
        fk.heads.head_of(model)
    with pytest.raises(ValueError, match="no classifier of fusionkeras"):
        heads_of(keras.Model(x, {"a": x}))


def test_what_a_head_does_not_have_is_refused():
    with pytest.raises(TypeError, match="A head has no argument 'use_bias'"):
        fk.ClassificationHead(3, use_bias=False)
