"""What a model answers, in the form that the reports take."""

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.data.targets import by_head
from fusionkeras.heads import heads_of
from fusionkeras.heads.ordinal import rank_probabilities


def tasks_of(model):
    """The tasks of a model, `{head: task}`; a single head is "".

    Args:
        model: a Keras model, end to end or not, or a `ServedModel`.

    Returns:
        dict. A model without a head of ours is taken for a classifier.
    """
    tasks = getattr(model, "tasks", None)
    if tasks is not None:
        return tasks if isinstance(tasks, dict) else {"": tasks}
    if getattr(model, "output", None) is None:  # a function, or a model of a class of its own
        return {"": "classification"}
    return {name: head.task for name, head in heads_of(model).items()}


def check_tasks(tasks, table):
    """Raises ValueError unless a table has labels for every head of a model.

    Args:
        tasks: dict of `{head: task}`, as `tasks_of` gives it.
        table: `Table`, which may have other columns of labels besides.
    """
    found = {head: task for head, (task, *_) in table.heads().items()}
    if not tasks.items() <= found.items():
        raise argument_error(
            "The labels of the table are not those that the model answers",
            f"{by_head(tasks)}",
            "Name them in read_table(label=..., task=...).",
            task=by_head(found),
        )


def said_by(model, name):
    """What a served model says of itself, by head where it has several; None where nothing.

    Args:
        model: as for `tasks_of`.
        name: "class_names", "thresholds" or "unsure".
    """
    if hasattr(model, name):
        return getattr(model, name)
    # The layers that answer, in a model of `end_to_end`.
    layers = [layer for layer in getattr(model, "layers", ()) if hasattr(layer, name)]
    found = {layer.head: getattr(layer, name) for layer in layers}
    return by_head({head: value for head, value in found.items() if value is not None}) or None


def answer_of(scores, head, tasks):
    """What a model answers for one head.

    Args:
        scores: a tensor; `{head: tensor}`; or what is served, a dict of `label`,
            `probabilities`, `value`, with `<head>_` ahead of them where there are several.
        head: str, "" for a single one.
        tasks: dict of `{head: task}`, all heads of the model.

    Returns:
        float32 array `(batch, classes)`; `(batch,)` for regression.
    """
    task = tasks[head]
    if isinstance(scores, dict) and not set(tasks) <= set(scores):
        key = "value" if task == "regression" else "probabilities"
        return np.asarray(scores[f"{head}_{key}" if head else key])
    scores = np.asarray(scores[head] if isinstance(scores, dict) else scores)
    if task == "regression":
        return scores.reshape(-1)
    if task == "ordinal":
        return np.asarray(rank_probabilities(scores))
    binary = task == "classification" and scores.shape[-1] == 1
    return np.concatenate([1 - scores, scores], axis=-1) if binary else scores
