"""`fk.fit` is `model.fit`, with every frozen encoder run once."""

import logging
import sqlite3

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.data.pictures.memory import cache_folder
from fusionkeras.training.frozen.features import FrozenGroup
from fusionkeras.training.frozen.inputs import open_frozen
from fusionkeras.training.frozen.table_features import TableFeatures

SIZE = (16, 16)


@pytest.fixture
def data(statements):
    return read(statements)


def read(table, **options):
    columns = {"image": "image", "text": "text"}
    return fk.read_table(table, columns=columns, label="label", seed=1, **options)


@pytest.fixture
def passes(monkeypatch):
    """How many inputs went through frozen encoders, encoder by encoder."""
    counts, extract = [], FrozenGroup.extract

    def counted(self, inputs):
        counts.extend([self.inputs] * len(inputs[self.inputs[0]]))
        return extract(self, inputs)

    monkeypatch.setattr(FrozenGroup, "extract", counted)
    return counts


def tiny_branch():
    """A frozen picture encoder that is quickly built and run."""
    pixels = keras.Input((*SIZE, 3), name="image")
    x = keras.layers.Conv2D(8, 3, strides=2)(pixels)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Conv2D(6, 3, strides=2, name="top")(x)
    pooled = keras.layers.GlobalAveragePooling2D()(x)
    present = keras.ops.any(pixels > -0.5, axis=(1, 2, 3))
    encoder = keras.Model(
        pixels, {"pooled_output": pooled, "present": present}, name="image_encoder"
    )
    encoder.trainable = False
    return fk.Branch("image", encoder, fk.DecodeImage(SIZE))


def words_branch(vocabulary):
    """A text encoder that learns, and is quickly traced."""
    ids = keras.Input((8,), name="text_token_ids", dtype="int32")
    vectors = keras.layers.Embedding(len(vocabulary) + 2, 5)(ids)
    outputs = {
        "pooled_output": keras.ops.mean(vectors, axis=1),
        "present": keras.ops.any(ids != 0, axis=-1),
    }
    encoder = keras.Model(ids, outputs, name="text_encoder")
    return fk.Branch("text", encoder, fk.WordIds(vocabulary, sequence_length=8))


def build(data, seed=0, dropout=0.2, hidden_dim=16):
    keras.utils.set_random_seed(seed)
    branches = [tiny_branch(), words_branch(fk.learn_vocabulary(data.train, "text"))]
    fusion = fk.Concat(hidden_dim=hidden_dim)
    model = fk.build_classifier(branches, fusion, num_classes=2, dropout=dropout)
    return fk.compile_classifier(model), fk.build_preprocessor(branches)


def batches(data, preprocessor, **options):
    train = fk.prepare(data.train, preprocessor, 8, shuffle=True, seed=3, **options)
    return train, fk.prepare(data.validation, preprocessor, 8)


def assert_same_weights(model, other, tolerance=1e-5):
    for weight, twin in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(weight, twin, rtol=tolerance, atol=tolerance)


