"""A model cut where explanations begin: at the grid of a picture, behind the words of a text."""

import dataclasses

import keras
from keras import tree

from fusionkeras._checks import argument_error
from fusionkeras.explanation.scores import EXACT, Logits
from fusionkeras.explanation.shapley import MOST_BRANCHES
from fusionkeras.fusion import Fusion
from fusionkeras.heads import Calibration, Head, heads_of
from fusionkeras.models.attention import Attention
from fusionkeras.models.parts import is_encoder
from fusionkeras.training.frozen.graph import Visitor, reach, run, walk


@dataclasses.dataclass(frozen=True)
class Encoder:
    """The encoder of one branch, in two parts that share its weights.

    Attributes:
        name: str, the name of the branch.
        inputs: list of str, the names of the model's inputs that it reads.
        kind: "grid" for a picture, whose `sequence_output` are the cells of a grid; "tokens" for
            a text, whose ids become vectors; None for any other, which is not looked into.
        front: from the inputs to the cut, a grid `(batch, height, width, channels)` or the vectors
            of tokens `(batch, time, dim)`; None without a cut.
        back: from a list of the cut and the inputs to all features, `{key: tensor}`; without a cut
            from the inputs alone.
    """

    name: str
    inputs: list
    kind: str | None
    front: keras.Model | None
    back: keras.Model

    def encode(self, tensors):
        """`(cut, features)` of the model's inputs, `{name: tensor}`; the cut may be None."""
        own = [tensors[name] for name in self.inputs]
        if self.front is None:
            return None, self.back(own, training=False)
        cut = self.front(own, training=False)
        return cut, self.back([cut, *own], training=False)


@dataclasses.dataclass(frozen=True)
class Pieces:
    """A model, cut.

    Attributes:
        encoders: dict of `{branch: Encoder}`.
        heads: dict of `{name: Head}`; a single head is "".
        exact: set of str, the heads of which `rest` gives logits, not answers.
        reads: list of `(branch, key)`, the features that `rest` reads.
        rest: from a list of those features to `{head: tensor}`.
        attention: from the same to `{name: weights}`; None where the fusion does not attend.
    """

    encoders: dict
    heads: dict
    exact: set
    reads: list
    rest: keras.Model
    attention: keras.Model | None

    def read(self, features):
        """The list that `rest` takes, of `{branch: {key: tensor}}`."""
        return [features[name][key] for name, key in self.reads]


class _KeepModels(Visitor):
    """Leaves nested models whole."""

    def keep(self, step):
        return True


class _KeepEncoders(Visitor):
    """Leaves the encoders of branches whole."""

    def keep(self, step):
        return is_encoder(step.operation)


def cut_model(model):
    """Cuts a model into encoders and the rest; all parts share its layers.

    Args:
        model: a model of `build_model`.

    Returns:
        `Pieces`.

    Raises:
        ValueError: when it has no encoders of branches, or reads something else beside them.
    """
    graph = walk(model, _KeepEncoders())
    steps = [step for step in graph.steps if is_encoder(step.operation)]
    wires = {}
    for step in steps:
        features = tree.pack_sequence_as(step.operation.output, step.outputs)
        name = step.operation.name.removesuffix("_encoder")
        wires |= {(name, key): wire for key, wire in features.items()}
    after = reach([step for step in graph.steps if step not in steps], tree.flatten(graph.outputs))
    _check_read(model, graph, steps, after)
    read = {wire for step in after for wire in step.inputs}
    reads = [place for place, wire in wires.items() if wire in read]
    encoders = {own.name: own for own in map(_cut_encoder, steps)}
    heads = heads_of(model)
    read = {place: wires[place] for place in reads}
    exact, rest, attention = _rest(graph, heads, list(after), read)
    return Pieces(encoders, heads, exact, reads, rest, attention)


def can_explain(model):
    """Whether a model is one of branches, alone and not too many."""
    encoders = [layer for layer in model.layers if is_encoder(layer)]
    read = {x.name for encoder in encoders for x in encoder.inputs}
    return 0 < len(encoders) <= MOST_BRANCHES and {x.name for x in model.inputs} <= read


