import numpy as np
import pytest

from fusionkeras.audit import audit
from fusionkeras.audit.lengths import TextLength
from fusionkeras.branches import lstm_branch
from fusionkeras.models import build_preprocessor
from fusionkeras.preprocessing.bert import WordPieceTokens
from fusionkeras.preprocessing.text import WordIds

TEXTS = {"columns": {"text": "caption"}, "files": ()}


def rows_of(finding):
    return [place.row for place in finding.rows]


def test_empty_and_blank_texts(posts, find):
    posts.loc[[1, 3], "caption"] = ""
    posts.loc[2, "caption"] = " \t\n"
    found = find(posts, **TEXTS)
    assert {kind: rows_of(finding) for (kind, _), finding in found.items()} == {
        "empty_text": [1, 3],
        "blank_text": [2],
    }
    assert found["empty_text", "text"].share == 2 / 40
    assert found["empty_text", "text"].severity == "error"
    assert rows_of(find(posts, missing="allow")["empty_text", "text"]) == [1, 3]


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("control_characters", "a bell\x07 rings", "a bell\\x07 rings"),
        ("control_characters", "zero\x00byte", "zero\\x00byte"),
        ("mixed_encodings", "a cafÃ© here", "a cafÃ© here"),
        ("mixed_encodings", "itâ€™s", "itâ€™s"),
        ("mixed_encodings", "Ãœber", "Ãœber"),
        ("mixed_encodings", "was \ufffd once", "\ufffd"),
        ("mixed_encodings", "ï»¿begin", "begin"),
        ("html", "one<br>two", "one<br>two"),
        ("html", "one <BR /> two", "<BR />"),
        ("html", 'see <a href="x">this</a>', '<a href="x">'),
        ("html", "salt &amp; pepper", "&amp;"),
        ("html", "a&#39;b", "&#39;"),
        ("html", "a&nbsp;b", "&nbsp;"),
    ],
)
def test_what_no_reader_was_meant_to_see(posts, find, kind, text, shown):
    posts.loc[7, "caption"] = text
    found = find(posts, **TEXTS)
    assert set(found) == {(kind, "text")}
    assert rows_of(found[kind, "text"]) == [7] and shown in found[kind, "text"].detail


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines\tand a tab\r\n", "naïve café, SÃO PAULO, Ângela", "a < b and c > d",
        "AT&T; R&D", "&nonsense; of a <made up> kind", "猫 и кот", "x <3 y", "100 € – “quoted”",
    ],
)  # fmt: skip
def test_what_is_fine(posts, find, text):
    posts.loc[7, "caption"] = text
    assert find(posts, **TEXTS) == {}


def test_texts_that_are_cut(posts, find):
    posts.loc[[4, 35], "caption"] = [
        "one two three four five",
        "eins, zwei; drei (vier) fünf sechs",
    ]
    assert find(posts, **TEXTS) == {}
    finding = find(posts, sequence_length=4, **TEXTS)["text_too_long", "text"]
    assert (finding.count, finding.share, rows_of(finding)) == (2, 2 / 40, [4, 35])
    assert finding.detail == (
        "cut after 4 words; half of the texts have at most 4, 95 % at most 4, the longest 6"
    )
    assert find(posts, sequence_length={"text": 5}, **TEXTS)["text_too_long", "text"].count == 1
    assert find(posts, sequence_length=6, **TEXTS) == {}


def test_texts_are_counted_in_the_tokens_of_a_preprocessor(posts, find):
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "this", "is", "num", "##ber", "##s"]
    tokens = WordPieceTokens(vocabulary, sequence_length=8)
    posts.loc[9, "caption"] = "this is numbers 1 2"  # 7 pieces and [CLS], [SEP]
    found = find(posts, preprocessor=tokens, **TEXTS)
    assert rows_of(found["text_too_long", "text"]) == [9]
    assert "cut after 8 tokens" in found["text_too_long", "text"].detail
    assert find(posts, preprocessor=tokens, sequence_length=9, **TEXTS) == {}


def test_a_joint_preprocessor_tells_for_its_columns(posts, find):
    joint = build_preprocessor([lstm_branch(["this", "is"], sequence_length=3)])
    finding = find(posts, preprocessor=joint)["text_too_long", "text"]
    assert finding.count == 40 and "cut after 3 tokens" in finding.detail


def test_lengths_are_those_of_the_preprocessors():
    texts = ["", "one", "one two, three", "one"]
    assert TextLength(2).count(texts).tolist() == [0, 1, 3, 1]
    assert TextLength(2, WordIds(["one"], 2)).count(texts).tolist() == [0, 1, 3, 1]
    long = TextLength(2, WordIds(["one"], 2))
    assert long.shown(long.count(["one " * 5000]).max()) == "4,096 or more"
    assert TextLength(2).shown(5000) == "5,000"


def test_wrong_arguments(posts, read_posts):
    data = read_posts(posts, **TEXTS)
    with pytest.raises(TypeError, match="Wrong type for the sequence length"):
        audit(data, sequence_length="64")
    with pytest.raises(ValueError, match="The sequence length is too small"):
        audit(data, sequence_length=0)
    with pytest.raises(ValueError, match="'title' is no column of texts. Expected columns among"):
        audit(data, sequence_length={"title": 3})
    with pytest.raises(TypeError, match="Wrong type of preprocessor. Expected what build_prepro"):
        audit(data, preprocessor=np.array(3))
