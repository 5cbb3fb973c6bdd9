"""Asks an exported model where nothing but TensorFlow is, and compares: a program of its own.

`python alone.py FOLDER FILE ...`. A FILE is JSON: `columns`, `{name: [base64]}`; and `answers`,
what is expected, `{output: [value]}`; and `explained`, both for the signature `explain`, if there
is one. Without `answers` every row is expected to be answered in the batch as it is alone. Prints a
line of JSON for each FILE: the largest difference of a number, `|found - expected| / max(1,
|expected|)`, in which output it is, and how many strings are others.
"""

import base64
import json
import sys

import numpy as np

if __name__ == "__main__":
    # TensorFlow imports these two where they are installed, which takes longer than it does itself.
    sys.modules.update(keras=None, jax=None)
import tensorflow as tf


def main(folder, *files):
    """Compares, and prints what came of it."""
    contents = [_read(file) for file in files]
    model = tf.saved_model.load(folder)
    for content in contents:
        _compare(model, content)


def _read(file):
    with open(file, encoding="utf-8") as content:
        return json.load(content)


def _compare(model, content):
    columns = _decoded(content)
    found = _ask(model, columns)
    expected = content.get("answers") or _one_by_one(model, columns)
    if "explained" in content:
        explained, expectations = _explained(model, content["explained"])
        found, expected = found | explained, {**expected, **expectations}
    differences = {key: _difference(found[key], np.asarray(expected[key])) for key in expected}
    numbers = {key: value for key, value in differences.items() if found[key].dtype != object}
    where = max(numbers, key=numbers.get)
    print(json.dumps({
        "largest_difference": numbers[where],
        "output": where,
        "other_labels": sum(differences[key] for key in differences if key not in numbers),
    }))  # fmt: skip


def _decoded(content):
    return {
        name: [base64.b64decode(cell) for cell in cells]
        for name, cells in content["columns"].items()
    }


def _explained(model, content):
    """What `explain` says, and what is expected; no numbers of a row whose class is another."""
    found = _ask(model, _decoded(content), "explain")
    expected = {key: np.asarray(value) for key, value in content["answers"].items()}
    labels = [key for key in found if key.endswith("explained")]
    alike = np.all([_texts(found[key]) == expected[key] for key in labels], axis=0)
    if labels:
        numbers = [key for key in found if found[key].dtype != object]
        for answers in (found, expected):
            answers.update({key: answers[key][alike] for key in numbers})
    return tuple(
        {f"explain: {key}": x for key, x in answers.items()} for answers in (found, expected)
    )


def _ask(model, columns, signature="serving_default"):
    tensors = {name: tf.constant(cells, tf.string) for name, cells in columns.items()}
    answers = model.signatures[signature](**tensors)
    return {key: tensor.numpy() for key, tensor in answers.items()}


def _one_by_one(model, columns):
    rows = range(len(next(iter(columns.values()))))
    answers = [
        _ask(model, {name: columns[name][row : row + 1] for name in columns}) for row in rows
    ]
    return {key: np.concatenate([answer[key] for answer in answers]) for key in answers[0]}


def _difference(found, expected):
    if found.shape != expected.shape:
        raise SystemExit(f"Answers of shape {found.shape} where {expected.shape} are expected")
    if found.dtype == object:
        return int(np.sum(_texts(found) != _texts(expected)))
    found, expected = found.astype("float64"), expected.astype("float64")
    away = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    return float(np.max(np.where(np.isfinite(away), away, np.inf), initial=0))


def _texts(strings):
    """Strings of any kind as an array of `str`, of the same shape."""
    texts = [x if isinstance(x, str) else x.decode() for x in strings.flat]
    return np.reshape(np.array(texts, object), strings.shape)


if __name__ == "__main__":
    main(*sys.argv[1:])
