"""What is answered: the output of a head, in words and numbers that need no explanation."""

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.heads.ordinal import rank_probabilities

SEPARATOR = "|"
UNSURE = "unsure"


class Answer(keras.layers.Layer):
    """Turns the output of one head into an answer: core TensorFlow ops only, also strings.

    A subclass says its `task`, and writes `answer` and `specs`.

    Args:
        head: str, the name of the head where there are several; the keys of its answer begin
            with `<head>_`.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        scores: float32 `(batch, outputs)`, as the head of the task gives it.

    Returns:
        A dict of tensors `(batch, ...)`.
    """

    task = None
    class_names = None
    thresholds = None
    unsure = None

    def __init__(self, head="", **kwargs):
        # No mixed precision here: a quantity in bfloat16 has three digits.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.head = head
        self.supports_jit = False  # strings stay on the CPU

    def answer(self, scores):
        """The answer, `{key: tensor}`."""
        raise NotImplementedError

    def specs(self):
        """Declares the answer: `{key: (shape without batch, dtype)}`."""
        raise NotImplementedError

    def call(self, scores):
        """The answer, its keys with the name of the head."""
        return {self._key(key): tensor for key, tensor in self.answer(scores).items()}

    def compute_output_spec(self, scores):
        """The static answer."""
        return {
            self._key(key): keras.KerasTensor((scores.shape[0], *shape), dtype=dtype)
            for key, (shape, dtype) in self.specs().items()
        }

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "head": self.head}

    def _key(self, key):
        return f"{self.head}_{key}" if self.head else key


@keras.saving.register_keras_serializable("fusionkeras")
class NamedProbabilities(Answer):
    """Turns a classifier's output into one probability a class and the name of the likeliest.

    Args:
        class_names: list of str, at least two, distinct.
        head: as in `Answer`.
        unsure: float in [0, 1], or None: where the likeliest class is less probable than this, the
            label is "unsure"; no class may be called so.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        scores: float32 `(batch, 1)`, the probability of the second of two classes, or
            `(batch, num_classes)`.

    Returns:
        `{"label": string (batch,), "probabilities": float32 (batch, num_classes)}`.

    Example:
        >>> answer = NamedProbabilities(["cat", "dog"], unsure=0.8)
        >>> answer(tf.constant([[0.1], [0.3], [0.9]]))["label"].numpy().tolist()
        [b'cat', b'unsure', b'dog']
    """

    task = "classification"

    def __init__(self, class_names, head="", unsure=None, **kwargs):
        super().__init__(head, **kwargs)
        self.class_names = _check_names(class_names)
        self.unsure = None if unsure is None else _check_unsure(unsure, self.class_names)

    def build(self, scores_shape):
        """Checks that there is a name for every class."""
        _check_count(self.class_names, max(scores_shape[-1], 2))
        self.built = True

    def answer(self, scores):
        """Names the likeliest class."""
        if scores.shape[-1] == 1:
            scores = tf.concat([1 - scores, scores], axis=-1)
        label = _likeliest(self.class_names, scores)
        if self.unsure is not None:
            is_sure = tf.reduce_max(scores, axis=-1) >= tf.constant(self.unsure, scores.dtype)
            label = tf.where(is_sure, label, UNSURE)
        return {"label": label, "probabilities": scores}

    def specs(self):
        """A name, and a probability a class."""
        return _named(self.class_names)

    def get_config(self):
        """The constructor's arguments."""
        own = {"class_names": list(self.class_names), "unsure": self.unsure}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("fusionkeras")
class NamedRanks(Answer):
    """Turns the output of an ordinal head into one probability a rank and the likeliest's name.

    Args:
        class_names: list of str, at least two, distinct, in the order of the ranks.
        head: as in `Answer`.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        scores: float32 `(batch, ranks - 1)`, `P(rank > k)`.

    Returns:
        `{"label": string (batch,), "probabilities": float32 (batch, ranks)}`.
    """

    task = "ordinal"

    def __init__(self, class_names, head="", **kwargs):
        super().__init__(head, **kwargs)
        self.class_names = _check_names(class_names)

    def build(self, scores_shape):
        """Checks that there is a name for every rank."""
        _check_count(self.class_names, scores_shape[-1] + 1)
        self.built = True

    def answer(self, scores):
        """Names the likeliest rank."""
        probabilities = rank_probabilities(scores)
        return {
            "label": _likeliest(self.class_names, probabilities),
            "probabilities": probabilities,
        }

    def specs(self):
        """A name, and a probability a rank."""
        return _named(self.class_names)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "class_names": list(self.class_names)}


