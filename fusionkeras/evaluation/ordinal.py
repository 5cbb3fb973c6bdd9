"""The metrics of a model that tells a rank."""

import dataclasses
import math
from functools import partial

import numpy as np

from fusionkeras.evaluation import weighted
from fusionkeras.evaluation.numbers import as_json, line_of, matrix_lines
from fusionkeras.evaluation.rows import RowReport


@dataclasses.dataclass(frozen=True)
class OrdinalReport(RowReport):
    """What `evaluate` found, every number as scikit-learn computes it.

    Attributes:
        class_names: list of str, in the order of the ranks.
        labels: int array `(rows,)`, the true ranks, from 0.
        probabilities: float array `(rows, ranks)`.

    Example:
        >>> probabilities = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2]])
        >>> report = OrdinalReport(["bad", "fair", "good"], np.array([0, 2]), probabilities)
        >>> report.accuracy, report.mae
        (0.5, 0.5)
    """

    class_names: list
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def predictions(self):
        """Int array `(rows,)`, the rank of every row."""
        return self.probabilities.argmax(axis=-1)

    @property
    def rows(self):
        """The number of rows."""
        return len(self.labels)

    @property
    def accuracy(self):
        """The share of rows that are given their rank."""
        return float(np.mean(self.predictions == self.labels))

    @property
    def mae(self):
        """The mean distance between the rank that is given and the true one, in ranks."""
        return float(np.mean(np.abs(self.predictions - self.labels)))

    @property
    def kappa(self):
        """Cohen's kappa with quadratic weights; NaN where truth and answers are all one rank."""
        from sklearn.metrics import cohen_kappa_score

        if len(np.union1d(self.labels, self.predictions)) < 2:
            return math.nan
        ids = list(range(len(self.class_names)))
        return float(
            cohen_kappa_score(self.labels, self.predictions, labels=ids, weights="quadratic")
        )

    @property
    def confusion(self):
        """Int array `(ranks, ranks)`: true rank down, predicted rank across."""
        from sklearn.metrics import confusion_matrix

        ids = list(range(len(self.class_names)))
        return confusion_matrix(self.labels, self.predictions, labels=ids)

    def as_dict(self):
        """All of it as numbers, lists and dicts that `json.dumps` takes; NaN becomes None."""
        return {
            **self.summary(),
            "confusion": self.confusion.tolist(),
            "class_names": list(self.class_names),
        }

    def summary(self):
        """The four numbers that stand for the whole, as a dict."""
        return as_json((name, getattr(self, name)) for name in ("accuracy", "mae", "kappa", "rows"))

    def statistics(self):
        """See `RowReport`."""
        ranks = np.float64(self.labels), np.float64(self.predictions)
        return {
            "accuracy": weighted.Share(self.predictions == self.labels),
            "mae": partial(weighted.mean, np.abs(ranks[1] - ranks[0])),
            "kappa": partial(weighted.quadratic_kappa, *ranks),
        }

    def line(self, intervals=None):
        """The four numbers in one readable line, with `intervals()` beside them where given."""
        names = {"accuracy": "accuracy", "MAE of ranks": "mae", "quadratic kappa": "kappa"}
        return line_of(self, names, intervals)

    def __str__(self):
        """A readable table."""
        if len(self.class_names) > 20:  # beyond that the matrix is wider than a screen
            return self.line()
        title = "confusion (true rank down, predicted across):"
        return "\n".join([self.line(), "", title, *matrix_lines(self.class_names, self.confusion)])
