"""Learning curves: whether more rows of training would help."""

import dataclasses
import math

import keras
import numpy as np

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.data import Table, prepare
from fusionkeras.data.splitting.split import split_by_fraction, strata
from fusionkeras.evaluation.measuring import evaluate
from fusionkeras.evaluation.numbers import as_json, metrics_of
from fusionkeras.evaluation.training import train_new


@dataclasses.dataclass(frozen=True)
class LearningCurve:
    """What `learning_curve` found.

    Attributes:
        sizes: list of float, the shares of the rows of training.
        rows: list of int, how many rows each is.
        reports: for each size a list of what `evaluate` returns, one for each repeat.

    Example:
        >>> from fusionkeras.evaluation import RegressionReport
        >>> reports = [RegressionReport(np.zeros(2), np.full(2, error)) for error in (1.0, 3.0)]
        >>> print(LearningCurve([0.5, 1.0], [5, 10], [reports, reports[:1] * 2]))
        mae, on 2 rows
          rows    mean      std  95 % interval         repeats
             5  2.0000   1.4142  -10.7062 to 14.7062   1.0000 3.0000
            10  1.0000   0.0000  1.0000 to 1.0000      1.0000 1.0000
    """

    sizes: list
    rows: list
    reports: list

    def metrics(self):
        """Each metric, `{name: float array (sizes, repeats)}`; NaN where it is undefined.

        Of several heads the names are those of the head and the metric.
        """
        found = [[metrics_of(report) for report in repeats] for repeats in self.reports]
        names = dict.fromkeys(name for repeats in found for own in repeats for name in own)
        return {
            name: np.array([[own.get(name, math.nan) for own in repeats] for repeats in found])
            for name in names
        }

    def interval(self, name, level=0.95):
        """An interval for the mean of a metric at each size, over trainings.

        `mean -/+ t * S / sqrt(repeats)`, with Student's t of repeats - 1 degrees of freedom: what
        other draws of the rows of training and other random beginnings would give. The larger a
        size, the more of its rows are the same in all repeats; at size 1 all are, and only the
        beginnings differ. The rows of the test are always the same: how far those could be off,
        `reports[size][repeat].intervals()` tells.

        Args:
            name: str, one of `metrics()`.
            level: float, how often such intervals hold what is estimated.

        Returns:
            float array `(sizes, 2)`, low and high; NaN for a single repeat, or where the metric
            is undefined in one. It may reach beyond what the metric can be.
        """
        from scipy import stats

        values = self.metrics()[name]
        repeats = values.shape[1]
        if repeats < 2:
            return np.full((len(values), 2), np.nan)
        error = values.std(axis=1, ddof=1) / math.sqrt(repeats)
        reach = stats.t.ppf((1 + level) / 2, repeats - 1) * error
        return np.stack([values.mean(axis=1) - reach, values.mean(axis=1) + reach], axis=1)

    def summary(self):
        """`{metric: [{"rows", "mean", "std", "interval", "values"}, one for each size]}` as JSON.

        `std` is the standard deviation over repeats; None where a number is undefined.
        """
        return {
            name: [
                self._told(*row) for row in zip(self.rows, values, self.interval(name), strict=True)
            ]
            for name, values in self.metrics().items()
        }

    def as_dict(self):
        """All of it as `json.dumps` takes it."""
        return {"sizes": self.sizes, "rows": self.rows, "metrics": self.summary()}

    def __str__(self):
        """A readable table of the first metric, for several heads one for each."""
        firsts = {}
        for name in self.metrics():
            firsts.setdefault(self._head_of(name), name)
        return "\n\n".join(self._table(head, name) for head, name in firsts.items())

    def _head_of(self, name):
        heads = getattr(self.reports[0][0], "reports", {})
        return next((head for head in heads if name.startswith(f"{head} ")), "")

    def _table(self, head, name):
        report = self.reports[0][0]
        tested = (report[head] if head else report).rows
        lines = [f"{name}, on {tested:,} rows"]
        lines.append(f"{'rows':>6}    mean      std  {'95 % interval':20}  repeats")
        for rows, values, ends in zip(
            self.rows, self.metrics()[name], self.interval(name), strict=True
        ):
            reach, each = "{:.4f} to {:.4f}".format(*ends), " ".join(f"{x:.4f}" for x in values)
            middle = f"{values.mean():8.4f}{_deviation(values):9.4f}"
            lines.append(f"{rows:6d}{middle}  {reach:20}  {each}")
        return "\n".join(lines)

    def _told(self, rows, values, ends):
        mean = {"mean": float(values.mean()), "std": _deviation(values)}
        lists = {"interval": ends.tolist(), "values": values.tolist()}
        lists = {name: list(as_json(enumerate(own)).values()) for name, own in lists.items()}
        return {"rows": rows, **as_json(mean.items()), **lists}


