"""The numbers inside a model, such as the width of its fusion, found by KerasTuner."""

import os
import tempfile

import keras

from fusionkeras._checks import argument_error, check_integer, missing_package
from fusionkeras.training.fitting import fit


def tune(
    build,
    train,
    validation,
    trials=20,
    epochs=30,
    patience=3,
    seed=0,
    cache=True,
    folder=None,
):
    """Searches for the numbers with which a model has the least loss on validation rows.

    KerasTuner's Bayesian optimisation proposes them; each trial is a `fit` that stops early, so
    frozen encoders run once for all trials. What is found is the least of many validation losses,
    and so looks better than it is: measure the model on test rows.

    Args:
        build: a function from `keras_tuner.HyperParameters` to a new compiled model. It asks for
            the numbers: `fk.Gated(hp.Int("hidden_dim", 32, 256, step=32))`. Branches that are
            frozen are made once, outside of it; those that learn inside of it.
        train: what `prepare` returns.
        validation: the same, of the validation rows.
        trials: int, how many models are trained.
        epochs: int, the most that a trial may go through.
        patience: int, a trial stops after so many epochs without a better validation loss.
        seed: int, of the proposals; that of Keras is set to `seed + trial`.
        cache: as in `fit`.
        folder: None, or where finished trials are kept: the same call goes on there.

    Returns:
        `keras_tuner.HyperParameters`, the best; `.values` is a dict, and `build` makes the model.

    Raises:
        ImportError: without KerasTuner (`pip install 'fusionkeras[tune]'`).
        TypeError: for a `build` that is no function.
        ValueError: for wrong numbers, and whatever `fit` raises.

    Example:
        >>> import fusionkeras as fk, pandas as pd
        >>> rows = pd.DataFrame({"text": ["red", "blue"] * 8, "label": ["warm", "cold"] * 8})
        >>> data = fk.read_table(rows, {"text": "text"}, label="label", split=(0.5, 0.5, 0))
        >>> branch = fk.lstm_branch(["red", "blue"], sequence_length=1)
        >>> def build(hp):
        ...     fusion = fk.Concat(hidden_dim=hp.Choice("hidden_dim", [4, 8]))
        ...     return fk.compile_classifier(fk.build_classifier([branch], fusion))
        >>> preprocessor = fk.build_preprocessor([branch])
        >>> train = fk.prepare(data.train, preprocessor, shuffle=True)
        >>> validation = fk.prepare(data.validation, preprocessor)
        >>> found = tune(build, train, validation, trials=1, epochs=1)
        >>> found.values["hidden_dim"] in (4, 8)
        True
    """
    try:
        import keras_tuner
    except ImportError as error:
        raise missing_package("keras-tuner", "tune", "'fusionkeras[tune]'") from error
    if not callable(build):
        raise argument_error("build is no function", "one", kind=TypeError, build=build)
    check_integer("number of trials", trials=trials)
    check_integer("number of epochs", epochs=epochs)
    check_integer("patience", patience=patience)

    def run_trial(tuner, trial, verbose):
        try:
            keras.utils.set_random_seed(seed + int(trial.trial_id))
            model = build(trial.hyperparameters)
            stopping = keras.callbacks.EarlyStopping(patience=patience)
            history = fit(model, train, validation, epochs, [stopping], cache, verbose=verbose)
        except Exception as error:  # or KerasTuner would go on to the next trial
            raise keras_tuner.errors.FatalError(str(error)) from error
        return min(history.history["val_loss"])

    # The base of all tuners: those above it write every best epoch of the whole model to disk.
    kind = type("Tuner", (keras_tuner.engine.base_tuner.BaseTuner,), {"run_trial": run_trial})
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(max_trials=trials, seed=seed)
    with tempfile.TemporaryDirectory() as scratch:
        place = {"directory": os.fspath(folder or scratch), "project_name": "trials"}
        tuner = kind(oracle=oracle, hypermodel=build, **place)
        try:
            tuner.search(verbose=0)
        except keras_tuner.errors.FatalError as fatal:
            raise fatal.__cause__ from None
        return tuner.get_best_hyperparameters()[0]
