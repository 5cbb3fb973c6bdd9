"""What cross-validation has found, fold by fold and together."""

import dataclasses
import math

import numpy as np

from fusionkeras.evaluation.numbers import as_json, metrics_of


@dataclasses.dataclass(frozen=True)
class CrossValidationReport:
    """What `cross_validate` found.

    Attributes:
        reports: list of what `evaluate` returns, one for each fold.
        folds: int array `(rows,)`, which fold held a row out.
        predictions: what was answered to each row of the table, in order, by the model that had
            not seen it: float32 `(rows, classes)`, for regression `(rows,)`; for several heads a
            dict of them.

    Example:
        >>> from fusionkeras.evaluation import RegressionReport
        >>> reports = [RegressionReport(np.zeros(2), np.full(2, error)) for error in (1.0, 3.0)]
        >>> print(CrossValidationReport(reports, np.array([0, 0, 1, 1]), np.float32([1, 1, 3, 3])))
        4 rows in 2 folds
                 mean      std  95 % interval         folds
        mae    2.0000   1.4142  -20.0078 to 24.0078   1.0000 3.0000
        rmse   2.0000   1.4142  -20.0078 to 24.0078   1.0000 3.0000
        r2     0.0000   0.0000  0.0000 to 0.0000      0.0000 0.0000
    """

    reports: list
    folds: np.ndarray
    predictions: object

    def metrics(self):
        """Each metric fold by fold, `{name: float array (folds,)}`; NaN where it is undefined.

        Of several heads the names are those of the head and the metric.
        """
        found = [metrics_of(report) for report in self.reports]
        names = dict.fromkeys(name for own in found for name in own)
        return {name: np.array([own.get(name, math.nan) for own in found]) for name in names}

    def interval(self, name, level=0.95):
        """An interval for the mean of a metric.

        `mean -/+ t * sqrt((1 / J + n2 / n1) * S^2)`, where `S^2` is the variance of the metric
        over the J folds (divided by J - 1), `n2 / n1 = 1 / (J - 1)` the rows held out by those of
        training, and t the quantile of Student's distribution of J - 1 degrees of freedom. The
        folds are not independent, since any two of them share most of their rows of training:
        `S^2 / J` alone would be too small by far, and `n2 / n1` makes up for it. It is nearly
        right, not exact: no unbiased estimate of this variance exists. It holds for the training
        on so many rows, and may reach beyond what the metric can be.

        Args:
            name: str, one of `metrics()`.
            level: float, how often such intervals hold what is estimated.

        Returns:
            `(low, high)`; NaN where a fold has no such metric.

        Reference:
            Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52
            (2003), the corrected resampled t-test. Differs from the paper: its J splits are drawn
            independently of one another, so that rows may be tested on several times; here they
            are the folds of one partition.
        """
        from scipy import stats

        values = self.metrics()[name]
        folds = len(values)
        error = math.sqrt((1 / folds + 1 / (folds - 1)) * values.var(ddof=1))
        reach = float(stats.t.ppf((1 + level) / 2, folds - 1)) * error
        return float(values.mean()) - reach, float(values.mean()) + reach

    def summary(self):
        """`{metric: {"mean", "std", "interval"}}` as JSON; None where a fold has no such metric.

        `std` is the standard deviation over the folds, `interval` that of `interval(metric)`.
        """
        return {
            name: {
                **as_json({"mean": float(values.mean()), "std": float(values.std(ddof=1))}.items()),
                "interval": list(as_json(enumerate(self.interval(name))).values()),
            }
            for name, values in self.metrics().items()
        }

    def as_dict(self):
        """The summary, and that of each fold, as `json.dumps` takes it."""
        return {
            "rows": len(self.folds),
            "metrics": self.summary(),
            "folds": [report.summary() for report in self.reports],
        }

    def __str__(self):
        """A readable table."""
        metrics = self.metrics()
        width = max(map(len, metrics))
        lines = [
            f"{len(self.folds):,} rows in {len(self.reports)} folds",
            f"{'':{width}}     mean      std  {'95 % interval':20}  folds",
        ]
        for name, values in metrics.items():
            reach = "{:.4f} to {:.4f}".format(*self.interval(name))
            each = " ".join(f"{value:.4f}" for value in values)
            middle = f"{values.mean():9.4f}{values.std(ddof=1):9.4f}"
            lines.append(f"{name:{width}}{middle}  {reach:20}  {each}")
        return "\n".join(lines)
