import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops, tree

import fusionkeras as fk
from fusionkeras.branches import BRANCHES
from fusionkeras.branches.image import IMAGE_ENCODERS
from fusionkeras.training.frozen.split import cut, rerun, split_frozen

RANDOM = np.random.default_rng(0)


def values_for(model, rows=4):
    """Random inputs of a model, in its structure."""

    def value(tensor):
        shape = (rows, *(size or 5 for size in tensor.shape[1:]))
        if keras.backend.is_float_dtype(tensor.dtype):
            scale = 255 if len(shape) == 4 else 1
            return RANDOM.uniform(0, scale, shape).astype("float32")
        return RANDOM.integers(0, 3, shape).astype(tensor.dtype)

    is_called = isinstance(model, keras.Sequential)
    return tree.map_structure(value, model.inputs[0] if is_called else model.input)


def flat(outputs):
    return [np.asarray(x) for x in tree.flatten(outputs)]


def check_cut(
    model, groups=None, raw=None, inputs=None, train=True, keep_random=False, eagerly=True
):
    """That a cut is exact, shares its weights and trains as the model does; returns it."""
    inputs = values_for(model) if inputs is None else inputs
    parts = cut(model, keep_random)
    if groups is not None:
        assert [group.inputs for group in parts.groups] == groups
    if raw is not None:
        assert list(parts.raw) == raw
    features = parts.extractor(inputs, training=False)
    expected = model(inputs, training=False)
    answer = parts.learner(features, training=False)
    tree.assert_same_structure(expected, answer)
    for one, other in zip(flat(expected), flat(answer), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    for name, feature in features.items():
        declared = parts.extractor.output[name]
        assert (declared.dtype, len(declared.shape)) == (feature.dtype.name, len(feature.shape))
        assert feature.shape[0] == len(tree.flatten(inputs)[0])
    assert list(features) == [tensor.name for tensor in parts.learner.inputs]
    assert parts.learner.output_names == getattr(model, "output_names", parts.learner.output_names)
    check_groups(parts, model, inputs, features)
    ids = [{id(v) for v in part.trainable_variables} for part in (model, parts.learner)]
    assert ids[0] == ids[1]
    if train and model.trainable_variables and not keep_random:
        check_training(model, parts, inputs, eagerly)
    return parts


def check_groups(parts, model, inputs, features):
    by_name = dict(zip([x.name for x in model.inputs], tree.flatten(inputs), strict=True))
    names = [*parts.raw]
    for group in parts.groups:
        own = group.extractor([by_name[name] for name in group.inputs], training=False)
        for name, value in own.items():
            np.testing.assert_array_equal(value, features[name])
        names += own
    assert sorted(names) == sorted(features)
    assert bool(parts.groups) == parts.worthwhile


def check_training(model, parts, inputs, eagerly):
    """Steps of gradient descent on the learner are those on the model."""
    features = parts.extractor(inputs, training=False)
    if not eagerly:
        features = parts.extractor.predict(inputs, verbose=0)
        answers = [model.predict(inputs, verbose=0), parts.learner.predict(features, verbose=0)]
        for one, other in zip(*map(flat, answers), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    targets = tree.map_structure(
        lambda x: RANDOM.normal(size=x.shape).astype("float32"), model(inputs, training=False)
    )
    start = [np.asarray(v.value) for v in model.variables]
    ends = []
    for part, data in [(model, inputs), (parts.learner, features)]:
        for variable, value in zip(model.variables, start, strict=True):
            variable.assign(value)
        losses = tree.map_structure(lambda _: "mse", targets)
        optimizer = keras.optimizers.SGD(0.01) if eagerly else keras.optimizers.Adam(0.01)
        part.compile(optimizer, losses, run_eagerly=eagerly)
        part.fit(data, targets, epochs=2, shuffle=False, verbose=0, batch_size=4)
        ends.append([np.asarray(v.value) for v in model.variables])
    moved = False
    for variable, begin, one, other in zip(model.variables, start, *ends, strict=True):
        if variable.name != "seed_generator_state":
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6, err_msg=variable.path)
            moved = moved or not np.array_equal(begin, one)
    assert moved
    for variable, value in zip(model.variables, start, strict=True):
        variable.assign(value)


def frozen(layer):
    layer.trainable = False
    return layer


def backbone(name=None, channels=3):
    """A small convolutional network with BatchNorm."""
    x = keras.Input((8, 8, channels))
    y = layers.Conv2D(4, 3, name="conv_a")(x)
    y = layers.BatchNormalization(name="norm")(y)
    y = layers.Conv2D(4, 3, activation="relu", name="conv_b")(y)
    return keras.Model(x, layers.GlobalAveragePooling2D(name="pool")(y), name=name)


# Ours


@pytest.mark.slow
@pytest.mark.parametrize("encoder", IMAGE_ENCODERS)
def test_picture_encoders(encoder):
    branches = [
        fk.image_branch(encoder, weights=None, image_size=(32, 32)),
        fk.lstm_branch(["red", "circle"], 6, units=8),
    ]
    model = fk.build_classifier(branches, num_classes=3)
    if encoder == "small_cnn":
        parts = check_cut(model, [], ["image", "text_token_ids"])
        assert not parts.worthwhile
        fk.freeze(model, "image")
    check_cut(model, [("image",)], ["text_token_ids"], train=False)


def test_every_branch_has_an_encoder_that_can_be_cut():
    assert set(BRANCHES) == {"image", "lstm", "bert"}  # a new one belongs into these tests


def test_picture_and_bert(preset):
    branches = [
        fk.image_branch("mobilenet_v2", weights=None, image_size=(32, 32)),
        fk.bert_branch(preset, 8),
    ]
    model = fk.build_classifier(branches, num_classes=3, dropout=0.5)
    parts = check_cut(model, [("image",), ("text_token_ids",)], [], train=False)
    assert not parts.reasons
    assert [x.name for x in parts.learner.inputs] == [
        "image_feature_0",
        "image_feature_1",
        "text_token_ids_feature_0",
        "text_token_ids_feature_1",
    ]


def test_dropout_in_a_bert_keeps_it_from_being_frozen(preset):
    model = fk.build_classifier([fk.bert_branch(preset, 8, dropout=0.1)])
    parts = check_cut(model, [], ["text_token_ids"], train=False)
    (reason,) = parts.reasons
    assert "'text_encoder' is frozen, but 'embeddings_dropout' inside it draws anew" in reason


def test_frozen_lstm():
    model = fk.build_classifier([fk.lstm_branch(["red"], 6, units=8, trainable=False)])
    check_cut(model, [("text_token_ids",)], [])


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["resnet50", "mobilenet_v2", "vgg16"])
def test_the_frontier_goes_inside_an_encoder(encoder):
    branches = [
        fk.image_branch(encoder, weights=None, image_size=(32, 32)),
        fk.lstm_branch(["red", "circle"], 6, units=8),
    ]
    model = fk.build_classifier(branches, num_classes=3)
    for last in (1, 2, 5):
        fk.freeze(model, "image")
        fk.unfreeze(model, "image", last=last)
        train = (encoder, last) == ("vgg16", 2)
        parts = check_cut(model, [("image",)], ["text_token_ids"], train=train, eagerly=False)
        assert not parts.reasons
        assert len(parts.learner.variables) < len(model.variables)


