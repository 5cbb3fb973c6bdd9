"""A metric as cells get worse."""

import json

import keras
import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.datasets import draw_statements
from fusionkeras.evaluation.curves.feeding import labelled_batches
from fusionkeras.evaluation.curves.kinds import KINDS, Spoiler
from fusionkeras.evaluation.curves.robustness import measure_robustness

SHORT = {"noise": [0, 40], "blur": [2], "jpeg": [95], "typos": [0, 0.5], "missing": [0, 1]}


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """An untrained model of a picture and a text, its data, and what robustness finds."""
    folder = tmp_path_factory.mktemp("robust")
    data = fk.read_table(
        draw_statements(folder, rows=40),
        {"image": "image", "text": "text"},
        label="label",
        split=(0.4, 0.1, 0.5),
        progress=False,
    )
    words = fk.learn_vocabulary(data.train, "text")
    branches = [
        fk.image_branch("small_cnn", image_size=(32, 32)),
        fk.lstm_branch(words, sequence_length=6, units=4),
    ]
    keras.utils.set_random_seed(0)
    model = fk.build_classifier(branches, hidden_dims=[8])
    preprocessor = fk.build_preprocessor(branches)
    serving = fk.end_to_end(model, preprocessor, data.class_names)
    report = fk.robustness(serving, data.test, strengths=SHORT, seed=3, progress=False)
    return model, preprocessor, serving, data, report


def probabilities(report):
    return {
        (kind, column, strength): found.probabilities
        for kind, own in report.reports.items()
        for column, curve in own.items()
        for strength, found in curve.items()
        if found is not None
    }


def test_every_kind_is_for_its_columns(asked):
    reports = asked[-1].reports
    assert {kind: list(own) for kind, own in reports.items()} == {
        "noise": ["image"],
        "blur": ["image"],
        "jpeg": ["image"],
        "typos": ["text"],
        "missing": ["image", "text"],
    }
    assert {kind: list(next(iter(own.values()))) for kind, own in reports.items()} == SHORT


def test_strength_0_is_what_evaluate_says(asked):
    model, preprocessor, serving, data, report = asked
    whole = fk.evaluate(model, fk.prepare(data.test, preprocessor), cache=False)
    raw = labelled_batches(data.test, np.ones(len(data.test), bool))
    same = fk.evaluate(serving, raw, data.class_names)
    for kind, column in (("noise", "image"), ("typos", "text"), ("missing", "text")):
        found = report.reports[kind][column][0]
        np.testing.assert_array_equal(found.probabilities, same.probabilities)
        np.testing.assert_allclose(found.probabilities, whole.probabilities, atol=1e-6)
        np.testing.assert_array_equal(found.labels, whole.labels)


def test_the_seed_tells_the_curve_whatever_the_batches(asked):
    _, _, serving, data, report = asked
    options = {"strengths": {"noise": [40], "typos": [0.5]}, "progress": False}
    again = fk.robustness(serving, data.test, ["noise", "typos"], seed=3, batch_size=7, **options)
    other = fk.robustness(serving, data.test, ["noise", "typos"], seed=4, **options)
    first, second, third = map(probabilities, (report, again, other))
    assert len(second) == len(third) == 2
    for key, values in second.items():
        np.testing.assert_allclose(first[key], values, atol=1e-6)
        assert not np.allclose(third[key], values, atol=1e-6)


def test_every_strength_changes_what_is_said(asked):
    found = probabilities(asked[-1])
    clean = found["noise", "image", 0]
    spoilt = [values for (_, _, strength), values in found.items() if strength > 0]
    assert len(spoilt) == 6
    assert all(np.abs(values - clean).max() > 1e-6 for values in spoilt)


def test_the_report_is_tables_and_json(asked):
    report = asked[-1]
    lines = str(report).splitlines()
    assert lines[0] == "accuracy, by standard deviation of noise, in grey levels"
    assert lines[1].split() == ["0", "40", "rows"] and lines[2].split()[0::3] == ["image", "20"]
    assert "accuracy, by share of letters mistyped" in lines
    found = json.loads(json.dumps(report.as_dict()))
    assert found["typos"]["text"]["0.5"]["rows"] == 20
    curve = report.metrics()["accuracy"]["noise"]["image"]
    assert curve[0] == found["noise"]["image"]["0.0"]["accuracy"]


