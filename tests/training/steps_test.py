"""How many batches make a step: accumulation, several steps in one execution, whole batches."""

import keras
import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk

WORDS = ["red", "blue", "green", "grey", "dark"]
WAYS = ["frozen", "learning"]


def text_branch(frozen):
    ids = keras.Input((3,), name="text_token_ids", dtype="int32")
    vectors = keras.layers.Dense(4, "tanh")(keras.layers.Embedding(7, 4)(ids))
    outputs = {
        "pooled_output": keras.ops.mean(vectors, axis=1),
        "present": keras.ops.any(ids != 0, axis=-1),
    }
    encoder = keras.Model(ids, outputs, name="text_encoder")
    encoder.trainable = not frozen
    return fk.Branch("text", encoder, fk.WordIds(WORDS, sequence_length=3))


@pytest.fixture
def train():
    """A function that trains on 22 rows of as many texts and gives the model."""
    rows = np.random.default_rng(0).choice(WORDS, (22, 3))
    frame = pd.DataFrame({"text": map(" ".join, rows), "label": np.arange(22) % 2})
    data = fk.read_table(frame, {"text": "text"}, label="label", files=(), split=(1, 0, 0))

    def train(way, batch_size, epochs, rows=None, callbacks=(), drop_remainder=False, **compiled):
        keras.utils.set_random_seed(0)
        branch = text_branch(way == "frozen")
        model = fk.build_classifier([branch], fk.Concat(hidden_dim=4))
        table = data.train if rows is None else data.train.take(rows)
        optimizer = compiled.pop("optimizer", "sgd")
        fk.compile_classifier(model, 0.5, optimizer, **compiled)
        given = {"shuffle": rows is None, "seed": 3, "drop_remainder": drop_remainder}
        batches = fk.prepare(table, fk.build_preprocessor([branch]), batch_size, **given)
        fk.fit(model, batches, epochs=epochs, callbacks=list(callbacks), verbose=0)
        return model

    return train


def assert_same(model, other):
    for weight, twin in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(weight, twin, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_small_batches_that_add_up_are_a_large_one(train, way):
    rows = np.arange(16)
    small = train(way, 2, 2, rows, gradient_accumulation_steps=4)
    assert_same(small, train(way, 8, 2, rows))
    assert int(small.optimizer.iterations) == 4


def test_what_is_left_of_an_epoch_counts_in_the_next_one_and_at_the_end_nowhere(train):
    rows = np.arange(12)
    again = np.concatenate([rows, rows[:4]])  # of two epochs, what makes batches of 8
    small = train("frozen", 4, 1, rows, gradient_accumulation_steps=2)
    assert_same(small, train("frozen", 8, 1, rows[:8]))
    assert_same(
        train("frozen", 4, 2, rows, gradient_accumulation_steps=4),
        train("frozen", 16, 1, again),
    )


@pytest.mark.parametrize("way", WAYS)
def test_steps_that_are_executed_together_are_the_same_steps(train, way):
    several = train(way, 4, 2, optimizer="adam", steps_per_execution=4)  # of 6 batches
    assert_same(several, train(way, 4, 2, optimizer="adam"))


class Break(keras.callbacks.Callback):
    """Breaks a training off in the middle of an epoch, behind 14 batches or more."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer._iterations >= 14 and batch < self.params["steps"] - 1:
            raise KeyboardInterrupt


def broken_off(train, tmp_path, way="frozen", **options):
    with pytest.raises(KeyboardInterrupt):
        train(way, 4, 3, callbacks=[fk.Resume(tmp_path, every=2), Break()], **options)
    return fk.Resume(tmp_path)


def test_resume_goes_on_behind_the_last_execution(train, tmp_path):
    options = {"gradient_accumulation_steps": 4, "optimizer": "adam"}  # 6 batches an epoch
    resume = broken_off(train, tmp_path, steps_per_execution=2, **options)
    resumed = train("frozen", 4, 3, callbacks=[resume], steps_per_execution=2, **options)
    assert resume._found == (2, 2)
    assert_same(resumed, train("frozen", 4, 3, **options))


def test_resume_where_an_epoch_does_not_end_with_a_whole_execution(train, tmp_path, caplog):
    options = {"drop_remainder": True}  # 5 batches an epoch
    resume = broken_off(train, tmp_path, steps_per_execution=2, **options)
    assert "at the end of epochs only: their 5 batches are no multiple of steps_" in caplog.text
    resumed = train("frozen", 4, 3, callbacks=[resume], steps_per_execution=2, **options)
    assert resume._found == (2, 0)
    assert_same(resumed, train("frozen", 4, 3, **options))
    with pytest.raises(ValueError, match="through other rows"):
        train("frozen", 4, 4, callbacks=[resume])
    other = broken_off(train, tmp_path / "other", **options)  # behind the fourth batch
    with pytest.raises(ValueError, match="has 1 batches left. Expected .* multiple.*execution=2"):
        train("frozen", 4, 3, callbacks=[other], steps_per_execution=2, **options)


def test_wrong_accumulation():
    model = fk.build_classifier([text_branch(False)])
    with pytest.raises(ValueError, match="number of batches is too small.*accumulation_steps=0"):
        fk.compile_classifier(model, gradient_accumulation_steps=0)
    with pytest.raises(ValueError, match="ready made accumulates as it was told.*the optimizer in"):
        fk.compile_classifier(
            model, optimizer=keras.optimizers.SGD(), gradient_accumulation_steps=2
        )


def test_rows_that_are_left_out_cannot_be_measured(train):
    branch = text_branch(False)
    model = fk.compile_classifier(fk.build_classifier([branch]))
    frame = pd.DataFrame({"text": WORDS, "label": [0, 1, 0, 1, 0]})
    data = fk.read_table(frame, {"text": "text"}, label="label", files=(), split=(1, 0, 0))
    batches = fk.prepare(data.train, fk.build_preprocessor([branch]), 2, drop_remainder=True)
    with pytest.raises(ValueError, match="left out cannot be measured.*without drop_remainder"):
        fk.evaluate(model, batches)