def assert_same_history(history, other, tolerance=1e-5):
    assert history.epoch == other.epoch and list(history.history) == list(other.history)
    for name, values in history.history.items():
        np.testing.assert_allclose(values, other.history[name], rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_it_reaches_the_weights_of_model_fit(data):
    results = []
    for fit in (fk.fit, keras.Model.fit):
        model, preprocessor = build(data)
        train, validation = batches(data, preprocessor, class_weight="balanced")
        options = {"validation_data": validation, "epochs": 2, "verbose": 0, "shuffle": False}
        history = fit(model, train, **options)
        options |= {"initial_epoch": 2, "epochs": 4}  # goes on with the next orders of rows
        history = (history, fit(model, train, **options))
        results.append((model, *history))
    (model, *histories), (other, *others) = results
    for history, plain in zip(histories, others, strict=True):
        assert_same_history(history, plain)
    assert_same_weights(model, other)
    assert_same_weights_of(model.optimizer, other.optimizer)


def assert_same_weights_of(optimizer, other):
    assert [v.shape for v in optimizer.variables] == [v.shape for v in other.variables]
    for own, twin in zip(optimizer.variables, other.variables, strict=True):
        np.testing.assert_allclose(own, twin, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_distinct_pictures_go_through_once_and_ever(data, passes):
    distinct = len(set(data.train.columns["image"]) | set(data.validation.columns["image"]))
    for number in range(3):  # another fusion, another seed of the head, another run
        model, preprocessor = build(data, hidden_dim=4 + number)
        train, validation = batches(data, preprocessor)
        fk.fit(model, train, validation_data=validation, epochs=2, verbose=0)
        assert len(passes) == distinct


@pytest.mark.slow
def test_features_at_an_address_are_found_again(data, passes, tmp_path):
    for _ in range(2):
        model, preprocessor = build(data)
        train, _ = batches(data, preprocessor)
        fk.fit(model, train, cache=(tmp_path / "shared").as_uri(), verbose=0)
        assert len(passes) == len(set(data.train.columns["image"]))
    assert not list(cache_folder().glob("features*"))


def test_processes_share_the_pass_at_an_address(data, passes, tmp_path):
    model, preprocessor = build(data)
    train, _ = batches(data, preprocessor)
    groups, read = [], []
    for _ in range(3):  # each with what its own process would know
        frozen = open_frozen(model, tmp_path.as_uri())
        groups.append(TableFeatures(frozen.encoders[0], train.source, frozen.store, "float32"))
    alone = groups.pop()
    size = alone.look()
    hashes = np.array([list(digest) for digest in alone._digests], np.uint8)
    for index, group in enumerate(groups):
        assert size == group.look(index, 2, lambda own, _: read.append(own) or hashes)
    np.testing.assert_array_equal(np.concatenate(read), [*hashes[::2], *hashes[1::2]])
    counts = [group.fill(0, index, 2) for index, group in enumerate(groups)]
    assert min(counts) > 0 and sum(counts) == len(passes)
    assert len(passes) == len(set(data.train.columns["image"]))
    assert [group.fill() for group in groups] == [0, 0]
    assert len(passes) == sum(counts)


@pytest.mark.slow
def test_what_has_changed_is_computed_again(data, passes, tmp_path, monkeypatch):
    def count(model, preprocessor, table):
        passes.clear()
        fk.fit(model, fk.prepare(table, preprocessor, 8), verbose=0)
        return len(passes)

    model, preprocessor = build(data)
    first = data.train.take(np.arange(12))
    assert count(model, preprocessor, first) == len(set(first.columns["image"]))
    assert count(model, preprocessor, first) == 0
    grown = data.train.take(np.arange(15))
    more = len(set(grown.columns["image"])) - len(set(first.columns["image"]))
    assert count(model, preprocessor, grown) == more
    # other pixels under the same name
    changed = tmp_path / "changed.png"
    changed.write_bytes(tf.io.encode_png(np.full((9, 9, 3), 7, "uint8")).numpy())
    paths = np.asarray(grown.columns["image"])
    paths[0] = str(changed)
    moved = fk.data.Table(**{**vars(grown), "columns": {**grown.columns, "image": paths}})
    assert count(model, preprocessor, moved) == 1
    changed.write_bytes(tf.io.encode_png(np.full((9, 9, 3), 8, "uint8")).numpy())
    assert count(model, preprocessor, moved) == 1
    # another preprocessing, another weight
    twin, _ = build(data)
    assert count(twin, preprocessor, moved) == 0
    encoder = twin.get_layer("image_encoder")
    encoder.set_weights([encoder.get_weights()[0] + 1e-6, *encoder.get_weights()[1:]])
    assert count(twin, preprocessor, moved) == len(set(moved.columns["image"]))
    # the same preprocessing by another edition of its code
    monkeypatch.setattr(fk.DecodeImage, "edition", fk.DecodeImage.edition + 1)
    assert count(twin, preprocessor, moved) == len(set(moved.columns["image"]))


@pytest.mark.slow
def test_an_encoder_that_learns_is_not_kept(data, passes):
    model, preprocessor = build(data)
    train, _ = batches(data, preprocessor)
    fk.unfreeze(model, "image")
    fk.compile_classifier(model)
    before = model.get_layer("image_encoder").trainable_variables[0].numpy()
    fk.fit(model, train, verbose=0)
    assert not passes
    assert not np.array_equal(before, model.get_layer("image_encoder").trainable_variables[0])


@pytest.mark.slow
def test_the_top_of_an_encoder_learns_on_kept_features_of_its_foot(data, passes):
    results = []
    for fit in (fk.fit, keras.Model.fit):
        model, preprocessor = build(data)
        fk.unfreeze(model, "image", last=1)
        fk.compile_classifier(model, optimizer="sgd", learning_rate=0.01)
        train, _ = batches(data, preprocessor)
        results.append((model, fit(model, train, epochs=2, verbose=0, shuffle=False)))
    assert len(passes) == len(set(data.train.columns["image"]))
    assert_same_history(results[0][1], results[1][1], 1e-4)
    assert_same_weights(results[0][0], results[1][0], 1e-4)


@pytest.mark.slow
def test_a_frozen_bert(data, preset, passes):
    results = []
    for fit in (fk.fit, keras.Model.fit):
        keras.utils.set_random_seed(0)
        branch = fk.bert_branch(preset, 12)
        model = fk.compile_classifier(fk.build_classifier([branch], num_classes=2))
        train, validation = batches(data, fk.build_preprocessor([branch]))
        history = fit(
            model, train, validation_data=validation, epochs=2, verbose=0, shuffle=False
        )  # fmt: skip
        results.append((model, history))
    assert_same_history(results[0][1], results[1][1], 1e-4)
    assert_same_weights(results[0][0], results[1][0], 1e-4)


@pytest.mark.slow
def test_callbacks_see_and_save_the_full_model(data, tmp_path):
    model, preprocessor = build(data)
    train, validation = batches(data, preprocessor)
    raw = next(iter(validation))[0]
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((self.model is model, sorted(logs)))
            self.model.save(tmp_path / f"{epoch}.keras")
            self.answer = self.model.predict(raw, verbose=0)
            self.evaluated = self.model.evaluate(validation, verbose=0, return_dict=True)
            self.logs = logs

    look = Look()
    checkpoint = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "best.weights.h5"), save_weights_only=True
    )
    fk.fit(model, train, validation, 2, [look, checkpoint], verbose=0)
    assert seen == [(True, ["accuracy", "loss", "val_accuracy", "val_loss"])] * 2
    np.testing.assert_allclose(look.evaluated["loss"], look.logs["val_loss"], rtol=1e-5)
    loaded = keras.saving.load_model(tmp_path / "1.keras")
    np.testing.assert_allclose(loaded.predict(raw, verbose=0), look.answer, rtol=1e-5)
    np.testing.assert_allclose(model.predict(raw, verbose=0), look.answer, rtol=1e-5)
    model.load_weights(tmp_path / "best.weights.h5")
    assert "call" not in vars(model) and model.input_spec is not None


