"""Trains a small model on drawn texts, alone or with others; a test runs it in processes.

`python program.py OUT OPTIONS`, where OPTIONS is a JSON object. `OUT/INDEX.npz` holds the weights
of each training that is asked for, and `OUT/INDEX.json` its history.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import sys

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import fusionkeras as fk

WORDS = list("abcdefgh")


def draw_table(rows=55):
    """Texts, titles, and labels that depend on neither; each row has a weight."""
    rng = np.random.default_rng(0)
    texts = {
        name: [" ".join(rng.choice(WORDS, 3)) for _ in range(rows)] for name in ("text", "title")
    }
    weights = rng.uniform(0.5, 2, rows)
    return pd.DataFrame({**texts, "label": rng.choice(["x", "y", "z"], rows), "weight": weights})


def build(frozen):
    """A model of two texts, of which one has an encoder that may be frozen."""
    keras.utils.set_random_seed(0)
    branches = [_branch("text"), _branch("title")]
    branches[1].encoder.trainable = not frozen
    return branches, fk.build_classifier(branches, num_classes=3, hidden_dims=[4])


def _branch(name):
    ids = keras.Input((4,), name=f"{name}_token_ids", dtype="int32")
    vectors = keras.layers.Embedding(len(WORDS) + 2, 5)(ids)
    pooled = keras.layers.Dense(6)(keras.layers.GlobalAveragePooling1D()(vectors))
    outputs = {"pooled_output": pooled, "present": keras.ops.any(ids != 0, axis=-1)}
    encoder = keras.Model(ids, outputs, name=f"{name}_encoder")
    return fk.Branch(name, encoder, fk.WordIds(WORDS, 4, column=name, output=f"{name}_token_ids"))


def train(strategy, folder, optimizer="sgd", frozen=True, epochs=5, callbacks=()):
    """One training; returns its weights and history."""
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        branches, model = build(frozen)
    fk.compile_classifier(model, 0.05, optimizer)
    columns = {"text": "text", "title": "title"}
    data = fk.read_table(
        draw_table(), columns, label="label", files=(), split=(0.9, 0.1, 0), weight="weight"
    )
    preprocessor = fk.build_preprocessor(branches)
    batches = fk.prepare(data.train, preprocessor, 12, shuffle=True, class_weight="balanced")
    validation = fk.prepare(data.validation, preprocessor, 12)
    cache = fk.FeatureCache((folder / "cache").resolve().as_uri())  # that all processes share
    history = fk.fit(model, batches, validation, epochs, list(callbacks), cache, verbose=0)
    return [np.asarray(weight) for weight in model.get_weights()], history.history


def refusals(strategy):
    """What is said of models that cannot be trained under a strategy."""
    data = fk.read_table(draw_table(9), {"text": "text"}, "label", files=(), split=(1, 0, 0))
    said = []
    for normalised in (True, False):
        with strategy.scope():
            branch = _branch("text")
            if normalised:
                branch = dataclasses.replace(branch, encoder=_normalised(branch.encoder))
            model = fk.build_classifier([branch], num_classes=3)
        if normalised:
            fk.compile_classifier(model)
        else:
            model.compile("sgd", "sparse_categorical_crossentropy")
        batches = fk.prepare(data.train, fk.build_preprocessor([branch]), 4)
        said += refused(fk.fit, model, batches, verbose=0)
    for name in ("gradient_accumulation_steps", "steps_per_execution"):
        said += refused(fk.compile_classifier, model, **{name: 2})
    return said


def refused(function, *arguments, **options):
    """What a call says that has to raise ValueError, in a list."""
    try:
        function(*arguments, **options)
    except ValueError as error:
        return [str(error)]
    raise RuntimeError("It was not refused.")


def _normalised(encoder):
    outputs = dict(encoder.output)
    outputs["pooled_output"] = keras.layers.BatchNormalization()(outputs["pooled_output"])
    return keras.Model(encoder.input, outputs, name=encoder.name)


class KillAt(keras.callbacks.Callback):
    """Kills its own process in the middle of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.epoch, self.batch, self.now = epoch, batch, 0

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers the epoch."""
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Is killed, if this is the batch."""
        if (self.now, batch) == (self.epoch, self.batch):
            os.kill(os.getpid(), signal.SIGKILL)


def strategy_of(name):
    """The strategy of a name; "virtual" has two devices on this processor."""
    if name == "virtual":
        (processor,) = tf.config.list_physical_devices("CPU")
        devices = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(processor, devices)
        return tf.distribute.MirroredStrategy([f"CPU:{place}" for place in range(2)])
    return fk.build_strategy(name, timeout=60)


def main(out, strategy, trainings, backup=None, kill=None):
    """Runs the trainings that are asked for."""
    out = pathlib.Path(out)
    virtual, strategy = strategy == "virtual", strategy_of(strategy)
    resolver = strategy.cluster_resolver
    index = 0 if resolver is None else resolver.task_id or 0
    callbacks = [] if backup is None else [keras.callbacks.BackupAndRestore(backup)]
    callbacks += [KillAt(*kill[1:])] if kill and kill[0] == index else []
    weights, histories = {}, []
    for number, training in enumerate(trainings):
        arrays, history = train(strategy, out, callbacks=callbacks, **training)
        weights |= {f"{number}_{place}": array for place, array in enumerate(arrays)}
        histories.append(history)
    if virtual:
        (out / "refusals.json").write_text(json.dumps(refusals(strategy)))
    np.savez(out / f"{index}.npz", **weights)
    (out / f"{index}.json").write_text(json.dumps(histories))


if __name__ == "__main__":
    main(sys.argv[1], **json.loads(sys.argv[2]))
