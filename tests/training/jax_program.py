"""What `jax_test.py` runs on the JAX backend, in processes of their own.

`alone FOLDER`: fusions, and one training on one device and on eight; `together FOLDER PORT INDEX`:
the same training, one of two processes.
"""

import dataclasses
import json
import pathlib
import pickle
import sys

import keras
import numpy as np

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.fusion import FUSIONS, ModalityDropout, get_fusion
from fusionkeras.preprocessing.text import WordIds
from fusionkeras.training import compiled
from fusionkeras.training.distribution.processes import check_same

WORDS = ["red", "blue", "round", "square"]


def read(folder):
    table = str(folder / "posts.csv")
    return fk.read_table(table, {"text": "text", "title": "title"}, label="label", files=(),
                         split=(0.8, 0.2, 0), seed=0)  # fmt: skip


def branch(name):
    """The mean of words behind BatchNorm, which sees all rows of a batch; quickly compiled."""
    ids = keras.Input((4,), dtype="int32", name=f"{name}_token_ids")
    words = keras.layers.BatchNormalization()(keras.layers.Embedding(6, 4)(ids))
    features = {
        "pooled_output": keras.ops.mean(words, axis=1),
        "present": keras.ops.any(ids > 0, axis=1),
    }
    encoder = keras.Model([ids], features, name=f"{name}_encoder")
    return fk.Branch(name, encoder, WordIds(WORDS, 4, column=name, output=ids.name))


def build():
    keras.utils.set_random_seed(0)
    branches = [branch("title"), branch("text")]
    branches[0].encoder.trainable = False
    model = fk.build_classifier(branches, fk.Concat(hidden_dim=4), num_classes=3, hidden_dims=())
    fk.compile_classifier(model, optimizer=keras.optimizers.SGD(0.1))
    return model, fk.build_preprocessor(branches)


def train(data, folder, callbacks=()):
    """42 rows by 16: the last batch has 10, which neither eight nor two times two divide."""
    model, preprocessor = build()
    batches = fk.prepare(data.train, preprocessor, 16, shuffle=True, class_weight="balanced")
    validation = fk.prepare(data.validation, preprocessor, 16)
    history = fk.fit(model, batches, validation, 2, [*callbacks], folder / "features", verbose=0)
    return model, preprocessor, history.history


def fuse(given):
    """All fusions in one model: forward as on TensorFlow, and a step of training."""
    features = given["features"]
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(x.shape[1:], dtype=str(x.dtype)), features
    )
    layers = {name: get_fusion(name, hidden_dim=8, name=name) for name in FUSIONS}
    fused = {name: layer(inputs) for name, layer in layers.items()}
    for name, layer in layers.items():
        layer.set_weights(given["fusions"][name][0])
    found = compiled(keras.Model(inputs, fused))(features)
    for name, (_, expected) in given["fusions"].items():
        for mine, other in zip(keras.tree.flatten(found[name]), expected, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5, err_msg=name)
    fused = get_fusion("transformer", hidden_dim=8)(ModalityDropout(0.5)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(fused))
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(features, np.ones(4), verbose=0).history["loss"]).all()


def alone(folder):
    fuse(pickle.loads((folder / "fusions").read_bytes()))
    data = read(folder)
    model, preprocessor, history = train(data, folder)
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    assert keras.distribution.distribution().num_model_replicas == 8
    spread, _, spread_history = train(data, folder)
    keras.distribution.set_distribution(None)
    for mine, other in zip(spread.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)
    for name, values in history.items():
        np.testing.assert_allclose(spread_history[name], values, atol=1e-5, err_msg=name)
    validation = fk.prepare(data.validation, preprocessor)
    report = fk.evaluate(model, validation)
    assert abs(report.accuracy - history["val_accuracy"][-1]) < 1e-6
    inputs = [x for x, *_ in validation]
    answers = np.concatenate([compiled(model)(x) for x in inputs])
    np.savez(folder / "alone.npz", *model.get_weights(), answers=answers)
    model.save_weights(folder / "posts.weights.h5")
    serving = fk.end_to_end(model, preprocessor, data.class_names)
    serving.save(folder / "posts.keras")
    told = refused(lambda: fk.predict(serving, {"text": "red", "title": "blue"}))
    told += refused(lambda: fk.build_strategy("mirrored")) + [main(["demo"])]
    print(json.dumps([history, told]))


def together(folder, port, index):
    import jax

    keras.distribution.initialize(f"127.0.0.1:{port}", 2, index)
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    assert jax.process_count() == 2 and jax.device_count() == 4
    data, resume = read(folder), fk.Resume(folder / "state", every=2)
    model, preprocessor, history = train(data, folder, [resume])
    expected = np.load(folder / "alone.npz")
    for number, weights in enumerate(model.get_weights()):
        np.testing.assert_allclose(weights, expected[f"arr_{number}"], atol=1e-5)
    batches = fk.prepare(data.train, preprocessor)
    told = refused(lambda: fk.fit(model, batches, (np.ones(3), np.ones(3))))
    told += refused(lambda: check_same(index, "folder of Resume", "here"))
    batches.source = dataclasses.replace(batches.source, mix=keras.layers.MixUp())
    told += refused(lambda: fk.fit(model, batches))
    print(json.dumps([history, told]))


def refused(call):
    try:
        call()
    except ValueError as error:
        return [str(error)]
    raise RuntimeError("It was not refused.")


if __name__ == "__main__":
    assert keras.backend.backend() == "jax"
    folder = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "alone":
        alone(folder)
    else:
        together(folder, sys.argv[3], int(sys.argv[4]))
