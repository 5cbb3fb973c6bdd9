"""The rows in which a model is wrong, those first of which it is most sure."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A row that a model answers wrongly.

    Attributes:
        place: int, which of the rows of the report.
        said: str, what the model says.
        true: str, what is true.
        sure: str, how sure it is, or how far it is off.
        answer: int, the place of the class in question; None for a regression.
    """

    place: int
    said: str
    true: str
    sure: str
    answer: int | None = None


def find_mistakes(report, most):
    """Finds the most confident errors.

    Args:
        report: what `evaluate` returns, of one head.
        most: int, how many.

    Returns:
        `(list of Mistake, how many there are in all)`. Of a regression every row counts whose
        prediction is off, and the farthest are first; of an ordinal task the rank that is said
        and its probability; of several labels the one label that is most wrong.

    Example:
        >>> from fusionkeras.evaluation import RegressionReport
        >>> report = RegressionReport(np.array([1.0, 3.0]), np.array([2.5, 3.0]))
        >>> find_mistakes(report, 5)
        ([Mistake(place=0, said='2.5', true='1', sure='off by +1.5', answer=None)], 1)
    """
    if not hasattr(report, "class_names"):
        wrongness = np.abs(np.float64(report.predictions) - report.labels)
        return _first(wrongness, most, lambda place: _of_quantity(report, place))
    if np.ndim(report.labels) == 2:
        wrong = report.predictions != report.labels
        wrongness = np.where(wrong, np.abs(report.probabilities - report.labels), 0)
        return _first(
            wrongness.max(axis=1),
            most,
            lambda place: _of_labels(report, place, int(wrongness[place].argmax())),
        )
    wrongness = report.probabilities.max(axis=1) * (report.predictions != report.labels)
    return _first(wrongness, most, lambda place: _of_class(report, place))


def _first(wrongness, most, make):
    order = np.argsort(-wrongness, kind="stable")[:most]
    found = [make(int(place)) for place in order if wrongness[place] > 0]
    return found, int(np.sum(wrongness > 0))


def _of_quantity(report, place):
    said, true = float(report.predictions[place]), float(report.labels[place])
    return Mistake(place, f"{said:.4g}", f"{true:.4g}", f"off by {said - true:+.4g}")


def _of_labels(report, place, label):
    name, probability = report.class_names[label], report.probabilities[place, label]
    given, there = f"gives {name}", f"does not give {name}"
    said, true = (given, "no such label") if report.predictions[place, label] else (there, name)
    return Mistake(place, said, true, f"probability {probability:.3f}", label)


def _of_class(report, place):
    said, true = int(report.predictions[place]), int(report.labels[place])
    sure = f"probability {report.probabilities[place, said]:.3f}"
    return Mistake(place, report.class_names[said], report.class_names[true], sure, said)
