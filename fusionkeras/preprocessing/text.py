"""Texts to word ids, for encoders that learn their own words."""

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.preprocessing.base import Preprocessor

# Id 0 is padding, 1 an unknown word; word k of the vocabulary is k + 2.
PADDING_ID, UNKNOWN_ID, RESERVED_IDS = 0, 1, 2


@keras.saving.register_keras_serializable("fusionkeras")
class WordIds(Preprocessor):
    """Splits texts into lower-case words and looks each up in a vocabulary.

    Words are runs of letters and digits of any script; every Han character is a word of its own.
    Invalid UTF-8 is read with U+FFFD. A text without a word is all padding: it is absent.

    Args:
        vocabulary: list of str, most frequent first. Id 0 is padding, 1 an unknown word, word k
            of the list is k + 2.
        sequence_length: int, the number of ids a row; longer texts are cut at their end.
        column: str, the raw column with the texts.
        output: str, the name of the tensor that comes out.

    Call arguments:
        columns: dict with `column`: string tensor of shape `(batch,)`, UTF-8.

    Returns:
        `{output: int32 tensor (batch, sequence_length)}`.

    Example:
    >>> layer = WordIds(["red", "circle"], sequence_length=4)
    >>> layer({"text": tf.constant(["A red circle!"])})["text_token_ids"].numpy().tolist()
    [[1, 2, 3, 0]]
    """

    edition = 2  # 1 ended at a zero byte, and had another I where the locale was Turkish

    def __init__(
        self, vocabulary, sequence_length=64, column="text", output="text_token_ids", **kwargs
    ):
        super().__init__(columns=[column], **kwargs)
        self.vocabulary = check_vocabulary(vocabulary)
        self.sequence_length = check_integer("sequence length", sequence_length=sequence_length)
        self.column = column
        self.output_name = output
        with tf.init_scope():
            self.table = _lookup_table(self.vocabulary)

    def transform(self, columns):
        """Maps `(batch,)` texts to `(batch, sequence_length)` ids."""
        ids = tf.ragged.map_flat_values(self.table.lookup, split_words(columns[self.column]))
        padded = ids.to_tensor(PADDING_ID, shape=(None, self.sequence_length))
        return {self.output_name: padded}

    def output_specs(self):
        """One int32 tensor of ids."""
        return {self.output_name: ((self.sequence_length,), "int32")}

    def words(self, columns):
        """The words that are read, as they are looked up, and which of them each id stands for.

        Args:
            columns: as in a call, of a batch.

        Returns:
            `(words, places)`: string `(batch, sequence_length)`, "" behind the last; int32 of the
            same shape, the place of an id's word, -1 for padding.
        """
        words = split_words(columns[self.column])
        words = words.to_tensor("", shape=(None, self.sequence_length))
        return words, tf.where(words == "", -1, tf.range(self.sequence_length))

    def present(self, tensors):
        """A text is there unless it is all padding."""
        return tf.reduce_any(tensors[self.output_name] != PADDING_ID, axis=-1)


def split_words(texts):
    """Splits `(batch,)` UTF-8 texts into a ragged tensor `(batch, None)` of lower-case words."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    # TensorFlow's lower case ends at a zero byte, and its I is the dotless one where the locale of
    # the process is Turkish.
    for written, read in ((r"\x00", " "), ("I", "i"), ("\u0130", "i\u0307")):
        texts = tf.strings.regex_replace(texts, written, read)
    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, r"\p{Han}", r" \0 ")
    return tf.strings.split(tf.strings.regex_replace(texts, r"[^\pL\pM\pN]+", " "))


def check_vocabulary(vocabulary):
    """Raises unless `vocabulary` is a list of distinct words; returns it as a list."""
    ordered = isinstance(vocabulary, (list, tuple, np.ndarray))
    if not ordered or not all(isinstance(word, str) and word for word in vocabulary):
        raise argument_error(
            "Wrong vocabulary", "a list of words", kind=TypeError, vocabulary=vocabulary
        )
    vocabulary = [str(word) for word in vocabulary]
    if len(set(vocabulary)) < len(vocabulary):
        twice = next(word for word in vocabulary if vocabulary.count(word) > 1)
        raise argument_error(
            f"The vocabulary holds the word {twice!r} more than once",
            "distinct words",
            "Remove the second one.",
            vocabulary=vocabulary,
        )
    return vocabulary


def _lookup_table(vocabulary):
    # An empty vocabulary is allowed (every word is unknown), an empty table is not.
    keys = tf.constant([*vocabulary, ""])
    ids = tf.range(RESERVED_IDS, RESERVED_IDS + len(vocabulary), dtype=tf.int32)
    values = tf.concat([ids, [UNKNOWN_ID]], axis=0)
    initializer = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(initializer, default_value=UNKNOWN_ID)
