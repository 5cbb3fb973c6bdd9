"""Learning curves: nested rows, features computed once, means and intervals."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import fusionkeras as fk
from fusionkeras.evaluation.learning import draw_nested


def tables(rows=60):
    frame = pd.DataFrame(
        {
            "text": [f"{'red' if row % 3 else 'blue'} w{row}" for row in range(rows)],
            "label": ["warm" if row % 3 else "cold" for row in range(rows)],
        }
    )
    return fk.read_table(frame, {"text": "text"}, label="label", split=(0.8, 0, 0.2))


def build(train, seen=None):
    """A model that is quickly traced, with a vocabulary of the rows of training."""
    vocabulary = fk.learn_vocabulary(train, "text")
    if seen is not None:
        seen.append({word for word in vocabulary if word[0] == "w"})
    ids = keras.Input((2,), name="text_token_ids", dtype="int32")
    words = keras.layers.Embedding(len(vocabulary) + 2, 4)(ids)
    outputs = {
        "pooled_output": keras.layers.Flatten()(words),
        "present": keras.ops.any(ids != 0, axis=-1),
    }
    encoder = keras.Model(ids, outputs, name="text_encoder")
    branches = [fk.Branch("text", encoder, fk.WordIds(vocabulary, sequence_length=2))]
    model = fk.build_classifier(branches)
    return fk.compile_classifier(model, learning_rate=0.1), fk.build_preprocessor(branches)


def test_smaller_sizes_are_part_of_larger_ones_and_stratified():
    train = tables(400).train
    drawn = draw_nested(train, [0.1, 0.25, 0.5, 1.0], seed=3)
    assert [len(places) for places in drawn] == [32, 80, 160, 320]
    for small, large in zip(drawn[:-1], drawn[1:], strict=True):
        assert set(small) < set(large)
    for places in drawn:
        assert np.mean(train.labels[places]) == pytest.approx(np.mean(train.labels), abs=0.02)
    again, other = draw_nested(train, [0.1], seed=3)[0], draw_nested(train, [0.1], seed=4)[0]
    assert not np.array_equal(again, other)
    few = draw_nested(train, [0.001], seed=0)[0]
    assert sorted(train.labels[few]) == [0, 1]  # one of each class, however small


@pytest.mark.slow
def test_more_rows_each_time_measured_on_the_same():
    data, seen = tables(), []
    curve = fk.learning_curve(
        lambda train: build(train, seen), data.train, data.test, (1, 0.25), repeats=2, epochs=8,
        verbose=0,
    )  # fmt: skip
    assert curve.sizes == [0.25, 1.0] and curve.rows == [12, 48]
    assert [len(words) for words in seen] == [12, 48] * 2 and seen[0] < seen[1] != seen[0]
    assert seen[0] != seen[2]
    for repeats in curve.reports:
        for report in repeats:
            np.testing.assert_array_equal(report.labels, data.test.labels)
    found = curve.metrics()["accuracy"]
    assert found.shape == (2, 2) and found[1].mean() > 0.9
    told = json.loads(json.dumps(curve.as_dict(), allow_nan=False))
    assert told["rows"] == [12, 48] and told["metrics"]["accuracy"][1]["rows"] == 48
    assert told["metrics"]["accuracy"][1]["values"] == found[1].tolist()
    assert str(curve).startswith("accuracy, on 12 rows\n  rows    mean")


def test_several_heads_and_a_single_repeat():
    kind = fk.ClassificationReport(["a", "b"], np.array([0, 1]), np.eye(2))
    price = fk.RegressionReport(np.zeros(3), np.ones(3))
    curve = fk.LearningCurve([1.0], [9], [[fk.HeadReports({"kind": kind, "price": price})]])
    assert {"kind accuracy", "price mae"} <= set(curve.metrics())
    assert np.isnan(curve.interval("price mae")).all()
    told = json.loads(json.dumps(curve.as_dict(), allow_nan=False))
    assert told["metrics"]["price mae"][0]["interval"] == [None, None]
    shown = str(curve).split("\n\n")
    assert shown[0].startswith("kind accuracy, on 2 rows") and "nan to nan" in shown[0]
    assert shown[1].startswith("price mae, on 3 rows") and len(shown) == 2


def test_the_interval_is_students():
    values = np.array([[0.5, 0.7, 0.6], [0.8, 0.8, 0.9]])
    reports = [[fk.RegressionReport(np.zeros(4), np.full(4, x)) for x in row] for row in values]
    curve = fk.LearningCurve([0.5, 1.0], [4, 8], reports)
    for level in (0.95, 0.8):
        for row, found in zip(values, curve.interval("mae", level), strict=True):
            expected = stats.t.interval(level, 2, loc=row.mean(), scale=stats.sem(row))
            assert tuple(found) == pytest.approx(expected)
    told = curve.summary()["mae"][0]
    assert told["mean"] == pytest.approx(0.6) and told["std"] == pytest.approx(0.1)
    assert "     4  0.6000   0.1000  0.3516 to 0.8484      0.5000 0.7000 0.6000" in str(curve)


WRONG = [
    (
        {"train": "posts.csv"},
        TypeError,
        "Wrong type of train. Expected a Table, such as data.train",
    ),
    ({"test": None}, TypeError, "Wrong type of test. Expected a Table, such as data.test"),
    ({"sizes": (0, 1)}, ValueError, r"Wrong sizes. Expected different shares .* in \(0, 1\]"),
    ({"sizes": ()}, ValueError, "Wrong sizes"),
    ({"sizes": 0.5}, ValueError, "Wrong sizes"),
    ({"sizes": (0.5, 0.5)}, ValueError, "Wrong sizes"),
    ({"repeats": 0}, ValueError, "The number of repeats is too small"),
    ({"seed": -1}, ValueError, "The seed is too small"),
    ({"build": lambda train: 3}, TypeError, r"Expected \(model, preprocessor\)"),
]


@pytest.mark.parametrize("arguments, kind, message", WRONG)
def test_wrong_arguments(arguments, kind, message):
    data = tables(10)
    with pytest.raises(kind, match=message):
        fk.learning_curve(**{"build": build, "train": data.train, "test": data.test} | arguments)
