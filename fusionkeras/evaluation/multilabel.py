"""The metrics of a model that gives a row any number of labels."""

import dataclasses
import math

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.evaluation import weighted
from fusionkeras.evaluation.classification import of_classes
from fusionkeras.evaluation.numbers import as_json, line_of
from fusionkeras.evaluation.reliability import BINS, reliability
from fusionkeras.evaluation.rows import RowReport


@dataclasses.dataclass(frozen=True)
class MultilabelReport(RowReport):
    """What `evaluate` found, every number as scikit-learn computes it.

    Attributes:
        class_names: list of str, in the order of the columns.
        labels: array `(rows, classes)` of 0 and 1, the labels that apply.
        probabilities: float array `(rows, classes)`.
        thresholds: float, or one for each class: a label is given where its probability is above
            its threshold.

    Example:
        >>> report = MultilabelReport(
        ...     ["new", "red"], np.array([[0, 1], [1, 1]]), np.array([[0.2, 0.9], [0.4, 0.8]])
        ... )
        >>> report.exact_match, dataclasses.replace(report, thresholds=[0.3, 0.5]).exact_match
        (0.5, 1.0)
    """

    class_names: list
    labels: np.ndarray
    probabilities: np.ndarray
    thresholds: object = 0.5

    def __post_init__(self):
        check_thresholds(self.thresholds, self.class_names)

    @property
    def predictions(self):
        """Int array `(rows, classes)`, 1 where a label is given."""
        # As float32, as the served model compares them.
        thresholds = np.asarray(self.thresholds, np.float32)
        return (np.asarray(self.probabilities, np.float32) > thresholds).astype(int)

    @property
    def rows(self):
        """The number of rows."""
        return len(self.labels)

    @property
    def f1_micro(self):
        """F1 over all labels of all rows together."""
        return self._f1("micro")

    @property
    def f1_macro(self):
        """The mean F1 over the labels; 0 for one that is neither there nor given."""
        return self._f1("macro")

    @property
    def average_precision(self):
        """The mean area under the precision-recall steps over the labels that are there.

        NaN where no row has a label.
        """
        areas = [area for area in self._average_precisions() if not math.isnan(area)]
        return float(np.mean(areas)) if areas else math.nan

    @property
    def exact_match(self):
        """The share of rows that are given their labels and no other."""
        return float(np.mean(np.all(self.predictions == self.labels, axis=1)))

    @property
    def per_label(self):
        """`{label: {"precision", "recall", "f1", "average_precision", "threshold", "rows"}}`.

        Undefined precision, recall and F1 are 0, an undefined average precision is None.
        """
        from sklearn.metrics import precision_recall_fscore_support

        columns = precision_recall_fscore_support(
            self.labels, self.predictions, labels=self._ids, average=None, zero_division=0
        )
        thresholds = np.broadcast_to(self.thresholds, len(self.class_names))
        numbers = zip(*columns[:3], self._average_precisions(), thresholds, strict=True)
        names = ("precision", "recall", "f1", "average_precision", "threshold")
        return {
            name: {**as_json(zip(names, map(float, row), strict=True)), "rows": int(rows)}
            for name, row, rows in zip(self.class_names, numbers, columns[3], strict=True)
        }

    def reliability(self, bins=BINS):
        """What reliability diagrams show, a dict of `{label: Reliability}`.

        Of the probability that the label applies, whether it is given or not.
        """
        pairs = zip(np.asarray(self.probabilities).T, np.asarray(self.labels).T, strict=True)
        found = (reliability(*pair, bins) for pair in pairs)
        return dict(zip(self.class_names, found, strict=True))

    def expected_calibration_error(self, bins=BINS):
        """How far probabilities are from how often labels apply, the mean over the labels."""
        found = self.reliability(bins).values()
        return float(np.mean([one.expected_calibration_error for one in found]))

    def as_dict(self):
        """All of it as numbers, lists and dicts that `json.dumps` takes; NaN becomes None."""
        return {
            **self.summary(),
            "expected_calibration_error": self.expected_calibration_error(),
            "per_label": self.per_label,
            "class_names": list(self.class_names),
        }

    def summary(self):
        """The five numbers that stand for the whole, as a dict."""
        names = ("f1_micro", "f1_macro", "average_precision", "exact_match", "rows")
        return as_json((name, getattr(self, name)) for name in names)

    def statistics(self):
        """See `RowReport`."""
        there, given, scores = self._cells()
        return {
            "f1_micro": weighted.MicroF1(there, given),
            "f1_macro": weighted.MeanF1(there, given, undefined=0.0),
            "average_precision": weighted.MeanArea(weighted.PrecisionArea, there, scores),
            "exact_match": weighted.Share(np.all(there == given, axis=1)),
        }

    def statistics_of_classes(self):
        """See `RowReport`."""
        there, given, scores = self._cells()
        areas = {
            (name, "average_precision"): weighted.PrecisionArea(true, own)
            for name, true, own in zip(self.class_names, there.T, scores.T, strict=True)
        }
        return of_classes(self.class_names, there, given) | areas

    def line(self, intervals=None):
        """The five numbers in one readable line, with `intervals()` beside them where given."""
        return line_of(
            self,
            {
                "micro F1": "f1_micro",
                "macro F1": "f1_macro",
                "average precision": "average_precision",
                "exact match": "exact_match",
            },
            intervals,
        )

    def __str__(self):
        """A readable table."""
        width = max(len("label"), *map(len, self.class_names))
        lines = [f"{'':{width}}  precision  recall      f1  average precision  threshold    rows"]
        for name, row in self.per_label.items():
            area = math.nan if row["average_precision"] is None else row["average_precision"]
            lines.append(
                f"{name:{width}}  {row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}"
                f"  {area:17.4f}  {row['threshold']:9.4f}  {row['rows']:6d}"
            )
        error = f"expected calibration error {self.expected_calibration_error():.4f}"
        return "\n".join([*lines, "", self.line(), error])

    def _f1(self, average):
        from sklearn.metrics import f1_score

        how = {"labels": self._ids, "average": average, "zero_division": 0}
        return float(f1_score(self.labels, self.predictions, **how))

    @property
    def _ids(self):
        """What scikit-learn calls the columns: a single one is that of two classes, 0 and 1."""
        number = len(self.class_names)
        return [1] if number == 1 else list(range(number))

    def _cells(self):
        """Labels and answers, bool, and probabilities, all `(rows, classes)`."""
        there, given = np.asarray(self.labels) == 1, self.predictions == 1
        return there, given, np.asarray(self.probabilities)

    def _average_precisions(self):
        from sklearn.metrics import average_precision_score

        pairs = zip(np.asarray(self.labels).T, np.asarray(self.probabilities).T, strict=True)
        return [float(average_precision_score(*x)) if x[0].any() else math.nan for x in pairs]


