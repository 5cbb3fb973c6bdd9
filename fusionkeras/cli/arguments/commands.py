"""The commands, and which options each has."""

from fusionkeras.cli.arguments.actions import Several
from fusionkeras.cli.arguments.bulk import add_bulk
from fusionkeras.cli.arguments.comparing import add_compare
from fusionkeras.cli.arguments.data import add_columns, add_data, add_losses, add_tables, add_tasks
from fusionkeras.cli.arguments.model import add_model
from fusionkeras.cli.arguments.serving import add_serve
from fusionkeras.cli.arguments.training import add_device, add_precision, add_training
from fusionkeras.cli.arguments.values import names, shares

TABLES = (
    "CSV, TSV, Parquet, JSON lines; a folder of a folder for each class; a folder of "
    "write_tfrecords; tfds:NAME or tfds:FOLDER, a dataset of TensorFlow Datasets"
)


def _add_demo(parser):
    parser.add_argument("--output", metavar="DIR", help="keep data and model here")
    parser.add_argument("--seed", type=int, default=0)
    add_precision(parser)


def _add_train(parser):
    parser.add_argument("table", nargs="?", metavar="TABLE", help=TABLES)
    add_columns(parser)
    parser.set_defaults(missing="quarantine")
    tasks, data = parser.add_argument_group("tasks"), parser.add_argument_group("data")
    add_tasks(tasks)
    add_losses(tasks)
    add_tables(data)
    add_data(data)
    add_model(parser.add_argument_group("model"))
    add_training(parser.add_argument_group("training"))
    add_device(parser.add_argument_group("device"))
    group = parser.add_argument_group("run")
    group.add_argument("--output", metavar="RUN", help="the folder to write")
    group.add_argument("--config", metavar="FILE", help="take the options of a RUN's config.json")
    group.add_argument("--resume", metavar="RUN", help="go on where this run was broken off")


def _add_compare(parser):
    parser.add_argument("table", metavar="TABLE", help=TABLES)
    add_compare(parser)


def _add_evaluate(parser):
    _add_model_and_table(parser)
    parser.add_argument("--json", metavar="FILE", help="write the metrics as JSON; - prints them")
    parser.add_argument(
        "--missing-at",
        type=shares,
        metavar="A,B",
        help="how good the model is as these shares of the cells of each column are taken away, "
        "such as 0,0.5,1",
    )
    parser.add_argument(
        "--robustness",
        nargs="?",
        const=[],
        type=names,
        metavar="A,B",
        help="how good the model is as the cells of each column get worse: noise, blur, jpeg, "
        "typos, missing; said alone all that fit",
    )
    parser.add_argument(
        "--intervals",
        choices=("bca", "percentile"),
        help="95%% bootstrap intervals of all metrics, over the rows",
    )
    parser.add_argument(
        "--slice",
        action=Several,
        metavar="COLUMN",
        help="how good the model is by the values of any column of TABLE; more than 10 different "
        "numbers are cut into quarters of the rows; may be repeated",
    )
    parser.add_argument(
        "--against",
        metavar="RUN",
        help="another model, a RUN, a .keras file or an exported folder: whether the two differ by "
        "more than chance on the rows that both can judge",
    )
    add_columns(parser)


def _add_report(parser):
    _add_model_and_table(parser)
    parser.add_argument("--output", required=True, metavar="FILE.html", help="the page to write")
    parser.add_argument(
        "--errors",
        type=int,
        default=12,
        metavar="N",
        help="how many errors of each head are shown, the most confident first (default: 12)",
    )
    add_columns(parser)


def _add_predict(parser):
    _add_model_and_table(parser)
    _add_answers(parser, ".csv, .tsv, .parquet, .jsonl")


def _add_features(parser):
    _add_model_and_table(parser)
    _add_answers(parser, ".parquet, .jsonl")


def _add_answers(parser, endings):
    parser.add_argument(
        "--output",
        required=True,
        metavar="OUT",
        help=f"by its ending {endings}; a command that was broken off goes on when it is said "
        "again",
    )
    add_bulk(parser)
    add_columns(parser)


def _add_model_and_table(parser):
    parser.add_argument("model", metavar="RUN", help="a RUN, a .keras file, an exported folder")
    parser.add_argument("table", metavar="TABLE", help=TABLES)
    parser.add_argument(
        "--split",
        metavar="SPLIT",
        help="read only one: train, validation or test of a folder of classes or of records; one "
        "of a dataset, such as test or train[:90%%]",
    )
    parser.add_argument("--batch-size", type=int, default=32, metavar="N")


def _add_export(parser):
    parser.add_argument("model", metavar="RUN", help="a RUN or a .keras file")
    parser.add_argument("path", metavar="saved_models/NAME")
    parser.add_argument("--version", type=int, metavar="N", help="default: the next")
    parser.add_argument(
        "--quantize",
        choices=("int8", "float16"),
        help="smaller: dense layers and embeddings in eight bits, or weights stored in half",
    )
    parser.add_argument(
        "--fold", action="store_true", help="faster: BatchNorm goes into the convolutions before it"
    )
    parser.add_argument(
        "--no-verify",
        action="store_true",
        help="move it into place without comparing its answers with those of the RUN",
    )


def _add_audit(parser):
    parser.add_argument("table", metavar="TABLE", help=TABLES)
    parser.add_argument("--output", metavar="FILE.html", help="write a page with the pictures")
    parser.add_argument("--json", metavar="FILE", help="write the findings as JSON; - prints them")
    add_columns(parser)
    add_tasks(parser.add_argument_group("tasks"))
    data = parser.add_argument_group("data")
    add_tables(data)
    data.add_argument("--seed", type=int, default=0, metavar="N", help="of the split")
    data.add_argument(
        "--sequence-length", type=int, metavar="N", help="the words of a text that a model reads"
    )
    parser.set_defaults(missing="quarantine", check="full", row_weight=None)


def _add_cache(parser):
    parser.add_argument("action", choices=("info", "clear"))
    parser.add_argument(
        "--path",
        metavar="DIR|ADDRESS",
        help="a --feature-cache FOLDER or ADDRESS (default: the user's cache)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


# What `fusionkeras --help` says of each, and the function that adds its options.
COMMANDS = {
    "demo": ("a tour on drawn data: no data, no network", _add_demo),
    "train": ("train on a table of pictures and texts", _add_train),
    "compare": ("does fusing help: each column alone, every fusion", _add_compare),
    "evaluate": ("measure a model on a table", _add_evaluate),
    "report": ("write a page on a model and a table: what helps, errors, figures", _add_report),
    "predict": ("answer every row of a table", _add_predict),
    "features": ("write what the fusion makes of every row of a table", _add_features),
    "export": ("write a SavedModel for TF Serving", _add_export),
    "audit": ("what is the matter with a table", _add_audit),
    "cache": ("what is kept of frozen encoders and pictures; empty it", _add_cache),
    "serve": ("answer requests as TensorFlow Serving does", add_serve),
}
