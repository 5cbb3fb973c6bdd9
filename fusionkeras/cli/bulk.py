"""Every row of a table answered by an engine of Apache Beam."""

import os
import sys
from pathlib import Path

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.cli.ask import how_to_read
from fusionkeras.cli.run import hash_of, hash_of_lines
from fusionkeras.cli.sources import source_of
from fusionkeras.data.pictures.remote import is_address
from fusionkeras.data.reading.spans import SpannedRows
from fusionkeras.export import load
from fusionkeras.export.batches import part_rows
from fusionkeras.export.bulk.job import KINDS, LEAST_ROWS, Job, shard_rows
from fusionkeras.export.bulk.pipeline import run_job
from fusionkeras.export.bulk.runners import check_runner
from fusionkeras.export.bulk.writing import Shards, check_output
from fusionkeras.export.loading import find_model
from fusionkeras.version import __version__


def answer_in_bulk(options, kind):
    """Writes Parquet files of all rows to a folder; goes on with the shards that lack.

    Args:
        options: namespace, the options of the command.
        kind: str, one of `KINDS`.
    """
    _check_paths(MODEL=options.model, TABLE=options.table, OUT=options.output)
    check_runner(options.runner, options.runner_options)
    output = Path(options.output).absolute()
    check_output(output)
    _check_table(options.table, output)
    wanted = options.shard_rows
    if wanted is not None:
        check_integer("number of rows of a shard", shard_rows=wanted)
    step = part_rows(options.batch_size, wanted or LEAST_ROWS)
    before, rows = stamps_of(options.table), _rows(options, kind, step)
    size = step if wanted else shard_rows(len(rows.spans), step)
    how = [rows.columns, rows.files, rows.files_root]
    shards = Shards(output, depends_on(options, kind, before, how, size))
    spans = rows.spans.thinned(size)
    job = Job(
        kind,
        str(find_model(options.model).absolute()),
        SpannedRows(spans, rows.columns, rows.files, rows.files_root),
        options.batch_size,
        size,
        str(shards.folder),
    )
    pending = shards.pending(job)
    if len(pending) < job.shards:
        print(f"Going on: {job.shards - len(pending)} of {job.shards} shards are there already",
              file=sys.stderr)  # fmt: skip
    if pending:
        run_job(job, pending, options.runner, options.runner_options)
    if stamps_of(options.table) != before:
        shards.discard()
        raise table_has_changed(options)
    bad = shards.publish(job)
    print(f"{len(rows.spans)} rows written to {options.output}/ok, but for {bad} that are not ok, "
          f"in {options.output}/bad (see status)")  # fmt: skip


def _rows(options, kind, step):
    make, _ = KINDS[kind]
    model, source = make(load(options.model)), source_of(options)
    how = how_to_read(options, model, source)
    spans = source.find_spans(how["columns"], how["files"], step)
    root = how["files_root"]
    if root and not is_address(root) and not root.startswith("file://"):
        how["files_root"] = os.path.abspath(root)
    return SpannedRows(spans, **how)


def _check_paths(**received):
    for name, path in received.items():
        if "://" in path:
            raise argument_error(
                f"{name} is an address",
                "a path, of a folder that all workers see",
                "Mount it, or copy it to such a folder.",
                **{name: path},
            )


def _check_table(table, output):
    place = Path(table).resolve()
    if output.resolve() in (place, *place.parents):
        raise argument_error(
            "The answers would take the place of the table", "another folder", output=str(output)
        )


def depends_on(options, kind, tables, how, size):
    """All that the answers depend on, as JSON; `tables` tells whether those are others."""
    return {
        "kind": kind,
        "tables": tables,
        "split": options.split,
        "how": how,
        "model": _hash_of_model(options.model),
        "rows": [options.batch_size, size],
        "version": __version__,
    }


def stamps_of(table):
    """What tells whether a long table is another than before: names, sizes, times of change."""
    place = Path(table)
    files = sorted(place.iterdir()) if place.is_dir() else [place] if place.exists() else []
    found = [(path, path.stat()) for path in files if path.is_file()]
    return [[str(path.absolute()), stat.st_size, stat.st_mtime_ns] for path, stat in found]


def _hash_of_model(path):
    """The SHA-256 of all that a saved model is made of."""
    place = find_model(path)
    files = sorted(x for x in place.rglob("*") if x.is_file()) if place.is_dir() else [place]
    return hash_of_lines(f"{hash_of(file)} {file.relative_to(place)}" for file in files)


def table_has_changed(options):
    """The error for a table whose rows are not those that were begun with."""
    return argument_error(
        "The table has changed while it was read",
        "a table that stays as it is until all rows are answered",
        "Run the same command again.",
        table=options.table,
    )