@pytest.mark.slow
def test_early_stopping_and_the_weights_that_it_restores(data):
    results = []
    for fit in (fk.fit, keras.Model.fit):
        model, preprocessor = build(data)
        train, validation = batches(data, preprocessor)
        fk.compile_classifier(model, learning_rate=0.05)
        stop = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
        options = {"callbacks": [stop], "epochs": 12, "verbose": 0, "shuffle": False}
        history = fit(model, train, validation_data=validation, **options)
        results.append((model, history, stop.stopped_epoch))
    assert results[0][2] == results[1][2] > 0
    assert_same_history(results[0][1], results[1][1], 1e-4)
    assert_same_weights(results[0][0], results[1][0], 1e-4)


@pytest.mark.slow
def test_a_run_that_is_broken_off_goes_on(data, tmp_path):
    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def backup():
        return keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))

    model, preprocessor = build(data, dropout=0)
    train, _ = batches(data, preprocessor)
    with pytest.raises(KeyboardInterrupt):
        fk.fit(model, train, epochs=4, callbacks=[backup(), Break()], verbose=0)
    assert "call" not in vars(model)
    again, _ = build(data, seed=5, dropout=0)
    again.get_layer("image_encoder").set_weights(model.get_layer("image_encoder").get_weights())
    history = fk.fit(again, train, epochs=4, callbacks=[backup()], verbose=0)
    assert history.epoch == [2, 3]
    assert fk.fit(again, train, epochs=6, initial_epoch=4, verbose=0).epoch == [4, 5]


