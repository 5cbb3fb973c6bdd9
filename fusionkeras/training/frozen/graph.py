"""The graph of a functional model as a list of calls, nested models opened."""

import dataclasses

import keras
from keras import tree
from keras.src.models.functional import Functional
from keras.src.ops.core import Cast
from keras.src.ops.function import Function
from keras.src.ops.operation import Operation

from fusionkeras._checks import argument_error
from fusionkeras.training.frozen.masks import AttachMask


class Wire:
    """A tensor between calls.

    Args:
        spec: `keras.KerasTensor`, the shape and dtype that the model declares.
        source: int, which input of the walked model it is; None for other tensors.
    """

    def __init__(self, spec, source=None):
        self.spec, self.source = spec, source


@dataclasses.dataclass(eq=False)
class Step:
    """One call of a layer or operation.

    Attributes:
        operation: the layer or operation.
        args: its positional arguments, with a `Wire` for every tensor.
        kwargs: its other arguments, likewise.
        outputs: list of `Wire`, what it gives, flat.
        path: tuple of nested models that were opened to get here, the outermost first.
    """

    operation: Operation
    args: tuple
    kwargs: dict
    outputs: list
    path: tuple = ()

    @property
    def inputs(self):
        """The wires among the arguments, in order."""
        return [x for x in tree.flatten((self.args, self.kwargs)) if isinstance(x, Wire)]

    def fill(self, values):
        """The arguments, `(args, kwargs)`, with `values[wire]` for every wire."""
        return tree.map_structure(
            lambda x: values[x] if isinstance(x, Wire) else x, (self.args, self.kwargs)
        )


@dataclasses.dataclass(eq=False)
class Graph:
    """A model as calls.

    Attributes:
        inputs: list of `Wire`, flat.
        steps: list of `Step`, each behind those that it depends on.
        outputs: `Wire`s in the structure of the model's outputs.
    """

    inputs: list
    steps: list
    outputs: object


class Call(keras.layers.Layer):
    """One call of an operation whose name is taken, under another name; weights are shared.

    Args:
        step: `Step`.
        name: str.
    """

    def __init__(self, step, name):
        super().__init__(name=name, autocast=False)
        self.operation = step.operation
        places = {wire: place for place, wire in enumerate(dict.fromkeys(step.inputs))}
        # A function, because Keras would take apart and track a structure.
        self._filled = lambda tensors: step.fill({w: tensors[p] for w, p in places.items()})
        self.wires = lambda: list(places)
        self.supports_masking = True
        self.built = True

    def call(self, tensors, training=None):
        """Calls it; `training` rules over what was baked in, as in any functional model."""
        args, kwargs = self._filled(tensors)
        if training is not None and isinstance(self.operation, keras.layers.Layer):
            kwargs = {**kwargs, "training": training}
        return self.operation(*args, **kwargs)

    def compute_output_spec(self, tensors, training=None):
        """What the operation declares."""
        args, kwargs = self._filled(tensors)
        return self.operation.compute_output_spec(*args, **kwargs)

    def compute_mask(self, inputs, mask=None):
        """None: the operation itself has set the masks that there are."""
        return None


def function_of(operation):
    """The graph that a model is made of; None for a layer, or a model with a `call` of its own."""
    call = getattr(operation.call, "__func__", None)
    plain = type(operation).__call__ in (keras.layers.Layer.__call__, Operation.__call__)
    if not plain or getattr(operation, "_remat_mode", None):
        return None
    if call is keras.Sequential.call:
        return operation._functional
    return operation if call in (Functional.call, Function.call) else None


def check_functional(model):
    """Raises TypeError unless the graph of a model can be walked."""
    if not isinstance(model, keras.Model) or function_of(model) is None:
        raise argument_error(
            "Only the graph of a functional model can be split",
            "a functional keras.Model without a call of its own, or a Sequential that is built",
            "Build it by keras.Model(inputs, outputs).",
            TypeError,
            model=model,
        )


def input_like(tensor):
    """A new `keras.Input` like an input of a model."""
    layer = tensor._keras_history.operation
    return keras.Input(
        batch_shape=tensor.shape,
        dtype=tensor.dtype,
        sparse=tensor.sparse,
        ragged=getattr(tensor, "ragged", False),
        name=tensor.name,
        optional=getattr(layer, "optional", False),
    )


class Visitor:
    """Is shown the calls of a model while they are listed."""

    def keep(self, step):
        """Whether a call of a nested model stays one call."""
        return False

    def see(self, step):
        """Is told of every call, in order."""


def walk(model, visitor=None):
    """Lists the calls of a functional model.

    Args:
        model: functional `keras.Model`, or a `Sequential` that is built.
        visitor: `Visitor`; without one, every nested model is opened.

    Returns:
        `Graph`.

    Raises:
        TypeError: for any other model.
    """
    check_functional(model)
    function = function_of(model)
    inputs = [Wire(tensor, source) for source, tensor in enumerate(function.inputs)]
    walker = _Walker(visitor or Visitor())
    outputs = walker.open(model, function, inputs, None, ())
    outputs = tree.pack_sequence_as(function._outputs_struct, outputs)
    return Graph(inputs, walker.steps, outputs)


