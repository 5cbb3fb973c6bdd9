"""One file a way to fuse; each a Keras layer."""

import keras

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.fusion.attention_product import AttentionProduct
from fusionkeras.fusion.average import Average
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.bottleneck import Bottleneck
from fusionkeras.fusion.compact_bilinear import CompactBilinear
from fusionkeras.fusion.concat import Concat
from fusionkeras.fusion.cross_attention import CrossAttention
from fusionkeras.fusion.film import FiLM
from fusionkeras.fusion.gated import Gated
from fusionkeras.fusion.late import Late, Vote
from fusionkeras.fusion.low_rank import LowRank
from fusionkeras.fusion.max import Max
from fusionkeras.fusion.mfb import MFB
from fusionkeras.fusion.modality_dropout import ModalityDropout
from fusionkeras.fusion.multiply import Multiply
from fusionkeras.fusion.mutan import MUTAN
from fusionkeras.fusion.perceiver import Perceiver
from fusionkeras.fusion.sum import Sum
from fusionkeras.fusion.tensor import TensorFusion
from fusionkeras.fusion.transformer import TransformerFusion
from fusionkeras.fusion.weighted import Weighted

FUSIONS = {
    "concat": Concat,
    "sum": Sum,
    "average": Average,
    "max": Max,
    "multiply": Multiply,
    "weighted": Weighted,
    "gated": Gated,
    "film": FiLM,
    "tensor": TensorFusion,
    "low_rank": LowRank,
    "mfb": MFB,
    "mutan": MUTAN,
    "compact_bilinear": CompactBilinear,
    "attention_product": AttentionProduct,
    "cross_attention": CrossAttention,
    "transformer": TransformerFusion,
    "bottleneck": Bottleneck,
    "perceiver": Perceiver,
    "late": Late,
}


def get_fusion(fusion, **kwargs):
    """Returns a fusion layer: the object itself, or the one that a name stands for.

    Args:
        fusion: a Keras layer, or one of the names in `FUSIONS`.
        **kwargs: arguments of the layer that a name stands for.

    Returns:
        A Keras layer from `{branch: features}` to `(batch, fused_dim)`.

    Raises:
        ValueError: for an unknown name.
        TypeError: for something that is neither a name nor a layer.
    """
    if isinstance(fusion, str):
        check_choice("fusion", FUSIONS, fusion=fusion)
        return FUSIONS[fusion](**{"name": "fusion", **kwargs})
    if not isinstance(fusion, keras.layers.Layer):
        raise argument_error(
            "Wrong fusion",
            f"a Keras layer or one of {list(FUSIONS)}",
            kind=TypeError,
            fusion=fusion,
        )
    return fusion


__all__ = [
    "AttentionProduct",
    "Average",
    "Bottleneck",
    "CompactBilinear",
    "Concat",
    "CrossAttention",
    "FUSIONS",
    "FiLM",
    "Fusion",
    "Gated",
    "Late",
    "LowRank",
    "MFB",
    "MUTAN",
    "Max",
    "ModalityDropout",
    "Multiply",
    "Perceiver",
    "Sum",
    "TensorFusion",
    "TransformerFusion",
    "Vote",
    "Weighted",
    "get_fusion",
]
