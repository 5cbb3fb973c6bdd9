"""Tables of every task, trained and measured."""

import keras
import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk

WORDS = ["red", "green", "blue"]
LABELS = {
    "kind": "classification",
    "genres": "multilabel",
    "price": "regression",
    "stars": "ordinal",
}


@pytest.fixture(scope="module")
def frame():
    """40 rows of texts, and labels of every task that follow from them."""
    random = np.random.default_rng(0)
    rows = [[word for word in WORDS if random.uniform() < 0.5] or ["red"] for _ in range(40)]
    frame = pd.DataFrame({"text": [" ".join(row) for row in rows]})
    frame["kind"] = ["warm" if "red" in row else "cold" for row in rows]
    frame["genres"] = ["|".join(row) for row in rows]
    frame["price"] = [str(100.0 + 10 * len(row)) for row in rows]
    frame["stars"] = [str(len(row)) for row in rows]
    return frame


def read(frame, label, task=None):
    return fk.read_table(
        frame, {"text": "text"}, files=(), label=label, task=task, split=(0.6, 0.2, 0.2)
    )


def build(data):
    branch = fk.lstm_branch(WORDS, 3, units=8)
    model = fk.build_model([branch], heads=fk.heads_for(data.train))
    return model, fk.build_preprocessor([branch])


def fit(model, preprocessor, data, epochs=3, **kwargs):
    train = fk.prepare(data.train, preprocessor, batch_size=8, **kwargs)
    validation = fk.prepare(data.validation, preprocessor)
    return fk.fit(model, train, validation_data=validation, epochs=epochs, verbose=0).history


def test_heads_follow_from_the_table(frame):
    heads = fk.heads_for(read(frame, LABELS).train)
    assert {name: head.task for name, head in heads.items()} == LABELS
    assert (heads["kind"].num_classes, heads["genres"].num_classes) == (2, 3)
    assert heads["stars"].num_classes == 3
    for column in ("kind", "stars"):
        head = fk.heads_for(read(frame, column, LABELS[column]).train)
        assert head.task == LABELS[column] and head.name == "probabilities"


def test_quantities_are_standardised_by_the_rows_of_training(frame):
    prices = pd.DataFrame({**frame, "price": [*frame["price"][:39], ""]})
    train = read(prices, {"kind": "classification", "price": "regression"}).train
    head = fk.heads_for(train)["price"]
    numbers = train.labels["price"][np.isfinite(train.labels["price"])]
    assert head.mean == pytest.approx(numbers.mean(dtype=float))
    assert head.deviation == pytest.approx(numbers.std(dtype=float))
    alike = pd.DataFrame({**frame, "price": "7"})
    assert fk.heads_for(read(alike, "price", "regression").train).deviation == 1.0
    with pytest.raises(TypeError, match="Wrong type of table"):
        fk.heads_for(frame)


@pytest.mark.slow
@pytest.mark.parametrize("column", LABELS)
def test_one_head_learns(frame, column):
    keras.utils.set_random_seed(0)
    data = read(frame, column, LABELS[column])
    model, preprocessor = build(data)
    fk.compile_model(model, learning_rate=0.02)
    history = fit(model, preprocessor, data, epochs=4)
    assert history["loss"][-1] < history["loss"][0] and np.isfinite(history["val_loss"]).all()


@pytest.mark.slow
def test_several_heads_learn_and_are_weighed(frame):
    keras.utils.set_random_seed(0)
    frame = pd.DataFrame({**frame, "price": ["", *frame["price"][1:]]})
    data = read(frame, LABELS)
    model, preprocessor = build(data)
    kinds = {"kind": "focal", "genres": "logit_adjusted", "stars": "logit_adjusted"}
    fk.compile_model(model, 0.02, loss=kinds, train=data.train)
    weights = {"kind": "balanced", "genres": {"red": 2.0}}
    history = fit(model, preprocessor, data, epochs=4, class_weight=weights)
    assert history["loss"][-1] < history["loss"][0] and np.isfinite(history["val_loss"]).all()
    for name in ("kind_loss", "genres_f1_micro", "price_mae", "stars_accuracy"):
        assert f"val_{name}" in history
    test = fk.prepare(data.test, preprocessor)
    alike = model.evaluate(test, return_dict=True, verbose=0)
    fk.compile_model(model, loss=kinds, train=data.train, loss_weights={"price": 0.5})
    lighter = model.evaluate(test, return_dict=True, verbose=0)
    assert lighter["loss"] == pytest.approx(alike["loss"] - alike["price_loss"] / 2, rel=1e-5)