@pytest.mark.slow
def test_an_exported_folder_is_measured_as_well(asked, tmp_path):
    serving, data, report = asked[2:]
    served = fk.load(fk.export(serving, tmp_path / "posts", explain=False, verify=False))
    options = {"strengths": {"typos": [0.5]}, "seed": 3, "progress": False}
    found = fk.robustness(served, data.test, ["typos"], **options)
    expected = report.reports["typos"]["text"][0.5].probabilities
    np.testing.assert_allclose(
        found.reports["typos"]["text"][0.5].probabilities, expected, atol=1e-5
    )


def count_letters(table, spoiler=None):
    """What a model would answer that says the number of letters of a text."""
    cells = np.array([cell.encode() for cell in table.columns["a"]], object)
    cells = cells if spoiler is None else spoiler(np.arange(len(cells)), cells)
    lengths = np.array([len(cell) for cell in cells])
    return {"": (np.asarray(table.labels), lengths, lengths > 0)}


def test_absent_cells_stay_absent_and_columns_have_their_own_draw():
    frame = pd.DataFrame({"a": ["red circle", "", "blue"], "b": ["x"] * 3, "label": [*"xyx"]})
    options = {"files": (), "split": (1, 0, 0), "missing": "allow", "label": "label"}
    table = fk.read_table(frame, {"a": "a", "b": "b"}, **options).train
    found = measure_robustness(
        count_letters, lambda x: x[""][1].tolist(), table, ["a"], ["typos"], {"typos": [0, 1]}
    )
    assert found.reports["typos"]["a"][0.0] == [10, 0, 4]
    assert found.reports["typos"]["a"][1.0][1] == 0
    cells = np.array([b"the same words", b"the same words"], object)
    one, other = (Spoiler("typos", x, 0.5, 0)(np.arange(2), cells) for x in "ab")
    assert len({*one, *other}) == 4


def test_a_picture_that_pillow_refuses_stays_and_is_told(caplog):
    spoiler = Spoiler("blur", "photo", 1.0, 0)
    cells = np.array([b"no picture", b""], object)
    assert spoiler(np.arange(2), cells).tolist() == cells.tolist()
    spoiler.tell()
    assert "Pillow opens 1 pictures of 'photo' not, so 'blur' leaves them" in caplog.text


def test_a_text_that_is_no_utf8_is_kept_so():
    spoilt = Spoiler("typos", "text", 1.0, 0)(np.arange(1), np.array([b"\xff 1"], object))
    assert spoilt.tolist() == [b"\xff 1"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strengths", [[], [-1], 3, ["a"], [float("nan")]])
def test_wrong_strengths_are_an_error(asked, kind, strengths):
    with pytest.raises(ValueError, match=rf"Wrong strengths of '{kind}'\..*{kind}="):
        fk.robustness(asked[2], asked[3].test, strengths={kind: strengths}, progress=False)


def test_wrong_arguments_are_an_error(asked):
    model, _, serving, data, _ = asked
    wrong = {
        r"Unknown kind of spoilt cells\..*Did you mean 'noise'": {"kinds": ["nois"]},
        r"Unknown kind of spoilt cells that is measured\. Expected one of \['blur'\]": {
            "kinds": ["blur"],
            "strengths": {"typos": [0.1]},
        },
    }
    for match, options in wrong.items():
        with pytest.raises(ValueError, match=match):
            fk.robustness(serving, data.test, **options)
    with pytest.raises(ValueError, match=r"does not read raw columns\..*end_to_end\(model"):
        fk.robustness(model, data.test)
    with pytest.raises(TypeError, match=r"Wrong type of table\. Expected a Table"):
        fk.robustness(serving, "posts.csv")
    with pytest.raises(ValueError, match=r"too small.*seed=-1"):
        fk.robustness(serving, data.test, seed=-1)


def test_a_kind_needs_its_columns_and_the_classes_of_the_model():
    frame = pd.DataFrame({"text": ["red", "blue"] * 3, "label": ["x", "y"] * 3})
    data = fk.read_table(frame, {"text": "text"}, label="label", split=(1, 0, 0))
    branch = fk.lstm_branch(["red", "blue"], 2, units=2)
    model = fk.build_classifier([branch])
    preprocessor = fk.build_preprocessor([branch])
    serving = fk.end_to_end(model, preprocessor, ["x", "y"])
    with pytest.raises(ValueError, match=r"no column that 'blur' is for.*among \['typos'\]"):
        fk.robustness(serving, data.train, kinds=["blur"])
    assert set(fk.robustness(serving, data.train, progress=False).reports) == {"typos"}
    other = fk.end_to_end(model, preprocessor, ["y", "x"])
    with pytest.raises(ValueError, match=r"classes of the table are not those.*\['y', 'x'\]"):
        fk.robustness(other, data.train)