def test_the_frontier_goes_inside_a_bert(preset):
    model = fk.build_classifier([fk.bert_branch(preset, 8)], num_classes=3)
    fk.unfreeze(model, "text", last=1)
    parts = check_cut(model, [("text_token_ids",)], [], eagerly=False)
    layer_names = {layer.name for layer in parts.learner.layers}
    assert "transformer_layer_3" in layer_names and "transformer_layer_2" not in layer_names


def test_split_frozen_is_public():
    model = fk.build_classifier([fk.lstm_branch(["red"], 6, units=8, trainable=False)])
    extractor, learner = fk.split_frozen(model)
    ids = values_for(model)
    np.testing.assert_array_equal(learner(extractor(ids)), model(ids))


# Everything, nothing, and what cannot be cut


def test_everything_frozen():
    x = keras.Input((8, 8, 3), name="pixels")
    model = keras.Model(x, {"a": backbone()(x), "b": layers.Dense(2, name="dense")(x[:, 0, 0])})
    model.trainable = False
    parts = check_cut(model, [("pixels",)], [])
    assert not parts.learner.weights
    targets = {"a": np.zeros((4, 4)), "b": np.zeros((4, 2))}
    features = parts.extractor.predict(values_for(model), verbose=0)
    for part, data in [(model, values_for(model)), (parts.learner, features)]:
        part.compile("sgd", {"a": "mse", "b": "mse"})
        with pytest.warns(UserWarning, match="does not have any trainable weights"):
            part.fit(data, targets, verbose=0)
        assert set(part.evaluate(data, targets, verbose=0, return_dict=True)) >= {"loss"}


def test_only_the_model_itself_is_frozen():
    """Where the model says that it does not learn, its layers may say what they like."""
    x = keras.Input((3,))
    dense = layers.Dense(2)
    model = keras.Model(x, dense(x))
    model.trainable = False
    dense.trainable = True
    parts = check_cut(model, [(x.name,)], [])
    assert dense.trainable and dense.kernel.trainable and parts.learner.trainable_variables == []


