import os
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from fusionkeras import JointPreprocessor, WordIds
from fusionkeras.preprocessing.text import split_words
from fusionkeras.testing import check_preprocessor


def ids(texts, vocabulary=("red", "circle", "é"), length=4):
    layer = WordIds(list(vocabulary), length)
    return layer({"text": tf.constant(texts)})["text_token_ids"].numpy().tolist()


def test_ids_begin_at_two():
    assert ids(["Red  CIRCLE, red; blue red"]) == [[2, 3, 2, 1]]


def test_absent_texts_are_all_padding():
    assert ids(["", "  \n", "?!", "red"]) == [[0] * 4] * 3 + [[2, 0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't stop-now", ["don", "t", "stop", "now"]),
        ("ÉTÉ 2024", ["été", "2024"]),
        ("红色圆形 red", ["红", "色", "圆", "形", "red"]),
        ("हिन्दी שלום", ["हिन्दी", "שלום"]),
        ("a zero\0BYTE", ["a", "zero", "byte"]),
        ("TITLE İZMİR", ["title", "i\u0307zmi\u0307r"]),
    ],
)
def test_words(text, words):
    found = split_words(tf.constant([text])).to_list()[0]
    assert [word.decode() for word in found] == words


@pytest.mark.slow
def test_words_are_the_same_in_turkey():
    """What is trained on one machine is served on another."""
    texts = ["TITLE \u0130ZM\u0130R ISI"]
    code = (
        "import tensorflow as tf; from fusionkeras.preprocessing.text import split_words;"
        f"print(split_words(tf.constant({texts})).to_list())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "LC_ALL": "tr_TR.UTF-8"},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    here = split_words(tf.constant(texts)).to_list()
    assert found.strip() == str(here) and b"title" in here[0]


def test_hostile_texts_never_fail():
    texts = [b"\xff\xfe\x00red", b"\xf0\x28\x8c\x28", b"\0", b"red " * 250_000, b"x" * 1_000_000]
    assert ids(texts)[3] == [2, 2, 2, 2]


def test_conforms():
    check_preprocessor(WordIds(["red", "a"], 5), {"text": ["red", "a red blue dot is here"]})


def test_an_empty_vocabulary_knows_nothing():
    assert ids(["red"], vocabulary=()) == [[1, 0, 0, 0]]


def test_a_word_that_stands_twice_is_an_error():
    with pytest.raises(ValueError, match="holds the word 'a' more than once"):
        WordIds(["a", "b", "a"])


def test_a_string_is_no_vocabulary():
    with pytest.raises(TypeError, match="Wrong vocabulary. Expected a list of words"):
        WordIds("red circle")


def test_joint_runs_each_and_saves(tmp_path):
    parts = {
        "title": WordIds(["red"], 2, column="title", output="title_token_ids"),
        "text": WordIds(["blue"], 3),
    }
    joint = JointPreprocessor(parts)
    raw = {name: keras.Input((), dtype="string", name=name) for name in joint.columns}
    model = keras.Model(list(raw.values()), joint(raw))
    model.save(tmp_path / "x.keras")
    columns = {"title": tf.constant(["red"]), "text": tf.constant(["blue"])}
    for outputs in (joint(columns), keras.models.load_model(tmp_path / "x.keras")(columns)):
        assert outputs["title_token_ids"].numpy().tolist() == [[2, 0]]
        assert outputs["text_token_ids"].numpy().tolist() == [[2, 0, 0]]
    present = joint.present(joint({"title": tf.constant([""]), "text": tf.constant(["blue"])}))
    assert not present["title"][0] and present["text"][0]


def test_words_of_ids():
    layer = WordIds(["red"], sequence_length=3)
    words, places = layer.words({"text": tf.constant(["A RED dress, worn", "?!"])})
    assert words.numpy().tolist() == [[b"a", b"red", b"dress"], [b"", b"", b""]]
    assert places.numpy().tolist() == [[0, 1, 2], [-1, -1, -1]]