class _Walker:
    def __init__(self, visitor):
        self.visitor, self.steps = visitor, []

    def list(self, step):
        """Adds a call that stays one."""
        self.steps.append(step)
        self.visitor.see(step)
        return step.outputs

    def open(self, model, function, wires, training, path):
        """Lists the calls of one model, given the wires of its inputs; returns its outputs'."""
        values = {}
        for tensor, wire in zip(function.inputs, wires, strict=True):
            values[id(tensor)] = self._converted(model, tensor, wire, path)
        for depth in sorted(function._nodes_by_depth, reverse=True):
            for node in function._nodes_by_depth[depth]:
                if not node.is_input and all(id(x) in values for x in node.input_tensors):
                    self._node(node, values, training, path)
        return [values[id(tensor)] for tensor in function.outputs]

    def _node(self, node, values, training, path):
        args, kwargs = node.arguments.fill_in(values)
        if training is not None and isinstance(node.operation, keras.layers.Layer):
            kwargs = {**kwargs, "training": training}
        wires = [Wire(tensor) for tensor in node.outputs]
        step = _unwrapped(Step(node.operation, args, kwargs, wires, path))
        values.update({id(x): wire for x, wire in zip(node.outputs, self._add(step), strict=True)})

    def _add(self, step):
        function = function_of(step.operation)
        arguments = function and _arguments(function, step)
        if not arguments or self.visitor.keep(step):
            return self.list(step)
        wires, masks = arguments
        wires = [
            wire if mask is None else self._derived(AttachMask(), [wire, mask], wire.spec, step)
            for wire, mask in zip(wires, masks, strict=True)
        ]
        path = (*step.path, step.operation)
        return self.open(step.operation, function, wires, step.kwargs.get("training"), path)

    def _derived(self, operation, argument, spec, step):
        (wire,) = self.list(Step(operation, (argument,), {}, [Wire(spec)], step.path))
        return wire

    def _converted(self, model, tensor, wire, path):
        """Models convert what they are given: a Sequential to its own dtype, then to its input's.

        A nested model whose input changes its dtype is opened only on inputs of the whole model.
        """
        dtypes = [tensor.dtype]
        floats = keras.backend.is_float_dtype(wire.spec.dtype)
        if isinstance(model, keras.Sequential) and model.autocast and floats:
            dtypes = [model.input_dtype, tensor.dtype]
        for dtype in dtypes:
            if wire.spec.dtype != dtype:
                spec = keras.KerasTensor(wire.spec.shape, dtype)
                (wire,) = self.list(Step(Cast(dtype), (wire,), {}, [Wire(spec)], path))
        return wire


def _unwrapped(step):
    """The step that a `Call` stands for."""
    if not isinstance(step.operation, Call):
        return step
    call, (tensors,) = step.operation, step.args
    args, kwargs = call._filled(tensors)
    if step.kwargs.get("training") is not None and isinstance(call.operation, keras.layers.Layer):
        kwargs = {**kwargs, "training": step.kwargs["training"]}
    return Step(call.operation, args, kwargs, step.outputs, step.path)


def _arguments(function, step):
    """The wires of a nested model's inputs and of their masks, or None where it stays closed."""
    kwargs = {key: value for key, value in step.kwargs.items() if value is not None}
    masks, training = kwargs.pop("mask", None), kwargs.pop("training", None)
    if kwargs or len(step.args) != 1 or not isinstance(training, (bool, type(None))):
        return None
    wires = _in_order(function._inputs_struct, step.args[0])
    if wires is None or not all(map(_fits, wires, function.inputs)):
        return None
    masks = [None] * len(wires) if masks is None else tree.flatten(masks)
    return (wires, masks) if len(masks) == len(wires) else None


def _in_order(struct, given):
    if isinstance(given, dict) and not isinstance(struct, dict):
        names = [getattr(tensor, "name", None) for tensor in tree.flatten(struct)]
        return [given[name] for name in names] if set(names) <= set(given) else None
    if isinstance(given, dict) and set(given) != set(struct):
        return None
    flat = tree.flatten(given)
    return flat if len(flat) == len(tree.flatten(struct)) else None


def _fits(wire, tensor):
    if not isinstance(wire, Wire) or len(wire.spec.shape) != len(tensor.shape):
        return False
    return wire.source is not None or wire.spec.dtype == tensor.dtype


def reach(steps, wires):
    """The calls, in order, that some wires depend on: a dict of `{Step: None}`."""
    needed, reached = set(wires), {}
    for step in reversed(steps):
        if not needed.isdisjoint(step.outputs):
            reached[step] = None
            needed.update(step.inputs)
    return dict(reversed(reached.items()))


def run(steps, values, names):
    """Calls operations anew, on symbolic tensors.

    Args:
        steps: list of `Step`, in order.
        values: dict of `{Wire: KerasTensor}`, to which all that they give is added.
        names: the names that inputs have taken; an operation of such a name, or of that of
            another operation, gets a new one, since those of a functional model must differ.
    """
    taken = dict.fromkeys(names)
    for step in steps:
        operation, (args, kwargs) = step.operation, step.fill(values)
        if taken.setdefault(operation.name, operation) is not operation:
            operation = Call(step, _free_name(operation.name, taken))
            taken[operation.name] = operation
            args, kwargs = ([values[wire] for wire in operation.wires()],), {}
        outputs = tree.flatten(operation(*args, **kwargs))
        for wire, tensor in zip(step.outputs, outputs, strict=True):
            values.setdefault(wire, tensor)


def _free_name(name, taken):
    return next(
        free for free in (f"{name}_again_{i}" for i in range(len(taken) + 1)) if free not in taken
    )