def test_nothing_frozen():
    x = keras.Input((8, 8, 3), name="pixels")
    model = keras.Model(x, layers.Dense(2)(backbone()(x)))
    parts = check_cut(model, [], ["pixels"], eagerly=False)
    assert list(parts.extractor.output) == ["pixels"]
    assert parts.extractor.output["pixels"].shape == (None, 8, 8, 3) and not parts.reasons


def test_frozen_behind_learning():
    x = keras.Input((4,), name="x")
    y = frozen(layers.Dense(4, name="stone"))(layers.Dense(4, name="soft")(x))
    parts = check_cut(keras.Model(x, y), [], ["x"])
    assert parts.reasons == ("'stone' is frozen, but lies behind 'soft', which learns",)


class Custom(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


class OwnCall(keras.Model):
    def call(self, *args, **kwargs):
        return super().call(*args, **kwargs)


def own_call():
    x = keras.Input((2,))
    return OwnCall(x, x * 2)


@pytest.mark.parametrize(
    "make",
    [Custom, own_call, lambda: keras.Sequential([layers.Dense(1)]), lambda: layers.Dense(1)],
    ids=["subclass", "own call", "not built", "layer"],
)
def test_what_cannot_be_cut(make):
    for function in (split_frozen, cut, lambda model: rerun(model, [])):
        with pytest.raises(TypeError, match="Build it by keras.Model") as caught:
            function(make())
        assert caught.value.is_argument_error


# Functional models of users


def test_nested_models_of_two_inputs():
    a, b = keras.Input((6,), name="left"), keras.Input((5,), name="right")
    joined = layers.Concatenate()([layers.Dense(4)(a), layers.Dense(4)(b)])
    nested = frozen(keras.Model([a, b], layers.Dense(3, name="joint")(joined), name="nested"))
    one, two = keras.Input((6,), name="one"), keras.Input((5,), name="two")
    model = keras.Model([one, two], layers.Dense(2)(nested([one, two])))
    check_cut(model, [("one", "two")], [])
    by_name = frozen(keras.Model({"left": a, "right": b}, layers.Dense(3)(joined)))
    model = keras.Model([one, two], layers.Dense(2)(by_name({"right": two, "left": one})))
    check_cut(model, [("one", "two")], [])


def test_what_merges_groups_without_weights_belongs_to_the_learner():
    a, b = keras.Input((6,), name="a"), keras.Input((5,), name="b")
    merged = ops.concatenate([frozen(layers.Dense(3))(a), frozen(layers.Dense(3))(b), b], axis=-1)
    model = keras.Model([a, b], layers.Dense(2)(merged))
    parts = check_cut(model, [("a",), ("b",)], ["b"])
    assert [x.name for x in parts.learner.inputs] == ["a_feature_0", "b_feature_0", "b"]
    merged = frozen(layers.Dense(3))(merged)
    check_cut(keras.Model([a, b], layers.Dense(2)(merged)), [("a", "b")], [])


def test_augmentation_ahead_of_a_frozen_backbone():
    x = keras.Input((8, 8, 3), name="pixels")
    net = frozen(backbone("net"))
    y = net(layers.RandomFlip("horizontal", seed=1, name="flips")(x))
    model = keras.Model(x, layers.Dense(2)(y))
    parts = check_cut(model, [], ["pixels"])
    assert parts.reasons == ("'net' is frozen, but 'flips' ahead of it draws anew in training",)
    parts = check_cut(model, [("pixels",)], [], keep_random=True)
    pixels = values_for(model)
    views = [flat(parts.extractor(pixels, training=True))[0] for _ in range(4)]
    assert len({view.tobytes() for view in views}) > 1
    assert not parts.reasons


def test_views_through_nested_augmentation_and_dropout():
    x = keras.Input((8, 8, 3), name="pixels")
    augment = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.RandomFlip(), layers.RandomContrast(0.2)], name="augment"
    )
    y = layers.Dropout(0.2)(frozen(backbone("net"))(augment(x)))
    model = keras.Model(x, layers.Dense(2)(y))
    parts = check_cut(model, [], ["pixels"], train=False)
    assert parts.reasons == ("'net' is frozen, but 'augment' ahead of it draws anew in training",)
    check_cut(model, [("pixels",)], [], keep_random=True)


def test_dropout_between_frozen_layers():
    x = keras.Input((6,), name="x")
    y = frozen(layers.Dense(5, name="first"))(x)
    y = layers.Dropout(0.5, seed=1, name="drops")(y)
    y = frozen(layers.Dense(4, name="second"))(y)
    parts = check_cut(keras.Model(x, layers.Dense(2)(y)), [("x",)], [], train=False)
    assert parts.reasons == ("'second' is frozen, but 'drops' ahead of it draws anew in training",)
    assert parts.learner.inputs[0].shape == (None, 5)
    y = layers.Dropout(0.0)(frozen(layers.Dense(5))(x))
    check_cut(keras.Model(x, layers.Dense(2)(y)), [("x",)], [])


