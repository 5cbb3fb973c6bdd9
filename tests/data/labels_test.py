"""Cells of label columns: numbers, several labels, and the task that a column implies."""

import math

import numpy as np
import pandas as pd
import pytest

from fusionkeras.data import infer_task
from fusionkeras.data.labels import number_of, split_labels

SPLIT = {
    "a": ["a"],
    "a|b": ["a", "b"],
    " a | b |": ["a", "b"],
    "a|a": ["a"],
    "||": None,
    " ": None,
    "": None,
    "[]": [],
    '["a", "b|c", " d"]': ["a", "b|c", " d"],
    "['a', 'b|c']": ["a", "b|c"],
    "[1, 2.50, true]": ["1", "2.50", "True"],
    '["a", null]': None,
    '["a", NaN]': None,
    '["a", ""]': None,
    "[[1]]": ["[[1]]"],
    "[draft]|done": ["[draft]", "done"],
}


@pytest.mark.parametrize("cell", SPLIT)
def test_labels_of_a_cell(cell):
    assert split_labels(cell) == SPLIT[cell]


def test_another_separator():
    assert split_labels("a; b|c", ";") == ["a", "b|c"]


@pytest.mark.parametrize("cell", ["", "x", "nan", "inf", "-inf", "1e39", "1_000", "1,5", "True"])
def test_what_is_no_number(cell):
    assert math.isnan(number_of(cell))


def test_numbers():
    assert [number_of(cell) for cell in ["3", " -1.5 ", "1e3", "007"]] == [3, -1.5, 1000, 7]


INFERRED = [
    (["a", "b", "a"], "classification", "2 different labels in 3 rows"),
    (["1", "2", "3", ""], "classification", "3 different labels in 3 rows"),
    (["1.0", "2.0"], "classification", "2 different"),
    ([str(x) for x in range(21)], "regression", "all 21 labels are numbers, 21 of them different"),
    ([str(x) for x in range(20)], "classification", "20 different"),
    (["1", "2.5", " "], "regression", "and not all of them integers"),
    ([1.5, None, 2], "regression", "all 2 labels are numbers"),
    (["1.5", "nan"], "classification", "2 different"),
    ([["a", "b"], ["a"], None], "multilabel", "the labels are lists"),
    ([np.array(["a"]), ("b",)], "multilabel", "the labels are lists"),
    (['["a"]', "[]"], "multilabel", "the labels are lists"),
    (["a|b", "a", "b"], "multilabel", "33% of the labels are several, separated by '|'"),
    (["a|b"] + ["a", "b"] * 10, "classification", "3 different"),  # 1 of 21 cells is too few
    ([f"{x}|{x + 100}" for x in range(30)], "classification", "30 different"),  # none repeats
]


@pytest.mark.parametrize("cells, task, reason", INFERRED)
def test_the_task_that_a_column_implies(cells, task, reason):
    found = infer_task(cells)
    assert found[0] == task and reason in found[1]


def test_a_series_and_another_separator():
    cells = pd.Series(["a;b", "b", "a"])
    assert infer_task(cells)[0] == "classification"
    assert infer_task(cells, ";")[0] == "multilabel"


def test_nothing_to_infer_from():
    with pytest.raises(ValueError, match="The column of labels is blank"):
        infer_task(["", None, " "])
