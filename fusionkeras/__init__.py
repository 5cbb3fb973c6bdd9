"""Models that read a picture and a text together, on Keras 3 and TensorFlow."""

import importlib
from typing import TYPE_CHECKING

from fusionkeras.audit import AuditReport, Finding, audit
from fusionkeras.branches import bert_branch, image_branch, lstm_branch
from fusionkeras.branches.base import Branch
from fusionkeras.branches.word_vectors import read_word_vectors
from fusionkeras.data import (
    infer_task,
    learn_vocabulary,
    prepare,
    raw_batches,
    read_folder,
    read_rows,
    read_table,
    read_tfds,
    read_tfrecords,
    write_tfrecords,
)
from fusionkeras.datasets import draw_statements
from fusionkeras.explanation import Explanation, explain
from fusionkeras.export import Client, ServedModel, ServingError, export, load, predict, verify
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
from fusionkeras.heads import (
    Calibration,
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
    attention_model,
    build_classifier,
    build_model,
    build_preprocessor,
    build_resnet50_bert,
    build_resnet50_lstm,
    build_vgg16_bert,
    build_vgg16_lstm,
    end_to_end,
)
from fusionkeras.objectives import (
    AdversarialAlignment,
    ContrastiveAlignment,
    Objective,
    Unimodal,
)
from fusionkeras.preprocessing.base import Preprocessor
from fusionkeras.preprocessing.bert import WordPieceTokens
from fusionkeras.preprocessing.image import DecodeImage
from fusionkeras.preprocessing.joint import JointPreprocessor
from fusionkeras.preprocessing.text import WordIds
from fusionkeras.training import (
    FeatureCache,
    GradientBlending,
    Resume,
    build_strategy,
    compile_classifier,
    compile_model,
    enable_lora,
    fit,
    freeze,
    heads_for,
    is_chief,
    split_frozen,
    tune,
    unfreeze,
)
from fusionkeras.version import __version__

if TYPE_CHECKING:  # imported when first asked for, see below; here for editors to read
    from fusionkeras.evaluation import (
        ClassificationReport,
        Comparison,
        CrossValidationReport,
        HeadReports,
        LearningCurve,
        MultilabelReport,
        OrdinalReport,
        PairedTest,
        RegressionReport,
        Reliability,
        RobustnessReport,
        SliceReport,
        Threshold,
        calibrate,
        compare,
        cross_validate,
        evaluate,
        learning_curve,
        paired_test,
        robustness,
        threshold_for,
        tune_thresholds,
    )
    from fusionkeras.report import (
        plot_comparison,
        plot_confusion,
        plot_explanation,
        plot_history,
        plot_learning_curve,
        plot_precision_recall,
        plot_predictions,
        plot_reliability,
        plot_robustness,
        plot_roc,
    )

__all__ = [
    "AdversarialAlignment",
    "AttentionProduct",
    "AuditReport",
    "Average",
    "Bottleneck",
    "Branch",
    "Calibration",
    "ClassificationHead",
    "ClassificationReport",
    "Client",
    "CompactBilinear",
    "Comparison",
    "Concat",
    "ContrastiveAlignment",
    "CrossAttention",
    "CrossValidationReport",
    "DecodeImage",
    "Explanation",
    "FeatureCache",
    "FiLM",
    "Finding",
    "FocalLoss",
    "Fusion",
    "Gated",
    "GradientBlending",
    "Head",
    "HeadReports",
    "JointPreprocessor",
    "Late",
    "LearningCurve",
    "LogitAdjustedLoss",
    "LowRank",
    "MFB",
    "MUTAN",
    "Max",
    "ModalityDropout",
    "MultilabelHead",
    "MultilabelReport",
    "Multiply",
    "NamedProbabilities",
    "Objective",
    "OrdinalHead",
    "OrdinalReport",
    "PairedTest",
    "Perceiver",
    "Preprocessor",
    "RegressionHead",
    "RegressionReport",
    "Reliability",
    "Resume",
    "RobustnessReport",
    "ServedModel",
    "ServingError",
    "SliceReport",
    "Sum",
    "TensorFusion",
    "Threshold",
    "TransformerFusion",
    "Unimodal",
    "Weighted",
    "WordIds",
    "WordPieceTokens",
    "__version__",
    "attention_model",
    "audit",
    "bert_branch",
    "build_classifier",
    "build_model",
    "build_preprocessor",
    "build_resnet50_bert",
    "build_resnet50_lstm",
    "build_strategy",
    "build_vgg16_bert",
    "build_vgg16_lstm",
    "calibrate",
    "compare",
    "compile_classifier",
    "compile_model",
    "cross_validate",
    "draw_statements",
    "enable_lora",
    "end_to_end",
    "evaluate",
    "explain",
    "export",
    "fit",
    "freeze",
    "heads_for",
    "image_branch",
    "infer_task",
    "is_chief",
    "learn_vocabulary",
    "learning_curve",
    "load",
    "lstm_branch",
    "paired_test",
    "plot_comparison",
    "plot_confusion",
    "plot_explanation",
    "plot_history",
    "plot_learning_curve",
    "plot_precision_recall",
    "plot_predictions",
    "plot_reliability",
    "plot_robustness",
    "plot_roc",
    "predict",
    "prepare",
    "raw_batches",
    "read_folder",
    "read_rows",
    "read_table",
    "read_tfds",
    "read_tfrecords",
    "read_word_vectors",
    "robustness",
    "split_frozen",
    "threshold_for",
    "tune",
    "tune_thresholds",
    "unfreeze",
    "verify",
    "write_tfrecords",
]

# Parts without layers, so that no saved model needs them: `import fusionkeras` is quick.
_LATER = ("evaluation", "report")


def __getattr__(name):
    """Imports what measures and draws when it is first asked for."""
    if name in _LATER:
        return importlib.import_module(f"fusionkeras.{name}")
    if name in __all__:
        for part in map(__getattr__, _LATER):
            if hasattr(part, name):
                return getattr(part, name)
    raise AttributeError(f"module 'fusionkeras' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__, *_LATER})
