"""What a frozen part of a model computes, in 32 bytes."""

import hashlib
import json
import warnings

import keras
import numpy as np
from keras import tree

from fusionkeras.training.frozen.graph import Wire, walk
from fusionkeras.training.frozen.tracing import (
    canonical,
    is_known,
    is_seed,
    layers_of,
    losses_kept,
    side_effects,
    trace,
)
from fusionkeras.version import __version__

# What a configuration says beside what is computed in inference, or what the weights say anyway.
NOISE = {"name", "trainable", "registered_name", "build_config", "shared_object_id", "seed"}
NOISE_ENDINGS = ("_initializer", "_regularizer", "_constraint")
# Layers that preprocess and are told by their configuration, where no graph of TensorFlow is.
WITHOUT_TABLES = tuple(
    f"keras.src.layers.preprocessing.{name}" for name in ("rescaling", "image_preprocessing")
)


class CannotFingerprint(Exception):  # noqa: N818 - it names a verdict, not a fault
    """Why what a model computes cannot be told from what another one computes."""


def fingerprint(extractor):
    """Hashes what a model computes: its graph, its layers and all of their weights.

    The same architecture with the same weights has the same fingerprint in any process, whatever
    its layers, inputs and outputs are named. Layers of Keras, keras_hub and this package are told
    apart by their configuration; those of others, and functions that users pass, by the TensorFlow
    graph of what they compute, in inference and in training.

    Args:
        extractor: functional `keras.Model`.

    Returns:
        bytes, 32 of them.

    Raises:
        CannotFingerprint: where a layer calls Python code or looks up in a table, which no graph
            shows, or is not of a known package on a backend other than TensorFlow.
        TypeError: for a model that is not functional.

    Example:
        >>> x = keras.Input((2,))
        >>> model = keras.Model(x, keras.layers.Dense(3)(x))
        >>> twin = keras.Model(x, keras.layers.Dense(3)(x))
        >>> fingerprint(model) == fingerprint(twin)
        False
        >>> twin.set_weights(model.get_weights())
        >>> fingerprint(model) == fingerprint(twin)
        True
    """
    graph = walk(extractor)
    inputs = [(wire.spec.shape, wire.spec.dtype, bool(wire.spec.sparse)) for wire in graph.inputs]
    places = {wire: f"input {place}" for place, wire in enumerate(graph.inputs)}
    digest = hashlib.sha256(repr([_versions(), inputs]).encode())
    with losses_kept(extractor), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*was passed an input with a mask attached")
        for number, step in enumerate(graph.steps):
            digest.update(_describe(step, places))
            places |= {wire: f"{number}:{place}" for place, wire in enumerate(step.outputs)}
    digest.update(repr([places[wire] for wire in tree.flatten(graph.outputs)]).encode())
    return digest.digest()


def _versions():
    versions = [keras.__version__, __version__, keras.backend.backend(), keras.backend.floatx()]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        versions.append(tf.__version__)
    return versions


def _describe(step, places):
    """A hash of one call."""
    kind = f"{type(step.operation).__module__}.{type(step.operation).__qualname__}"
    wiring = [places[wire] for wire in step.inputs]
    digest = hashlib.sha256(repr([kind, wiring]).encode())
    described = _described(step, places)
    if described is None:
        digest.update(_computed(step, training=False) + _computed(step, training=True))
    else:
        digest.update(json.dumps(described).encode())
    # A layer inside another tells no configuration of its own.
    loras = [own for own in layers_of(step.operation) if getattr(own, "lora_enabled", False)]
    if loras:
        digest.update(repr([own.lora_alpha / own.lora_rank for own in loras]).encode())
    for variable in getattr(step.operation, "weights", ()):
        digest.update(_value(np.asarray(variable.value)))
    return digest.digest()


def _described(step, places):
    """A call by its arguments and configuration, or None where these may not tell all of it.

    Layers that preprocess keep tables and statistics that their configuration leaves out.
    """
    if not is_known(step.operation) or _may_keep_tables(type(step.operation).__module__):
        return None
    kwargs = {key: value for key, value in step.kwargs.items() if key != "training"}
    try:
        return _plain((step.args, kwargs, _quiet(step.operation.get_config())), places)
    except (NotImplementedError, _NotPlain):  # Keras could not save this operation either
        return None


