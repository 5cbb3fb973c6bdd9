"""The one number a row that is explained."""

import keras
import tensorflow as tf
from keras import ops

from fusionkeras.heads.ordinal import rank_probabilities

# The tasks whose logits tell everything, as long as the head itself gives the answer.
EXACT = ("classification", "multilabel")
# A probability that is all that is known is held this far from 0 and 1.
_CLOSE = 1e-7


class Logits(keras.layers.Layer):
    """The logits of a head, of which probabilities are made: their gradients never vanish.

    Behind a calibration they are those of which it makes its own probabilities.

    Args:
        head: `Head` that is built.
        calibration: `Calibration` of its probabilities, or None.
        **kwargs: `name` of a Keras layer.

    Call arguments:
        x: float tensor `(batch, dim)`.

    Returns:
        float32 tensor `(batch, units)`.
    """

    def __init__(self, head, calibration=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.head, self.calibration = head, calibration
        self.built = True

    def call(self, x):
        """What the head computes before it answers."""
        logits = ops.matmul(x, ops.cast(self.head.kernel, "float32"))
        logits = logits + self.head.bias if self.head.use_bias else logits
        if self.calibration is None:
            return logits
        # Of a softmax log p, and not any logits: scales may differ from class to class.
        logits = ops.log_softmax(logits) if self.calibration.exclusive else logits
        numbers = self.calibration.scale, self.calibration.bias
        scale, bias = (ops.array(x, "float32") for x in numbers)
        return scale * logits + bias

    def compute_output_spec(self, x):
        """One logit a unit."""
        return keras.KerasTensor((x.shape[0], self.head.units), "float32")


def as_logits(task, exact, scores):
    """The output of a head in one form for all tasks.

    Args:
        task: str, the task of the head.
        exact: bool, whether `scores` are logits already, and not answers.
        scores: float tensor `(batch, outputs)`.

    Returns:
        float32 `(batch, classes)`: logits of classes that exclude each other (two where there is
        one output), of labels, or the value itself.
    """
    scores = tf.cast(scores, tf.float32)
    if task == "regression":
        return scores
    if exact and task == "classification" and scores.shape[-1] == 1:
        return tf.concat([tf.zeros_like(scores), scores], axis=-1)
    if exact:
        return scores
    if task == "multilabel":
        shares = tf.clip_by_value(scores, _CLOSE, 1 - _CLOSE)
        return tf.math.log(shares) - tf.math.log(1 - shares)
    if task == "ordinal":
        scores = rank_probabilities(scores)
    elif scores.shape[-1] == 1:
        scores = tf.concat([1 - scores, scores], axis=-1)
    return tf.math.log(tf.maximum(scores, _CLOSE))


def answered(logits):
    """The class that is answered, or of several labels the likeliest: int32 `(batch,)`."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def log_odds(task, logits, classes):
    """The score of a class: `log p / (1 - p)`; for regression the value.

    It is the logit of a sigmoid, and of a softmax `z_c - log sum_{j != c} exp z_j`, which does not
    change when all logits rise alike.

    Args:
        task: str.
        logits: what `as_logits` gives, `(batch, classes)`.
        classes: int32 `(batch,)`.

    Returns:
        float32 `(batch,)`.
    """
    if task == "regression":
        return logits[:, 0]
    chosen = tf.one_hot(classes, logits.shape[-1])
    score = tf.reduce_sum(chosen * logits, axis=-1)
    if task == "multilabel":
        return score
    return score - tf.reduce_logsumexp(tf.where(chosen > 0, -1e9, logits), axis=-1)
