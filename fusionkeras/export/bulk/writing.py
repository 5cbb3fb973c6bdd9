"""Shards of answers: each is written whole, under a name that tells which rows it has."""

import os
import shutil
import uuid
from pathlib import Path

from fusionkeras._checks import argument_error
from fusionkeras.data.whole import write_whole
from fusionkeras.export.parts import Unfinished

# Rows that are "ok", and all others; a shard is there when its file among the first is.
OK, BAD = "ok", "bad"


class Writing:
    """A function that writes a shard, however often it is called and by however many.

    Args:
        job: `Job`.
    """

    def __init__(self, job):
        self.job = job

    def __call__(self, answered):
        """Writes `(number of a shard, DataFrame of its answers)`; returns the number."""
        number, frame = answered
        folder, name = Path(self.job.folder), name_of(number, self.job.shards)
        table = _with_rows(frame, self.job.within(number))
        ok = [status == "ok" for status in frame["status"]]
        bad = table.filter([not one for one in ok])
        if len(bad):
            _write(bad, folder / BAD / name)
        else:
            (folder / BAD / name).unlink(missing_ok=True)
        _write(table.filter(ok), folder / OK / name)
        return number


def name_of(shard, shards):
    """The name of a shard's files."""
    return f"{shard:05}-of-{shards:05}.parquet"


def _with_rows(frame, within):
    """The answers of a shard as an Arrow table, with the numbers of their rows."""
    import pyarrow as pa

    if len(frame) != len(within):
        raise RuntimeError(
            f"{len(frame)} rows were answered for the {len(within)} from row {within.start} on: "
            "the table has changed, or is damaged"
        )
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    return table.add_column(0, "row", pa.array(within, pa.int64()))


def _write(table, path):
    from pyarrow import parquet

    write_whole(path, lambda unfinished: parquet.write_table(table, unfinished), sync=True)


class Shards(Unfinished):
    """The shards of a job, in a folder beside the one that they become.

    Args:
        output: `Path` of the folder.
        depends_on: as for `Unfinished`.

    Raises:
        ValueError: when there is something else at `output`, or the folder cannot be made.
    """

    def __init__(self, output, depends_on):
        check_output(output)
        super().__init__(output, depends_on)
        for name in (OK, BAD):
            (self.folder / name).mkdir(exist_ok=True)

    def pending(self, job):
        """The shards that are not written yet: list of int."""
        names = {path.name for path in (self.folder / OK).glob("[0-9]*.parquet")}
        return [shard for shard in range(job.shards) if name_of(shard, job.shards) not in names]

    def publish(self, job):
        """Puts the folder of all shards in the place of an earlier one.

        Returns:
            int, the rows whose `status` is not "ok".

        Raises:
            RuntimeError: where the shards do not have each row once.
        """
        for name in (OK, BAD):
            for path in (self.folder / name).glob(".unfinished-*"):  # of a worker that was killed
                path.unlink()
        good, bad = (_count_rows(self.folder / name) for name in (OK, BAD))
        if self.pending(job) or good + bad != len(job.rows.spans):
            raise RuntimeError(f"{good + bad} of {len(job.rows.spans)} rows are in {self.folder}")
        before = self.folder.with_name(f"{self.folder.name[:-16]}{uuid.uuid4().hex[:16]}")
        if self.output.exists():
            os.rename(self.output, before)
        os.rename(self.folder, self.output)
        for folder in self.others():
            shutil.rmtree(folder)
        return bad


def _count_rows(folder):
    from pyarrow import parquet

    return sum(parquet.read_metadata(path).num_rows for path in folder.glob("[0-9]*.parquet"))


def check_output(output):
    """Raises unless there is nothing at a place, or what this module wrote there before."""
    if not output.absolute().parent.is_dir():
        raise argument_error(
            "There is no folder to write into", "an existing folder", output=str(output)
        )
    if not output.exists():
        return
    if not output.is_dir() or {path.name for path in output.iterdir()} - {OK, BAD}:
        raise argument_error(
            "There is something else at this place",
            "a folder that is new, or of shards that were written before",
            output=str(output),
        )
