"""Models out of branches: the general builder, the named systems, and what is served."""

from fusionkeras.models.answers import (
    UNSURE,
    Answer,
    NamedLabels,
    NamedProbabilities,
    NamedRanks,
    Quantity,
)
from fusionkeras.models.attention import attention_model
from fusionkeras.models.classifier import build_classifier, build_model
from fusionkeras.models.named import (
    build_resnet50_bert,
    build_resnet50_lstm,
    build_vgg16_bert,
    build_vgg16_lstm,
)
from fusionkeras.models.serving import build_preprocessor, end_to_end, with_calibration

__all__ = [
    "UNSURE",
    "Answer",
    "NamedLabels",
    "NamedProbabilities",
    "NamedRanks",
    "Quantity",
    "attention_model",
    "build_classifier",
    "build_model",
    "build_preprocessor",
    "build_resnet50_bert",
    "build_resnet50_lstm",
    "build_vgg16_bert",
    "build_vgg16_lstm",
    "end_to_end",
    "with_calibration",
]
