"""Losses on what heads give: probabilities, with the logits behind them, and quantities."""

import math
import numbers

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.heads.soft import are_shares

TASKS_OF_CLASSES = ("classification", "multilabel", "ordinal")
# Keras clips the probabilities of its own losses there, too.
_SMALL = 1e-7


class TruthLoss(keras.losses.Loss):
    """A loss of the probability that a model gives to what is true.

    Every task is one or more decisions: the class of a row (classification), each label that
    applies or not (multilabel), each rank that is passed or not (ordinal). `p` is the probability
    that is given to the truth of a decision; of a truth that is shared, as in mixed rows, each
    part counts with its share. The loss of a row is the mean over its decisions,
    for ordinal labels the sum.

    It is computed from the logits where the head has just given them, so that confident errors
    still have a gradient; otherwise from probabilities, clipped as Keras clips its own.

    A subclass writes `penalty`, and `adjust` where it changes the logits first.

    Args:
        task: "classification", "multilabel" or "ordinal".
        name: str.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch,)` ids; for multilabel `(batch, labels)` of 0 and 1. Where rows are mixed,
            shares between 0 and 1, of exclusive classes `(batch, classes)`.
        y_pred: what the head of the task gives: `(batch, 1)` or `(batch, classes)`, `(batch,
            labels)`, or `(batch, ranks - 1)`.
    """

    def __init__(self, task="classification", name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.task = check_choice("task", TASKS_OF_CLASSES, task=task)

    def penalty(self, log_p):
        """The loss of decisions whose truth has the probability `exp(log_p)`, of its shape."""
        raise NotImplementedError

    def adjust(self, logits, exclusive):
        """The logits that are judged; `exclusive` classes of a row, or decisions by themselves."""
        return logits

    def call(self, y_true, y_pred):
        """The loss of each row, `(batch,)`."""
        exclusive = self.task == "classification" and y_pred.shape[-1] > 1
        logits = self.adjust(_logits(y_pred, exclusive), exclusive)
        truth = _shares(y_true, logits, self.task, exclusive)
        if exclusive:
            return ops.sum(truth * self.penalty(ops.log_softmax(logits)), axis=-1)
        applies, not_so = (self.penalty(ops.log_sigmoid(sign * logits)) for sign in (1, -1))
        reduce = ops.sum if self.task == "ordinal" else ops.mean
        return reduce(truth * applies + (1 - truth) * not_so, axis=-1)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "task": self.task}


@keras.saving.register_keras_serializable("fusionkeras")
class OrdinalLoss(TruthLoss):
    """The cross-entropy of all decisions `rank > k`, summed: `-sum_k log p_k`.

    Reference:
        Cao, Mirjalili, Raschka 2020, "Rank consistent ordinal regression for neural networks with
        application to age estimation", equation 4, with all importances 1.

    Example:
        >>> above = ops.array([[0.9, 0.2]])  # P(rank > 0), P(rank > 1)
        >>> round(float(OrdinalLoss()(ops.array([1]), above)), 4) == round(-math.log(0.72), 4)
        True
    """

    def __init__(self, task="ordinal", name="ordinal_crossentropy", **kwargs):
        super().__init__(task, name, **kwargs)

    def penalty(self, log_p):
        """Minus the logarithm."""
        return -log_p


@keras.saving.register_keras_serializable("fusionkeras")
class FocalLoss(TruthLoss):
    """Counts what is easy for less: `-(1 - p)^gamma log p`.

    Args:
        task: "classification", "multilabel" or "ordinal".
        gamma: float of at least 0; 0 is cross-entropy.
        name: str.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Reference:
        Lin, Goyal, Girshick, He, Dollar 2017, "Focal loss for dense object detection", equation 4.
        *Differs from the paper*: no weights alpha (`prepare(class_weight=...)` weighs classes),
        and the mean in place of a sum over positive anchors.

    Example:
        >>> loss = FocalLoss()(ops.array([1]), ops.array([[0.5]]))
        >>> round(float(loss), 4) == round(0.25 * math.log(2), 4)
        True
    """

    def __init__(self, task="classification", gamma=2.0, name="focal", **kwargs):
        super().__init__(task, name, **kwargs)
        self.gamma = _check_strength("gamma", gamma=gamma)

    def penalty(self, log_p):
        """The cross-entropy, less where the truth was expected."""
        doubt = ops.maximum(-ops.expm1(log_p), _SMALL)  # its root has no gradient at 0
        return -ops.power(doubt, self.gamma) * log_p

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "gamma": self.gamma}


