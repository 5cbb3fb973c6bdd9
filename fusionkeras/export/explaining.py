"""What `explain` computes: where an answer comes from, as a signature."""

import tensorflow as tf

from fusionkeras.explanation import Explainer
from fusionkeras.explanation.pieces import can_explain
from fusionkeras.export.signatures import for_any_batch


def explaining(parts):
    """What `explain` computes: the usual explanation of each answer.

    Args:
        parts: `Parts`.

    Returns:
        A function from `{column: string tensor (batch,)}` to float32 tensors: for a picture
        `<branch>_heat` `(batch, height, width)`; for a text `<branch>_weights` `(batch, time)`,
        both by integrated gradients, and `<branch>_tokens`, its words, string, "" behind the last;
        for each branch `<branch>_shapley` `(batch,)`; `score` and `baseline`,
        `(batch,)`; and `explained`, string `(batch,)`, the class, but for regression. For several
        heads all keys but those of the tokens begin with `<head>_`. None for a model that cannot
        be explained.
    """
    if not can_explain(parts.model):
        return None
    explainer = Explainer(parts.model, parts.preprocessor)

    def explain(columns):
        tensors = parts.preprocessor(columns)
        words = explainer.words(columns, tensors)
        answers = {layer.head: -1 for layer in parts.answers}
        found = explainer(tensors, explainer.encode(tensors), words, answers)
        told = {}
        for layer in parts.answers:
            told |= _named(layer, found[layer.head])
        return told

    # To convert it would take a fourth of the time that it takes to trace it.
    return tf.autograph.experimental.do_not_convert(for_any_batch(explain))


def _named(layer, found):
    """What is said of one head, with the name of the class."""
    told = {key: value for key, value in found.items() if not key.endswith("_without")}
    chosen = told.pop("class")
    if layer.class_names is not None:
        told["explained"] = tf.gather(tf.constant(layer.class_names), chosen)
    prefix = f"{layer.head}_" if layer.head else ""
    return {key if key.endswith("_tokens") else prefix + key: told[key] for key in told}
