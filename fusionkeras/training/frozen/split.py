"""Cuts a model along the frontier between what is frozen and what learns."""

import collections
import dataclasses
import warnings

import keras
from keras import tree

from fusionkeras.training.frozen.frontier import Frontier
from fusionkeras.training.frozen.graph import (
    check_functional,
    function_of,
    input_like,
    reach,
    run,
    walk,
)
from fusionkeras.training.frozen.masks import AttachMask, Beside, ReadMask
from fusionkeras.training.frozen.tracing import losses_kept


@dataclasses.dataclass(frozen=True)
class Group:
    """The frozen part of a model that depends on the same inputs: the unit of the cache.

    Attributes:
        inputs: tuple of str, the names of these inputs.
        extractor: functional `keras.Model` from a list of them to `{feature name: (batch, ...)}`.
    """

    inputs: tuple
    extractor: keras.Model


@dataclasses.dataclass(frozen=True)
class Cut:
    """A model in two parts.

    Attributes:
        groups: tuple of `Group`.
        raw: tuple of str, the inputs of the model that the learner reads as they are.
        learner: functional `keras.Model` from a list of named features and raw inputs to the
            outputs of the model.
        extractor: functional `keras.Model` from the inputs of the model to `{name: tensor}`, all
            that the learner takes.
        reasons: tuple of str, for each layer with frozen weights that the learner has to run: why.
    """

    groups: tuple
    raw: tuple
    learner: keras.Model
    extractor: keras.Model
    reasons: tuple

    @property
    def worthwhile(self):
        """Whether there is anything that need be computed only once."""
        return bool(self.groups)


def split_frozen(model):
    """Cuts a model in two: what is frozen and deterministic, and what learns.

    `learner(extractor(x))` is `model(x)`. Both share the layers of the model, so training the
    learner trains the model. What is random in training, keeps statistics of its batches or adds
    a loss is never put on the frozen side, nor is anything behind it; neither is what holds no
    weights to multiply with and can be had at no price.

    Args:
        model: functional `keras.Model` of any inputs and outputs, nested models included, or a
            `keras.Sequential` that is built.

    Returns:
        `(extractor, learner)`, functional models: from the inputs of the model to a dict of
        features and of those inputs that the learner reads itself, and from such a dict to the
        outputs of the model. Where nothing is frozen, the extractor hands the inputs through;
        where everything is, the learner hands the features through.

    Raises:
        TypeError: for a model that is not functional, or has a `call` of its own.

    Example:
        >>> import fusionkeras as fk
        >>> picture = fk.image_branch("mobilenet_v2", weights=None, image_size=(32, 32))
        >>> text = fk.lstm_branch(["red", "circle"], sequence_length=4)
        >>> extractor, learner = split_frozen(fk.build_classifier([picture, text]))
        >>> for name, tensor in extractor.output.items():
        ...     print(name, tensor.shape)
        image_feature_0 (None, 1280)
        image_feature_1 (None,)
        text_token_ids (None, 4)
        >>> learner.output_shape
        (None, 1)
    """
    parts = cut(model)
    return parts.extractor, parts.learner


def cut(model, keep_random=False):
    """Cuts a model in two, as `split_frozen` does, and tells more about it.

    Args:
        model: as in `split_frozen`.
        keep_random: bool, whether frozen layers that draw in training, such as augmentation, are
            put on the frozen side: each run of the extractor with `training=True` then gives
            another view.

    Returns:
        `Cut`.

    Raises:
        TypeError: as `split_frozen`.
    """
    check_functional(model)
    with warnings.catch_warnings(), losses_kept(model):
        # Of the model itself Keras has warned already.
        warnings.filterwarnings("ignore", message=".*was passed an input with a mask attached")
        warnings.filterwarnings("ignore", message="When providing `inputs` as a dict")
        return _Cutter(model, keep_random).cut()


def rerun(model, inputs):
    """Calls all layers of a functional model anew, nested models opened.

    Unlike `model(inputs)`, this lets the sizes of the inputs differ from those that the model was
    built for, as far as its layers do.

    Args:
        model: as in `split_frozen`.
        inputs: list of `KerasTensor`, in the order of `model.inputs`.

    Returns:
        The outputs, in the structure of the model's; `keras.Model(inputs, outputs)` can be built.

    Raises:
        TypeError: as `split_frozen`.
        Exception: of any type, what Keras raises where an operation does not fit the sizes.

    Example:
        >>> x = keras.Input((8,))
        >>> model = keras.Model(x, x[:, ::-1] * 2)
        >>> rerun(model, [keras.Input((None,))]).shape
        (None, None)
    """
    graph = walk(model)
    values = dict(zip(graph.inputs, inputs, strict=True))
    with losses_kept(model):
        run(graph.steps, values, [tensor.name for tensor in inputs])
    return tree.map_structure(values.get, graph.outputs)


