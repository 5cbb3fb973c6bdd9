"""`fusionkeras audit`, on real files."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from fusionkeras.cli import main

COLUMNS = ["--image", "image", "--text", "text"]
LABEL = ["--label", "label"]


def test_it_prints_what_it_finds(statements, tmp_path, capsys):
    page, numbers = tmp_path / "report.html", tmp_path / "report.json"
    arguments = ["audit", str(statements), *COLUMNS, *LABEL, "--sequence-length", "2"]
    assert main([*arguments, "--output", str(page), "--json", str(numbers)]) == 0
    out, err = capsys.readouterr()
    assert "60 rows: 48 train, 6 validation, 6 test" in out
    assert "warning  text_too_long in text: 60 rows (100.0%)" in out
    assert f"Written to {page}" in err and f"Written to {numbers}" in err
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    found = json.loads(numbers.read_text("utf-8"))
    assert "text_too_long" in {finding["kind"] for finding in found["findings"]}


def test_json_alone(statements, capsys):
    assert main(["audit", str(statements), *COLUMNS, *LABEL, "--json", "-"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"summary", "findings"}


def test_without_a_label_labels_are_left_out(statements, tmp_path, capsys):
    rows = pd.read_csv(statements)
    rows.loc[0, "label"] = ""
    rows.loc[1, "text"] = ""
    rows.loc[2, "text"] = rows.loc[3, "text"] = "the same & <br>"
    rows["part"] = ["train"] * 3 + ["test"] * 57
    rows.to_csv(statements.parent / "spoilt.csv", index=False)
    path = str(statements.parent / "spoilt.csv")
    assert main(["audit", path, *COLUMNS, "--split", "part", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    found = {finding["kind"]: [place["row"] for place in finding["rows"]] for finding in found}
    assert found["empty_text"] == [1] and found["html"] == [2, 3]
    assert found["same_text_in_splits"][:2] == [3, 2]
    assert not set(found) & {"missing_label", "label_in_text", "imbalance", "class_of_one_row"}


def test_further_tables(statements, capsys):
    path = str(statements)
    arguments = [*COLUMNS, *LABEL, "--validation", path, "--test", path, "--split", "1,0,0"]
    assert main(["audit", path, *arguments]) == 0
    assert "same_row_in_splits: 120 rows (100.0%)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (LABEL, "--image or --text is missing"),
        ([*COLUMNS, "--output", "no/such/page.html"], "There is no folder to write into"),
        ([*COLUMNS, "--label", "nothing"], "no column 'nothing'"),
        ([*COLUMNS, "--sequence-length", "0"], "The sequence length is too small"),
    ],
)
def test_wrong_arguments(statements, capsys, arguments, message):
    assert main(["audit", str(statements), *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_in_a_process_of_its_own(statements):
    command = [sys.executable, "-m", "fusionkeras", "audit", str(statements), *COLUMNS, *LABEL]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "none in quarantine" in done.stdout
