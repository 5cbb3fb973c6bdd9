"""Reads word vectors from text files: GloVe, word2vec-text, FastText `.vec`."""

import numpy as np

from fusionkeras._checks import argument_error


def read_word_vectors(path, vocabulary, embedding_dim=None):
    """Reads the vectors of the words of `vocabulary`, and no others, line by line.

    A line is `word v1 ... vn`. A first line of two integers (word2vec-text, FastText) is skipped.

    Args:
        path: str, the file; UTF-8.
        vocabulary: list of str, the words wanted.
        embedding_dim: int or None, the width that the vectors must have.

    Returns:
        `(vectors, found)`: float32 array `(len(found), dim)`, and the list of words found, in
        the order of the file.

    Raises:
        ValueError: when the width is another than `embedding_dim`, when a line has another width
            than the first, or when there are no vectors in the file.
    """
    wanted, vectors, dim = set(vocabulary), {}, None
    try:
        lines = open(path, encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise argument_error(
            f"The word vectors cannot be read ({error})", "a text file", path=path
        ) from error
    with lines:
        for number, line in enumerate(lines, start=1):
            word, *values = line.rstrip().split(" ")
            if number == 1 and len(values) == 1 and word.isdigit():
                continue
            dim = dim or _check_width(path, number, line, len(values), embedding_dim)
            if word in wanted and word not in vectors:
                vectors[word] = _vector(path, number, values, dim)
    if not dim:
        raise argument_error("There are no word vectors", "lines of 'word v1 ... vn'", path=path)
    return np.array(list(vectors.values()), "float32").reshape(-1, dim), list(vectors)


def _check_width(path, number, line, width, embedding_dim):
    if width == 0:
        raise argument_error(
            f"Line {number} of {path} is not a word vector",
            "a word and numbers, separated by spaces",
            line=line,
        )
    if embedding_dim and width != embedding_dim:
        raise argument_error(
            f"The vectors of {path} have the width {width}",
            f"embedding_dim={width}",
            "Leave embedding_dim out, or choose another file.",
            embedding_dim=embedding_dim,
        )
    return width


def _vector(path, number, values, dim):
    try:
        vector = np.array(values, "float32")
    except ValueError:
        vector = np.empty(0)
    if vector.shape != (dim,) or not np.isfinite(vector).all():
        raise argument_error(
            f"Line {number} of {path} is not a word vector",
            f"a word and {dim} numbers",
            line=" ".join(values),
        )
    return vector
