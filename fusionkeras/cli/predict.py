"""`fusionkeras predict`: one row of answers for every row of a table."""

import os
import sys
from pathlib import Path

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.cli.ask import how_to_read
from fusionkeras.cli.bulk import answer_in_bulk, depends_on, table_has_changed
from fusionkeras.cli.run import check_folder
from fusionkeras.cli.sources import source_of
from fusionkeras.export import load
from fusionkeras.export.batches import answer_rows, part_rows
from fusionkeras.export.bulk.job import KINDS
from fusionkeras.export.parts import WRITERS, Parts


def run_predict(options):
    """Writes one row for every row of the table, in order; goes on where it was broken off."""
    answer_table(options, "predict", WRITERS)


def answer_table(options, kind, endings):
    """Writes what is asked of every row, here or by the engine of `--runner`.

    Args:
        options: namespace, the options of the command.
        kind: str, one of `KINDS`.
        endings: the endings that the output may have without a runner.
    """
    if options.runner:
        answer_in_bulk(options, kind)
        return
    if options.shard_rows is not None:
        raise argument_error(
            "--shard-rows means nothing without --runner",
            "a command without it",
            shard_rows=options.shard_rows,
        )
    make, frame = KINDS[kind]
    output = Path(options.output)
    check_choice("ending of the output", endings, ending=output.suffix)
    check_folder(options.output)
    _check_not_the_table(output, options.table)
    size, progress = part_rows(options.batch_size), sys.stderr.isatty()
    model, source = make(load(options.model)), source_of(options)
    how = how_to_read(options, model, source)
    rows = source.stream_rows(**how, progress=progress)
    tables = source.hashes()
    parts = Parts(output, depends_on(options, kind, tables, how, size))
    _tell(parts, len(rows), size)
    answer_rows(model, rows, parts, options.batch_size, size, progress, frame)
    if source.hashes() != tables:
        parts.discard()
        raise table_has_changed(options)
    bad = parts.join()
    print(f"{len(rows)} rows written to {options.output}, {bad} of them not ok (see status)")


def _check_not_the_table(output, table):
    if output.exists() and os.path.exists(table) and output.samefile(table):
        raise argument_error(
            "The answers would take the place of the table", "another file", output=str(output)
        )


def _tell(parts, rows, size):
    """Says what becomes of answers that are there already."""
    done = min(len(parts) * size, rows)
    if done:
        print(f"Going on after the {done:,} rows that were answered before", file=sys.stderr)
    elif parts.others():
        print(
            "Beginning anew: the table, the model or the options are not those of the unfinished "
            f"answers in {parts.others()[0]}",
            file=sys.stderr,
        )
