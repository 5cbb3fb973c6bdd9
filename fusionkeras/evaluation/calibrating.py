"""Fits the calibration of a model on rows that it was not trained on."""

import numpy as np

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.data.targets import by_head
from fusionkeras.evaluation.answers import tasks_of
from fusionkeras.evaluation.measuring import counted_answers
from fusionkeras.evaluation.reliability import reliability
from fusionkeras.heads import Calibration
from fusionkeras.heads.calibration import NEAREST, SMALLEST

METHODS = ("temperature", "vector")
# Of ranks the likeliest would change, and quantities have no probability.
CALIBRATED = ("classification", "multilabel")
# Where every row is right, the best scale is infinite: it stays within these.
_SCALES = (0.01, 100.0)


def calibrate(model, validation, method="temperature", cache=True):
    """Finds the layer behind a head with which its probabilities mean what they say.

    Of all temperatures (one number a head), or of all scales and biases of its classes ("vector"),
    it takes those of the smallest log loss on rows that the model was not trained on. A
    temperature changes no likeliest class; it stays within .01 and 100. Vector scaling has two
    numbers a class, for which some dozens of rows of each are wanted: with few, or none, of a class
    its scale stays near 1 and its bias near 0.

    Args:
        model: a model of `build_model` or `build_classifier`, or of one's own with one output of
            probabilities.
        validation: as the data for `evaluate`.
        method: "temperature" or "vector".
        cache: as for `evaluate`.

    Returns:
        `Calibration`, for `end_to_end`; for several heads a dict of them by head: those of classes
        that have rows. Its `measured` tells the `method`, the `rows`, and `log_loss` and
        `expected_calibration_error` before and after, on these rows.

    Raises:
        ValueError: for an unknown method, a model without a head of classes, and one that is end
            to end already.

    Example:
        >>> import fusionkeras as fk, tensorflow as tf
        >>> model = fk.build_classifier([fk.lstm_branch(["red"], sequence_length=2)])
        >>> ids, labels = np.array([[2, 0], [1, 2]]), np.array([0, 1])
        >>> data = tf.data.Dataset.from_tensors(({"text_token_ids": ids}, labels))
        >>> sorted(calibrate(model, data).measured)[-2:]
        ['method', 'rows']

    Reference:
        Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks", section 4.
        *Differs from the paper*: vector scaling minimises `sum of log losses + (sum (scale - 1)^2 +
        sum bias^2) / 2`, a normal prior around no change. Without it a class whose rows can be told
        apart without an error takes its scale to infinity, and new rows pay for that.
    """
    check_choice("method of calibration", METHODS, method=method)
    tasks = tasks_of(model)
    outputs = _outputs(model, tasks)
    found = counted_answers(model, validation, tasks, cache)
    return by_head({
        head: _fit(head, tasks[head], outputs[head].shape[-1], *found[head], method)
        for head in found
        if tasks[head] in CALIBRATED
    })  # fmt: skip


def _outputs(model, tasks):
    """The outputs of the heads, `{head: KerasTensor}`."""
    if not set(tasks.values()) & set(CALIBRATED):
        raise argument_error(
            "Calibration is for probabilities of classes or labels",
            f"a head of one of {list(CALIBRATED)}",
            tasks=by_head(tasks),
        )
    output = getattr(model, "output", None)
    outputs = output if isinstance(output, dict) and "" not in tasks else {"": output}
    if set(outputs) != set(tasks) or not hasattr(outputs[next(iter(tasks))], "shape"):
        raise argument_error(
            "This model answers already, and what stands before its answers is calibrated",
            "the model that end_to_end was given",
            model=model,
        )
    return outputs


def _fit(head, task, width, labels, answers, method):
    """The calibration of one head."""
    exclusive = task == "classification" and width > 1
    labels = labels.astype(int)
    p = answers if width == answers.shape[1] else answers[:, 1:]  # of two classes the second
    truth = _truth(labels, p, task, exclusive)
    inputs = _inputs(p, exclusive)
    scale, bias = _minimise(inputs, truth, exclusive, method)
    measured = {"method": method, "rows": len(labels)}
    for when, s, b in (("before", 1.0, 0.0), ("after", scale, bias)):
        loss, now = _loss(s * inputs + b, truth, exclusive)
        measured[f"log_loss_{when}"] = float(loss)
        measured[f"expected_calibration_error_{when}"] = _error(now, truth, task)
    name = f"{head}_calibration" if head else "calibration"
    return Calibration(scale, bias, exclusive, measured, name=name)


def _truth(labels, p, task, exclusive):
    """What came true as 0 and 1, of the shape of the probabilities."""
    if exclusive:
        return np.eye(p.shape[1])[labels]
    return (labels if task == "multilabel" else labels[:, None]).astype(float)


def _inputs(p, exclusive):
    """What is scaled: the logarithms that the layer takes, in float64."""
    p = np.asarray(p, np.float32)
    if exclusive:
        return np.log(np.clip(p, SMALLEST, 1).astype(float))
    p = np.clip(p, NEAREST, 1 - NEAREST).astype(float)
    return np.log(p) - np.log1p(-p)


def _minimise(inputs, truth, exclusive, method):
    """The scale and the bias of the smallest log loss, which is convex in both, and its prior."""
    from scipy.optimize import minimize

    count, width = len(truth) if exclusive else truth.size, inputs.shape[1]

    def of_temperature(scale):
        loss, p = _loss(scale * inputs, truth, exclusive)
        return loss, np.sum((p - truth) * inputs, keepdims=True).ravel() / count

    def of_vector(numbers):
        scale, bias = np.split(numbers, 2)
        loss, p = _loss(scale * inputs + bias, truth, exclusive)
        slope = [np.sum((p - truth) * inputs, axis=0), np.sum(p - truth, axis=0)]
        away = numbers - start
        return loss + away @ away / (2 * count), (np.concatenate(slope) + away) / count

    of_one = method == "temperature"
    start = np.ones(1) if of_one else np.repeat([1.0, 0.0], width)
    bounds = [_SCALES] if of_one else [_SCALES] * width + [(None, None)] * width
    options = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 2000}
    loss_of = of_temperature if of_one else of_vector
    best = minimize(loss_of, start, jac=True, bounds=bounds, options=options).x
    return (best[0], 0.0) if of_one else tuple(np.split(best, 2))


def _loss(z, truth, exclusive):
    """The mean log loss of a row, for labels of a decision, and the probabilities."""
    from scipy.special import expit, log_softmax

    if exclusive:
        log_p = log_softmax(z, axis=1)
        return -np.mean(np.sum(truth * log_p, axis=1)), np.exp(log_p)
    return np.mean(np.logaddexp(0, z) - truth * z), expit(z)


def _error(p, truth, task):
    """The expected calibration error as the report of the task tells it."""
    if task == "multilabel":
        pairs = zip(p.T, truth.T, strict=True)
        return float(np.mean([reliability(*x).expected_calibration_error for x in pairs]))
    if p.shape[1] == 1:
        p, truth = np.hstack([1 - p, p]), np.hstack([1 - truth, truth])
    right = p.argmax(axis=1) == truth.argmax(axis=1)
    return reliability(p.max(axis=1), right).expected_calibration_error
