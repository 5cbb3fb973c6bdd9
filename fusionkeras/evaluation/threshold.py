"""From which probability on answers are as good as is wanted."""

import dataclasses
import numbers

import numpy as np

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.evaluation.multilabel import MultilabelReport


@dataclasses.dataclass(frozen=True)
class Threshold:
    """What `threshold_for` found; `float(threshold)` is its value, so it can be passed as one.

    Attributes:
        value: float, the smallest probability that is answered.
        precision: float, the share of answers that are right.
        recall: float, the share of rows that are answered, and rightly; for one class the share
            of its rows.
        coverage: float, the share of rows that are answered.
        rows: int, all rows.

    Example:
        >>> print(Threshold(0.8, 0.95, 0.855, 0.9, 200))
        from .8000 on: precision .9500, recall .8550, .9000 of 200 rows answered
    """

    value: float
    precision: float
    recall: float
    coverage: float
    rows: int

    def __float__(self):
        """The probability."""
        return self.value

    def as_dict(self):
        """All of it, as `json.dumps` takes it."""
        return dataclasses.asdict(self)

    def __str__(self):
        """One line."""
        shares = (self.value, self.precision, self.recall, self.coverage)
        value, precision, recall, coverage = (f"{share:.4f}".removeprefix("0") for share in shares)
        return (
            f"from {value} on: precision {precision}, recall {recall}, {coverage} of {self.rows} "
            "rows answered"
        )


def threshold_for(report, precision=None, recall=None, label=None):
    """Finds the probability from which on answers have a wanted precision or recall.

    Without a label it is the probability of the likeliest class, also of two classes: rows below
    it are left unanswered, which `end_to_end(unsure=threshold)` does. With a label it is the
    probability of that class alone, and rows from there on are said to be of it.

    For a precision it is the smallest such threshold, which answers most rows; for a recall the
    largest, which errs least. It holds on the rows of the report, so take those of validation; on
    others it holds about as well as these are many.

    Args:
        report: `ClassificationReport` or `MultilabelReport`, what `evaluate` returns; of several
            heads that of one.
        precision: float in (0, 1], the share of answers that are to be right; or None.
        recall: float in (0, 1], the share of rows that are to be answered, and rightly; or None.
        label: str, one class or label; a `MultilabelReport` needs one.

    Returns:
        `Threshold`. Its value lies halfway between the neighbouring probabilities, and is 0 where
        all rows can be answered.

    Raises:
        ValueError: when no threshold gives what is wanted, unless one of precision and recall is
            wanted, and for an unknown label.
        TypeError: for another report.

    Example:
        >>> labels, p = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])
        >>> report = ClassificationReport(["cat", "dog"], labels, p)
        >>> print(threshold_for(report, precision=0.95))
        from .6500 on: precision 1.0000, recall .6667, .6667 of 3 rows answered
    """
    name, wanted = _wanted(precision, recall)
    scores, right, positives = _judged(report, label)
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(right[order])
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))  # of rows of one probability
    found = {"precision": hits[last] / (last + 1), "recall": hits[last] / positives}
    good = np.flatnonzero(found[name] >= wanted)
    if not len(good):
        raise argument_error(
            f"No threshold gives this {name} on these rows",
            f"at most {found[name].max():.4f}, the highest that there is",
            **{name: wanted},
        )
    place = good[-1] if name == "precision" else good[0]
    return Threshold(
        _above(scores, last[place]),
        *(float(found[x][place]) for x in ("precision", "recall")),
        coverage=float((last[place] + 1) / len(scores)),
        rows=len(scores),
    )


def _above(scores, last):
    """Halfway to the next smaller score, as float32, in which probabilities are compared."""
    if last + 1 == len(scores):
        return 0.0
    lowest, next_one = scores[last], scores[last + 1]
    half = np.float32((float(lowest) + float(next_one)) / 2)
    return float(half if half > next_one else lowest)


def _judged(report, label):
    """The score of each row, whether an answer would be right, and how many could be."""
    if not isinstance(report, (ClassificationReport, MultilabelReport)):
        raise argument_error(
            "Thresholds are for classes",
            "a ClassificationReport or a MultilabelReport",
            "Of several heads pass the report of one, such as report['kind'].",
            TypeError,
            report=type(report).__name__,
        )
    p = np.asarray(report.probabilities, np.float32)
    if label is None and isinstance(report, ClassificationReport):
        return p.max(axis=-1), report.predictions == report.labels, report.rows
    check_choice("label", report.class_names, label=label)
    place = report.class_names.index(label)
    several = isinstance(report, MultilabelReport)
    right = report.labels[:, place] == 1 if several else report.labels == place
    if not right.any():
        raise argument_error("No row has this label", "rows that have it", label=label)
    return p[:, place], right, right.sum()


def _wanted(precision, recall):
    """The name and the value of the one that is wanted."""
    wanted = {"precision": precision, "recall": recall}
    given = {name: value for name, value in wanted.items() if value is not None}
    if len(given) != 1:
        raise argument_error("One thing can be wanted", "precision=, or recall=", **wanted)
    ((name, value),) = given.items()
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 < value <= 1:
        raise argument_error(f"Wrong {name}", "a number in (0, 1]", **given)
    return name, float(value)
