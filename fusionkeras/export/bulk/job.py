"""What all workers know of a job, and nothing that is long."""

import dataclasses
import math

from fusionkeras.data.reading.spans import SpannedRows
from fusionkeras.export.batches import answers_frame
from fusionkeras.export.features import features_frame, features_of
from fusionkeras.export.loading import as_served

# What is made of each row -> what is asked, made of the loaded model; and the frame of its answers.
KINDS = {"predict": (as_served, answers_frame), "features": (features_of, features_frame)}
# How many rows a shard has where nobody says it: a table is a hundred shards or so, within these.
LEAST_ROWS, _MOST_ROWS, _SHARDS = 512, 16_384, 100


@dataclasses.dataclass(frozen=True)
class Job:
    """A model to be asked about a table, cut into shards: rows whose answers become one file.

    Attributes:
        kind: str, one of `KINDS`.
        model: str, the path that `fk.load` reads.
        rows: `SpannedRows`.
        batch_size: int, the rows that the model is asked about at once.
        size: int, the rows of each shard but the last, a multiple of the batch size.
        folder: str, the folder that the shards are written to.
    """

    kind: str
    model: str
    rows: SpannedRows
    batch_size: int
    size: int
    folder: str

    @property
    def shards(self):
        """How many shards there are."""
        return math.ceil(len(self.rows.spans) / self.size)

    def within(self, shard):
        """The rows of a shard, by their number: `range`."""
        return range(shard * self.size, min((shard + 1) * self.size, len(self.rows.spans)))


def shard_rows(rows, step):
    """How many rows a shard has, a multiple of `step`.

    Args:
        rows: int, the rows of the table.
        step: int, a multiple of the batch size, so that shards change no answer.

    Example:
    >>> shard_rows(1000, 512), shard_rows(10**5, 512), shard_rows(10**9, 512)
    (512, 512, 16384)
    """
    wanted = min(max(rows // _SHARDS, LEAST_ROWS), _MOST_ROWS)
    return step * max(1, wanted // step)
