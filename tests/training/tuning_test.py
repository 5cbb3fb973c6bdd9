"""KerasTuner on kept features."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

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
        fk.tune(build, None, ())


def tiny(seen, loss="mse", **choices):
    """A `build` that asks for numbers, and arrays of two rows."""

    def build(hp):
        seen.append({name: hp.Choice(name, values) for name, values in choices.items()})
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", loss)
        return model

    rows = tf.data.Dataset.from_tensors((np.zeros((2, 1)), np.zeros((2, 1))))
    return build, rows, rows


def test_a_folder_of_another_search(tmp_path):
    seen = []
    found = fk.tune(*tiny(seen, w=[4, 8]), trials=1, epochs=1, folder=tmp_path).values
    trained = len(seen)
    again = fk.tune(*tiny(seen, w=[4, 8]), trials=1, epochs=1, folder=tmp_path).values
    assert found == again and len(seen) == trained + 1  # asked for its numbers
    for other in ({"other": [1, 2]}, {"w": [4, 16]}, {"w": [4, 8], "more": [1, 2]}, {}):
        with pytest.raises(ValueError, match=r"keeps a search for other numbers\. Expected.*'w'"):
            fk.tune(*tiny([], **other), trials=1, epochs=1, folder=tmp_path)
    (tmp_path / "trials" / "asked.json").unlink()
    with pytest.raises(ValueError, match="other numbers. Expected a new folder.*Take another"):
        fk.tune(*tiny([], w=[4, 8]), trials=1, epochs=1, folder=tmp_path)


def test_no_finite_loss():
    def loss(y_true, y_pred):
        return keras.ops.sum(y_pred) * float("nan")

    seen = []
    with pytest.raises(ValueError, match="No trial has a finite validation loss.*values={'w'"):
        fk.tune(*tiny(seen, loss, w=[4, 8, 9, 10]), trials=4, epochs=1)
    assert len(seen) == 5


def test_wrong_arguments():
    with pytest.raises(TypeError, match="build is no function. Expected one. Received: build=3"):
        fk.tune(3, None, None)
    with pytest.raises(ValueError, match="The number of trials is too small"):
        fk.tune(dict, None, (), trials=0)
    with pytest.raises(ValueError, match="There are no validation rows to judge by"):
        fk.tune(dict, None, None)
    for model in (None, keras.Sequential([keras.Input((1,))])):
        with pytest.raises(ValueError, match="build returns no compiled model.*Received: model="):
            fk.tune(lambda hp, model=model: model, None, ())
