"""What a model answers, in the form that the reports take."""

import numpy as np


def tasks_of(model):
    """The tasks of a model, `{head: task}`; a single head is "".

    Args:
        model: a Keras model, end to end or not, or a `ServedModel`.

    Returns:
        dict. A model without a head of ours is taken for a classifier.
    """
    tasks = getattr(model, "tasks", None)
    if isinstance(tasks, dict):
        return tasks
    if tasks is not None:
        return {"": tasks}
    return {"": "classification"}


def thresholds_of(model):
    """The thresholds of a served model, by head where it has several; None where unknown."""
    return getattr(model, "thresholds", None)


def answer_of(scores, head, task):
    """What a model answers for one head.

    Args:
        scores: a tensor; `{head: tensor}`; or what is served, a dict of `label`,
            `probabilities`, `value`, with `<head>_` ahead of them where there are several.
        head: str, "" for a single one.
        task: str.

    Returns:
        float32 array `(batch, classes)`; `(batch,)` for regression.
    """
    key = "value" if task == "regression" else "probabilities"
    served = f"{head}_{key}" if head else key
    if isinstance(scores, dict) and head not in scores:
        return np.asarray(scores[served])
    scores = np.asarray(scores[head] if isinstance(scores, dict) else scores)
    if task == "regression":
        return scores.reshape(-1)
    if task == "ordinal":  # P(rank > k), which falls with k
        above = np.pad(scores, ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
        return above[:, :-1] - above[:, 1:]
    binary = task == "classification" and scores.shape[-1] == 1
    return np.concatenate([1 - scores, scores], axis=-1) if binary else scores