@pytest.mark.slow
def test_several_heads_learn_on_kept_features(frame):
    """As on the whole model: the trunk and the heads are all that is trained."""
    data = read(frame, LABELS)
    losses = []
    for cache in (True, False):
        keras.utils.set_random_seed(0)
        model, preprocessor = build(data)
        fk.freeze(model, "text")
        fk.compile_model(model, 0.02)
        train = fk.prepare(data.train, preprocessor, batch_size=8)
        losses.append(fk.fit(model, train, epochs=2, cache=cache, verbose=0).history)
    assert losses[0].keys() == losses[1].keys()
    for name, values in losses[0].items():
        np.testing.assert_allclose(values, losses[1][name], rtol=1e-4)


def test_a_label_that_is_missing_counts_nowhere(frame):
    """Other heads of the row count as before."""
    heads = {"kind": "classification", "price": "regression"}
    data = read(pd.DataFrame({**frame, "price": ["", "", *frame["price"][2:]]}), heads)
    model, preprocessor = build(data)
    fk.compile_model(model)
    table = data.train
    whole = model.evaluate(fk.prepare(table, preprocessor), return_dict=True, verbose=0)
    known = table.take(np.isfinite(table.labels["price"]))
    assert len(known) < len(table)
    priced = model.evaluate(fk.prepare(known, preprocessor), return_dict=True, verbose=0)
    assert whole["price_mae"] == pytest.approx(priced["price_mae"], rel=1e-5)


def test_kinds_of_loss(frame):
    data = read(frame, LABELS)
    model, _ = build(data)
    fk.compile_model(model, loss={"kind": "logit_adjusted", "price": keras.losses.Huber()},
                     train=data.train)  # fmt: skip
    assert {name: loss.name for name, loss in model.loss.items()} == {
        "kind": "logit_adjusted", "genres": "binary_crossentropy", "price": "huber_loss",
        "stars": "ordinal_crossentropy",
    }  # fmt: skip
    counts = np.bincount(data.train.labels["kind"]).tolist()
    assert model.loss["kind"].priors == counts
    fk.compile_model(model, loss="focal")  # of those that have classes
    assert [loss.name for loss in model.loss.values()] == ["focal"] * 2 + [
        "standardised_error", "focal"
    ]  # fmt: skip
    classifier = fk.build_classifier([fk.lstm_branch(WORDS, 3)])
    assert fk.compile_classifier(classifier, loss="focal").loss.name == "focal"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"loss": {"price": "focal"}}, "Regression has no classes"),
        ({"loss": {"genre": "focal"}}, "Unknown head 'genre'.*Did you mean 'genres'"),
        ({"loss": {"kind": "logit_adjusted"}}, "Pass train=data.train"),
        ({"loss_weights": {"genre": 2.0}}, "Unknown head 'genre'.*loss_weights="),
        ({"loss_weights": {"price": -1.0}}, "Wrong weight of a loss. Expected a finite number"),
        ({"loss": fk.FocalLoss()}, "A loss for classification cannot judge a head of"),
        ({"loss": {"stars": fk.FocalLoss()}}, "head of ordinal.*Make it with task='ordinal'"),
        ({"loss": {"kind": "mse"}}, r"Unknown kind of loss. Expected one of \['focal', 'logit"),
    ],
)
def test_wrong_losses(frame, kwargs, message):
    model, _ = build(read(frame, LABELS))
    with pytest.raises(ValueError, match=message):
        fk.compile_model(model, **kwargs)


def test_weights_of_losses_are_by_head(frame):
    model, _ = build(read(frame, LABELS))
    with pytest.raises(TypeError, match="Wrong weights of several losses. Expected a dict of"):
        fk.compile_model(model, loss_weights=[1, 1, 1, 0.5])


def test_a_table_of_other_labels(frame):
    model, _ = build(read(frame, "kind"))
    with pytest.raises(ValueError, match="The labels of the table are of ordinal, and the head is"):
        fk.compile_model(model, loss="logit_adjusted", train=read(frame, "stars", "ordinal").train)
    with pytest.raises(ValueError, match="The table has not the labels of the model"):
        fk.compile_model(model, loss="logit_adjusted", train=read(frame, LABELS).train)
    with pytest.raises(ValueError, match="Unknown head 'kind'. Expected no dict, as there is one"):
        fk.compile_model(model, loss={"kind": "focal"})
    with pytest.raises(TypeError, match="Wrong type of table"):
        fk.compile_model(model, loss="logit_adjusted", train=[0, 1])