def _deviation(values):
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def learning_curve(
    build,
    train,
    test,
    sizes=(0.1, 0.25, 0.5, 1.0),
    repeats=3,
    seed=0,
    epochs=1,
    batch_size=32,
    cache=True,
    **kwargs,
):
    """Trains new models on more and more rows, and measures all on the same rows.

    In each repeat the rows are drawn anew, stratified by label; a smaller size is a part of every
    larger one, and each class has at least one row in it. Frozen encoders run once over all
    rows: each training finds the features that the others have left in the cache.

    Args:
        build: a function from the `Table` of the rows of a training to `(model, preprocessor)`,
            as for `cross_validate`.
        train: `Table`, such as `data.train`.
        test: `Table` of other rows, such as `data.validation`; `data.test`, where nothing is
            decided by the curve.
        sizes: shares of the rows of training, in (0, 1].
        repeats: int, how often each size is drawn and trained.
        seed: int, of the draws. The seed of Keras, NumPy and Python is set to `seed + repeat`
            ahead of each training.
        epochs: int, as in `fit`; small sizes are fewer steps in as many epochs.
        batch_size: int.
        cache: as in `fit`.
        **kwargs: further arguments of `fit`, such as `callbacks` or `class_weight`.

    Returns:
        `LearningCurve`; `print` shows a table.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for wrong sizes, and whatever `fit` and `evaluate` raise.

    Example:
        >>> import fusionkeras as fk, pandas as pd
        >>> rows = pd.DataFrame({"text": ["red", "blue"] * 9, "label": ["warm", "cold"] * 9})
        >>> data = fk.read_table(rows, {"text": "text"}, label="label", split=(0.7, 0, 0.3))
        >>> def build(train):
        ...     branches = [fk.lstm_branch(fk.learn_vocabulary(train, "text"), sequence_length=2)]
        ...     model = fk.compile_classifier(fk.build_classifier(branches))
        ...     return model, fk.build_preprocessor(branches)
        >>> curve = learning_curve(build, data.train, data.test, (0.5, 1), repeats=1, verbose=0)
        >>> curve.rows, curve.metrics()["accuracy"].shape
        ([6, 13], (2, 1))
    """
    sizes = _check(train, test, sizes, repeats, seed)
    reports = [[] for _ in sizes]
    for repeat in range(repeats):
        parts = draw_nested(train, sizes, seed + repeat)
        for places, found in zip(parts, reports, strict=True):
            rows = train.take(places)
            keras.utils.set_random_seed(seed + repeat)
            how = (seed + repeat, epochs, batch_size, cache)
            model, preprocessor = train_new(build, rows, *how, **kwargs)
            found.append(evaluate(model, prepare(test, preprocessor, batch_size), cache=cache))
    return LearningCurve(sizes, [len(places) for places in parts], reports)


def draw_nested(table, sizes, seed):
    """Draws rows of a table, stratified by its first label, each size out of the next larger.

    Args:
        table: `Table`.
        sizes: list of float, ascending shares of its rows.
        seed: int; the same seed draws the same rows.

    Returns:
        list of int arrays, the places of the rows of each size, ascending.
    """
    (task, labels, _), *_ = table.heads().values()
    classes, places, left, found = strata(labels, task), np.arange(len(table)), 1.0, []
    for size in reversed(sizes):
        share = size / left
        if share < 1:
            split = split_by_fraction(classes[places], (share, 0.0, 1 - share), seed)
            places, left = places[split == 0], size
        found.append(places)
    return found[::-1]


def _check(train, test, sizes, repeats, seed):
    """Raises for wrong arguments; returns the sizes, ascending."""
    for name, table in {"train": train, "test": test}.items():
        if not isinstance(table, Table):
            raise argument_error(
                f"Wrong type of {name}",
                f"a Table, such as data.{name}",
                kind=TypeError,
                table=table,
            )
    check_integer("number of repeats", 1, repeats=repeats)
    check_integer("seed", 0, seed=seed)
    listed = list(sizes) if isinstance(sizes, (list, tuple, np.ndarray)) else []
    right = [isinstance(size, (int, float, np.number)) and 0 < size <= 1 for size in listed]
    if not right or not all(right) or len(set(listed)) < len(listed):
        raise argument_error(
            "Wrong sizes",
            "different shares of the rows of training in (0, 1], such as (0.1, 0.5, 1)",
            sizes=sizes,
        )
    return sorted(map(float, listed))