def _may_keep_tables(module):
    if keras.backend.backend() == "tensorflow":
        return "preprocessing" in module
    return "preprocessing" in module and not module.startswith(WITHOUT_TABLES)


class _NotPlain(Exception):  # noqa: N818
    """A value that no configuration shows."""


def _quiet(config):
    """A configuration without noise, nested ones included."""
    if isinstance(config, (list, tuple)):
        return [_quiet(value) for value in config]
    if not isinstance(config, dict):
        return config
    if str(config.get("class_name")).endswith("DTypePolicy"):
        return [config["class_name"], config["config"].get("name")]
    return {
        key: _quiet(value)
        for key, value in config.items()
        if key not in NOISE and not str(key).endswith(NOISE_ENDINGS)
    }


def _plain(value, places):
    """A value as JSON can tell it from others."""
    if isinstance(value, Wire):
        return ["wire", places[value]]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        pairs = [[_plain(key, places), _plain(own, places)] for key, own in value.items()]
        return ["dict", sorted(pairs, key=repr)]
    if isinstance(value, (list, tuple)):
        return [_plain(own, places) for own in value]
    if isinstance(value, slice):
        return ["slice", *_plain([value.start, value.stop, value.step], places)]
    if value is Ellipsis:
        return ["..."]
    if isinstance(value, (np.ndarray, np.generic)) or keras.ops.is_tensor(value):
        return ["array", _value(np.asarray(value)).hex()]
    raise _NotPlain(type(value).__name__)


def _value(array):
    """A hash of an array."""
    digest = hashlib.sha256(repr([array.dtype.name, array.shape]).encode())
    if array.dtype.hasobject:
        digest.update(repr(array.tolist()).encode())
    else:
        digest.update(np.ascontiguousarray(array).reshape(-1).view("uint8"))
    return digest.digest()


def _computed(step, training):
    """A hash of the TensorFlow graph of one call, with and without a mask where it minds one."""
    specs = {
        wire: keras.KerasTensor(wire.spec.shape, wire.spec.dtype, sparse=wire.spec.sparse)
        for wire in step.inputs
    }
    found = _traced(step, specs, {}, training)
    if any("mask" in layer.call_signature_parameters for layer in layers_of(step.operation)):
        masks = {
            wire: keras.KerasTensor(spec.shape[:2], "bool")
            for wire, spec in specs.items()
            if len(spec.shape) > 2
        }
        if masks:
            found += _traced(step, specs, masks, training)
    return found


def _traced(step, specs, masks, training):
    try:
        traced = trace(step, specs, masks, training)
    except Exception as error:  # whatever a layer raises: there is no graph to go by
        return _refuse(step, f"cannot be traced ({type(error).__name__})", error)
    if traced.graph is None:
        return _refuse(step, "is no layer of Keras, and only TensorFlow shows what it computes")
    if "python" in side_effects(traced):
        return _refuse(step, "calls Python code, which may do anything")
    variables = {id(variable.value.handle): variable for variable in traced.read}

    def captured(tensor):
        variable = variables.get(id(tensor))
        if variable is not None:
            return b"seed" if is_seed(variable) else _value(np.asarray(variable.value))
        return _value(_outside(step, tensor))

    return canonical(traced, captured)


def _outside(step, tensor):
    """The value of a tensor, or of a variable that Keras knows nothing of."""
    import tensorflow as tf

    if tensor.dtype == tf.resource:
        try:
            (content,) = tensor._handle_data.shape_and_type
            tensor = tf.raw_ops.ReadVariableOp(resource=tensor, dtype=content.dtype)
        except (AttributeError, ValueError, tf.errors.OpError) as error:
            return _refuse(step, "looks up in a table, which its graph does not show", error)
    return tensor.numpy()


def _refuse(step, why, cause=None):
    raise CannotFingerprint(f"{step.operation.name!r} {why}") from cause
