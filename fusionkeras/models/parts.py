"""The layers that an end-to-end model is made of."""

import dataclasses

import keras

from fusionkeras._checks import argument_error
from fusionkeras.models.answers import Answer
from fusionkeras.preprocessing.base import Preprocessor


@dataclasses.dataclass(frozen=True)
class Parts:
    """The layers of an end-to-end model.

    Attributes:
        preprocessor: `Preprocessor`, from raw columns to the inputs of the model.
        model: functional `keras.Model`.
        answers: list of `Answer`, one a head.
    """

    preprocessor: Preprocessor
    model: keras.Model
    answers: list


def parts_of(serving):
    """The `Parts` of what `end_to_end` returns; raises TypeError for anything else."""
    layers = getattr(serving, "layers", [])
    answers = [layer for layer in layers if isinstance(layer, Answer)]
    preprocessors = [layer for layer in layers if isinstance(layer, Preprocessor)]
    models = [layer for layer in layers if isinstance(layer, keras.Model)]
    if not answers or len(preprocessors) != 1 or len(models) != 1:
        raise argument_error(
            "This model does not take raw columns",
            "what end_to_end or load returns",
            "Call fk.end_to_end(model, preprocessor, class_names) first.",
            TypeError,
            model=serving,
        )
    return Parts(preprocessors[0], models[0], answers)


def is_encoder(layer):
    """Whether a layer of a model is the encoder of a branch."""
    if not isinstance(layer, keras.Model) or not layer.name.endswith("_encoder"):
        return False
    return isinstance(layer.output, dict) and {"pooled_output", "present"} <= set(layer.output)
