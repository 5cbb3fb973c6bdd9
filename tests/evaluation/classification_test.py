import json
import math

import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf

import fusionkeras as fk


def report(classes=3, rows=60, seed=0):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), rows).astype("float32")
    names = [f"class {i}" for i in range(classes)]
    return fk.ClassificationReport(names, random.integers(0, classes, rows), probabilities)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_every_number_is_scikit_learns(classes):
    found = report(classes)
    true, predicted, p = found.labels, found.predictions, found.probabilities
    assert found.accuracy == sklearn.metrics.accuracy_score(true, predicted)
    assert found.f1_macro == sklearn.metrics.f1_score(true, predicted, average="macro")
    scores = {"y_score": p[:, 1]} if classes == 2 else {"y_score": p, "multi_class": "ovr"}
    assert found.roc_auc == pytest.approx(sklearn.metrics.roc_auc_score(true, **scores), abs=1e-7)
    p = p.astype("float64") / p.astype("float64").sum(axis=-1, keepdims=True)
    assert found.log_loss == pytest.approx(sklearn.metrics.log_loss(true, p), abs=1e-9)
    matrix = sklearn.metrics.confusion_matrix(true, predicted)
    np.testing.assert_array_equal(found.confusion, matrix)
    for i, row in enumerate(found.per_class.values()):
        assert row["rows"] == np.sum(true == i)
        assert row["recall"] == pytest.approx(matrix[i, i] / matrix[i].sum())
        assert row["precision"] == pytest.approx(matrix[i, i] / matrix[:, i].sum())


def test_as_dict_is_json_also_where_a_number_is_undefined():
    one_class = fk.ClassificationReport(["a", "b"], np.zeros(3, int), np.full((3, 2), 0.5))
    assert math.isnan(one_class.roc_auc)
    content = json.loads(json.dumps(one_class.as_dict()))
    assert content["roc_auc"] is None and content["rows"] == 3
    assert set(content) == {"accuracy", "f1_macro", "roc_auc", "log_loss", "rows", "per_class",
                            "expected_calibration_error", "confusion", "class_names"}  # fmt: skip


def test_printed_it_is_a_table():
    labels, p = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    expected = """\
               precision  recall      f1    rows
cat               0.5000  1.0000  0.6667       1
dog               1.0000  0.5000  0.6667       2

accuracy 0.6667   macro F1 0.6667   ROC AUC 1.0000   log loss 0.5108   rows 3
expected calibration error 0.3333

confusion (true class down, predicted across):
                    #0   #1
#0 cat               1    0
#1 dog               1    1"""
    shown = str(fk.ClassificationReport(["cat", "dog"], labels, p))
    assert [line.rstrip() for line in shown.splitlines()] == expected.splitlines()


def model_and_data(num_classes, weights=None):
    model = fk.build_classifier([fk.lstm_branch(["a"], 3, units=4)], num_classes=num_classes)
    random = np.random.default_rng(0)
    parts = [random.integers(0, 3, (10, 3)), random.integers(0, num_classes, 10)]
    dataset = tf.data.Dataset.from_tensor_slices(
        ({"text_token_ids": parts[0]}, *parts[1:], *([] if weights is None else [weights]))
    )
    return model, parts, dataset.batch(4)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_evaluate_keeps_rows_and_labels_together(num_classes):
    model, (ids, labels), dataset = model_and_data(num_classes)
    found = fk.evaluate(model, dataset, [str(i) for i in range(num_classes)])
    np.testing.assert_array_equal(found.labels, labels)
    p = model.predict([ids], verbose=0)
    expected = np.hstack([1 - p, p]) if num_classes == 2 else p
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-5)


def test_rows_of_weight_zero_are_left_out_and_others_not_weighted():
    weights = np.array([0, 1, 5, 0.1, 1, 1, 0, 1, 1, 1], "float32")
    model, (_, labels), dataset = model_and_data(3, weights)
    found = fk.evaluate(model, dataset, ["a", "b", "c"])
    np.testing.assert_array_equal(found.labels, labels[weights > 0])


def test_nothing_to_evaluate():
    model, _, dataset = model_and_data(3, np.zeros(10, "float32"))
    with pytest.raises(ValueError, match="There is no row to evaluate"):
        fk.evaluate(model, dataset, ["a", "b", "c"])


def test_too_few_names():
    model, _, dataset = model_and_data(3)
    with pytest.raises(ValueError, match=r"tells 3 classes apart.*class_names=\['a', 'b'\]"):
        fk.evaluate(model, dataset, ["a", "b"])
