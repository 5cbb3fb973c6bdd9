"""Why a model answered so."""

import functools

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import (
    argument_error,
    check_choice,
    check_integer,
    check_tensorflow,
    did_you_mean,
)
from fusionkeras.data import Table, raw_batches
from fusionkeras.data.rows import columns_of_rows
from fusionkeras.explanation.explainer import Explainer
from fusionkeras.explanation.explanation import explanation_of
from fusionkeras.heads import heads_of
from fusionkeras.models.parts import parts_of

DEFAULTS = dict.fromkeys(("pictures", "texts"), "integrated_gradients")


def explain(
    model,
    rows,
    label=None,
    head=None,
    pictures="integrated_gradients",
    texts="integrated_gradients",
    batch_size=16,
):
    """Tells why a model answered so: regions of pictures, words, and the share of each branch.

    What is explained is the score of one class in each row: its log odds `log p / (1 - p)`, which
    for a sigmoid is the logit, or the value of a regression. Behind a calibration it is that of the
    calibrated probability, but without the bounds of 1e-7 that a calibration of sigmoids has.

    - Pictures: a heat map over the cells of the encoder's grid, from the grid on: by integrated
      gradients, whose baseline is a grid of zeros, or by Grad-CAM.
    - Texts: a weight for each word, that of its pieces taken together: by integrated gradients
      from the words' vectors on, with the baseline of words whose vectors are zeros (`[CLS]` and
      `[SEP]` stay); or by occlusion, how much the score falls when the word's vectors are zeros.
    - Branches: exact Shapley values over all subsets of the branches. The others are absent: they
      are what their encoders make of a missing value. They add up to the score less that of a row
      in which everything is absent.
    - What the fusion attends to, where it does.

    Args:
        model: what `end_to_end` or `load` returns; or a model of `build_model`, for arrays.
        rows: a `Table`, one row or a list of rows as `predict` takes them. For a model of arrays
            a dict of `{input: array (batch, ...)}`, or a list of arrays in the order of its
            inputs; absent then is -1 in every pixel and 0 in every id, and words are ids.
        label: the class to explain in all rows: str, or int for a model of arrays. None is the
            answer in each row, and of several labels the likeliest.
        head: str, the head that is explained, where there are several.
        pictures: "integrated_gradients" or "grad_cam".
        texts: "integrated_gradients" or "occlusion".
        batch_size: int, how many rows the encoders read at a time.

    Returns:
        `Explanation`, rows in order.

    Raises:
        ValueError: for unknown labels, heads or methods, for what an exported model cannot be
            asked (another label or method), or for a model without branches.
        TypeError: for rows of another form.

    Example:
        >>> import fusionkeras as fk
        >>> branch = fk.lstm_branch(["red", "circle"], sequence_length=4)
        >>> model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
        >>> serving = fk.end_to_end(model, preprocessor, ["cold", "warm"])
        >>> why = explain(serving, {"text": "A red circle"}, label="warm")
        >>> why.words["text"], why.weights["text"][0].shape
        ([['a', 'red', 'circle']], (3,))
        >>> bool(abs(why.shapley["text"] - (why.scores - why.baseline))[0] < 1e-5)
        True
    """
    check_integer("batch size", batch_size=batch_size)
    if not isinstance(model, keras.Model):
        return _ask(model, rows, label, head, {"pictures": pictures, "texts": texts}, batch_size)
    check_tensorflow("Explanations of Keras models")
    preprocessor, inner, names = _opened(model)
    head = _check_head(head, heads_of(inner))
    names = names.get(head)
    explainer = Explainer(inner, preprocessor, pictures, texts)
    chosen = _class_of(label, names, explainer.pieces.heads[head])
    if preprocessor is None:
        batches = _arrays(inner, rows, batch_size)
    else:
        batches = _columns_of(preprocessor, rows, batch_size)
    signature = {x.name: tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in model.inputs}
    tell = _telling(explainer, head, chosen)
    # Traced once, with the first batch. Calls that trace are counted, by where a function lies in
    # memory, and TensorFlow would warn after some explanations.
    traced = functools.cache(tf.function(tell, [signature], autograph=False).get_concrete_function)
    found, attention = _joined(traced()(batch) for batch in batches)
    classes = found.pop("class")
    if explainer.pieces.heads[head].task != "regression":
        found["explained"] = [names[x] if names else int(x) for x in classes]
    return explanation_of(found, attention)


def _joined(parts):
    """The same structure of arrays over all rows."""
    parts = [tf.nest.map_structure(lambda x: x.numpy(), part) for part in parts]
    if not parts:
        raise argument_error("There is no row", "one or more", rows=0)
    return tf.nest.map_structure(lambda *x: np.concatenate(x), *parts)


