"""What is served: raw columns in, answers out."""

import keras

from fusionkeras._checks import argument_error, did_you_mean
from fusionkeras.heads import Calibration, heads_of
from fusionkeras.models.answers import ANSWERS, NamedProbabilities
from fusionkeras.models.classifier import check_branches
from fusionkeras.preprocessing.joint import JointPreprocessor


def build_preprocessor(branches):
    """Builds the layer that turns raw columns into the inputs of a model of these branches.

    Args:
        branches: list of `Branch`, each with a preprocessor.

    Returns:
        A `JointPreprocessor`: a dict of raw columns in, a dict of named tensors out.

    Raises:
        ValueError: when a branch takes arrays only.

    Example:
        >>> import tensorflow as tf
        >>> from fusionkeras.branches import lstm_branch
        >>> preprocessor = build_preprocessor([lstm_branch(["red"], sequence_length=2)])
        >>> preprocessor({"text": tf.constant(["Red!"])})["text_token_ids"].numpy().tolist()
        [[2, 0]]
    """
    branches = check_branches(branches)
    for branch in branches:
        if branch.preprocessor is None:
            raise argument_error(
                f"The branch {branch.name!r} takes arrays only",
                "a branch with a preprocessor",
                "Give lstm_branch a vocabulary, not its size.",
                branch=branch.name,
            )
    return JointPreprocessor({branch.name: branch.preprocessor for branch in branches})


def end_to_end(
    model, preprocessor, class_names=None, thresholds=None, calibration=None, unsure=None
):
    """Joins preprocessor and model into one: raw columns in, answers out.

    It shares the layers of both, so what is served is what was trained.

    Args:
        model: a model of `build_model` or `build_classifier`.
        preprocessor: the `JointPreprocessor` of the same branches.
        class_names: list of str, the names of the classes, in the order of their ids; None for
            regression. For several heads a dict of `{head: list or None}`, such as
            `data.class_names`.
        thresholds: for a multilabel head: a float, or one for each label, above which a label
            applies, such as `tune_thresholds` returns; for several heads a dict of them. None is
            .5.
        calibration: what `calibrate` returns, which then stands between head and answer; for
            several heads a dict of those that have one.
        unsure: for a classifier: a float, such as what `threshold_for` returns: where the likeliest
            class is less probable, the label is "unsure", and the probabilities are as ever; for
            several heads a dict of them. None always names the likeliest class.

    Returns:
        A functional `keras.Model` from string tensors `(batch,)`, one a raw column (encoded
        pictures, UTF-8 texts), to a dict. Classification and ordinal: `label`, string `(batch,)`,
        and `probabilities`, float32 `(batch, num_classes)`. Multilabel: the same, and `label` are
        the names of all labels that apply, with "|" between them. Regression: `value`, float32
        `(batch,)`. For several heads each key begins with `<head>_`.

    Raises:
        ValueError: when `class_names` are not as many as the model's classes, for thresholds,
            a calibration or `unsure` of another task, a class that is called "unsure" where that
            is an answer, and for unknown heads.
        TypeError: for a calibration that is none.

    Example:
        >>> import tensorflow as tf
        >>> from fusionkeras.branches import lstm_branch
        >>> from fusionkeras.models import build_classifier
        >>> branch = lstm_branch(["red"], sequence_length=2)
        >>> model = build_classifier([branch], num_classes=3)
        >>> serving = end_to_end(model, build_preprocessor([branch]), ["a", "b", "c"])
        >>> serving({"text": tf.constant(["red", "green"])})["probabilities"].shape
        TensorShape([2, 3])
    """
    _check_preprocessor(model, preprocessor)
    heads = heads_of(model)
    class_names = _by_head("class_names", class_names, heads)
    thresholds = _by_head("thresholds", thresholds, heads)
    unsure = _by_head("unsure", unsure, heads)
    columns = {name: keras.Input((), dtype="string", name=name) for name in preprocessor.columns}
    # The same layers without the optimizer, which has no place in what is served.
    bare = with_calibration(model, calibration)
    tensors = preprocessor(columns)
    # A list, as Keras takes a dict of symbolic tensors in the order of their names.
    scores = bare([tensors[tensor.name] for tensor in bare.inputs])
    answers = {}
    for name, head in heads.items():
        options = {"thresholds": thresholds.get(name), "unsure": unsure.get(name)}
        layer = _answer(name, head.task, class_names.get(name), options)
        answers |= layer(scores[name] if name else scores)
    return keras.Model(list(columns.values()), answers, name="serving")


def with_calibration(model, calibration=None):
    """A model of the same layers, and of those that calibrate its heads; it is not compiled.

    Args:
        model: as for `end_to_end`.
        calibration: as for `end_to_end`.
    """
    heads = heads_of(model)
    layers = _by_head("calibration", calibration, heads)
    output = model.output
    for name, head in heads.items():
        if layers.get(name) is None:
            continue
        own = output[name] if name else output
        _check_calibration(layers[name], head.task, own.shape[-1])
        output = {**output, name: layers[name](own)} if name else layers[name](own)
    return keras.Model(model.inputs, output, name=model.name)


def _check_calibration(layer, task, width):
    if not isinstance(layer, Calibration):
        raise argument_error(
            "This is no calibration", "what calibrate returns", kind=TypeError, calibration=layer
        )
    told = {"classification": width > 1, "multilabel": False}
    if told.get(task) != layer.exclusive:
        raise argument_error(
            f"The calibration is not for this head of {task}",
            "what calibrate returns for the same model",
            calibration=layer.name,
        )


# What is for heads of one task only.
_OF_TASK = {"thresholds": "multilabel", "unsure": "classification"}


def _answer(name, task, class_names, options):
    """The layer that answers for one head."""
    if task == "regression" and class_names is not None:
        raise argument_error("Regression has no classes", "None", class_names=class_names)
    given = {what: value for what, value in options.items() if value is not None}
    for what, value in given.items():
        if _OF_TASK[what] != task:
            raise argument_error(
                f"{what.capitalize()} {'is' if what == 'unsure' else 'are'} for "
                f"{_OF_TASK[what]} heads, and this one is of {task}",
                "None",
                **{what: value},
            )
    names = {} if task == "regression" else {"class_names": class_names}
    return ANSWERS[task](head=name, name=f"{name}_answer" if name else "answer", **names, **given)


def _by_head(what, values, heads):
    """An argument as a dict by head."""
    if "" in heads or values is None:
        return dict.fromkeys(heads, values)
    if not isinstance(values, dict):
        raise argument_error(
            "The model has several heads", f"a dict by head, of {list(heads)}", **{what: values}
        )
    for name in values:
        if name not in heads:
            cure = did_you_mean(name, heads)
            raise argument_error(
                f"Unknown head {name!r}", f"one of {list(heads)}", cure, **{what: values}
            )
    return values


def _check_preprocessor(model, preprocessor):
    specs = getattr(preprocessor, "output_specs", dict)()
    missing = [tensor.name for tensor in model.inputs if tensor.name not in specs]
    if missing:
        raise argument_error(
            f"The preprocessor does not give the model's input {missing[0]!r}",
            "what build_preprocessor makes of the branches of the model",
            preprocessor=preprocessor,
        )


__all__ = ["NamedProbabilities", "build_preprocessor", "end_to_end", "with_calibration"]
