"""Which layers learn."""

import keras

from fusionkeras._checks import argument_error, check_choice, check_integer


def freeze(model, branch=None):
    """Freezes the encoder of one branch, or of all: its weights stay as they are.

    BatchNorm in a frozen encoder runs in inference mode. Compile the model again afterwards.

    Args:
        model: a model of `build_classifier`.
        branch: str, the name of a branch; None means every branch.

    Raises:
        ValueError: for a branch that the model does not have.

    Example:
        >>> import fusionkeras as fk
        >>> model = fk.build_classifier([fk.lstm_branch(["red"], sequence_length=4)])
        >>> fk.freeze(model, "text")
        >>> model.get_layer("text_encoder").trainable_variables
        []
    """
    for name in [branch] if branch is not None else branch_names(model):
        encoder_of(model, name).trainable = False


def unfreeze(model, branch, last=None):
    """Lets the encoder of a branch learn, or its last layers only.

    Counted are, for a BERT, its transformer layers; for other encoders, the layers with weights.
    BatchNorm is neither counted nor unfrozen: it goes on in inference mode, since its statistics
    of a small batch would spoil pretrained features. Compile the model again afterwards, with a
    small learning rate.

    Args:
        model: a model of `build_classifier`.
        branch: str, the name of a branch.
        last: int, how many of the last layers learn; None means all.

    Raises:
        ValueError: for a branch that the model does not have, or more layers than it has.

    Example:
        >>> import fusionkeras as fk
        >>> branch = fk.image_branch("vgg16", weights=None, image_size=(32, 32))
        >>> model = fk.build_classifier([branch])
        >>> fk.unfreeze(model, "image", last=1)
        >>> [w.path for w in model.get_layer("image_encoder").trainable_variables]
        ['block5_conv3/kernel', 'block5_conv3/bias']
    """
    encoder, learning = encoder_of(model, branch), layers_to_unfreeze(model, branch, last)
    encoder.trainable = True
    for layer in _inner_layers(encoder):
        layer.trainable = last is None or layer in learning
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def layers_to_unfreeze(model, branch, last=None):
    """The layers that `unfreeze` would let learn; raises as it does."""
    units = _units(encoder_of(model, branch))
    if last is not None and check_integer("number of layers", last=last) > len(units):
        raise argument_error(
            f"The encoder of {branch!r} has {len(units)} layers to unfreeze",
            f"at most {len(units)}",
            last=last,
        )
    return units if last is None else units[-last:]


def branch_names(model):
    """The names of a model's branches, in the order of its encoders."""
    ending = "_encoder"
    return [
        layer.name.removesuffix(ending)
        for layer in model.layers
        if isinstance(layer, keras.Model) and layer.name.endswith(ending)
    ]


def encoder_of(model, branch):
    """The encoder of one branch of a model."""
    check_choice("branch", branch_names(model), branch=branch)
    return model.get_layer(f"{branch}_encoder")


def _units(encoder):
    """What `last` counts: the transformer layers of a BERT, or else the layers with weights."""
    layers = list(_inner_layers(encoder))
    transformers = [layer for layer in layers if type(layer).__name__ == "TransformerEncoder"]
    return transformers or [
        layer
        for layer in layers
        if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
    ]


def _inner_layers(model):
    """The layers of a functional model, nested models opened."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _inner_layers(layer)
        else:
            yield layer
