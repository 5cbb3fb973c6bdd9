"""KerasTuner on kept features."""

import keras
import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.training.frozen.features import FrozenGroup


def words():
    """A frozen branch of one word that is quickly traced."""
    ids = keras.Input((1,), name="text_token_ids", dtype="int32")
    x = keras.layers.Embedding(6, 4, embeddings_initializer="orthogonal")(ids)
    outputs = {
        "pooled_output": keras.layers.Dense(4)(keras.layers.Flatten()(x)),
        "present": keras.ops.any(ids != 0, axis=-1),
    }
    encoder = keras.Model(ids, outputs, name="text_encoder")
    encoder.trainable = False
    return fk.Branch("text", encoder, fk.WordIds(["red", "blue", "green"], 1))


@pytest.mark.slow
def test_the_better_number_is_found_and_features_are_computed_once(tmp_path, monkeypatch):
    inputs, built, extract = [], [], FrozenGroup.extract

    def count(group, tensors):
        inputs.append(len(next(iter(tensors.values()))))
        return extract(group, tensors)

    monkeypatch.setattr(FrozenGroup, "extract", count)
    frame = pd.DataFrame({"text": ["red", "blue", "green"] * 20})
    frame["label"] = np.where(frame["text"] == "red", "warm", "cold")
    data = fk.read_table(frame, {"text": "text"}, label="label", files=(), split=(0.5, 0.5, 0))
    branch = words()

    def build(hp):
        rate = hp.Choice("rate", [1e-7, 0.03])
        built.append(rate)
        return fk.compile_classifier(fk.build_classifier([branch], fk.Concat(4)), rate)

    preprocessor = fk.build_preprocessor([branch])
    train = fk.prepare(data.train, preprocessor, 8, shuffle=True)
    validation = fk.prepare(data.validation, preprocessor)
    arguments = (build, train, validation, 2, 8)
    found = fk.tune(*arguments, folder=tmp_path)
    assert found.values == {"rate": 0.03} and set(built) == {1e-7, 0.03}
    assert sum(inputs) == 3  # the words that there are
    trained = len(built)
    assert fk.tune(*arguments, folder=tmp_path).values == found.values
    assert len(built) <= trained + 1  # asked for its numbers, not trained again


def test_what_is_wrong_in_a_trial_is_raised():
    def build(hp):
        raise ZeroDivisionError("in build")

    with pytest.raises(ZeroDivisionError, match="in build"):
        fk.tune(build, None, None)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="build is no function. Expected one. Received: build=3"):
        fk.tune(3, None, None)
    with pytest.raises(ValueError, match="The number of trials is too small"):
        fk.tune(dict, None, None, trials=0)