def arrays(rows=24):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (rows // 2, *SIZE, 3)).astype("float32")
    images = np.concatenate([images, images])
    return [images, random.integers(1, 9, (rows, 8))], random.integers(0, 2, rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"class_weight": {0: 1.0, 1: 3.0}, "validation_split": 0.25},
        {"sample_weight": np.linspace(0, 1, 24), "batch_size": 5},
        {"validation_data": arrays(), "validation_freq": 2},
    ],
)
def test_arrays(data, passes, options):
    x, y = arrays()
    results = []
    for fit in (fk.fit, keras.Model.fit):
        model, _ = build(data)
        results.append((model, fit(model, x, y=y, epochs=2, verbose=0, **options)))
    assert len(passes) == 12
    assert_same_history(results[0][1], results[1][1])
    assert_same_weights(results[0][0], results[1][0])


def test_any_other_dataset(data, passes):
    (images, ids), y = arrays()
    results = []
    for fit in (fk.fit, keras.Model.fit):
        model, _ = build(data)
        inputs = {"image": images, "text_token_ids": ids}
        dataset = tf.data.Dataset.from_tensor_slices((inputs, y)).shuffle(24, seed=1).batch(5)
        history = fit(
            model, dataset, validation_data=dataset.take(1), epochs=2, verbose=0, shuffle=False,
            class_weight={0: 1.0, 1: 3.0},
        )  # fmt: skip
        results.append((model, history))
    assert 12 <= len(passes) <= 24  # two batches may find the same picture missing at once
    assert_same_history(results[0][1], results[1][1])
    assert_same_weights(results[0][0], results[1][0])


def test_a_generator_runs_the_encoders_and_says_why(data, caplog):
    x, y = arrays()
    model, _ = build(data)

    def batches():
        while True:
            yield {"image": x[0][:4], "text_token_ids": x[1][:4]}, y[:4]

    fk.fit(model, batches(), steps_per_epoch=2, verbose=0)
    assert "Frozen encoders run in every epoch" in caplog.text and "generator" in caplog.text


@pytest.mark.slow
def test_where_nothing_is_frozen_it_is_model_fit(data, tmp_path, caplog):
    branch = fk.lstm_branch(["red"], 4)
    model = fk.compile_classifier(fk.build_classifier([branch]))
    train = fk.prepare(data.train, fk.build_preprocessor([branch]))
    fk.fit(model, train, verbose=0, cache=tmp_path / "features")
    assert not (tmp_path / "features").exists() and not caplog.text


@pytest.mark.slow
def test_without_a_cache_it_is_model_fit(data, passes, caplog):
    model, preprocessor = build(data)
    fk.fit(model, batches(data, preprocessor)[0], verbose=0, cache=False)
    assert not passes and not caplog.text


@pytest.mark.slow
def test_half_precision_takes_half_the_space(data, tmp_path):
    sizes = []
    for dtype in ("float32", "float16"):
        cache = fk.FeatureCache(tmp_path / dtype, dtype=dtype)
        model, preprocessor = build(data)
        fk.fit(model, batches(data, preprocessor)[0], cache=cache, verbose=0)
        sizes.append(cache.open().info()["bytes"])
    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.slow
def test_a_damaged_feature_is_computed_again(data, passes, tmp_path):
    model, preprocessor = build(data, dropout=0)
    train, _ = batches(data, preprocessor)
    fk.fit(model, train, cache=tmp_path, verbose=0)
    (file,) = [path for path in tmp_path.rglob("*") if path.suffix in (".sqlite", ".db")]
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE contents SET value = zeroblob(length(value)) WHERE id <= 3")
    connection.close()
    passes.clear()
    fk.fit(model, train, cache=tmp_path, verbose=0)
    assert 3 <= len(passes) <= 6
    passes.clear()
    fk.fit(model, train, cache=tmp_path, verbose=0)
    assert not passes


@pytest.mark.slow
def test_a_file_that_vanishes_costs_its_row_alone(statements, tmp_path):
    frame = pd.read_csv(statements)
    frame["image"] = [str(statements.parent / name) for name in frame["image"]]
    doomed = tmp_path / "doomed.png"
    doomed.write_bytes(tf.io.encode_png(np.full((9, 9, 3), 7, "uint8")).numpy())
    frame.loc[0, "image"] = str(doomed)
    data = read(frame, split=(1, 0, 0), files_root=tmp_path.anchor)
    doomed.unlink()
    results = []
    for fit in (fk.fit, keras.Model.fit):
        model, preprocessor = build(data)
        table = data.train.take(np.arange(len(data.train)))
        train = fk.prepare(table, preprocessor, 8)
        results.append((model, fit(model, train, verbose=0, shuffle=False), table.failures))
    assert len(results[0][2]) == 1 and results[0][2] == results[1][2]
    assert_same_history(results[0][1], results[1][1])
    assert_same_weights(results[0][0], results[1][0])


