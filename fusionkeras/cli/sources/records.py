"""A folder of `write_tfrecords` as TABLE."""

from pathlib import Path

import numpy as np

from fusionkeras._checks import check_choice
from fusionkeras.cli.run import hash_of, hash_of_lines
from fusionkeras.cli.sources.table import Table
from fusionkeras.data import read_rows, read_tfrecords
from fusionkeras.data.pictures.kept import pictures_folder
from fusionkeras.data.reading.spans import find_record_spans
from fusionkeras.data.reading.tfrecords.records import SCHEMA, read_schema
from fusionkeras.data.splitting.split import PARTS
from fusionkeras.data.values import write_cells


class Records(Table):
    """A folder that `write_tfrecords` wrote, whose `schema.json` tells all but the model."""

    name = "a folder of records"
    why = "schema.json tells columns, labels, tasks and splits."
    not_in_training = ("texts", "validation", "test", "split", "groups", "time", "duplicates",
                       "row_weight", "files_root", "separator", "class_order")  # fmt: skip
    not_in_asking = ("texts", "files_root")
    streams = False
    keyed = True

    def __init__(self, options):
        super().__init__(options)
        self.schema = read_schema(Path(self.path))
        several = isinstance(self.schema["task"], dict)
        self.label = list(self.schema["task"]) if several else "label"

    @staticmethod
    def knows(path):
        """Whether `path` is a folder with a schema."""
        return (Path(path) / SCHEMA).is_file()

    def complete(self):
        """Takes columns, label, task and what may be missing from the schema."""
        super().complete()
        task, files = self.schema["task"], self.schema["files"]
        tasks = [f"{head}={one}" for head, one in task.items()] if self._several else [task]
        told = {
            "image": {key: key for key in files},
            "text": {key: key for key in self.schema["columns"] if key not in files},
            "task": tasks,
        }
        self.refuse([name for name in told if getattr(self.options, name) != told[name]])
        for name, value in {**told, "label": self.label, "missing": self.schema["missing"]}.items():
            setattr(self.options, name, value)

    @property
    def _several(self):
        return isinstance(self.label, list)

    def read(self, progress, **arguments):
        """Reads what was written, as it was."""
        return read_tfrecords(self.path, progress=progress)

    def read_rows(self, columns, files, progress, label=None, **arguments):
        """Reads the records of train, validation and test, or of one of them, in their order."""
        self.refuse(self.not_in_asking)
        frame = self._frame(progress)
        root = pictures_folder()
        root.mkdir(parents=True, exist_ok=True)  # where no record has a picture
        arguments |= {"files_root": root, "progress": progress, "label": label}
        return read_rows(frame, columns, files, **arguments)

    def read_column(self, name, columns):
        """The cells of one of the columns that were written, or of labels."""
        frame = self._frame(progress=False)
        return write_cells(frame[check_choice("column of the records", list(frame), column=name)])

    def find_spans(self, columns, files, step):
        """Where the records of the splits lie that are asked about."""
        self.refuse(self.not_in_asking)
        return find_record_spans(self.path, self._parts(), columns)

    def _parts(self):
        split = self.options.split
        return [check_choice("split", PARTS, split=split)] if split else PARTS

    def _frame(self, progress):
        """The rows that are asked about, as a table to be read."""
        import pandas as pd

        parts = self._parts()
        data = read_tfrecords(self.path, progress=progress)
        return pd.concat([_frame(getattr(data, part)) for part in parts], ignore_index=True)

    def hashes(self):
        """That of all files of the folder."""
        files = sorted(path for path in Path(self.path).iterdir() if path.is_file())
        return {str(self.path): hash_of_lines(f"{hash_of(file)} {file.name}" for file in files)}


def _frame(table):
    """The cells of a `Table` and its labels, written as in a table to be read."""
    import pandas as pd

    cells = {key: pd.Series(cells.tolist(), dtype=object) for key, cells in table.columns.items()}
    labels = {
        head or "label": pd.Series(_written(*own), dtype=object)
        for head, own in table.heads().items()
    }
    # Side by side, so that a label that is called as a column is an error.
    return pd.concat([pd.DataFrame(cells), pd.DataFrame(labels)], axis=1)


def _written(task, labels, class_names):
    if task == "regression":
        return [float(label) for label in labels]
    if task != "multilabel":
        return [class_names[label] if label >= 0 else None for label in labels]
    return [
        None if np.min(row) < 0 else [class_names[place] for place in np.flatnonzero(row)]
        for row in labels
    ]
