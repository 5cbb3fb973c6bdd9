"""What is answered: the output of a head, in words and numbers that need no explanation."""

from fusionkeras.models.answers.base import Answer
from fusionkeras.models.answers.classification import UNSURE, NamedProbabilities
from fusionkeras.models.answers.multilabel import NamedLabels
from fusionkeras.models.answers.ordinal import NamedRanks
from fusionkeras.models.answers.regression import Quantity

ANSWERS = {layer.task: layer for layer in (NamedProbabilities, NamedLabels, Quantity, NamedRanks)}

__all__ = [
    "ANSWERS",
    "UNSURE",
    "Answer",
    "NamedLabels",
    "NamedProbabilities",
    "NamedRanks",
    "Quantity",
]
