"""The metric that candidates are compared by: one of those of the reports."""

import dataclasses

import numpy as np

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.evaluation.multilabel import MultilabelReport
from fusionkeras.evaluation.ordinal import OrdinalReport
from fusionkeras.evaluation.paired import LOSSES
from fusionkeras.evaluation.regression import RegressionReport

# The numbers that a report has `statistics` of, the one to compare by unless another is said first.
METRICS = {
    "classification": ("accuracy", "f1_macro", "roc_auc", "log_loss"),
    "ordinal": ("accuracy", "mae", "kappa"),
    "multilabel": ("f1_micro", "f1_macro", "average_precision", "exact_match"),
    "regression": ("mae", "rmse", "r2"),
}


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric of a report, of answers alone.

    Attributes:
        task: str, one of the tasks of `read_table`.
        name: str, as the reports of `evaluate` call it.

    Example:
        >>> accuracy = metric_of("classification")
        >>> accuracy.of(np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]]))
        0.5
    """

    task: str
    name: str

    def statistic(self, labels, answers):
        """The metric of some rows as a function of weights `(rows, n)`, which gives `(n,)`."""
        return _report(self.task, labels, answers).statistics()[self.name]

    def of(self, labels, answers):
        """The metric of some rows; NaN where answers are not finite: the model has diverged.

        Raises:
            ValueError: where it is undefined, such as the area under a curve of one class.
        """
        if not np.isfinite(answers).all():
            return float("nan")
        value = float(self.statistic(labels, answers)(np.ones((len(labels), 1)))[0])
        if np.isnan(value):
            raise argument_error(
                "The metric is undefined on these rows",
                "rows of more than one class",
                metric=self.name,
            )
        return value

    def better(self, difference):
        """A difference between two values, turned so that above 0 is better."""
        return -difference if self.name in LOSSES else difference


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
    name = METRICS[task][0] if name is None else name
    return Metric(task, check_choice(f"metric of {task} models", METRICS[task], metric=name))


def _report(task, labels, answers):
    if task == "regression":
        return RegressionReport(labels, answers)
    names = list(map(str, range(answers.shape[1])))
    if task == "multilabel":
        return MultilabelReport(names, labels.astype(int), answers)
    kind = ClassificationReport if task == "classification" else OrdinalReport
    return kind(names, labels, answers)
