import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk

PROGRAM = """
import json, os, sys
import keras, numpy as np, pandas as pd, tensorflow as tf
import fusionkeras as fk

def train(kind, folder, die, log):
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    rows = np.arange(42)
    frame = pd.DataFrame({"text": [f"w{row} w{row % 5}" for row in rows], "row": rows})
    data = fk.read_table(frame, {"text": "text"}, label="row", files=(), task="regression",
                         split=(1, 0, 0))
    words = fk.learn_vocabulary(data.train, "text")
    branch = fk.lstm_branch(words, sequence_length=2, units=4)
    model = fk.build_model([branch], heads=fk.RegressionHead(), hidden_dims=[8], dropout=0.3)
    if kind == "frozen":
        fk.freeze(model, "text")

    def write(labels):
        with open(log, "a") as file:
            print(*labels.reshape(-1).astype(int), file=file)
        return np.float32(0)

    def loss(labels, answers):
        nothing = tf.ensure_shape(tf.numpy_function(write, [labels], tf.float32), [])
        return tf.square(tf.cast(labels, tf.float32) - answers)[:, 0] + nothing

    class Die(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if die == "die" and (self.model.optimizer.iterations == 11 + 5):
                os.kill(os.getpid(), 9)

    model.compile("adam", loss, jit_compile=False)
    train = fk.prepare(data.train, fk.build_preprocessor([branch]), 4, shuffle=True, seed=3)
    callbacks = [Die(), fk.Resume(folder, every=2)]
    cache = folder + "/cache"
    history = fk.fit(model, train, epochs=3, callbacks=callbacks, cache=cache, verbose=0)
    np.savez(folder + "/result.npz", *model.get_weights(), loss=history.history["loss"])

# Each process begins with all imports, which take longer than a training; nothing has run yet.
for trainings in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        for training in trainings:
            train(*training)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
KINDS = ["frozen", "learning"]


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    """A folder of what was trained in processes of their own: a log and a result of each.

    Of each kind one that is killed, and, both in another process, the rest of it and a whole one.
    """
    folder = tmp_path_factory.mktemp("trainings")
    processes = []
    for kind in KINDS:
        killed, whole = (str(folder / f"{kind}_{name}") for name in ("killed", "whole"))
        rest = [kind, killed, "", f"{killed}_rest.log"]
        processes += [[[kind, killed, "die", f"{killed}.log"]]]
        processes += [[rest, [kind, whole, "", f"{whole}.log"]]]
    command = [sys.executable, "-c", PROGRAM, json.dumps(processes)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["-9", "0"] * len(KINDS), done.stderr
    assert "ran out of data" not in done.stderr
    return folder


def batches(path):
    return [list(map(int, line.split())) for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_is_killed_goes_on_with_the_next_batch(trainings, kind):
    first, rest, whole = (
        batches(trainings / f"{kind}_{name}.log") for name in ("killed", "killed_rest", "whole")
    )
    assert len(whole) == 3 * 11 and len(first) == 11 + 5
    # The state of the 15th batch is the last one: what came behind it has left no trace.
    assert first[: 11 + 4] + rest == whole and first == whole[: 11 + 5]
    for epoch in range(3):
        rows = whole[11 * epoch : 11 * (epoch + 1)]
        assert sum(rows, []) == fk.data.feeding.order.shuffled(42, 3, epoch).tolist()
    results = [np.load(trainings / f"{kind}_{name}" / "result.npz") for name in ("whole", "killed")]
    assert len(results[0].files) > 4
    for name in results[0].files:
        expected = results[0][name][1:] if name == "loss" else results[0][name]
        assert np.array_equal(results[1][name], expected), name
    assert not list((trainings / f"{kind}_killed").glob(".unfinished*"))


@pytest.fixture
def trained(tmp_path):
    """A function that trains on a table of 10 rows with `Resume`."""
    frame = pd.DataFrame({"text": ["red", "blue"] * 5, "label": ["warm", "cold"] * 5})

    def train(units=4, batch_size=4, seed=0, callbacks=(), compiled=None, **options):
        data = fk.read_table(frame, {"text": "text"}, label="label", files=(), split=(1, 0, 0))
        branch = fk.lstm_branch(["red", "blue"], sequence_length=2, units=units)
        model = fk.compile_classifier(fk.build_classifier([branch]), **(compiled or {}))
        batches = fk.prepare(data.train, fk.build_preprocessor([branch]), batch_size, True, seed)
        callbacks = [fk.Resume(tmp_path / "kept", every=1), *callbacks]
        return fk.fit(model, batches, callbacks=callbacks, verbose=0, **options)

    return train


@pytest.mark.slow
def test_it_goes_on_in_another_process_or_model(trained, tmp_path):
    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(epochs=2, callbacks=[Break()])
    assert trained(epochs=2).epoch == [0, 1]
    assert trained(epochs=2).epoch == []
    assert trained(epochs=4).epoch == [2, 3]
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["training.safetensors"]


@pytest.mark.slow
def test_another_training_is_refused(trained, tmp_path):
    trained(epochs=1)
    with pytest.raises(ValueError, match="through other rows, or in another order.*file="):
        trained(epochs=2, seed=1)
    with pytest.raises(ValueError, match="through other rows.*Expected the table, split, batch"):
        trained(epochs=2, batch_size=5)
    with pytest.raises(ValueError, match="is one of another model. Expected the model, compiled"):
        trained(epochs=2, units=5)
    with pytest.raises(
        ValueError, match="batches of whole epochs. Expected no steps_per_epoch.*=1"
    ):
        trained(epochs=2, steps_per_epoch=1)
    (path,) = pathlib.Path(tmp_path / "kept").iterdir()
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match="cannot be read .*Delete it to begin anew"):
        trained(epochs=2)


def test_it_is_for_data_of_prepare(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="knows no order of rows.*fk.fit over what prepare"):
        fk.fit(model, np.ones((4, 1)), y=np.ones(4), callbacks=[fk.Resume(tmp_path)], verbose=0)
    with pytest.raises(ValueError, match="number of batches between two states.*every=0"):
        fk.Resume(tmp_path, every=0)
