"""The options about columns, labels and tables."""

from fusionkeras.cli.arguments.actions import Columns, Labels, Several
from fusionkeras.cli.arguments.values import split
from fusionkeras.data import IMBALANCE, TASKS


def add_columns(parser, labels="; may be repeated for several heads"):
    """Adds the columns of pictures, texts and labels, and how they are read."""
    group = parser.add_argument_group("columns")
    for option, what in (("--image", "paths of pictures"), ("--text", "texts")):
        group.add_argument(
            option,
            action=Columns,
            metavar="[NAME=]COLUMN",
            help=f"a column of {what}; may be repeated with other names",
        )
    group.add_argument(
        "--texts",
        metavar="TABLE",
        help="where TABLE is a folder of classes: a table with the paths of its pictures "
        "(column image, or --image) and the texts to them",
    )
    group.add_argument(
        "--label", action=Labels, metavar="COLUMN", help=f"the column of labels{labels}"
    )
    group.add_argument(
        "--separator",
        metavar="TEXT",
        help="what stands between the labels of a multilabel cell (default: that of the RUN, or |)",
    )
    group.add_argument(
        "--files-root",
        metavar="DIR|ADDRESS",
        help="what picture paths are relative to, such as s3://bucket/photos "
        "(default: the table's folder); none outside it is read",
    )
    group.add_argument(
        "--missing",
        choices=("quarantine", "allow"),
        help="what becomes of a row with a missing picture or text "
        "(default: that of the RUN, or quarantine)",
    )


def add_tasks(group):
    """Adds what the labels are."""
    group.add_argument(
        "--task",
        action=Several,
        metavar="[COLUMN=]TASK",
        help=f"of the labels: {', '.join(TASKS)}, or auto: inferred and printed (the default)",
    )
    group.add_argument(
        "--class-order",
        action=Several,
        metavar="[COLUMN=]A,B,C",
        help="all labels in their order, such as the ranks of an ordinal task",
    )


def add_losses(group):
    """Adds how much labels count."""
    add_imbalance(group)
    group.add_argument(
        "--loss-weight",
        action=Several,
        metavar="COLUMN=X",
        help="what the loss of one of several label columns is multiplied by (default: 1)",
    )


def add_imbalance(group):
    """Adds what is done for rare classes."""
    group.add_argument(
        "--imbalance",
        action=Several,
        metavar="[COLUMN=]WAY",
        help=f"what is done for rare classes: {', '.join(IMBALANCE)}, or none (the default)",
    )


def add_tables(group):
    """Adds further tables and how rows are split."""
    group.add_argument("--validation", metavar="TABLE", help="a table of its own for validation")
    group.add_argument("--test", metavar="TABLE", help="a table of its own for the test")
    group.add_argument(
        "--split",
        type=split,
        metavar="A,B,C|COLUMN",
        help="shares of train, validation, test; or the column that tells",
    )
    group.add_argument(
        "--groups",
        action=Several,
        metavar="COLUMN",
        help="rows that share a value of it (a patient, a product; of a picture the content) "
        "are in one split; may be repeated",
    )
    group.add_argument(
        "--time",
        metavar="COLUMN",
        help="of dates or numbers: the oldest rows are train, the newest test",
    )
    group.add_argument(
        "--duplicates",
        choices=("together",),
        help="together: rows with the same picture or text are in one split",
    )


def add_data(group):
    """Adds how rows are checked, weighed and kept."""
    add_checks(group)
    group.add_argument(
        "--cache-pictures",
        action="store_true",
        help="keep decoded pictures and token ids in memory",
    )


def add_checks(group):
    """Adds how rows are checked and weighed."""
    group.add_argument(
        "--check",
        choices=("full", "header"),
        default="full",
        help="how pictures are checked before training",
    )
    group.add_argument(
        "--row-weight",
        metavar="COLUMN",
        help="how much each row counts in training, numbers of at least 0",
    )
