"""`fusionkeras predict`: one row of answers for every row of a table."""

import os
import sys
from pathlib import Path

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.cli.ask import how_to_read
from fusionkeras.cli.run import check_folder, hash_of, hash_of_lines
from fusionkeras.cli.sources import source_of
from fusionkeras.export import load
from fusionkeras.export.batches import answer_rows, part_rows
from fusionkeras.export.loading import as_served, find_model
from fusionkeras.export.parts import WRITERS, Parts
from fusionkeras.version import __version__


def run_predict(options):
    """Writes one row for every row of the table, in order; goes on where it was broken off."""
    output = Path(options.output)
    check_choice("ending of the output", WRITERS, ending=output.suffix)
    check_folder(options.output)
    _check_not_the_table(output, options.table)
    size, progress = part_rows(options.batch_size), sys.stderr.isatty()
    served, source = as_served(load(options.model)), source_of(options)
    how = how_to_read(options, served, source)
    rows = source.stream_rows(**how, progress=progress)
    tables = source.hashes()
    parts = Parts(output, _depend_on(options, tables, how, size))
    _tell(parts, len(rows), size)
    answer_rows(served, rows, parts, options.batch_size, size, progress)
    if source.hashes() != tables:
        parts.discard()
        raise argument_error(
            "The table has changed while it was read",
            "a table that stays as it is until all rows are answered",
            "Run the same command again.",
            table=options.table,
        )
    bad = parts.join()
    print(f"{len(rows)} rows written to {options.output}, {bad} of them not ok (see status)")


def _check_not_the_table(output, table):
    if output.exists() and os.path.exists(table) and output.samefile(table):
        raise argument_error(
            "The answers would take the place of the table", "another file", output=str(output)
        )


def _depend_on(options, tables, how, size):
    """All that the answers depend on, as JSON."""
    return {
        "tables": tables,
        "split": options.split,
        "how": how,
        "model": _hash_of_model(options.model),
        "rows": [options.batch_size, size],
        "version": __version__,
    }


def _hash_of_model(path):
    place = find_model(path)
    files = sorted(x for x in place.rglob("*") if x.is_file()) if place.is_dir() else [place]
    return hash_of_lines(f"{hash_of(file)} {file.relative_to(place)}" for file in files)


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
