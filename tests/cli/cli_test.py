"""The command line, run as a person runs it: on real files, in a process where that matters."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.cli.arguments import parse

MODEL = ["--image-encoder", "small_cnn", "--image-size", "32,32", "--sequence-length", "8"]
COLUMNS = ["--image", "image", "--text", "text", "--label", "label"]
METRICS = {"accuracy", "f1_macro", "roc_auc", "log_loss", "rows"}


def train(table, output, *more):
    return main(
        ["train", str(table), *COLUMNS, *MODEL, "--epochs", "2", "--output", str(output), *more]
    )


@pytest.fixture(scope="module")
def run(statements, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert train(statements, folder, "--learning-rate", "0.05") == 0  # soon past its best
    return folder


def test_a_run_holds_what_it_promises(run, statements):
    assert {path.name for path in run.iterdir()} == {
        "model.keras", "config.json", "metrics.json", "history.csv", "quarantine.csv", "logs",
        "checkpoints",
    }  # fmt: skip
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics) == {"train", "validation", "test"}
    assert all(set(numbers) == METRICS for numbers in metrics.values())
    assert sum(numbers["rows"] for numbers in metrics.values()) == 60
    config = json.loads((run / "config.json").read_text())
    assert config["options"]["image"] == {"image": "image"} and config["options"]["seed"] == 0
    assert config["class_names"] == ["right", "wrong"]
    assert len(config["tables"][str(statements)]) == 64 and "keras" in config["versions"]
    history = pd.read_csv(run / "history.csv")
    assert history["epoch"].tolist() == [0, 1] and "val_accuracy" in history
    assert pd.read_csv(run / "quarantine.csv").columns.tolist() == [
        "table", "row", "column", "value", "reason", "detail"
    ]  # fmt: skip
    assert list((run / "logs").rglob("events.*"))


@pytest.mark.slow
def test_augmentation_and_weights_of_rows(statements, tmp_path):
    frame = pd.read_csv(statements, dtype=str)
    frame["counts"] = [*["2", "x"], *["1"] * (len(frame) - 2)]
    table = statements.parent / "weighed.csv"
    frame.to_csv(table, index=False)
    more = ["--augment", "light", "--word-dropout", "0.1", "--row-weight", "counts"]
    more += ["--imbalance", "resample", "--epochs", "1"]
    assert train(table, tmp_path / "run", *more) == 0
    assert pd.read_csv(tmp_path / "run" / "quarantine.csv")["reason"].tolist() == ["not_a_number"]
    model = fk.load(tmp_path / "run")
    names = {layer.name for layer in model._flatten_layers()}
    assert {"augment", "word_dropout"} <= names


def test_the_best_weights_are_kept(run):
    history = pd.read_csv(run / "history.csv")
    validation = json.loads((run / "metrics.json").read_text())["validation"]
    assert validation["log_loss"] == pytest.approx(history["val_loss"].min(), abs=1e-4)


def test_evaluate_finds_the_metrics_again(run, statements, tmp_path, capsys):
    assert main(["evaluate", str(run), str(statements), "--json", str(tmp_path / "m.json")]) == 0
    assert "precision" in capsys.readouterr().out
    found = json.loads((tmp_path / "m.json").read_text())
    assert set(found) == {"metrics", "left_out"} and found["left_out"] == 0
    found = found["metrics"]
    assert METRICS <= set(found) and found["rows"] == 60
    metrics = json.loads((run / "metrics.json").read_text())
    right = sum(part["accuracy"] * part["rows"] for part in metrics.values())
    assert found["accuracy"] * 60 == pytest.approx(right)
    assert main(["evaluate", str(run), str(statements), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["rows"] == 60


def test_evaluate_says_why_no_row_can_be_judged(run, statements, capsys):
    frame = pd.read_csv(statements, dtype=str).head(3).assign(label=["purple", "purple", ""])
    table = statements.parent / "purple.csv"
    frame.to_csv(table, index=False)
    assert main(["evaluate", str(run), str(table)]) == 2
    told = capsys.readouterr().err
    assert "No row can be judged (2 unknown_label, 1 missing_label)." in told
    assert "class_names=['right', 'wrong']" in told


@pytest.mark.slow
def test_pictures_at_an_address(run, statements, tmp_path, capsys):
    import fsspec

    filesystem = fsspec.filesystem("memory")
    filesystem.put(str(statements.parent / "images"), "/photos/images", recursive=True)
    table = tmp_path / "statements.csv"
    table.write_bytes(statements.read_bytes())
    for place, root in ((statements, str(statements.parent)), (table, "memory://photos")):
        arguments = ["predict", str(run), str(place), "--files-root", root]
        assert main([*arguments, "--output", str(tmp_path / f"{len(root)}.csv")]) == 0
    filesystem.rm("/photos", recursive=True)
    answers = [pd.read_csv(path) for path in tmp_path.glob("[0-9]*.csv")]
    pd.testing.assert_frame_equal(*answers)
    assert len(answers) == 2 and set(answers[0]["status"]) == {"ok"}
    arguments = ["predict", str(run), str(table), "--output", str(tmp_path / "x.csv")]
    assert main([*arguments, "--files-root", "s3://photos"]) == 2
    assert "pip install s3fs" in capsys.readouterr().err


def test_evaluate_as_each_column_vanishes(run, statements, tmp_path, capsys):
    path = tmp_path / "m.json"
    arguments = ["evaluate", str(run), str(statements), "--missing-at", "0,1"]
    assert main([*arguments, "--json", str(path)]) == 0
    assert "accuracy, by share of cells taken away" in capsys.readouterr().out
    found = json.loads(path.read_text())["metrics"]["missing"]
    assert set(found) == {"image", "text"} and set(found["image"]) == {"0.0", "1.0"}
    assert main(["evaluate", str(run), str(statements), "--json", "-"]) == 0
    whole = json.loads(capsys.readouterr().out)["metrics"]
    assert found["text"]["0.0"]["accuracy"] == whole["accuracy"]
    assert found["text"]["1.0"]["rows"] == 60


def test_evaluate_as_cells_get_worse(run, statements, capsys):
    arguments = ["evaluate", str(run), str(statements), "--json", "-", "--robustness"]
    assert main([*arguments, "typos", "--missing-at", "1"]) == 0
    found = json.loads(capsys.readouterr().out)["metrics"]
    assert {kind: list(own) for kind, own in found.items()} == {
        "typos": ["text"],
        "missing": ["image", "text"],
    }
    assert set(found["missing"]["text"]) == {"1.0"} and "0.4" in found["typos"]["text"]
    assert main([*arguments, "rain"]) == 2
    assert "one of ['noise', 'blur', 'jpeg', 'typos', 'missing']" in capsys.readouterr().err


@pytest.mark.slow
def test_predict_answers_every_row_in_order(run, statements, tmp_path):
    frame = pd.read_csv(statements)
    frame.loc[3, "image"] = "nowhere.png"
    frame.loc[5, "text"] = " "
    frame["image"] = [str(statements.parent / path) for path in frame["image"]]
    frame.to_csv(statements.parent / "ask.csv", index=False)
    read = {"csv": pd.read_csv, "tsv": pd.read_table, "parquet": pd.read_parquet,
            "jsonl": lambda path: pd.read_json(path, lines=True)}  # fmt: skip
    written = []
    for ending, reader in read.items():
        output = tmp_path / f"answers.{ending}"
        command = ["predict", str(run), str(statements.parent / "ask.csv"), "--output", str(output)]
        assert main(command) == 0
        written.append(reader(output))
    answers, *others = written
    for other in others:
        pd.testing.assert_frame_equal(answers, other, check_dtype=False, rtol=1e-5)
    assert answers.columns.tolist() == [
        "label", "probability", "status", "probability_right", "probability_wrong"
    ]  # fmt: skip
    assert len(answers) == 60
    status = answers["status"].tolist()
    assert (status[3], status[5]) == ("missing_file", "empty")
    assert set(status[:3] + status[4:5] + status[6:]) == {"ok"}
    model = fk.load(run)
    one = fk.predict(model, {"image": frame["image"][7], "text": frame["text"][7]})
    assert answers["label"][7] == one["label"]
    assert answers["probability"][7] == pytest.approx(one["probability"], abs=1e-5)
    assert np.allclose(answers["probability_right"] + answers["probability_wrong"], 1)


@pytest.mark.slow
def test_export_and_every_form_as_model(run, statements, tmp_path, capsys):
    folder = tmp_path / "saved_models" / "statements"
    capsys.readouterr()
    assert main(["export", str(run), str(folder), "--version", "7"]) == 0
    assert "Largest difference from Keras on 9 rows (of a table): " in capsys.readouterr().out
    assert main(["export", str(run), str(folder), "--version", "7"]) == 2
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["7"]
    card = json.loads((folder / "7" / "model_card.json").read_text())
    assert card["metrics"] == json.loads((run / "metrics.json").read_text())
    assert list(card["tables"]) == [str(statements)]
    capsys.readouterr()
    found = []
    for model in (run, run / "model.keras", folder, folder / "7"):
        columns = [] if model == run else COLUMNS
        assert main(["evaluate", str(model), str(statements), "--json", "-", *columns]) == 0
        found.append(json.loads(capsys.readouterr().out)["metrics"]["log_loss"])
    assert found == pytest.approx([found[0]] * 4, abs=1e-6)


@pytest.mark.slow
def test_config_gives_the_same_run_again(run, tmp_path):
    assert (
        main(["train", "--config", str(run / "config.json"), "--output", str(tmp_path / "b")]) == 0
    )
    assert (tmp_path / "b" / "history.csv").read_text() == (run / "history.csv").read_text()
    assert (tmp_path / "b" / "metrics.json").read_text() == (run / "metrics.json").read_text()


def test_options_said_overrule_the_config(run, tmp_path):
    config = ["train", "--config", str(run / "config.json"), "--output", "x"]
    options = parse([*config, "--epochs", "7", "--text", "title=caption"])
    assert options.epochs == 7 and options.image_size == [32, 32]
    assert options.text == {"title": "caption"} and options.image == {"image": "image"}


@pytest.mark.slow
def test_resume_after_a_kill(statements, tmp_path):
    """A process that dies in the middle leaves a run that goes on."""
    output = tmp_path / "run"
    code = (
        "import os, sys, keras\n"
        "from fusionkeras.cli import main\n"
        "class Die(keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        "        if epoch == 1: os.kill(os.getpid(), 9)\n"
        "import fusionkeras.cli.stages as t\n"
        "fit = t.fit\n"
        "t.fit = lambda *a, **k: fit(*a[:4], [*a[4], Die()], **k)\n"
        "main(sys.argv[1:])\n"
    )
    arguments = ["train", str(statements), *COLUMNS, *MODEL, "--epochs", "3", "--patience", "0",
                 "--output", str(output)]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True)
    assert done.returncode == -9
    assert not (output / "model.keras").exists()
    assert main(["train", "--resume", str(output)]) == 0
    history = pd.read_csv(output / "history.csv")
    assert history["epoch"].tolist() == [0, 1, 2]
    assert (output / "model.keras").exists()


@pytest.mark.slow
def test_a_second_stage_unfreezes(statements, tmp_path, preset):
    output = tmp_path / "run"
    arguments = ["train", str(statements), "--text", "text", "--label", "label", "--text-encoder",
                 "bert", "--preset", preset, "--sequence-length", "12", "--epochs", "1",
                 "--unfreeze", "text:1", "--unfreeze-epochs", "1",
                 "--unfreeze-learning-rate", "0.01", "--patience", "0",
                 "--output", str(output)]  # fmt: skip
    assert main(arguments) == 0
    assert pd.read_csv(output / "history.csv")["epoch"].tolist() == [0, 1]
    before = fk.bert_branch(preset, 12).encoder.weights
    after = fk.load(output).get_layer("classifier").get_layer("text_encoder").weights
    moved = {
        new.path.split("/")[0]
        for old, new in zip(before, after, strict=True)
        if not np.array_equal(old, new)
    }
    assert moved == {"transformer_layer_3"}


WRONG = {
    "no command": ([], "fusionkeras: "),
    "unknown command": (["trane"], "invalid choice"),
    "no table": (["train", *COLUMNS, "--output", "X"], "TABLE is missing"),
    "no label": (["train", "T", "--text", "text", "--output", "X"], "--label is missing"),
    "no column": (
        ["train", "T", "--label", "label", "--output", "X"],
        "--image or --text is missing",
    ),
    "no output": (["train", "T", *COLUMNS], "--output is missing"),
    "unknown encoder": (["train", "T", "--image-encoder", "resnet"], "invalid choice: 'resnet'"),
    "wrong number": (["train", "T", *COLUMNS, "--epochs", "x"], "invalid int value: 'x'"),
    "no epochs": (["train", "T", *COLUMNS, "--epochs", "0", "--output", "X"], "epochs=0"),
    "two of one name": (
        ["train", "T", "--text", "a", "--text", "b"],
        "two columns are called 'text'",
    ),
    "unknown column": (
        ["train", "T", "--text", "txt", "--label", "label", "--output", "X"],
        "'txt'",
    ),
    "unknown label": (
        ["train", "T", "--text", "text", "--label", "lable", "--output", "X"],
        "'lable'",
    ),
    "no such table": (["train", "nowhere.csv", *COLUMNS, "--output", "X"], "nowhere.csv"),
    "no size": (["train", "T", "--image-size", "a,b"], "'a,b' is no list of integers like 64,32"),
    "no unfreeze": (["train", "T", "--unfreeze", "text:x"], "is no BRANCH or BRANCH:N like text:4"),
    "no seed": (["train", "T", *COLUMNS, "--seed", "-1", "--output", "X"], "seed=-1"),
    "no rate": (["train", "T", *COLUMNS, "--learning-rate", "nan", "--output", "X"], "=nan"),
    "no length": (
        ["train", "T", *COLUMNS, *MODEL, "--sequence-length", "0", "--output", "X"],
        "sequence_length=0",
    ),
    "unfreeze whom": (
        ["train", "T", *COLUMNS, *MODEL, "--unfreeze", "sound:2", "--output", "X"],
        "Unknown branch",
    ),
    "unfreeze too much": (
        ["train", "T", *COLUMNS, *MODEL, "--unfreeze", "text:9", "--output", "X"],
        "layers to unfreeze",
    ),
    "no folder": (["predict", "nowhere", "T", "--output", "no/a.csv"], "There is no folder"),
    "no config": (["train", "--config", "nowhere.json"], "There is no configuration to read"),
    "no model": (["predict", "nowhere", "T", "--output", "a.csv"], "There is no model here"),
    "wrong ending": (["predict", "nowhere", "T", "--output", "a.xls"], "ending='.xls'"),
    "no weights": (
        ["train", "T", *COLUMNS, "--weights", "no.h5", "--output", "X"],
        "weights='no.h5'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_one_line_and_code_2(name, statements, tmp_path, monkeypatch, capsys):
    arguments, message = WRONG[name]
    monkeypatch.chdir(tmp_path)
    assert main([str(statements) if x == "T" else x for x in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("fusionkeras: ") and error.count("\n") == 1 and message in error
    assert not list(tmp_path.iterdir())


def test_a_run_is_not_written_over(run, statements, capsys):
    before = (run / "model.keras").stat().st_mtime_ns
    assert train(statements, run) == 2
    assert "There is something at" in capsys.readouterr().err
    assert (run / "model.keras").stat().st_mtime_ns == before


def test_other_tables_do_not_resume_a_run(run, statements, tmp_path, capsys):
    other = tmp_path / "other.csv"
    other.write_text(statements.read_text())
    assert main(["train", str(other), "--resume", str(run)]) == 2
    assert "not those that the run began with" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--image-encoder", "vgg16"], ["--learning-rate", "1"]])
def test_a_run_goes_on_as_it_began(run, option, capsys):
    before = (run / "config.json").read_text()
    assert main(["train", "--resume", str(run), *option]) == 2
    assert "A run goes on as it began" in capsys.readouterr().err
    assert (run / "config.json").read_text() == before


@pytest.mark.parametrize("content", ["{", "[]", '{"options": {"epocs": 3}}'])
def test_a_damaged_config(content, tmp_path, capsys):
    (tmp_path / "config.json").write_text(content)
    assert main(["train", "--config", str(tmp_path / "config.json"), "--output", "x"]) == 2
    assert "onfiguration" in capsys.readouterr().err


def test_a_damaged_model(tmp_path, capsys, statements):
    (tmp_path / "model.keras").write_bytes(b"no model")
    assert main(["export", str(tmp_path), str(tmp_path / "saved")]) == 2
    assert "The model cannot be loaded" in capsys.readouterr().err
    assert not (tmp_path / "saved").exists()


@pytest.mark.slow
def test_resuming_and_the_second_stage_go_on_and_keep_the_best_weights(run, tmp_path):
    output = tmp_path / "run"
    shutil.copytree(run, output)
    more = ["--epochs", "4", "--patience", "9", "--unfreeze", "text", "--unfreeze-epochs", "2"]
    assert main(["train", "--resume", str(output), *more, "--unfreeze-learning-rate", "0.05"]) == 0
    history = pd.read_csv(output / "history.csv")
    assert history["epoch"].tolist() == [0, 1, 2, 3, 4, 5]
    assert history[:2].equals(pd.read_csv(run / "history.csv"))
    assert json.loads((output / "config.json").read_text())["options"]["epochs"] == 4
    kept = json.loads((output / "metrics.json").read_text())["validation"]["log_loss"]
    assert kept == pytest.approx(history["val_loss"].min(), rel=1e-3)


@pytest.mark.slow
def test_bad_rows_are_in_the_quarantine_and_the_rest_is_trained(statements, tmp_path):
    """Those that are seen when the table is read, and those that fail only in training."""
    frame = pd.read_csv(statements)
    good = (statements.parent / frame["image"][0]).read_bytes()
    (statements.parent / "cut.png").write_bytes(good[: len(good) // 2])
    frame.loc[7, "image"] = "cut.png"
    frame["image"] = [str(statements.parent / path) for path in frame["image"]]
    frame.loc[2, "image"] = ""
    frame.loc[4, "label"] = ""
    frame.loc[9, "text"] = "?!"
    frame.to_csv(tmp_path / "bad.csv", index=False)
    output = tmp_path / "run"
    more = ["--files-root", str(statements.parent), "--check", "header", "--epochs", "1"]
    assert train(tmp_path / "bad.csv", output, *more) == 0
    quarantine = pd.read_csv(output / "quarantine.csv").sort_values("row")
    assert quarantine[["row", "column", "reason"]].values.tolist() == [
        [2, "image", "empty"], [4, "label", "missing_label"],
        [7, "image", "unreadable"], [9, "text", "empty"],
    ]  # fmt: skip
    metrics = json.loads((output / "metrics.json").read_text())
    assert sum(part["rows"] for part in metrics.values()) == 56


@pytest.mark.slow
def test_absence_is_allowed_and_listed(statements, tmp_path, capsys):
    frame = pd.read_csv(statements)
    frame.loc[2, "image"] = "lost.png"
    frame.loc[4, ["image", "text"]] = ""
    table = statements.parent / "absent.csv"
    frame.to_csv(table, index=False)
    output = tmp_path / "run"
    assert train(table, output, "--missing", "allow", "--epochs", "1") == 0
    assert pd.read_csv(output / "quarantine.csv")["row"].tolist() == [4]
    absent = pd.read_csv(output / "absent.csv")
    assert absent[["row", "column", "reason"]].values.tolist() == [[2, "image", "missing_file"]]
    capsys.readouterr()
    for option, rows in (([], 59), (["--missing", "quarantine"], 58)):
        assert main(["evaluate", str(output), str(table), "--json", "-", *option]) == 0
        assert json.loads(capsys.readouterr().out)["metrics"]["rows"] == rows


def test_a_fault_of_ours_is_no_exit_code_2(monkeypatch):
    monkeypatch.setattr("fusionkeras.cli.COMMANDS", {"demo": lambda options: 1 / 0})
    with pytest.raises(ZeroDivisionError):
        main(["demo"])


@pytest.mark.slow
def test_several_pictures_and_texts(statements, tmp_path):
    frame = pd.read_csv(statements).assign(photo2=lambda x: x["image"], title=lambda x: x["text"])
    frame.to_csv(statements.parent / "four.csv", index=False)
    arguments = ["--image", "front=image", "--image", "back=photo2", "--text", "text", "--text",
                 "title=title", "--label", "label", "--epochs", "1", *MODEL]  # fmt: skip
    output = tmp_path / "run"
    assert (
        main(["train", str(statements.parent / "four.csv"), *arguments, "--output", str(output)])
        == 0
    )
    assert sorted(x.name for x in fk.load(output).inputs) == ["back", "front", "text", "title"]
    assert main(["evaluate", str(output), str(statements.parent / "four.csv"), "--json", "-"]) == 0


@pytest.mark.slow
def test_the_demo_as_a_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fusionkeras", "demo", "--output", str(tmp_path / "demo")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    accuracy = {" ".join(line[:-1]): float(line[-1]) for line in lines
                if line and line[0] in ("image", "text")}  # fmt: skip
    assert accuracy["image + text"] >= 0.95
    assert accuracy["image"] < 0.62 and accuracy["text"] < 0.62
    assert (tmp_path / "demo" / "saved_models" / "statements" / "1" / "saved_model.pb").is_file()
    assert "-> 'right'" in done.stdout or "-> 'wrong'" in done.stdout


@pytest.mark.slow
def test_frozen_encoders_run_once_and_change_nothing(statements, tmp_path, capsys):
    frozen = ["--image-encoder", "mobilenet_v2", "--weights", "none", "--epochs", "1"]
    histories, features = [], str(tmp_path / "features")
    for name, folder in (("plain", "none"), ("cold", features), ("warm", features)):
        assert train(statements, tmp_path / name, *frozen, "--feature-cache", folder) == 0
        computed = "Computing the frozen features of image" in capsys.readouterr().out
        assert computed == (name == "cold")
        histories.append(pd.read_csv(tmp_path / name / "history.csv").drop(columns="epoch"))
    for history in histories[1:]:
        np.testing.assert_allclose(history, histories[0], rtol=1e-3, atol=1e-4)
    assert main(["cache", "info", "--path", features, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 60
    assert main(["cache", "clear", "--path", features]) == 0
    assert "Removed 60 entries" in capsys.readouterr().out


@pytest.fixture(scope="module")
def words(statements, tmp_path_factory):
    """Another model for the same labels, which reads the text alone."""
    folder = tmp_path_factory.mktemp("cli") / "words"
    arguments = ["--text", "text", "--label", "label", "--sequence-length", "8", "--epochs", "1"]
    assert main(["train", str(statements), *arguments, "--output", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_a_model_that_reads_fewer_columns_than_were_trained(words, statements, tmp_path, capsys):
    """As the winner of a comparison does where it is one column alone."""
    winner, output = tmp_path / "winner", tmp_path / "answers.csv"
    shutil.copytree(words, winner)
    config = json.loads((winner / "config.json").read_text())
    config["options"]["image"] = {"image": "image"}
    (winner / "config.json").write_text(json.dumps(config))
    assert main(["evaluate", str(winner), str(statements)]) == 0
    assert main(["predict", str(winner), str(statements), "--output", str(output)]) == 0
    assert len(pd.read_csv(output)) == 60
    assert main(["evaluate", str(winner), str(statements), "--image", "image"]) == 2
    assert "The model reads no column called 'image'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def sliced(statements):
    """The table with one more column, a picture that is not there, and a label nobody knows."""
    frame = pd.read_csv(statements, dtype=str)
    frame["price"] = [str(row / 2) for row in range(60)]
    frame.loc[3, "image"], frame.loc[7, "label"] = "nowhere.png", "purple"
    path = statements.parent / "sliced.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_evaluate_with_intervals_slices_and_another_model(run, words, sliced, tmp_path, capsys):
    path, columns = tmp_path / "m.json", ["--slice", "label", "--slice", "price"]
    more = ["--intervals", "bca", *columns, "--against", str(words), "--json", str(path)]
    assert main(["evaluate", str(run), str(sliced), *more]) == 0
    shown, found = capsys.readouterr().out, json.loads(path.read_text())
    assert set(found) == {"metrics", "left_out", "intervals", "slices", "against"}
    assert found["left_out"] == 2 and "2 of 60 rows left out" in shown

    intervals, metrics = found["intervals"], found["metrics"]
    assert set(intervals["metrics"]) == METRICS - {"rows"} and intervals["method"] == "bca"
    low, high = intervals["metrics"]["accuracy"]
    assert low < metrics["accuracy"] < high
    assert set(intervals["per_class"]["wrong"]) == {"precision", "recall", "f1"}
    assert "95% intervals (bca, 1,000 resamples of the rows):\naccuracy " in shown

    labels = found["slices"]["label"]["slices"]  # each the rows of one class, so their recall
    for name, row in metrics["per_class"].items():
        assert (labels[name]["rows"], labels[name]["accuracy"]) == (row["rows"], row["recall"])
    prices = found["slices"]["price"]["slices"]
    assert len(prices) == 4 and list(prices)[3].endswith(" to 29.5")
    assert sum(one["rows"] for one in prices.values()) == 58
    assert re.search(r"label +rows  accuracy\n\(all\) +58  ", shown)

    against = found["against"]
    assert against["model"] == str(words) and against["rows"] == 58  # not 59, as the text alone
    assert against["first"] == metrics["accuracy"]
    assert f"first: {run}, second: {words}\naccuracy " in shown


@pytest.mark.parametrize(
    "more, message",
    [
        (["--slice", "prices"], "prices"),
        (["--slice", "price", "--missing-at", "0"], "--missing-at and --slice cannot go together"),
        (["--against", "r", "--robustness"], "--robustness and --against cannot go together"),
        (["--against", "nowhere"], "There is no model here"),
        (["--intervals", "basic"], "invalid choice: 'basic'"),
        (["--batch-size", "0"], "The batch size is too small"),
    ],
)
def test_wrong_measures(more, message, run, sliced, capsys):
    assert main(["evaluate", str(run), str(sliced), *more]) == 2
    assert message in capsys.readouterr().err
