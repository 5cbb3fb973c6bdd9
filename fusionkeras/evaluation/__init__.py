"""How good a model is."""

from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.evaluation.measuring import evaluate, tune_thresholds
from fusionkeras.evaluation.missing import MissingReport
from fusionkeras.evaluation.multilabel import MultilabelReport
from fusionkeras.evaluation.ordinal import OrdinalReport
from fusionkeras.evaluation.regression import RegressionReport
from fusionkeras.evaluation.several import HeadReports

__all__ = [
    "ClassificationReport",
    "HeadReports",
    "MissingReport",
    "MultilabelReport",
    "OrdinalReport",
    "RegressionReport",
    "evaluate",
    "tune_thresholds",
]
