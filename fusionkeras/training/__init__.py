"""Freezing, compiling, training."""

from fusionkeras.training.blending import GradientBlending
from fusionkeras.training.compiling import compile_classifier, compile_model
from fusionkeras.training.distribution.processes import is_chief
from fusionkeras.training.distribution.strategies import build_strategy
from fusionkeras.training.fitting import fit
from fusionkeras.training.freeze import branch_names, freeze, layers_to_unfreeze, unfreeze
from fusionkeras.training.frozen import FeatureCache, split_frozen, with_features
from fusionkeras.training.heads import heads_for
from fusionkeras.training.lora import enable_lora
from fusionkeras.training.resume import Resume
from fusionkeras.training.running import compiled
from fusionkeras.training.tuning import tune

__all__ = [
    "FeatureCache",
    "GradientBlending",
    "Resume",
    "branch_names",
    "build_strategy",
    "compile_classifier",
    "compile_model",
    "compiled",
    "enable_lora",
    "fit",
    "freeze",
    "heads_for",
    "is_chief",
    "layers_to_unfreeze",
    "split_frozen",
    "tune",
    "unfreeze",
    "with_features",
]
