"""Running a model over data, and what the answers are worth."""

import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.training import with_features


def evaluate(model, data, class_names, cache=True):
    """Measures a classifier on data that it was not trained on.

    Rows of weight 0 (a picture that could not be read, say) count nowhere; other weights are not
    used, so that the numbers are those of the rows as they are.

    Args:
        model: a classifier of `build_classifier`, or what `end_to_end` or `load` returns.
        data: a `tf.data.Dataset` of `(inputs, label)` or `(inputs, label, sample_weight)`
            batches, such as `prepare` returns.
        class_names: list of str, in the order of the class ids.
        cache: as in `fit`: for data of `prepare`, features of frozen encoders are taken from
            there and kept there. False runs the whole model.

    Returns:
        A `ClassificationReport`; `print` shows a table, `.as_dict()` is JSON.

    Raises:
        ValueError: when no row is left, or the model has another number of classes.

    Example:
        >>> import fusionkeras as fk
        >>> model = fk.build_classifier([fk.lstm_branch(["red"], sequence_length=2)])
        >>> ids, labels = np.array([[2, 0], [1, 2]]), np.array([0, 1])
        >>> data = tf.data.Dataset.from_tensors(({"text_token_ids": ids}, labels))
        >>> evaluate(model, data, ["cold", "warm"]).rows
        2
    """
    labels, probabilities = [], []
    with with_features(model, data, cache) as batches:
        predict = tf.function(model, reduce_retracing=True)
        for inputs, label, *weight in batches:
            kept = weight[0].numpy() > 0 if weight else slice(None)
            labels.append(label.numpy()[kept])
            probabilities.append(_probabilities(predict(inputs))[kept])
    if not sum(map(len, labels)):
        raise argument_error("There is no row to evaluate", "rows with a weight above 0", data=data)
    probabilities = np.concatenate(probabilities)
    if probabilities.shape[1] != len(class_names):
        raise argument_error(
            f"The model tells {probabilities.shape[1]} classes apart",
            "as many class names",
            class_names=class_names,
        )
    return ClassificationReport(list(class_names), np.concatenate(labels), probabilities)


def _probabilities(scores):
    scores = np.asarray(scores["probabilities"] if isinstance(scores, dict) else scores)
    return np.concatenate([1 - scores, scores], axis=-1) if scores.shape[-1] == 1 else scores
