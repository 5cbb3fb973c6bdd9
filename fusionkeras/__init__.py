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
from fusionkeras.models import (
    NamedProbabilities,
    build_classifier,
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
    fit,
    freeze,
    split_frozen,
    unfreeze,
)
from fusionkeras.version import __version__

__all__ = [
    "Branch",
    "ClassificationReport",
    "Concat",
    "DecodeImage",
    "FeatureCache",
    "Fusion",
    "HeadReports",
    "JointPreprocessor",
    "MultilabelReport",
    "NamedProbabilities",
    "OrdinalReport",
    "Preprocessor",
    "RegressionReport",
    "ServedModel",
    "WordIds",
    "WordPieceTokens",
    "__version__",
    "bert_branch",
    "build_classifier",
    "build_preprocessor",
    "build_resnet50_bert",
    "build_resnet50_lstm",
    "build_vgg16_bert",
    "build_vgg16_lstm",
    "compile_classifier",
    "draw_statements",
    "end_to_end",
    "evaluate",
    "export",
    "fit",
    "freeze",
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
