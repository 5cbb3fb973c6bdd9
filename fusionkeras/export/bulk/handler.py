"""A model as Beam's RunInference asks it."""

from apache_beam.ml.inference.base import ModelHandler

from fusionkeras.export.batches import with_contents
from fusionkeras.export.bulk.job import KINDS
from fusionkeras.export.loading import load


class Handler(ModelHandler):
    """Loads the model of a job once a worker, and asks it about a `Batch` at a time.

    Args:
        job: `Job`.
    """

    def __init__(self, job):
        super().__init__()
        self.job = job

    def load_model(self):
        """What is asked: a `ServedModel`, or a `FeaturesModel`."""
        make, _ = KINDS[self.job.kind]
        return make(load(self.job.model))

    def run_inference(self, batch, model, inference_args=None):
        """Answers: `(shard, (number of the first row, Arrow table))`, for whom groups by shard.

        Args:
            batch: `Batch`.
            model: what `load_model` returned.
            inference_args: not used.
        """
        import pyarrow as pa

        _, frame = KINDS[self.job.kind]
        answers = model(with_contents(batch.columns, model.files))
        answers = pa.Table.from_pandas(
            frame(model, [answers], batch.statuses), preserve_index=False
        )
        yield batch.shard, (batch.first, answers.replace_schema_metadata(None))

    def should_skip_batching(self):
        """What `Reading` yields is a batch already, the same whoever answers it."""
        return True

    def get_num_bytes(self, batch):
        """The bytes of the cells, of a file those of its path."""
        return sum(len(cell) for cells in batch.columns.values() for cell in cells)

    def get_metrics_namespace(self):
        """Under which Beam counts batches, seconds and loads."""
        return "fusionkeras"
