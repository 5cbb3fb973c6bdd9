"""Conformance checks for branches, fusions and preprocessors: for our tests and users' own parts.

Each raises `AssertionError` with a sentence that says what does not hold, and returns nothing.
"""

import itertools
import os
import tempfile

import keras
import numpy as np
import tensorflow as tf

from fusionkeras.models import build_classifier

TOLERANCE = 1e-5


def check_preprocessor(preprocessor, columns):
    """Checks a preprocessor on rows that are all there.

    It gives the same eagerly, mapped over batches and mapped row by row; what it declares is
    what comes out; empty strings are absent; its configuration rebuilds it.

    Args:
        preprocessor: a `Preprocessor`.
        columns: dict of `{column: list of str or bytes}`, two different rows or more.

    Raises:
        AssertionError: naming what does not hold.

    Example:
        >>> from fusionkeras.preprocessing.text import WordIds
        >>> check_preprocessor(WordIds(["red"], 4), {"text": ["red", "a red circle"]})
    """
    columns = {name: tf.constant(values) for name, values in columns.items()}
    rows = len(next(iter(columns.values())))
    eager = preprocessor(columns)
    dataset = tf.data.Dataset.from_tensor_slices(columns)
    _same(eager, next(iter(dataset.batch(rows).map(preprocessor))), "mapped over batches")
    _same(eager, next(iter(dataset.map(preprocessor).batch(rows))), "mapped row by row")
    _check_declared(preprocessor, columns, eager)
    _require(_present(preprocessor, eager).all(), "a row that is there counts as absent")
    empty = preprocessor({name: tf.fill([rows], "") for name in columns})
    _require(not _present(preprocessor, empty).any(), "a row of empty strings counts as present")
    rebuilt = type(preprocessor).from_config(preprocessor.get_config())
    _same(eager, rebuilt(columns), "rebuilt from its configuration")


def check_branch(branch, columns):
    """Checks a branch on rows that are all there.

    Its preprocessor conforms; its encoder's outputs have the shapes that fusions rely on; absence
    is seen and gives finite features; no row sees another; a model of it saves and loads.

    Args:
        branch: a `Branch` with a preprocessor.
        columns: dict of `{column: list of str or bytes}`, two different rows or more.

    Raises:
        AssertionError: naming what does not hold.

    Example:
        >>> from fusionkeras.branches import lstm_branch
        >>> check_branch(lstm_branch(["red"], 4, units=8), {"text": ["red", "a red circle"]})
    """
    check_preprocessor(branch.preprocessor, columns)
    columns = {name: tf.constant(values) for name, values in columns.items()}
    features = _encode(branch, columns)
    _check_features(branch, features)
    absent = _encode(branch, {name: tf.fill(value.shape, "") for name, value in columns.items()})
    _require(features["present"].all(), "the encoder takes a row that is there for absent")
    _require(not absent["present"].any(), "the encoder takes an empty row for present")
    for name, value in absent.items():
        _require(np.isfinite(value).all(), f"{name} of an absent row is not finite")
    backwards = _encode(branch, {name: value[::-1] for name, value in columns.items()})
    _same({k: v[::-1] for k, v in features.items()}, backwards, "with its rows turned round")
    model = build_classifier([branch], num_classes=3)
    _check_reloads(model, branch.preprocessor(columns))


def check_fusion(fusion, widths=(7, 5), sequences=False):
    """Checks a fusion layer on random features, every pattern of absence among them.

    The output is finite and `(batch, dim)`; what an absent branch or a padded step holds never
    matters; no row sees another; every weight gets a gradient; its configuration rebuilds it.

    Args:
        fusion: a new Keras layer from `{branch: features}` to `(batch, dim)`, or to such a dict
            for decisions that are joined (see `Late`).
        widths: tuple of int, at most four, the width of the features of each branch.
        sequences: bool, whether to give it sequences and masks even if it does not say, by
            `reads`, that it reads them.

    Raises:
        AssertionError: naming what does not hold.

    Example:
        >>> from fusionkeras.fusion import Concat
        >>> check_fusion(Concat(hidden_dim=8))
    """
    sequences = sequences or "sequence_output" in getattr(fusion, "reads", ())
    features = _random_features(widths, sequences)
    fused = _check_gradients(fusion, features)
    scrambled = _fused(fusion, _scrambled_where_absent(features))
    _same(fused, scrambled, "with other contents in absent branches")
    backwards = tf.nest.map_structure(lambda value: value[::-1], features)
    turned = tf.nest.map_structure(lambda value: value[::-1], fused)
    _same(turned, _fused(fusion, backwards), "with its rows turned round")
    alone = tf.nest.map_structure(lambda value: value[:1], features)
    _same({key: value[:1] for key, value in fused.items()}, _fused(fusion, alone), "alone")
    rebuilt = type(fusion).from_config(fusion.get_config())
    rebuilt(features)
    rebuilt.set_weights(fusion.get_weights())
    _same(fused, _fused(rebuilt, features), "rebuilt from its configuration")


def _fused(fusion, features):
    """The output by name, `fused` where there is but one."""
    fused = fusion(features)
    fused = fused if isinstance(fused, dict) else {"fused": fused}
    for name, value in fused.items():
        _require(len(value.shape) == 2, f"{name} has the shape {value.shape}, not (batch, dim)")
        _require(np.isfinite(value).all(), f"{name} is not finite")
    return fused


