import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk

WORDS = ["red", "circle", "blue"]


def model_of(preset=None, num_classes=3):
    branches = [fk.image_branch("mobilenet_v2", weights=None, image_size=(32, 32))]
    branches += [fk.bert_branch(preset, 8) if preset else fk.lstm_branch(WORDS, 6, units=8)]
    return fk.build_classifier(branches, num_classes=num_classes)


def learning(model, branch):
    return [weight.path for weight in model.get_layer(f"{branch}_encoder").trainable_variables]


def test_freeze_one_and_all():
    model = model_of()
    assert learning(model, "text") and not learning(model, "image")
    fk.freeze(model, "text")
    assert not learning(model, "text")
    fk.unfreeze(model, "text")
    fk.unfreeze(model, "image")
    assert learning(model, "text") and learning(model, "image")
    fk.freeze(model)
    assert not learning(model, "text") and not learning(model, "image")


def test_last_layers_of_a_picture_encoder_leave_batchnorm_alone():
    model = model_of()
    fk.unfreeze(model, "image", last=2)
    assert learning(model, "image") == ["block_16_project/kernel", "Conv_1/kernel"]
    fk.unfreeze(model, "image", last=1)  # anew, not on top
    assert learning(model, "image") == ["Conv_1/kernel"]
    fk.unfreeze(model, "image")
    assert not [path for path in learning(model, "image") if "BN" in path or "bn" in path]


@pytest.mark.slow
def test_unfrozen_batchnorm_stays_in_inference_mode():
    model = model_of()
    fk.unfreeze(model, "image", last=2)
    fk.compile_classifier(model)
    (backbone,) = [
        layer for layer in model.get_layer("image_encoder").layers if isinstance(layer, keras.Model)
    ]
    norm = backbone.get_layer("Conv_1_bn")
    before = norm.moving_mean.numpy()
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (8, 32, 32, 3)).astype("float32")
    model.fit([images, random.integers(1, 5, (8, 6))], random.integers(0, 3, 8), verbose=0)
    np.testing.assert_array_equal(before, norm.moving_mean.numpy())


def test_last_transformer_layers_of_a_bert(preset):
    model = model_of(preset)
    fk.unfreeze(model, "text", last=2)
    assert {path.split("/")[0] for path in learning(model, "text")} == {
        "transformer_layer_2", "transformer_layer_3"
    }  # fmt: skip


def test_more_layers_than_there_are(preset):
    with pytest.raises(ValueError, match="has 4 layers to unfreeze. Expected at most 4.*last=5"):
        fk.unfreeze(model_of(preset), "text", last=5)


def test_unknown_branch():
    with pytest.raises(ValueError, match=r"Unknown branch. Expected one of \['image', 'text'\]"):
        fk.freeze(model_of(), "sound")


@pytest.mark.parametrize(
    ("num_classes", "loss", "metric"),
    [
        (2, keras.losses.BinaryCrossentropy, keras.metrics.BinaryAccuracy),
        (3, keras.losses.SparseCategoricalCrossentropy, keras.metrics.SparseCategoricalAccuracy),
    ],
)
def test_compile_follows_from_the_classes(num_classes, loss, metric):
    model = fk.build_classifier([fk.lstm_branch(WORDS, 6)], num_classes=num_classes)
    assert fk.compile_classifier(model, learning_rate=0.01) is model
    assert isinstance(model.loss, loss)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert isinstance(fk.heads.head_of(model).weighted_metrics()[0], metric)


def test_rows_of_weight_zero_count_nowhere():
    model = fk.build_classifier([fk.lstm_branch(WORDS, 6)], num_classes=3)
    fk.compile_classifier(model)
    ids, labels = np.random.default_rng(0).integers(0, 5, (8, 6)), np.arange(8) % 3
    weights = np.array([1, 1, 1, 1, 0, 0, 0, 0], "float32")
    wrong = np.where(weights > 0, labels, (labels + 1) % 3)
    data = [
        model.evaluate(tf.data.Dataset.from_tensors((ids, y, weights)), verbose=0)
        for y in (labels, wrong)
    ]
    assert data[0] == data[1]


def test_an_optimizer_made_by_the_user():
    model = fk.build_classifier([fk.lstm_branch(WORDS, 6)])
    fk.compile_classifier(model, optimizer=keras.optimizers.SGD(0.5))
    assert float(model.optimizer.learning_rate) == 0.5


def test_wrong_rate_and_wrong_model():
    model = fk.build_classifier([fk.lstm_branch(WORDS, 6)])
    with pytest.raises(ValueError, match="Wrong learning rate.*learning_rate=0"):
        fk.compile_classifier(model, learning_rate=0)
    with pytest.raises(ValueError, match="Wrong learning rate.*learning_rate='fast'"):
        fk.compile_classifier(model, learning_rate="fast")
    x = keras.Input((3,))
    with pytest.raises(ValueError, match="no classifier of fusionkeras"):
        fk.compile_classifier(keras.Model(x, {"a": x}))


@pytest.mark.slow
def test_same_seed_same_history(statements):
    """Bit for bit, pictures decoded in parallel and all."""
    assert history_of(statements) == history_of(statements)


def history_of(table):
    keras.utils.set_random_seed(7)
    tf.config.experimental.enable_op_determinism()
    data = fk.read_table(table, columns={"image": "image", "text": "text"}, label="label", seed=1)
    vocabulary = fk.learn_vocabulary(data.train, "text")
    branches = [
        fk.image_branch("small_cnn", image_size=(32, 32)), fk.lstm_branch(vocabulary, 8, units=8)
    ]  # fmt: skip
    model = fk.build_classifier(branches, dropout=0.3)
    preprocessor = fk.build_preprocessor(branches)
    train = fk.prepare(data.train, preprocessor, batch_size=8, shuffle=True, seed=3)
    validation = fk.prepare(data.validation, preprocessor)
    fk.compile_classifier(model)
    return fk.fit(model, train, validation_data=validation, epochs=3, verbose=0).history


def test_the_step_of_training_is_traced_once(monkeypatch):
    traced, step = [], keras.Model.train_step

    def counted(self, data):
        traced.append(data)
        return step(self, data)

    monkeypatch.setattr(keras.Model, "train_step", counted)
    model = fk.compile_classifier(fk.build_classifier([fk.lstm_branch(WORDS, 6)]))
    fk.fit(model, np.ones((8, 6)), y=np.zeros(8), epochs=2, verbose=0)
    assert len(traced) == 1


def test_a_model_that_is_not_compiled():
    model = fk.build_classifier([fk.lstm_branch(WORDS, 6)])
    with pytest.raises(ValueError, match="You must call `compile"):
        fk.fit(model, np.ones((8, 6)), y=np.zeros(8), verbose=0)


def test_fit_is_model_fit_with_any_callback():
    seen = []
    model = fk.build_classifier([fk.lstm_branch(WORDS, 6)])
    fk.compile_classifier(model)
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    history = fk.fit(
        model, np.ones((8, 6)), y=np.zeros(8), epochs=3, callbacks=[callback], initial_epoch=1,
        verbose=0,
    )  # fmt: skip
    assert seen == [1, 2] and history.epoch == [1, 2]
