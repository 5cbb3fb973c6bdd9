import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import fusionkeras as fk
from fusionkeras.testing import write_tiny_bert
from fusionkeras.training.frozen.fingerprint import CannotFingerprint, fingerprint
from fusionkeras.training.frozen.split import cut


def build(layer, shape=(4, 6), seed=0, name="x"):
    """A model of one layer with the same random weights each time."""
    x = keras.Input(shape, name=name)
    model = keras.Model(x, layer(x))
    random = np.random.default_rng(seed)
    model.set_weights([random.uniform(0, 1, w.shape).astype(w.dtype) for w in model.weights])
    return model


SAME = {
    "Dense": lambda: layers.Dense(3, activation="relu"),
    "Dense, named and seeded": lambda: layers.Dense(
        3, name=f"any_{np.random.randint(10**9)}", bias_initializer="ones"
    ),
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(3)),
    "BatchNormalization": lambda: layers.BatchNormalization(),
    "dropout of any seed": lambda: layers.Dropout(0.0, seed=np.random.randint(10**9)),
    "RandomFlip": lambda: layers.RandomTranslation(0.1, 0.1),
    "Sequential": lambda: keras.Sequential([layers.Dense(2), layers.Dense(3)]),
    "ops": lambda: lambda x: ops.any(x[:, 1:] * np.arange(6) > 0, axis=(1, 2)),
    "Lambda": lambda: layers.Lambda(lambda x: tf.map_fn(lambda row: row * 2, x)),
    "Normalization": lambda: layers.Normalization(mean=[1.0] * 6, variance=[2.0] * 6),
}


@pytest.mark.parametrize("kind", SAME)
def test_built_twice(kind):
    shape = (8, 8, 3) if kind == "RandomFlip" else (4, 6)
    one = fingerprint(build(SAME[kind](), shape))
    ops.tanh(layers.Dense(2)(keras.Input((2,))))  # takes names that are counted
    assert fingerprint(build(SAME[kind](), shape)) == one
    assert isinstance(one, bytes) and len(one) == 32


def test_trainable_and_the_process_make_no_difference():
    model = build(layers.Dense(3))
    one = fingerprint(model)
    model.trainable = False
    assert fingerprint(model) == one
    model(np.ones((2, 4, 6)))
    assert fingerprint(model) == one


def same_seed(first, second):
    return build(first), build(second)


def other_weight():
    one, other = same_seed(layers.Dense(3), layers.Dense(3))
    kernel = np.array(other.layers[1].kernel.value)
    kernel[0, 0] = np.nextafter(kernel[0, 0], 2)
    other.layers[1].kernel.assign(kernel)
    return one, other


def other_wiring():
    models = []
    for order in (1, -1):
        a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
        models.append(keras.Model([a, b], ops.subtract(*[a, b][::order])))
    return models


def other_depth():
    models = []
    for swapped in (False, True):
        x = keras.Input((3,), name="x")
        first, second = ops.tanh(x), ops.sin(x)
        models.append(keras.Model(x, {"a": second if swapped else first, "b": second}))
    return models


def other_outputs():
    models = []
    for name in "ab":
        x = keras.Input((3,), name="x")
        models.append(keras.Model(x, {name: x * 2}))
    return models


def other_input_order():
    models = []
    for order in (1, -1):
        inputs = [keras.Input((3,), name="a"), keras.Input((3,), name="b")][::order]
        models.append(keras.Model(inputs, ops.subtract(*inputs)))
    return models


def closing_over(number):
    return layers.Lambda(lambda x: x * number)


def holding(number):
    table = tf.constant([number])
    return layers.Lambda(lambda x: x + table)


def own(factor):
    class Own(keras.layers.Layer):
        def call(self, x):
            return x * factor

        def compute_output_shape(self, shape):
            return shape

    return Own()


def own_in_training(factor):
    class Own(keras.layers.Layer):
        def call(self, x, training=False):
            return x * factor if training else x

    return Own()


def own_with_mask(factor):
    class Own(keras.layers.Layer):
        def call(self, x, mask=None):
            return x if mask is None else x * factor

    return Own()


