"""From the number of a shard to its rows: every worker reads its own."""

import dataclasses

import numpy as np

from fusionkeras.export.batches import part_rows, raw_columns


@dataclasses.dataclass(frozen=True)
class Batch:
    """Rows to be asked about at once.

    Attributes:
        columns: dict of `{key: object array (rows,) of bytes}`; of a file its path.
        statuses: object array `(rows,)` of "ok" or what is wrong with a row.
    """

    columns: dict
    statuses: np.ndarray


@dataclasses.dataclass(frozen=True)
class Shard:
    """The rows whose answers become one file, as far as they are read: of files only the paths.

    Attributes:
        number: int.
        batches: list of `Batch`, in order.
    """

    number: int
    batches: list

    def __len__(self):
        return sum(len(batch.statuses) for batch in self.batches)


class Reading:
    """A function from the number of a shard to the `Shard`, cut to batches as `predict` cuts.

    Args:
        job: `Job`.
    """

    def __init__(self, job):
        self.job = job

    def __call__(self, number):
        """Reads and checks the rows of a shard."""
        within, size = self.job.within(number), self.job.batch_size
        pieces = self.job.rows.pieces(part_rows(size), within.start, len(within))
        batches = []
        for table, statuses in pieces:
            for begin in range(0, len(table), size):
                places = np.arange(begin, min(begin + size, len(table)))
                batches.append(Batch(raw_columns(table, places), statuses[places]))
        return Shard(number, batches)