def test_dropout_inside_a_frozen_model():
    net = frozen(
        keras.Sequential(
            [
                keras.Input((6,)),
                layers.Dense(5),
                layers.Dropout(0.5, name="drops"),
                layers.Dense(4),
            ],
            name="net",
        )
    )
    x = keras.Input((6,), name="x")
    parts = check_cut(keras.Model(x, layers.Dense(2)(net(x))), [("x",)], [], train=False)
    assert parts.reasons == ("'net' is frozen, but 'drops' inside it draws anew in training",)


def test_sequential():
    model = keras.Sequential(
        [keras.Input((8, 8, 3), name="pixels"), frozen(backbone()), layers.Dense(2)]
    )
    check_cut(model, [("pixels",)], [])
    late = keras.Sequential([frozen(layers.Dense(3)), layers.Dense(2)])
    late.build((None, 4))
    check_cut(late, raw=[])


def test_siamese():
    a, b = keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 3), name="b")
    net = frozen(backbone())
    one, two = net(a), net(b)
    model = keras.Model([a, b], layers.Dense(2)(ops.concatenate([one * two, one - two], axis=-1)))
    check_cut(model, [("a",), ("b",)], [])
    net.get_layer("conv_b").trainable = True  # now it is opened, twice
    check_cut(model, [("a",), ("b",)], [])


def test_one_frozen_layer_twice_on_one_input():
    x = keras.Input((4,), name="x")
    dense = frozen(layers.Dense(4, name="dense"))
    y = dense(dense(x))
    soft = layers.Dense(4, name="soft")
    check_cut(keras.Model(x, dense(soft(y)) + soft(y)), [("x",)], [])


def test_two_opened_models_with_the_same_names():
    x = keras.Input((8, 8, 3), name="conv_a")  # even the input has the name of a layer
    nets = [frozen(backbone(name)) for name in ("one", "two")]
    for net in nets:
        net.get_layer("conv_b").trainable = True
    model = keras.Model(
        x, layers.Dense(2, name="pool")(ops.concatenate([net(x) for net in nets], axis=-1))
    )
    parts = check_cut(model, [("conv_a",)], [])
    assert len({layer.name for layer in parts.learner.layers}) == len(parts.learner.layers)
    inputs = [keras.Input((8, 8, 3), name="other")]
    again = keras.Model(inputs, rerun(model, inputs))
    pixels = values_for(model)
    np.testing.assert_array_equal(again([pixels]), model(pixels))
    check_cut(again, [("other",)], [])  # also where calls have been renamed before


def test_two_opened_sequences_with_masks_and_the_same_names():
    x = keras.Input((5,), dtype="int32", name="ids")

    def build(name):
        ids = keras.Input((5,), dtype="int32")
        y = layers.Embedding(9, 4, mask_zero=True, name="words")(ids)
        y = layers.LSTM(4, return_sequences=True, name="first")(y)
        y = layers.Dropout(0.0, name="drops")(y)
        return keras.Model(ids, layers.LSTM(3, name="second")(y), name=name)

    nets = [build("one"), build("two")]
    for inner in nets:
        inner.get_layer("words").trainable = inner.get_layer("first").trainable = False
    model = keras.Model(x, layers.Dense(2)(ops.concatenate([inner(x) for inner in nets], axis=-1)))
    ids = np.array([[1, 2, 0, 0, 0], [1, 0, 3, 0, 0], [1, 2, 3, 4, 5], [3, 0, 0, 0, 0]])
    check_cut(model, [("ids",)], [], inputs=ids)


def test_several_outputs_and_inputs_by_dict():
    inputs = {"a": keras.Input((6,), name="a"), "b": keras.Input((5,), name="b")}
    feature = frozen(layers.Dense(4, name="frozen_0"))(inputs["a"])
    outputs = {
        "z": layers.Dense(2, name="zeta")(feature),
        "c": [feature, layers.Dense(1)(inputs["b"])],
        "same": inputs["b"],
        "again": feature,
    }
    check_cut(keras.Model(inputs, outputs), [("a",)], ["b"], train=False)
    outputs = {"z": layers.Dense(2)(feature), "y": layers.Dense(1)(inputs["b"])}
    check_cut(keras.Model(inputs, outputs), [("a",)], ["b"])
    check_cut(keras.Model([inputs["a"], inputs["b"]], [outputs["z"]]), [("a",)], [])


def test_inputs_in_nested_structures():
    a, b = keras.Input((6,), name="a"), keras.Input((5,), name="b")
    y = layers.Dense(2)(ops.concatenate([frozen(layers.Dense(4))(a), b], axis=-1))
    model = keras.Model({"first": [a], "second": {"b": b}}, y)
    check_cut(model, [("a",)], ["b"], train=False)


