"""What an exported model can be asked: functions over the layers of the end-to-end model."""

import keras
import tensorflow as tf
from keras import tree

from fusionkeras.models.parts import is_encoder


def whole(parts):
    """The model with more outputs: all that a signature tells, over the same layers.

    Args:
        parts: `Parts`.

    Returns:
        A functional `keras.Model` of the inputs of the model, with the outputs `scores`, what the
        model gives; `used`, `{"<branch>_used": (batch,)}`; and `embed`, `{branch: (batch, dim)}`
        with `fused`. The latter two are empty for a model without encoders of fusionkeras.
    """
    encoded, fused = _encoded(parts.model), _fused(parts.model)
    embed = {name: own["pooled_output"] for name, own in encoded.items()}
    if embed and fused is not None:
        embed["fused"] = fused
    used = {f"{name}_used": own["present"] for name, own in encoded.items()}
    outputs = {"scores": parts.model.output, "used": used, "embed": embed}
    return keras.Model(parts.model.inputs, outputs, name=parts.model.name)


def answering(parts, part):
    """What `serving_default` computes, in one pass.

    Args:
        parts: `Parts`.
        part: a function from names of outputs of `whole(parts)` to what computes them, such as
            `in_full` gives.

    Returns:
        A function from `{column: string tensor (batch,)}` to what `end_to_end` says, and for each
        branch `<branch>_used`, bool `(batch,)`. A model of one's own without encoders of
        fusionkeras does not tell what it used.
    """
    traced = part("scores", "used")

    def answer(columns):
        found = traced(parts.preprocessor(columns), training=False)
        answers = {name: tf.cast(there, tf.bool) for name, there in found["used"].items()}
        for layer in parts.answers:
            answers |= layer(found["scores"][layer.head] if layer.head else found["scores"])
        return answers

    return for_any_batch(answer)


def embedding(parts, part):
    """What `embed` computes: the model up to its fusion, and no head.

    Args:
        parts: `Parts`.
        part: a function from names of outputs of `whole(parts)` to what computes them, such as
            `in_full` gives.

    Returns:
        A function from `{column: string tensor (batch,)}` to float32 tensors `(batch, dim)`: for
        each branch, by its name, what its encoder pooled, and `fused`, what the fusion made of
        them (none where the branches decide by themselves, as with `Late`). None for a model
        without encoders of fusionkeras.
    """
    if not _encoded(parts.model):
        return None
    traced = part("embed")

    def embed(columns):
        found = traced(parts.preprocessor(columns), training=False)["embed"]
        return {name: tf.cast(vector, tf.float32) for name, vector in found.items()}

    return for_any_batch(embed)


def for_any_batch(function):
    """Lets a function answer a batch of no rows, too, which a strided convolution refuses.

    It then gets one row of which everything is absent, and what it says of it is cut off.
    """

    def answer(columns):
        rows = tf.shape(next(iter(columns.values())))[0]
        filled = {
            name: tf.cond(rows > 0, lambda column=column: column, lambda: tf.constant([""]))
            for name, column in columns.items()
        }
        return {key: tensor[:rows] for key, tensor in function(filled).items()}

    return answer


def _calls(model):
    """The calls that a functional model is made of, the last ones first."""
    return [call for _, depth in sorted(model._nodes_by_depth.items()) for call in depth]


def _encoded(model):
    """The features of each branch within a model, `{branch: {"pooled_output": ...}}`."""
    return {
        call.operation.name.removesuffix("_encoder"): tree.pack_sequence_as(
            call.operation.output, call.outputs
        )
        for call in reversed(_calls(model))
        if is_encoder(call.operation)
    }


def _fused(model):
    """The one vector that a layer makes of `{branch: features}`; None where there is none."""
    for call in _calls(model):
        features = call.arguments.args[0] if call.arguments.args else None
        several = isinstance(features, dict) and all(map(_is_features, features.values()))
        if several and len(call.outputs) == 1 and len(call.outputs[0].shape) == 2:
            return call.outputs[0]
    return None


def _is_features(value):
    return isinstance(value, dict) and "present" in value
