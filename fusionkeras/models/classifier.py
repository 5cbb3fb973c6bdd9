"""The general builder: branches, a fusion, dense layers, a head."""

import keras

from fusionkeras._checks import argument_error, check_integer, check_rate
from fusionkeras.branches.base import Branch
from fusionkeras.fusion import ModalityDropout, Vote, get_fusion
from fusionkeras.heads import ClassificationHead
from fusionkeras.objectives import get_objective


def build_classifier(
    branches,
    fusion="concat",
    num_classes=2,
    hidden_dims=(),
    dropout=0.0,
    modality_dropout=0.0,
    auxiliary=(),
    name="classifier",
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
        modality_dropout: float in [0, 1), how often a whole modality of a row is dropped in
            training, never its last one (see `ModalityDropout`).
        auxiliary: an auxiliary objective or a list of them, by name (`"contrastive"`,
            `"adversarial"`) or as a layer from `{branch: features}` to `{branch: features}`.
        name: str, the name of the model.

    Returns:
        A functional `keras.Model`. Its inputs stand in the order of `branches`; its output
        `probabilities` is float32 `(batch, 1)` for two classes, otherwise `(batch, num_classes)`.

    Raises:
        ValueError: for no branches, for two of one name, or wrong numbers.
        TypeError: for a branch, a fusion or an objective that is none.

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
    if not isinstance(hidden_dims, (list, tuple)):
        raise argument_error(
            "Wrong hidden_dims", "a list of widths", kind=TypeError, hidden_dims=hidden_dims
        )
    inputs, features = _encode(check_branches(branches))
    fusion, objectives = get_fusion(fusion), _objectives(auxiliary)
    features = _read_by([fusion, *objectives], features)
    if check_rate("rate of dropped modalities", modality_dropout=modality_dropout):
        features = ModalityDropout(modality_dropout, name="modality_dropout")(features)
    for objective in objectives:
        features = objective(features)
    fused = fusion(features)
    if isinstance(fused, dict):
        present = {name: features[name]["present"] for name in fused}
        decided = {
            name: head.layer(f"{name}_probabilities")(_dense(x, hidden_dims, dropout, f"{name}_"))
            for name, x in fused.items()
        }
        vote = Vote(fusion.vote, exclusive=not head.is_binary, name="probabilities")
        return keras.Model(inputs, vote(decided, present), name=name)
    output = head.layer()(_dense(fused, hidden_dims, dropout))
    return keras.Model(inputs, output, name=name)


def _dense(x, hidden_dims, dropout, prefix=""):
    """The dense layers between the fusion and a head, of a branch that decides by itself too."""
    for index, width in enumerate(hidden_dims):
        check_integer("width of a dense layer", hidden_dims=width)
        x = _dropped(x, dropout, f"{prefix}hidden_{index}_dropout")
        x = keras.layers.Dense(width, activation="relu", name=f"{prefix}hidden_{index}")(x)
    return _dropped(x, dropout, f"{prefix}head_dropout")


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


def _objectives(auxiliary):
    many = auxiliary if isinstance(auxiliary, (list, tuple)) else [auxiliary]
    return [get_objective(one) for one in many]


def _read_by(layers, features):
    """The features of each branch that one of the layers reads."""
    reads = [getattr(layer, "reads", None) for layer in layers]
    if None in reads:
        return features
    wanted = {key for own in reads for key in own}
    return {
        name: {key: value for key, value in own.items() if key in wanted}
        for name, own in features.items()
    }


def _dropped(x, dropout, name):
    return keras.layers.Dropout(dropout, name=name)(x) if dropout else x