class _Cutter:
    def __init__(self, model, keep_random):
        self.model, self.function = model, function_of(model)
        self.frontier = Frontier(model, keep_random)
        self.graph = walk(model, self.frontier)
        self.names = [tensor.name for tensor in self.function.inputs]

    def cut(self):
        learning, needed = self._learning()
        wires = dict.fromkeys(wire for step in self.graph.steps for wire in step.outputs)
        features = [wire for wire in wires if wire in needed and self.frontier.is_extracted(wire)]
        inputs = [input_like(tensor) for tensor in self.function.inputs]
        named = self._extract(features, inputs)
        raw = [name for name, w in zip(self.names, self.graph.inputs, strict=True) if w in needed]
        by_name = dict(zip(self.names, inputs, strict=True))
        tensors = {name: tensor for own in named.values() for name, tensor in own.items()}
        tensors |= {name: by_name[name] for name in raw}
        return Cut(
            tuple(self._group(sources, inputs, named[sources]) for sources in named),
            tuple(raw),
            self._learner(learning, tensors, raw),
            self._model(self._inputs(inputs), tensors, "extractor"),
            tuple(self.frontier.reasons(learning)),
        )

    def _learning(self):
        """The calls that the learner makes, and the wires that it needs for them."""
        needed = dict.fromkeys(tree.flatten(self.graph.outputs))
        # A nested model makes all of its calls, also where what comes out of some is not used.
        live = reach(self.graph.steps, needed)
        dead = [step for step in self.graph.steps if step not in live]
        self.effects = [step.outputs[0] for step in dead if self.frontier.has_effects(step)]
        needed.update(dict.fromkeys(self.effects))
        steps = []
        for step in reversed(self.graph.steps):
            if any(w in needed and not self.frontier.is_extracted(w) for w in step.outputs):
                steps.append(step)
                needed.update(dict.fromkeys(step.inputs))
        return steps[::-1], needed

    def _extract(self, features, inputs):
        """Runs the frozen side: `{group: {feature name: tensor}}`, and remembers the wires."""
        values = dict(zip(self.graph.inputs, inputs, strict=True))
        run(list(reach(self.graph.steps, features)), values, self.names)
        groups = collections.defaultdict(list)
        for wire in features:
            groups[self.frontier.fact(wire).sources].append(wire)
        self.feature_names = self._feature_names(groups)
        return {sources: self._named(groups[sources], values) for sources in sorted(groups)}

    def _named(self, wires, values):
        tensors = {}
        for wire in wires:
            name = self.feature_names[wire]
            tensors[name] = values[wire]
            mask = self.frontier.fact(wire).mask
            if mask is not None:  # a copy carries none, of which Keras would warn
                tensors[name] = keras.ops.copy(values[wire])
                tensors[f"{name}_mask"] = ReadMask(mask.shape[1:], mask.dtype)(values[wire])
        return tensors

    def _feature_names(self, groups):
        """Names that depend on the group alone, as far as no other has them."""
        taken, names = set(self.names), {}
        for sources in sorted(groups):
            stem = "_".join(self.names[source] for source in sources) + "_feature"
            own = [f"{stem}_{place}" for place in range(len(groups[sources]))]
            while taken & {form for name in own for form in (name, f"{name}_mask")}:
                own = [f"{name}_" for name in own]
            taken |= {form for name in own for form in (name, f"{name}_mask")}
            names |= dict(zip(groups[sources], own, strict=True))
        return names

    def _group(self, sources, inputs, tensors):
        names = tuple(self.names[source] for source in sources)
        own = [inputs[source] for source in sources]
        return Group(names, self._model(own, tensors, "_".join([*names, "extractor"])))

    def _learner(self, steps, tensors, raw):
        inputs, values = {}, {}
        for wire, name in self.feature_names.items():
            inputs[name] = values[wire] = self._feature_input(name, self.frontier.fact(wire).spec)
            mask = self.frontier.fact(wire).mask
            if mask is not None:
                inputs[f"{name}_mask"] = self._feature_input(f"{name}_mask", mask)
                values[wire] = AttachMask()([inputs[name], inputs[f"{name}_mask"]])
        for wire, tensor in zip(self.graph.inputs, self.function.inputs, strict=True):
            if tensor.name in raw:
                inputs[tensor.name] = values[wire] = input_like(tensor)
        run(steps, values, list(inputs))
        outputs = tree.map_structure(values.get, self.graph.outputs)
        if self.effects:
            first, *others = tree.flatten(outputs)
            first = Beside()([first, *(values[wire] for wire in self.effects)])
            outputs = tree.pack_sequence_as(outputs, [first, *others])
        learner = self._model([inputs[name] for name in tensors], outputs, "learner")
        self._adopt(learner)
        return learner

    def _feature_input(self, name, spec):
        batch = self.function.inputs[0].shape[0]
        return keras.Input(batch_shape=(batch, *spec.shape[1:]), dtype=spec.dtype, name=name)

    def _adopt(self, learner):
        """What makes the learner the model in the eyes of `compile` and `fit`."""
        learner.output_names = list(self.function.output_names)
        if not self.model.trainable:
            learner._trainable = False  # the setter would also freeze the shared layers
            return
        have = {id(variable) for variable in learner.variables}
        for layer in self.model._flatten_layers(include_self=False):
            if any(v.trainable and id(v) not in have for v in layer._trainable_variables):
                learner._tracker.track(layer)  # learns, though the outputs do not depend on it
                have |= {id(variable) for variable in layer.variables}

    def _model(self, inputs, outputs, ending):
        model = keras.Model(inputs, outputs, name=f"{self.model.name}_{ending}")
        model._dtype_policy = self.model.dtype_policy
        return model

    def _inputs(self, tensors):
        return tree.pack_sequence_as(self.function._inputs_struct, tensors)
