import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk

NAMED = ["vgg16_lstm", "resnet50_bert"]  # each encoder and each kind of text
WORDS = ["a", "red", "blue", "circle"]
# Everything that the exported graphs are made of: operations of TensorFlow's own library. A new
# one may be added here when it is a core operation, and never one of TF-Text or of Python.
ALLOWED_OPS = set((pathlib.Path(__file__).parent / "allowed_ops.txt").read_text().split())
ASK = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
asked = json.load(sys.stdin)
columns = {name: tf.constant([bytes.fromhex(x) for x in values]) for name, values in asked.items()}
answer = model.signatures["serving_default"](**columns)
print(json.dumps({
    "label": [x.decode() for x in answer["label"].numpy()],
    "probabilities": answer["probabilities"].numpy().tolist(),
    "modules": sorted({"fusionkeras", "keras_hub", "tensorflow_text"} & set(sys.modules)),
}))
"""


def branches_of(name, preset):
    picture, text = name.split("_")
    return [
        fk.image_branch(picture, weights=None, image_size=(32, 32)),
        fk.lstm_branch(WORDS, 8) if text == "lstm" else fk.bert_branch(preset, 12),
    ]


def served(branches, names=("ham", "spam", "ß")):
    model = fk.build_classifier(branches, num_classes=len(names))
    return fk.end_to_end(model, fk.build_preprocessor(branches), list(names))


@pytest.fixture
def tiny():
    """The model whose export is quickest."""
    return served([fk.lstm_branch(WORDS, 8, units=4)])


def ask_elsewhere(folder, columns):
    """Asks in a process that imports nothing but TensorFlow."""
    asked = {name: [x.hex() for x in values.numpy()] for name, values in columns.items()}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(folder)],
        input=json.dumps(asked), capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_named_systems_answer_where_only_tensorflow_is(name, preset, rows, tmp_path):
    serving = served(branches_of(name, preset))
    version = fk.export(serving, tmp_path / "posts", verify=False)
    columns = {
        "image": tf.concat([rows["image"], [b"", b"broken", rows["image"][0]]], 0),
        "text": tf.concat([rows["text"], ["red", "[SEP] café \U0001f600", b"\xff\xfe red"]], 0),
    }
    answer = ask_elsewhere(version, columns)
    expected = serving(columns)
    assert answer["modules"] == []
    assert answer["label"] == [x.decode() for x in expected["label"].numpy()]
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], atol=1e-4)
    assert ops_of(version) - ALLOWED_OPS == set()


def ops_of(version):
    signatures = tf.saved_model.load(str(version)).signatures
    asked = ("serving_default", "embed", "explain")
    graphs = [signatures[name].graph.as_graph_def() for name in asked]
    functions = [function.node_def for graph in graphs for function in graph.library.function]
    return {node.op for nodes in [*functions, *(graph.node for graph in graphs)] for node in nodes}


@pytest.mark.slow
def test_versions_count_up_and_are_never_overwritten(tiny, tmp_path):
    folder = tmp_path / "posts"
    options = {"verify": False, "explain": False}
    assert fk.export(tiny, folder, **options).name == "1"
    assert fk.export(tiny, folder, version=9, **options).name == "9"
    assert fk.export(tiny, folder, **options).name == "10"
    before = (folder / "9" / "saved_model.pb").stat().st_mtime_ns
    with pytest.raises(ValueError, match="Version 9 of .* is there already.*write version 11"):
        fk.export(tiny, folder, version=9)
    assert (folder / "9" / "saved_model.pb").stat().st_mtime_ns == before
    assert sorted(x.name for x in folder.iterdir() if x.is_dir()) == ["1", "10", "9"]
    (folder / "11").mkdir()  # half copied: no saved_model.pb
    assert fk.load(folder).class_names == ["ham", "spam", "ß"]


def test_a_failure_leaves_nothing_half_written(tiny, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="disk full"):
        fk.export(tiny, tmp_path / "posts", explain=False, verify=False)
    assert os.listdir(tmp_path / "posts") == []


def test_only_an_end_to_end_model_is_exported(tmp_path):
    model = fk.build_classifier([fk.lstm_branch(WORDS, 8)])
    with pytest.raises(TypeError, match="does not take raw columns.*Call fk.end_to_end"):
        fk.export(model, tmp_path / "posts")
    assert not (tmp_path / "posts").exists()


def test_an_exported_folder_is_not_exported_again(posts, tmp_path):
    with pytest.raises(TypeError, match="a Keras model"):
        fk.export(fk.load(posts.folder), tmp_path / "again")


# Loading and asking


def forms_of(posts, folder):
    """The same model in every form that `load` reads."""
    posts.serving.save(folder / "x.keras")
    (folder / "run").mkdir()
    posts.serving.save(folder / "run" / "model.keras")
    return [folder / "x.keras", folder / "run", posts.folder, posts.version]


@pytest.mark.slow
def test_every_form_answers_alike(posts, png, tmp_path):
    (tmp_path / "a.png").write_bytes(png)
    rows = [
        {"image": str(tmp_path / "a.png"), "text": "a red circle"},
        {"image": png, "text": b"a red circle"},
        {"image": tmp_path / "a.png", "text": None},
        {"text": "blue"},
    ]
    answers = [fk.predict(fk.load(form), rows) for form in forms_of(posts, tmp_path)]
    first = answers[0]
    assert first[0] == first[1] and first[0] != first[2]
    for answer in answers:
        for one, other in zip(answer, first, strict=True):
            assert one["label"] == other["label"] and list(one["probabilities"]) == [
                "ham",
                "spam",
                "ß",
            ]
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-6)
            assert one["probability"] == max(one["probabilities"].values())
            assert one["used"] == other["used"]
    assert [x["used"] for x in first[2:]] == [
        {"image": True, "text": False},
        {"image": False, "text": True},
    ]


@pytest.mark.slow
def test_one_row_is_answered_by_one_dict(posts, png):
    small = posts.serving
    one = fk.predict(small, {"image": png, "text": "red"})
    assert one == fk.predict(small, [{"image": png, "text": "red"}])[0]
    assert fk.predict(small, []) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"photo": b"x"}, "Unknown column 'photo'"),
        ({"image": None, "text": ""}, "There is nothing"),
    ],
)
def test_a_wrong_row_is_an_error(posts, row, message):
    with pytest.raises(ValueError, match=message):
        fk.predict(posts.serving, row)


def test_a_picture_that_is_not_there(posts):
    with pytest.raises(FileNotFoundError, match="nowhere.jpg"):
        fk.predict(posts.serving, {"image": "nowhere.jpg"})


def test_nothing_to_load(tmp_path):
    with pytest.raises(ValueError, match="There is no model here.*an exported folder"):
        fk.load(tmp_path)
