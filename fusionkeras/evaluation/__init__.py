"""How good a model is."""

from fusionkeras.evaluation.classification import ClassificationReport, evaluate
from fusionkeras.evaluation.missing import MissingReport, evaluate_missing

__all__ = ["ClassificationReport", "MissingReport", "evaluate", "evaluate_missing"]
