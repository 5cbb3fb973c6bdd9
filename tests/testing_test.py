"""The conformance checks find what they are there to find."""

import keras
import pytest
import tensorflow as tf
from keras import ops

import fusionkeras as fk
from fusionkeras.testing import check_branch, check_fusion, check_preprocessor

TEXTS = {"text": ["a", "b a"]}


class Wrong(fk.WordIds):
    """A preprocessor with one fault, by name."""

    fault = None

    def __init__(self, **kwargs):
        super().__init__(["a", "b"], 3, **kwargs)

    def transform(self, columns):
        ids = super().transform(columns)["text_token_ids"]
        if self.fault == "order":
            ids = tf.cumsum(ids)
        return {"text_token_ids": ids[:, :2] if self.fault == "shape" else ids}

    def present(self, tensors):
        present = super().present(tensors)
        return tf.ones_like(present) if self.fault == "present" else present


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("order", "text_token_ids is another mapped row by row"),
        ("shape", "text_token_ids is declared as .* and comes out as"),
        ("present", "a row of empty strings counts as present"),
    ],
)
def test_a_faulty_preprocessor(fault, sentence):
    preprocessor = Wrong()
    preprocessor.fault = fault
    with pytest.raises(AssertionError, match=sentence):
        check_preprocessor(preprocessor, TEXTS)


def branch(outputs):
    ids = keras.Input((3,), name="text_token_ids", dtype="int32")
    x = ops.one_hot(ids, 4)
    good = {"pooled_output": ops.sum(x, axis=1), "present": ops.any(ids != 0, axis=-1)}
    encoder = keras.Model(ids, {**good, **outputs(ids, x)}, name="text_encoder")
    return fk.Branch("text", encoder, fk.WordIds(["a", "b"], 3))


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        (lambda ids, x: {"present": ops.all(ids != -1, axis=-1)}, "takes an empty row for present"),
        (lambda ids, x: {"sequence_output": x}, "there is a sequence without padding_mask"),
        (lambda ids, x: {"present": ids[:, 0]}, "present is not bool"),
        (lambda ids, x: {"pooled_output": x[:, 0] / ops.any(ids != 0)}, "is not finite"),
    ],
)
def test_a_faulty_branch(outputs, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_branch(branch(outputs), TEXTS)


class Leaky(keras.layers.Layer):
    def call(self, features):
        return ops.concatenate([part["pooled_output"] for part in features.values()], axis=-1)


class Mixing(fk.Concat):
    def fuse(self, features):
        return ops.cumsum(super().fuse(features), axis=0)


@pytest.mark.parametrize(
    ("fusion", "sentence"),
    [
        (Leaky(), "with other contents in absent branches"),
        (Mixing(4), "with its rows turned round"),
    ],
)
def test_a_faulty_fusion(fusion, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_fusion(fusion)
