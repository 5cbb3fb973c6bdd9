"""Every task served, in every form, and where only TensorFlow is."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk

HEADS = {
    "kind": fk.ClassificationHead(2),
    "genres": fk.MultilabelHead(3),
    "price": fk.RegressionHead(50.0, 20.0),
    "stars": fk.OrdinalHead(4),
}
NAMES = {"kind": ["no", "yes"], "genres": ["a", "b", "ü"], "price": None, "stars": list("1234")}
TASKS = {name: head.task for name, head in HEADS.items()}
ROWS = [{"text": "a red circle"}, {"text": "blue"}, {"text": "red red"}]
ASK = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
answer = model.signatures["serving_default"](text=tf.constant(json.load(sys.stdin)))
print(json.dumps({
    "answer": {key: [x.decode() if isinstance(x, bytes) else x for x in tensor.numpy().tolist()]
               for key, tensor in answer.items()},
    "modules": sorted({"fusionkeras", "keras_hub", "tensorflow_text"} & set(sys.modules)),
}))
"""


def serving(heads, names, thresholds=None):
    branch = fk.lstm_branch(["red", "blue", "circle"], 4, units=4)
    model = fk.build_model([branch], heads=heads)
    return fk.end_to_end(model, fk.build_preprocessor([branch]), names, thresholds)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """An end-to-end model of four heads, and the folder of its version 1."""
    served = serving(HEADS, NAMES, {"genres": [0.1, 0.45, 0.9]})
    return served, fk.export(
        served, tmp_path_factory.mktemp("several"), explain=False, verify=False
    )


def assert_alike(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_alike(one[key], other[key])
    else:
        assert one == (other if isinstance(one, str) else pytest.approx(other, rel=1e-4))


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_one_head_in_every_form(name, tmp_path):
    served = serving(HEADS[name], NAMES[name], [0.1, 0.45, 0.9] if name == "genres" else None)
    served.save(tmp_path / "x.keras")
    forms = [
        tmp_path / "x.keras",
        fk.export(served, tmp_path / "posts", explain=False, verify=False),
    ]
    answers = [fk.predict(fk.load(form), ROWS) for form in forms]
    assert_alike(answers[0][0], answers[1][0])
    assert (
        list(answers[0][0])
        == {
            "kind": ["label", "probability", "probabilities", "used"],
            "genres": ["label", "probabilities", "used"],
            "price": ["value", "used"],
            "stars": ["label", "probability", "probabilities", "used"],
        }[name]
    )
    loaded = fk.load(forms[1])
    assert loaded.tasks == {"": HEADS[name].task} and loaded.class_names == NAMES[name]
    assert loaded.thresholds == (pytest.approx([0.1, 0.45, 0.9]) if name == "genres" else None)


@pytest.mark.slow
def test_several_heads_in_every_form(several):
    served, folder = several
    loaded = fk.load(folder)
    assert loaded.tasks == TASKS and loaded.class_names == NAMES
    assert loaded.thresholds == {"genres": pytest.approx([0.1, 0.45, 0.9])}
    rows = fk.predict(served, ROWS)
    assert set(rows[0]) == set(TASKS)
    for one, other in zip(rows, fk.predict(loaded, ROWS), strict=True):
        for head in TASKS:
            assert_alike(one[head], other[head])
    assert_alike(fk.predict(loaded, ROWS[1])["price"], rows[1]["price"])
    limits = {"a": 0.1, "b": 0.45, "ü": 0.9}
    expected = [x for x in limits if rows[0]["genres"]["probabilities"][x] > limits[x]]
    assert rows[0]["genres"]["label"] == "|".join(expected)


def test_what_it_says_of_itself(several):
    about = tf.saved_model.load(str(several[1])).signatures["about"](any=tf.constant(["", ""]))
    found = {key: tensor.numpy().tolist() for key, tensor in about.items()}
    assert all(first == second for first, second in found.values())
    found = {key: first for key, (first, _) in found.items()}
    assert found.pop("genres_thresholds") == pytest.approx([0.1, 0.45, 0.9])
    assert found == {
        "class_names": [],
        "files": [],
        "tasks": [b"genres:multilabel", b"kind:classification", b"price:regression",
                  b"stars:ordinal"],
        "kind_class_names": [b"no", b"yes"],
        "genres_class_names": [b"a", b"b", "ü".encode()],
        "price_class_names": [],
        "stars_class_names": [b"1", b"2", b"3", b"4"],
    }  # fmt: skip


def test_a_classifier_is_exported_as_it_always_was(tmp_path):
    folder = fk.export(serving(HEADS["kind"], NAMES["kind"]), tmp_path, explain=False, verify=False)
    about = tf.saved_model.load(str(folder)).signatures["about"](any=tf.constant([""]))
    assert about["class_names"].numpy().tolist() == [[b"no", b"yes"]]
    assert set(about) == {"class_names", "files", "tasks"}


@pytest.mark.slow
def test_several_heads_where_only_tensorflow_is(several):
    served, folder = several
    texts = [row["text"] for row in ROWS]
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(folder)],
        input=json.dumps(texts), capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["modules"] == []
    expected = served({"text": tf.constant(texts)})
    assert found["answer"].pop("text_used") == [True] * 3
    assert set(found["answer"]) == set(expected)
    for key, tensor in expected.items():
        if tensor.dtype == tf.string:
            assert found["answer"][key] == [x.decode() for x in tensor.numpy()]
        else:
            np.testing.assert_allclose(found["answer"][key], tensor, rtol=1e-4)


def test_core_operations_only(several):
    graph = tf.saved_model.load(str(several[1])).signatures["serving_default"].graph.as_graph_def()
    functions = [node for function in graph.library.function for node in function.node_def]
    allowed = (pathlib.Path(__file__).parent / "allowed_ops.txt").read_text().split()
    assert sorted({node.op for node in [*graph.node, *functions]} - set(allowed)) == []
