"""Running a model over data, and what the answers are worth."""

import dataclasses
import functools

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.data.feeding.order import Order
from fusionkeras.data.feeding.pipeline import batches_of
from fusionkeras.data.targets import by_head, is_labelled
from fusionkeras.evaluation.answers import answer_of, check_tasks, said_by, tasks_of
from fusionkeras.evaluation.classification import ClassificationReport
from fusionkeras.evaluation.missing import evaluate_missing
from fusionkeras.evaluation.multilabel import MultilabelReport, best_thresholds
from fusionkeras.evaluation.ordinal import OrdinalReport
from fusionkeras.evaluation.regression import RegressionReport
from fusionkeras.evaluation.several import HeadReports
from fusionkeras.training import compiled, with_features
from fusionkeras.training.frozen import open_frozen


def evaluate(model, data, class_names=None, cache=True, thresholds=None, missing=None, seed=0):
    """Measures a model on data that it was not trained on.

    Rows of weight 0 (a picture that could not be read, say) and rows without a label count
    nowhere; other weights are not used, so that the numbers are those of the rows as they are.

    Args:
        model: a model of `build_model` or `build_classifier`, or what `end_to_end` or `load`
            returns.
        data: a `tf.data.Dataset` of `(inputs, label)` or `(inputs, label, sample_weight)`
            batches, such as `prepare` returns; for several heads labels are dicts by head.
        class_names: list of str, in the order of the class ids; for several heads a dict of them.
            None takes those of the table for data of `prepare`, or of a served model.
        cache: as in `fit`: for data of `prepare`, features of frozen encoders are taken from
            there and kept there. False runs the whole model.
        thresholds: for a multilabel head: a float, or one for each label; for several heads a
            dict of them. None takes those of a served model, otherwise .5.
        missing: None, or a list of shares in [0, 1]: for data of `prepare`, how good the model
            is as that share of the cells of each raw column is taken away, drawn at random; on
            the rows that hold something else as well.
        seed: int, of that draw.

    Returns:
        A `ClassificationReport`, `MultilabelReport`, `RegressionReport` or `OrdinalReport`; for
        several heads a `HeadReports` of those that have rows. `print` shows a table, `.as_dict()`
        is JSON. With `missing` a `RobustnessReport` of such reports. Of a served model with
        `unsure` it tells how many rows are answered, and how many of those rightly.

    Raises:
        ValueError: when no row is left, the model has another number of classes or answers other
            labels than those of the table, for thresholds of another task, or where `missing` is
            asked for other data, or of a model that reads a single column.

    Example:
        >>> import fusionkeras as fk, tensorflow as tf
        >>> model = fk.build_classifier([fk.lstm_branch(["red"], sequence_length=2)])
        >>> ids, labels = np.array([[2, 0], [1, 2]]), np.array([0, 1])
        >>> data = tf.data.Dataset.from_tensors(({"text_token_ids": ids}, labels))
        >>> evaluate(model, data, ["cold", "warm"]).rows
        2
    """
    ask, report = asking(model, data, class_names, cache, thresholds)
    if missing is None:
        return report(ask(data))
    source = getattr(data, "source", None)
    if source is None:
        raise argument_error(
            "Cells can be taken away from a table only", "what prepare returns", data=data
        )

    def answer(table):
        order = Order(len(table))
        return ask(batches_of(dataclasses.replace(source, table=table, order=order, cache=False)))

    columns = source.preprocessor.columns
    return evaluate_missing(answer, report, source.table, columns, missing, seed)


def asking(model, data=None, class_names=None, cache=True, thresholds=None):
    """The two steps of `evaluate`.

    Args:
        model: as for `evaluate`.
        data: as for `evaluate`, where they tell the names of the classes.
        class_names: as for `evaluate`.
        cache: as for `evaluate`.
        thresholds: as for `evaluate`.

    Returns:
        `(ask, report)`: a function from data to what the model answers, `{head: (labels, answers,
        whether the row counts)}`, all rows in order; and one from that to what `evaluate` returns.
    """
    tasks = tasks_of(model)
    if class_names is None:
        class_names = _names_of(model, data)
    names = _by_head(tasks, class_names)
    limits = _by_head(tasks, said_by(model, "thresholds") if thresholds is None else thresholds)
    unsure = _by_head(tasks, said_by(model, "unsure"))
    for head in limits:
        if thresholds is not None and tasks[head] != "multilabel":
            raise argument_error(
                f"Thresholds are for multilabel heads, and this one is of {tasks[head]}",
                "None",
                thresholds=thresholds,
            )

    def report(found):
        reports = {
            head: _report(tasks[head], *rows, names.get(head), limits.get(head), unsure.get(head))
            for head, rows in _counted(found).items()
        }
        return reports[""] if "" in tasks else HeadReports(reports)

    # Both once, however often it is asked: the graph, and what of it is frozen.
    predict, opener = compiled(model), functools.cache(open_frozen)
    return (lambda data: _run(model, predict, data, tasks, cache, opener)), report


