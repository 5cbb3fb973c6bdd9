"""The metrics of a model that tells a quantity."""

import dataclasses
import math
from functools import partial

import numpy as np

from fusionkeras.evaluation import weighted
from fusionkeras.evaluation.numbers import as_json, line_of
from fusionkeras.evaluation.rows import RowReport


@dataclasses.dataclass(frozen=True)
class RegressionReport(RowReport):
    """What `evaluate` found, every number as scikit-learn computes it.

    Attributes:
        labels: float array `(rows,)`, the true values.
        predictions: float array `(rows,)`, in the same units.

    Example:
        >>> report = RegressionReport(np.array([1.0, 3.0]), np.array([2.0, 3.0]))
        >>> report.mae, report.r2
        (0.5, 0.5)
    """

    labels: np.ndarray
    predictions: np.ndarray

    @property
    def rows(self):
        """The number of rows."""
        return len(self.labels)

    @property
    def mae(self):
        """The mean absolute error, in the units of the labels."""
        return float(np.mean(np.abs(self._errors())))

    @property
    def rmse(self):
        """The root of the mean squared error, in the units of the labels."""
        return float(np.sqrt(np.mean(self._errors() ** 2)))

    @property
    def r2(self):
        """The share of the variance that is explained; NaN for fewer than two rows."""
        from sklearn.metrics import r2_score

        if self.rows < 2:
            return math.nan
        return float(r2_score(np.float64(self.labels), np.float64(self.predictions)))

    def as_dict(self):
        """All of it as numbers that `json.dumps` takes; NaN becomes None."""
        return self.summary()

    def summary(self):
        """The four numbers that stand for the whole, as a dict."""
        return as_json((name, getattr(self, name)) for name in ("mae", "rmse", "r2", "rows"))

    def statistics(self):
        """See `RowReport`."""
        errors = self._errors()
        return {
            "mae": partial(weighted.mean, np.abs(errors)),
            "rmse": partial(weighted.root_mean, errors**2),
            "r2": partial(weighted.r2, np.float64(self.labels), errors),
        }

    def line(self, intervals=None):
        """The four numbers in one readable line, with `intervals()` beside them where given."""
        return line_of(self, {"MAE": "mae", "RMSE": "rmse", "R2": "r2"}, intervals)

    def __str__(self):
        """A readable line."""
        return self.line()

    def _errors(self):
        return np.float64(self.predictions) - np.float64(self.labels)
