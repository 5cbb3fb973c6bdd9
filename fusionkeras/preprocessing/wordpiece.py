"""BERT's tokenization as pure functions of tensors, in core TensorFlow ops.

First `split_words` cleans a text, folds its case and cuts it into words, by a table over code
points; then `match_pieces` cuts words into the pieces of a vocabulary.
"""

import functools
import itertools
import typing
import unicodedata

import numpy as np
import tensorflow as tf

# A longer word is unknown as a whole, whatever the vocabulary (BERT's own limit).
MAX_WORD_LENGTH = 100
# What a character does to the words around it.
DROPPED, SPACE, SPLIT, LETTER = range(4)
# Marks a place in a replacement, or a piece, that holds nothing.
NOTHING = -1

_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
# The reference leaves out U+2B820 to U+2B91F.
_CJK = "3400-4DBF 4E00-9FFF F900-FAFF 20000-2A6DF 2A700-2B81F 2B920-2CEAF 2F800-2FA1F"
# The reference knows the categories of Unicode 8 and so reads these, which are marks, punctuation
# or controls in some later version, as letters. Listed up to Unicode 18, whichever Python runs.
_YOUNG = """
5C8-5C9 61D 7FD 890-8E2 9FD-9FE A76 AFA-AFF B53-B55 C04-C3C C77 C84 D00 D3B-D3C D81 EBA ECE 180F
1885-1886 1ABF-1AF0 1B4E-1B4F 1B7D-1B7F 1DF6-1DFB 2E43-2E63 A82C A8C5 A8FF A9BD 105C9-105E4
10D24-10D27 10D69-10D6E 10EAB-10EFF 10F46-10F89 11070-11074 110C2-110CD 111CF 1123E-11241 1133B
11383-113E2 11438-1145E 11660-1166C 116B9 1182F-1183B 11938-11946 119D4-11AA2 11B00-11B09
11B60-11B66 11BE1 11C30-11CB6 11D31-11D47 11D90-11D97 11DF0 11EF3-11F5A 11FFF 12FF1-12FF2
13430-13455 1611E-1612F 16D68-16D6F 16E97-16E9A 16F4F 16FE2-16FE4 1CF00-1CF46 1D127-1D128
1D25B-1D25C 1E000-1E02A 1E08F 1E130-1E136 1E2AE-1E2EF 1E4EC-1E4EF 1E5EE-1E5FF 1E6E3-1E6F5
1E944-1E95F
"""
# Characters that were of another category in Unicode 8.
_ONCE_PUNCTUATION = frozenset("\u166d\U000111c9")
_ONCE_MARKS = frozenset("\u1734\U0001171e")
# Capitals of Unicode 16 and 17, which the reference lowers, by their distance to the small letter.
_YOUNG_CAPITALS = {
    "1C89 A7CC A7CE A7D2 A7D4 A7DA": 1,
    "A7CB": 0x264 - 0xA7CB,
    "A7DC": 0x19B - 0xA7DC,
    "10D50-10D65": 32,
    "16EA0-16EB8": 27,
}
# Outside of these nothing changes from one code point to the next: letters, unassigned ones among
# them, and in the last two planes, whose ends are listed, private use.
_SCANNED = (range(0x34000), range(0xE0000, 0xE1000), (0xF0000, 0xFFFFE, 0x100000, 0x10FFFE))


class CharacterTable(typing.NamedTuple):
    """What becomes of every code point, as runs of code points that are treated alike.

    Attributes:
        starts: int32 `(runs,)`, the first code point of each run, rising from 0.
        kinds: int32 `(runs,)`, one of `DROPPED`, `SPACE`, `SPLIT` (a word of its own), `LETTER`.
        shifts: int32 `(runs,)`, what to add to a code point to get its replacement.
        extras: int32 `(runs, 2)`, code points that follow the replacement, or `NOTHING`.
    """

    starts: np.ndarray
    kinds: np.ndarray
    shifts: np.ndarray
    extras: np.ndarray


