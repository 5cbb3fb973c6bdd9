"""How good a model is."""

from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.evaluation.comparing import Comparison, compare
from fusionkeras.evaluation.crossvalidation import cross_validate
from fusionkeras.evaluation.crossvalidation_report import CrossValidationReport
from fusionkeras.evaluation.measuring import evaluate, tune_thresholds
from fusionkeras.evaluation.missing import MissingReport
from fusionkeras.evaluation.multilabel import MultilabelReport
from fusionkeras.evaluation.ordinal import OrdinalReport
from fusionkeras.evaluation.regression import RegressionReport
from fusionkeras.evaluation.several import HeadReports

__all__ = [
    "ClassificationReport",
    "Comparison",
    "CrossValidationReport",
    "HeadReports",
    "MissingReport",
    "MultilabelReport",
    "OrdinalReport",
    "RegressionReport",
    "compare",
    "cross_validate",
    "evaluate",
    "tune_thresholds",
]
