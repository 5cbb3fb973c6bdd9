"""Metrics as sums over rows, so that thousands of resamples of the rows cost little."""

import collections.abc
import dataclasses

import numpy as np

from fusionkeras._checks import argument_error, check_choice


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric that depends on the rows by a sum over them alone.

    Attributes:
        name: str, as the reports of `evaluate` call it.
        of_rows: a function from labels and answers of n rows to a float array `(n, ...)`.
        of_sums: a function from sums of that over rows, `(...)`, to the metric; further axes may
            stand ahead.
        is_error: bool, whether less is better.

    Example:
        >>> accuracy = metric_of("classification")
        >>> rows = accuracy.of_rows(np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]]))
        >>> accuracy.of(rows), accuracy.of(rows[:1])
        (0.5, 1.0)
    """

    name: str
    of_rows: collections.abc.Callable
    of_sums: collections.abc.Callable
    is_error: bool = False

    def of(self, rows):
        """The metric of some rows, given what `of_rows` made of them."""
        return float(self.of_sums(rows.sum(axis=0)))

    def better(self, difference):
        """A difference between two values, turned so that above 0 is better."""
        return -difference if self.is_error else difference


def metric_of(task, name=None):
    """The metric that a task is compared by.

    Args:
        task: str, one of the tasks of `read_table`.
        name: str, a name in `METRICS[task]`, or None for the first of them.

    Returns:
        `Metric`.

    Raises:
        ValueError: for a name that is not among them.
    """
    if isinstance(task, dict):
        raise argument_error(
            "A comparison is about one metric, and the table has several columns of labels",
            "one column of labels",
            label=list(task),
        )
    name = next(iter(METRICS[task])) if name is None else name
    check_choice(f"metric to compare models of {task} by", METRICS[task], metric=name)
    return METRICS[task][name]


def _averaged(values):
    """Values of rows with a 1 beside each: what a mean is made of."""
    values = np.asarray(values, np.float64)
    return np.stack([values, np.ones_like(values)], axis=-1)


def _mean(sums):
    return sums[..., 0] / sums[..., 1]


def _hits(labels, answers):
    return _averaged(answers.argmax(axis=-1) == labels)


def _surprise(labels, answers):
    answers = np.asarray(answers, np.float64)
    own = answers[np.arange(len(labels)), labels] / answers.sum(axis=-1)
    return _averaged(-np.log(np.clip(own, np.finfo(np.float64).eps, 1)))


def _f1_parts(truth, given):
    """For each class twice the hits, and how often it is there and given: F1 is their ratio."""
    return np.stack([2.0 * (truth & given), 1.0 * truth + given], axis=-1)


def _f1_classes(labels, answers):
    classes = np.arange(answers.shape[1])
    return _f1_parts(labels[:, None] == classes, answers.argmax(axis=-1)[:, None] == classes)


def _f1_labels(labels, answers):
    return _f1_parts(labels > 0, answers > 0.5)


def _f1_of_seen(sums):
    """The mean over the classes that are there, in truth or in prediction."""
    return _ratios(sums).sum(axis=-1) / (sums[..., 1] > 0).sum(axis=-1)


def _ratios(sums):
    return sums[..., 0] / np.maximum(sums[..., 1], 1)


def _errors(labels, answers):
    return np.abs(np.float64(answers) - np.float64(labels))


_ACCURACY = Metric("accuracy", _hits, _mean)
METRICS = {
    "classification": {
        "accuracy": _ACCURACY,
        "f1_macro": Metric("f1_macro", _f1_classes, _f1_of_seen),
        "log_loss": Metric("log_loss", _surprise, _mean, is_error=True),
    },
    "ordinal": {
        "accuracy": _ACCURACY,
        "mae": Metric(
            "mae", lambda y, p: _averaged(_errors(y, p.argmax(axis=-1))), _mean, is_error=True
        ),
    },
    "multilabel": {
        "f1_micro": Metric("f1_micro", _f1_labels, lambda sums: _ratios(sums.sum(axis=-2))),
        "f1_macro": Metric("f1_macro", _f1_labels, lambda sums: _ratios(sums).mean(axis=-1)),
        "exact_match": Metric(
            "exact_match", lambda y, p: _averaged(((p > 0.5) == (y > 0)).all(axis=-1)), _mean
        ),
    },
    "regression": {
        "mae": Metric("mae", lambda y, p: _averaged(_errors(y, p)), _mean, is_error=True),
        "rmse": Metric(
            "rmse",
            lambda y, p: _averaged(_errors(y, p) ** 2),
            lambda sums: np.sqrt(_mean(sums)),
            is_error=True,
        ),
    },
}
