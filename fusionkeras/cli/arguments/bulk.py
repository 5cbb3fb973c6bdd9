"""The options of what answers every row of a table, here or by an engine of Apache Beam."""

from fusionkeras.export.bulk.runners import RUNNERS

# The commands that take options for Beam behind `--`.
WITH_RUNNER = ("predict", "features")


def add_bulk(parser):
    """Adds the options of `predict` and `features` that say who does the work."""
    parser.add_argument(
        "--runner",
        choices=tuple(RUNNERS),
        help="answer by a pipeline of Apache Beam; --output is then a folder of Parquet files, "
        "ok/ and bad/; what stands behind -- are Beam's own options, such as "
        "-- --direct_num_workers=2 --direct_running_mode=multi_processing",
    )
    parser.add_argument(
        "--shard-rows",
        type=int,
        metavar="N",
        help="with --runner: the rows of a file and of a piece of work (default: a hundredth of "
        "the table, within 512 and 16384)",
    )