def _check_read(model, graph, steps, after):
    read = {wire for step in after for wire in step.inputs}
    others = [wire.spec.name for wire in graph.inputs if wire in read]
    if not steps or others:
        raise argument_error(
            f"No branch reads the input {others[0]!r}" if steps else "The model has no branches",
            "a model of build_model or build_classifier, of branches alone",
            model=model,
        )


def _rest(graph, heads, steps, wires):
    """The model behind the encoders, as `Pieces` has it: `(exact, rest, attention)`."""
    values = {
        wire: keras.Input(batch_shape=wire.spec.shape, dtype=wire.spec.dtype, name="_".join(place))
        for place, wire in wires.items()
    }
    inputs = list(values.values())
    run(steps, values, [tensor.name for tensor in inputs])
    makers = {wire: step for step in steps for wire in step.outputs}
    scores, exact = {}, set()
    for name, head in heads.items():
        wire = graph.outputs[name] if name else tree.flatten(graph.outputs)[0]
        maker, calibration, scores[name] = makers[wire].operation, None, values[wire]
        if isinstance(maker, Calibration) and maker.exclusive == head.exclusive:
            calibration, (wire,) = maker, makers[wire].inputs
            maker = makers[wire].operation
        if isinstance(maker, Head) and head.task in EXACT:
            exact.add(name)
            (x,) = makers[wire].inputs
            scores[name] = Logits(maker, calibration, name=f"{maker.name}_logits")(values[x])
    weights = _attention(steps, values)
    attention = keras.Model(inputs, weights, name="attention") if weights else None
    return exact, keras.Model(inputs, scores, name="rest"), attention


def _attention(steps, values):
    """What the one fusion attends to; nothing where it does not attend."""
    fusions = [step for step in steps if isinstance(step.operation, Fusion)]
    if len(fusions) != 1:
        return {}
    (args, _) = fusions[0].fill(values)
    try:
        return Attention(fusions[0].operation, name="attention")(*args)
    except ValueError:  # it says so
        return {}


def _cut_encoder(step):
    encoder = step.operation
    name, inputs = encoder.name.removesuffix("_encoder"), [x.spec.name for x in step.inputs]
    for kind, visitor, find in (("grid", _KeepModels(), _grid), ("tokens", Visitor(), _tokens)):
        graph = walk(encoder, visitor)
        cut = find(graph)
        if cut is not None:
            front = _front(graph, cut)
            return Encoder(name, inputs, kind, front, _back(graph, cut, front.output))
    own = [keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name) for x in encoder.inputs]
    features = encoder(own if len(own) > 1 else own[0])
    return Encoder(name, inputs, None, None, keras.Model(own, features, name=f"{name}_back"))


def _grid(graph):
    """The grid `(batch, height, width, channels)` whose cells are the sequence, or None."""
    cells = graph.outputs.get("sequence_output")
    for step in graph.steps:
        if cells in step.outputs and isinstance(step.operation, keras.layers.Reshape):
            (wire,) = step.inputs
            return wire if len(wire.spec.shape) == 4 else None
    return None


def _tokens(graph):
    """The vectors `(batch, time, dim)` of the ids that are the only input, or None."""
    steps = [
        step
        for step in graph.steps
        if isinstance(step.operation, keras.layers.Embedding)
        and len(step.outputs[0].spec.shape) == 3
    ]
    if len(graph.inputs) != 1 or not steps:
        return None
    # BERT has another one for its two segments.
    return max(steps, key=lambda step: step.operation.input_dim).outputs[0]


def _front(graph, cut):
    inputs, values = _inputs(graph)
    run(list(reach(graph.steps, [cut])), values, [tensor.name for tensor in inputs])
    return keras.Model(inputs, values[cut], name="front")


def _back(graph, cut, like):
    inputs, values = _inputs(graph)
    given = keras.Input(batch_shape=like.shape, dtype=like.dtype, name="cut")
    values[cut] = given
    steps = [step for step in graph.steps if cut not in step.outputs]
    steps = list(reach(steps, tree.flatten(graph.outputs)))
    run(steps, values, ["cut", *(tensor.name for tensor in inputs)])
    outputs = {key: values[wire] for key, wire in graph.outputs.items()}
    return keras.Model([given, *inputs], outputs, name="back")


def _inputs(graph):
    specs = [wire.spec for wire in graph.inputs]
    inputs = [keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name) for x in specs]
    return inputs, dict(zip(graph.inputs, inputs, strict=True))