def held_variable(number):
    class Own(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.value = tf.Variable(number)

        def call(self, x):
            return x * self.value

    return Own()


def swapped_activation(function):
    layer = layers.Dense(3)
    layer.activation = function
    return layer


@pytest.mark.parametrize("make", [other_outputs, other_input_order])
def test_names_of_inputs_and_outputs_change_nothing(make):
    first, second = make()
    assert fingerprint(first) == fingerprint(second)


OTHER = {
    "weight": other_weight,
    "wiring": other_wiring,
    "depth": other_depth,
    "shape of input": lambda: (build(layers.ReLU()), build(layers.ReLU(), (5, 6))),
    "type": lambda: same_seed(layers.LSTM(3), layers.GRU(3)),
    "config": lambda: same_seed(
        layers.BatchNormalization(epsilon=1e-3), layers.BatchNormalization(epsilon=1e-5)
    ),
    "activation": lambda: same_seed(layers.Dense(3), layers.Dense(3, activation="relu")),
    "own activation": lambda: same_seed(
        layers.Dense(3, activation=lambda x: x * 2), layers.Dense(3, activation=lambda x: x * 3)
    ),
    "swapped activation": lambda: same_seed(
        swapped_activation(lambda x: x * 2), swapped_activation(lambda x: x * 3)
    ),
    "inner config": lambda: same_seed(
        layers.Bidirectional(layers.LSTM(3)), layers.Bidirectional(layers.LSTM(3, unroll=True))
    ),
    "policy": lambda: same_seed(layers.Dense(3), layers.Dense(3, dtype="mixed_bfloat16")),
    "inner policy": lambda: same_seed(
        layers.TimeDistributed(layers.Dense(3)),
        layers.TimeDistributed(layers.Dense(3, dtype="mixed_bfloat16")),
    ),
    "number in an operation": lambda: same_seed(lambda x: x * 2.0, lambda x: x * 2.5),
    "array in an operation": lambda: same_seed(
        lambda x: x * np.arange(6), lambda x: x * np.arange(1, 7)
    ),
    "slice": lambda: same_seed(lambda x: x[:, 1:], lambda x: x[:, :-1]),
    "keyword": lambda: same_seed(
        lambda x: ops.sum(x, axis=1), lambda x: ops.sum(x, axis=1, keepdims=True)
    ),
    "code": lambda: same_seed(layers.Lambda(lambda x: x + 1), layers.Lambda(lambda x: x + 2)),
    "code of a loop": lambda: same_seed(
        layers.Lambda(lambda x: tf.map_fn(lambda row: row + 1, x)),
        layers.Lambda(lambda x: tf.map_fn(lambda row: row + 2, x)),
    ),
    "mapped code": lambda: same_seed(
        lambda x: ops.map(lambda row: row + 1, x), lambda x: ops.map(lambda row: row + 2, x)
    ),
    "closure": lambda: same_seed(closing_over(2.0), closing_over(3.0)),
    "tensor in a closure": lambda: same_seed(holding(2.0), holding(3.0)),
    "own layer": lambda: same_seed(own(2.0), own(3.0)),
    "own layer in a wrapper": lambda: same_seed(
        layers.TimeDistributed(own(2.0)), layers.TimeDistributed(own(3.0))
    ),
    "own layer in training": lambda: same_seed(own_in_training(2.0), own_in_training(3.0)),
    "own layer with a mask": lambda: same_seed(own_with_mask(2.0), own_with_mask(3.0)),
    "variable of TensorFlow": lambda: same_seed(held_variable(2.0), held_variable(3.0)),
    "augmentation": lambda: (
        build(layers.RandomZoom(0.1), (8, 8, 3)),
        build(layers.RandomZoom(0.2), (8, 8, 3)),
    ),
    "nested": lambda: same_seed(
        keras.Sequential([keras.Input((4, 6)), layers.Dense(3), layers.ReLU()]),
        keras.Sequential([keras.Input((4, 6)), layers.Dense(3), layers.ELU()]),
    ),
}


@pytest.mark.parametrize("what", OTHER)
def test_another(what):
    one, other = OTHER[what]()
    assert fingerprint(one) != fingerprint(other)


def calls_python(x):
    return tf.ensure_shape(tf.numpy_function(lambda v: v, [x], tf.float32), x.shape)


def looks_up(x):
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1.0], [2.0]), 0.0)
    return table.lookup(x)


def outside_table():
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1], [2]), 0)
    return lambda x: tf.cast(table.lookup(tf.cast(x, tf.int32)), tf.float32)


@pytest.mark.parametrize(
    ("function", "why"),
    [(calls_python, "calls Python code"), (outside_table(), "looks up in a table")],
    ids=["python", "table"],
)
def test_what_no_graph_shows(function, why):
    model = build(layers.Lambda(function, output_shape=(4, 6), name="secret"))
    with pytest.raises(CannotFingerprint, match=f"'secret' {why}"):
        fingerprint(model)


def test_a_vocabulary_is_not_overlooked():
    words = keras.Input((1,), dtype="string", name="words")
    models = [
        keras.Model(words, layers.StringLookup(vocabulary=vocabulary)(words))
        for vocabulary in (["red"], ["blue"])
    ]
    with pytest.raises(CannotFingerprint, match="looks up in a table"):
        assert fingerprint(models[0]) != fingerprint(models[1])


def test_seeds_that_were_drawn_from_make_no_difference():
    model = build(layers.RandomFlip(seed=1), (8, 8, 3))
    one = fingerprint(model)
    model(np.ones((1, 8, 8, 3)), training=True)
    assert fingerprint(model) == one


ENCODERS = """
import keras, sys
import fusionkeras as fk
from fusionkeras.training.frozen.split import cut
from fusionkeras.training.frozen.fingerprint import fingerprint

def fingerprints(preset):
    keras.utils.set_random_seed(0)
    image = fk.image_branch("mobilenet_v2", weights=None, image_size=(32, 32))
    text = fk.bert_branch(preset, 8)
    model = fk.build_classifier([image, text])
    return [fingerprint(group.extractor).hex() for group in cut(model).groups]
"""


@pytest.mark.slow
def test_in_another_process(tmp_path):
    preset = write_tiny_bert(tmp_path / "bert")
    own = {}
    exec(ENCODERS, own)  # noqa: S102
    ops.tanh(keras.Input((3,)) != 0)  # takes names that are counted
    here = own["fingerprints"](preset)
    code = ENCODERS + "print(*fingerprints(sys.argv[1]))"
    there = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), preset],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert there == here and len(set(here)) == 2


def test_an_encoder_beside_others(preset):
    """The fingerprint of an encoder does not depend on the model that it is in."""
    image = fk.image_branch("mobilenet_v2", weights=None, image_size=(32, 32))
    models = [
        fk.build_classifier([image, fk.bert_branch(preset, 8)]),
        fk.build_classifier([image, fk.lstm_branch(["red"], 4)], num_classes=5),
    ]
    groups = [cut(model).groups[0] for model in models]
    assert [group.inputs for group in groups] == [("image",)] * 2
    assert len({fingerprint(group.extractor) for group in groups}) == 1
