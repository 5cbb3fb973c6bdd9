"""The metric as each modality vanishes."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.evaluation.missing import evaluate_missing

WORDS = ["red", "blue", "warm", "cold"]


@pytest.fixture
def asked():
    """A model of two text branches, and data in which each column alone tells the label."""
    frame = pd.DataFrame(
        {"a": ["red", "blue"] * 20, "b": ["warm", "cold"] * 20, "label": ["x", "y"] * 20}
    )
    data = fk.read_table(frame, {"a": "a", "b": "b"}, label="label", files=(), split=(1, 0, 0))
    branches = [fk.lstm_branch(WORDS, 2, units=4, name=name) for name in "ab"]
    model = fk.build_classifier(branches, "average", modality_dropout=0.3)
    preprocessor = fk.build_preprocessor(branches)
    fk.compile_classifier(model, 0.05)
    batches = fk.prepare(data.train, preprocessor)
    fk.fit(model, batches, epochs=12, verbose=0)
    return model, batches, data


@pytest.mark.slow
def test_a_model_that_knows_absence_falls_back_on_the_rest(asked):
    model, batches, data = asked
    report = fk.evaluate(model, batches, data.class_names, missing=[0, 0.5, 1])
    assert report.metric() == ("accuracy", {key: {0: 1.0, 0.5: 1.0, 1: 1.0} for key in "ab"})
    whole = fk.evaluate(model, batches, data.class_names)
    np.testing.assert_array_equal(report.reports["a"][0].probabilities, whole.probabilities)
    alone = report.reports["a"][1.0].probabilities
    ids = next(iter(batches))[0]
    expected = model({**ids, "a_token_ids": tf.zeros_like(ids["a_token_ids"])})
    np.testing.assert_allclose(alone[:32, 1], np.asarray(expected)[:, 0], rtol=1e-5)
    assert json.loads(json.dumps(report.as_dict()))["a"]["0.5"]["rows"] == 40
    assert str(report).splitlines()[0] == "accuracy, by share of rows without it"
    assert data.train.failures == []


def test_rows_are_drawn_once_and_the_table_stays_as_it_is():
    frame = pd.DataFrame({"a": ["red"] * 8, "b": ["x"] * 8, "label": ["x", "y"] * 4})
    table = fk.read_table(
        frame, {"a": "a", "b": "b"}, label="label", files=(), split=(1, 0, 0)
    ).train

    def answer(table):
        filled = np.stack([cells != "" for cells in table.columns.values()], axis=1)
        counts = np.arange(8) > 0  # the first row never counts
        return {"": (np.arange(8), filled, counts)}

    def report(found):
        labels, filled, counts = found[""]
        assert (labels == np.arange(8)).all()
        return filled[counts]

    reports = evaluate_missing(answer, report, table, ["a", "b"], [0.0, 0.25, 0.5, 1.0]).reports
    gone = {x: [(~filled).sum(axis=0) for filled in reports[x].values()] for x in "ab"}
    assert [a for _, a in gone["a"]] == [0] * 4 and [a for a, _ in gone["b"]] == [0] * 4
    assert gone["a"][0][0] == 0 and gone["a"][3][0] == 7 and 3 <= gone["a"][2][0] <= 4
    assert (~reports["a"][0.5][:, 0] >= ~reports["a"][0.25][:, 0]).all()
    assert (reports["a"][0.5][:, 0] == reports["b"][0.5][:, 1]).all()
    assert (table.columns["a"] == "red").all() and table.missing == "quarantine"


@pytest.mark.parametrize("shares", [[], [-0.1], [1.5], 0.5, ["half"]])
def test_wrong_shares_are_an_error(shares):
    with pytest.raises(ValueError, match=r"Wrong shares of missing modalities.*missing="):
        evaluate_missing(None, None, None, ["a", "b"], shares)


def test_a_model_of_one_column_is_an_error():
    with pytest.raises(ValueError, match=r"reads a single column.*columns=\['a'\]"):
        evaluate_missing(None, None, None, ["a"], [0.5])


def test_data_of_another_kind_are_an_error():
    model = fk.build_classifier([fk.lstm_branch(WORDS, 2, units=4)])
    with pytest.raises(ValueError, match=r"from a table only\. Expected what prepare returns"):
        fk.evaluate(model, [], ["x", "y"], missing=[0.5])
