"""The command line splits by groups, by time and with duplicates together, and writes it down."""

import json

import pandas as pd
import pytest

from fusionkeras.cli import main
from fusionkeras.cli.arguments import parse
from fusionkeras.cli.reading import read_data


@pytest.fixture
def table(tmp_path):
    frame = pd.DataFrame(
        {
            "text": [f"{'red' if row % 2 else 'blue'} w{row}" for row in range(60)],
            "label": ["warm" if row % 2 else "cold" for row in range(60)],
            "owner": [f"o{row // 3}" for row in range(60)],
            "day": [f"2024-01-{31 - row // 2:02d}" for row in range(60)],
        }
    )
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def options_of(table, *more):
    return ["train", str(table), "--text", "text", "--label", "label", *more]


def read(table, *more):
    return read_data(parse(options_of(table, *more)), {"label": "classification"})


@pytest.mark.slow
def test_a_run_says_how_its_rows_were_split(table, tmp_path):
    run = tmp_path / "run"
    more = ["--sequence-length", "4", "--epochs", "1", "--groups", "owner", "--seed", "3"]
    assert main(options_of(table, *more, "--output", str(run))) == 0
    config = json.loads((run / "config.json").read_text())
    assert config["options"]["groups"] == ["owner"]
    told = config["split"]
    assert (told["way"], told["columns"], told["seed"]) == ("groups", ["owner"], 3)
    assert told["split"] == [0.8, 0.1, 0.1] and sum(told["groups"].values()) == 20
    metrics = json.loads((run / "metrics.json").read_text())
    assert {name: numbers["rows"] for name, numbers in metrics.items()} == told["rows"]
    assert told["shares"]["train"] == pytest.approx(told["rows"]["train"] / 60, abs=1e-4)
    options = parse(["train", "--config", str(run / "config.json")])
    again = read_data(options, {"label": "classification"})
    assert json.loads(json.dumps(again.split)) == told
    assert main(["train", "--resume", str(run), "--epochs", "2"]) == 0
    assert main(["train", "--resume", str(run), "--groups", "day"]) == 2


def test_groups_time_and_duplicates(table):
    data = read(table, "--groups", "owner", "--groups", "day")
    assert data.split["columns"] == ("owner", "day")
    data = read(table, "--time", "day", "--split", "0.5,0.2,0.3")
    assert data.test.rows.tolist() == list(range(18))
    assert read(table, "--duplicates", "together").split["duplicates"]


def test_contradictions_are_wrong_arguments(table, tmp_path, capsys):
    output = ["--output", str(tmp_path / "run")]
    arguments = ["--groups", "owner", "--time", "day", *output]
    assert main(options_of(table, *arguments)) == 2
    assert "A table is split in one way" in capsys.readouterr().err
    assert main(options_of(table, "--duplicates", "drop", *output)) == 2
