"""What a branch is, and the in-band masks that its encoder derives."""

import dataclasses
import re

import keras
from keras import ops

from fusionkeras._checks import argument_error

# As TensorFlow wants scopes and tensors named.
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True)
class Branch:
    """One modality of a model: how its raw columns are read and encoded.

    A branch exists only while a model is built. Building two models from the same branch makes
    them share its encoder, weights included, as calling one Keras layer twice does.

    Attributes:
        name: str, the name of the branch, and the stem of its input tensors' names.
        encoder: functional `keras.Model` named `<name>_encoder`, from tensors to a dict with
            `pooled_output` `(batch, dim)`, `present` `(batch,)` bool and, where there is a
            sequence, `sequence_output` `(batch, time, dim)` and `padding_mask` `(batch, time)`
            bool, true where the sequence holds something.
        preprocessor: a layer from raw columns to those tensors, or None for a branch that takes
            arrays only.

    Example:
        >>> import keras
        >>> numbers = keras.Input((3,), name="numbers")
        >>> outputs = {"pooled_output": numbers, "present": numbers[:, 0] >= 0}
        >>> branch = Branch("numbers", keras.Model(numbers, outputs, name="numbers_encoder"))
        >>> branch.inputs[0].name
        'numbers'
    """

    name: str
    encoder: keras.Model
    preprocessor: keras.layers.Layer | None = None

    def __post_init__(self):
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise argument_error(
                "Wrong name for a branch",
                "letters from a to z, digits and _, a letter first, such as 'front'",
                name=self.name,
            )
        expected_name = f"{self.name}_encoder"
        if self.encoder.name != expected_name:
            raise argument_error(
                "The encoder of a branch has the wrong name",
                f"a keras.Model named {expected_name!r}",
                encoder=self.encoder.name,
            )
        outputs = self.encoder.output
        missing = {"pooled_output", "present"} - set(outputs if isinstance(outputs, dict) else ())
        if missing:
            raise argument_error(
                f"The encoder of the branch {self.name!r} lacks the outputs {sorted(missing)}",
                "a dict with 'pooled_output' (batch, dim) and 'present' (batch,)",
                outputs=outputs,
            )

    @property
    def columns(self):
        """Tuple of str, the raw columns that the branch reads."""
        return tuple(self.preprocessor.columns) if self.preprocessor else ()

    @property
    def inputs(self):
        """The encoder's symbolic inputs, in order."""
        return self.encoder.inputs


def grid_mask(present, cells):
    """The `(batch, cells)` mask of a grid: a picture has no padding, it is there or it is not."""
    return ops.repeat(ops.expand_dims(present, -1), cells, axis=-1)


def at_least_one_step(padding_mask):
    """Adds the first step to a `(batch, time)` mask.

    A recurrent cell or an attention over nothing at all crashes or gives NaN; what comes out of
    such a row is replaced by the fusion anyway.
    """
    # Without a number of steps in it, so that the encoder can be rerun on shorter sequences.
    first = ops.logical_or(padding_mask[:, :1], True)
    return ops.concatenate([first, padding_mask[:, 1:]], axis=1)


def masked_mean(sequence, padding_mask):
    """The mean of `(batch, time, dim)` over the steps that `(batch, time)` marks."""
    weights = ops.expand_dims(ops.cast(padding_mask, sequence.dtype), -1)
    return ops.sum(sequence * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1)
