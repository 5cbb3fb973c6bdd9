"""How much each row counts."""

import math

import numpy as np

from fusionkeras._checks import argument_error, did_you_mean


def row_weights(labels, class_names, class_weight):
    """The weight of each row by its label.

    "balanced" is `n / (k * count)`, as in scikit-learn: rows of rare classes count for more, and
    the weights sum to the number of rows.

    Args:
        labels: int array `(n,)`; a row of label -1 has weight 0.
        class_names: list of str.
        class_weight: None, "balanced" or `{class name: weight}`; absent names weigh 1.

    Returns:
        float32 array `(n,)`.

    Raises:
        ValueError: for unknown names and weights that are no numbers of at least 0.

    Example:
    >>> row_weights([0, 0, 0, 1], ["a", "b"], "balanced").round(2).tolist()
    [0.6700000166893005, 0.6700000166893005, 0.6700000166893005, 2.0]
    """
    labels = np.asarray(labels)
    known = labels[labels >= 0]
    weights = np.ones(len(class_names) + 1, np.float32)
    weights[-1] = 0  # where label -1 points to
    if class_weight == "balanced":
        counts = np.bincount(known, minlength=len(class_names))
        there = np.flatnonzero(counts)
        weights[there] = len(known) / (len(there) * counts[there])
    elif class_weight is not None:
        for name, weight in _check_weights(class_weight, class_names).items():
            weights[class_names.index(name)] = weight
    return weights[labels]


def _check_weights(class_weight, class_names):
    expected = "None, 'balanced' or a dict of {class name: weight of at least 0}"
    if not isinstance(class_weight, dict):
        kind = ValueError if isinstance(class_weight, str) else TypeError
        raise argument_error("Wrong class weights", expected, kind=kind, class_weight=class_weight)
    for name, weight in class_weight.items():
        if name not in class_names:
            raise argument_error(
                f"Unknown class {name!r}",
                f"classes among {class_names}",
                did_you_mean(name, class_names),
                class_weight=class_weight,
            )
        number = isinstance(weight, (int, float, np.number)) and not isinstance(weight, bool)
        if not number or not (math.isfinite(weight) and weight >= 0):
            raise argument_error(
                f"Wrong weight of class {name!r}", expected, class_weight=class_weight
            )
    return class_weight
