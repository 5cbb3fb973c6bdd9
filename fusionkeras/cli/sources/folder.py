"""A folder for each class as TABLE."""

from pathlib import Path

from fusionkeras._checks import argument_error
from fusionkeras.cli.run import hash_of, hash_of_lines
from fusionkeras.cli.sources.table import Table
from fusionkeras.data import read_folder, read_rows
from fusionkeras.data.reading.folder import LABEL, SPLIT, find_pictures, folder_frame
from fusionkeras.data.splitting.split import PARTS, SPLIT_NAMES
from fusionkeras.data.values import write_cells


class Folder(Table):
    """A folder for each class, texts in a side table (`--texts`); see `read_folder`."""

    name = "a folder of classes"
    why = "The folders tell label and splits: photos/cat/1.jpg, or photos/test/cat/1.jpg."
    not_in_training = ("validation", "test", "groups", "time", "row_weight", "files_root")
    not_in_asking = ("files_root",)
    streams = False
    label = LABEL

    @staticmethod
    def knows(path):
        """Whether `path` is a folder of folders, and none of Parquet files."""
        inside = list(Path(path).iterdir()) if Path(path).is_dir() else []
        parquet = any(one.suffix.lower() == ".parquet" for one in inside)
        return not parquet and any(one.is_dir() for one in inside)

    def complete(self):
        """The label is the folder; columns are called as those of `read_folder`."""
        super().complete()
        options = self.options
        options.label = self.label
        options.image = options.image or {"image": "image"}
        if options.texts and not options.text:
            options.text = {"text": "text"}
        if options.task in (None, ["auto"]):  # folders are classes, also when they are numbers
            options.task = ["classification"]

    def read(self, **arguments):
        """Reads, checks and splits the pictures and their texts."""
        left_out = {"label", "files", "files_root"}
        said = {name: value for name, value in arguments.items() if name not in left_out}
        said = {name: value for name, value in said.items() if value is not None}
        return read_folder(self.path, self.options.texts, **said)

    def read_rows(self, columns, files, label=None, **arguments):
        """Reads the pictures in the order of their paths, then texts without a picture."""
        self.refuse(self.not_in_asking)
        frame = self._frame(columns)
        columns = {key: key for key in columns}
        arguments |= {"files_root": self.path, "label": None if label is None else LABEL}
        return read_rows(frame, columns, files, **arguments)

    def read_column(self, name, columns):
        """The cells of a column of the side table; or `class` or `split`."""
        pictures = {"image": columns.get("image", "image")}
        if name in (LABEL, SPLIT):
            return write_cells(self._frame(pictures)[name])
        if not self.options.texts:
            raise argument_error(
                "The folder has no such column",
                f"{LABEL!r} or {SPLIT!r}, or with --texts one of that table",
                column=name,
            )
        return write_cells(self._frame(pictures | {"cell": name})["cell"])

    def _frame(self, columns):
        """The rows, unchecked; of one split where it is said."""
        frame = folder_frame(self.path, self.options.texts, columns)
        return self._of_split(frame) if self.options.split else frame

    def _of_split(self, frame):
        wanted = SPLIT_NAMES.get(self.options.split.lower())
        there = frame[[SPLIT_NAMES[name.lower()] == wanted for name in frame["split"]]]
        if not len(there):
            found = sorted({PARTS[SPLIT_NAMES[name.lower()]] for name in frame["split"]})
            raise argument_error(
                "The folder has no such split", f"one of {found}", split=self.options.split
            )
        return there

    def hashes(self):
        """Of the folder that of the paths and sizes of its pictures; that of the side table."""
        folder = Path(self.path)
        names = find_pictures(folder)
        lines = [f"{(folder / name).lstat().st_size} {name}" for name in names]
        found = {str(self.path): hash_of_lines(lines)}
        texts = self.options.texts
        return {**found, str(texts): hash_of(texts)} if texts else found
