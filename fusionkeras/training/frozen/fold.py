"""BatchNorm of a frozen encoder, folded into the convolutions before it."""

from collections import Counter

import keras
import numpy as np
from keras import layers, tree

# What maps its input linearly, with the channels that come out in the last axis of its kernel.
LINEAR = (layers.Conv1D, layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def fold(model):
    """Makes a copy of a frozen model that computes the same, to rounding, without BatchNorm.

    In inference BatchNorm is `y = s x + t` for each channel, with `s = gamma / sqrt(var + eps)`
    and `t = beta - s mean`. Behind a linear layer `x = K * u + b` both are one layer with other
    weights, `(s K) * u + (s b + t)`. All other layers are shared with the model.

    Args:
        model: functional `keras.Model` that does not learn.

    Returns:
        A functional `keras.Model` of the same inputs and outputs.

    Example:
        >>> x = keras.Input((8, 8, 3))
        >>> model = keras.Model(x, layers.BatchNormalization()(layers.Conv2D(4, 3)(x)))
        >>> model.trainable = False
        >>> [type(layer).__name__ for layer in fold(model).layers]
        ['InputLayer', 'Conv2D']
    """
    pairs = _foldable(model)
    copies = {id(node): _folded(node, norm) for node, norm in pairs}
    dropped = {id(norm) for _, norm in pairs}
    inputs = tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), model._inputs_struct
    )
    tensors = {id(x): y for x, y in zip(model.inputs, tree.flatten(inputs), strict=True)}
    for node in _nodes(model):
        args, kwargs = node.arguments.fill_in(tensors)
        operation = copies.get(id(node)) or _copy(node.operation)
        outputs = args[0] if id(node) in dropped else operation(*args, **kwargs)
        for x, y in zip(node.outputs, tree.flatten(outputs), strict=True):
            tensors[id(x)] = y
    outputs = tree.map_structure(lambda x: tensors[id(x)], model._outputs_struct)
    return keras.Model(inputs, outputs, name=model.name)


def _nodes(model):
    """The calls that a functional model is made of, each behind those that it depends on."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.operation is not None and not node.is_input:
                yield node


def _copy(operation):
    """Nested models are folded too; one of a class of its own may compute something else."""
    plain = isinstance(operation, keras.Model) and type(operation).__name__ == "Functional"
    return fold(operation) if plain else operation


def _foldable(model):
    """Pairs of calls: of a linear layer, and of the BatchNorm that alone reads its output."""
    readers = Counter(id(x) for node in _nodes(model) for x in node.input_tensors)
    readers.update(id(x) for x in model.outputs)
    makers = {id(x): node for node in _nodes(model) for x in node.outputs}
    pairs = []
    for node in _nodes(model):
        x = node.input_tensors[0]
        if id(x) in makers and readers[id(x)] == 1 and _are_linear(makers[id(x)].operation, node):
            pairs.append((makers[id(x)], node))
    return pairs


def _are_linear(layer, node):
    norm = node.operation
    return (
        type(layer) in LINEAR  # one of a class of its own may compute something else
        and type(norm) is layers.BatchNormalization
        and len(layer.weights) == 1 + layer.use_bias  # neither quantised nor with LoRA
        and layer.quantization_mode is None
        and not norm.trainable
        and layer.activation is keras.activations.linear
        and getattr(layer, "data_format", "channels_last") == "channels_last"
        and norm.axis in (-1, len(node.input_tensors[0].shape) - 1)
        and layer.compute_dtype == norm.compute_dtype == "float32"
    )


def _folded(node, norm):
    """The linear layer with the weights of both."""
    layer, norm = node.operation, norm.operation
    copy = type(layer).from_config({**layer.get_config(), "use_bias": True})
    copy.build(node.input_tensors[0].shape)
    kernel, *bias = layer.get_weights()
    scale = 1 / np.sqrt(np.asarray(norm.moving_variance, "float64") + norm.epsilon)
    scale = scale * (1 if norm.gamma is None else np.asarray(norm.gamma))
    shift = scale * ((bias[0] if bias else 0) - np.asarray(norm.moving_mean))
    shift = shift + (0 if norm.beta is None else np.asarray(norm.beta))
    if isinstance(layer, layers.DepthwiseConv2D):  # its last axes are channels and multiples
        kernel = kernel * scale.reshape(kernel.shape[-2:])
    else:
        kernel = kernel * scale
    copy.set_weights([kernel, shift])
    return copy
