"""Models that read a picture and a text together, on Keras 3 and TensorFlow."""

from fusionkeras.branches import bert_branch, image_branch, lstm_branch
from fusionkeras.branches.base import Branch
from fusionkeras.branches.word_vectors import read_word_vectors
from fusionkeras.data import learn_vocabulary, prepare, raw_batches, read_rows, read_table
from fusionkeras.datasets import draw_statements
from fusionkeras.evaluation import ClassificationReport, MissingReport, evaluate
from fusionkeras.export import ServedModel, export, load, predict
from fusionkeras.fusion import (
    MFB,
    MUTAN,
    AttentionProduct,
    Average,
    Bottleneck,
    CompactBilinear,
    Concat,
    CrossAttention,
    FiLM,
    Fusion,
    Gated,
    Late,
    LowRank,
    Max,
    ModalityDropout,
    Multiply,
    Perceiver,
    Sum,
    TensorFusion,
    TransformerFusion,
    Weighted,
)
from fusionkeras.models import (
    NamedProbabilities,
    attention_model,
    build_classifier,
    build_preprocessor,
    build_resnet50_bert,
    build_resnet50_lstm,
    build_vgg16_bert,
    build_vgg16_lstm,
    end_to_end,
)
from fusionkeras.objectives import AdversarialAlignment, ContrastiveAlignment, Objective
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
    "AdversarialAlignment",
    "AttentionProduct",
    "Average",
    "Bottleneck",
    "Branch",
    "ClassificationReport",
    "CompactBilinear",
    "Concat",
    "ContrastiveAlignment",
    "CrossAttention",
    "DecodeImage",
    "FeatureCache",
    "FiLM",
    "Fusion",
    "Gated",
    "JointPreprocessor",
    "Late",
    "LowRank",
    "MFB",
    "MUTAN",
    "Max",
    "MissingReport",
    "ModalityDropout",
    "Multiply",
    "NamedProbabilities",
    "Objective",
    "Perceiver",
    "Preprocessor",
    "ServedModel",
    "Sum",
    "TensorFusion",
    "TransformerFusion",
    "Weighted",
    "WordIds",
    "WordPieceTokens",
    "__version__",
    "attention_model",
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
    "unfreeze",
]
