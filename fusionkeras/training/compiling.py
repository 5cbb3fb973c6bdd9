"""Compiling a model with what its tasks imply."""

import math

import keras
import tensorflow as tf

from fusionkeras._checks import (
    argument_error,
    check_integer,
    check_learning_rate,
    did_you_mean,
)
from fusionkeras.data.feeding.imbalance import heads_of_one_for_all
from fusionkeras.heads import heads_of
from fusionkeras.objectives import Unimodal, WithBranches
from fusionkeras.training.distribution.replicas import check_steps, under_strategy
from fusionkeras.training.heads import check_table
from fusionkeras.training.imbalance import LOSSES, with_imbalance


@under_strategy
def compile_model(
    model,
    learning_rate=1e-3,
    optimizer="adam",
    loss=None,
    train=None,
    loss_weights=None,
    imbalance=None,
    gradient_accumulation_steps=None,
    **kwargs,
):
    """Compiles a model: losses and metrics follow from its heads.

    The metrics are weighted ones, so that a row of weight 0 counts nowhere.

    Args:
        model: a model of `build_model` or `build_classifier`.
        learning_rate: float, or a `keras.optimizers.schedules.LearningRateSchedule`.
        optimizer: the name of a Keras optimizer, or one ready made, which keeps its own rate.
        loss: None for the usual loss of each task; "focal" (Lin et al. 2017) or "logit_adjusted"
            (Menon et al. 2021) against imbalance; or any `keras.losses.Loss`. For several heads
            a dict of `{head: loss}`, where absent heads have the usual one, or one for all; one
            against imbalance is then for those that have classes.
        train: `Table` of the rows of training, whose labels tell "logit_adjusted" how frequent
            the classes are.
        loss_weights: as in `model.compile`; for several heads a dict of `{head: float}`, where
            absent heads weigh 1.
        imbalance: the same names as in `prepare`: "focal" and "logit_adjusted" are losses, and
            what happens to the data ("class_weight", "resample") changes nothing here. For several
            heads one for all that have classes, or a dict by head.
        gradient_accumulation_steps: None, or int: the weights change once in so many batches, by
            the mean of their gradients, as with one batch so many times as large. What is left at
            the end of an epoch counts in the next one, and at the end of the training nowhere.
            An `optimizer` that is ready made has an argument of this name.
        **kwargs: further arguments of `model.compile`, such as `jit_compile` and
            `steps_per_execution`.

    Returns:
        The model.

    Raises:
        ValueError: for a rate that is not positive, a model of another kind, an unknown loss or
            head, a logit adjustment without `train`, a loss that is said twice, steps of
            accumulation beside an optimizer that is ready made, and accumulation or several steps
            in one execution under a strategy of several devices, with which Keras fails.
        TypeError: for a `train` that is no table.

    Example:
        >>> import fusionkeras as fk
        >>> heads = {"kind": fk.ClassificationHead(3), "price": fk.RegressionHead(20.0, 5.0)}
        >>> model = fk.build_model([fk.lstm_branch(["red"], sequence_length=4)], heads=heads)
        >>> model = compile_model(model, loss={"kind": "focal"}, loss_weights={"price": 0.5})
        >>> {name: loss.name for name, loss in model.loss.items()}
        {'kind': 'focal', 'price': 'standardised_error'}
    """
    heads = heads_of(model)
    if not callable(learning_rate) and not isinstance(learning_rate, keras.Variable):
        check_learning_rate(learning_rate)
    optimizer = _optimizer(optimizer, learning_rate, gradient_accumulation_steps)
    tasks = {name: head.task for name, head in heads.items()}
    kinds = _by_head(heads, loss=loss)
    if isinstance(loss, str) and loss in LOSSES:
        kinds = dict.fromkeys(heads_of_one_for_all(tasks), loss)
    kinds = with_imbalance(kinds, imbalance, tasks)
    losses = {
        name: head.loss(kinds.get(name), _priors(name, head, kinds.get(name), train))
        for name, head in heads.items()
    }
    for layer in model.layers:
        if isinstance(layer, Unimodal):
            losses = {name: WithBranches(loss, name, layer) for name, loss in losses.items()}
    metrics = {name: head.weighted_metrics() for name, head in heads.items()}
    options = {
        "loss": _joined(losses),
        "weighted_metrics": _joined(metrics),
        "loss_weights": _weights(heads, loss_weights),
        "jit_compile": _default_jit_compile(),
        **kwargs,
    }
    model.compile(optimizer=optimizer, **options)
    check_steps(model)
    return model