@pytest.mark.slow
def test_absent_pictures(statements):
    frame = pd.read_csv(statements)
    frame["image"] = [str(statements.parent / name) for name in frame["image"]]
    frame.loc[::3, "image"] = ""
    data = read(frame, missing="allow")
    results = []
    for fit in (fk.fit, keras.Model.fit):
        model, preprocessor = build(data)
        train, _ = batches(data, preprocessor)
        results.append((model, fit(model, train, verbose=0, shuffle=False)))
    assert_same_history(results[0][1], results[1][1])
    assert_same_weights(results[0][0], results[1][0])


def test_features_that_do_not_fit_into_the_cache(data, tmp_path, caplog):
    model, preprocessor = build(data)
    cache = fk.FeatureCache(tmp_path, max_bytes=1000)
    fk.fit(model, batches(data, preprocessor)[0], cache=cache, verbose=0)
    assert "Frozen encoders run in every epoch" in caplog.text and "max_bytes" in caplog.text


@pytest.mark.slow
def test_evaluation_takes_the_features(data, passes):
    model, preprocessor = build(data)
    test = fk.prepare(data.test, preprocessor, 8)
    slow = fk.evaluate(model, test, data.class_names, cache=False)
    for _ in range(2):
        quick = fk.evaluate(model, test, data.class_names)
        np.testing.assert_allclose(quick.probabilities, slow.probabilities, rtol=1e-5)
    assert len(passes) == len(set(data.test.columns["image"]))


@pytest.mark.slow
def test_the_progress_bar(data, capsys, caplog):
    caplog.set_level(logging.INFO)
    model, preprocessor = build(data)
    train, _ = batches(data, preprocessor)
    fk.fit(model, train)
    out = capsys.readouterr().out
    assert "Computing the frozen features of image" in out
    fk.fit(model, train, verbose=0)
    assert not capsys.readouterr().out
    fk.fit(model, train, verbose=2)
    assert "Computing" not in capsys.readouterr().out  # nothing to compute


def test_wrong_caches(data):
    model, preprocessor = build(data)
    train, _ = batches(data, preprocessor)
    with pytest.raises(TypeError, match="Wrong type of cache. Expected True, False, a folder"):
        fk.fit(model, train, cache=3)
    with pytest.raises(ValueError, match="Wrong dtype of the cache. Expected 'float32'"):
        fk.FeatureCache(dtype="int8")


def augmented_branch():
    """The tiny branch behind a random flip."""
    tiny = tiny_branch()
    pixels = keras.Input((*SIZE, 3), name="image")
    features = tiny.encoder(keras.layers.RandomFlip(name="flip", seed=1)(pixels))
    present = keras.ops.any(pixels > -0.5, axis=(1, 2, 3))
    features = {"pooled_output": features["pooled_output"], "present": present}
    tiny.encoder.name = "inner"
    return fk.Branch(
        "image", keras.Model(pixels, features, name="image_encoder"), tiny.preprocessor
    )


def build_augmented(data):
    keras.utils.set_random_seed(0)
    words = words_branch(fk.learn_vocabulary(data.train, "text"))
    branches = [augmented_branch(), words]
    model = fk.compile_classifier(fk.build_classifier(branches))
    return model, fk.build_preprocessor(branches)


def test_augmentation_ahead_of_a_frozen_encoder_is_never_kept_unasked(data, passes, caplog):
    model, preprocessor = build_augmented(data)
    fk.fit(model, batches(data, preprocessor)[0], verbose=0)
    assert not passes
    assert "'flip' inside it draws anew in training" in caplog.text


@pytest.mark.slow
def test_views_of_augmented_pictures(data, passes):
    model, preprocessor = build_augmented(data)
    train, validation = batches(data, preprocessor)
    rows = len(set(data.train.columns["image"]))
    fk.fit(model, train, validation_data=validation, epochs=4, views=3, verbose=0)
    assert len(passes) == 3 * rows + len(set(data.validation.columns["image"]))
    passes.clear()
    fk.fit(model, train, epochs=2, views=3, verbose=0)
    assert not passes
    fk.fit(model, train, epochs=2, views=4, verbose=0)
    assert len(passes) == rows  # one view more


