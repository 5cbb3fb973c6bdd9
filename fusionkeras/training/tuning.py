"""The numbers inside a model, such as the width of its fusion, found by KerasTuner."""

import json
import math
import pathlib
import tempfile

import keras

from fusionkeras._checks import argument_error, check_integer, missing_package
from fusionkeras.data.whole import make_folder, write_whole
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
        folder: None, or where finished trials are kept: the same call goes on there, and a `build`
            that asks for other numbers is refused.

    Returns:
        `keras_tuner.HyperParameters`, the best; `.values` is a dict, and `build` makes the model.

    Raises:
        ImportError: without KerasTuner (`pip install 'fusionkeras[tune]'`).
        TypeError: for a `build` that is no function.
        ValueError: for wrong numbers, no validation rows, a `build` that returns no compiled model,
            a folder that keeps a search for other numbers, when no trial has a finite loss, and
            whatever `fit` raises.

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
    if validation is None:
        raise argument_error(
            "There are no validation rows to judge by", "what prepare returns", validation=None
        )
    check_integer("number of trials", trials=trials)
    check_integer("number of epochs", epochs=epochs)
    check_integer("patience", patience=patience)

    def run_trial(tuner, trial, verbose):
        try:
            keras.utils.set_random_seed(seed + int(trial.trial_id))
            model = _check_compiled(build(trial.hyperparameters))
            stopping = keras.callbacks.EarlyStopping(patience=patience)
            history = fit(model, train, validation, epochs, [stopping], cache, verbose=verbose)
            return min(filter(math.isfinite, history.history["val_loss"]), default=math.nan)
        except Exception as error:  # or KerasTuner would go on to the next trial
            raise keras_tuner.errors.FatalError(str(error)) from error

    # The base of all tuners: those above it write every best epoch of the whole model to disk.
    kind = type("Tuner", (keras_tuner.engine.base_tuner.BaseTuner,), {"run_trial": run_trial})

    def tuner_in(place, build=None, asked=None):
        oracle = keras_tuner.oracles.BayesianOptimizationOracle(
            max_trials=trials, seed=seed, hyperparameters=asked,
            max_consecutive_failed_trials=trials + 1,
        )  # fmt: skip
        return kind(oracle=oracle, hypermodel=build, directory=place, project_name="trials")

    with tempfile.TemporaryDirectory() as scratch:
        # Asked apart, since a tuner that goes on takes the numbers that the folder keeps.
        asked = tuner_in(f"{scratch}/asked", build).oracle.get_space()
        folder = pathlib.Path(folder or scratch)
        _check_kept(folder, asked)
        tuner = tuner_in(str(folder), asked=asked)
        try:
            tuner.search(verbose=0)
        except keras_tuner.errors.FatalError as fatal:
            raise fatal.__cause__ from None
        return _best(tuner.oracle).hyperparameters


def _check_compiled(model):
    if isinstance(model, keras.Model) and model.compiled:
        return model
    raise argument_error(
        "build returns no compiled model", "what compile_classifier returns", model=model
    )


def _check_kept(folder, asked):
    """Raises where a folder keeps a search for other numbers; keeps those that are asked for."""
    file, asked = folder / "trials" / "asked.json", asked.get_config()["space"]
    if file.parent.exists():
        kept = json.loads(file.read_text("utf-8")) if file.exists() else None
        if kept != json.loads(json.dumps(asked)):
            raise argument_error(
                "The folder keeps a search for other numbers",
                f"the same as there: {_told(kept)}" if kept is not None else "a new folder",
                "Take another folder.",
                folder=str(folder),
                asked=_told(asked),
            )
        return
    make_folder(file.parent, folder=str(folder))
    write_whole(file, lambda unfinished: unfinished.write_text(json.dumps(asked), "utf-8"))


def _told(space):
    return [own["config"] for own in space]


def _best(oracle):
    """The finished trial of the least loss."""
    (best,) = oracle.get_best_trials()
    if best.status != "COMPLETED":
        raise argument_error(
            "No trial has a finite validation loss",
            "one or more",
            "A smaller learning rate may help, and a look at the rows.",
            values=best.hyperparameters.values,
        )
    return best