def _check_gradients(fusion, features):
    with tf.GradientTape() as tape:
        fused = _fused(fusion, features)
        loss = sum(tf.reduce_sum(value**2) for value in fused.values())
    weights = fusion.trainable_variables
    gradients = tape.gradient(loss, [weight.value for weight in weights])
    for weight, gradient in zip(weights, gradients, strict=True):
        _require(gradient is not None, f"the weight {weight.path} gets no gradient")
        gradient = tf.convert_to_tensor(gradient)
        _require(np.isfinite(gradient).all(), f"the gradient of {weight.path} is not finite")
    return fused


def write_tiny_bert(folder, words=("red", "circle"), hidden_dim=8):
    """Writes a BERT preset of a few random weights: for tests and examples without network.

    Args:
        folder: str or path, which is made.
        words: list of str, lower-case words of the vocabulary, beside letters and "##" letters.
        hidden_dim: int, a multiple of 2.

    Returns:
        str, the folder, in keras_hub's own format.

    Example:
        >>> preset = write_tiny_bert(tempfile.mkdtemp())
        >>> sorted(os.listdir(preset))[:2]
        ['assets', 'config.json']
    """
    import keras_hub

    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?"
    vocabulary = [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        *words,
        *letters,
        *(f"##{letter}" for letter in letters),
    ]
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(vocabulary),
        num_layers=4,
        num_heads=2,
        hidden_dim=hidden_dim,
        intermediate_dim=2 * hidden_dim,
        max_sequence_length=128,
    )
    backbone.save_to_preset(str(folder))
    keras_hub.tokenizers.BertTokenizer(vocabulary, lowercase=True).save_to_preset(str(folder))
    return str(folder)


def _random_features(widths, sequences):
    """Random features of some branches, one row or two for every pattern of absence."""
    random = np.random.default_rng(0)
    names = ("image", "text", "audio", "numbers")[: len(widths)]
    patterns = np.array(list(itertools.product([True, False], repeat=len(widths))) * 2)
    features = {}
    for place, (name, width) in enumerate(zip(names, widths, strict=True)):
        there, steps = patterns[:, place], 2 + place
        features[name] = {
            "pooled_output": random.normal(size=(len(there), width)).astype("float32"),
            "present": there,
        }
        if sequences:
            filled = random.integers(1, steps + 1, len(there))
            sequence = random.normal(size=(len(there), steps, width)).astype("float32")
            features[name]["sequence_output"] = sequence
            features[name]["padding_mask"] = (np.arange(steps) < filled[:, None]) & there[:, None]
    return tf.nest.map_structure(tf.constant, features)


def _scrambled_where_absent(features):
    def scramble(value, kept):
        while len(kept.shape) < len(value.shape):
            kept = kept[..., None]
        return value if value.dtype == tf.bool else tf.where(kept, value, 1e3 * value + 7)

    def kept(key, part):
        return part["padding_mask" if key == "sequence_output" else "present"]

    return {
        name: {key: scramble(value, kept(key, part)) for key, value in part.items()}
        for name, part in features.items()
    }


def _encode(branch, columns):
    tensors = branch.preprocessor(columns)
    inputs = [tensors[tensor.name] for tensor in branch.inputs]
    outputs = branch.encoder(inputs if len(inputs) > 1 else inputs[0], training=False)
    return {name: np.asarray(value) for name, value in outputs.items()}


def _check_features(branch, features):
    rows, width = features["pooled_output"].shape
    _require(features["present"].shape == (rows,), "present is not (batch,)")
    _require(features["present"].dtype == "bool", "present is not bool")
    _require(branch.encoder.name == f"{branch.name}_encoder", "the encoder has another name")
    if "sequence_output" in features:
        shape = features["sequence_output"].shape
        _require(len(shape) == 3 and shape[0] == rows, "sequence_output is not (batch, time, dim)")
        _require("padding_mask" in features, "there is a sequence without padding_mask")
        _require(features["padding_mask"].shape == shape[:2], "padding_mask is not (batch, time)")
        _require(features["padding_mask"].dtype == "bool", "padding_mask is not bool")


def _check_declared(preprocessor, columns, outputs):
    specs = {name: keras.KerasTensor((None,), dtype="string", name=name) for name in columns}
    for name, declared in preprocessor.compute_output_spec(specs).items():
        _require(name in outputs, f"{name} is declared and does not come out")
        actual = outputs[name]
        _require(
            tuple(declared.shape[1:]) == tuple(actual.shape[1:]) and declared.dtype == actual.dtype,
            f"{name} is declared as {declared.shape} {declared.dtype} and comes out as "
            f"{actual.shape} {actual.dtype.name}",
        )


def _check_reloads(model, tensors):
    before = model(tensors, training=False)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        after = keras.models.load_model(path)(tensors, training=False)
    _same({"y": before}, {"y": after}, "saved and loaded")


def _present(preprocessor, tensors):
    return np.asarray(preprocessor.present(tensors))


def _same(expected, actual, when):
    for name in expected:
        same = np.allclose(expected[name], actual[name], rtol=TOLERANCE, atol=TOLERANCE)
        _require(same, f"{name} is another {when}")


def _require(condition, sentence):
    if not condition:
        raise AssertionError(sentence)
