"""What a call does beside giving its outputs, found by running it on symbolic tensors."""

import contextlib
import dataclasses
import hashlib
import re

import keras
from keras import tree
from keras.src import backend

# Stateful operations of TensorFlow that neither change nor draw anything.
HARMLESS = re.compile(
    "ReadVariableOp|VarHandleOp|VariableShape|ResourceGather|ResourceGatherNd|LookupTable(Find|Size)"
    "(V2)?|Assert|PrintV2|Placeholder|If|Case|While|StatefulPartitionedCall|CudnnRNN(V2|V3)?"
)
DRAWS = re.compile("Random|Multinomial|Rng|Truncated|Stateful(Standard|Uniform)|Shuffle")
# Packages whose layers and operations are wholly described by their configuration.
KNOWN = ("keras", "keras_hub", "keras_nlp", "fusionkeras")


@dataclasses.dataclass(frozen=True)
class Trace:
    """What a call did.

    Attributes:
        outputs: list of `KerasTensor`, what it gave, flat.
        masks: list of `KerasTensor` or None, the masks that Keras hands on beside these.
        read: list of variables whose value was asked for.
        updated: list of variables that got a new value.
        losses: int, how many losses were added.
        graph: the TensorFlow graph; None on another backend.
        results: names of the outputs in that graph.
    """

    outputs: list
    masks: list
    read: list
    updated: list
    losses: int
    graph: object
    results: list


class _Recorder(keras.StatelessScope):
    """A scope that changes no variable and remembers which ones were asked for or set."""

    def __init__(self):
        super().__init__(collect_losses=True)
        self.read, self.updated = {}, {}

    def get_current_value(self, variable):
        self.read[id(variable)] = variable
        return super().get_current_value(variable)

    def add_update(self, update):
        self.updated[id(update[0])] = update[0]
        super().add_update(update)


def trace(step, specs, masks, training):
    """Runs one call on symbolic tensors; no variable is changed (see `losses_kept`).

    Args:
        step: `Step`.
        specs: dict of `{Wire: KerasTensor}` for its inputs.
        masks: dict of `{Wire: KerasTensor}` for those inputs that carry a mask.
        training: bool.

    Returns:
        `Trace`.

    Raises:
        Exception: of any type, what the operation raises.
    """
    wires = list(dict.fromkeys(step.inputs))
    done = {}

    def call(tensors, given_masks):
        for wire, tensor in zip(wires, tensors, strict=True):
            if wire in masks:
                backend.set_keras_mask(tensor, given_masks[wires.index(wire)])
        args, kwargs = step.fill(dict(zip(wires, tensors, strict=True)))
        if isinstance(step.operation, keras.layers.Layer):
            kwargs = {**kwargs, "training": training}
        with _Recorder() as recorder:
            outputs = tree.flatten(step.operation(*args, **kwargs))
        done.update(recorder=recorder, graph=_tensorflow_graph())
        done["results"] = [getattr(x, "name", "") for x in outputs] if done["graph"] else []
        return outputs, [backend.get_keras_mask(x) for x in outputs]

    given = [specs[wire] for wire in wires], [masks.get(wire) for wire in wires]
    outputs, output_masks = backend.compute_output_spec(call, *given)
    recorder = done.pop("recorder")
    read, updated = list(recorder.read.values()), list(recorder.updated.values())
    return Trace(outputs, output_masks, read, updated, len(recorder.losses), **done)


@contextlib.contextmanager
def losses_kept(model):
    """Calling a layer, even on symbolic tensors, clears the losses of its last call: not here."""
    layers = layers_of(model)
    kept = [(layer._losses[:], set(layer._loss_ids)) for layer in layers]
    try:
        yield
    finally:
        for layer, (losses, ids) in zip(layers, kept, strict=True):
            layer._losses[:] = losses
            layer._loss_ids.clear()
            layer._loss_ids.update(ids)


def side_effects(traced):
    """Lists what a call did: among "draw", "state", "loss" and "python".

    Args:
        traced: `Trace`.

    Returns:
        set of str.
    """
    found = {"loss"} if traced.losses else set()
    found |= {"draw" if is_seed(variable) else "state" for variable in traced.updated}
    for operation, is_stateful in _graph_operations(traced.graph):
        if "PyFunc" in operation:
            found.add("python")
        elif is_stateful and not HARMLESS.fullmatch(operation):
            found.add("draw" if DRAWS.search(operation) else "state")
    return found


