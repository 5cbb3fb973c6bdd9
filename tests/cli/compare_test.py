"""`fusionkeras compare`, on real files."""

import json

import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main

COLUMNS = ["--image", "image", "--text", "text", "--label", "label"]
MODEL = ["--image-encoder", "small_cnn", "--image-size", "32,32", "--sequence-length", "4"]


@pytest.mark.slow
def test_from_a_table_to_the_winner(statements, tmp_path, capsys):
    folder = tmp_path / "compared"
    arguments = ["compare", str(statements), *COLUMNS, *MODEL, "--fusions", "gated", "--epochs"]
    arguments += ["1", "--seeds", "1", "--split", "0.5,0.25,0.25", "--output", str(folder)]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert "best fusion (gated)" in first and f"Written to {folder}" in first
    board = pd.read_csv(folder / "leaderboard.csv")
    assert set(board["candidate"]) == {"gated", "image alone", "text alone"}
    found = json.loads((folder / "comparison.json").read_text())
    assert found["rows"] == 15 and found["sentence"] in first
    row = {"image": str(statements.parent / pd.read_csv(statements)["image"][0]), "text": "red"}
    served = fk.load(folder / "model.keras")
    winner = found["winner"].split(" alone")[0]
    row = {key: value for key, value in row.items() if winner in ("gated", key)}
    assert fk.predict(served, row)["label"] in ("right", "wrong")
    kept = {path: path.stat().st_mtime_ns for path in (folder / "candidates").iterdir()}
    assert len(kept) == 3 and main(arguments) == 0  # nothing is trained again
    assert {path: path.stat().st_mtime_ns for path in (folder / "candidates").iterdir()} == kept
    assert found["sentence"] in capsys.readouterr().out
    assert main([*arguments, "--dropout", "0.5"]) == 2
    assert "The folder holds another comparison." in capsys.readouterr().err


def test_what_has_to_be_said(statements, capsys):
    assert main(["compare", str(statements), *COLUMNS]) == 2
    assert "--output is missing. Expected fusionkeras compare ..." in capsys.readouterr().err
