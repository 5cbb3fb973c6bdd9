"""Low-rank weights beside those of encoders."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.training.frozen.fingerprint import fingerprint
from fusionkeras.training.frozen.split import cut

SIZE = (16, 16)


def vit_branch():
    """A picture encoder of keras_hub, tiny and with random weights."""
    import keras_hub

    backbone = keras_hub.models.ViTBackbone(
        image_shape=(*SIZE, 3), patch_size=8, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=8
    )
    pixels = keras.Input((*SIZE, 3), name="image")
    outputs = {
        "pooled_output": backbone(pixels / 255)[:, 0],
        "present": keras.ops.any(pixels > -0.5, axis=(1, 2, 3)),
    }
    encoder = keras.Model(pixels, outputs, name="image_encoder")
    encoder.trainable = False
    return fk.Branch("image", encoder, fk.DecodeImage(SIZE))


@pytest.fixture
def branches(preset):
    return [fk.bert_branch(preset, 6), vit_branch()]


@pytest.fixture
def table(statements):
    frame = pd.read_csv(statements) if isinstance(statements, str) else statements
    columns = {"image": "image", "text": "text"}
    return fk.read_table(frame, columns, label="label", split=(1, 0, 0)).train.take(np.arange(12))


def learning(model, branch):
    return [weight.path for weight in model.get_layer(f"{branch}_encoder").trainable_variables]


def values_of(model, branch):
    return {v.path: np.array(v) for v in model.get_layer(f"{branch}_encoder").weights}


def test_only_what_stands_beside_query_and_value_learns(branches):
    model = fk.build_classifier(branches)
    before = len(model.trainable_variables)
    fk.enable_lora(model, "text", rank=2)
    fk.enable_lora(model, "image", rank=3, alpha=6)
    found = learning(model, "text")
    assert len(found) == 4 * 2 * 2 and all("lora_kernel" in path for path in found)
    assert {path.split("/")[-2] for path in found} == {"query", "value"}
    assert len(learning(model, "image")) == 2 * 2 * 2
    assert len(model.trainable_variables) == before + 16 + 8
    kernel = model.get_layer("image_encoder").trainable_variables[0]
    assert kernel.shape[-1] == 3
    fk.freeze(model, "text")
    assert not learning(model, "text") and learning(model, "image")
    fk.unfreeze(model, "text")
    assert any("embedding" in path for path in learning(model, "text"))


@pytest.mark.slow
def test_it_learns_behind_what_is_kept_is_saved_whole_and_exported(branches, table, tmp_path):
    keras.utils.set_random_seed(0)
    model = fk.build_classifier(branches, fk.Concat(hidden_dim=4))
    fk.enable_lora(model, "text", rank=2, last=2)
    groups = {group.inputs: group.extractor for group in cut(model).groups}
    assert set(groups) == {("text_token_ids",), ("image",)}  # the first two layers, and all of ViT
    kept = {weight.path for weight in groups["text_token_ids",].weights}
    assert any("layer_1" in path for path in kept) and not any("layer_2" in path for path in kept)
    preprocessor, before = fk.build_preprocessor(branches), values_of(model, "text")
    batches = fk.prepare(table, preprocessor, 4, shuffle=True)
    fk.compile_classifier(model, 0.05)
    fk.fit(model, batches, epochs=1, verbose=0)
    for path, value in values_of(model, "text").items():
        assert np.array_equal(value, before[path]) == ("lora" not in path), path
    serving = fk.end_to_end(model, preprocessor, table.class_names)
    row = {name: table.columns[name][0] for name in ("image", "text")}
    expected = list(fk.predict(serving, row)["probabilities"].values())
    serving.save(tmp_path / "x.keras")
    fk.export(serving, tmp_path / "exported", explain=False, verify=False)
    for path in ("x.keras", "exported"):
        found = list(fk.predict(fk.load(tmp_path / path), row)["probabilities"].values())
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    model.save_weights(tmp_path / "x.weights.h5")
    inputs = next(iter(batches))[0]
    expected = model(inputs)
    model.load_weights(tmp_path / "x.weights.h5")  # the sum, and nothing beside it
    np.testing.assert_allclose(model(inputs), expected, rtol=1e-5, atol=1e-6)


def words_branch():
    """A frozen text encoder with one dense layer that is called as an attention calls its own."""
    ids = keras.Input((4,), name="text_token_ids", dtype="int32")
    vectors = keras.layers.Dense(4, "tanh", name="query")(keras.layers.Embedding(9, 4)(ids))
    outputs = {"pooled_output": vectors[:, 0], "present": keras.ops.any(ids != 0, axis=-1)}
    encoder = keras.Model(ids, outputs, name="text_encoder")
    encoder.trainable = False
    return fk.Branch("text", encoder, fk.WordIds(["red", "circle", "blue"], sequence_length=4))


def test_what_learns_is_made_under_the_strategy_of_the_model(table):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        branch = words_branch()
        model = fk.build_classifier([branch], fk.Concat(hidden_dim=4))
    fk.enable_lora(model, "text", rank=2)
    made = [v.value for v in model.trainable_variables if "lora" in v.path]
    assert made and all(map(strategy.extended.variable_created_in_scope, made))
    fk.compile_classifier(model)
    fk.fit(model, fk.prepare(table, fk.build_preprocessor([branch]), 6), verbose=0)


def test_a_training_goes_on_in_the_middle(table, tmp_path):
    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == 4:
                raise KeyboardInterrupt

    def train(folder, *callbacks):
        keras.utils.set_random_seed(0)
        branch = words_branch()
        model = fk.build_classifier([branch], fk.Concat(hidden_dim=4))
        fk.enable_lora(model, "text", rank=2)
        fk.compile_classifier(model, 0.05)
        batches = fk.prepare(table, fk.build_preprocessor([branch]), 4, shuffle=True)
        callbacks = [fk.Resume(tmp_path / folder, every=1), *callbacks]
        fk.fit(model, batches, epochs=2, callbacks=callbacks, verbose=0)
        return model.get_weights()

    with pytest.raises(KeyboardInterrupt):
        train("broken", Break())
    for mine, other in zip(train("broken"), train("whole"), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


def test_the_factor_is_part_of_what_is_computed():
    def encoder(alpha):
        keras.utils.set_random_seed(0)
        x = keras.Input((3, 4))
        model = keras.Model(x, keras.layers.MultiHeadAttention(2, 4)(x, x))
        for layer in model._flatten_layers():
            if layer.name == "query":
                layer.enable_lora(2, lora_alpha=alpha, b_initializer="ones")
        model.trainable = False
        return model

    assert fingerprint(encoder(2)) == fingerprint(encoder(2)) != fingerprint(encoder(4))


def test_wrong_arguments(branches):
    model = fk.build_classifier([branches[0]])
    for wrong, match in (
        ({"branch": "sound"}, "Unknown branch"),
        ({"rank": 0}, "rank is too small.*rank=0"),
        ({"alpha": -1}, "Wrong factor. Expected None, or a positive number.*alpha=-1"),
        ({"last": 5}, "has 4 layers to unfreeze"),
        (
            {"layers": ["q"]},
            r"'text' has no layers of these.*among \[.*'key'.*layers=\['q'\]",
        ),
    ):
        with pytest.raises(ValueError, match=match):
            fk.enable_lora(model, **{"branch": "text", **wrong})
    assert not learning(model, "text")
    fk.enable_lora(model, "text", layers=None)
    assert {path.split("/")[-2] for path in learning(model, "text")} > {"query", "key"}
    with pytest.raises(ValueError, match="'text' has such weights already.*Build the model anew"):
        fk.enable_lora(model, "text")
    words = fk.build_classifier([fk.lstm_branch(["red"], 4)])
    with pytest.raises(ValueError, match="'text' has no dense layers"):
        fk.enable_lora(words, "text", layers=None)
