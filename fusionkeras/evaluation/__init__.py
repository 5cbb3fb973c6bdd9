"""How good a model is."""

from fusionkeras.evaluation.calibrating import calibrate
from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.evaluation.comparing import Comparison, compare
from fusionkeras.evaluation.crossvalidation import cross_validate
from fusionkeras.evaluation.crossvalidation_report import CrossValidationReport
from fusionkeras.evaluation.curves.report import RobustnessReport
from fusionkeras.evaluation.curves.robustness import robustness
from fusionkeras.evaluation.learning import LearningCurve, learning_curve
from fusionkeras.evaluation.measuring import evaluate, tune_thresholds
from fusionkeras.evaluation.multilabel import MultilabelReport
from fusionkeras.evaluation.ordinal import OrdinalReport
from fusionkeras.evaluation.paired import PairedTest, paired_test
from fusionkeras.evaluation.regression import RegressionReport
from fusionkeras.evaluation.reliability import Reliability
from fusionkeras.evaluation.several import HeadReports
from fusionkeras.evaluation.slicing import SliceReport
from fusionkeras.evaluation.threshold import Threshold, threshold_for

__all__ = [
    "ClassificationReport",
    "Comparison",
    "CrossValidationReport",
    "HeadReports",
    "LearningCurve",
    "MultilabelReport",
    "OrdinalReport",
    "PairedTest",
    "RegressionReport",
    "Reliability",
    "RobustnessReport",
    "SliceReport",
    "Threshold",
    "calibrate",
    "compare",
    "cross_validate",
    "evaluate",
    "learning_curve",
    "paired_test",
    "robustness",
    "threshold_for",
    "tune_thresholds",
]
