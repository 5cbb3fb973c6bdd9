"""The options of `compare`."""

from fusionkeras.cli.arguments.data import (
    add_checks,
    add_columns,
    add_imbalance,
    add_tables,
    add_tasks,
)
from fusionkeras.cli.arguments.model import add_encoders, add_trunk
from fusionkeras.cli.arguments.training import (
    add_feature_cache,
    add_first_stage,
    add_precision,
)
from fusionkeras.evaluation.comparing.metrics import METRICS


def add_compare(parser):
    """Adds the options of `compare`, most of them those of `train`."""
    add_columns(parser, labels="")
    tasks, data = parser.add_argument_group("tasks"), parser.add_argument_group("data")
    add_tasks(tasks)
    add_imbalance(tasks)
    add_tables(data)
    add_checks(data)
    data.add_argument("--seed", type=int, default=0, metavar="N", help="of the split")
    model = parser.add_argument_group("model")
    add_encoders(model)
    add_trunk(model)
    training = parser.add_argument_group("training")
    add_first_stage(training, patience="")
    add_feature_cache(training)
    add_precision(parser.add_argument_group("device"))
    _add_comparison(parser.add_argument_group("comparison"))
    parser.set_defaults(missing="quarantine", epochs=30)


def _add_comparison(group):
    group.add_argument(
        "--fusions",
        default="all",
        metavar="all|pooled|A,B",
        help="all that fit (the default), those of pooled features, or names",
    )
    group.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="trainings of each (default: 5)"
    )
    metrics = "; ".join(f"{task}: {', '.join(names)}" for task, names in METRICS.items())
    group.add_argument(
        "--metric", metavar="NAME", help=f"to compare by (default: the first). {metrics}"
    )
    group.add_argument(
        "--output",
        metavar="DIR",
        help="the folder to write; a command that was broken off goes on when it is said again",
    )