@pytest.mark.slow
def test_views_differ_and_each_epoch_sees_the_next(data):
    model, preprocessor = build_augmented(data)
    frozen = open_frozen(model, True, views=3)
    train = fk.prepare(data.train, preprocessor, 64)
    features = frozen.replace(train, training=True)
    name = next(iter(frozen.parts.groups[0].extractor.output))
    epochs = [next(iter(features))[0][name].numpy() for _ in range(4)]
    assert not np.allclose(epochs[0], epochs[1]) and not np.allclose(epochs[1], epochs[2])
    np.testing.assert_array_equal(epochs[0], epochs[3])


def test_views_where_nothing_is_random(data):
    model, preprocessor = build(data)
    train, _ = batches(data, preprocessor)
    with pytest.raises(ValueError, match="Nothing random comes ahead of a frozen.*views=2"):
        fk.fit(model, train, views=2, verbose=0)


@pytest.mark.slow
def test_class_weights_of_prepared_data(data):
    results = []
    for prepared, fitted in (("balanced", None), (None, "balanced")):
        model, preprocessor = build(data)
        train, _ = batches(data, preprocessor, class_weight=prepared)
        results.append((model, fk.fit(model, train, class_weight=fitted, verbose=0)))
    assert_same_history(results[0][1], results[1][1])
    model, preprocessor = build(data)
    train, _ = batches(data, preprocessor)
    by_id = fk.fit(model, train, class_weight={0: 5.0}, verbose=0)
    model, _ = build(data)
    by_name = fk.fit(model, train, class_weight={data.class_names[0]: 5.0}, verbose=0)
    assert by_id.history["loss"][0] != pytest.approx(results[0][1].history["loss"][0])
    assert len(by_name.history["loss"]) == 1
    train, _ = batches(data, preprocessor, class_weight="balanced")
    with pytest.raises(ValueError, match="class weights already.*in prepare or in fit"):
        fk.fit(model, train, class_weight={0: 5.0})


def test_class_weights_of_several_heads():
    from fusionkeras.training.fitting import _weighted

    rows = {"text": ["red"] * 4, "kind": ["a", "a", "a", "b"], "price": [1.0, 2, 3, 4]}
    tasks = {"kind": "classification", "price": "regression"}
    data = fk.read_table(pd.DataFrame(rows), {"text": "text"}, tasks, split=(1, 0, 0))
    preprocessor = fk.build_preprocessor([fk.lstm_branch(["red"], sequence_length=1)])
    train = fk.prepare(data.train, preprocessor)
    ((_, _, weights),) = _weighted(train, {"kind": {"b": 3.0}})
    assert {head: one.numpy().tolist() for head, one in weights.items()} == {
        "kind": [1, 1, 1, 3], "price": [1, 1, 1, 1]
    }  # fmt: skip


def test_a_model_of_a_class_of_its_own_is_fitted_by_its_own_rules(data, caplog):
    class Own(keras.Model):
        def call(self, inputs, training=None, mask=None):
            return super().call(inputs, training=training, mask=mask)

    model, preprocessor = build(data)
    own = Own(model.inputs, model.outputs)
    own.compile("adam", "binary_crossentropy")
    fk.fit(own, batches(data, preprocessor)[0], verbose=0)
    assert "only the graph of a functional model can be split" in caplog.text


def test_a_train_step_of_its_own_may_read_its_inputs(data, passes, caplog):
    class Own(keras.Model):
        def train_step(self, batch):
            return super().train_step(batch)

    model, preprocessor = build(data)
    own = Own(model.inputs, model.outputs)
    own.compile("sgd", "binary_crossentropy")
    fk.fit(own, batches(data, preprocessor)[0], verbose=0)
    assert not passes and "Own has a train_step of its own" in caplog.text


