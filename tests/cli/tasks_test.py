"""The command line for every task: what is inferred, trained, measured and answered."""

import contextlib
import io
import json

import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.cli.arguments import parse
from fusionkeras.cli.tasks import by_column, imbalance_of, loss_weights_of, read_tasks

WORDS = ["red", "green", "blue"]
MODEL = ["--sequence-length", "3", "--hidden-dim", "4", "--learning-rate", "0.02"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """60 rows of up to three colours, and labels of every kind that follow from them."""
    random = np.random.default_rng(0)
    rows = [[word for word in WORDS if random.uniform() < 0.5] or ["grey"] for _ in range(60)]
    frame = pd.DataFrame({"text": [" ".join(row) for row in rows]})
    frame["colours"] = ["|".join(row) if row != ["grey"] else "[]" for row in rows]
    frame["price"] = [round(10.5 + 3 * len(row) + random.normal(), 2) for row in rows]
    frame["size"] = [str(len(row)) for row in rows]
    frame["kind"] = ["warm" if "red" in row else "cold" for row in rows]
    path = tmp_path_factory.mktemp("tasks") / "colours.csv"
    frame.to_csv(path, index=False)
    return path


def train(table, output, *labels, epochs="1"):
    return main(
        ["train", str(table), "--text", "text", *labels, *MODEL, "--epochs", epochs,
         "--output", str(output)]
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(table, tmp_path_factory):
    """A function that trains for labels, once for all tests; gives the RUN and what was said."""
    runs = {}

    def once(*labels):
        if labels not in runs:
            run, out = tmp_path_factory.mktemp("trained") / "run", io.StringIO()
            with contextlib.redirect_stdout(out):
                assert train(table, run, *labels) == 0
            runs[labels] = run, out.getvalue()
        return runs[labels]

    return once


def measured(capsys, *arguments, beside=False):
    capsys.readouterr()
    assert main(["evaluate", *map(str, arguments), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    metrics = {**found["metrics"], "left_out": found["left_out"]}
    return (metrics, found) if beside else metrics


def answered(model, table, folder):
    assert main(["predict", str(model), str(table), "--output", str(folder / "a.csv")]) == 0
    return pd.read_csv(folder / "a.csv", keep_default_na=False)


TASKS = {
    "multilabel": (["--label", "colours"], "colours: multilabel, as "),
    "regression": (["--label", "price"], "price: regression, as all 60 labels are numbers"),
    "ordinal": (["--label", "size", "--task", "ordinal"], None),
}
SUMMARY = {
    "multilabel": {"f1_micro", "f1_macro", "average_precision", "exact_match", "rows"},
    "regression": {"mae", "rmse", "r2", "rows"},
    "ordinal": {"accuracy", "mae", "kappa", "rows"},
}
ANSWERS = {
    "multilabel": ["label", "status", "probability_blue", "probability_green", "probability_red"],
    "regression": ["value", "status"],
    "ordinal": ["label", "probability", "status", "probability_1", "probability_2",
                "probability_3"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_one_head(task, table, trained, tmp_path, capsys):
    labels, said = TASKS[task]
    run, out = trained(*labels)
    assert said is None or said in out
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics) == {"train", "validation", "test"}
    assert all(set(part) == SUMMARY[task] for part in metrics.values())
    assert json.loads((run / "config.json").read_text())["task"] == task
    found = measured(capsys, run, table)
    assert SUMMARY[task] <= set(found) and found["rows"] == 60 and found["left_out"] == 0
    assert main(["export", str(run), str(tmp_path / "saved")]) == 0
    served = measured(capsys, tmp_path / "saved", table, "--text", "text", "--label", labels[1])
    numbers = SUMMARY[task]
    assert [served[x] for x in numbers] == pytest.approx([found[x] for x in numbers], rel=1e-4)
    answers = answered(run, table, tmp_path)
    assert answers.columns.tolist() == ANSWERS[task] and len(answers) == 60


@pytest.mark.slow
def test_thresholds_are_tuned_and_served(table, trained, tmp_path, capsys):
    run, out = trained("--label", "colours")
    assert "those of the best F1 on the validation rows" in out
    found = measured(capsys, run, table)
    thresholds = [row["threshold"] for row in found["per_label"].values()]
    assert thresholds != [0.5] * 3
    answers = answered(run, table, tmp_path)
    names = found["class_names"]
    for label, *probabilities in answers[["label", *ANSWERS["multilabel"][2:]]].itertuples(
        index=False
    ):
        given = [x for x, p, t in zip(names, probabilities, thresholds, strict=True) if p > t]
        assert label == "|".join(given)


@pytest.mark.slow
def test_several_heads(table, tmp_path, capsys):
    frame = pd.read_csv(table, dtype=str)
    frame.loc[3, "price"] = ""
    frame.loc[4, ["price", "colours", "kind"]] = ""
    frame.to_csv(tmp_path / "some.csv", index=False)
    run = tmp_path / "run"
    labels = ["--label", "kind", "--label", "price", "--label", "colours"]
    more = ["--imbalance", "resample", "--imbalance", "colours=focal"]
    more += ["--word-dropout", "0.1"]
    more += ["--loss-weight", "price=0.5"]
    assert train(tmp_path / "some.csv", run, *labels, *more) == 0
    assert "kind: classification, as 2 different labels in 59 rows" in capsys.readouterr().out
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics["train"]) == {"kind", "price", "colours"}
    rows = {head: sum(part[head]["rows"] for part in metrics.values()) for head in metrics["test"]}
    assert rows == {"kind": 59, "price": 58, "colours": 59}
    assert pd.read_csv(run / "quarantine.csv")["row"].tolist() == [4]
    assert pd.read_csv(run / "absent.csv")[["row", "column"]].values.tolist() == [[3, "price"]]
    more = ["--intervals", "percentile", "--slice", "size", "--against", run]
    found, beside = measured(capsys, run, tmp_path / "some.csv", *more, beside=True)
    assert found["left_out"] == 1
    assert {head: found[head]["rows"] for head in rows} == rows
    assert set(beside["intervals"]["metrics"]["price"]) == {"mae", "rmse", "r2"}
    assert set(beside["intervals"]["per_class"]) == {"kind", "colours"}
    sliced = beside["slices"]["size"]
    assert {
        head: sum(one["rows"] for one in own["slices"].values()) for head, own in sliced.items()
    } == rows
    assert {head: beside["against"][head]["difference"] for head in rows} == dict.fromkeys(rows, 0)
    answers = answered(run, table, tmp_path)
    assert answers.columns.tolist() == [
        "status", "colours_label", "colours_probability_blue", "colours_probability_green",
        "colours_probability_red", "kind_label", "kind_probability", "kind_probability_cold",
        "kind_probability_warm", "price_value",
    ]  # fmt: skip
    assert main(["export", str(run), str(tmp_path / "saved")]) == 0
    served = measured(capsys, tmp_path / "saved", tmp_path / "some.csv", "--text", "text")
    assert served["price"] == pytest.approx(found["price"], rel=1e-4)
    one = fk.predict(fk.load(run), {"text": "red"})
    assert set(one) == {"kind", "price", "colours"}


def options_of(table, *more):
    return parse(["train", str(table), "--text", "text", "--output", "x", *more])


def test_tasks_are_inferred_or_said(table, capsys):
    labels = ["--label", "kind", "--label", "size", "--label", "price"]
    options = options_of(table, *labels, "--task", "size=ordinal", "--task", "price=auto")
    assert read_tasks(options) == {
        "kind": "classification", "size": "ordinal", "price": "regression"
    }  # fmt: skip
    assert capsys.readouterr().out.splitlines() == [
        "kind: classification, as 2 different labels in 60 rows (--task overrules this)",
        "price: regression, as all 60 labels are numbers, and not all of them integers "
        "(--task overrules this)",
    ]
    options = options_of(table, "--label", "size", "--task", "regression")
    assert options.label == "size" and read_tasks(options) == {"size": "regression"}
    assert not capsys.readouterr().out


def test_the_order_of_ranks_and_another_separator(table, capsys):
    options = options_of(table, "--label", "size", "--task", "ordinal", "--class-order", "3,2,1")
    from fusionkeras.cli.reading import read_data

    assert read_data(options, read_tasks(options)).class_names == ["3", "2", "1"]
    options = options_of(table, "--label", "colours", "--separator", ";")
    assert read_tasks(options) == {"colours": "classification"}


def test_what_is_said_of_one_column_and_of_all():
    assert by_column(None, ["a"], "task") == {}
    assert by_column(["x"], ["a", "b"], "task") == {"a": "x", "b": "x"}
    assert by_column(["b=y", "x"], ["a", "b"], "task") == {"a": "x", "b": "y"}
    with pytest.raises(ValueError, match="--task names 'kin', which is no column.*mean 'kind'"):
        by_column(["kin=x"], ["kind"], "task")


def test_a_way_for_all_is_for_those_with_classes(table):
    tasks = {"kind": "classification", "price": "regression"}
    several = fk.read_table(table, {"text": "text"}, tasks).train
    one = fk.read_table(table, {"text": "text"}, "kind").train

    def way(table_read, *said, labels=("kind",)):
        columns = [part for label in labels for part in ("--label", label)]
        ways = [part for text in said for part in ("--imbalance", text)]
        return imbalance_of(options_of(table, *columns, *ways), table_read)

    both = ("kind", "price")
    assert way(several, labels=both) == {}
    assert way(several, "focal", labels=both) == {"kind": "focal"}
    assert way(several, "price=focal", labels=both) == {"price": "focal"}
    assert way(several, "focal", "kind=none", labels=both) == {"kind": None}
    assert way(one) is None and way(one, "none") is None and way(one, "focal") == "focal"


def test_weights_of_losses(table):
    labels = ["--label", "kind", "--label", "price"]
    options = options_of(table, *labels, "--loss-weight", "price=0.5")
    assert loss_weights_of(options) == {"price": 0.5}
    assert loss_weights_of(options_of(table, *labels)) is None


WRONG = {
    "unknown task": (["--label", "kind", "--task", "sorting"], "task='sorting'"),
    "task of no label": (["--label", "kind", "--task", "size=ordinal"], "no column of labels"),
    "label twice": (["--label", "kind", "--label", "kind"], "'kind' is said twice"),
    "loss of a regression": (["--label", "price", "--imbalance", "focal"], "no classes"),
    "weight of one loss": (["--label", "kind", "--loss-weight", "2"], "needs no weight"),
    "loss weight": (
        ["--label", "kind", "--label", "price", "--loss-weight", "price=x"],
        "is no number",
    ),
    "unknown way": (["--label", "kind", "--imbalance", "vocal"], "vocal"),
    "two resampled": (["--label", "kind", "--label", "size", "--imbalance", "resample"], "once"),
    "dropped words": (["--label", "kind", "--word-dropout", "1"], "Wrong rate of dropped words"),
    "no number": (["--label", "kind", "--task", "regression"], "have no number"),
    "order of a regression": (["--label", "price", "--class-order", "a,b"], "has no classes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_leave_nothing(name, table, tmp_path, capsys):
    arguments, message = WRONG[name]
    assert train(table, tmp_path / "run", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("fusionkeras: ") and error.count("\n") == 1 and message in error
    assert not (tmp_path / "run").exists()


def test_a_run_of_before_was_a_classifier(table, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"options": {"label": "size"}}))
    assert parse(["train", "--config", str(config)]).task == ["classification"]
    config.write_text(json.dumps({"options": {"label": "size", "task": None}}))
    assert parse(["train", "--config", str(config)]).task is None
    options = parse(["train", "--config", str(config), "--label", "a", "--label", "b"])
    assert options.label == ["a", "b"]
