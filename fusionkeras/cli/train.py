"""`fusionkeras train`."""

import json

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error, check_integer, check_learning_rate
from fusionkeras.branches import bert_branch, image_branch, lstm_branch
from fusionkeras.cli.arguments import UNSAID
from fusionkeras.cli.calibrating import (
    check_calibration,
    describe_calibration,
    find_thresholds,
    fit_calibration,
)
from fusionkeras.cli.reading import read_data
from fusionkeras.cli.run import Run, describe
from fusionkeras.cli.sources import source_of
from fusionkeras.cli.stages import (
    check_second_stage,
    compile_as_said,
    feature_cache,
    train_in_stages,
)
from fusionkeras.cli.tasks import read_tasks
from fusionkeras.data import learn_vocabulary, prepare
from fusionkeras.evaluation import tune_thresholds
from fusionkeras.evaluation.measuring import asking
from fusionkeras.fusion import get_fusion
from fusionkeras.models import build_model, build_preprocessor, end_to_end, with_calibration
from fusionkeras.training import build_strategy, heads_for, is_chief
from fusionkeras.training.distribution.processes import wait_for_all

# What may differ where a run is resumed; the second stage only until it has begun.
RESUMABLE = {"epochs", "unfreeze", "lora", "unfreeze_epochs", "unfreeze_learning_rate"}
ALWAYS_RESUMABLE = {
    *("patience", "feature_cache", "save_every", "calibrate", "answer_precision"),
    *("steps_per_execution", "strategy"),
}


def run_train(options):
    """Reads the table, trains, measures and leaves a RUN."""
    check_options(options)
    run = Run(options.output)
    if options.resume:
        _check_resumable(run, options)
    else:
        run.check_new()
    strategy = build_strategy(options.strategy)
    keras.utils.set_random_seed(options.seed)
    tf.config.experimental.enable_op_determinism()
    data = read_data(options, read_tasks(options))
    check_calibration(options, data)
    with strategy.scope():
        branches = build_branches(options, data)
        model = assemble(options, branches, data.train)
    compile_as_said(options, model, data.train, options.learning_rate)  # raises now, as does this
    check_second_stage(options, model)  # not after the first one
    described = describe(plain(options), data, source_of(options).hashes())
    if is_chief(model):
        _begin(options, run, data, described)
    preprocessor = build_preprocessor(branches)
    train_in_stages(options, run, model, data, preprocessor)
    if is_chief(model):
        _finish(options, run, model, data, preprocessor, described)
        _account(run, data)
        print(f"Written to {run.path}")
    wait_for_all("RUN", model)


def _begin(options, run, data, described):
    """What stands in a RUN before the training begins."""
    if not options.resume:
        run.create()
    run.write_json(run.config, described)
    _account(run, data)
    if not len(data.quarantine):  # what is quarantined was said when the table was read
        print(data.summary())


def _finish(options, run, model, data, preprocessor, described):
    """What follows the training: calibrates, tunes, measures, and writes what is served."""
    calibration = fit_calibration(options, model, data, preprocessor, feature_cache(options))
    model = with_calibration(model, calibration)
    thresholds = _tune(options, model, data, preprocessor)
    served = [model, preprocessor, data.class_names, thresholds]
    run.write_model(end_to_end(*served))
    reports = _measure(options, run, model, data, preprocessor, thresholds)
    unsure = find_thresholds(options, reports)  # raises where the precision cannot be had
    if unsure is not None:
        run.write_model(end_to_end(*served, unsure=unsure))
    if calibration or unsure:
        run.write_json(run.config, {**described, **describe_calibration(calibration, unsure)})


def _account(run, data):
    """Writes which rows are not used, those that failed in training included, and why."""
    import pandas

    failures = [row for x in (data.train, data.validation, data.test) for row in x.failures]
    frame = data.quarantine
    if failures:
        frame = pandas.concat([frame, pandas.DataFrame(failures)], ignore_index=True)
        print(f"{len(failures)} rows could not be used in training after all; see {run.quarantine}")
    run.write_frame(run.quarantine, frame)
    if len(data.absent):
        run.write_frame(run.absent, data.absent)