@pytest.mark.slow
def test_weights_that_a_callback_restores_are_those_whose_features_count(data, tmp_path):
    other, preprocessor = build(data, seed=5)
    other.save_weights(tmp_path / "other.weights.h5")

    class Restore(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.load_weights(tmp_path / "other.weights.h5")

    results = []
    for fit in (fk.fit, keras.Model.fit):
        model, preprocessor = build(data, dropout=0)
        train, _ = batches(data, preprocessor)
        options = {"callbacks": [Restore()], "verbose": 0, "shuffle": False}
        results.append((model, fit(model, train, **options)))
    assert_same_history(results[0][1], results[1][1])
    assert_same_weights(results[0][0], results[1][0])
    model, _ = build(data)
    x, y = arrays()
    with pytest.raises(ValueError, match="Frozen weights have changed since their features"):
        fk.fit(model, x, y=y, callbacks=[Restore()], verbose=0)


@pytest.mark.slow
def test_numbers_of_other_types(data):
    (images, ids), y = arrays()
    for typed in (images.astype("float64"), images.astype("uint8")):
        results = []
        for fit in (fk.fit, keras.Model.fit):
            model, _ = build(data)
            results.append(fit(model, [typed, ids], y=y, verbose=0))
            dataset = tf.data.Dataset.from_tensors(({"image": typed, "text_token_ids": ids}, y))
            results.append(fit(model, dataset, verbose=0, shuffle=False))
        assert_same_history(results[0], results[2])
        assert_same_history(results[1], results[3])


@pytest.mark.slow
def test_two_pictures_of_a_row_are_told_apart(statements, tmp_path, passes):
    """The same encoder of two pictures, once with the columns the other way round."""
    frame = pd.read_csv(statements)
    frame["image"] = [str(statements.parent / name) for name in frame["image"]]
    frame["other"] = np.roll(frame["image"].to_numpy(), 1)
    columns = {"a": "image", "b": "other"}
    options = {"label": "label", "files": ["a", "b"], "files_root": tmp_path.anchor}
    data = fk.read_table(frame, columns, split=(1, 0, 0), **options)
    for left, right in ("ab", "ba"):
        keras.utils.set_random_seed(0)
        inputs = [keras.Input((*SIZE, 3), name=name) for name in ("left", "right")]
        y = keras.layers.Concatenate()([keras.layers.Conv2D(2, 9)(x) for x in inputs])
        y = keras.layers.Dense(3)(keras.layers.Flatten()(y))
        frozen = keras.Model(inputs, y)
        frozen.trainable = False
        model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(frozen.outputs[0]))
        model.compile("sgd", "binary_crossentropy")
        parts = {
            "left": fk.DecodeImage(SIZE, column=left, output="left"),
            "right": fk.DecodeImage(SIZE, column=right, output="right"),
        }
        before = len(passes)
        fk.fit(model, fk.prepare(data.train, fk.JointPreprocessor(parts)), verbose=0)
        assert len(passes) == before + 60


@pytest.mark.parametrize("views", [-1, "2"])
def test_wrong_views(data, views):
    model, _ = build(data)
    with pytest.raises((ValueError, TypeError), match="number of views.*views="):
        fk.fit(model, arrays()[0], views=views)


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_to(data, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    model, preprocessor = build(data)
    history = fk.fit(model, batches(data, preprocessor)[0], cache=tmp_path / "file/in", verbose=0)
    assert len(history.epoch) == 1
    assert "Frozen encoders run in every epoch" in caplog.text


@pytest.mark.slow
def test_mixed_precision(data):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        results = []
        for fit in (fk.fit, keras.Model.fit):
            model, preprocessor = build(data, dropout=0)
            train, _ = batches(data, preprocessor)
            results.append((model, fit(model, train, verbose=0, shuffle=False)))
    finally:
        keras.config.set_dtype_policy("float32")
    assert_same_history(results[0][1], results[1][1], 0.02)


def test_an_encoder_that_mixes_the_rows_of_a_batch(caplog):
    x = keras.Input((4,))
    y = keras.layers.Dense(8)(x)
    y = y - keras.ops.mean(y, axis=0, keepdims=True)
    frozen = keras.Model(x, y)
    frozen.trainable = False
    results = []
    for fit in (fk.fit, keras.Model.fit):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), frozen, keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        inputs = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
        results.append(fit(model, inputs, y=inputs[:, :1], verbose=0))
    assert "is not the same alone and among others" in caplog.text
    assert_same_history(*results)


def test_features_without_a_fixed_size(caplog):
    x = keras.Input((None, 4))
    y = keras.layers.Dense(8, trainable=False)(x)
    model = keras.Model(x, keras.layers.Dense(1)(y))
    model.compile("sgd", "mse")
    inputs = np.ones((8, 3, 4), "float32")
    fk.fit(model, inputs, y=inputs[..., :1], verbose=0)
    assert "differ in size" in caplog.text
