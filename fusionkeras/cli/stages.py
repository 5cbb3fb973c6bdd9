"""The stages of `fusionkeras train`: first what is new learns, then encoders as well."""

import warnings

import keras

from fusionkeras._checks import argument_error
from fusionkeras.cli.tasks import imbalance_of, loss_weights_of
from fusionkeras.data import prepare
from fusionkeras.training import (
    Resume,
    compile_model,
    enable_lora,
    fit,
    layers_to_unfreeze,
    unfreeze,
)
from fusionkeras.training.distribution.processes import wait_for_all
from fusionkeras.training.lora import layers_for_lora


def compile_as_said(options, model, table, learning_rate):
    """Compiles a model for a table as the options say."""
    compile_model(
        model,
        learning_rate,
        train=table,
        loss_weights=loss_weights_of(options),
        imbalance=imbalance_of(options, table),
        gradient_accumulation_steps=options.gradient_accumulation_steps,
        steps_per_execution=options.steps_per_execution,
    )


def check_second_stage(options, model):
    """Raises unless the encoders that learn in the second stage can."""
    for branch, last in options.unfreeze or ():
        layers_to_unfreeze(model, branch, last)
    for branch, _ in options.lora or ():
        layers_for_lora(model, branch)
    said = [branch for branch, _ in [*(options.unfreeze or ()), *(options.lora or ())]]
    if len(set(said)) < len(said):
        raise argument_error(
            "An encoder learns in one way",
            "each branch once, in --unfreeze or in --lora",
            unfreeze=options.unfreeze,
            lora=options.lora,
        )


def train_in_stages(options, run, model, data, preprocessor):
    """First with frozen encoders, then as `--unfreeze` and `--lora` say, if they do."""
    train = prepare(
        data.train,
        preprocessor,
        options.batch_size,
        shuffle=True,
        seed=options.seed,
        cache=options.cache_pictures,
        imbalance=imbalance_of(options, data.train),
        drop_remainder=options.drop_remainder,
    )
    validation = None
    if len(data.validation):
        validation = prepare(
            data.validation, preprocessor, options.batch_size, cache=options.cache_pictures
        )
    first, epochs = 0, options.epochs
    _stage(options, run, "frozen", model, train, validation, first, epochs, options.learning_rate)
    if options.unfreeze or options.lora:
        for branch, last in options.unfreeze or ():
            unfreeze(model, branch, last)
        for branch, rank in options.lora or ():
            enable_lora(model, branch, rank)
        first, epochs = epochs, epochs + options.unfreeze_epochs
        _stage(
            options,
            run,
            "unfrozen",
            model,
            train,
            validation,
            first,
            epochs,
            options.unfreeze_learning_rate,
        )


def _stage(options, run, name, model, train, validation, first, epochs, learning_rate):
    compile_as_said(options, model, train.source.table, learning_rate)
    stopping = validation is not None and options.patience > 0
    callbacks = [
        Resume(run.checkpoints / name, options.save_every),
        *(_keep_the_best(run, options.patience) if stopping else ()),
        keras.callbacks.CSVLogger(str(run.history), append=run.history.exists()),
        keras.callbacks.TensorBoard(str(run.logs), write_graph=False),
        keras.callbacks.TerminateOnNaN(),
    ]
    print(
        f"Stops after {options.patience} epochs without a better validation loss and keeps the "
        "best weights (--patience 0 switches this off)"
        if stopping
        else "Trains all epochs and keeps the last weights (no validation rows, or --patience 0)"
    )
    cache = feature_cache(options)
    fit(model, train, validation, epochs, callbacks, cache, options.views, initial_epoch=first)
    wait_for_all("best weights", model)
    if stopping and run.best.exists():
        with warnings.catch_warnings():
            # That of the first stage, which nothing is trained with any more.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            model.load_weights(run.best)


def feature_cache(options):
    """What `fit` takes as its cache."""
    folder = options.feature_cache
    return folder != "none" if folder in (None, "none") else folder


def _keep_the_best(run, patience):
    """Compares with all epochs so far, those before a resumption and of the first stage too."""
    best = run.best_validation_loss()
    checkpoint = keras.callbacks.ModelCheckpoint(
        str(run.best), save_best_only=True, save_weights_only=True, initial_value_threshold=best
    )
    return [checkpoint, keras.callbacks.EarlyStopping(patience=patience, baseline=best)]
