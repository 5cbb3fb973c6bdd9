"""Which heads a model has."""

import keras

from fusionkeras._checks import argument_error
from fusionkeras.heads.base import Head
from fusionkeras.heads.classification import ClassificationHead


def heads_of(model):
    """The heads that a model was built with.

    Args:
        model: a Keras model of `build_model`, or of `end_to_end` around one; a model of one's own
            with one output `(batch, classes)` is taken for a classifier.

    Returns:
        dict of `{name: Head}`; a single head, whose output is no dict, is "".

    Raises:
        ValueError: when there is none.

    Example:
        >>> x = keras.Input((4,))
        >>> {name: head.task for name, head in heads_of(keras.Model(x, x)).items()}
        {'': 'classification'}
    """
    output = getattr(model, "output", None)
    layers = getattr(model, "layers", ())
    heads = {layer.name: layer for layer in layers if isinstance(layer, Head)}
    if isinstance(output, dict) and heads:
        branches = [x.name.removesuffix("_encoder") for x in layers if isinstance(x, keras.Model)]
        own = {name: _named(name, heads, branches) for name in output}
        return {name: head for name, head in own.items() if head is not None}
    if isinstance(output, keras.KerasTensor) and heads:
        return {"": next(iter(heads.values()))}  # where branches vote, theirs are all alike
    if isinstance(output, keras.KerasTensor) and len(output.shape) == 2:
        return {"": ClassificationHead(max(output.shape[-1], 2))}
    for layer in layers if isinstance(output, dict) else ():
        if isinstance(layer, keras.Model):  # what is served holds the model as one layer
            return heads_of(layer)
    raise argument_error(
        "This model is no classifier of fusionkeras",
        "one output (batch, classes), or a model of build_model",
        output=output,
    )


def _named(name, heads, branches):
    """The head of a name, or where branches vote, one of theirs, which are all alike."""
    voting = (heads.get(f"{branch}_{name}") for branch in branches)
    return heads.get(name) or next((head for head in voting if head is not None), None)


def head_of(model):
    """The only head of a model.

    Args:
        model: as for `heads_of`.

    Returns:
        `Head`.

    Raises:
        ValueError: when there is none, or more than one.
    """
    heads = heads_of(model)
    if len(heads) > 1:
        raise argument_error("The model has several heads", "one", heads=list(heads))
    return next(iter(heads.values()))
