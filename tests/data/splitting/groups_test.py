"""Which rows belong together, and `read_table` that keeps them so."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionkeras.data import read_table
from fusionkeras.data.splitting.groups import connect, same_files, same_text


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(-1, 8), st.integers(-1, 8)), min_size=1, max_size=40))
def test_rows_hang_together_over_any_number_of_steps(rows):
    first, second = np.array(rows).T
    numbers = connect([first, second])
    expected = np.arange(len(rows))
    for _ in rows:  # the smallest number spreads from row to row
        for code in (first, second):
            for one in set(code[code >= 0]):
                expected[code == one] = expected[code == one].min()
    assert np.array_equal(np.unique(expected, return_inverse=True)[1], _in_order(numbers))


def _in_order(numbers):
    """The same sets, numbered as they come."""
    return pd.factorize(numbers)[0]


def test_files_are_the_same_by_content(tmp_path):
    contents = {"a": b"12", "b": b"12", "c": b"13", "d": b"123"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    kinds = same_files([str(tmp_path / name) for name in [*contents, "gone", "lost"]])
    assert kinds[0] == kinds[1] and len(set(kinds)) == 5


def test_texts_are_the_same_but_for_what_does_not_matter():
    assert same_text("Ａ  big\nCAT ") == same_text("a big cat")
    assert same_text("straße") == same_text("STRASSE") and same_text("café") != same_text("cafe")


def sets_of(data, column):
    """The values of a column in each split that has rows, from the texts `VALUE ROW`."""
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    return {name: {text.split()[column] for text in part.columns["text"]}
            for name, part in parts.items() if len(part)}  # fmt: skip


def table(rows=200, patients=40, seed=0):
    random = np.random.default_rng(seed)
    patient, visit = random.integers(0, patients, rows), np.arange(rows)
    return pd.DataFrame(
        {
            "text": [f"p{one} v{two}" for one, two in zip(patient, visit, strict=True)],
            "label": np.where(patient % 4, "ill", "well"),
            "patient": [f"p{one}" for one in patient],
        }
    )


def read(frame, **arguments):
    return read_table(frame, {"text": "text"}, label="label", **arguments)


def test_no_patient_is_on_two_sides():
    data = read(table(), groups="patient", seed=3)
    sets = list(sets_of(data, 0).values())
    assert len(set.union(*sets)) == sum(map(len, sets)) == 39
    told = data.split
    assert (told["way"], told["columns"], told["seed"]) == ("groups", ("patient",), 3)
    assert sum(told["rows"].values()) == 200 and sum(told["groups"].values()) == 39
    assert told["rows"]["train"] == len(data.train)
    assert abs(told["shares"]["train"] - 0.8) < 0.05 and abs(told["shares"]["test"] - 0.1) < 0.05
    again = read(table(), groups=["patient"], seed=3)
    assert again.train.rows.tolist() == data.train.rows.tolist()
    other = read(table(), groups="patient", seed=4)
    assert other.train.rows.tolist() != data.train.rows.tolist()
    assert np.array_equal(data.train.take([3]).groups, data.train.groups[3:4])


def test_several_columns_and_empty_cells(caplog):
    frame = table(60, 12)
    frame["family"] = [f"f{int(one[1:]) // 3}" for one in frame["patient"]]
    frame.loc[::2, "family"] = None
    data = read(frame, groups=["patient", "family"], split=(0.5, 0, 0.5))
    family = frame["family"].fillna("").to_numpy()
    for part, other in ((data.train, data.test), (data.test, data.train)):
        shared = set(family[part.rows]) & set(family[other.rows])
        assert shared <= {""}
    assert not set.intersection(*sets_of(data, 0).values())
    assert "30 of 60 rows have nothing in 'family': each is a group of its own" in caplog.text


def test_the_content_of_pictures_and_not_their_names(posts, read_posts, tmp_path):
    for number in range(1, 40, 2):  # each picture has two names
        content = (tmp_path / f"{number - 1}.png").read_bytes()
        (tmp_path / f"{number}.png").write_bytes(content)
    data = read_posts(posts, groups="photo", split=(0.5, 0, 0.5))
    assert set(data.train.rows // 2).isdisjoint(data.test.rows // 2)
    assert len(data.train) == len(data.test) == 20
    assert data.split["groups"] == {"train": 10, "validation": 0, "test": 10}
    posts["caption"] = [f"text {number}" for number in range(40)]
    posts.loc[39, "caption"] = " TEXT 0"
    data = read_posts(posts, duplicates="together", split=(0.5, 0, 0.5))
    assert set(data.train.rows // 2).isdisjoint(data.test.rows // 2)
    ends = [39 in part.rows for part in (data.train, data.test) if 0 in part.rows]
    assert ends == [True]
    assert data.split["duplicates"] and data.split["columns"] == ()


def test_rows_in_quarantine_link_nothing(posts, read_posts):
    posts["caption"] = [f"text {number}" for number in range(40)]
    posts["patient"] = [str(number) for number in range(40)]
    posts.loc[0, "photo"] = "nowhere.png"
    posts["family"] = posts["patient"]
    posts.loc[[0, 1], "patient"] = "a"
    posts.loc[[0, 2], "family"] = "b"
    data = read_posts(posts, groups=["patient", "family"], split=(1, 0, 0))
    assert data.split["groups"]["train"] == 39 and len(data.quarantine) == 1


def test_further_tables_that_share_groups_are_told_of(caplog):
    frame = table()
    test = frame[:30].assign(text=[f"p99 w{row}" for row in range(30)])
    test.loc[10:, "patient"] = "p99"
    with caplog.at_level(logging.WARNING):
        data = read(frame, groups="patient", test=test)
    assert "10 of the 30 rows of the test table belong to groups that other splits" in caplog.text
    assert set(data.split["rows"]) == {"train", "validation", "test"} and len(data.test) == 30
    caplog.clear()
    read(frame, groups="patient", test=test[10:])
    assert not caplog.text
    read(frame, duplicates="together", test=frame[:5])
    assert "5 of the 5 rows of the test table belong" in caplog.text


def test_every_class_is_in_train_with_its_whole_group():
    frame = pd.DataFrame({"text": [f"t{row}" for row in range(20)], "label": ["a"] * 18 + ["b"] * 2,
                          "group": [str(row // 2) for row in range(20)]})  # fmt: skip
    for seed in range(8):
        data = read(frame, groups="group", split=(0.5, 0.25, 0.25), seed=seed)
        assert {18, 19} <= set(data.train.rows)


def test_shares_that_groups_do_not_allow_are_told_of(caplog):
    frame = table().assign(patient="p")
    data = read(frame, groups="patient")
    assert len(data.train) == 200
    assert "asked for, and 200 train, 0 validation, 0 test of 200 rows found" in caplog.text
    assert "of 200 rows found, as the largest of 1 groups holds 200\n" in caplog.text
    frame["text"] = "what colour is it?"
    read(frame, duplicates="together")
    assert "holds 200; groups= links rows by the columns that it names alone" in caplog.text


WRONG = [
    ({"groups": 3}, TypeError, "Wrong type of groups. Expected a column, or a list of columns"),
    ({"groups": ["a", 3]}, TypeError, "Wrong type of groups"),
    ({"time": ["a"]}, TypeError, "Wrong type of time. Expected the name of a column"),
    ({"duplicates": "drop"}, ValueError, "Unknown way to treat duplicates. Expected one of .'toge"),
    ({"groups": "nobody"}, ValueError, "The table has no column 'nobody'"),
    ({"groups": "patient", "time": "day"}, ValueError,
     r"split in one way. Expected a column of splits, or time, or groups and duplicates. Received: "
     r"time='day', groups=\['patient'\]. Leave out all but one"),
    ({"duplicates": "together", "split": "fold"}, ValueError,
     "split='fold', duplicates='together'"),
    ({"time": "day", "split": "fold"}, ValueError, "split='fold', time='day'"),
]  # fmt: skip


@pytest.mark.parametrize("arguments, kind, message", WRONG)
def test_wrong_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        read(table(), **arguments)


def test_the_other_ways_are_told_of_as_well():
    frame = table(20).assign(fold=["train", "test"] * 10)
    assert read(frame, split="fold").split == {
        "way": "column", "split": "fold", "seed": 0,
        "rows": {"train": 10, "validation": 0, "test": 10},
        "shares": {"train": 0.5, "validation": 0.0, "test": 0.5},
    }  # fmt: skip
    told = read(frame, seed=5).split
    assert (told["way"], told["split"], told["seed"]) == ("stratified", (0.8, 0.1, 0.1), 5)
    assert read(frame).train.groups is None


def test_a_test_table_of_which_nothing_is_left():
    data = read(table(), groups="patient", test=table()[:2].assign(text=""))
    assert (len(data.test), data.test.table) == (0, "test")
    assert data.split["rows"]["test"] == 0 and len(data.quarantine) == 2