def _telling(explainer, head, chosen):
    """A function from a batch, of raw columns or of arrays, to what is said of it."""

    def tell(batch):
        tensors = batch
        if explainer.preprocessor is not None:
            tensors = explainer.preprocessor(batch)
        words, encoded = explainer.words(batch, tensors), explainer.encode(tensors)
        found = explainer(tensors, encoded, words, {head: chosen})[head]
        return found, explainer.attention(encoded)

    return tell


def _columns_of(served, rows, batch_size):
    """Yields batches of the raw columns that a served model, or a preprocessor, reads."""
    if isinstance(rows, Table):
        rows.check_columns(served.columns)
        for batch in raw_batches(rows, batch_size):
            yield {name: batch[name] for name in served.columns}
        return
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, dict) for row in rows):
        raise argument_error(
            "These are no rows", "a Table, or rows as predict takes them", kind=TypeError, rows=rows
        )
    for first in range(0, len(rows), batch_size):
        yield columns_of_rows(served, rows[first : first + batch_size])


def _arrays(model, given, batch_size):
    names = [tensor.name for tensor in model.inputs]
    if isinstance(given, dict) and not set(names) <= set(given):
        raise argument_error("An input is missing", f"arrays for {names}", rows=sorted(given))
    if isinstance(given, dict):
        given = [given[name] for name in names]
    given = given if isinstance(given, (list, tuple)) else [given]
    if len(given) != len(names) or not all(hasattr(x, "shape") for x in given):
        raise argument_error(
            "These are no arrays for the model", f"an array for each of {names}", kind=TypeError,
            rows=[type(x).__name__ for x in given],
        )  # fmt: skip
    tensors = {
        x.name: tf.cast(tf.convert_to_tensor(own), x.dtype)
        for x, own in zip(model.inputs, given, strict=True)
    }
    expected = [(*given[0].shape[:1], *x.shape[1:]) for x in model.inputs]
    if not all(
        own.shape.is_compatible_with(x) for own, x in zip(tensors.values(), expected, strict=True)
    ):
        raise argument_error(
            "The arrays are of the wrong shape", f"{dict(zip(names, expected, strict=True))}",
            rows={name: tuple(own.shape) for name, own in tensors.items()},
        )  # fmt: skip
    return (
        {name: own[first : first + batch_size] for name, own in tensors.items()}
        for first in range(0, len(given[0]), batch_size)
    )


def _opened(model):
    """`(preprocessor, model, {head: class names})`, without the first and last for arrays."""
    if any(isinstance(x, keras.layers.InputLayer) and x.dtype == "string" for x in model.layers):
        parts = parts_of(model)
        return parts.preprocessor, parts.model, {x.head: x.class_names for x in parts.answers}
    return None, model, {}


def _check_head(head, heads):
    """Raises unless a head is named where there are several; returns its name."""
    if head is None and len(heads) == 1:
        return next(iter(heads))
    if head is None:
        raise argument_error("The model has several heads", f"one of {list(heads)}", head=head)
    return check_choice("head", heads, head=head)


def _class_of(label, names, head):
    """The id of the class that is asked for, -1 for the answer."""
    if label is None:
        return -1
    known = names if names else list(range(getattr(head, "num_classes", 0)))
    if label not in known:
        raise argument_error(
            "Unknown label", f"one of {known}", did_you_mean(label, known), label=label
        )
    return known.index(label)


def _ask(served, rows, label, head, methods, batch_size):
    """Asks an exported model, which explains its answers by the usual methods."""
    if not callable(getattr(served, "explain", None)):
        raise argument_error(
            "This model does not explain itself",
            "what end_to_end or load returns, of a model of branches",
            "Export it again, without quantize= and fold=.",
            TypeError,
            model=served,
        )
    if label is not None or methods != DEFAULTS:
        raise argument_error(
            "An exported model explains what it answers, by the usual methods",
            f"label=None and {DEFAULTS}",
            "Load the RUN or the .keras file instead.",
            label=label,
            **methods,
        )
    head = _check_head(head, served.tasks)
    found = _joined(map(served.explain, _columns_of(served, rows, batch_size)))
    prefix = f"{head}_" if head else ""
    longer = tuple(f"{other}_" for other in served.tasks if other.startswith(prefix) and head)
    own = {
        key.removeprefix(prefix): x
        for key, x in found.items()
        if key.startswith(prefix) and not key.startswith(longer)
    }
    return explanation_of(own | {key: x for key, x in found.items() if key.endswith("_tokens")})
