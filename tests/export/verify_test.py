"""Exports that are tried where only TensorFlow is, when written and later."""

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import fusionkeras as fk
from fusionkeras.export import alone, saved_model
from fusionkeras.export.examples import PLACE, columns_of_examples
from fusionkeras.export.loading import as_served
from fusionkeras.export.signatures import answering
from fusionkeras.export.verifying import compare


def tiny():
    branch = fk.lstm_branch(["red", "blue"], 4, units=4)
    model = fk.build_classifier([branch], num_classes=3)
    return fk.end_to_end(model, fk.build_preprocessor([branch]), ["a", "b", "c"])


@pytest.mark.slow
def test_what_answers_otherwise_is_not_moved_into_place(tmp_path, monkeypatch):
    """The graph that is written is another one than Keras': what a fault of ours would do."""

    def otherwise(parts, model):
        answer = answering(parts, model)
        return lambda columns: {
            key: x * 0.9 if key == "probabilities" else x for key, x in answer(columns).items()
        }

    monkeypatch.setattr(saved_model, "answering", otherwise)
    with pytest.raises(
        ValueError, match="answers otherwise than expected, in 'probabilities'.*0.0001"
    ):
        fk.export(tiny(), tmp_path / "x")
    assert list((tmp_path / "x").iterdir()) == []


@pytest.mark.slow
def test_verified_elsewhere_and_broken_there(posts, tmp_path):
    there = tmp_path / "elsewhere"
    shutil.copytree(posts.version, there / "3")
    found = fk.verify(there)
    assert found["largest_difference"] <= found["tolerance"] == 1e-4
    assert found["other_labels"] == 0
    rows = json.loads((there / "3" / PLACE).read_text())
    rows["answers"]["image_used"][0] = not rows["answers"]["image_used"][0]
    (there / "3" / PLACE).write_text(json.dumps({**rows, "tolerance": 1e-2}))
    message = "in 'image_used'.*at most 0.01.*largest_difference=1.0"
    message += ".*short numbers may cost that much, export with verify=False"
    with pytest.raises(ValueError, match=message):
        fk.verify(there)
    (there / "3" / PLACE).write_text("[]")
    with pytest.raises(ValueError, match="The rows that travel with this export are damaged .list"):
        fk.verify(there)
    (there / "3" / PLACE).unlink()
    with pytest.raises(ValueError, match="No rows travel with this export.*Export the model again"):
        fk.verify(there)


@pytest.mark.slow
def test_a_table_is_compared_with_a_model_and_otherwise_row_by_row(posts):
    assert fk.verify(posts.version, posts.table)["other_labels"] == 0
    assert fk.verify(posts.version, posts.table, posts.serving)["other_labels"] == 0
    branches = [fk.image_branch("small_cnn", image_size=(32, 32)), fk.lstm_branch(["red"], 8)]
    other = fk.build_classifier(branches, num_classes=3)
    other = fk.end_to_end(other, fk.build_preprocessor(branches), ["ham", "spam", "ß"])
    with pytest.raises(ValueError, match="answers otherwise than expected, in 'probabilities'"):
        fk.verify(posts.version, posts.table, other)


@pytest.mark.slow
def test_a_graph_that_fails_there(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"nothing")
    (tmp_path / "rows.json").write_text(json.dumps({"columns": {"text": []}}))
    message = "fails where nothing but TensorFlow is: .*Expected files that are whole, and op"
    with pytest.raises(ValueError, match=message):
        compare(tmp_path, [tmp_path / "rows.json"], 1e-4)


# The rows


def test_rows_that_are_made_up(posts):
    served = as_served(posts.serving)
    columns, origin = columns_of_examples(served, None)
    assert origin == "made up" and list(columns) == ["image", "text"]
    answer = served({name: np.array(cells, object) for name, cells in columns.items()})
    assert answer["image_used"].numpy().tolist() == [False, *[True] * 7, False]
    assert answer["text_used"].numpy().tolist() == [True, False, *[True] * 6, False]
    words = {word for text in columns["text"] for word in text.decode().split()}
    assert words <= set(served.parts.preprocessor.preprocessors["text"].vocabulary)


def test_rows_of_a_table_are_taken_evenly(posts):
    columns, origin = columns_of_examples(as_served(posts.serving), posts.table)
    texts = list(posts.table.columns["text"])
    assert origin == "of a table"
    assert columns["text"] == [*(texts[i].encode() for i in (0, 1, 3, 4, 6, 7, 9, 11)), b""]


def test_large_rows_are_few(posts):
    rows = [{"text": "x" * 1_500_000}] * 5
    columns, origin = columns_of_examples(as_served(posts.serving), rows)
    assert origin == "given" and [len(cell) for cell in columns["text"]] == [1_500_000] * 2 + [0]
    columns, _ = columns_of_examples(as_served(posts.serving), {"text": "x" * 5_000_000})
    assert len(columns["text"]) == len(columns["image"]) == 2


def test_wrong_rows(posts):
    served = as_served(posts.serving)
    with pytest.raises(ValueError, match="Unknown column 'photo'"):
        columns_of_examples(served, [{"photo": b""}])
    for other in ("posts.csv", 5, posts):
        with pytest.raises(TypeError, match="A row is no dict.*pass a Table, such as data.test"):
            columns_of_examples(served, other)
    texts = dataclasses.replace(
        posts.table, columns={"text": posts.table.columns["text"]}, files=()
    )
    with pytest.raises(ValueError, match="The table has no column 'image'"):
        columns_of_examples(served, texts)


@pytest.mark.slow
def test_the_program_imports_tensorflow_alone():
    """What it does not import cannot help it."""
    others = ["fusionkeras", "keras", "keras_hub", "tensorflow_text", "jax"]
    code = (
        "import runpy, sys\n"
        "try:\n"
        "    runpy.run_path(sys.argv[1], run_name='__main__')\n"
        "except FileNotFoundError:  # there is no such FILE\n"
        f"    print([name for name in {others} if sys.modules.get(name)])\n"
    )
    command = [sys.executable, "-c", code, alone.__file__, "no file"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
    assert sys.modules["keras"]  # nor does importing it, as doctests do, take anything away
