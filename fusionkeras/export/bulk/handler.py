"""A model as Beam's RunInference asks it."""

from apache_beam.ml.inference.base import ModelHandler

from fusionkeras.export.batches import with_contents
from fusionkeras.export.bulk.job import KINDS
from fusionkeras.export.loading import load


class Handler(ModelHandler):
    """Loads the model of a job once a worker, and asks it about a `Shard`, batch by batch.

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
        """Yields `(number of the shard, DataFrame of its answers)`.

        Args:
            batch: `Shard`, what Beam takes for a batch.
            model: what `load_model` returned.
            inference_args: None; there are none.
        """
        _, frame = KINDS[self.job.kind]
        answers = [model(with_contents(one.columns, model.files)) for one in batch.batches]
        statuses = [status for one in batch.batches for status in one.statuses]
        yield batch.number, frame(model, answers, statuses)

    def should_skip_batching(self):
        """What `Reading` returns is cut to batches already, the same ones whoever answers."""
        return True

    def get_num_bytes(self, batch):
        """The bytes of the cells, of a file those of its path."""
        columns = [cells for one in batch.batches for cells in one.columns.values()]
        return sum(len(cell) for cells in columns for cell in cells)

    def get_metrics_namespace(self):
        """Under which Beam counts rows, seconds and loads."""
        return "fusionkeras"
