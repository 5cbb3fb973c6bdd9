"""`fusionkeras compare`: does fusing help?"""

import json

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.cli.reading import read_data
from fusionkeras.cli.run import Run, describe
from fusionkeras.cli.sources import source_of
from fusionkeras.cli.tasks import imbalance_of, read_tasks
from fusionkeras.cli.train import build_branches, check_needed, feature_cache, plain
from fusionkeras.evaluation import compare
from fusionkeras.models import end_to_end


def run_compare(options):
    """Compares each column alone with every fusion, and leaves the winner in a folder."""
    source_of(options).complete()
    check_needed(options)
    check_integer("seed", 0, seed=options.seed)
    keras.utils.set_random_seed(options.seed)
    tf.config.experimental.enable_op_determinism()
    data = read_data(options, read_tasks(options))
    if not len(data.quarantine):  # what is quarantined was said when the table was read
        print(data.summary())
    run = Run(options.output)
    described = describe(plain(options), data, source_of(options).hashes())
    _begin(run, json.loads(json.dumps(described)))
    run.write_frame(run.quarantine, data.quarantine)
    comparison = compare(
        lambda: build_branches(options, data),
        data,
        _fusions(options.fusions),
        options.seeds,
        options.epochs,
        options.batch_size,
        options.learning_rate,
        options.patience,
        options.metric,
        imbalance_of(options, data.train),
        feature_cache(options),
        folder=run.path,
        hidden_dims=options.hidden_dims,
        dropout=options.dropout,
        modality_dropout=options.modality_dropout,
        auxiliary=options.auxiliary,
    )
    run.write_frame(run.path / "leaderboard.csv", comparison.leaderboard())
    run.write_json(run.path / "comparison.json", comparison.as_dict())
    run.write_model(end_to_end(comparison.model, comparison.preprocessor, data.class_names))
    print(f"\n{comparison}\nWritten to {run.path}")


def _fusions(text):
    return text if text in ("all", "pooled") else text.split(",")


def _begin(run, described):
    """Makes the folder, or goes on in one that the same command has made.

    A comparison in which nothing is trained yet, such as one with a wrong option, gives way.
    """
    before = run.read_config()
    if before == described:
        return
    if not run.config.is_file():
        run.create()
    elif "fusions" not in before.get("options", {}) or any(run.path.glob("candidates/*")):
        raise argument_error(
            "The folder holds another comparison",
            "the same table, options and versions, or a folder that is new",
            "Choose another --output.",
            output=str(run.path),
        )
    run.write_json(run.config, described)
