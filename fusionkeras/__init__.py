"""Models that read a picture and a text together, on Keras 3 and TensorFlow."""

from fusionkeras.branches import bert_branch, image_branch, lstm_branch
from fusionkeras.branches.base import Branch
from fusionkeras.branches.word_vectors import read_word_vectors
from fusionkeras.data import (
    infer_task,
    learn_vocabulary,
    prepare,
    raw_batches,
    read_rows,
    read_table,
)
from fusionkeras.datasets import draw_statements
from fusionkeras.evaluation import (
    ClassificationReport,
    HeadReports,
    MultilabelReport,
    OrdinalReport,
    RegressionReport,
    evaluate,
    tune_thresholds,
)
from fusionkeras.export import ServedModel, export, load, predict
from fusionkeras.fusion import Concat, Fusion
from fusionkeras.heads import (
    ClassificationHead,
    FocalLoss,
    Head,
    LogitAdjustedLoss,
    MultilabelHead,
    OrdinalHead,
    RegressionHead,
)
from fusionkeras.models import (
    NamedProbabilities,
    build_classifier,
    build_model,
    build_preprocessor,
    build_resnet50_bert,
    build_resnet50_lstm,
    build_vgg16_bert,
    build_vgg16_lstm,
    end_to_end,
)
from fusionkeras.preprocessing.base import Preprocessor
from fusionkeras.preprocessing.bert import WordPieceTokens
from fusionkeras.preprocessing.image import DecodeImage
from fusionkeras.preprocessing.joint import JointPreprocessor
from fusionkeras.preprocessing.text import WordIds
from fusionkeras.training import (
    FeatureCache,
    compile_classifier,
    compile_model,
    fit,
    freeze,
    heads_for,
    split_frozen,
    unfreeze,
)
from fusionkeras.version import __version__

__all__ = [
    "Branch",
    "ClassificationHead",
    "ClassificationReport",
    "Concat",
    "DecodeImage",
    "FeatureCache",
    "FocalLoss",
    "Fusion",
    "Head",
    "HeadReports",
    "JointPreprocessor",
    "LogitAdjustedLoss",
    "MultilabelHead",
    "MultilabelReport",
    "NamedProbabilities",
    "OrdinalHead",
    "OrdinalReport",
    "Preprocessor",
    "RegressionHead",
    "RegressionReport",
    "ServedModel",
    "WordIds",
    "WordPieceTokens",
    "__version__",
    "bert_branch",
    "build_classifier",
    "build_model",
    "build_preprocessor",
    "build_resnet50_bert",
    "build_resnet50_lstm",
    "build_vgg16_bert",
    "build_vgg16_lstm",
    "compile_classifier",
    "compile_model",
    "draw_statements",
    "end_to_end",
    "evaluate",
    "export",
    "fit",
    "freeze",
    "heads_for",
    "image_branch",
    "infer_task",
    "learn_vocabulary",
    "load",
    "lstm_branch",
    "predict",
    "prepare",
    "raw_batches",
    "read_rows",
    "read_table",
    "read_word_vectors",
    "split_frozen",
    "tune_thresholds",
    "unfreeze",
]