def is_seed(variable):
    """Whether a variable is the state of a `keras.random.SeedGenerator`."""
    return variable.name == "seed_generator_state"


def layers_of(operation):
    """All layers in an operation, itself included."""
    if isinstance(operation, keras.layers.Layer):
        return operation._flatten_layers()
    inner = getattr(operation, "_operations", ())
    return [layer for own in inner for layer in layers_of(own)]


def is_known(operation):
    """Whether an operation runs no code but that of `KNOWN` packages."""
    layers = layers_of(operation)
    inner = [own for layer in [operation, *layers] for own in getattr(layer, "_operations", ())]
    return all(_is_known(part) for part in [operation, *layers, *inner])


def _is_known(part):
    # Functions that an instance holds: activations, and methods that somebody has replaced.
    held = [value for value in vars(part).values() if callable(value)]
    modules = [type(part).__module__, *(getattr(x, "__module__", None) or "" for x in held)]
    return all(module.split(".")[0] in KNOWN for module in modules)


def _tensorflow_graph():
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    return tf.compat.v1.get_default_graph()


def _graph_operations(graph):
    """Pairs of the type of an operation and whether TensorFlow calls it stateful."""
    if graph is None:
        return
    from tensorflow.python.framework import op_def_registry

    definition = graph.as_graph_def()
    functions = [function.node_def for function in definition.library.function]
    types = {node.op for nodes in [definition.node, *functions] for node in nodes}
    for name in sorted(types):
        registered = op_def_registry.get(name)  # None for a call of a function, listed itself
        yield name, bool(registered and registered.is_stateful)


def canonical(traced, captured):
    """A hash of the TensorFlow graph of a call, whatever its operations are named.

    Args:
        traced: `Trace` with a graph.
        captured: a function from a tensor that the graph takes from outside to bytes.

    Returns:
        bytes.
    """
    definition = traced.graph.as_graph_def()
    library = _Library(definition.library.function)
    outer = {inside.op.name: captured(outside) for outside, inside in traced.graph.captures}
    names = {node.name: str(place) for place, node in enumerate(definition.node)}
    digest = library.nodes(definition.node, names)
    for name, value in outer.items():
        digest.update(names[name].encode() + b"=" + value)
    digest.update(repr([_renamed(name, names) for name in traced.results]).encode())
    return digest.digest()


class _Library:
    """The functions of a graph, hashed by what they do."""

    def __init__(self, functions):
        self.functions = {function.signature.name: function for function in functions}
        self.digests = {}

    def function(self, name):
        if name not in self.functions:
            return name.encode()
        if name not in self.digests:
            self.digests[name] = b"recursive"
            self.digests[name] = self._digest(self.functions[name])
        return self.digests[name]

    def _digest(self, function):
        arguments = [argument.name for argument in function.signature.input_arg]
        names = [*arguments, *(node.name for node in function.node_def)]
        names = {name: str(place) for place, name in enumerate(names)}
        digest = self.nodes(function.node_def, names)
        types = [argument.type for argument in function.signature.input_arg]
        results = [
            _renamed(function.ret[argument.name], names)
            for argument in function.signature.output_arg
        ]
        digest.update(repr([types, results]).encode())
        return digest.digest()

    def nodes(self, nodes, names):
        digest = hashlib.sha256()
        for node in nodes:
            inputs = [_renamed(name, names) for name in node.input]
            digest.update(repr([node.op if node.op not in self.functions else "", inputs]).encode())
            if node.op in self.functions:
                digest.update(self.function(node.op))
            for key in sorted(node.attr):
                if not key.startswith("_") and key not in ("shared_name", "container"):
                    digest.update(key.encode() + b"=" + self._attribute(node.attr[key]) + b";")
        return digest

    def _attribute(self, value):
        if value.HasField("func"):
            return self.function(value.func.name)
        if value.HasField("list") and value.list.func:
            return b",".join(self.function(function.name) for function in value.list.func)
        return value.SerializeToString(deterministic=True)


def _renamed(tensor, names):
    """The name of a tensor, or of an operation to wait for, with its place for its name."""
    name, *rest = tensor.removeprefix("^").split(":")
    control = "^" if tensor.startswith("^") else ""
    return control + ":".join([names.get(name, name), *rest])
