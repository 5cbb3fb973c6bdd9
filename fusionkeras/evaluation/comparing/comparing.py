"""Each branch alone, every fusion: the same rows, the same features, several seeds."""

import dataclasses

import keras

from fusionkeras._checks import argument_error, check_integer, check_learning_rate
from fusionkeras.data.table import Data
from fusionkeras.evaluation.comparing.candidates import candidates_of
from fusionkeras.evaluation.comparing.comparison import Comparison
from fusionkeras.evaluation.comparing.kept import Kept, settings_of
from fusionkeras.evaluation.comparing.metrics import metric_of
from fusionkeras.evaluation.comparing.rows import Rows
from fusionkeras.evaluation.comparing.starts import Starts
from fusionkeras.evaluation.comparing.training import Training, assign, own_variables, train
from fusionkeras.models import build_preprocessor
from fusionkeras.training import heads_for


def compare(
    branches,
    data,
    fusions="all",
    seeds=5,
    epochs=30,
    batch_size=32,
    learning_rate=1e-3,
    patience=3,
    metric=None,
    imbalance=None,
    cache=True,
    folder=None,
    verbose=1,
    **kwargs,
):
    """Trains each branch alone and every fusion of all of them, and says what fusing is worth.

    All candidates see the same rows. Features of frozen encoders are computed once, kept as in
    `fit`, and held in memory where they take less than a gigabyte. A seed sets the weights that a
    model begins with and the order of the rows; a candidate with a seed comes out as `fit` with
    `EarlyStopping(patience, restore_best_weights=True)` would train a new model with it. Which
    fusion is best, and which candidate wins, is decided on the validation rows; the leaderboard is
    of the test rows.

    Args:
        branches: list of two or more `Branch`, or a function that makes it, called with the seed
            of Keras set. Frozen encoders are the same for all. One that learns begins each
            training as it was handed over; with a function each seed gives it another begin. It
            ends as the winner's.
        data: `Data` of `read_table`, with validation and test rows and one column of labels.
        fusions: "all" of `FUSIONS`, the "pooled" ones, or a list of names and layers. Of "all"
            and "pooled", those that do not fit the branches are left out, and the result tells.
        seeds: int, how many, from 0 on; or a list of int.
        epochs: int, the most that a training may go through.
        batch_size: int.
        learning_rate: as in `compile_model`.
        patience: int, a training stops after so many epochs without a better validation loss, and
            goes back to the best.
        metric: str, of those that `evaluate` reports; of classification "accuracy" (the default),
            "f1_macro", "roc_auc" or "log_loss"; ordinal "accuracy", "mae" or "kappa"; multilabel
            (with thresholds of .5) "f1_micro", "f1_macro", "average_precision" or "exact_match";
            regression "mae", "rmse" or "r2".
        imbalance: as in `prepare` and `compile_model`.
        cache: as in `fit`.
        folder: None, or where finished candidates are kept: the same call goes on there.
        verbose: int; 0 prints nothing, 1 a line for each candidate.
        **kwargs: further arguments of `build_model`, the same for all candidates, such as
            `hidden_dims` and `dropout`; `auxiliary` is for the fusions, as one branch alone has
            nothing to do with it.

    Returns:
        `Comparison`.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for fewer than two branches, a split without rows, several columns of labels,
            a metric of another task, and whatever `build_model` and `prepare` raise.

    Example:
        >>> import fusionkeras as fk, pandas as pd
        >>> rows = pd.DataFrame(
        ...     {"one": ["red", "blue"] * 20, "two": ["x"] * 40, "label": ["warm", "cold"] * 20}
        ... )
        >>> columns = {"one": "one", "two": "two"}
        >>> data = fk.read_table(rows, columns, label="label", files=(), split=(0.6, 0.2, 0.2))
        >>> def branches():
        ...     names = ("one", "two")
        ...     words = ["red", "blue", "x"]
        ...     return [fk.lstm_branch(words, sequence_length=1, name=name) for name in names]
        >>> comparison = compare(
        ...     branches, data, fusions=["concat"], seeds=2, epochs=8, learning_rate=0.05, verbose=0
        ... )
        >>> comparison.sentence
        'one alone 1.000 [.631, 1.000]; best fusion (concat) 1.000; difference +.000
        [+.000, +.000]: two adds nothing measurable here'
    """
    training = _check_training(seeds, epochs, learning_rate, patience, imbalance)
    metric = metric_of(_check_data(data).train.task, metric)
    starts = Starts(branches, training.seeds)
    options = {"heads": heads_for(data.train), **kwargs}
    candidates, left_out = candidates_of(starts.branches, fusions, options)
    described = {**dataclasses.asdict(training), "batch_size": batch_size, **options}
    kept = Kept(folder, folder and settings_of(data, starts.branches, metric, described))
    rows = Rows(data, starts.preprocessor, batch_size, imbalance, cache)
    outcomes, latencies, best = {}, {}, None
    for candidate in candidates:
        found = kept.load(candidate)
        outcome, weights = found or kept.save(
            candidate, *train(candidate, rows, starts, training, metric, latencies)
        )
        outcomes[candidate.name] = outcome
        if best is None or outcome.rank(metric) > best[1].rank(metric):
            best = candidate, outcome, weights
        if verbose:
            print(outcome.line(metric) + (", kept" if found else ""), flush=True)
    comparison = Comparison(metric, outcomes, data.test.groups, left_out)
    return dataclasses.replace(comparison, **_winner(best, starts, training))


def _winner(best, starts, training):
    """The model of the best seed of the best candidate, and its preprocessor."""
    candidate, outcome, weights = best
    starts.restore(training.seeds[outcome.best])
    model = candidate.build()
    assign(own_variables(model, candidate.branches), weights)
    return {"model": model, "preprocessor": build_preprocessor(candidate.branches)}


def _check_training(seeds, epochs, learning_rate, patience, imbalance):
    if isinstance(seeds, (list, tuple)):
        for seed in seeds:
            check_integer("seed", 0, seeds=seed)
        if not seeds or len(set(seeds)) < len(seeds):
            raise argument_error("Wrong seeds", "one or more that differ", seeds=seeds)
    else:
        seeds = range(check_integer("number of seeds", seeds=seeds))
    check_integer("number of epochs", epochs=epochs)
    check_integer("patience", patience=patience)
    if not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        check_learning_rate(learning_rate)
    return Training(tuple(seeds), epochs, learning_rate, patience, imbalance)


def _check_data(data):
    if not isinstance(data, Data):
        raise argument_error(
            "Wrong type of data", "what read_table returns", kind=TypeError, data=data
        )
    for split, why in (
        ("validation", "what is best is decided on"),
        ("test", "all is measured on"),
    ):
        if not len(getattr(data, split)):
            raise argument_error(
                f"There are no {split} rows, which {why}",
                "rows in each split",
                f"Split it by 0.6, 0.2, 0.2, or read a table of its own for {split}.",
                data=data,
            )
    return data
