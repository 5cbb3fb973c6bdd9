"""Several devices and several processes reach the weights of one."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from loopback import free_addresses, tf_config

import fusionkeras as fk
from fusionkeras.training.frozen.segment import decode

PROGRAM = pathlib.Path(__file__).with_name("program.py")
SGD = {"optimizer": "sgd", "frozen": True}
ADAM = {"optimizer": "adam", "frozen": False}


def start(out, index=0, addresses=(), **options):
    """One process of the program."""
    cluster = tf_config({"worker": addresses}, "worker", index) if addresses else {}
    arguments = [sys.executable, str(PROGRAM), str(out), json.dumps(options)]
    with (out / f"{index}.log").open("ab") as log:
        environ = {**os.environ, **cluster}
        return subprocess.Popen(arguments, env=environ, stdout=log, stderr=log)


def start_all(out, count, **options):
    """Processes that train together."""
    addresses = free_addresses(count)
    return [
        start(out, index, addresses, strategy="multiworker", **options) for index in range(count)
    ]


def finish(out, processes):
    """Waits for processes, none of which may fail."""
    try:
        codes = [process.wait(timeout=900) for process in processes]
    finally:
        for process in processes:
            process.kill()
    logs = [(out / f"{index}.log").read_text() for index in range(len(processes))]
    assert not any(codes), "\n".join(log[-3000:] for log in logs)


def weights(out, index=0):
    with np.load(out / f"{index}.npz") as arrays:
        return {name: arrays[name] for name in arrays}


def assert_same(expected, out, index=0):
    """The weights to 1e-5 with SGD and 1e-3 with Adam, and the same history."""
    found = weights(out, index)
    for name, array in weights(expected).items():
        tolerance = 1e-5 if name.startswith("0_") else 1e-3
        np.testing.assert_allclose(found[name], array, atol=tolerance, err_msg=name)
    histories = [
        json.loads(path.read_text()) for path in (expected / "0.json", out / f"{index}.json")
    ]
    for one, other in zip(*histories, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_allclose(one[name], other[name], atol=1e-3, err_msg=name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process with one device."""
    out = tmp_path_factory.mktemp("alone")
    finish(out, [start(out, strategy="auto", trainings=[SGD, ADAM])])
    return out


@pytest.mark.slow
def test_two_devices_reach_the_weights_of_one(alone, tmp_path):
    finish(tmp_path, [start(tmp_path, strategy="virtual", trainings=[SGD, ADAM])])
    assert_same(alone, tmp_path)
    of_batch_norm, of_compile, *of_steps = json.loads((tmp_path / "refusals.json").read_text())
    assert "The last batch leaves replicas without a row" in of_batch_norm
    assert "Expected at least 2 rows in it. Received: rows=1, replicas=2. Choose" in of_batch_norm
    assert "compiled outside of it. Expected both in the scope of one strategy" in of_compile
    for error, name in zip(of_steps, ["gradient_accumulation", "steps_per_execution"], strict=True):
        assert "Keras fails with " + name in error and "under a strategy. Expected none" in error


@pytest.mark.slow
def test_three_processes_reach_the_weights_of_one(alone, tmp_path):
    finish(tmp_path, start_all(tmp_path, 3, trainings=[SGD, ADAM]))
    for index in range(3):
        assert_same(alone, tmp_path, index)
    # The frozen texts went through the encoder once, shared out among all of them.
    segments = [path.read_bytes() for path in (tmp_path / "cache").glob("*.features")]
    entries = sum(len(decode("", one, len(one))[1]) for one in segments)
    assert len(segments) >= 3
    assert entries == fk.FeatureCache((tmp_path / "cache").as_uri()).open().info()["entries"] > 0


@pytest.mark.slow
def test_a_killed_process_is_no_loss(alone, tmp_path):
    """Two processes, one of which is killed in the middle of the fourth epoch; all begin again."""
    options = {"trainings": [SGD], "backup": str(tmp_path / "backup")}
    first, second = start_all(tmp_path, 2, **options, kill=[1, 3, 2])
    assert second.wait(timeout=900) == -signal.SIGKILL
    assert first.wait(timeout=300) not in (0, None)
    assert "/job:worker/replica:0/task:1" in (tmp_path / "0.log").read_text()
    metadata = json.loads((tmp_path / "backup/training_metadata.json").read_text())
    assert metadata["epoch"] == 3
    finish(tmp_path, start_all(tmp_path, 2, **options))
    found = weights(tmp_path)
    for name, array in weights(alone).items():
        if name.startswith("0_"):
            np.testing.assert_allclose(found[name], array, atol=1e-5, err_msg=name)
    assert not (tmp_path / "backup").exists() or not os.listdir(tmp_path / "backup")


@pytest.mark.slow
def test_two_processes_leave_one_run(statements, tmp_path):
    addresses, run = free_addresses(2), tmp_path / "run"
    command = [sys.executable, "-m", "fusionkeras", "train", str(statements), "--image", "image",
               "--image-encoder", "small_cnn", "--image-size", "16,16", "--text", "text",
               "--label", "label", "--epochs", "2", "--batch-size", "16",
               "--strategy", "multiworker", "--output", str(run)]  # fmt: skip
    processes = []
    for index in range(2):
        with (tmp_path / f"{index}.log").open("wb") as log:
            environ = {**os.environ, **tf_config({"worker": addresses}, "worker", index)}
            processes.append(subprocess.Popen(command, env=environ, stdout=log, stderr=log))
    finish(tmp_path, processes)
    assert "Written to" in (tmp_path / "0.log").read_text()
    assert "Written to" not in (tmp_path / "1.log").read_text()
    epochs = (run / "history.csv").read_text().splitlines()
    assert len(epochs) == 3
    assert json.loads((run / "metrics.json").read_text())["train"]["rows"] == 48
    assert (run / "model.keras").exists()


@pytest.mark.slow
def test_a_process_that_does_not_come_is_named(tmp_path):
    here, missing = free_addresses(2)
    program = "import os, sys, json, fusionkeras as fk\nfk.build_strategy('multiworker', timeout=1)"
    environ = {**os.environ, **tf_config({"worker": [here, missing]}, "worker", 0)}
    begun = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 1 and time.monotonic() - begun < 120
    assert (
        f"process 1 ({missing}) did not answer. Expected all 2 of them within 1 s" in ended.stderr
    )


def test_one_process_with_one_device_has_no_strategy_of_its_own(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert fk.build_strategy().num_replicas_in_sync == 1
    assert fk.is_chief()
    with pytest.raises(ValueError, match="tells of no other process.*Expected TF_CONFIG, or"):
        fk.build_strategy("multiworker")
    with pytest.raises(ValueError, match="Unknown strategy. Expected one of .*'mirror'"):
        fk.build_strategy("mirror")
