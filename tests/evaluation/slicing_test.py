"""Slices: every row in one of them, the numbers those of its rows."""

import json

import numpy as np
import pytest

import fusionkeras as fk
from fusionkeras.evaluation.slicing import cut


def report(right):
    """A report of two classes; where it is right."""
    labels = np.arange(len(right)) % 2
    return fk.ClassificationReport(
        ["a", "b"], labels, np.eye(2)[np.where(right, labels, 1 - labels)] * 0.8 + 0.1
    )


def test_each_slice_is_the_report_of_its_rows():
    random = np.random.default_rng(0)
    whole, shops = report(random.uniform(size=90) < 0.7), random.integers(0, 3, 90)
    found = whole.slices([f"shop {i}" for i in shops], name="shop")
    assert list(found.reports) == ["shop 0", "shop 1", "shop 2"]
    for i, own in enumerate(found.reports.values()):
        np.testing.assert_array_equal(own.labels, whole.labels[shops == i])
        assert own.summary() == whole.take(shops == i).summary()
        assert found.intervals[f"shop {i}"] == own.intervals()["accuracy"]


def test_the_table_marks_what_is_apart():
    right = np.repeat([True, False, True, True], [70, 10, 2, 18])
    right[np.arange(5) * 10] = False
    values = np.repeat(["plain", "dim", "", "new"], [70, 10, 2, 18])
    found = report(right).slices(values, name="light")
    assert found.apart == ["dim"]
    lines = [" ".join(line.split()) for line in str(found).splitlines()]
    assert lines[:2] == ["light rows accuracy", "(all) 100 .850"]
    assert lines[2] == "dim 10 .000 [.000, .308] *"
    assert lines[3] == "new 18 1.000 [.815, 1.000]"  # exact: no resample is wrong
    assert lines[4].startswith("plain 70 .929 [.8") and lines[5].startswith("(empty) 2")
    assert lines[6:] == ["* the interval does not hold the value of all rows"]
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert (told["name"], told["metric"], told["all"]["rows"]) == ("light", "accuracy", 100)
    assert told["slices"]["dim"]["apart"] and not told["slices"][""]["apart"]
    assert told["slices"]["new"]["interval"] == list(found.intervals["new"])
    assert told["slices"]["new"]["roc_auc"] == 1 and found.metric == "accuracy"


def test_a_point_is_not_apart():
    whole = fk.RegressionReport(np.zeros(9), np.repeat([1.0, 2.0], [5, 4]))
    found = whole.slices(np.repeat(["x", "y"], [5, 4]))
    assert found.intervals == {"x": (1, 1), "y": (2, 2)} and found.apart == []


@pytest.mark.parametrize(
    "one",
    [
        fk.RegressionReport(np.zeros(1), np.ones(1)),
        fk.OrdinalReport(["a", "b"], np.zeros(1, int), np.array([[0.2, 0.8]])),
        fk.MultilabelReport(["a"], np.ones((1, 1), int), np.array([[0.8]])),
        report([True]),
    ],
)
def test_a_report_of_one_row(one):
    found = one.intervals()
    assert {name for name, own in found.items() if np.isnan(own).all()} == {
        name for name, value in one.summary().items() if value is None
    }
    told = json.loads(json.dumps(one.slices(["x"]).as_dict(), allow_nan=False))
    assert told["slices"]["x"]["rows"] == 1 and str(one)


def test_several_heads_have_rows_of_their_own():
    heads = fk.HeadReports({"one": report([True] * 6), "two": report([False] * 4)})
    found = heads.slices({"one": list("aabbcc"), "two": list("aabb")})
    assert list(found["one"].reports) == ["a", "b", "c"] and found["two"].reports["b"].rows == 2


def places(values):
    return {name: own.tolist() for name, own in cut(values, len(values)).items()}


def test_numbers_are_ordered_and_cut_into_quarters():
    assert list(places(["10", "9", "1.5", "9"])) == ["1.5", "9", "10"]
    random = np.random.default_rng(0)
    values = random.permutation(101) / 4
    found = cut([*values, None, np.nan, ""], 104)
    assert list(found) == ["0.0 to 6.25", "6.5 to 12.5", "12.75 to 18.75", "19.0 to 25.0", ""]
    assert [len(own) for own in found.values()] == [26, 25, 25, 25, 3]
    assert found[""].tolist() == [101, 102, 103]
    for name, own in list(found.items())[:4]:
        low, high = map(float, name.split(" to "))
        assert np.all((values[own] >= low) & (values[own] <= high))


def test_of_uneven_numbers_equal_ones_stay_together():
    found = places(["0"] * 70 + [str(i) for i in range(1, 31)])
    assert list(found) == ["0", "1 to 5", "6 to 30"]  # two quarters, and what is left of a third
    assert [len(own) for own in found.values()] == [70, 5, 25]
    assert list(places(["inf", "1", "x"])) == ["1", "inf", "x"]  # no numbers, so as texts


def test_wrong_values():
    whole = report([True] * 101)
    with pytest.raises(ValueError, match="not those of the rows of the report. Expected one for"):
        whole.slices(["a"] * 100)
    with pytest.raises(ValueError, match="not those of the rows"):
        whole.slices("a")
    with pytest.raises(ValueError, match="101 different values of 'title'. Expected at most 100"):
        whole.slices([f"title {i}" for i in range(101)], name="title")
