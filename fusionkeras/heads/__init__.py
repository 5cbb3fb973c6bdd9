"""One file a task; each head is the output layer of a model. What may stand behind it."""

from fusionkeras.heads.base import KINDS_OF_LOSS, Head
from fusionkeras.heads.calibration import Calibration
from fusionkeras.heads.classification import ClassificationHead
from fusionkeras.heads.finding import head_of, heads_of
from fusionkeras.heads.losses import FocalLoss, LogitAdjustedLoss, OrdinalLoss, StandardisedLoss
from fusionkeras.heads.multilabel import MultilabelHead
from fusionkeras.heads.ordinal import OrdinalHead
from fusionkeras.heads.regression import RegressionHead

HEADS = {
    "classification": ClassificationHead,
    "multilabel": MultilabelHead,
    "regression": RegressionHead,
    "ordinal": OrdinalHead,
}

__all__ = [
    "HEADS",
    "KINDS_OF_LOSS",
    "Calibration",
    "ClassificationHead",
    "FocalLoss",
    "Head",
    "LogitAdjustedLoss",
    "MultilabelHead",
    "OrdinalHead",
    "OrdinalLoss",
    "RegressionHead",
    "StandardisedLoss",
    "head_of",
    "heads_of",
]