def test_names_of_features_never_meet_those_of_inputs():
    a = keras.Input((6,), name="a")
    b = keras.Input((5,), name="a_feature_0")
    c = keras.Input((5,), name="a_feature_0__mask")
    y = ops.concatenate([frozen(layers.Dense(4))(a), layers.Dense(2)(b), c], axis=-1)
    model = keras.Model([a, b, c], layers.Dense(2, name="a_feature_0_")(y))
    parts = check_cut(model, [("a",)], ["a_feature_0", "a_feature_0__mask"])
    assert parts.learner.inputs[0].name == "a_feature_0__"


def test_an_unused_input():
    a, b = keras.Input((6,), name="a"), keras.Input((5,), name="b")
    model = keras.Model([a, b], layers.Dense(2)(frozen(layers.Dense(4))(a)))
    check_cut(model, [("a",)], [])


def test_layers_called_with_more_arguments():
    x = keras.Input((5, 4), name="x")
    y = frozen(layers.MultiHeadAttention(2, 3))(x, x, use_causal_mask=True)
    key = frozen(layers.Dense(4))(x)
    y = layers.MultiHeadAttention(2, 3)(query=y, value=x, key=key, attention_mask=x[..., :1] > 0)
    check_cut(keras.Model(x, y), [("x",)], ["x"])


def test_a_model_called_in_inference_mode_for_good():
    x = keras.Input((8, 8, 3), name="pixels")
    net = backbone("net")
    net.get_layer("conv_a").trainable = False
    y = net(layers.Dropout(0.5)(x, training=False), training=False)
    model = keras.Model(x, layers.Dense(2)(y))
    parts = cut(model)
    pixels = values_for(model)
    for training in (None, False):  # as baked in, and said once more
        np.testing.assert_array_equal(
            model(pixels, training=training),
            parts.learner(parts.extractor(pixels, training=training), training=training),
        )
    check_cut(model, [], ["pixels"], train=False)  # model.fit overrules a baked-in False
    layers_with_baked = keras.Model(x, layers.Dense(2)(frozen(backbone())(x, training=False)))
    check_cut(layers_with_baked, [("pixels",)], [])


def test_layers_beside_the_graph_learn_too():
    x = keras.Input((3,), name="x")
    model = keras.Model(x, layers.Dense(2)(frozen(layers.Dense(4))(x)))
    model.beside = layers.Dense(2, kernel_regularizer="l2")
    model.beside.build((None, 3))
    parts = check_cut(model, [("x",)], [], train=False)
    assert len(parts.learner.losses) == len(model.losses) == 1


def test_what_a_nested_model_does_beside_its_outputs():
    """A BatchNorm keeps statistics, and a loss counts, also where nobody uses what they give."""
    inner_x = keras.Input((4,))
    y = frozen(layers.Dense(4))(inner_x)
    unused = layers.BatchNormalization()(AddsLoss()(y))
    inner = keras.Model(inner_x, {"used": y, "unused": unused})
    x = keras.Input((4,), name="x")
    model = keras.Model(x, layers.Dense(2)(inner(x)["used"]))
    parts = check_cut(model, [("x",)], [], train=False)
    for part in (model, parts.learner):
        part.compile("sgd", "mse", run_eagerly=True)
    rows, targets = values_for(model), np.zeros((4, 2))
    features = parts.extractor(rows)
    losses = [model.evaluate(rows, targets, verbose=0)]
    losses += [parts.learner.evaluate(features, targets, verbose=0)]
    assert losses[0] == pytest.approx(losses[1])
    moving = inner.layers[-1].moving_mean
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        parts.learner.fit(features, targets, verbose=0)
    assert np.asarray(moving.value).any()


# What is steady and what is not


class Doubles(keras.layers.Layer):
    def call(self, x, training=False):
        return x * 2 if training else x


class Draws(keras.layers.Layer):
    def call(self, x):
        return x + tf.random.normal(tf.shape(x))


class DrawsInside(keras.layers.Layer):
    def call(self, x):
        return tf.map_fn(lambda row: row + tf.random.uniform([]), x)


class DrawsInPython(keras.layers.Layer):
    def call(self, x):
        return x + np.random.default_rng().normal()


class AddsLoss(keras.layers.Layer):
    def call(self, x):
        self.add_loss(ops.mean(x))
        return x


class Counts(keras.layers.Layer):
    def build(self, _):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign_add(1.0)
        return x


