"""From the number of a shard to batches of raw columns: every worker reads its own rows."""

import dataclasses

import numpy as np

from fusionkeras.export.batches import part_rows, raw_columns


@dataclasses.dataclass(frozen=True)
class Batch:
    """Rows to be asked about at once.

    Attributes:
        shard: int, the shard that they belong to.
        first: int, the number of the first row in the table.
        columns: dict of `{key: object array of bytes}`; of a file its path.
        statuses: object array of "ok" or what is wrong with a row.
    """

    shard: int
    first: int
    columns: dict
    statuses: np.ndarray

    def __len__(self):
        return len(self.statuses)


class Reading:
    """A function from the number of a shard to its batches; as `predict` makes them, row for row.

    Args:
        job: `Job`.
    """

    def __init__(self, job):
        self.job = job

    def __call__(self, shard):
        """Yields each `Batch` of a shard."""
        job, within = self.job, self.job.within(shard)
        first, size = within.start, part_rows(job.batch_size)
        for table, statuses in job.rows.pieces(size, within.start, len(within)):
            for begin in range(0, len(table), job.batch_size):
                places = np.arange(begin, min(begin + job.batch_size, len(table)))
                columns = raw_columns(table, places)
                yield Batch(shard, first + begin, columns, statuses[places])
            first += len(table)
