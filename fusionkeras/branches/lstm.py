"""Texts by word embeddings and a recurrent network."""

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_choice, check_integer, check_rate
from fusionkeras.branches.base import Branch, at_least_one_step
from fusionkeras.branches.word_dropout import WordDropout
from fusionkeras.branches.word_vectors import read_word_vectors
from fusionkeras.preprocessing.text import (
    PADDING_ID,
    RESERVED_IDS,
    UNKNOWN_ID,
    WordIds,
    check_vocabulary,
)

CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def lstm_branch(
    vocabulary=None,
    sequence_length=64,
    vocabulary_size=None,
    embedding_dim=None,
    units=128,
    cell="lstm",
    bidirectional=False,
    dropout=0.0,
    word_vectors=None,
    trainable=True,
    name="text",
    column=None,
    word_dropout=0.0,
):
    """A branch that reads texts word by word: Embedding + LSTM (or GRU).

    `pooled_output` is the state after the last real word, `sequence_output` the state after
    every word. An all-padding row still runs one step, because a recurrent network over nothing
    has crashed cuDNN; `present` tells that there was no text.

    Args:
        vocabulary: list of str, most frequent first, such as `learn_vocabulary` returns.
        sequence_length: int, the number of words read.
        vocabulary_size: int, the number of ids, padding and unknown included; instead of
            `vocabulary`, for a model that takes arrays of ids only.
        embedding_dim: int, the width of a word's vector; 128, or that of `word_vectors`.
        units: int, the width of the state.
        cell: `"lstm"` or `"gru"`.
        bidirectional: bool, whether a second network reads from the end; doubles the width.
        dropout: float in [0, 1), share of the numbers in the words' vectors dropped in training.
        word_vectors: path of a GloVe, word2vec-text or FastText `.vec` file with which the words
            that it holds begin; the share found is printed.
        trainable: bool, whether the encoder learns.
        name: str, the name of the branch; its input is `<name>_token_ids`.
        column: str, the raw column with the texts; by default `name`.
        word_dropout: float in [0, 1), share of the words that count as unknown in training, never
            all of a text.

    Returns:
        A `Branch` with the input `<name>_token_ids`: int32 `(batch, sequence_length)`, 0 is
        padding, at the end.

    Raises:
        ValueError: unless exactly one of `vocabulary` and `vocabulary_size` is given, or when
            `embedding_dim` is not the width of `word_vectors`.

    Example:
        >>> branch = lstm_branch(["red", "circle"], sequence_length=8, units=16)
        >>> branch.encoder.output["pooled_output"].shape
        (None, 16)
    """
    size = _vocabulary_size(vocabulary, vocabulary_size)
    vocabulary = None if vocabulary is None else check_vocabulary(vocabulary)
    check_integer("sequence length", sequence_length=sequence_length)
    if embedding_dim is not None:
        check_integer("width of a word's vector", embedding_dim=embedding_dim)
    check_choice("cell", CELLS, cell=cell)
    check_integer("number of units", units=units)
    ids = keras.Input((sequence_length,), name=f"{name}_token_ids", dtype="int32")
    mask = ids != PADDING_ID
    read = ids
    if check_rate("rate of dropped words", word_dropout=word_dropout):
        read = WordDropout(word_dropout, UNKNOWN_ID, [PADDING_ID])(ids)
    words = _embedding(vocabulary, size, embedding_dim, word_vectors)(read)
    if check_rate("dropout", dropout=dropout):
        words = keras.layers.Dropout(dropout, name="vector_dropout")(words)
    outputs = {
        **_recurrent(words, mask, cell, units, bidirectional),
        "padding_mask": mask,
        "present": ops.any(mask, axis=-1),
    }
    encoder = keras.Model(ids, outputs, name=f"{name}_encoder")
    encoder.trainable = trainable
    return Branch(name, encoder, _preprocessor(vocabulary, sequence_length, column or name, ids))


def _preprocessor(vocabulary, sequence_length, column, ids):
    if vocabulary is None:
        return None
    return WordIds(vocabulary, sequence_length, column=column, output=ids.name)


def _recurrent(words, mask, cell, units, bidirectional):
    layer = CELLS[cell](units, return_sequences=True, return_state=True, name=cell)
    if bidirectional:
        layer = keras.layers.Bidirectional(layer, name=f"bidirectional_{cell}")
    sequence, *states = layer(words, mask=at_least_one_step(mask))
    states = states[::2] if cell == "lstm" else states  # an LSTM also returns its cell's memory
    pooled = ops.concatenate(states, axis=-1) if bidirectional else states[0]
    # A copy, because Keras' implicit mask clings to what a recurrent layer gives, and every layer
    # of a user that does not know masks would warn of it; ours is padding_mask.
    return {"pooled_output": pooled, "sequence_output": ops.copy(sequence)}


def _vocabulary_size(vocabulary, vocabulary_size):
    if (vocabulary is None) == (vocabulary_size is None):
        raise argument_error(
            "An lstm_branch needs its words, or how many ids there are",
            "either vocabulary (a list) or vocabulary_size (an integer)",
            vocabulary=vocabulary,
            vocabulary_size=vocabulary_size,
        )
    if isinstance(vocabulary, int) and not isinstance(vocabulary, bool):
        raise argument_error(
            "Wrong vocabulary",
            "a list of words",
            f"Did you mean vocabulary_size={vocabulary}?",
            TypeError,
            vocabulary=vocabulary,
        )
    if vocabulary is not None:
        return len(vocabulary) + RESERVED_IDS
    return check_integer("size of the vocabulary", 3, vocabulary_size=vocabulary_size)


def _embedding(vocabulary, size, embedding_dim, word_vectors):
    if word_vectors is None:
        return keras.layers.Embedding(size, embedding_dim or 128, name="embedding")
    if vocabulary is None:
        raise argument_error(
            "Word vectors need the words", "vocabulary, a list of words", word_vectors=word_vectors
        )
    vectors, found = read_word_vectors(word_vectors, vocabulary, embedding_dim)
    share = len(found) / max(len(vocabulary), 1)
    print(f"{word_vectors}: vectors for {len(found)} of {len(vocabulary)} words ({share:.1%})")
    embedding = keras.layers.Embedding(size, vectors.shape[1], name="embedding")
    embedding.build((None, None))
    weights = embedding.get_weights()[0]
    ids = {word: place + RESERVED_IDS for place, word in enumerate(vocabulary)}
    weights[[ids[word] for word in found]] = vectors
    embedding.set_weights([weights])
    return embedding