class CountsInTensorFlow(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.count = tf.Variable(0.0, trainable=False)

    def call(self, x):
        self.count.assign_add(1.0)
        return x


class CallsPython(keras.layers.Layer):
    def call(self, x):
        return tf.ensure_shape(tf.numpy_function(lambda v: v, [x], tf.float32), x.shape)


class Refuses(keras.layers.Layer):
    def call(self, x, training=False):
        if training:
            raise ValueError("no training")
        return x


class Regularized(keras.layers.Layer):
    def __init__(self):
        super().__init__(activity_regularizer="l2")

    def call(self, x):
        return x


UNSTEADY = {
    "Dropout": (lambda: layers.Dropout(0.1), "draws anew"),
    "SpatialDropout": (lambda: layers.SpatialDropout1D(0.1), "draws anew"),
    "GaussianNoise": (lambda: layers.GaussianNoise(0.1), "draws anew"),
    "MultiHeadAttention": (
        lambda: Attends(dropout=0.1),
        "draws anew",
    ),
    "Draws": (Draws, "draws anew"),
    "DrawsInside": (DrawsInside, "draws anew"),
    "DrawsInPython": (DrawsInPython, "computes something else"),
    "Lambda": (lambda: layers.Lambda(lambda x: x * tf.random.uniform([])), "draws anew"),
    "keras.random": (
        lambda: layers.Lambda(lambda x: x * keras.random.uniform(())),
        "draws anew",
    ),
    "BatchNormalization": (
        lambda: layers.BatchNormalization(center=False, scale=False),
        "changes its state",
    ),
    "SpectralNormalization": (
        lambda: frozen(layers.SpectralNormalization(layers.Dense(4))),
        "changes its state",
    ),
    "Counts": (Counts, "changes its state"),
    "CountsInTensorFlow": (CountsInTensorFlow, "changes its state"),
    "AddsLoss": (AddsLoss, "adds a loss"),
    "ActivityRegularization": (lambda: layers.ActivityRegularization(0.1), "adds a loss"),
    "Regularized": (Regularized, "adds a loss"),
    "Doubles": (Doubles, "computes something else"),
    "CallsPython": (CallsPython, "calls Python code"),
    "Refuses": (Refuses, r"cannot be traced \(ValueError\)"),
}


class Attends(keras.layers.Layer):
    def __init__(self, dropout):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 3, dropout=dropout)

    def build(self, shape):
        self.attention.build(shape, shape)
        self.trainable = False

    def call(self, x):
        return self.attention(x, x)


@pytest.mark.parametrize("kind", UNSTEADY)
def test_unsteady_layers_stay_with_the_learner(kind):
    make, does = UNSTEADY[kind]
    x = keras.Input((5, 4), name="x")
    y = make()(frozen(layers.Dense(4, name="before"))(x))
    model = keras.Model(x, layers.Dense(2)(frozen(layers.Dense(3, name="behind"))(y)))
    inputs = values_for(model)
    parts = cut(model)
    assert [group.inputs for group in parts.groups] == [("x",)]
    assert {layer.name for layer in parts.learner.layers} >= {"behind"}
    assert "before" not in {layer.name for layer in parts.learner.layers}
    (reason,) = [reason for reason in parts.reasons if reason.startswith("'behind'")]
    assert re.search(f"'behind' is frozen, but .* ahead of it {does}", reason)
    if "Draws" not in kind and kind not in ("Lambda", "keras.random"):
        check_cut(model, inputs=inputs, train=False)


STEADY = {
    "Dropout": lambda: layers.Dropout(0.0),
    "BatchNormalization": lambda: frozen(layers.BatchNormalization()),
    "LSTM": lambda: frozen(layers.LSTM(4, return_sequences=True, dropout=0.0)),
    "GRU": lambda: frozen(layers.Bidirectional(layers.GRU(4, return_sequences=True))),
    "Attends": lambda: Attends(0.0),
    "Lambda": lambda: layers.Lambda(lambda x: tf.map_fn(lambda row: row * 2, x)),
    "TimeDistributed": lambda: frozen(layers.TimeDistributed(layers.Dense(4))),
    "Regularized": lambda: frozen(layers.Dense(4, kernel_regularizer="l2")),
    "fixed seed": lambda: layers.Lambda(lambda x: x * keras.random.uniform((), seed=3)),
}


@pytest.mark.parametrize("kind", STEADY)
def test_steady_layers_are_frozen(kind):
    x = keras.Input((5, 4), name="x")
    y = STEADY[kind]()(frozen(layers.Dense(4))(x))
    model = keras.Model(x, layers.Dense(2)(frozen(layers.Dense(3, name="behind"))(y)))
    parts = check_cut(model, [("x",)], [])
    assert len(parts.learner.variables) == 2 and not parts.reasons


def test_tracing_leaves_no_trace():
    x = keras.Input((4,), name="x")
    layer = AddsLoss()
    model = keras.Model(x, layers.Dense(2)(frozen(layers.Dense(3))(layer(x))))
    model(values_for(model))
    losses = [float(loss) for loss in layer.losses]
    states = [np.asarray(v.value) for v in model.variables]
    cut(model)
    assert [float(loss) for loss in layer.losses] == losses and len(losses) == 1
    for one, other in zip(states, model.variables, strict=True):
        np.testing.assert_array_equal(one, other.value)


