"""All labels that apply."""

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.models.answers.base import Answer
from fusionkeras.models.answers.naming import check_count, check_names, named

SEPARATOR = "|"


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
        self.class_names = check_names(class_names)
        if any(SEPARATOR in name for name in self.class_names):
            raise argument_error(
                "The names would run together", f"names without {SEPARATOR!r}", names=class_names
            )
        self.thresholds = _check_thresholds(thresholds, len(self.class_names))

    def build(self, scores_shape):
        """Checks that there is a name for every label."""
        check_count(self.class_names, scores_shape[-1])
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
        return named(self.class_names)

    def get_config(self):
        """The constructor's arguments."""
        own = {"class_names": list(self.class_names), "thresholds": list(self.thresholds)}
        return {**super().get_config(), **own}


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