@keras.saving.register_keras_serializable("fusionkeras")
class NamedLabels(Answer):
    """Turns the output of a multilabel head into the names of the labels that apply.

    Args:
        class_names: list of str, at least two, distinct.
        thresholds: float, or one for each label, in [0, 1]: a label applies where its probability
            is above its threshold.
        head: as in `Answer`.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        scores: float32 `(batch, labels)`, the probability that each label applies.

    Returns:
        `{"label": string (batch,), "probabilities": float32 (batch, labels)}`; the names of the
        labels that apply, in their order, with "|" between them, or "" for none.

    Example:
        >>> answer = NamedLabels(["new", "red", "wide"], [0.5, 0.5, 0.2])
        >>> answer(tf.constant([[0.4, 0.9, 0.3], [0.1, 0.1, 0.1]]))["label"].numpy().tolist()
        [b'red|wide', b'']
    """

    task = "multilabel"

    def __init__(self, class_names, thresholds=0.5, head="", **kwargs):
        super().__init__(head, **kwargs)
        self.class_names = _check_names(class_names)
        if any(SEPARATOR in name for name in self.class_names):
            raise argument_error(
                "The names would run together", f"names without {SEPARATOR!r}", names=class_names
            )
        self.thresholds = _check_thresholds(thresholds, len(self.class_names))

    def build(self, scores_shape):
        """Checks that there is a name for every label."""
        _check_count(self.class_names, scores_shape[-1])
        self.built = True

    def answer(self, scores):
        """Joins the names of the labels that apply."""
        applies = scores > tf.constant(self.thresholds, scores.dtype)
        is_first = tf.cumsum(tf.cast(applies, tf.int32), axis=-1) == 1
        later = tf.constant([SEPARATOR + name for name in self.class_names])
        names = tf.where(is_first, tf.constant(self.class_names), later)
        label = tf.strings.reduce_join(tf.where(applies, names, ""), axis=-1)
        return {"label": label, "probabilities": scores}

    def specs(self):
        """Names, and a probability a label."""
        return _named(self.class_names)

    def get_config(self):
        """The constructor's arguments."""
        own = {"class_names": list(self.class_names), "thresholds": list(self.thresholds)}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("fusionkeras")
class Quantity(Answer):
    """Turns the output of a regression head into one number a row.

    Args:
        head: as in `Answer`.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        scores: float32 `(batch, 1)`.

    Returns:
        `{"value": float32 (batch,)}`.
    """

    task = "regression"

    def answer(self, scores):
        """The number, in the units of the labels."""
        return {"value": tf.squeeze(scores, axis=-1)}

    def specs(self):
        """One number."""
        return {"value": ((), "float32")}


def _named(class_names):
    return {"label": ((), "string"), "probabilities": ((len(class_names),), "float32")}


def _likeliest(class_names, probabilities):
    return tf.gather(tf.constant(class_names), tf.argmax(probabilities, axis=-1))


def _check_names(class_names):
    names = [] if class_names is None or isinstance(class_names, str) else list(class_names)
    if not len(set(names)) == len(names) >= 2 or not all(isinstance(x, str) for x in names):
        raise argument_error(
            "Wrong class names", "two or more distinct names", class_names=class_names
        )
    return names


def _check_count(class_names, classes):
    if len(class_names) != classes:
        raise argument_error(
            f"The model tells {classes} classes apart",
            f"{classes} class names",
            class_names=class_names,
        )


def _check_thresholds(thresholds, count):
    numbers = np.asarray(thresholds)
    right = numbers.dtype.kind in "fiu" and numbers.shape in ((), (count,))
    if not right or not np.all((numbers >= 0) & (numbers <= 1)):
        raise argument_error(
            "Wrong thresholds",
            f"one number in [0, 1], or {count} of them",
            thresholds=thresholds,
        )
    return np.broadcast_to(numbers, count).astype(float).tolist()


def _check_unsure(unsure, class_names):
    if UNSURE in class_names:
        raise argument_error(
            f"A class is called {UNSURE!r}, as is what is not answered",
            "another name for it",
            class_names=class_names,
        )
    if not hasattr(unsure, "__float__") or not 0 <= float(unsure) <= 1:
        raise argument_error(
            "Wrong probability below which nothing is answered",
            "a number in [0, 1]",
            unsure=unsure,
        )
    return float(unsure)


ANSWERS = {layer.task: layer for layer in (NamedProbabilities, NamedLabels, Quantity, NamedRanks)}
