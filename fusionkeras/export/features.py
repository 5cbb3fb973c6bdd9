"""What the fusion of a model makes of each row, ahead of every head."""

import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.export.loading import as_served
from fusionkeras.export.short import in_full
from fusionkeras.export.signatures import embedding, whole


class FeaturesModel:
    """A model that maps raw columns to the one vector that its fusion makes of each row.

    Attributes:
        columns: list of str, the raw columns.
        files: list of str, the columns that hold encoded files, such as pictures.

    Call arguments:
        columns: dict of `{column: string tensor (batch,)}`.

    Returns:
        `{"features": float32 (batch, F)}`.
    """

    def __init__(self, function, served):
        self.columns, self.files = served.columns, served.files
        self._function, self._served = function, served  # keeps the variables alive

    def __call__(self, columns):
        """The features of a batch of raw columns; surplus columns are ignored."""
        raw = {name: tf.convert_to_tensor(columns[name]) for name in self.columns}
        return {"features": self._function(raw)["fused"]}


def features_of(model):
    """Cuts a model behind its fusion.

    Args:
        model: what `end_to_end` or `load` returns, or a `ServedModel`.

    Returns:
        `FeaturesModel`.

    Raises:
        ValueError: for a model without one vector of all branches: one whose branches decide by
            themselves, as with `Late`, or an export that is older than its signature `embed`.

    Example:
        >>> import fusionkeras as fk
        >>> branch = fk.lstm_branch(["red"], sequence_length=2)
        >>> model = fk.build_classifier([branch], fusion=fk.Concat(hidden_dim=8))
        >>> serving = fk.end_to_end(model, fk.build_preprocessor([branch]), ["cold", "warm"])
        >>> features_of(serving)({"text": ["red", "blue"]})["features"].shape
        TensorShape([2, 8])
    """
    served = as_served(model)
    return FeaturesModel(_kept(served) if served.parts is None else _cut(served.parts), served)


def _cut(parts):
    model = whole(parts)
    if "fused" not in model.output["embed"]:
        raise _nothing_fused()
    return tf.function(embedding(parts, in_full(model)), reduce_retracing=True)


def _kept(served):
    embed = served.model.signatures.get("embed")
    if embed is None or "fused" not in embed.structured_outputs:
        raise _nothing_fused()
    return lambda columns: embed(**columns)


def _nothing_fused():
    return argument_error(
        "The model makes no one vector of all branches",
        "a model with a fusion such as Concat, exported by this version or not at all",
        "Where each branch decides by itself, as with Late, there are no features of them all.",
    )


def features_frame(model, answers, statuses):
    """The features of some batches as a DataFrame of the columns that `features` writes.

    Args:
        model: `FeaturesModel`.
        answers: list of what the model returned, batch by batch.
        statuses: object array `(rows,)`.

    Returns:
        DataFrame of `status` and of `features`, a float32 array `(F,)` a row.
    """
    import pandas

    rows = [row for answer in answers for row in answer["features"].numpy()]
    return pandas.DataFrame({"status": statuses, "features": rows})