@keras.saving.register_keras_serializable("fusionkeras")
class LogitAdjustedLoss(TruthLoss):
    """Cross-entropy of logits to which `tau * log prior` is added while training.

    What is learned are logits from which the shares of the classes are taken out, so that rare
    classes are answered as readily as frequent ones; at inference nothing is added. On
    probabilities `p` it reads `-log(p_y prior_y^tau / sum_j p_j prior_j^tau)`, and each label and
    each decision `rank > k` is a task of two classes.

    Args:
        priors: list of positive floats: how many rows there are of each class (or shares of any
            sum); for multilabel the share of rows, between 0 and 1, to which each label applies.
        task: "classification", "multilabel" or "ordinal".
        tau: float; 0 is cross-entropy, 1 is consistent for the error averaged over classes.
        name: str.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Reference:
        Menon, Jayasumana, Rawat, Jain, Veit, Kumar 2021, "Long-tail learning via logit
        adjustment", equation 10. *Differs from the paper*: multilabel and ordinal heads, which it
        does not treat, are taken as tasks of two classes.

    Example:
        >>> loss = LogitAdjustedLoss(priors=[30, 10])(ops.array([1]), ops.array([[0.5]]))
        >>> round(float(loss), 4) == round(math.log(4), 4)
        True
    """

    def __init__(self, priors, task="classification", tau=1.0, name="logit_adjusted", **kwargs):
        super().__init__(task, name, **kwargs)
        self.priors = _check_priors(priors, task)
        self.tau = _check_strength("tau", tau=tau)

    def penalty(self, log_p):
        """Minus the logarithm."""
        return -log_p

    def adjust(self, logits, exclusive):
        """Adds the logarithms of the shares, of decisions those of their odds."""
        shares, width = self._shares(), logits.shape[-1]
        if len(shares) != width + (self.task == "classification" and not exclusive):
            raise argument_error(
                f"There are {len(self.priors)} priors for an output of width {width}",
                "one for each class",
                priors=self.priors,
            )
        shares = shares[-width:]  # of two the second
        added = [math.log(x if exclusive else x / (1 - x)) for x in shares]
        return logits + self.tau * ops.convert_to_tensor(added, logits.dtype)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "priors": self.priors, "tau": self.tau}

    def _shares(self):
        if self.task == "multilabel":
            return self.priors
        total = sum(self.priors)
        if self.task == "ordinal":
            return [sum(self.priors[k + 1 :]) / total for k in range(len(self.priors) - 1)]
        return [prior / total for prior in self.priors]


@keras.saving.register_keras_serializable("fusionkeras")
class StandardisedLoss(keras.losses.Loss):
    """The squared error in units of the deviation: `((y - prediction) / deviation)^2`.

    That is the squared error of standardised targets, while targets and predictions stay in their
    own units.

    Args:
        deviation: float above 0.
        name: str.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: float `(batch,)`.
        y_pred: float `(batch, 1)`.

    Example:
        >>> float(StandardisedLoss(deviation=10.0)(ops.array([100.0]), ops.array([[120.0]])))
        4.0
    """

    def __init__(self, deviation=1.0, name="standardised_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.deviation = deviation

    def call(self, y_true, y_pred):
        """The loss of each row, `(batch,)`."""
        errors = ops.reshape(y_true, (-1,)) - ops.reshape(y_pred, (-1,))
        return ops.square(errors / self.deviation)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "deviation": self.deviation}


def _logits(y_pred, exclusive):
    """The logits that Keras' activations leave with what they give, or those of probabilities."""
    if hasattr(y_pred, "_keras_logits"):
        return y_pred._keras_logits
    p = ops.clip(y_pred, _SMALL, 1 - _SMALL)
    return ops.log(p) if exclusive else ops.log(p) - ops.log1p(-p)


def _shares(y_true, logits, task, exclusive):
    """How far each answer is true, of the shape of the logits: 0 or 1, or a share in between."""
    if exclusive and not are_shares(y_true, logits):
        return ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), logits.shape[-1])
    truth = y_true if exclusive or task == "multilabel" else ops.reshape(y_true, (-1, 1))
    if task == "ordinal":
        truth = ops.cast(truth, "int32") > ops.arange(logits.shape[-1], dtype="int32")
    return ops.cast(truth, logits.dtype)


def _check_strength(what, **received):
    ((_, value),) = received.items()
    right = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not right or not 0 <= value < math.inf:
        raise argument_error(f"Wrong {what}", "a number of at least 0", **received)
    return value


def _check_priors(priors, task):
    right = isinstance(priors, (list, tuple)) and all(
        isinstance(prior, numbers.Real) and 0 < prior < math.inf for prior in priors
    )
    expected = "a positive number for each class"
    if task == "multilabel":
        expected = "for each label the share of rows, between 0 and 1, to which it applies"
        right = right and all(prior < 1 for prior in priors)
    if not right or not priors:
        raise argument_error("Wrong priors", expected, priors=priors)
    return priors
