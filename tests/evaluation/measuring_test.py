"""From a model and data to reports, for every task and several heads."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.evaluation import (
    HeadReports,
    MultilabelReport,
    OrdinalReport,
    RegressionReport,
    evaluate,
    tune_thresholds,
)

RANDOM = np.random.default_rng(0)
TAGS = RANDOM.uniform(size=(6, 2)).astype("float32")
VALUES = RANDOM.normal(size=6).astype("float32")
LABELS = {"tags": np.float32([[1, 0], [0, 1], [-1, -1], [1, 1], [0, 0], [0, 1]]),
          "price": np.float32([1, 2, 3, np.nan, 5, 6])}  # fmt: skip


class Served:
    """Answers as a served model does: with what stands in its input."""

    def __init__(self, tasks, class_names=None, thresholds=None):
        self.tasks, self.class_names, self.thresholds = tasks, class_names, thresholds

    def __call__(self, columns):
        return columns


TWO = Served({"tags": "multilabel", "price": "regression"}, {"tags": ["new", "red"], "price": None})
ANSWERS = {"tags_probabilities": TAGS, "price_value": VALUES}


def batches(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(4)


def test_several_heads_each_on_the_rows_that_have_its_label():
    weights = {"tags": np.float32([1, 1, 1, 1, 1, 0]), "price": np.ones(6, "float32")}
    found = evaluate(TWO, batches(ANSWERS, LABELS, weights))
    assert isinstance(found, HeadReports) and list(found.reports) == ["tags", "price"]
    np.testing.assert_array_equal(found["tags"].labels, LABELS["tags"][[0, 1, 3, 4]])
    np.testing.assert_array_equal(found["tags"].probabilities, TAGS[[0, 1, 3, 4]])
    np.testing.assert_array_equal(found["price"].predictions, VALUES[[0, 1, 2, 4, 5]])
    assert found["tags"].class_names == ["new", "red"]


def test_one_weight_for_all_heads_and_a_head_without_rows():
    labels = {**LABELS, "price": np.full(6, np.nan, "float32")}
    found = evaluate(TWO, batches(ANSWERS, labels, np.float32([1, 1, 0, 0, 0, 0])))
    assert list(found.reports) == ["tags"] and found["tags"].rows == 2


def test_thresholds_are_those_said_or_those_served():
    served = Served(TWO.tasks, TWO.class_names, {"tags": [0.1, 0.2]})
    data = batches(ANSWERS, LABELS)
    assert evaluate(TWO, data)["tags"].thresholds == 0.5
    assert evaluate(served, data)["tags"].thresholds == [0.1, 0.2]
    assert evaluate(served, data, thresholds={"tags": 0.3})["tags"].thresholds == 0.3


def test_thresholds_are_tuned_on_the_rows_that_count():
    from fusionkeras.evaluation.multilabel import best_thresholds

    data = batches(ANSWERS, LABELS, np.float32([1, 1, 1, 1, 1, 0]))
    kept = [0, 1, 3, 4]
    tuned = tune_thresholds(TWO, data)
    np.testing.assert_array_equal(tuned["tags"], best_thresholds(LABELS["tags"][kept], TAGS[kept]))
    one = Served("multilabel", ["new", "red"])
    data = batches({"probabilities": TAGS}, LABELS["tags"])
    assert tune_thresholds(one, data).shape == (2,)
    assert isinstance(evaluate(one, data), MultilabelReport)
    with pytest.raises(ValueError, match="has no multilabel head. Expected one.*'regression'"):
        tune_thresholds(Served("regression"), data)


def test_one_head_of_every_other_task():
    data = batches({"value": VALUES}, LABELS["price"])
    found = evaluate(Served("regression"), data)
    assert isinstance(found, RegressionReport) and found.rows == 5
    data = batches({"probabilities": TAGS}, np.int32([0, 1, -1, 1, 0, 1]))
    found = evaluate(Served("ordinal", ["low", "high"]), data)
    assert isinstance(found, OrdinalReport) and found.rows == 5


def test_a_head_that_is_called_like_an_answer():
    served = Served({"kind": "ordinal", "kind_label": "regression"}, {"kind": ["low", "high"]})
    answers = {"kind_label": np.full(6, b"low"), "kind_probabilities": TAGS,
               "kind_label_value": VALUES}  # fmt: skip
    labels = {"kind": np.zeros(6, "int32"), "kind_label": np.zeros(6, "float32")}
    found = evaluate(served, batches(answers, labels))
    np.testing.assert_array_equal(found["kind_label"].predictions, VALUES)
    np.testing.assert_array_equal(found["kind"].probabilities, TAGS)


def test_what_does_not_fit():
    data = batches(ANSWERS, LABELS)
    with pytest.raises(ValueError, match="has several heads. Expected a dict by head, of .'tags'"):
        evaluate(TWO, data, ["new", "red"])
    with pytest.raises(ValueError, match="has several heads"):
        evaluate(TWO, data, thresholds={"tag": 0.5})
    with pytest.raises(ValueError, match="tells 2 classes apart.*class_names=None"):
        evaluate(TWO, data, {"tags": None})
    with pytest.raises(ValueError, match="There is no row to evaluate"):
        evaluate(TWO, batches(ANSWERS, LABELS, np.zeros(6, "float32")))


def test_class_names_of_prepared_data_need_not_be_said():
    import pandas as pd

    frame = pd.DataFrame({"text": ["red", "blue"] * 4, "label": ["warm", "cold"] * 4})
    data = fk.read_table(frame, {"text": "text"}, "label", split=(1, 0, 0))
    branch = fk.lstm_branch(["red"], sequence_length=1, units=2)
    model = fk.build_classifier([branch])
    found = evaluate(model, fk.prepare(data.train, fk.build_preprocessor([branch])))
    assert found.class_names == ["cold", "warm"] and found.rows == 8


@pytest.mark.parametrize(
    "labels",
    [
        {"label": "price", "task": "regression"},
        {"label": {"kind": "classification", "price": "regression"}},
    ],
    ids=["task", "heads"],
)
def test_labels_that_the_model_does_not_answer(labels):
    rows = pd.DataFrame({"text": ["red", "blue"] * 10, "kind": ["a", "b"] * 10})
    rows["price"] = np.arange(20) / 8
    data = fk.read_table(rows, {"text": "text"}, files=(), **labels)
    branch = fk.lstm_branch(["red"], 4, units=2)
    model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
    message = "The labels of the table are not those that the model answers.*classification"
    with pytest.raises(ValueError, match=message):
        evaluate(model, fk.prepare(data.train, preprocessor))
    with pytest.raises(ValueError, match=message):
        fk.calibrate(model, fk.prepare(data.train, preprocessor))
    with pytest.raises(ValueError, match=message):
        fk.robustness(fk.end_to_end(model, preprocessor, ["a", "b"]), data.train)
