"""`fusionkeras compare`, on real files."""

import json

import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.cli.compare import _begin
from fusionkeras.cli.run import Run

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
    assert main(["evaluate", str(folder), str(statements)]) == 0  # whichever columns have won
    assert main([*arguments, "--dropout", "0.5"]) == 2
    assert "The folder holds another comparison." in capsys.readouterr().err


def test_a_comparison_that_has_trained_nothing_gives_way(tmp_path):
    run = Run(tmp_path / "compared")
    _begin(run, {"options": {"fusions": "gatd"}})
    _begin(run, {"options": {"fusions": "gated"}})
    assert run.read_config() == {"options": {"fusions": "gated"}}
    (run.path / "candidates").mkdir()
    (run.path / "candidates" / "gated.npz").touch()
    _begin(run, {"options": {"fusions": "gated"}})
    with pytest.raises(ValueError, match="The folder holds another comparison. Expected the same"):
        _begin(run, {"options": {"fusions": "concat"}})
    run.write_json(run.config, {"options": {"fusion": "gated"}})  # of train
    (run.path / "candidates" / "gated.npz").unlink()
    with pytest.raises(ValueError, match="The folder holds another comparison"):
        _begin(run, {"options": {"fusions": "gated"}})


@pytest.mark.parametrize("option", [["--hidden-dim", "64"], ["--seeds", "1", "--epoch", "2"]])
def test_an_option_is_said_in_full(option, capsys):
    assert main(["compare", "T", *COLUMNS, *option]) == 2
    assert f"unrecognized arguments: {option[-2]} " in capsys.readouterr().err


def test_help_promises_nothing_that_it_refuses(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "switches both off" not in told and "several heads" not in told
    assert "an auxiliary objective of two columns or more" in told


def test_what_has_to_be_said(statements, capsys):
    assert main(["compare", str(statements), *COLUMNS]) == 2
    assert "--output is missing. Expected fusionkeras compare ..." in capsys.readouterr().err
