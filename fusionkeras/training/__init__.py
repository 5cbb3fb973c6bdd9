"""Freezing, compiling, training."""

from fusionkeras.training.compiling import compile_classifier
from fusionkeras.training.fitting import fit
from fusionkeras.training.freeze import branch_names, freeze, layers_to_unfreeze, unfreeze
from fusionkeras.training.frozen import FeatureCache, split_frozen, with_features

__all__ = [
    "FeatureCache",
    "branch_names",
    "compile_classifier",
    "fit",
    "freeze",
    "layers_to_unfreeze",
    "split_frozen",
    "unfreeze",
    "with_features",
]