def check_thresholds(thresholds, class_names):
    """Raises unless the thresholds are one number, or one for each class, all in [0, 1]."""
    numbers = np.asarray(thresholds)
    right = numbers.dtype.kind in "fiu" and numbers.shape in ((), (len(class_names),))
    if not right or not np.all((numbers >= 0) & (numbers <= 1)):
        raise argument_error(
            "Wrong thresholds",
            f"one number in [0, 1], or {len(class_names)} of them",
            thresholds=thresholds,
        )
    return thresholds


def best_thresholds(labels, probabilities):
    """For each label the threshold of the best F1; of equal ones that nearest .5.

    Halfway between neighbouring probabilities F1 changes, so these are the thresholds that are
    tried, and .5.

    Args:
        labels: array `(rows, classes)` of 0 and 1.
        probabilities: float array `(rows, classes)`.

    Returns:
        float32 array `(classes,)`. A label that no row has keeps .5.

    Example:
        >>> best_thresholds([[0], [1], [1]], [[0.1], [0.3], [0.8]]).round(2).tolist()
        [0.20000000298023224]
    """
    pairs = zip(np.asarray(labels).T, np.asarray(probabilities, np.float32).T, strict=True)
    return np.array([_best_threshold(*pair) for pair in pairs], np.float32)


def _best_threshold(labels, probabilities):
    if not labels.any():
        return 0.5
    scores = np.unique(probabilities.astype(np.float64))
    tried = np.concatenate([[0.5, scores[0] / 2], (scores[:-1] + scores[1:]) / 2])
    tried = tried.astype(np.float32)
    order = np.argsort(probabilities, kind="stable")
    above = np.searchsorted(probabilities[order], tried, side="right")
    hits = labels.sum() - np.concatenate([[0], np.cumsum(labels[order])])[above]
    given = len(labels) - above
    f1 = 2 * hits / (given + labels.sum())
    best = np.flatnonzero(f1 == f1.max())
    return tried[best[np.argmin(np.abs(tried[best] - 0.5))]]