def test_weights_used_behind_the_back_of_keras():
    """A function that closes over a layer uses weights that Keras does not count as its own."""
    soft = layers.Dense(4, name="soft")
    x = keras.Input((4,), name="x")
    y = layers.Lambda(lambda x: soft(x), name="closure")(frozen(layers.Dense(4, name="stone"))(x))
    y = frozen(layers.Dense(4, name="behind"))(y)
    model = keras.Model(x, soft(y))
    parts = check_cut(model, [("x",)], [])
    assert parts.reasons == ("'behind' is frozen, but lies behind 'closure', which learns",)


# Masks that Keras hands on


IDS = np.array([[1, 2, 0, 0, 0], [1, 0, 3, 0, 0], [1, 2, 3, 4, 5], [3, 0, 0, 0, 0]])


def embedding():
    return frozen(layers.Embedding(9, 4, mask_zero=True, name="words"))


class Words(keras.layers.Layer):
    """Its output carries a mask that no symbolic tensor shows."""

    def __init__(self):
        super().__init__()
        self.words = layers.Embedding(9, 4, mask_zero=True)

    def build(self, shape):
        self.words.build(shape)
        self.trainable = False

    def call(self, ids):
        return self.words(ids)


def nested_words():
    ids = keras.Input((5,), dtype="int32")
    y = frozen(layers.Conv1D(4, 1))(embedding()(ids))
    return frozen(keras.Model(ids, y, name="nested"))


@pytest.mark.filterwarnings("ignore:.*was passed an input with a mask")
@pytest.mark.parametrize("make", [embedding, Words, nested_words])
@pytest.mark.parametrize("between", [None, "dense", "identity"])
@pytest.mark.parametrize("named", [False, True])
def test_implicit_masks_cross_the_frontier(make, between, named):
    ids = keras.Input((5,), dtype="int32", name="ids")
    y = make()(ids)
    if between == "dense":
        y = frozen(layers.Dense(4))(y)
    if between == "identity":
        y = layers.Activation("tanh")(frozen(layers.LSTM(4, return_sequences=True))(y))
    lstm = layers.LSTM(3, return_sequences=named)
    y = lstm(y)
    if named:
        y = layers.GlobalAveragePooling1D()(y)
    check_cut(keras.Model(ids, layers.Dense(2)(y)), inputs=IDS)


@pytest.mark.slow
def test_a_frozen_sequence_with_mask():
    ids = keras.Input((5,), dtype="int32", name="ids")
    y = frozen(layers.LSTM(4, return_sequences=True))(embedding()(ids))
    parts = check_cut(
        keras.Model(ids, layers.Dense(2)(layers.LSTM(3)(layers.Dense(3)(y)))),
        inputs=IDS,
        eagerly=False,
    )
    names = [x.name for x in parts.learner.inputs]
    assert "ids_feature_0_mask" in names or "ids_feature_1" in names
    check_cut(keras.Model(ids, layers.Dense(2)(y)), inputs=IDS)  # masked losses, too


@pytest.mark.filterwarnings("ignore:.*was passed an input with a mask")
def test_masks_given_by_hand():
    ids = keras.Input((5,), dtype="int32", name="ids")
    words = frozen(layers.Embedding(9, 4))(ids)
    inner_x = keras.Input((5, 4))
    inner = keras.Model(
        inner_x, layers.LSTM(3)(frozen(layers.LSTM(4, return_sequences=True))(inner_x))
    )
    y = inner(words, mask=ids > 2)
    z = frozen(layers.LSTM(3))(words, mask=ids > 1)
    check_cut(keras.Model(ids, layers.Dense(2)(y + z)), inputs=IDS)


# Precision, shapes, seldom kinds of layers


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16", "float64"])
def test_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        x = keras.Input((8, 8, 3), name="pixels")
        net = frozen(backbone())
        y = layers.Dense(2, dtype="float32")(layers.Dense(3)(net(x / 255)))
        nested = keras.Sequential([keras.Input((8, 8, 3), name="p"), net, layers.Dense(2)])
        for model in (keras.Model(x, y), nested, keras.Model(x, layers.Dense(2)(nested(x)))):
            parts = check_cut(model, train=False)
            assert parts.worthwhile and parts.learner.dtype_policy == model.dtype_policy
        net.get_layer("conv_b").trainable = True
        for model in (keras.Model(x, y), nested, keras.Model(x, layers.Dense(2)(nested(x)))):
            assert check_cut(model, train=False).worthwhile
    finally:
        keras.config.set_dtype_policy(before)


