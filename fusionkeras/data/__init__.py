"""Reading tables, splitting, auditing, and `tf.data` pipelines."""

from fusionkeras.data.folder import read_folder
from fusionkeras.data.imbalance import IMBALANCE
from fusionkeras.data.labels import infer_task
from fusionkeras.data.pipeline import Source, prepare, raw_batches
from fusionkeras.data.read import read_rows, read_table
from fusionkeras.data.table import REASONS, Data, Table
from fusionkeras.data.targets import TASKS
from fusionkeras.data.tfds import read_tfds
from fusionkeras.data.tfrecords import read_tfrecords, write_tfrecords
from fusionkeras.data.vocabulary import learn_vocabulary

__all__ = [
    "IMBALANCE",
    "REASONS",
    "TASKS",
    "Data",
    "Source",
    "Table",
    "infer_task",
    "learn_vocabulary",
    "prepare",
    "raw_batches",
    "read_folder",
    "read_rows",
    "read_table",
    "read_tfds",
    "read_tfrecords",
    "write_tfrecords",
]