@functools.cache
def character_table(lowercase):
    """Builds the table of BERT's normalisation, once a process (about half a second).

    Control characters, U+0000 and U+FFFD are dropped, white space becomes a space, Han characters
    and punctuation are words of their own. With `lowercase`, characters are first decomposed
    (NFD) and their nonspacing marks dropped.

    Args:
        lowercase: bool, whether case and accents are folded.

    Returns:
        A `CharacterTable`.
    """
    describe = _character_describer(lowercase)
    runs = []
    for code in itertools.chain(*_SCANNED):
        treatment = describe(code)
        if not runs or runs[-1][1] != treatment:
            runs.append((code, treatment))
    starts = np.array([start for start, _ in runs], np.int32)
    treatments = np.array([treatment for _, treatment in runs], np.int32)
    return CharacterTable(starts, treatments[:, 0], treatments[:, 1], treatments[:, 2:])


def _character_describer(lowercase):
    """Makes the function from a code point to its `(kind, shift, extra, extra)`."""
    young, cjk = set(_code_points(_YOUNG)), set(_code_points(_CJK))
    capitals = {
        code: chr(code + shift)
        for codes, shift in _YOUNG_CAPITALS.items()
        for code in _code_points(codes)
    }

    def describe(code):
        char = chr(code)
        kind = SPLIT if code in cjk else LETTER if code in young else _kind(char)
        if kind in (DROPPED, SPACE) or code in young:
            return kind, 0, NOTHING, NOTHING
        text = capitals.get(code) or _fold(char) if lowercase else char
        if text in (char, ""):
            return kind if text else DROPPED, 0, NOTHING, NOTHING
        if code not in cjk:  # it may decompose into punctuation, as "\u2260" does into "="
            kind = _kind(text[0])
        first, *extras = map(ord, text)
        return kind, first - code, *extras, *[NOTHING] * (2 - len(extras))

    return describe


def _code_points(ranges):
    for one in ranges.split():
        first, _, last = one.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def _kind(char):
    category = unicodedata.category(char)
    if char in "\t\n\r" or category[0] == "Z":
        return SPACE
    if category in ("Cc", "Cf", "Co") or char == "\ufffd":
        return DROPPED
    if category[0] == "P" or char in _ASCII_PUNCTUATION or char in _ONCE_PUNCTUATION:
        return SPLIT
    return LETTER


def _fold(char):
    """Decomposes, drops nonspacing marks and lowers, each character without its neighbours."""
    if char in _ONCE_MARKS:
        return ""
    if char in _ONCE_PUNCTUATION:
        return char
    parts = unicodedata.normalize("NFD", char)
    return "".join(part.lower() for part in parts if unicodedata.category(part) != "Mn")


def split_words(texts, table, max_words):
    """Normalises texts and cuts them into words.

    Args:
        texts: string tensor `(batch,)`, UTF-8; bytes that are not are dropped, as U+FFFD is.
        table: `CharacterTable`.
        max_words: int, how many words of each text are kept.

    Returns:
        A ragged string tensor `(batch, None)`. A word of more than `MAX_WORD_LENGTH` characters
        is cut somewhere behind that length.
    """
    decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
    codes, rows = decoded.flat_values, decoded.value_rowids()
    runs = tf.raw_ops.UpperBound(sorted_inputs=table.starts[None], values=codes[None])[0] - 1
    kinds = tf.gather(table.kinds, runs)
    # Without the dropped characters, those to their left and right are neighbours.
    kept = tf.where(kinds != DROPPED)[:, 0]
    codes, rows, runs, kinds = (tf.gather(part, kept) for part in (codes, rows, runs, kinds))
    # Cut before anything is replaced or made a string: a text of a megabyte stays cheap.
    words = _positions_of_words(kinds, rows, decoded.nrows())
    words = words[:, :max_words, : MAX_WORD_LENGTH + 1]
    codes, runs = (tf.gather(part, words.flat_values) for part in (codes, runs))
    words = words.with_flat_values(_replace(codes, runs, table)).merge_dims(2, 3)
    return tf.strings.unicode_encode(words, "UTF-8")


def _positions_of_words(kinds, rows, num_rows):
    """The positions of the characters of each word of each row, `(batch, None, None)` ragged."""
    kinds_before = tf.concat([[SPACE], kinds], axis=0)[:-1]
    rows_before = tf.concat([[-1], rows], axis=0)[:-1]
    alone = (kinds_before != LETTER) | (rows_before != rows)
    begins = (kinds == SPLIT) | ((kinds == LETTER) & alone)
    word = tf.cumsum(tf.cast(begins, tf.int64)) - 1
    solid = tf.where(kinds != SPACE)[:, 0]
    rows_of_words = tf.boolean_mask(rows, begins)
    num_words = tf.size(rows_of_words, out_type=tf.int64)
    words = _group(solid, tf.gather(word, solid), num_words)
    return _group(words, rows_of_words, num_rows)


