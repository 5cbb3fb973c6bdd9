"""How good a model is."""

from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.evaluation.crossvalidation import cross_validate
from fusionkeras.evaluation.crossvalidation_report import CrossValidationReport
from fusionkeras.evaluation.learning import LearningCurve, learning_curve
from fusionkeras.evaluation.measuring import evaluate, tune_thresholds
from fusionkeras.evaluation.missing import MissingReport
from fusionkeras.evaluation.multilabel import MultilabelReport
from fusionkeras.evaluation.ordinal import OrdinalReport
from fusionkeras.evaluation.paired import PairedTest, paired_test
from fusionkeras.evaluation.regression import RegressionReport
from fusionkeras.evaluation.several import HeadReports
from fusionkeras.evaluation.slicing import SliceReport

__all__ = [
    "ClassificationReport",
    "CrossValidationReport",
    "HeadReports",
    "LearningCurve",
    "MissingReport",
    "MultilabelReport",
    "OrdinalReport",
    "PairedTest",
    "RegressionReport",
    "SliceReport",
    "cross_validate",
    "evaluate",
    "learning_curve",
    "paired_test",
    "tune_thresholds",
]
