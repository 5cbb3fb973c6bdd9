"""The signature `explain`: what Python says, in core operations, and no row disturbs others."""

import json

import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.data import raw_batches
from fusionkeras.export.examples import PLACE

NUMBERS = ["image_heat", "text_weights", "image_shapley", "text_shapley", "score", "baseline"]


@pytest.fixture(scope="module")
def explain(posts):
    return tf.saved_model.load(str(posts.version)).signatures["explain"]


@pytest.fixture(scope="module")
def columns(posts):
    return next(iter(raw_batches(posts.table, 3)))


def test_names_shapes_and_dtypes(explain):
    told = {
        name: (spec.dtype.name, spec.shape.as_list())
        for name, spec in explain.structured_outputs.items()
    }
    assert told == {
        "image_heat": ("float32", [None, 2, 2]),
        "text_weights": ("float32", [None, 8]),
        "text_tokens": ("string", [None, 8]),
        "image_shapley": ("float32", [None]),
        "text_shapley": ("float32", [None]),
        "score": ("float32", [None]),
        "baseline": ("float32", [None]),
        "explained": ("string", [None]),
    }


@pytest.mark.slow
def test_it_says_what_python_says(posts):
    table = posts.table.take(np.arange(3))
    served, direct = fk.load(posts.version), fk.explain(posts.serving, table)
    found = fk.explain(served, table, batch_size=2)
    assert (found.classes, found.words) == (direct.classes, direct.words)
    for own, other in ((found.heat, direct.heat), (found.shapley, direct.shapley)):
        assert list(own) == list(other)
        for name in own:
            np.testing.assert_allclose(own[name], other[name], atol=1e-5)
    for one, other in zip(found.weights["text"], direct.weights["text"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    np.testing.assert_allclose(found.scores, direct.scores, atol=1e-5)


@pytest.mark.slow
def test_bad_rows_disturb_no_others(explain, columns):
    before = explain(**columns)
    bad = {
        "image": tf.concat([columns["image"][:1], [b"no picture"], columns["image"][2:]], axis=0),
        "text": tf.concat(
            [columns["text"][:1], [b"\xff" + b"red" * 99_999], columns["text"][2:]], 0
        ),
    }
    after = explain(**bad)
    for key in NUMBERS:
        np.testing.assert_array_equal(after[key].numpy()[[0, 2]], before[key].numpy()[[0, 2]])
    assert not after["image_heat"][1].numpy().any()
    assert len(after["text_tokens"][1, 0].numpy()) == 100


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(explain, columns, rows):
    found = explain(**{name: own[:rows] for name, own in columns.items()})
    assert {tensor.shape[0] for tensor in found.values()} == {rows}


@pytest.mark.slow
def test_it_is_compared_by_tensorflow_alone(posts, tmp_path):
    version = tmp_path / "1"
    tf.io.gfile.makedirs(str(version))
    for path in posts.version.rglob("*"):
        target = version / path.relative_to(posts.version)
        target.mkdir() if path.is_dir() else target.write_bytes(path.read_bytes())
    content = json.loads((version / PLACE).read_text("utf-8"))
    assert len(content["explained"]["answers"]["score"]) == 3
    content["explained"]["answers"]["text_shapley"][0] += 1
    (version / PLACE).write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match="otherwise than expected, in 'explain: text_shapley'"):
        fk.verify(version)


def heads_serving():
    branch = fk.lstm_branch(["red"], 2, embedding_dim=4, units=4)
    heads = {"kind": fk.ClassificationHead(3), "price": fk.RegressionHead(20.0, 5.0)}
    model = fk.build_model([branch], heads=heads)
    names = {"kind": ["a", "b", "c"], "price": None}
    return fk.end_to_end(model, fk.build_preprocessor([branch]), names)


@pytest.mark.slow
def test_several_heads_and_no_explanation(tmp_path):
    serving = heads_serving()
    version = fk.export(serving, tmp_path / "x", verify=False)
    served = fk.load(version)
    for head, label in (("kind", "a"), ("price", None)):
        one, other = (fk.explain(model, {"text": "red"}, head=head) for model in (served, serving))
        assert one.classes == other.classes and (one.classes == [None]) == (label is None)
        np.testing.assert_allclose(one.shapley["text"], other.shapley["text"], atol=1e-5)
        assert one.words == {"text": [["red"]]}
    with pytest.raises(ValueError, match="An exported model explains what it answers"):
        fk.explain(served, {"text": "red"}, head="kind", label="a")
    plain = fk.export(serving, tmp_path / "x", verify=False, explain=False)
    with pytest.raises(TypeError, match=r"does not explain itself.*Export it again, without quan"):
        fk.explain(fk.load(plain), {"text": "red"})
    with pytest.raises(ValueError, match=r"explain cannot be written.*Leave out quantize and fold"):
        fk.export(serving, tmp_path / "x", quantize="float16", explain=True)
