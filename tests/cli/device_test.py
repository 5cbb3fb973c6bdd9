"""`--precision`, `--lora` and how many batches make a step, on the command line."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.cli.arguments import parse
from fusionkeras.cli.precision import precision_of

TEXT = ["--text", "text", "--label", "label", "--sequence-length", "6"]
DEVICE = ["--gradient-accumulation-steps", "2", "--drop-remainder"]
STAGES = ["--epochs", "1", "--unfreeze-epochs", "1", "--unfreeze-learning-rate", "0.01"]


@pytest.mark.slow
def test_a_run_in_half_precision_with_lora(statements, tmp_path, preset):
    output = tmp_path / "run"
    arguments = ["train", str(statements), *TEXT, "--text-encoder", "bert", "--preset", preset,
                 *STAGES, "--lora", "text:2", "--batch-size", "8", *DEVICE,
                 "--precision", "mixed_float16", "--output", str(output)]  # fmt: skip
    assert main(arguments) == 0
    assert keras.config.dtype_policy().name == "float32"
    options = json.loads((output / "config.json").read_text())["options"]
    assert options["precision"] == "mixed_float16" and options["lora"] == [["text", 2]]
    assert options["gradient_accumulation_steps"] == 2 and options["drop_remainder"]
    assert parse(["train", "--resume", str(output)]).precision == "mixed_float16"
    assert pd.read_csv(output / "history.csv")["epoch"].tolist() == [0, 1]
    model = fk.load(output)
    policies = {layer.dtype_policy.name for layer in model._flatten_layers()}
    assert policies == {"float32", "mixed_float16"}
    found = tmp_path / "found.json"
    assert main(["evaluate", str(output), str(statements), "--json", str(found)]) == 0
    assert json.loads(found.read_text())["metrics"]["rows"] == 60
    path = fk.export(model, tmp_path / "exported")
    texts = pd.read_csv(statements)["text"][:5].tolist()
    served = tf.saved_model.load(path).signatures["serving_default"](text=tf.constant(texts))
    expected = model({"text": tf.constant(texts)})["probabilities"]
    assert served["probabilities"].dtype == expected.dtype == tf.float32
    np.testing.assert_allclose(served["probabilities"], expected, atol=1e-3)
    with pytest.raises(ValueError, match="explain cannot be written.*and train in float32"):
        fk.export(model, tmp_path / "exported", explain=True)


def test_the_precision_lasts_as_long_as_the_command():
    options = parse(["compare", "T", "--precision", "mixed_bfloat16"])
    with pytest.raises(KeyboardInterrupt), precision_of(options):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise KeyboardInterrupt
    assert keras.config.dtype_policy().name == "float32"
    with precision_of(parse(["cache", "info"])):
        assert keras.config.dtype_policy().name == "float32"


WRONG = {
    "precision": (["--precision", "float8"], "invalid choice: 'float8'"),
    "accumulation": (["--gradient-accumulation-steps", "0"], "accumulation_steps=0"),
    "execution": (["--steps-per-execution", "0"], "steps_per_execution=0"),
    "rank": (["--lora", "text:x"], "is no BRANCH or BRANCH:RANK like text:8"),
    "no layers": (["--lora", "text"], "The encoder of 'text' has no layers of these names"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options(name, statements, tmp_path, capsys):
    option, message = WRONG[name]
    assert main(["train", str(statements), *TEXT, *option, "--output", str(tmp_path / "x")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_an_encoder_learns_in_one_way(statements, tmp_path, preset, capsys):
    option = [
        "--text-encoder",
        "bert",
        "--preset",
        preset,
        "--unfreeze",
        "text:1",
        "--lora",
        "text",
    ]
    assert main(["train", str(statements), *TEXT, *option, "--output", str(tmp_path / "x")]) == 2
    assert "each branch once, in --unfreeze or in --lora" in capsys.readouterr().err
