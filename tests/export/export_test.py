import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk

NAMED = ["resnet50_lstm", "vgg16_lstm", "resnet50_bert", "vgg16_bert"]
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
def small():
    return served([fk.image_branch("small_cnn", image_size=(32, 32)), fk.lstm_branch(WORDS, 8)])


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
    version = fk.export(serving, tmp_path / "posts")
    columns = {
        "image": tf.concat([rows["image"], [b"", b"broken", rows["image"][0]]], 0),
        "text": tf.concat([rows["text"], ["red", "[SEP] café \U0001f600", b"\xff\xfe red"]], 0),
    }
    answer = ask_elsewhere(version, columns)
    expected = serving(columns)
    assert answer["modules"] == []
    assert answer["label"] == [x.decode() for x in expected["label"].numpy()]
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], atol=1e-4)
    assert not ops_of(version) - ALLOWED_OPS


def ops_of(version):
    graph = tf.saved_model.load(str(version)).signatures["serving_default"].graph.as_graph_def()
    functions = [node for function in graph.library.function for node in function.node_def]
    return {node.op for node in [*graph.node, *functions]}


def test_versions_count_up_and_are_never_overwritten(small, tmp_path):
    folder = tmp_path / "posts"
    assert [fk.export(small, folder).name for _ in range(2)] == ["1", "2"]
    assert fk.export(small, folder, version=9).name == "9"
    assert fk.export(small, folder).name == "10"
    before = (folder / "9" / "saved_model.pb").stat().st_mtime_ns
    with pytest.raises(ValueError, match="Version 9 of .* is there already.*write version 11"):
        fk.export(small, folder, version=9)
    assert (folder / "9" / "saved_model.pb").stat().st_mtime_ns == before
    assert sorted(os.listdir(folder)) == ["1", "10", "2", "9"]


def test_a_failure_leaves_nothing_half_written(small, tmp_path, monkeypatch):
    fk.export(small, tmp_path / "posts")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="disk full"):
        fk.export(small, tmp_path / "posts")
    assert os.listdir(tmp_path / "posts") == ["1"]


def test_signature(small, tmp_path):
    model = tf.saved_model.load(str(fk.export(small, tmp_path / "posts")))
    serving = model.signatures["serving_default"]
    inputs = serving.structured_input_signature[1]
    assert {name: (spec.dtype, spec.shape.rank) for name, spec in inputs.items()} == {
        "image": (tf.string, 1), "text": (tf.string, 1)
    }  # fmt: skip
    outputs = serving.structured_outputs
    assert outputs["label"].dtype == tf.string
    assert outputs["probabilities"].dtype == tf.float32
    assert outputs["probabilities"].shape.as_list() == [None, 3]


@pytest.mark.parametrize("batch", [1, 300])
def test_any_batch(small, tmp_path, batch, png):
    ask = fk.load(fk.export(small, tmp_path / "posts"))
    answer = ask({"image": tf.fill([batch], png), "text": tf.fill([batch], "red")})
    assert answer["probabilities"].shape == (batch, 3) and answer["label"].shape == (batch,)


def test_one_bad_picture_concerns_its_row_only(small, tmp_path, png):
    ask = fk.load(fk.export(small, tmp_path / "posts"))
    texts = tf.constant([f"red {i}" for i in range(8)])
    good = ask({"image": tf.fill([8], png), "text": texts})["probabilities"].numpy()
    pictures = tf.constant([png] * 3 + [png[: len(png) // 2]] + [png] * 4)
    mixed = ask({"image": pictures, "text": texts})["probabilities"].numpy()
    others = np.arange(8) != 3
    np.testing.assert_array_equal(mixed[others], good[others])
    assert not np.allclose(mixed[3], good[3])


def test_only_an_end_to_end_model_is_exported(tmp_path):
    model = fk.build_classifier([fk.lstm_branch(WORDS, 8)])
    with pytest.raises(TypeError, match="does not take raw columns.*Call fk.end_to_end"):
        fk.export(model, tmp_path / "posts")
    assert not (tmp_path / "posts").exists()


def test_an_exported_folder_is_not_exported_again(small, tmp_path):
    loaded = fk.load(fk.export(small, tmp_path / "posts"))
    with pytest.raises(TypeError, match="a Keras model"):
        fk.export(loaded, tmp_path / "again")


# Loading and asking


@pytest.fixture
def forms(small, tmp_path):
    """The same model in every form that `load` reads."""
    small.save(tmp_path / "x.keras")
    (tmp_path / "run").mkdir()
    small.save(tmp_path / "run" / "model.keras")
    version = fk.export(small, tmp_path / "posts")
    return [tmp_path / "x.keras", tmp_path / "run", tmp_path / "posts", version]


def test_every_form_answers_alike(small, forms, png, tmp_path):
    (tmp_path / "a.png").write_bytes(png)
    rows = [
        {"image": str(tmp_path / "a.png"), "text": "a red circle"},
        {"image": png, "text": b"a red circle"},
        {"image": tmp_path / "a.png", "text": None},
        {"text": "blue"},
    ]
    answers = [fk.predict(fk.load(form), rows) for form in forms]
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


def test_one_row_is_answered_by_one_dict(small, png):
    one = fk.predict(small, {"image": png, "text": "red"})
    assert one == fk.predict(small, [{"image": png, "text": "red"}])[0]
    assert fk.predict(small, []) == []


def test_the_last_version_is_loaded(small, tmp_path):
    for version in (2, 10):
        fk.export(small, tmp_path / "posts", version=version)
    (tmp_path / "posts" / "11").mkdir()  # half copied: no saved_model.pb
    assert fk.load(tmp_path / "posts").class_names == ["ham", "spam", "ß"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"photo": b"x"}, "Unknown column 'photo'"),
        ({"image": None, "text": ""}, "There is nothing"),
    ],
)
def test_a_wrong_row_is_an_error(small, row, message):
    with pytest.raises(ValueError, match=message):
        fk.predict(small, row)


def test_a_picture_that_is_not_there(small):
    with pytest.raises(FileNotFoundError, match="nowhere.jpg"):
        fk.predict(small, {"image": "nowhere.jpg"})


def test_nothing_to_load(tmp_path):
    with pytest.raises(ValueError, match="There is no model here.*an exported folder"):
        fk.load(tmp_path)
