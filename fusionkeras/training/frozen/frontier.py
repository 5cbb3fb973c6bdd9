"""The frontier between what is frozen and what learns, in the graph of a model."""

import dataclasses

import keras
from keras import tree

from fusionkeras.training.frozen.graph import Visitor
from fusionkeras.training.frozen.tracing import canonical, is_known, layers_of, side_effects, trace

# Stands for the size of a batch, to tell it from all other sizes.
BATCH = 97
SAYS = {
    "loss": "adds a loss",
    "draw": "draws anew in training",
    "state": "changes its state in training",
    "python": "calls Python code, which may do anything",
}


@dataclasses.dataclass(frozen=True)
class Culprit:
    """Why a call cannot be put on the frozen side: the call at fault, and what it does."""

    step: object
    does: str


@dataclasses.dataclass(frozen=True)
class Fact:
    """What is known of a wire.

    Attributes:
        sources: tuple of int, the inputs of the model that it depends on, in order.
        culprit: `Culprit`, why it is not frozen; or None.
        spec: `KerasTensor`, what a frozen one really is, in a batch of `BATCH`.
        mask: `KerasTensor`, likewise, the mask that Keras hands on beside it; or None.
    """

    sources: tuple
    culprit: Culprit | None = None
    spec: keras.KerasTensor | None = None
    mask: keras.KerasTensor | None = None