def check_options(options):
    """Raises unless everything is said that a training needs, by the user or by the source."""
    _need("TABLE", options.table)
    source_of(options).complete()
    check_needed(options)
    check_integer("number of epochs", epochs=options.epochs)
    check_integer("batch size", batch_size=options.batch_size)
    check_integer("number of batches between two states", save_every=options.save_every)
    check_integer("patience", 0, patience=options.patience)
    check_integer("number of epochs", unfreeze_epochs=options.unfreeze_epochs)
    check_integer("number of batches", steps_per_execution=options.steps_per_execution)
    steps = options.gradient_accumulation_steps
    check_integer("number of batches", gradient_accumulation_steps=steps)
    check_integer("seed", 0, seed=options.seed)
    check_learning_rate(options.learning_rate)
    check_learning_rate(options.unfreeze_learning_rate)


def check_needed(options):
    """Raises unless the columns and the folder to write are said."""
    _need("--label", options.label, options.command)
    _need("--output", options.output, options.command)
    _need("--image or --text", options.image or options.text, options.command)


def _need(name, value, command="train"):
    if not value:
        raise argument_error(f"{name} is missing", f"fusionkeras {command} ... {name} ...")


def build_branches(options, data):
    """One branch a column, of the encoders that the options name."""
    weights = None if options.weights == "none" else options.weights
    augment = None if options.augment == "none" else options.augment
    images = [
        image_branch(options.image_encoder, weights, options.image_size, name=name, augment=augment)
        for name in options.image or ()
    ]
    return images + [_text_branch(options, data, name) for name in options.text or ()]


def _text_branch(options, data, name):
    common = {"name": name, "word_dropout": options.word_dropout}
    if options.sequence_length is not None:
        common["sequence_length"] = options.sequence_length
    if options.text_encoder == "bert":
        return bert_branch(options.preset, pooling=options.pooling, **common)
    vocabulary = learn_vocabulary(data.train, name, size=options.vocabulary_size)
    return lstm_branch(vocabulary, word_vectors=options.word_vectors, **common)


def assemble(options, branches, table):
    """The model that the options describe, with the heads that a table implies."""
    width = {} if options.hidden_dim is None else {"hidden_dim": options.hidden_dim}
    model = build_model(
        branches,
        get_fusion(options.fusion, **width),
        heads_for(table),
        options.hidden_dims,
        options.dropout,
        options.modality_dropout,
        options.auxiliary,
        name="classifier" if table.task == "classification" else "model",
    )
    learning = sum(weight.shape.num_elements() for weight in model.trainable_variables)
    print(f"{model.count_params():,} parameters, of which {learning:,} learn")
    return model


def _tune(options, model, data, preprocessor):
    """The thresholds of multilabel heads, tuned on the validation rows; None where there are none.

    Of several heads, one without a label in any of these rows keeps .5.
    """
    tasks = {task for task, _, _ in data.train.heads().values()}
    if "multilabel" not in tasks or not len(data.validation):
        return None
    batches = prepare(data.validation, preprocessor, options.batch_size)
    print("The thresholds of the labels are those of the best F1 on the validation rows")
    return tune_thresholds(model, batches, feature_cache(options))


def _measure(options, run, model, data, preprocessor, thresholds):
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    ask, report = asking(model, None, data.class_names, feature_cache(options), thresholds)
    metrics, reports = {}, {}
    for name, table in splits.items():
        if len(table):
            reports[name] = report(ask(prepare(table, preprocessor, options.batch_size)))
            metrics[name] = reports[name].summary()
            print(f"{name:10}", reports[name].line())
    run.write_json(run.metrics, metrics)
    return reports


def _check_resumable(run, options):
    """Raises unless the run began with the same tables and options."""
    before = run.read_config()
    tables = source_of(options).hashes()
    if before.get("tables") != tables:
        raise argument_error(
            "The tables are not those that the run began with",
            f"{before.get('tables')}",
            "Begin a new run with --config instead.",
            tables=tables,
        )
    old, new = {**UNSAID, **before["options"]}, json.loads(json.dumps(plain(options)))
    begun = (run.checkpoints / "unfrozen").exists()
    may_differ = ALWAYS_RESUMABLE if begun else RESUMABLE | ALWAYS_RESUMABLE
    changed = sorted(x for x in new if new[x] != old.get(x) and x not in may_differ)
    if changed:
        raise argument_error(
            f"A run goes on as it began, and {changed} would be other than before",
            f"{ {name: old.get(name) for name in changed} }",
            "Begin a new run with --config instead.",
            **{name: new[name] for name in changed},
        )


def plain(options):
    """The options as JSON, without those that say only where a run lies."""
    left_out = {"command", "config", "resume", "output", "_said"}
    return {name: value for name, value in vars(options).items() if name not in left_out}
