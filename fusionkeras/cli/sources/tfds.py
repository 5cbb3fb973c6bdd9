"""A dataset of TensorFlow Datasets as TABLE."""

from pathlib import Path

from fusionkeras.cli.run import hash_of, hash_of_lines
from fusionkeras.cli.sources.table import Table
from fusionkeras.data import read_rows, read_tfds
from fusionkeras.data.reading.tfds import find_splits, open_builder, read_split
from fusionkeras.data.values import write_cells


class Tfds(Table):
    """`tfds:NAME` or `tfds:FOLDER`; features are the columns. See `read_tfds`."""

    name = "a dataset of TensorFlow Datasets"
    why = "The dataset tells its splits."
    not_in_training = ("texts", "validation", "test")
    not_in_asking = ("texts",)
    streams = False

    def __init__(self, options):
        super().__init__(options)
        self.dataset = self.path.removeprefix("tfds:")

    @staticmethod
    def knows(path):
        """Whether `path` begins with `tfds:`."""
        return str(path).startswith("tfds:")

    def label_cells(self, columns):
        """The labels of the split for training."""
        builder = open_builder(self.dataset)
        frame = read_split(builder, find_splits(builder)["train"], columns, (), progress=False)
        return {column: write_cells(frame[column]) for column in columns}

    def read(self, **arguments):
        """Reads, checks and splits the examples."""
        return read_tfds(self.dataset, **arguments)

    def read_rows(self, columns, files, progress, label=None, **arguments):
        """Reads the examples of all splits one after the other, or those that `--split` names."""
        self.refuse(self.not_in_asking)
        labels = [label] if isinstance(label, str) else list(label or ())
        names = list(dict.fromkeys([*columns.values(), *labels]))
        pictures = {columns[key] for key in files}
        builder, split = open_builder(self.dataset), self.options.split or "all"
        frame = read_split(builder, split, names, pictures, progress)
        return read_rows(frame, columns, files, progress=progress, label=label, **arguments)

    def read_column(self, name, columns):
        """The cells of any feature."""
        builder, split = open_builder(self.dataset), self.options.split or "all"
        return write_cells(read_split(builder, split, [name], (), progress=False)[name])

    def hashes(self):
        """That of what stands beside the examples: splits, sizes and features, no contents."""
        folder = Path(open_builder(self.dataset).data_dir)
        files = [folder / name for name in ("dataset_info.json", "features.json")]
        return {self.path: hash_of_lines(hash_of(file) for file in files)}
