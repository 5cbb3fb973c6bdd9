"""The general builder: branches, a fusion, dense layers, a head."""

import keras

from fusionkeras._checks import argument_error, check_integer, check_rate
from fusionkeras.branches.base import Branch
from fusionkeras.fusion import get_fusion
from fusionkeras.heads import ClassificationHead


def build_classifier(
    branches, fusion="concat", num_classes=2, hidden_dims=(), dropout=0.0, name="classifier"
):
    """Builds a classifier: branches, a fusion, dense layers, a head.

    Args:
        branches: list of `Branch`, one or more, with distinct names. Models built from the same
            branch share its encoder and weights.
        fusion: a name in `FUSIONS`, or any Keras layer from `{branch: features}` to
            `(batch, dim)`.
        num_classes: int; 2 gives one sigmoid, more a softmax.
        hidden_dims: list of int, the widths of dense relu layers between fusion and head.
        dropout: float in [0, 1), dropout ahead of every dense layer, the head included.
        name: str, the name of the model.

    Returns:
        A functional `keras.Model`. Its inputs stand in the order of `branches`; its output
        `probabilities` is float32 `(batch, 1)` for two classes, otherwise `(batch, num_classes)`.

    Raises:
        ValueError: for no branches, for two of one name, or wrong numbers.
        TypeError: for a branch or a fusion that is none.

    Example:
        >>> from fusionkeras.branches import image_branch, lstm_branch
        >>> picture = image_branch("small_cnn", image_size=(32, 32))
        >>> text = lstm_branch(["red", "circle"], sequence_length=8)
        >>> model = build_classifier([picture, text], num_classes=3, hidden_dims=[16])
        >>> [tensor.name for tensor in model.inputs], model.output_shape
        (['image', 'text_token_ids'], (None, 3))
    """
    head = ClassificationHead(num_classes)
    check_rate("dropout", dropout=dropout)
    inputs, features = _encode(check_branches(branches))
    fusion = get_fusion(fusion)
    x = fusion({name: _read_by(fusion, own) for name, own in features.items()})
    if not isinstance(hidden_dims, (list, tuple)):
        raise argument_error(
            "Wrong hidden_dims", "a list of widths", kind=TypeError, hidden_dims=hidden_dims
        )
    for index, width in enumerate(hidden_dims):
        check_integer("width of a dense layer", hidden_dims=width)
        x = _dropped(x, dropout, f"hidden_{index}_dropout")
        x = keras.layers.Dense(width, activation="relu", name=f"hidden_{index}")(x)
    x = _dropped(x, dropout, "head_dropout")
    return keras.Model(inputs, head.layer()(x), name=name)


def check_branches(branches):
    """Raises unless `branches` is a list of branches with distinct names; returns it."""
    branches = [branches] if isinstance(branches, Branch) else branches
    if not isinstance(branches, (list, tuple)):
        raise argument_error(
            "Wrong branches", "a list of branches", kind=TypeError, branches=branches
        )
    for branch in branches:
        if not isinstance(branch, Branch):
            raise argument_error(
                "This is no branch",
                "what image_branch, lstm_branch and their like return",
                kind=TypeError,
                branch=branch,
            )
    names = [branch.name for branch in branches]
    if not names:
        raise argument_error("There is no branch", "one branch or more", branches=names)
    if len(set(names)) < len(names):
        raise argument_error(
            "The branches need distinct names",
            "one branch or more, each with its own name",
            "Pass name=... to one of them.",
            branches=names,
        )
    return branches


def _encode(branches):
    inputs, features = [], {}
    for branch in branches:
        own = [
            keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)
            for tensor in branch.inputs
        ]
        features[branch.name] = branch.encoder(own if len(own) > 1 else own[0])
        inputs += own
    return inputs, features


def _read_by(fusion, features):
    reads = getattr(fusion, "reads", None)
    return {key: features[key] for key in features if reads is None or key in reads}


def _dropped(x, dropout, name):
    return keras.layers.Dropout(dropout, name=name)(x) if dropout else x