def tune_thresholds(model, data, cache=True):
    """Finds for every label the threshold of the best F1.

    Tune on validation rows: on those of training the model is too sure, and those of the test
    are to be left for measuring. Of equally good thresholds the nearest to .5 is taken; a label
    that no row has keeps .5.

    Args:
        model: as for `evaluate`, with a multilabel head.
        data: as for `evaluate`.
        cache: as for `evaluate`.

    Returns:
        float32 array `(labels,)`, for `end_to_end` and `evaluate`; for several heads a dict of
        them by multilabel head.

    Raises:
        ValueError: when no row is left, or the model has no multilabel head.

    Example:
        >>> import fusionkeras as fk, tensorflow as tf
        >>> branch = fk.lstm_branch(["red"], sequence_length=2)
        >>> model = fk.build_model([branch], heads=fk.MultilabelHead(num_classes=2))
        >>> ids, labels = np.array([[2, 0], [1, 2]]), np.array([[0, 1], [0, 0]])
        >>> data = tf.data.Dataset.from_tensors(({"text_token_ids": ids}, labels))
        >>> tune_thresholds(model, data).shape
        (2,)
    """
    tasks = tasks_of(model)
    if "multilabel" not in tasks.values():
        raise argument_error("The model has no multilabel head", "one", tasks=by_head(tasks))
    found = counted_answers(model, data, tasks, cache)
    return by_head(
        {head: best_thresholds(*found[head]) for head in found if tasks[head] == "multilabel"}
    )


def counted_answers(model, data, tasks, cache=True):
    """What a model answers to the rows that count, `{head: (labels, answers)}`.

    Args:
        model: as for `evaluate`.
        data: as for `evaluate`.
        tasks: dict of `{head: task}`, of `tasks_of`.
        cache: as for `evaluate`.

    Raises:
        ValueError: when no row is left.
    """
    return _counted(_run(model, compiled(model), data, tasks, cache))


def _names_of(model, data):
    if hasattr(data, "source"):
        return data.source.table.class_names
    return said_by(model, "class_names")


def _by_head(tasks, values):
    """`values` as a dict by head."""
    if values is None:
        return {}
    if "" in tasks:
        return {"": values}
    if not isinstance(values, dict) or not set(values) <= set(tasks):
        raise argument_error(
            "The model has several heads", f"a dict by head, of {list(tasks)}", received=values
        )
    return values


def _run(model, predict, data, tasks, cache, opener=open_frozen):
    """All rows in order: `{head: (labels, answers, whether the row counts)}`."""
    source = getattr(data, "source", None)
    if source is not None:
        check_tasks(tasks, source.table)
        if source.mix is not None:
            raise argument_error(
                "Rows that are mixed cannot be measured",
                "data prepared without mix",
                mix=source.mix,
            )
        if source.drop_remainder:
            raise argument_error(
                "Rows that are left out cannot be measured",
                "data prepared without drop_remainder",
                drop_remainder=True,
            )
    rows = {head: [] for head in tasks}
    with with_features(model, data, cache, opener) as batches:
        predict.look(batches.element_spec[0])
        for inputs, label, *weight in batches:
            scores = predict(inputs)
            for head, task in tasks.items():
                own = _of_head(label, head, task)
                counts = is_labelled(own, task)
                counts &= np.ravel(_of_head(weight[0], head)) > 0 if weight else True
                rows[head].append((own, answer_of(scores, head, tasks), counts))
    return {
        head: tuple(np.concatenate(parts) for parts in zip(*own, strict=True))
        for head, own in rows.items()
        if own
    }


def _counted(found):
    """The rows that count, `{head: (labels, answers)}`, of heads that have any."""
    found = {
        head: (labels[counts], answers[counts]) for head, (labels, answers, counts) in found.items()
    }
    found = {head: rows for head, rows in found.items() if len(rows[0])}
    if not found:
        raise argument_error("There is no row to evaluate", "rows with a weight above 0")
    return found


def _of_head(values, head, task="multilabel"):
    """What a batch holds for one head; labels other than multilabel may have an axis of 1."""
    own = np.asarray(values[head] if isinstance(values, dict) else values)
    return own if task == "multilabel" else own.reshape(-1)


def _report(task, labels, answers, class_names, thresholds, unsure):
    if task == "regression":
        return RegressionReport(labels, answers)
    if class_names is None or answers.shape[1] != len(class_names):
        raise argument_error(
            f"The model tells {answers.shape[1]} classes apart",
            "as many class names",
            class_names=class_names,
        )
    if task == "multilabel":
        limits = 0.5 if thresholds is None else thresholds
        return MultilabelReport(list(class_names), labels.astype(int), answers, limits)
    if task == "classification":
        return ClassificationReport(list(class_names), labels, answers, unsure)
    return OrdinalReport(list(class_names), labels, answers)
