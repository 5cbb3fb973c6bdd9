"""One class of several, or none where it is unsure."""

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.models.answers.base import Answer
from fusionkeras.models.answers.naming import check_count, check_names, likeliest, named

UNSURE = "unsure"


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
        self.class_names = check_names(class_names)
        self.unsure = None if unsure is None else _check_unsure(unsure, self.class_names)

    def build(self, scores_shape):
        """Checks that there is a name for every class."""
        check_count(self.class_names, max(scores_shape[-1], 2))
        self.built = True

    def answer(self, scores):
        """Names the likeliest class."""
        if scores.shape[-1] == 1:
            scores = tf.concat([1 - scores, scores], axis=-1)
        label = likeliest(self.class_names, scores)
        if self.unsure is not None:
            is_sure = tf.reduce_max(scores, axis=-1) >= tf.constant(self.unsure, scores.dtype)
            label = tf.where(is_sure, label, UNSURE)
        return {"label": label, "probabilities": scores}

    def specs(self):
        """A name, and a probability a class."""
        return named(self.class_names)

    def get_config(self):
        """The constructor's arguments."""
        own = {"class_names": list(self.class_names), "unsure": self.unsure}
        return {**super().get_config(), **own}


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
