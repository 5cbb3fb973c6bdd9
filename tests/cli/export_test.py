"""`fusionkeras export` of a model that no RUN tells of, and which rows it is tried on."""

import argparse
import json

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.cli.export import _examples
from fusionkeras.cli.run import hash_of
from fusionkeras.cli.sources import source_of
from fusionkeras.data.reading.folder import LABEL


def test_a_keras_file_in_half_precision(tmp_path, capsys):
    branch = fk.lstm_branch(["red"], 4, units=4)
    model = fk.build_classifier([branch])
    serving = fk.end_to_end(model, fk.build_preprocessor([branch]), ["no", "yes"])
    serving.save(tmp_path / "x.keras")
    more = ["--quantize", "float16", "--fold", "--no-verify"]
    assert main(["export", str(tmp_path / "x.keras"), str(tmp_path / "posts"), *more]) == 0
    assert "Largest difference" not in capsys.readouterr().out
    version = tmp_path / "posts" / "1"
    card = json.loads((version / "model_card.json").read_text())
    assert card["quantize"] == "float16" and card["fold"] and card["verification"] is None
    assert card["metrics"] is None and card["tables"] is None
    rows = json.loads((version / "assets.extra" / "examples.json").read_text())
    assert rows["origin"] == "made up" and rows["tolerance"] == 1e-2


def test_a_place_that_cannot_be_written_to(tmp_path, capsys):
    branch = fk.lstm_branch(["red"], 4, units=4)
    model = fk.build_classifier([branch])
    serving = fk.end_to_end(model, fk.build_preprocessor([branch]), ["no", "yes"])
    serving.save(tmp_path / "x.keras")
    (tmp_path / "posts").write_text("a file")
    assert main(["export", str(tmp_path / "x.keras"), str(tmp_path / "posts")]) == 2
    error = capsys.readouterr().err
    assert "The folder cannot be made (" in error and "Expected a place that can be" in error


def test_rows_of_a_folder_of_classes(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "1.jpg").write_bytes(b"no picture")
    options = {"table": str(tmp_path / "photos"), "texts": None, "label": LABEL,
               "image": {"image": "image"}, "split": [0.8, 0.1, 0.1]}  # fmt: skip
    hashes = source_of(argparse.Namespace(**options)).hashes()
    table = _examples({"options": options, "tables": hashes})
    assert len(table) == 2 and list(table.columns) == ["image"]
    (tmp_path / "photos" / "dog" / "2.jpg").write_bytes(b"another")
    assert _examples({"options": options, "tables": hashes}) is None


def test_rows_of_the_run_while_its_table_is_there(tmp_path):
    table, test = tmp_path / "train.csv", tmp_path / "test.csv"
    table.write_text("caption\nred\nblue\n")
    test.write_text("caption\ngreen\n")
    options = {"table": str(table), "test": str(test), "text": {"text": "caption"}}
    config = {"options": options, "tables": {str(x): hash_of(x) for x in (table, test)}}
    assert list(_examples(config).columns["text"]) == ["green"]
    test.write_text("caption\nanother one\n")  # no longer what the RUN has seen
    assert list(_examples(config).columns["text"]) == ["red", "blue"]
    table.unlink()
    assert _examples(config) is None
    assert _examples({}) is None
