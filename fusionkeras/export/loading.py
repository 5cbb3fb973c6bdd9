"""Reads what was saved or exported, and asks it."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error, check_tensorflow
from fusionkeras.data.rows import columns_of_rows, list_of_rows
from fusionkeras.export.short import in_full
from fusionkeras.export.signatures import answering, whole
from fusionkeras.models.parts import parts_of


class ServedModel:
    """A model that maps raw columns to answers, whichever form it was read from.

    Attributes:
        columns: list of str, the raw columns.
        class_names: list of str, in the order of the probabilities; None for regression; for
            several heads a dict of them.
        files: list of str, the columns that hold encoded files, such as pictures.
        tasks: dict of `{head: task}`; a single head is "".
        thresholds: list of float, above which each label of a multilabel head applies, otherwise
            None; for several heads a dict of those of multilabel heads.
        unsure: float, the probability below which a classifier's label is "unsure", or None; for
            several heads a dict of them.
        parts: `Parts`, the layers of a Keras model; None for an exported folder.

        explain: the signature of that name as a function of columns, or None; `fk.explain` asks it.

    Call arguments:
        columns: dict of `{column: string tensor (batch,)}`.

    Returns:
        What `end_to_end` says, for a classifier `{"label": string (batch,), "probabilities":
        float32 (batch, num_classes)}`; and for each branch `<branch>_used`, bool `(batch,)`,
        whether there was anything that it could read.
    """

    def __init__(self, function, columns, heads, files, model, parts=None, explain=None):
        self.columns = list(columns)
        self.files = list(files)
        self.model, self.parts = model, parts  # keeps the variables alive
        self.explain = explain
        self.tasks = {head: task for head, (task, *_) in heads.items()}
        names = {head: class_names for head, (_, class_names, *_) in heads.items()}
        self.class_names = names.get("", names)
        limits = {head: values for head, (_, _, values, _) in heads.items() if values is not None}
        self.thresholds = limits.get("") if "" in heads else limits
        unsure = {head: value for head, (*_, value) in heads.items() if value is not None}
        self.unsure = unsure.get("") if "" in heads else unsure
        self._function = function

    def __call__(self, columns):
        """Answers a batch of raw columns; surplus columns are ignored."""
        return self._function({name: tf.convert_to_tensor(columns[name]) for name in self.columns})


def load(path, custom_objects=None):
    """Reads a RUN of the command line, a `.keras` file or an exported folder.

    Args:
        path: str or path: a folder with `model.keras`; a `.keras` file of an end-to-end model; a
            folder with `saved_model.pb`, or with versions 1, 2, 3 ..., of which the last is read.
        custom_objects: dict of `{name: class}`, the layers of one's own that are not registered
            with Keras; an exported folder needs none.

    Returns:
        For the first two the `keras.Model` (raw columns in); for an exported folder a
        `ServedModel`, which needs no Keras.

    Raises:
        ValueError: when there is no such thing at `path`.

    Example:
        >>> import fusionkeras as fk, tempfile
        >>> branch = fk.lstm_branch(["red"], sequence_length=2)
        >>> model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
        >>> serving = fk.end_to_end(model, preprocessor, ["cold", "warm"])
        >>> folder = fk.export(serving, tempfile.mkdtemp(), verify=False).parent
        >>> load(folder).class_names
        ['cold', 'warm']
    """
    place = find_model(path)
    return _load_saved_model(place) if place.is_dir() else _load_keras(place, custom_objects)


def find_model(path):
    """Where the model itself lies.

    Args:
        path: as for `load`.

    Returns:
        `Path` of a `.keras` file, or of a folder with `saved_model.pb`.

    Raises:
        ValueError: when there is no such thing at `path`.
    """
    place = pathlib.Path(path)
    if place.suffix == ".keras" and place.is_file():
        return place
    if (place / "model.keras").is_file():
        return place / "model.keras"
    return version_of(place)


def version_of(path):
    """The folder with a `saved_model.pb`: this one, or the last of its versions.

    Args:
        path: str or path.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: where there is none.
    """
    place = pathlib.Path(path)
    if (place / "saved_model.pb").is_file():
        return place
    versions = [
        child
        for child in (place.iterdir() if place.is_dir() else ())
        if child.name.isdecimal() and (child / "saved_model.pb").is_file()
    ]
    if not versions:
        raise argument_error(
            "There is no model here",
            "a RUN (a folder with model.keras), a .keras file or an exported folder",
            path=str(path),
        )
    return max(versions, key=lambda version: int(version.name))


def _load_keras(path, custom_objects):
    try:
        return keras.models.load_model(path, custom_objects)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise argument_error(
            f"The model cannot be loaded ({error})",
            "a .keras file that is whole, and its own layers imported",
            "Pass custom_objects={name: class} for layers that are not registered.",
            path=str(path),
        ) from error


def as_served(model):
    """Gives an end-to-end Keras model the form of a `ServedModel`; leaves one as it is."""
    if isinstance(model, ServedModel):
        return model
    check_tensorflow("Models from raw columns to answers")
    parts = parts_of(model)
    function = tf.function(answering(parts, in_full(whole(parts))), reduce_retracing=True)
    columns = [tensor.name for tensor in model.inputs]
    heads = {
        layer.head: (layer.task, layer.class_names, layer.thresholds, layer.unsure)
        for layer in parts.answers
    }
    return ServedModel(function, columns, heads, parts.preprocessor.files, model, parts)


def predict(serving, rows):
    """Answers one row or many.

    Args:
        serving: what `end_to_end` or `load` returns.
        rows: a dict of `{column: value}`, or a list of such dicts. A value is a str (a text, or
            the path of a picture's file), bytes (an encoded picture, or a UTF-8 text), or None
            where it is missing. A str is taken for a path where the column holds files.

    Returns:
        For one row a dict; for a list of rows the list of such dicts, in order. Classification
        and ordinal: `{"label": str, "probability": float, "probabilities": {class: float}}`.
        Multilabel: `{"label": str, "probabilities": {label: float}}`, where `label` are all that
        apply, with "|" between them. Regression: `{"value": float}`. Several heads: `{head: dict}`.
        A classifier with `unsure` may say so in place of a label; the probability is that of the
        likeliest class all the same. Each answer ends with `"used": {branch: bool}`: a picture that
        cannot be read, or a text without a word, was not used.

    Raises:
        ValueError: for a row with an unknown column, or without any of the model's.
        FileNotFoundError: for the path of a picture that is not there.

    Example:
        >>> import fusionkeras as fk
        >>> branch = fk.lstm_branch(["red"], sequence_length=2)
        >>> model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
        >>> serving = fk.end_to_end(model, preprocessor, ["cold", "warm"])
        >>> sorted(predict(serving, {"text": "A red dress"})["probabilities"])
        ['cold', 'warm']
    """
    served = as_served(serving)
    many = list_of_rows(rows)
    if not many:
        return []
    answers = served(columns_of_rows(served, many))
    answers = {key: tensor.numpy() for key, tensor in answers.items()}
    found = [_row(served, answers, row) for row in range(len(many))]
    return found[0] if isinstance(rows, dict) else found


def _row(served, answers, row):
    """The answer of one row, for several heads a dict of them."""
    if "" in served.tasks:
        return _answer(served.tasks[""], served.class_names, answers, "", row)
    return {
        head: _answer(task, served.class_names[head], answers, f"{head}_", row)
        for head, task in served.tasks.items()
    }


def _answer(task, class_names, answers, prefix, row):
    answer = _said(task, class_names, answers, prefix, row)
    used = {
        key.removesuffix("_used"): bool(there[row])
        for key, there in sorted(answers.items())
        if key.endswith("_used")
    }
    return {**answer, "used": used} if used else answer  # what was exported first does not say


def _said(task, class_names, answers, prefix, row):
    if task == "regression":
        return {"value": float(answers[f"{prefix}value"][row])}
    probabilities = answers[f"{prefix}probabilities"][row]
    shares = dict(zip(class_names, map(float, probabilities), strict=True))
    answer = {"label": answers[f"{prefix}label"][row].decode()}
    if task != "multilabel":
        answer["probability"] = float(np.max(probabilities))
    return {**answer, "probabilities": shares}


def _load_saved_model(folder):
    model = tf.saved_model.load(str(folder))
    # Sorted, as a SavedModel keeps them in no order.
    columns = sorted(model.signatures["serving_default"].structured_input_signature[1])
    told = model.signatures["about"](any=tf.constant([""]))
    about = {key: _plain(tensor[0]) for key, tensor in told.items()}
    tasks = about.get("tasks", [":classification"])  # as what was exported first does not say
    heads = {head: _about(head, task, about) for head, _, task in map(_cut, tasks)}
    ask, explain = (_asking(model, name) for name in ("serving_default", "explain"))
    return ServedModel(ask, columns, heads, about["files"], model, explain=explain)


def _asking(model, name):
    """A signature as a function of columns; None where there is none."""
    ask = model.signatures.get(name)
    return None if ask is None else (lambda columns: ask(**columns))


def _about(head, task, about):
    prefix = f"{head}_" if head else ""
    class_names = None if task == "regression" else about[f"{prefix}class_names"]
    unsure = about.get(f"{prefix}unsure", [None])[0]
    return task, class_names, about.get(f"{prefix}thresholds"), unsure


def _cut(text):
    return text.partition(":")


def _plain(tensor):
    return [x.decode() if isinstance(x, bytes) else x for x in tensor.numpy().tolist()]
