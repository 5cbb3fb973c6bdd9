"""How good a model is."""

from fusionkeras.evaluation.classification import ClassificationReport, evaluate

__all__ = ["ClassificationReport", "evaluate"]
