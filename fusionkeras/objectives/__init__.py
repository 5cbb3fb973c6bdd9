"""Auxiliary objectives: each a Keras layer between the encoders and the fusion that adds a loss."""

import keras

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.objectives.adversarial import AdversarialAlignment
from fusionkeras.objectives.base import Objective
from fusionkeras.objectives.contrastive import ContrastiveAlignment
from fusionkeras.objectives.unimodal import Unimodal, WithBranches

OBJECTIVES = {
    "contrastive": ContrastiveAlignment,
    "adversarial": AdversarialAlignment,
    "unimodal": Unimodal,
}


def get_objective(objective, **kwargs):
    """Returns an auxiliary objective: the object itself, or the one that a name stands for.

    Args:
        objective: a Keras layer, or one of the names in `OBJECTIVES`.
        **kwargs: arguments of the layer that a name stands for.

    Returns:
        A Keras layer from `{branch: features}` to `{branch: features}`.

    Raises:
        ValueError: for an unknown name.
        TypeError: for something that is neither a name nor a layer.
    """
    if isinstance(objective, str):
        check_choice("objective", OBJECTIVES, objective=objective)
        return OBJECTIVES[objective](**{"name": objective, **kwargs})
    if not isinstance(objective, keras.layers.Layer):
        raise argument_error(
            "Wrong objective",
            f"a Keras layer or one of {list(OBJECTIVES)}",
            kind=TypeError,
            objective=objective,
        )
    return objective


__all__ = ["OBJECTIVES", "AdversarialAlignment", "ContrastiveAlignment", "Objective"]
__all__ += ["Unimodal", "WithBranches", "get_objective"]
