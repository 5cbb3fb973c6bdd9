"""Writes a SavedModel that TensorFlow Serving takes, version by version."""

import os
import pathlib
import shutil
import tempfile

import tensorflow as tf

from fusionkeras._checks import argument_error, check_choice, check_integer
from fusionkeras.explanation.pieces import can_explain
from fusionkeras.export.beside import write_beside
from fusionkeras.export.card import read_signatures, write_card
from fusionkeras.export.examples import PLACE, columns_of_examples, write_examples
from fusionkeras.export.explaining import explaining
from fusionkeras.export.loading import as_served
from fusionkeras.export.short import TOLERANCES, computes_in_half, shortened, tolerance_of
from fusionkeras.export.signatures import answering, embedding, whole
from fusionkeras.export.verifying import compare
from fusionkeras.export.warmup import write_warmup

# What `about` takes, and does not read.
_ANY = tf.TensorSpec((None,), tf.string, "any")


def export(
    serving,
    path,
    version=None,
    examples=None,
    verify=True,
    card=None,
    quantize=None,
    fold=False,
    explain=None,
):
    """Exports an end-to-end model as the next version of a served model.

    The SavedModel holds core TensorFlow operations only. Its signatures take the raw columns by
    name, string tensors `(batch,)`: encoded pictures and UTF-8 texts, an empty string where one is
    missing; any number of rows, none included. No row depends on another one.

    - `serving_default` returns what `end_to_end` says, for a classifier `label`, string
      `(batch,)`, and `probabilities`, float32 `(batch, num_classes)`; and for each branch
      `<branch>_used`, bool `(batch,)`: false where there was nothing that it could read.
    - `embed` returns float32 `(batch, dim)`: what each encoder pooled, by the name of the branch,
      and `fused`, what the fusion made of them (none where each branch decides by itself).
    - `about` tells the `class_names` in their order, which columns are `files`, the `tasks`
      (strings "head:task", the head "" for a single one), the `thresholds` of a multilabel head,
      and the probability below which a classifier is `unsure`, where it is at all; for several
      heads `<head>_class_names`, `<head>_thresholds` and `<head>_unsure`. It takes strings
      `(batch,)`, which it does not read, and tells each row the same: TensorFlow Serving asks by
      REST, and puts into batches, only what takes and gives rows.

    With each version go `labels.txt`, `model_card.json`, requests by which TensorFlow Serving
    warms up (with the extra `serve`), and the rows that it was tried on with what Keras answered:
    real rows, if `examples` are. Beside the versions stand the configuration of TensorFlow Serving,
    a `docker-compose.yml` and a README with the calls; what was edited there stays as it is.

    It is written beside its place under a temporary name, tried in a process that imports
    TensorFlow alone, and moved when it is whole and answers as Keras does; a version that is there
    is never overwritten.

    Args:
        serving: what `end_to_end` or `load` returns.
        path: str or path, the folder of the model, which is also what it is called; its versions
            are folders 1, 2, 3 ... in it.
        version: int, a version that is not there yet; None takes the next.
        examples: rows to try it on, of which at most 8, or 4 MB, travel with it: a `Table`, or
            rows as `predict` takes them. None makes some up: drawn pictures, words of the
            vocabulary.
        verify: bool; False moves it into place without trying it.
        card: dict, what `model_card.json` is to say beside what is known of the model, such as
            `{"metrics": {...}}`.
        quantize: None; "int8": dense layers and embeddings compute in eight bits; or "float16":
            weights are stored in half precision, and computed with in full. What is written may
            then, or where the model computes in half precision, differ from Keras by 1e-2 instead
            of 1e-4; deep encoders differ by more in eight bits, and then only `verify=False` lets
            it pass: measure what it costs.
        fold: bool, whether BatchNorm goes into the convolutions before it: the same numbers, to
            rounding, and faster.
        explain: bool, whether the signature `explain` is written: heat maps, weights of words,
            shares of branches (see `fk.explain`). None writes it where the model has branches,
            and computes in float32 what it would explain: no half precision, `quantize` or `fold`.

    Returns:
        `pathlib.Path`, the folder of the version.

    Raises:
        TypeError: when `serving` is not an end-to-end Keras model.
        ValueError: when the version is there already, the folder cannot be made, for an unknown
            quantization, when what was written answers otherwise than Keras, or where `explain`
            cannot be written.

    Example:
        >>> import fusionkeras as fk, tempfile
        >>> branch = fk.lstm_branch(["red"], sequence_length=2)
        >>> model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
        >>> serving = fk.end_to_end(model, preprocessor, ["cold", "warm"])
        >>> export(serving, tempfile.mkdtemp(), verify=False).name
        '1'
    """
    served = as_served(serving)
    if served.parts is None:
        raise argument_error(
            "This was exported already",
            "a Keras model, as a RUN or a .keras file holds it",
            kind=TypeError,
            serving=serving,
        )
    if quantize is not None:
        check_choice("quantization", [x for x in TOLERANCES if x], quantize=quantize)
    altered = quantize or fold or computes_in_half(served.parts.model)
    explain = _check_explain(explain, served.parts, altered)
    columns, origin = columns_of_examples(served, examples)
    folder = pathlib.Path(path)
    version = _next_version(folder) if version is None else _free(folder, version)
    target, name = folder / str(version), folder.resolve().name
    unfinished = _unfinished(folder)
    try:
        explained = explaining(served.parts) if explain else None
        _write(served, unfinished, quantize, fold, explained)
        signatures = read_signatures(unfinished)
        tolerance = tolerance_of(served.parts.model, quantize)
        write_examples(unfinished / PLACE, served, columns, origin, tolerance, explained)
        asked = [x for x in ("embed", "serving_default") if x in signatures]
        write_warmup(unfinished, name, columns, asked)
        tried = _try(unfinished, columns, origin, tolerance) if verify else None
        more = {"quantize": quantize, "fold": fold, **(card or {})}
        write_card(unfinished, served, name, version, signatures, tried, more)
        unfinished.chmod(0o755)
        os.rename(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    write_beside(folder, name, served, signatures)
    return target


def _try(folder, columns, origin, tolerance):
    found = compare(folder, [folder / PLACE], tolerance)
    rows = len(next(iter(columns.values())))
    difference = found["largest_difference"]
    print(f"Largest difference from Keras on {rows} rows ({origin}): {difference:.1g}")
    return {"rows": rows, "origin": origin, **found}


def _check_explain(explain, parts, altered):
    """Whether `explain` is written; raises where it is asked for and cannot be."""
    can = not altered and can_explain(parts.model)
    if explain and not can:
        raise argument_error(
            "The signature explain cannot be written",
            "a model of branches alone, in full numbers",
            "Leave out quantize and fold, and train in float32."
            if altered
            else "Leave out explain.",
            explain=explain,
        )
    return can if explain is None else bool(explain)


def _write(served, folder, quantize, fold, explained):
    signature = {name: tf.TensorSpec((None,), tf.string, name=name) for name in served.columns}
    parts, about = served.parts, _about(served)
    part = shortened(whole(parts), quantize, fold)
    endpoints = {
        "serving_default": answering(parts, part),
        "embed": embedding(parts, part),
        "explain": explained,
        "about": _telling(about),
    }
    written = {
        name: _traced(answer, _ANY if name == "about" else signature)
        for name, answer in endpoints.items()
        if answer is not None
    }
    root = tf.Module()
    root.tables = _tables(parts.preprocessor)
    root.weights = [variable for graph in written.values() for variable in graph.variables]
    tf.saved_model.save(root, str(folder), written)


def _traced(answer, signature):
    """The graph of an endpoint.

    `keras.export.ExportArchive` would trace it twice, and write both: once to find its variables,
    and once more while it is saved.
    """
    return tf.function(answer, autograph=False).get_concrete_function(signature)


class _Within(tf.train.TrackableView):
    """What is within an object when it is written as a SavedModel: more than in a checkpoint."""

    @classmethod
    def children(cls, obj, save_type="savedmodel", **kwargs):
        return super().children(obj, save_type, cache={}, **kwargs)


def _tables(preprocessor):
    """The lookup tables of a preprocessor, which a SavedModel has to be told of."""
    within = _Within(preprocessor).descendants()
    return [x for x in within if isinstance(x, tf.saved_model.experimental.TrackableResource)]


def _telling(about):
    """A function that tells every row what is said of the model."""

    def tell(rows):
        count = tf.size(rows)
        return {name: tf.tile(values[tf.newaxis], [count, 1]) for name, values in about.items()}

    return tell


def _about(served):
    """What the served model says of itself, `{name: tensor}`."""
    single = "" in served.tasks
    about = {
        "class_names": tf.constant((single and served.class_names) or [], tf.string),
        "files": tf.constant(served.files, tf.string),
        "tasks": tf.constant([f"{head}:{task}" for head, task in served.tasks.items()]),
    }
    if single:
        about |= {"thresholds": tf.constant(served.thresholds)} if served.thresholds else {}
        return about | ({} if served.unsure is None else {"unsure": tf.constant([served.unsure])})
    for head, names in served.class_names.items():
        about[f"{head}_class_names"] = tf.constant(names or [], tf.string)
    for head, thresholds in served.thresholds.items():
        about[f"{head}_thresholds"] = tf.constant(thresholds)
    for head, unsure in served.unsure.items():
        about[f"{head}_unsure"] = tf.constant([unsure])
    return about


def _unfinished(folder):
    """A new folder within it, which TensorFlow Serving never sees: it reads numbers only."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return pathlib.Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    except OSError as error:
        raise argument_error(
            f"The folder cannot be made ({error})",
            "a place that can be written to",
            path=str(folder),
        ) from error


def _versions(folder):
    if not folder.is_dir():
        return []
    return [int(child.name) for child in folder.iterdir() if child.name.isdecimal()]


def _next_version(folder):
    return max(_versions(folder), default=0) + 1


def _free(folder, version):
    if check_integer("version", version=version) in _versions(folder):
        raise argument_error(
            f"Version {version} of {folder} is there already",
            "a new version",
            f"Leave version out to write version {_next_version(folder)}.",
            version=version,
        )
    return version
