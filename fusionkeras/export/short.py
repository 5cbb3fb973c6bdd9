"""Exports that are smaller or faster: numbers of eight bits or of half, BatchNorm folded away."""

import warnings

import keras
import tensorflow as tf

from fusionkeras.training.frozen.fold import fold as fold_batch_norm

# By how much an export may differ from Keras then, instead of the 1e-4 of rounding.
TOLERANCES = {None: 1e-4, "float16": 1e-2, "int8": 1e-2}
HALVES = ("float16", "bfloat16")


def tolerance_of(model, quantize):
    """By how much an export of a model may differ from what Keras answers.

    Args:
        model: `keras.Model`.
        quantize: None, "int8" or "float16".

    Returns:
        float, relative where numbers are above 1.
    """
    return TOLERANCES["float16"] if computes_in_half(model) else TOLERANCES[quantize]


def computes_in_half(model):
    """Whether a layer of a model computes in half precision."""
    return any(layer.compute_dtype in HALVES for layer in model._flatten_layers())


def shortened(model, quantize, fold):
    """Makes what is exported of a model.

    Args:
        model: `keras.Model`, of `whole`; it stays as it is.
        quantize: None, "int8" or "float16".
        fold: bool, whether BatchNorm goes into the convolutions before it.

    Returns:
        A function from names of outputs to a callable that computes those of them,
        `(tensors, training) -> {output: ...}`.
    """
    if quantize == "int8":
        model = _in_eight_bits(model)
    if fold:
        model = fold_batch_norm(model, inference=True)
    return _in_half(model) if quantize == "float16" else in_full(model)


def in_full(model):
    """As `shortened` without any change."""
    return lambda *outputs: keras.Model(model.inputs, {x: model.output[x] for x in outputs})


def _in_eight_bits(model):
    """A copy with the layers that Keras can quantize: dense ones and embeddings, not the heads."""
    copy = keras.models.clone_model(model, recursive=True)
    copy.set_weights(model.get_weights())
    with warnings.catch_warnings():
        # Keras warns of each layer that stays as it is.
        warnings.filterwarnings("ignore", message=".*does not have a `quantize` method")
        copy.quantize("int8")
    return copy


def _in_half(model):
    """Stores matrices and kernels in half precision; each call makes them whole again.

    Vectors, such as biases and the variances of BatchNorm, are small, and stay as they are.
    """
    stored = {
        id(variable): tf.Variable(tf.cast(variable.value, tf.float16), trainable=False)
        for variable in model.variables
        if variable.dtype == "float32" and len(variable.shape) > 1
    }

    def values(variables):
        return [
            tf.cast(stored[id(x)], tf.float32) if id(x) in stored else tf.convert_to_tensor(x.value)
            for x in variables
        ]

    def part(*outputs):
        full = in_full(model)(*outputs)

        def call(tensors, training):
            learning, others = map(values, (full.trainable_variables, full.non_trainable_variables))
            return full.stateless_call(learning, others, tensors, training=training)[0]

        return call

    return part
