"""The metrics of a classifier, as a table for people and as JSON for programs."""

import dataclasses
import math
from functools import partial

import numpy as np

from fusionkeras.evaluation import weighted
from fusionkeras.evaluation.numbers import as_json, line_of, matrix_lines
from fusionkeras.evaluation.reliability import BINS, reliability
from fusionkeras.evaluation.rows import RowReport


@dataclasses.dataclass(frozen=True)
class ClassificationReport(RowReport):
    """What `evaluate` found, every number as scikit-learn computes it.

    Attributes:
        class_names: list of str, in the order of the class ids.
        labels: int array `(rows,)`, the true class ids.
        probabilities: float array `(rows, classes)`.
        unsure: float, the probability of the likeliest class below which a row is not answered,
            or None where all are. `answered` and `accuracy_answered` alone depend on it.

    Example:
        >>> report = ClassificationReport(
        ...     ["cat", "dog"], np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]])
        ... )
        >>> report.accuracy, report.confusion.tolist()
        (0.5, [[1, 0], [1, 0]])
    """

    class_names: list
    labels: np.ndarray
    probabilities: np.ndarray
    unsure: float | None = None

    @property
    def predictions(self):
        """Int array `(rows,)`, the likeliest class of every row."""
        return self.probabilities.argmax(axis=-1)

    @property
    def rows(self):
        """The number of rows."""
        return len(self.labels)

    @property
    def accuracy(self):
        """The share of rows whose likeliest class is the true one."""
        return float(np.mean(self.predictions == self.labels))

    @property
    def confusion(self):
        """Int array `(classes, classes)`: true class down, predicted class across."""
        from sklearn.metrics import confusion_matrix

        return confusion_matrix(self.labels, self.predictions, labels=self._ids)

    @property
    def per_class(self):
        """A dict of `{class: {"precision", "recall", "f1", "rows"}}`; 0 where undefined."""
        from sklearn.metrics import precision_recall_fscore_support

        columns = precision_recall_fscore_support(
            self.labels, self.predictions, labels=self._ids, zero_division=0
        )
        return {
            name: {
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "rows": int(rows),
            }
            for name, precision, recall, f1, rows in zip(self.class_names, *columns, strict=True)
        }

    @property
    def f1_macro(self):
        """The mean F1 over the classes that are there, in truth or in prediction."""
        from sklearn.metrics import f1_score

        return float(f1_score(self.labels, self.predictions, average="macro", zero_division=0))

    @property
    def roc_auc(self):
        """The area under the ROC curve; for more than two classes the mean of one against rest.

        NaN where it is undefined: it takes rows of the class, and rows of others.
        """
        from sklearn.metrics import roc_auc_score

        ids = [1] if len(self.class_names) == 2 else self._ids
        areas = [
            roc_auc_score(self.labels == i, self.probabilities[:, i])
            for i in ids
            if 0 < np.sum(self.labels == i) < self.rows
        ]
        return float(np.mean(areas)) if areas else math.nan

    @property
    def log_loss(self):
        """The mean of `-log(probability of the true class)`, in nats."""
        from sklearn.metrics import log_loss

        probabilities = self.probabilities.astype("float64")
        probabilities /= probabilities.sum(axis=-1, keepdims=True)  # float32 sums to 1 but nearly
        return float(log_loss(self.labels, probabilities, labels=self._ids))

    def reliability(self, bins=BINS):
        """What a reliability diagram shows of the likeliest classes, a `Reliability`."""
        return reliability(self._confidence, self.predictions == self.labels, bins)

    def expected_calibration_error(self, bins=BINS):
        """How far the probability of the likeliest class is from how often it is right."""
        return self.reliability(bins).expected_calibration_error

    @property
    def answered(self):
        """The share of rows that are answered: all, unless there is an `unsure`."""
        return float(np.mean(self._is_answered))

    @property
    def accuracy_answered(self):
        """The accuracy among the rows that are answered; NaN where none is."""
        right = (self.predictions == self.labels)[self._is_answered]
        return float(np.mean(right)) if len(right) else math.nan

    def as_dict(self):
        """All of it as numbers, lists and dicts that `json.dumps` takes; NaN becomes None."""
        names = ("unsure", "answered", "accuracy_answered") if self.unsure is not None else ()
        return {
            **self.summary(),
            "expected_calibration_error": self.expected_calibration_error(),
            **as_json((name, float(getattr(self, name))) for name in names),
            "per_class": self.per_class,
            "confusion": self.confusion.tolist(),
            "class_names": list(self.class_names),
        }

    def summary(self):
        """The five numbers that stand for the whole, as a dict."""
        names = ("accuracy", "f1_macro", "roc_auc", "log_loss", "rows")
        return as_json((name, getattr(self, name)) for name in names)

    def statistics(self):
        """See `RowReport`."""
        there, given = self._one_hot()
        ids = [1] if len(self.class_names) == 2 else self._ids
        return {
            "accuracy": weighted.Share(self.predictions == self.labels),
            "f1_macro": weighted.MeanF1(there, given),
            "roc_auc": weighted.MeanArea(
                weighted.RocArea, there[:, ids], self.probabilities[:, ids]
            ),
            "log_loss": partial(weighted.mean, self._losses()),
        }

    def statistics_of_classes(self):
        """See `RowReport`."""
        there, given = self._one_hot()
        return of_classes(self.class_names, there, given)

    def line(self, intervals=None):
        """The five numbers in one readable line, with `intervals()` beside them where given."""
        return line_of(
            self,
            {
                "accuracy": "accuracy",
                "macro F1": "f1_macro",
                "ROC AUC": "roc_auc",
                "log loss": "log_loss",
            },
            intervals,
        )

    def answered_lines(self):
        """A list of one readable line on the rows that are answered; none where all are."""
        if self.unsure is None:
            return []
        return [
            f"unsure below {float(self.unsure):.4f}   answered {self.answered:.4f}   "
            f"accuracy among those {self.accuracy_answered:.4f}"
        ]

    def __str__(self):
        """A readable table."""
        width = max(len("macro average"), *map(len, self.class_names))
        lines = [f"{'':{width}}  precision  recall      f1    rows"]
        for name, row in self.per_class.items():
            lines.append(
                f"{name:{width}}  {row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}"
                f"  {row['rows']:6d}"
            )
        lines += [
            "",
            self.line(),
            f"expected calibration error {self.expected_calibration_error():.4f}",
            *self.answered_lines(),
        ]
        if len(self.class_names) <= 20:  # beyond that the matrix is wider than a screen
            matrix = matrix_lines(self.class_names, self.confusion)
            lines += ["", "confusion (true class down, predicted across):", *matrix]
        return "\n".join(lines)

    @property
    def _confidence(self):
        return self.probabilities.max(axis=-1)

    @property
    def _is_answered(self):
        # As float32, as the served model compares them.
        limit = 0 if self.unsure is None else self.unsure
        return np.asarray(self._confidence, np.float32) >= np.float32(limit)

    @property
    def _ids(self):
        return list(range(len(self.class_names)))

    def _one_hot(self):
        """The true and the likeliest class of every row, two bool arrays `(rows, classes)`."""
        return self.labels[:, None] == self._ids, self.predictions[:, None] == self._ids

    def _losses(self):
        """`-log(probability of the true class)` of every row, clipped as scikit-learn does."""
        probabilities = self.probabilities.astype("float64")
        own = probabilities[np.arange(self.rows), self.labels] / probabilities.sum(axis=-1)
        smallest = np.finfo("float64").eps
        return -np.log(np.clip(own, smallest, 1 - smallest))


def of_classes(names, there, given):
    """Precision, recall and F1 of each class, as `RowReport.statistics_of_classes` has them.

    Args:
        names: list of str, the classes.
        there: bool array `(rows, classes)`, the truth.
        given: bool array `(rows, classes)`, the answers.

    Returns:
        dict of `{(class, metric): function of weights}`.
    """
    found = {}
    for name, true, own in zip(names, there.T, given.T, strict=True):
        found[name, "precision"] = weighted.Share(true, own)
        found[name, "recall"] = weighted.Share(own, true)
        found[name, "f1"] = weighted.F1(true, own)
    return found
