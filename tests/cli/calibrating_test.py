"""Calibration and "unsure" on the command line."""

import json

import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main

WORDS = ["red", "green", "blue"]
MODEL = ["--text", "text", "--sequence-length", "3", "--hidden-dim", "4", "--epochs", "2",
         "--learning-rate", "0.02"]  # fmt: skip
EVERY = ["--split", "0.4,0.4,0.2"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """80 rows of two words; the kind follows from the first one, but for one row in five."""
    random = np.random.default_rng(0)
    rows = [list(random.choice(WORDS, 2)) for _ in range(80)]
    frame = pd.DataFrame({"text": [" ".join(row) for row in rows]})
    frame["kind"] = [row[random.uniform() < 0.2] for row in rows]
    frame["tags"] = ["|".join(sorted(set(row))) for row in rows]
    frame["price"] = random.normal(size=80)
    frame["mood"] = random.choice(["sure", "unsure"], 80)
    path = tmp_path_factory.mktemp("calibrating") / "kinds.csv"
    frame.to_csv(path, index=False)
    return path


def train(table, output, *more, label="kind"):
    labels = ["--label", label, "--output", str(output)]
    return main(["train", str(table), *labels, *MODEL, *EVERY, *more])


@pytest.mark.slow
def test_from_training_to_export(table, tmp_path, capsys):
    run, saved = tmp_path / "run", tmp_path / "saved"
    assert train(table, run) == 0
    plain = json.loads((run / "metrics.json").read_text())
    capsys.readouterr()
    more = ["--calibrate", "temperature", "--answer-precision", "0.6"]
    assert main(["train", "--resume", str(run), *more]) == 0  # of a run that is done, too
    out = capsys.readouterr().out
    assert "Calibrated by temperature on 32 validation rows: log loss " in out
    assert "Below a probability the label is 'unsure'\nvalidation from " in out
    assert "test       unsure below 0." in out and "accuracy among those 0." in out
    config = json.loads((run / "config.json").read_text())
    assert config["options"]["calibrate"] == "temperature"
    told, unsure = config["calibration"], config["unsure"]
    metrics = json.loads((run / "metrics.json").read_text())
    before, after = plain["validation"], metrics["validation"]
    assert told["log_loss_before"] == pytest.approx(before["log_loss"], abs=1e-5)
    assert told["log_loss_after"] == pytest.approx(after["log_loss"], abs=1e-5)
    assert after["log_loss"] < before["log_loss"] and after["accuracy"] == before["accuracy"]
    assert main(["export", str(run), str(saved), "--no-verify"]) == 0
    card = json.loads((saved / "1" / "model_card.json").read_text())
    assert card["heads"][""]["calibration"] == told
    assert card["heads"][""]["unsure"] == unsure["value"]
    assert fk.load(saved).unsure == pytest.approx(unsure["value"])
    capsys.readouterr()
    for model in (run, saved):
        columns = ["--text", "text", "--label", "kind"]
        assert main(["evaluate", str(model), str(table), "--json", "-", *columns]) == 0
        found = json.loads(capsys.readouterr().out)["metrics"]
        rows = sum(part["rows"] for part in metrics.values())
        loss = sum(part["log_loss"] * part["rows"] for part in metrics.values()) / rows
        assert found["log_loss"] == pytest.approx(loss, rel=1e-4)
        assert found["unsure"] == pytest.approx(unsure["value"])
    assert main(["predict", str(run), str(table), "--output", str(tmp_path / "a.csv")]) == 0
    answers = pd.read_csv(tmp_path / "a.csv")
    limit = np.float32(unsure["value"])
    assert ((answers["label"] == "unsure") == (answers["probability"] < limit)).all()
    assert found["answered"] == pytest.approx((answers["label"] != "unsure").mean())


@pytest.mark.slow
def test_several_heads(table, tmp_path, capsys):
    run = tmp_path / "run"
    more = ["--label", "tags", "--label", "price", "--calibrate", "vector"]
    assert train(table, run, *more, "--answer-precision", "0.3") == 0
    out = capsys.readouterr().out
    assert "kind: Calibrated by vector on" in out and "tags: Calibrated by vector on" in out
    config = json.loads((run / "config.json").read_text())
    assert set(config["calibration"]) == {"kind", "tags"} and set(config["unsure"]) == {"kind"}
    assert len(config["calibration"]["tags"]["scale"]) == 3
    assert set(fk.predict(fk.load(run), {"text": "red"})) == {"kind", "tags", "price"}


@pytest.mark.slow
def test_a_precision_that_cannot_be_had_leaves_a_whole_run(table, tmp_path, capsys):
    frame = pd.read_csv(table)
    frame["mood"] = np.random.default_rng(1).choice(["up", "down"], len(frame))
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert train(tmp_path / "t.csv", tmp_path / "run", "--answer-precision", "1", label="mood") == 2
    assert "No threshold gives this precision" in capsys.readouterr().err
    assert (tmp_path / "run" / "metrics.json").exists()
    assert fk.predict(fk.load(tmp_path / "run"), {"text": "red"})["label"] in ("up", "down")


WRONG = {
    "no classes": ("price", ["--calibrate", "vector"], "is for labels of classification or multi"),
    "not of labels": ("tags", ["--answer-precision", "0.9"], "is for labels of classification."),
    "no validation": ("kind", ["--calibrate", "vector", "--split", "1,0,0"], "validation rows"),
    "precision": ("kind", ["--answer-precision", "2"], "Wrong precision. Expected a number in"),
    "called unsure": ("mood", ["--answer-precision", "0.9"], "A class is called 'unsure'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_leave_nothing(name, table, tmp_path, capsys):
    label, more, message = WRONG[name]
    assert train(table, tmp_path / "run", *more, label=label) == 2
    error = capsys.readouterr().err
    assert error.startswith("fusionkeras: ") and error.count("\n") == 1 and message in error
    assert not (tmp_path / "run").exists()
