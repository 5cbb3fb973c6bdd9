"""Label columns of every task, from tables of every form to the arrays of a `Table`."""

import logging

import numpy as np
import pandas as pd
import pytest

from fusionkeras.data import prepare, read_rows, read_table
from fusionkeras.preprocessing.text import WordIds

ALL = {"files": (), "split": (1, 0, 0)}


def frame_of(**columns):
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({"t": [f"word{row}" for row in range(rows)], **columns})


def read(frame, label="l", **arguments):
    return read_table(frame, {"text": "t"}, label, **{**ALL, **arguments})


def test_multilabel():
    data = read(frame_of(l=["b|a", "c", "", "a| b", "|"]), task="multilabel")
    assert data.class_names == data.train.class_names == ["a", "b", "c"]
    assert data.train.task == "multilabel" and data.train.labels.dtype == np.float32
    assert data.train.labels.tolist() == [[1, 1, 0], [0, 0, 1], [1, 1, 0]]
    assert data.quarantine[["row", "column", "value", "reason"]].to_numpy().tolist() == [
        [2, "l", "", "missing_label"], [4, "l", "|", "missing_label"]
    ]  # fmt: skip


LISTS = [["a", "b"], [], ["b"], None]


@pytest.mark.parametrize("ending", ["frame", "arrays", "parquet", "jsonl", "csv"])
def test_lists_of_labels(ending, tmp_path):
    frame, path = frame_of(l=LISTS), tmp_path / f"table.{ending}"
    if ending == "parquet":
        frame.to_parquet(path)
    elif ending == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif ending == "csv":
        frame_of(l=['["a", "b"]', "[]", '["b"]', ""]).to_csv(path, index=False)
    else:
        own = [np.array(cell, object) if cell is not None else cell for cell in LISTS]
        path = frame if ending == "frame" else frame_of(l=own)
    data = read(path, task="multilabel")
    assert data.class_names == ["a", "b"]
    assert data.train.labels.tolist() == [[1, 1], [0, 0], [0, 1]]
    assert data.quarantine["reason"].tolist() == ["missing_label"]


def test_lists_are_no_labels_of_another_task():
    with pytest.raises(ValueError, match="Row 0 of the column 'l' .* holds no single value"):
        read(frame_of(l=LISTS))
    with pytest.raises(ValueError, match="Row 0 of the column 'l' .* holds no single value"):
        read(frame_of(l=[[["a"]]]), task="multilabel")


def test_regression():
    cells = ["1.5", "-2", "", "dear", "inf", " 3e2"]
    data = read(frame_of(l=cells), task="regression")
    assert data.class_names is None and data.train.task == "regression"
    assert data.train.labels.dtype == np.float32
    assert data.train.labels.tolist() == [1.5, -2, 300]
    assert data.quarantine[["row", "reason", "detail"]].to_numpy().tolist() == [
        [2, "missing_label", "no label"],
        [3, "not_a_number", "no finite number"],
        [4, "not_a_number", "no finite number"],
    ]
    with pytest.raises(ValueError, match=r"have no number \(0 of 2 rows are usable\).*not_a_numb"):
        read(frame_of(l=["cheap", "dear"]), task="regression")


def test_ordinal_ranks_go_by_number(caplog):
    data = read(frame_of(l=["10", "2", "1"]), task="ordinal")
    assert data.class_names == ["1", "2", "10"] and data.train.labels.tolist() == [2, 1, 0]
    assert data.train.labels.dtype == np.int32 and not caplog.messages
    with pytest.raises(ValueError, match="'l' writes one rank in several ways.*'1', '1.0'"):
        read(frame_of(l=["1.0", "2", "1"]), task="ordinal")


def test_ordinal_ranks_of_words(caplog):
    cells = frame_of(l=["low", "high", "middle", "low"])
    with caplog.at_level(logging.WARNING, "fusionkeras"):
        data = read(cells, task="ordinal")
    assert data.class_names == ["high", "low", "middle"]
    assert "The ranks of 'l' are taken in the order of the alphabet" in caplog.messages[0]
    names = ["low", "middle", "high"]
    data = read(cells, task="ordinal", class_names=names)
    assert data.class_names == names and data.train.labels.tolist() == [0, 2, 1, 0]


def test_class_names_that_are_given():
    data = read(frame_of(l=["b", "x", "a"]), class_names=["b", "a", "never"])
    assert data.class_names == ["b", "a", "never"] and data.train.labels.tolist() == [0, 1]
    (entry,) = data.quarantine.to_dict("records")
    assert (entry["reason"], entry["detail"]) == ("unknown_label", "not one of the class_names")
    with pytest.raises(ValueError, match="have no label .0 of 1 rows are usable"):
        read(frame_of(l=["x"]), class_names=["a", "b"])


