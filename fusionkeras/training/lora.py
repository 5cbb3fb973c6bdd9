"""Fine-tuning by a few weights beside those of an encoder."""

import math
import numbers

import keras

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.training.distribution.replicas import under_strategy
from fusionkeras.training.freeze import encoder_of, layers_to_unfreeze

# As keras_hub and Keras' own attention name the layers that the paper adapts.
ATTENTION = ("query", "value", "query_dense", "value_dense")
KINDS = (keras.layers.Dense, keras.layers.EinsumDense)


@under_strategy
def enable_lora(model, branch, rank=8, alpha=None, last=None, layers=ATTENTION):
    """Lets small weights beside those of an encoder learn, which themselves stay as they are.

    The kernel `W` of a layer becomes `W + (alpha / rank) A B`, with `A` `(inputs, rank)` and `B`
    `(rank, outputs)` that learn; `B` begins with zeros, so that the model answers as before. Of the
    encoder nothing else learns, so that an optimizer keeps two numbers for each of these few only.
    Compile the model again afterwards; a usual learning rate is ten times that of `unfreeze`.

    Keras saves the sum: a `.keras` file, weights that were saved (also by `BackupAndRestore`) and
    an exported model hold kernels with what was learnt in them. What is loaded from there has
    nothing beside them that could go on learning; `fk.Resume` keeps both apart, and goes on.

    Args:
        model: a model of `build_classifier`.
        branch: str, the name of a branch.
        rank: int, `rank` of the equation.
        alpha: float, `alpha` of the equation; None is `rank`, a factor of 1.
        last: int, in how many of the last layers, as `unfreeze` counts them; what comes ahead of
            them is frozen, and `fk.fit` runs it once. None means all.
        layers: list of str, the names of the layers that get such weights; None means every
            `Dense` and `EinsumDense`.

    Raises:
        ValueError: for a branch that the model does not have, more layers than it has, an encoder
            without layers of such names, one that has such weights already, and wrong numbers.

    Example:
        >>> import fusionkeras as fk, tempfile
        >>> from fusionkeras.testing import write_tiny_bert
        >>> branch = fk.bert_branch(write_tiny_bert(tempfile.mkdtemp()), sequence_length=8)
        >>> model = fk.build_classifier([branch])
        >>> fk.enable_lora(model, "text", rank=2, last=1)
        >>> [w.name for w in model.get_layer("text_encoder").trainable_variables]
        ['lora_kernel_a', 'lora_kernel_b', 'lora_kernel_a', 'lora_kernel_b']

    Reference:
        Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"
        (https://arxiv.org/abs/2106.09685), equation 3; query and value projections as in
        section 4.2.
        Differs from the paper: `A` is drawn uniformly (He), not from a normal distribution; there
        is no dropout ahead of `A`.
    """
    check_integer("rank", rank=rank)
    _check_alpha(alpha)
    encoder, targets = encoder_of(model, branch), layers_for_lora(model, branch, last, layers)
    encoder.trainable = True
    for layer in encoder._flatten_layers(include_self=False):
        layer.trainable = False
    for layer in targets:
        before = layer.variables
        layer.trainable = True  # or what it gets would not learn
        layer.enable_lora(rank, lora_alpha=alpha)
        for variable in before:  # biases, too
            variable.trainable = False


def layers_for_lora(model, branch, last=None, layers=ATTENTION):
    """The layers beside whose weights `enable_lora` would put others; raises as it does."""
    encoder = encoder_of(model, branch)
    owners = [encoder] if last is None else layers_to_unfreeze(model, branch, last)
    found = [layer for owner in owners for layer in owner._flatten_layers() if _can(layer)]
    if any(layer.lora_enabled for layer in found):
        raise argument_error(
            f"The encoder of {branch!r} has such weights already, and a layer takes them once",
            "an encoder without",
            "Build the model anew, and load the weights that it has learnt.",
            branch=branch,
        )
    targets = [
        layer
        for layer in found
        if (isinstance(layer, KINDS) if layers is None else layer.name in layers)
    ]
    if not targets:
        raise argument_error(
            f"The encoder of {branch!r} has no layers of these names"
            if layers
            else f"The encoder of {branch!r} has no dense layers",
            f"names among {sorted({layer.name for layer in found})}",
            layers=layers,
        )
    return list({id(layer): layer for layer in targets}.values())


def _can(layer):
    return hasattr(layer, "enable_lora") and hasattr(layer, "lora_enabled")


def _check_alpha(alpha):
    number = isinstance(alpha, numbers.Real) and not isinstance(alpha, bool)
    if alpha is not None and not (number and math.isfinite(alpha) and alpha > 0):
        raise argument_error("Wrong factor", "None, or a positive number", alpha=alpha)