def test_what_has_no_row_for_each_row_is_no_feature():
    x = keras.Input((3, 8, 8, 3), name="video")
    frames = ops.reshape(x, (-1, 8, 8, 3))
    y = frozen(backbone("net"))(frames)
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(ops.reshape(y, (-1, 3, 4)))))
    check_cut(model, [("video",)], [])  # cut where there are videos again
    soft = ops.reshape(layers.Dense(2)(y), (-1, 6))
    parts = check_cut(keras.Model(x, soft), [], ["video"])
    assert parts.reasons == ("'net' is frozen, but does not give a row for each row",)


def test_a_table_that_no_row_changes():
    x = keras.Input((4,), name="x")
    table = frozen(layers.Dense(4, name="table"))(ops.ones_like(x[:1, :]))
    y = frozen(layers.Dense(4))(x)
    model = keras.Model(x, layers.Dense(2)(y + table))
    check_cut(model, [("x",)], [])
    model = keras.Model(x, layers.Dense(4)(y) + table)
    check_cut(model, [("x",)], ["x"])


def test_sizes_of_inputs_that_are_not_fixed():
    x = keras.Input((None, None, 3), name="pixels")
    grid = frozen(layers.Conv2D(4, 3, name="conv"))(x)
    check_cut(keras.Model(x, layers.Dense(2)(layers.GlobalMaxPooling2D()(grid))), [("pixels",)], [])
    fixed = keras.Input(batch_shape=(4, 6), name="fixed")
    y = frozen(layers.Dense(3))(fixed)
    check_cut(keras.Model(fixed, layers.Dense(2)(y)), [("fixed",)], [])


def test_a_nested_model_on_other_sizes_than_it_was_built_for():
    x = keras.Input((None, None, 3))
    y = frozen(layers.Conv2D(4, 3, name="stone"))(x)
    net = keras.Model(x, layers.GlobalMaxPooling2D()(layers.Conv2D(4, 1, name="soft")(y)))
    pixels = keras.Input((9, 9, 3), name="pixels")
    parts = check_cut(keras.Model(pixels, layers.Dense(2)(net(pixels))), [("pixels",)], [])
    assert parts.learner.inputs[0].shape == (None, 7, 7, 4)


def test_shared_and_nested_twice():
    x = keras.Input((4,), name="x")
    inner_x = keras.Input((4,))
    inner = keras.Model(inner_x, frozen(layers.Dense(4, name="d"))(inner_x), name="inner")
    outer_x = keras.Input((4,))
    outer = keras.Model(outer_x, layers.Dense(4, name="d")(inner(outer_x)) + inner(outer_x))
    model = keras.Model(x, layers.Dense(2)(outer(inner(x)) + outer(x)))
    check_cut(model, [("x",)], [])


def test_a_model_with_a_function_of_keras():
    x = keras.Input((4,), name="x")
    inner = keras.Input((4,))
    function = keras.Function(inner, ops.tanh(inner) * 2)
    y = function(frozen(layers.Dense(4))(x))
    parts = check_cut(keras.Model(x, layers.Dense(2)(y)), [("x",)], [])
    assert len(parts.learner.layers) == 2


def test_mapped_code():
    x = keras.Input((3, 4), name="x")
    y = frozen(layers.Dense(4))(x)
    steady = ops.map(lambda row: row * 2, y)
    check_cut(keras.Model(x, layers.Dense(2)(steady)), [("x",)], [])
    drawn = ops.map(lambda row: row * tf.random.uniform([]), y)
    drawn = frozen(layers.Dense(3, name="behind"))(drawn)
    (reason,) = cut(keras.Model(x, layers.Dense(2)(drawn))).reasons
    assert "'behind' is frozen" in reason and "draws anew" in reason


def test_rerun_on_shorter_texts(preset):
    for branch in (fk.bert_branch(preset, 32), fk.lstm_branch(["red", "circle"], 32, units=4)):
        ids = keras.Input((None,), dtype="int32", name="ids")
        short = keras.Model([ids], rerun(branch.encoder, [ids]))
        tokens = RANDOM.integers(1, 4, (5, 32))
        tokens[:, 7:] = 0
        tokens[1] = 0
        full = branch.encoder(tokens, training=False)
        less = short([tokens[:, :7]], training=False)
        for name, value in less.items():
            cut_off = (
                full[name][:, :7] if name in ("sequence_output", "padding_mask") else full[name]
            )
            np.testing.assert_allclose(cut_off, value, atol=1e-6)


def test_rerun_in_the_structure_of_the_outputs():
    x = keras.Input((4,), name="x")
    model = keras.Model({"x": x}, {"b": [x * 2], "a": x})
    outputs = rerun(model, [keras.Input((4,), name="y")])
    assert set(outputs) == {"a", "b"} and outputs["b"][0].shape == (None, 4)