def test_unknown_labels_of_further_tables():
    data = read(frame_of(l=["a|b", "b"]), task="multilabel", test=frame_of(l=["b", "a|z"]))
    assert data.test.labels.tolist() == [[0, 1]]
    (entry,) = data.quarantine.to_dict("records")
    assert entry["table"] == "test" and entry["reason"] == "unknown_label"
    assert entry["detail"] == "'z' is not one of the 2 labels of the first table"


HEADS = {"kind": "classification", "price": "regression", "tags": "multilabel"}
SEVERAL = {
    "kind": ["cup", "pot", "", "cup", ""],
    "price": ["1", "x", "3.5", "", ""],
    "tags": ["red|new", "", "red", "new", "|"],
}


def test_several_heads():
    data = read(frame_of(**SEVERAL), HEADS)
    assert data.train.task == HEADS
    assert data.class_names == {"kind": ["cup", "pot"], "price": None, "tags": ["new", "red"]}
    labels = data.train.labels
    assert labels["kind"].tolist() == [0, 1, -1, 0]
    np.testing.assert_array_equal(labels["price"], [1, np.nan, 3.5, np.nan])
    assert labels["tags"].tolist() == [[1, 1], [-1, -1], [0, 1], [1, 0]]
    (entry,) = data.quarantine.to_dict("records")
    assert (entry["row"], entry["column"], entry["reason"]) == (4, "kind", "missing_label")
    assert data.absent[["row", "column", "reason"]].to_numpy().tolist() == [
        [1, "price", "not_a_number"], [1, "tags", "missing_label"],
        [2, "kind", "missing_label"], [3, "price", "missing_label"],
    ]  # fmt: skip
    part = data.train.take([2, 0])
    assert part.labels["kind"].tolist() == [-1, 0] and part.task == HEADS


def test_read_rows_of_every_task():
    names = {"kind": ["cup", "pot"], "tags": ["new", "red"]}
    arguments = {"columns": {"text": "t"}, "files": ()}
    table, statuses = read_rows(frame_of(**SEVERAL), label=HEADS, class_names=names, **arguments)
    assert table.labels["kind"].tolist() == [0, 1, -1, 0, -1] and table.task == HEADS
    assert statuses.tolist() == ["ok"] * 4 + ["missing_label"]
    table, statuses = read_rows(frame_of(l=["2", "x"]), label="l", task="regression", **arguments)
    np.testing.assert_array_equal(table.labels, [2, np.nan])
    assert statuses.tolist() == ["ok", "not_a_number"] and table.class_names is None
    with pytest.raises(ValueError, match="Labels need the names of the classes"):
        read_rows(frame_of(**SEVERAL), label=HEADS, **arguments)


WRONG = [
    ({"task": "clasification"}, ValueError, "Unknown task.*Did you mean 'classification'"),
    ({"label": {"l": "sorting"}}, ValueError, "Unknown task.*task='sorting'"),
    ({"label": {}}, ValueError, "There is no label"),
    ({"label": {"the price": "regression"}}, ValueError, "'the price' cannot name a head.*Rename"),
    ({"label": {"l": "ordinal"}, "task": "ordinal"}, ValueError, "tasks of several heads stand in"),
    ({"label": {"l": "ordinal"}, "class_names": ["a", "b"]}, TypeError, "Wrong class names"),
    ({"label": {"l": "ordinal"}, "class_names": {"k": []}}, ValueError, "Unknown head 'k'"),
    ({"class_names": ["a", "a"]}, ValueError, "Wrong class names. Expected two or more distinct"),
    ({"class_names": "ab"}, ValueError, "Wrong class names"),
    ({"task": "regression", "class_names": ["a", "b"]}, ValueError, "Regression has no classes"),
    ({"separator": " "}, ValueError, "Wrong separator"),
    ({"task": "multilabel", "class_names": ["a|b", "c"]}, ValueError, "label=.a.b.. Rename the label"),
    ({"label": 3}, TypeError, "Wrong type of label"),
]


@pytest.mark.parametrize("arguments, kind, message", WRONG)
def test_wrong_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        read(frame_of(l=["a", "b"]), **arguments)


def test_a_label_that_holds_what_stands_between_labels():
    with pytest.raises(ValueError, match=r"label='b.c'. Rename the label"):
        read(frame_of(l=["a;b|c", "a"]), task="multilabel", separator=";")


def test_too_few_labels_of_one_head():
    with pytest.raises(ValueError, match="fewer than two labels .2 of 2 rows.*column='l'"):
        read(frame_of(l=["a", "a"], price=["1", "2"]), {"price": "regression", "l": "ordinal"})


