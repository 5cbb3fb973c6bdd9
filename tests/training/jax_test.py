"""The JAX backend, in processes of its own: fusions, devices, processes, and back to TensorFlow."""

import json
import os
import pathlib
import pickle
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from loopback import free_addresses

import fusionkeras as fk
from fusionkeras.fusion import FUSIONS, get_fusion

pytest.importorskip("jax", reason="the JAX backend is not installed: pip install jax")
pytestmark = pytest.mark.slow
PROGRAM = pathlib.Path(__file__).with_name("jax_program.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the program has trained on one device and on eight, and saved."""
    folder = tmp_path_factory.mktemp("jax")
    random = np.random.default_rng(0)
    words = random.choice(["red", "blue", "round", "square"], (53, 3))
    frame = pd.DataFrame({"text": map(" ".join, words), "title": words[:, 1]})
    frame.assign(label=random.choice(["a", "b", "c"], 53)).to_csv(folder / "posts.csv")
    (folder / "fusions").write_bytes(pickle.dumps(_fused(random)))
    (said,) = _run(8, ["alone", folder])
    (folder / "said").write_text(said)
    return folder


def _fused(random):
    """Features, and what each fusion makes of them here."""
    features = {
        name: {
            "pooled_output": random.normal(size=(4, width)).astype("float32"),
            "sequence_output": random.normal(size=(4, steps, width)).astype("float32"),
            "padding_mask": (np.arange(steps) < steps - 1) & there[:, None],
            "present": there,
        }
        for name, width, steps, there in [
            ("image", 7, 4, np.array([True, True, False, False])),
            ("text", 5, 3, np.array([True, False, True, False])),
        ]
    }
    fusions = {}
    for name in FUSIONS:
        layer = get_fusion(name, hidden_dim=8)
        found = [np.asarray(value) for value in keras.tree.flatten(layer(features))]
        fusions[name] = (layer.get_weights(), found)
    return {"features": features, "fusions": fusions}


def _run(devices, *commands):
    """Runs the program with each of some arguments at once; what they have said."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    quickly = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # compiles in half the time
    environment = {**os.environ, **quickly, "KERAS_BACKEND": "jax", "XLA_FLAGS": flags}
    started = [
        subprocess.Popen(
            [sys.executable, PROGRAM, *map(str, command)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    try:
        ended = [one.communicate(timeout=600) for one in started]
    finally:
        for one in started:
            one.kill()
    for one, (_, errors) in zip(started, ended, strict=True):
        assert one.returncode == 0, errors[-5000:]
    return [said for said, _ in ended]


def test_what_reads_raw_columns_answers_on_tensorflow_alone(folder):
    _, (told, of_strategy, code) = json.loads((folder / "said").read_text())
    assert "answers run on TensorFlow alone. Expected KERAS_BACKEND='tensorflow'." in told
    assert "Strategies run on TensorFlow alone" in of_strategy and code == 2


def test_what_was_trained_on_jax_is_served_by_tensorflow(folder):
    serving = fk.load(folder / "posts.keras")
    data = fk.read_table(
        str(folder / "posts.csv"),
        {"text": "text", "title": "title"},
        label="label",
        files=(),
        split=(0.8, 0.2, 0),
        seed=0,
    ).validation
    columns = {name: tf.constant(list(data.columns[name])) for name in ("text", "title")}
    expected = np.load(folder / "alone.npz")["answers"]
    np.testing.assert_allclose(serving(columns)["probabilities"], expected, atol=1e-6)
    exported = tf.saved_model.load(str(fk.export(serving, folder / "saved", explain=False)))
    answers = exported.signatures["serving_default"](**columns)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-6)


def test_two_processes_give_the_weights_of_one(folder):
    (address,) = free_addresses(1)
    port = address.rpartition(":")[2]
    one, _ = json.loads((folder / "said").read_text())
    for said in _run(2, ["together", folder, port, 0], ["together", folder, port, 1]):
        found, told = json.loads(said.splitlines()[-1])  # Gloo says that it is connected
        for name, values in one.items():
            np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)
        assert "cannot share these validation data. Expected what prepare returns" in told[0]
        assert "do not find the same in the folder of Resume. Expected a folder" in told[1]
        assert "which devices share. Expected data prepared without mix." in told[2]
