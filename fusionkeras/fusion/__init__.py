"""One file a way to fuse; each a Keras layer."""

import keras

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.fusion.base import Fusion
from fusionkeras.fusion.concat import Concat

FUSIONS = {
    "concat": Concat,
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


__all__ = ["FUSIONS", "Concat", "Fusion", "get_fusion"]