def test_splits_are_stratified():
    random = np.random.default_rng(0)
    rare = [f"common|{'rare' if row % 10 == 0 else 'usual'}" for row in range(100)]
    frame = frame_of(tags=rare, price=random.lognormal(size=100).astype(str))
    shares = {"split": (0.6, 0.2, 0.2)}
    data = read(frame, "tags", task="multilabel", **shares)
    splits = [data.train, data.validation, data.test]
    assert [int(one.labels[:, 1].sum()) for one in splits] == [6, 2, 2]
    data = read(frame, "price", task="regression", **shares)
    medians = [np.median(one.labels) for one in (data.train, data.validation, data.test)]
    assert max(medians) / min(medians) < 1.3
    data = read(frame, {"tags": "multilabel", "price": "regression"}, **shares)
    assert int(data.test.labels["tags"][:, 1].sum()) == 2  # by the first head


def test_every_class_of_every_head_is_in_train():
    kinds = ["a", "b"] * 20
    colours = ["red"] * 39 + ["blue"]
    for seed in range(10):
        data = read(frame_of(kind=kinds, colour=colours), {"kind": "classification",
                    "colour": "classification"}, split=(0.5, 0.25, 0.25), seed=seed)  # fmt: skip
        assert set(data.train.labels["colour"]) == {0, 1}
        assert len(data.train) + len(data.validation) + len(data.test) == 40


def batch(data, **arguments):
    words = WordIds(["word0"], sequence_length=1)
    (one,) = prepare(data.train, words, batch_size=9, **arguments)
    return one


def test_batches_of_one_head():
    data = read(frame_of(l=["b|a", "c", "[]"]), task="multilabel")
    _, labels, weights = batch(data)
    assert labels.numpy().tolist() == data.train.labels.tolist() and weights.numpy().all()
    _, labels, _ = batch(read(frame_of(l=["1", "2.5"]), task="regression"))
    assert labels.numpy().tolist() == [1, 2.5] and labels.dtype == "float32"
    _, labels, _ = batch(read(frame_of(l=["3", "1"]), task="ordinal"))
    assert labels.numpy().tolist() == [1, 0] and labels.dtype == "int32"


def test_a_missing_label_weighs_nothing_for_its_head_alone():
    data = read(frame_of(**SEVERAL), HEADS)
    _, labels, weights = batch(data)
    assert {head: one.numpy().tolist() for head, one in weights.items()} == {
        "kind": [1, 1, 0, 1], "price": [1, 0, 1, 0], "tags": [1, 0, 1, 1]
    }  # fmt: skip
    assert labels["kind"].numpy().tolist() == [0, 1, 0, 0]
    assert labels["price"].numpy().tolist() == [1, 0, 3.5, 0]
    assert labels["tags"].numpy().tolist() == [[1, 1], [0, 0], [0, 1], [1, 0]]


def test_a_missing_number_is_no_nan_in_a_batch():
    table, _ = read_rows(frame_of(l=["2", "x"]), {"text": "t"}, (), label="l", task="regression")
    ((_, labels, weights),) = prepare(table, WordIds(["word0"], sequence_length=1))
    assert labels.numpy().tolist() == [2, 0] and weights.numpy().tolist() == [1, 0]


def test_class_weights_of_several_heads():
    data = read(frame_of(**SEVERAL), HEADS)
    wanted = {"kind": "balanced", "tags": {"red": 3.0}}
    _, _, weights = batch(data, class_weight=wanted)
    assert weights["kind"].numpy().tolist() == [0.75, 1.5, 0, 0.75]
    assert weights["tags"].numpy().tolist() == [2, 0, 3, 1]
    assert weights["price"].numpy().tolist() == [1, 0, 1, 0]


def test_balanced_multilabel_weighs_labels_as_classes():
    data = read(frame_of(l=["a", "a", "a", "b", "[]"]), task="multilabel")
    _, _, weights = batch(data, class_weight="balanced")
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2, 1], rtol=1e-6)


@pytest.mark.parametrize(
    "label, weights, kind, message",
    [
        (HEADS, "balanced", TypeError, "Wrong class weights of several heads"),
        (HEADS, {"kin": None}, ValueError, "Unknown head 'kin'.*Did you mean 'kind'"),
        (HEADS, {"price": "balanced"}, ValueError, "Regression has no classes to weigh"),
        (HEADS, {"tags": {"blue": 2}}, ValueError, "Unknown class 'blue'"),
    ],
)
def test_wrong_class_weights(label, weights, kind, message):
    with pytest.raises(kind, match=message):
        batch(read(frame_of(**SEVERAL), label), class_weight=weights)
