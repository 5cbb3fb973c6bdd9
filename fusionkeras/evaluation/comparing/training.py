"""One candidate, trained and measured once for each seed."""

import dataclasses
import time

import keras
import numpy as np
import tensorflow as tf

from fusionkeras.evaluation.comparing.outcome import Outcome, rank
from fusionkeras.evaluation.comparing.rows import Feed
from fusionkeras.evaluation.measuring import asking
from fusionkeras.training import compile_model, compiled
from fusionkeras.training.leading import led


@dataclasses.dataclass(frozen=True)
class Training:
    """How every candidate is trained.

    Attributes:
        seeds: tuple of int.
        epochs: int, at most so many.
        learning_rate: as in `compile_model`.
        patience: int, after how many epochs without a better validation loss it stops.
        imbalance: as in `compile_model`.
    """

    seeds: tuple
    epochs: int
    learning_rate: object
    patience: int
    imbalance: object


def train(candidate, rows, starts, training, metric, latencies):
    """Trains a candidate with each seed.

    It is traced once: for the next seed its variables take the values that those of a new model
    have, and its optimizer forgets.

    Args:
        candidate: `Candidate`.
        rows: `Rows`.
        starts: `Starts` of the encoders.
        training: `Training`.
        metric: `Metric`.
        latencies: dict, where the milliseconds of frozen encoders are kept by what they compute.

    Returns:
        `(outcome, weights)`: an `Outcome`, and the values of `own_variables` of the best seed, a
        list of arrays.
    """
    model = candidate.build()
    variables, own = list(model.variables), own_variables(model, candidate.branches)
    feed = Feed(model, rows)
    learner = feed.learner
    table = rows.sources["train"].table
    compile_model(learner, training.learning_rate, train=table, imbalance=training.imbalance)
    learner.optimizer.build(learner.trainable_variables)
    forgotten = values_of(learner.optimizer.variables)
    ask, _ = asking(learner, class_names=table.class_names, cache=False)
    batches = feed.training(), feed.in_order("validation"), feed.in_order("test")
    found, best, weights = [], None, None
    for seed in training.seeds:
        starts.restore(seed)
        keras.utils.set_random_seed(seed)
        assign(variables, candidate.build().variables)
        assign(learner.optimizer.variables, forgotten)
        rows.begin(seed)
        one = _train_once(learner, rows.shuffled, *batches, training, ask, metric)
        found.append(one)
        if best is None or one["rank"] > best:
            best, weights = one["rank"], values_of(own)
    return _outcome(candidate, model, feed, found, latencies), weights


def own_variables(model, branches):
    """The variables of a model that are its own: all but those of encoders that do not learn."""
    frozen = [branch.encoder for branch in branches if not branch.encoder.trainable_variables]
    others = {id(variable) for encoder in frozen for variable in encoder.variables}
    return [variable for variable in model.variables if id(variable) not in others]


def values_of(variables):
    """The values of variables, a list of arrays."""
    return [np.array(variable) for variable in variables]


def assign(variables, values):
    """Gives variables the values of others, or of arrays."""
    for variable, value in zip(variables, values, strict=True):
        if variable is not value:
            variable.assign(value)


def _train_once(learner, source, batches, validation, test, training, ask, metric):
    """Trains with one seed, as `fit` would."""
    patience = training.patience
    stopping = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
    options = {"validation_data": validation, "epochs": training.epochs}
    begun = time.perf_counter()
    with led(source, batches, [stopping]) as callbacks:
        history = learner.fit(batches, callbacks=callbacks, shuffle=False, verbose=0, **options)
    seconds = time.perf_counter() - begun
    labels, answers, counts = ask(validation)[""]
    value = metric.of(labels[counts], answers[counts])
    loss = min(history.history["val_loss"])
    return {
        "seconds": seconds,
        "epochs": len(history.epoch),
        "validation": value,
        "validation_loss": loss,
        "rank": rank(metric.better(value), loss),
        "test": ask(test)[""],
    }


def _outcome(candidate, model, feed, found, latencies):
    labels, _, counts = found[0]["test"]
    return Outcome(
        name=candidate.name,
        branches=tuple(branch.name for branch in candidate.branches),
        validation=np.array([one["validation"] for one in found]),
        validation_loss=np.array([one["validation_loss"] for one in found]),
        labels=labels,
        counts=counts,
        answers=np.stack([one["test"][1] for one in found]),
        best=max(range(len(found)), key=lambda place: found[place]["rank"]),
        learning=sum(x.shape.num_elements() for x in feed.learner.trainable_variables),
        parameters=model.count_params(),
        epochs=float(np.mean([one["epochs"] for one in found])),
        seconds=float(np.median([one["seconds"] for one in found])),
        latency=_latency(feed, latencies),
    )


def _latency(feed, known):
    """Milliseconds for one row, from the inputs of the model on, in a compiled graph."""
    total = _milliseconds(feed.learner)
    for encoder in feed.frozen.encoders if feed.frozen else ():
        key = encoder.inputs, encoder.fingerprint
        if key not in known:
            known[key] = _milliseconds(encoder.extractor)
        total += known[key]
    return total


def _milliseconds(model, times=20):
    row = [tf.zeros((1, *x.shape[1:]), x.dtype) for x in model.inputs]
    ask, shots = compiled(model), []
    for _ in range(times + 2):  # the first two trace and warm up
        begun = time.perf_counter()
        keras.tree.map_structure(np.asarray, ask(row))
        shots.append(time.perf_counter() - begun)
    return 1000 * float(np.median(shots[2:]))