def compile_classifier(model, learning_rate=1e-3, optimizer="adam", **kwargs):
    """Compiles a classifier: `compile_model`, under the name that goes with `build_classifier`.

    Args:
        model: a model of `build_classifier`.
        learning_rate: as in `compile_model`.
        optimizer: as in `compile_model`.
        **kwargs: further arguments of `compile_model`, and with it of `model.compile`.

    Returns:
        The model.

    Raises:
        ValueError: for a rate that is not positive, or a model of another kind.

    Example:
        >>> import fusionkeras as fk
        >>> model = fk.build_classifier([fk.lstm_branch(["red"], sequence_length=4)])
        >>> compile_classifier(model, learning_rate=1e-3).loss.name
        'binary_crossentropy'
    """
    return compile_model(model, learning_rate, optimizer, **kwargs)


def _optimizer(optimizer, learning_rate, steps):
    if steps is not None:
        check_integer("number of batches", gradient_accumulation_steps=steps)
    if isinstance(optimizer, str):
        optimizer = keras.optimizers.get(optimizer)
        optimizer.learning_rate = learning_rate
        optimizer.gradient_accumulation_steps = steps if steps != 1 else None  # as Keras says it
    elif steps is not None:
        raise argument_error(
            "An optimizer that is ready made accumulates as it was told",
            "the name of an optimizer",
            "Pass gradient_accumulation_steps to the optimizer instead.",
            optimizer=optimizer,
            gradient_accumulation_steps=steps,
        )
    return optimizer


def _by_head(heads, **received):
    ((_, values),) = received.items()
    if not isinstance(values, dict):
        return dict.fromkeys(heads, values)
    for name in values:
        if name not in heads or "" in heads:
            raise argument_error(
                f"Unknown head {name!r}",
                "no dict, as there is one head" if "" in heads else f"one of {list(heads)}",
                did_you_mean(name, [head for head in heads if head]),
                **received,
            )
    return values


def _weights(heads, loss_weights):
    if loss_weights is None or "" in heads:
        return loss_weights
    if not isinstance(loss_weights, dict):
        raise argument_error(
            "Wrong weights of several losses",
            "a dict of {head: float}",
            kind=TypeError,
            loss_weights=loss_weights,
        )
    for weight in _by_head(heads, loss_weights=loss_weights).values():
        right = isinstance(weight, (int, float)) and math.isfinite(weight) and weight >= 0
        if not right:
            raise argument_error(
                "Wrong weight of a loss",
                "a finite number of at least 0",
                loss_weights=loss_weights,
            )
    return {**dict.fromkeys(heads, 1.0), **loss_weights}


def _joined(by_head):
    return by_head.get("", by_head)


def _priors(name, head, kind, train):
    """How frequent the classes of a head are, where its loss asks."""
    if kind != "logit_adjusted" or head.task == "regression":
        return None
    if train is None:
        raise argument_error(
            "Logit adjustment takes out the shares of the classes, which nothing here tells",
            "the table of training",
            "Pass train=data.train, or LogitAdjustedLoss(priors=...) as the loss.",
            loss=kind,
        )
    task, labels, _ = check_table(train).heads().get(name, (None, None, None))
    if task != head.task:
        raise argument_error(
            "The table has not the labels of the model"
            if task is None
            else f"The labels of the table are of {task}, and the head is of {head.task}",
            f"labels of {head.task}" + (f" called {name!r}" if name else ""),
            task=train.task,
        )
    return head.priors(labels)


def _default_jit_compile():
    """On a processor XLA made TensorFlow's step twice as slow (measured on small_cnn + LSTM)."""
    if keras.backend.backend() == "tensorflow" and not tf.config.list_physical_devices("GPU"):
        return False
    return "auto"
