"""What a version says of itself to people and programs: `labels.txt` and `model_card.json`."""

import importlib.metadata
import json
import platform

import tensorflow as tf

from fusionkeras.heads import Calibration
from fusionkeras.version import __version__

PACKAGES = ("tensorflow", "keras", "numpy")
# For the user to fill in: nothing of it can be known here.
LICENSE = {"model": "", "data": "", "pretrained_weights": "", "contact": ""}


def read_signatures(folder):
    """What a SavedModel can be asked, `{signature: {"inputs": ..., "outputs": ...}}`.

    Each of the two is `{name: {"dtype": str, "shape": list}}`, with "batch" for the rows.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    content = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signatures = content.meta_graphs[0].signature_def
    return {
        name: {"inputs": _specs(signature.inputs), "outputs": _specs(signature.outputs)}
        for name, signature in sorted(signatures.items())
        if not name.startswith("__")
    }


def write_card(folder, served, name, version, signatures, verification, more):
    """Writes `model_card.json` and, for each head that names classes, the labels line by line.

    Args:
        folder: `pathlib.Path` of the version.
        served: `ServedModel`.
        name: str, what the model is called.
        version: int.
        signatures: dict of `read_signatures`.
        verification: dict, how the export was tried.
        more: dict, what else is known, such as the metrics.
    """
    heads = {
        head: {
            "task": task,
            "class_names": served.class_names[head] if head else served.class_names,
            "calibration": _calibration(served.parts.model, head),
            "unsure": served.unsure.get(head) if head else served.unsure,
        }
        for head, task in served.tasks.items()
    }
    for head, about in heads.items():
        if about["class_names"]:
            place = folder / (f"labels_{head}.txt" if head else "labels.txt")
            place.write_text("".join(f"{name}\n" for name in about["class_names"]), "utf-8")
    content = {
        "name": name,
        "version": version,
        "columns": {column: _holds(served, column) for column in served.columns},
        "heads": heads,
        "signatures": signatures,
        "verification": verification,
        "metrics": None,
        "tables": None,
        "versions": _versions(),
        "license": LICENSE,
        **more,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (folder / "model_card.json").write_text(text, "utf-8")


def _calibration(model, head):
    """How the probabilities of a head are calibrated; None where they are as the head gave them."""
    output = model.output[head] if head else model.output
    layer = output._keras_history.operation
    if not isinstance(layer, Calibration):
        return None
    config = layer.get_config()
    return {**(config["measured"] or {}), "scale": config["scale"], "bias": config["bias"]}


def _holds(served, column):
    return "encoded file" if column in served.files else "UTF-8 text"


def _specs(tensors):
    return {
        name: {"dtype": tf.as_dtype(tensor.dtype).name, "shape": _shape(tensor.tensor_shape)}
        for name, tensor in sorted(tensors.items())
    }


def _shape(shape):
    return ["batch" if side.size == -1 else side.size for side in shape.dim]


def _versions():
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"fusionkeras": __version__, "python": platform.python_version(), **found}