def _group(values, groups, num_groups):
    return tf.RaggedTensor.from_value_rowids(values, groups, num_groups, validate=False)


def _replace(codes, runs, table):
    """Replaces every code point by one or more: int32 `(n,)` to ragged int32 `(n, None)`."""
    firsts = codes + tf.gather(table.shifts, runs)
    places = tf.concat([firsts[:, None], tf.gather(table.extras, runs)], axis=1)
    filled = places != NOTHING
    lengths = tf.math.count_nonzero(filled, axis=1)
    return tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(places, filled), lengths, validate=False
    )


def match_pieces(words, lookup, unknown_id, longest_piece):
    """Cuts words into pieces, from the left and each time the longest that the vocabulary has.

    A piece that does not begin its word stands in the vocabulary with "##" in front. A word with
    a part that no piece matches is one unknown piece.

    Args:
        words: string tensor `(n,)`, UTF-8, none empty.
        lookup: function from a string tensor to int32 ids, negative where there is none.
        unknown_id: int, the id of an unknown word.
        longest_piece: int, characters in the longest entry of the vocabulary.

    Returns:
        A ragged int32 tensor `(n, None)` of ids.
    """
    whole = lookup(words)
    too_long = tf.strings.length(words, "UTF8_CHAR") > MAX_WORD_LENGTH
    whole = tf.where(too_long, NOTHING, whole)
    open_words = tf.where(~too_long & (whole < 0))[:, 0]
    done = tf.where(too_long | (whole >= 0))[:, 0]
    _, _, _, owners, pieces = tf.while_loop(
        lambda rests, *_: tf.size(rests) > 0,
        functools.partial(_match_one_piece, lookup, longest_piece),
        [tf.gather(words, open_words), open_words, "", done, tf.gather(whole, done)],
        shape_invariants=[tf.TensorShape(shape) for shape in ([None], [None], [], [None], [None])],
    )
    return _gather_pieces(owners, pieces, tf.size(words, out_type=tf.int64), unknown_id)


def _match_one_piece(lookup, longest_piece, rests, open_words, prefix, owners, pieces):
    """Takes one piece off every word that is still open; `NOTHING` where none matches."""
    lengths = tf.strings.length(rests, "UTF8_CHAR")
    sizes = tf.range(tf.minimum(longest_piece, tf.reduce_max(lengths)), 0, -1)
    heads = tf.strings.substr(rests[:, None], tf.zeros_like(sizes), sizes, "UTF8_CHAR")
    ids = lookup(prefix + heads)
    best = tf.argmax(ids >= 0, axis=1)  # the first that is found, so the longest
    piece = tf.gather(ids, best, batch_dims=1)
    taken = tf.minimum(tf.gather(sizes, best), lengths)
    left = tf.where((piece >= 0) & (taken < lengths))[:, 0]
    rests, after = tf.gather(rests, left), tf.gather(taken, left)
    rests = tf.strings.substr(rests, after, tf.fill(tf.shape(after), MAX_WORD_LENGTH), "UTF8_CHAR")
    owners = tf.concat([owners, open_words], axis=0)
    pieces = tf.concat([pieces, piece], axis=0)
    return rests, tf.gather(open_words, left), "##", owners, pieces


def _gather_pieces(owners, pieces, num_words, unknown_id):
    """Groups pieces by their words; what was found of a word that failed is dropped."""
    worst = tf.math.unsorted_segment_min(pieces, owners, num_words)
    failed = tf.gather(worst, owners) < 0
    kept = tf.where(~failed | (pieces < 0))[:, 0]
    owners, pieces = tf.gather(owners, kept), tf.gather(pieces, kept)
    order = tf.argsort(owners, stable=True)
    pieces = tf.where(pieces < 0, unknown_id, pieces)
    return _group(tf.gather(pieces, order), tf.gather(owners, order), num_words)
