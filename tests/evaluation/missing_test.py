"""The metric as each modality vanishes."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.evaluation import ClassificationReport, HeadReports, RegressionReport
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
    expected = {key: {0: 1.0, 0.5: 1.0, 1: 1.0} for key in "ab"}
    assert report.metrics() == {"accuracy": {"missing": expected}}
    whole = fk.evaluate(model, batches, data.class_names)
    np.testing.assert_array_equal(
        report.reports["missing"]["a"][0].probabilities, whole.probabilities
    )
    alone = report.reports["missing"]["a"][1.0].probabilities
    ids = next(iter(batches))[0]
    expected = model({**ids, "a_token_ids": tf.zeros_like(ids["a_token_ids"])})
    np.testing.assert_allclose(alone[:32, 1], np.asarray(expected)[:, 0], rtol=1e-5)
    assert json.loads(json.dumps(report.as_dict()))["missing"]["a"]["0.5"]["rows"] == 40
    assert str(report).splitlines()[0] == "accuracy, by share of cells taken away"
    assert data.train.failures == []


def table_of(**columns):
    rows = len(next(iter(columns.values())))
    frame = pd.DataFrame({**columns, "label": (["x", "y"] * rows)[:rows]})
    keys = {key: key for key in columns}
    options = {"files": (), "split": (1, 0, 0), "missing": "allow"}
    return fk.read_table(frame, keys, label="label", **options).train


def asked_of(table, head=""):
    """What a model would answer: which columns it was given; a row with nothing counts not."""
    filled = np.stack([cells != "" for cells in table.columns.values()], axis=1)
    return {head: (np.arange(len(table)), filled, filled.any(axis=1))}


def test_cells_are_drawn_once_and_the_table_stays_as_it_is():
    table = table_of(a=["red"] * 8 + [""], b=["x"] * 8 + ["x"])

    def report(found):
        labels, filled, counts = found[""]
        assert (labels == np.arange(9)).all()
        return filled, counts

    shares = [0.0, 0.25, 0.5, 1.0]
    found = evaluate_missing(asked_of, report, table, ["a", "b"], shares)
    reports = found.reports["missing"]
    gone = {x: [(~filled).sum(axis=0).tolist() for filled, _ in own.values()]
            for x, own in reports.items()}  # fmt: skip
    assert gone == {"a": [[1, 0], [3, 0], [5, 0], [9, 0]], "b": [[1, 0], [1, 2], [1, 4], [1, 9]]}
    rows = {x: {counts.sum() for _, counts in own.values()} for x, own in reports.items()}
    assert rows == {"a": {9}, "b": {8}}  # the last row would have nothing left without b
    filled = {share: filled for share, (filled, _) in reports["a"].items()}
    assert (~filled[0.5][:, 0] >= ~filled[0.25][:, 0]).all()
    assert (table.columns["a"][:8] == "red").all()


def test_a_column_that_is_all_there_is_has_no_numbers():
    table = table_of(a=["red"] * 2 + [""] * 2, b=[""] * 2 + ["x"] * 2)

    def report(found):
        assert found["k"][2].any()

    found = evaluate_missing(lambda x: asked_of(x, "k"), report, table, ["a", "b"], [0.0, 1.0])
    nothing = {"0.0": None, "1.0": None}
    assert found.as_dict() == {"missing": {"a": nothing, "b": nothing}}
    assert found.metrics() == {}


def test_every_head_has_a_table_of_its_own():
    price = RegressionReport(np.ones(3), np.ones(3))
    kind = ClassificationReport(["x", "y"], np.zeros(2, int), np.array([[0.9, 0.1]] * 2))
    both, one = HeadReports({"kind": kind, "price": price}), HeadReports({"price": price})
    report = fk.RobustnessReport({"missing": {"a": {0.0: both, 1.0: one}}})
    kinds, prices = (report.metrics()[x]["missing"]["a"] for x in ("kind accuracy", "price mae"))
    assert kinds[0.0] == 1 and np.isnan(kinds[1.0]) and prices == {0.0: 0, 1.0: 0}
    assert str(report).splitlines()[2].split() == ["a", "1.0000", "nan", "2"]


@pytest.mark.parametrize("shares", [[], [-0.1], [1.5], 0.5, ["half"]])
def test_wrong_shares_are_an_error(shares):
    with pytest.raises(
        ValueError,
        match=r"Wrong strengths of 'missing'\. Expected a list of numbers in \[0, 1\].*missing=",
    ):
        evaluate_missing(None, None, None, ["a", "b"], shares)


def test_a_model_of_one_column_is_an_error():
    with pytest.raises(ValueError, match=r"reads a single column.*columns=\['a'\]"):
        evaluate_missing(None, None, None, ["a"], [0.5])


def test_data_of_another_kind_are_an_error():
    model = fk.build_classifier([fk.lstm_branch(WORDS, 2, units=4)])
    with pytest.raises(ValueError, match=r"from a table only\. Expected what prepare returns"):
        fk.evaluate(model, [], ["x", "y"], missing=[0.5])
