"""What the reports of one head share: their rows can be taken, resampled and sliced."""

import dataclasses

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.evaluation.intervals import bootstrap
from fusionkeras.evaluation.slicing import slice_report


class RowReport:
    """A report whose numbers are all computed from its rows.

    A subclass is a frozen dataclass and writes `statistics`.
    """

    def statistics(self):
        """Each metric of `summary` as a function of weights of the rows.

        Returns:
            dict of `{metric: function}`, as `bootstrap` takes it; without `rows`.
        """
        raise NotImplementedError

    def statistics_of_classes(self):
        """The same by class, `{(class, metric): function}`."""
        raise argument_error(
            f"A {type(self).__name__} has no numbers by class",
            "per_class=False",
            per_class=True,
        )

    def take(self, places):
        """The report of some of its rows.

        Args:
            places: int array `(k,)`, of rows from 0, each as often as wanted; or a bool mask.

        Returns:
            A report of the same class.
        """
        names = {"labels", "probabilities", "predictions"}
        names &= {field.name for field in dataclasses.fields(self)}
        return dataclasses.replace(
            self, **{name: np.asarray(getattr(self, name))[places] for name in names}
        )

    def intervals(self, confidence=0.95, resamples=1000, method="bca", seed=0, per_class=False):
        """Bootstrap intervals: what the metrics could be on other rows of the same kind.

        The rows are resampled, the model stays as it is: another training of it would be off by
        more. `print(report.line(report.intervals()))` shows them beside the metrics.

        Args:
            confidence: float, how often such intervals hold what the metric would be on
                ever more rows.
            resamples: int, how often as many rows are drawn, with replacement.
            method: "bca", corrected for bias and skewness, or "percentile": that part of the
                resamples as it is. Both are to rounding those of `scipy.stats.bootstrap`.
            seed: int, of the draws.
            per_class: bool, whether to give those of precision, recall and F1 (multilabel: average
                precision too) of each class instead.

        Returns:
            `{metric: (low, high)}` for each metric of `summary()` but rows; with `per_class`
            `{class: {metric: (low, high)}}`. Resamples in which a metric is undefined (of a class
            without rows, say) are left out; it is NaN where they are more than a tenth, or the
            metric of all rows is undefined. Where no row is wrong, or each, no resample can tell
            more: the interval of accuracy, exact match, precision or recall is that of Clopper
            and Pearson then, and that of other metrics a point.

        Raises:
            TypeError, ValueError: for wrong arguments; for `per_class` of a report without.

        Example:
            >>> from fusionkeras.evaluation import RegressionReport
            >>> report = RegressionReport(np.arange(8.0), np.arange(8.0) + [0, 1] * 4)
            >>> report.intervals()["mae"]
            (0.125, 0.875)
        """
        how = (confidence, resamples, method, seed)
        if not per_class:
            return bootstrap(self.statistics(), self.rows, *how)
        found = {}
        for (name, metric), ends in bootstrap(
            self.statistics_of_classes(), self.rows, *how
        ).items():
            found.setdefault(name, {})[metric] = ends
        return found

    def slices(self, values, name="slice", confidence=0.95, resamples=1000, seed=0):
        """The same report for each value of a column.

        Args:
            values: one value a row of the report, in its order: texts, numbers, or nothing (None,
                NaN, ""). More than 10 different numbers are cut into quarters of the rows.
            name: str, what is printed above the values.
            confidence: as for `intervals`.
            resamples: as for `intervals`.
            seed: as for `intervals`.

        Returns:
            `SliceReport`; `print` shows rows, the first metric and its interval.

        Raises:
            ValueError: where the values are not one a row, or more than 100 different ones.

        Example:
            >>> from fusionkeras.evaluation import RegressionReport
            >>> report = RegressionReport(np.arange(4.0), np.arange(4.0) + [0, 0, 1, 2])
            >>> found = report.slices(["red", "red", "blue", "blue"])
            >>> {value: own.mae for value, own in found.reports.items()}
            {'blue': 1.5, 'red': 0.0}
        """
        return slice_report(self, values, name, confidence, resamples, seed)
