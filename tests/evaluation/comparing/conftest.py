"""A table whose label only both columns tell, and branches that are quickly traced."""

import keras
import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk

WORDS = [f"w{number}" for number in range(8)]


def branch(name, frozen):
    """A branch of one word; the features of a frozen one are random, and the same in each."""
    ids = keras.Input((1,), name=f"{name}_token_ids", dtype="int32")
    start = keras.initializers.RandomNormal(stddev=1.0, seed=7) if frozen else "uniform"
    x = keras.layers.Embedding(10, 8, embeddings_initializer=start)(ids)
    x = keras.layers.Dense(8, kernel_initializer=start)(keras.layers.Flatten()(x))
    outputs = {"pooled_output": x, "present": keras.ops.any(ids != 0, axis=-1)}
    encoder = keras.Model(ids, outputs, name=f"{name}_encoder")
    encoder.trainable = not frozen
    words = fk.WordIds(WORDS, 1, column=name, name=f"{name}_words", output=f"{name}_token_ids")
    return fk.Branch(name, encoder, words)


def make_branches():
    return [branch("one", frozen=True), branch("three", frozen=False)]


@pytest.fixture(scope="session")
def frame():
    random = np.random.default_rng(0)
    one, three = random.integers(0, 8, (2, 200))
    label = np.where((one < 5) & (three < 5), "both", "not")
    return pd.DataFrame(
        {"one": [WORDS[x] for x in one], "three": [WORDS[x] for x in three], "label": label}
    )


@pytest.fixture(scope="session")
def data(frame):
    columns = {"one": "one", "three": "three"}
    return fk.read_table(frame, columns, label="label", files=(), split=(0.5, 0.2, 0.3))
