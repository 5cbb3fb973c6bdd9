"""Texts to WordPiece ids, for BERT and its kin."""

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.preprocessing.base import Preprocessor
from fusionkeras.preprocessing.wordpiece import character_table, match_pieces, split_words

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


@keras.saving.register_keras_serializable("fusionkeras")
class WordPieceTokens(Preprocessor):
    """Tokenizes texts as BERT does: `[CLS]`, pieces of words, `[SEP]`, padding.

    A text is cleaned (control characters dropped), cut at white space, around punctuation and Han
    characters, and with `lowercase` loses case and accents. Each word becomes the longest piece
    of the vocabulary that begins it, then the longest "##" piece that goes on, and so forth; a
    word that cannot be matched to its end, or of more than 100 characters, becomes one `[UNK]`.

    The ids are those of `tokenizers.BertWordPieceTokenizer(vocab, lowercase=lowercase)`, which
    the checkpoints were made for, with these differences:

    - A text without a token (empty, white space, control characters) is all padding: it is
      absent. The reference gives `[CLS] [SEP]`.
    - Special tokens within a text ("[SEP]") are ordinary text, so nobody can write them.
    - With `lowercase`, two neighbouring combining characters that are not nonspacing marks to
      the reference (such as U+302E and U+1B44) are not put into canonical order. It shows only
      where the vocabulary has pieces with both.

    Args:
        vocabulary: list of str, in the order of the checkpoint's `vocab.txt`: the id of an entry
            is its place. Must contain `[PAD]`, `[UNK]`, `[CLS]` and `[SEP]`.
        sequence_length: int, the number of ids a row; longer texts are cut at their end.
        lowercase: bool, whether case and accents are folded (an "uncased" checkpoint).
        column: str, the raw column with the texts.
        output: str, the name of the tensor that comes out.

    Call arguments:
        columns: dict with `column`: string tensor of shape `(batch,)`, UTF-8. Bytes that are not
            UTF-8 are read as U+FFFD, which BERT drops.

    Returns:
        `{output: int32 tensor (batch, sequence_length)}`.

    Raises:
        ValueError: when the vocabulary lacks a special token, or `sequence_length` is below 3.
        TypeError: when the vocabulary is not a list of str.

    Example:
    >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "!"]
    >>> layer = WordPieceTokens(vocabulary, sequence_length=8)
    >>> layer({"text": tf.constant(["Unaffable!"])})["text_token_ids"].numpy().tolist()
    [[2, 4, 5, 6, 7, 3, 0, 0]]

    Reference:
        Devlin et al., "BERT", 2019, section 3; Wu et al., "Google's Neural Machine Translation
        System", 2016, section 4.1. *Differs from the paper*: in inference both cut greedily, but
        BERT marks the pieces that go on, where Wu et al. mark the one that begins a word.
    """

    def __init__(
        self,
        vocabulary,
        sequence_length=128,
        lowercase=True,
        column="text",
        output="text_token_ids",
        **kwargs,
    ):
        super().__init__(columns=[column], **kwargs)
        vocabulary = _check_vocabulary(vocabulary)
        self.vocabulary = vocabulary
        self.sequence_length = check_integer(
            "sequence length", minimum=3, sequence_length=sequence_length
        )
        self.lowercase = lowercase
        self.column = column
        self.output_name = output
        self.ids = {token: vocabulary.index(token) for token in SPECIAL_TOKENS}
        self.longest_piece = max(len(entry.removeprefix("##")) for entry in vocabulary)
        with tf.init_scope():
            self.table = _lookup_table(vocabulary)

    def transform(self, columns):
        """Maps `(batch,)` texts to `(batch, sequence_length)` ids."""
        _, pieces = self._split(columns)
        return {self.output_name: self._pack(pieces.merge_dims(1, 2))}

    def words(self, columns):
        """The words that are read, as they are cut, and which of them each id stands for.

        Args:
            columns: as in a call, of a batch.

        Returns:
            `(words, places)`: string `(batch, sequence_length)`, "" behind the last; int32 of the
            same shape, the place of an id's word, -1 for padding, `[CLS]` and `[SEP]`.
        """
        words, pieces = self._split(columns)
        first = tf.gather(words.row_starts(), words.value_rowids())
        own = tf.range(tf.size(first, out_type=first.dtype)) - first
        places = pieces.with_flat_values(tf.gather(own, pieces.values.value_rowids()))
        places = tf.cast(places.merge_dims(1, 2), tf.int32)
        places = places.to_tensor(-1, shape=(None, self.sequence_length - 2))
        places = tf.pad(places, [[0, 0], [1, 1]], constant_values=-1)
        words = words.to_tensor("", shape=(None, self.sequence_length))
        read = tf.range(self.sequence_length) <= tf.reduce_max(places, axis=1, keepdims=True)
        return tf.where(read, words, ""), places

    def _split(self, columns):
        """Words `(batch, None)`, and their pieces `(batch, None, None)`."""
        # Each word gives a piece or more, so no word behind these can reach the output.
        max_words = self.sequence_length - 2
        words = split_words(columns[self.column], character_table(self.lowercase), max_words)
        unique, places = tf.unique(words.flat_values)
        pieces = match_pieces(unique, self.table.lookup, self.ids["[UNK]"], self.longest_piece)
        return words, words.with_values(tf.gather(pieces, places))

    def output_specs(self):
        """One int32 tensor of ids."""
        return {self.output_name: ((self.sequence_length,), "int32")}

    def present(self, tensors):
        """A text is there unless it is all padding."""
        return tf.reduce_any(tensors[self.output_name] != self.ids["[PAD]"], axis=-1)

    def get_config(self):
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "vocabulary": list(self.vocabulary),
            "sequence_length": self.sequence_length,
            "lowercase": self.lowercase,
            "column": self.column,
            "output": self.output_name,
        }

    def _pack(self, pieces):
        """Puts `[CLS]` before and `[SEP]` behind the pieces of a row, unless it has none."""
        padding, start, end = (self.ids[token] for token in ("[PAD]", "[CLS]", "[SEP]"))
        pieces = pieces[:, : self.sequence_length - 2]
        lengths = tf.cast(pieces.row_lengths(), tf.int32)[:, None]
        inner = pieces.to_tensor(padding, shape=(None, self.sequence_length - 2))
        ids = tf.pad(inner, [[0, 0], [1, 1]], constant_values=padding)
        places = tf.range(self.sequence_length)
        ids = tf.where(places == 0, start, tf.where(places == lengths + 1, end, ids))
        return tf.where(lengths > 0, ids, padding)


def _check_vocabulary(vocabulary):
    if isinstance(vocabulary, str) or not all(isinstance(entry, str) for entry in vocabulary):
        raise argument_error(
            "Wrong vocabulary", "a list of str", kind=TypeError, vocabulary=vocabulary
        )
    vocabulary = list(vocabulary)
    missing = [token for token in SPECIAL_TOKENS if token not in vocabulary]
    if missing:
        raise argument_error(
            f"The vocabulary lacks the special token {missing[0]!r}",
            f"a list that contains {list(SPECIAL_TOKENS)}",
            "Read it from the checkpoint's vocab.txt, one entry a line.",
            vocabulary=vocabulary,
        )
    return vocabulary


def _lookup_table(vocabulary):
    # Where an entry stands twice, the reference gives the id of the last.
    ids = {entry: place for place, entry in enumerate(vocabulary)}
    initializer = tf.lookup.KeyValueTensorInitializer(
        tf.constant(list(ids)), tf.constant(list(ids.values()), tf.int32)
    )
    return tf.lookup.StaticHashTable(initializer, default_value=-1)
