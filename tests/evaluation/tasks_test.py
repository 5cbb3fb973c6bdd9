"""The programs of every task, from a table to a report."""

import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk

ROWS = 24
FRAME = pd.DataFrame({
    "text": ["red", "blue", "red blue"] * 8,
    "tags": ["red", "blue", "red|blue"] * 8,
    "price": [10.0, 20.0, 30.0] * 8,
    "stars": ["1", "2", "10"] * 8,
    "kind": ["plain", "plain", "mixed"] * 8,
})  # fmt: skip
REPORTS = {
    "multilabel": ("tags", fk.MultilabelReport),
    "regression": ("price", fk.RegressionReport),
    "ordinal": ("stars", fk.OrdinalReport),
    "classification": ("kind", fk.ClassificationReport),
}


def trained(frame, label, task=None, loss=None, class_weight=None):
    """A model that was fitted for one epoch; its rows, its batches, its preprocessor."""
    data = fk.read_table(frame, {"text": "text"}, label, task=task, split=(1, 0, 0))
    branch = fk.lstm_branch(["red", "blue"], sequence_length=2, units=4)
    model = fk.build_model([branch], heads=fk.heads_for(data.train), hidden_dims=[4])
    fk.compile_model(model, learning_rate=1e-2, loss=loss, train=data.train)
    preprocessor = fk.build_preprocessor([branch])
    train = fk.prepare(data.train, preprocessor, batch_size=ROWS, class_weight=class_weight)
    history = fk.fit(model, train, epochs=1, verbose=0)
    assert all(np.isfinite(one).all() for one in history.history.values())
    return model, data, train, preprocessor


@pytest.mark.slow
@pytest.mark.parametrize("task", REPORTS)
def test_one_head(task):
    label, kind = REPORTS[task]
    model, data, train, preprocessor = trained(FRAME, label, task)
    found = fk.evaluate(model, train)
    assert isinstance(found, kind) and found.rows == ROWS
    np.testing.assert_array_equal(found.labels, data.train.labels)
    answers = model.predict(train, verbose=0)
    if task == "multilabel":
        np.testing.assert_allclose(found.probabilities, answers, rtol=1e-5)
        assert fk.evaluate(model, train, thresholds=[0, 1]).predictions.tolist() == [[1, 0]] * ROWS
    elif task == "regression":
        np.testing.assert_allclose(found.predictions, answers[:, 0], rtol=1e-5)
    elif task == "ordinal":
        assert found.class_names == ["1", "2", "10"]
        np.testing.assert_allclose(1 - found.probabilities[:, 0], answers[:, 0], rtol=1e-4)
        np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-6)


SEVERAL = {"kind": "classification", "price": "regression", "tags": "multilabel",
           "stars": "ordinal"}  # fmt: skip


def gaps():
    frame = FRAME.astype(object)
    frame.loc[:5, "price"] = None
    frame.loc[3:8, "tags"] = ""
    frame.loc[20:, "stars"] = ""
    return frame


@pytest.mark.slow
def test_several_heads_with_gaps():
    weights = {"kind": "balanced", "tags": {"red": 2}}
    model, data, train, preprocessor = trained(
        gaps(), SEVERAL, loss={"kind": "focal", "tags": "logit_adjusted"}, class_weight=weights
    )
    found = fk.evaluate(model, train)
    rows = {head: report.rows for head, report in found.reports.items()}
    assert rows == {"kind": 24, "price": 18, "tags": 18, "stars": 20}
    for head, (label, kind) in ((one[0], one) for one in REPORTS.values()):
        assert isinstance(found[label], kind) and head == label
    assert set(fk.tune_thresholds(model, train)) == {"tags"}


@pytest.mark.slow
def test_a_row_without_a_label_teaches_its_head_nothing():
    weights = []
    for price in (None, 1e6):
        frame = FRAME.astype(object)
        frame.loc[0, "price"] = price
        data = fk.read_table(frame, {"text": "text"}, {"kind": "classification",
                             "price": "regression"}, split=(1, 0, 0))  # fmt: skip
        branch = fk.lstm_branch(["red", "blue"], sequence_length=2, units=4)
        heads = {"kind": fk.ClassificationHead(2), "price": fk.RegressionHead(20.0, 8.0)}
        model = fk.compile_model(fk.build_model([branch], heads=heads))
        train = fk.prepare(data.train, fk.build_preprocessor([branch]), batch_size=ROWS)
        _, _, weight = next(iter(train))
        weights.append(weight["price"].numpy()[0])
        found = model.evaluate(train, verbose=0, return_dict=True)
        assert (found["loss"] > 1e6) == (price is not None)
    assert weights == [0, 1]


@pytest.mark.slow
def test_the_thresholds_of_a_served_model_are_known():
    model, data, train, preprocessor = trained(FRAME, "tags", "multilabel")
    thresholds = fk.tune_thresholds(model, train)
    serving = fk.end_to_end(model, preprocessor, data.class_names, thresholds)
    raw = fk.raw_batches(data.train, ROWS).map(lambda columns: (columns, data.train.labels))
    found, expected = fk.evaluate(serving, raw), fk.evaluate(model, train, thresholds=thresholds)
    np.testing.assert_array_equal(found.thresholds, thresholds)
    assert found.summary() == pytest.approx(expected.summary(), rel=1e-5)


@pytest.mark.slow
def test_several_heads_are_measured_served_as_well():
    model, data, train, preprocessor = trained(gaps(), SEVERAL)
    serving = fk.end_to_end(model, preprocessor, data.class_names)
    labels = data.train.labels
    raw = fk.raw_batches(data.train, ROWS).map(lambda columns: (columns, labels))
    found = fk.evaluate(serving, raw).summary()
    expected = fk.evaluate(model, train).summary()
    assert found.keys() == expected.keys()
    for head in expected:
        assert found[head] == pytest.approx(expected[head], rel=1e-4)