class Frontier(Visitor):
    """Judges the calls of a model, in order.

    A call is frozen where its inputs are, none of its weights learns and it does the same in
    training: it draws nothing, changes no state and adds no loss. That is not believed of any
    class but tried, by tracing.

    Args:
        model: functional `keras.Model`.
        keep_random: bool, whether a call that draws in training may count as frozen.
    """

    def __init__(self, model, keep_random=False):
        self.learning = {id(variable) for variable in model.trainable_variables}
        self.keep_random = keep_random
        self.facts = {}
        self._worthy, self._judged, self._batches = set(), {}, {}

    def keep(self, step):
        """Whether a nested model stays one call, since opening it would bring nothing."""
        if all(self.fact(wire).culprit for wire in step.inputs):
            return True
        if not self._frozen_weights(step.operation):
            return True
        if self._learns(step.operation) or len(tree.flatten(step.args)) > 1:
            return False
        self._judged[step] = self._judge(step)
        return self._judged[step][0].culprit is None

    def see(self, step):
        """Judges a call."""
        facts = self._judged.pop(step, None) or self._judge(step)
        self.facts.update(zip(step.outputs, facts, strict=True))

    def fact(self, wire):
        """What is known of a wire."""
        if wire.source is not None and wire not in self.facts:
            x = wire.spec
            shape = (x.shape[0] or BATCH, *x.shape[1:]) if x.shape else x.shape
            spec = keras.KerasTensor(shape, x.dtype, sparse=x.sparse, name=x.name)
            self.facts[wire] = Fact((wire.source,), spec=spec)
            self._batches[wire.source] = shape[0] if shape else None
        return self.facts[wire]

    def is_extracted(self, wire):
        """Whether a wire is had from an extractor; one without a row for each row never is."""
        fact = self.fact(wire)
        if fact.culprit or wire.source is not None or fact.sources not in self._worthy:
            return False
        batch = self._batches[fact.sources[0]]
        return all(
            x is None or (not x.sparse and x.shape[:1] == (batch,)) for x in (fact.spec, fact.mask)
        )

    def has_effects(self, step):
        """Whether a call may change or lose something though nobody uses what it gives."""
        culprit = self.fact(step.outputs[0]).culprit
        return culprit is not None and culprit.step is step and culprit.does != SAYS["draw"]

    def reasons(self, steps):
        """For the frozen layers with weights among some calls, why the learner makes these."""
        sentences = [self._reason(step) for step in steps if self._frozen_weights(step.operation)]
        return list(dict.fromkeys(sentence for sentence in sentences if sentence))

    def _judge(self, step):
        known = [self.fact(wire) for wire in step.inputs]
        sources = tuple(sorted({source for fact in known for source in fact.sources}))
        culprits = [fact.culprit for fact in known if fact.culprit]
        if self._learns(step.operation):
            culprits = [Culprit(step, "learns")]
        if not culprits:
            facts = self._try(step, sources)
            culprits = [fact.culprit for fact in facts if fact.culprit]
        if culprits:
            return [Fact(sources, culprits[0])] * len(step.outputs)
        return facts

    def _try(self, step, sources):
        specs = {wire: self.fact(wire).spec for wire in step.inputs}
        masks = {wire: self.fact(wire).mask for wire in step.inputs}
        masks = {wire: mask for wire, mask in masks.items() if mask is not None}
        try:
            traced = trace(step, specs, masks, training=True)
            does = self._misdeed(traced) or self._unlike_inference(step, specs, masks, traced)
        except Exception as error:  # whatever a layer raises, it is not put on the frozen side
            return [Fact(sources, Culprit(step, f"cannot be traced ({type(error).__name__})"))]
        if does:
            return [Fact(sources, Culprit(step, does))]
        if self._are_heavy(traced.read, step.operation):
            self._worthy.add(sources)
        outputs = zip(traced.outputs, traced.masks, strict=True)
        return [Fact(sources, spec=spec, mask=mask) for spec, mask in outputs]

    def _misdeed(self, traced):
        if any(id(variable) in self.learning for variable in traced.read):
            return "learns"
        done = side_effects(traced) - ({"draw"} if self.keep_random else set())
        return next((says for what, says in SAYS.items() if what in done), None)

    def _unlike_inference(self, step, specs, masks, traced):
        """What code that we do not know computes in training, as far as it is not the same."""
        if is_known(step.operation) or traced.graph is None or "draw" in side_effects(traced):
            return None
        other = trace(step, specs, masks, training=False)
        same = canonical(traced, _told_apart) == canonical(other, _told_apart)
        return None if same else "computes something else in training"

    def _learns(self, operation):
        return any(id(variable) in self.learning for variable in _variables(operation))

    def _frozen_weights(self, operation):
        frozen = [v for v in _variables(operation) if id(v) not in self.learning]
        return self._are_heavy(frozen, operation)

    def _are_heavy(self, variables, operation):
        """Whether there is anything to multiply with: tables to look up in cost nothing."""
        tables = {
            id(variable)
            for layer in layers_of(operation)
            if "Embedding" in type(layer).__name__
            for variable in layer.variables
        }
        return any(len(v.shape) > 1 and id(v) not in tables for v in variables)

    def _reason(self, step):
        owners = (*step.path, step.operation)
        owner = next((own for own in owners if not self._learns(own)), None)
        if owner is None:
            return None
        frozen = f"{owner.name!r} is frozen, but"
        culprit = self.fact(step.outputs[0]).culprit
        if culprit is None:
            return f"{frozen} does not give a row for each row"
        if culprit.step is step or culprit.step.operation is owner:
            return f"{frozen} {culprit.does}"
        name = repr(culprit.step.operation.name)
        if owner in culprit.step.path:
            return f"{frozen} {name} inside it {culprit.does}"
        if culprit.does == "learns":
            return f"{frozen} lies behind {name}, which learns"
        return f"{frozen} {name} ahead of it {culprit.does}"


def _variables(operation):
    return [v for layer in layers_of(operation)[:1] for v in layer.variables] + [
        v
        for own in getattr(operation, "_operations", ())
        if not isinstance(operation, keras.layers.Layer)
        for v in _variables(own)
    ]


def _told_apart(tensor):
    """A tensor from outside of a graph: a variable by what it is, anything else by its value."""
    return str(id(tensor)).encode() if tensor.dtype == "resource" else tensor.numpy().tobytes()
