"""Cross-validation: every row is answered once, by a model that has not seen it."""

import logging

import keras
import numpy as np

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.data import Table, prepare
from fusionkeras.data.splitting.split import classes_not_in, draw_folds, strata
from fusionkeras.data.targets import by_head
from fusionkeras.evaluation.crossvalidation_report import CrossValidationReport
from fusionkeras.evaluation.measuring import asking
from fusionkeras.evaluation.training import train_new

_LOGGER = logging.getLogger("fusionkeras")


def cross_validate(
    build,
    table,
    folds=5,
    groups=None,
    seed=0,
    epochs=1,
    batch_size=32,
    cache=True,
    **kwargs,
):
    """Trains and measures a new model for each fold of a table, on all other folds.

    Each row is held out once. The folds are stratified by label, as `read_table` splits, and
    leave groups whole. Frozen encoders run once over all folds: each fold finds the features that
    the others have left in the cache.

    Args:
        build: a function from the `Table` of a fold's rows of training to `(model,
            preprocessor)`: a new compiled model each time, and a `Preprocessor`. What is learned
            from data (a vocabulary, say) belongs in there, so that nothing of the rows held out
            gets into the model.
        table: `Table`: `data.train`, or with `read_table(..., split=(1, 0, 0))` all rows.
        folds: int, how many; at least 2.
        groups: None for those that the table was read with, if any; or one value a row: rows of
            equal values are held out together.
        seed: int, of the folds and of the orders of rows. The seed of Keras, NumPy and Python is
            set to `seed + fold` ahead of each fold, so that the same seed gives the same report.
        epochs: int, as in `fit`.
        batch_size: int.
        cache: as in `fit`.
        **kwargs: further arguments of `fit`, such as `callbacks` or `class_weight`. There are no
            validation data: to stop early by the rows held out would make them rows of training.

    Returns:
        `CrossValidationReport`.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for fewer rows or groups than folds, and whatever `fit` and `evaluate` raise.

    Example:
        >>> import fusionkeras as fk, pandas as pd
        >>> rows = pd.DataFrame({"text": ["red", "blue"] * 6, "label": ["warm", "cold"] * 6})
        >>> data = fk.read_table(rows, {"text": "text"}, label="label", split=(1, 0, 0))
        >>> def build(train):
        ...     branches = [fk.lstm_branch(fk.learn_vocabulary(train, "text"), sequence_length=2)]
        ...     model = fk.compile_classifier(fk.build_classifier(branches))
        ...     return model, fk.build_preprocessor(branches)
        >>> report = cross_validate(build, data.train, folds=2, verbose=0)
        >>> report.predictions.shape, sorted(report.summary()["accuracy"])
        ((12, 2), ['interval', 'mean', 'std'])
    """
    numbers = _draw(table, folds, groups, seed)
    _warn_of_classes(table, numbers)
    reports, answers = [], {}
    for fold in range(folds):
        held_out = table.take(numbers == fold)
        keras.utils.set_random_seed(seed + fold)
        how = (seed, epochs, batch_size, cache)
        model, preprocessor = train_new(build, table.take(numbers != fold), *how, **kwargs)
        batches = prepare(held_out, preprocessor, batch_size)
        ask, report = asking(model, batches, cache=cache)
        found = ask(batches)
        reports.append(report(found))
        for head, (_, own, _) in found.items():
            whole = answers.setdefault(head, np.empty((len(table), *own.shape[1:]), own.dtype))
            whole[numbers == fold] = own
        _keep_failures(table, held_out)
    return CrossValidationReport(reports, numbers, by_head(answers))


def _draw(table, folds, groups, seed):
    """The fold of each row."""
    if not isinstance(table, Table):
        raise argument_error(
            "Wrong type of table", "a Table, such as data.train", kind=TypeError, table=table
        )
    check_integer("number of folds", 2, folds=folds)
    check_integer("seed", 0, seed=seed)
    groups = table.groups if groups is None else _number(groups, len(table))
    units = len(table) if groups is None else len(np.unique(groups))
    if units < folds:
        raise argument_error(
            f"There are fewer {'rows' if groups is None else 'groups'} ({units}) than folds",
            "at least one for each fold",
            folds=folds,
        )
    (task, labels, _), *_ = table.heads().values()
    return draw_folds(strata(labels, task), folds, seed, groups)


def _number(groups, rows):
    """Groups of any values as numbers."""
    import pandas as pd

    numbers = pd.factorize(np.asarray(groups, object))[0] if np.ndim(groups) == 1 else ()
    if len(numbers) != rows or np.any(numbers < 0):
        raise argument_error(
            "Wrong groups",
            f"a value for each of the {rows} rows",
            "Or read the table with read_table(groups=COLUMN).",
            groups=groups,
        )
    return numbers


def _warn_of_classes(table, numbers):
    """Names the classes that a fold has to learn without."""
    for head, (task, labels, class_names) in table.heads().items():
        lacking = [classes_not_in(labels, task, numbers != fold) for fold in np.unique(numbers)]
        names = [class_names[place] for place in np.unique(np.concatenate(lacking))]
        if names:
            _LOGGER.warning(
                "All rows of %s%s are in one fold, whose model has not seen any",
                names,
                f" of {head!r}" if head else "",
            )


def _keep_failures(table, part):
    known = {failure["row"] for failure in table.failures}
    table.failures.extend(failure for failure in part.failures if failure["row"] not in known)
