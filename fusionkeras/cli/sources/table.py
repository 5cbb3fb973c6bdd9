"""A table as TABLE, and what the other sources share with it."""

from fusionkeras._checks import argument_error
from fusionkeras.cli.run import hash_of
from fusionkeras.data import read_rows, read_table
from fusionkeras.data.reading.readers import read_cells
from fusionkeras.data.reading.spans import find_spans
from fusionkeras.data.reading.stream import ReadRows, StreamedRows


class Table:
    """A table in a file, or a folder of Parquet files.

    Args:
        options: namespace, the options of the command.
    """

    name = "a table"
    why = "It is for other kinds of TABLE, which `fusionkeras train --help` lists."
    not_in_training = ("texts",)
    not_in_asking = ("texts", "split")
    # The column of labels, or a list of them, where nobody has to say it.
    label = None
    # Whether the columns are called as the model calls them.
    keyed = False
    # Whether rows to ask about are read piece by piece.
    streams = True

    def __init__(self, options):
        self.options = options
        self.path = options.table

    @staticmethod
    def knows(path):
        """Whether this is what `path` names."""
        return True

    def complete(self):
        """Writes what the source tells itself into the options of a training or an audit."""
        self.refuse(self.not_in_training)

    def label_cells(self, columns):
        """The cells of columns of labels of the training, `{column: Cells}`."""
        return read_cells(self.path, "train", columns, columns)[0]

    def read(self, **arguments):
        """Reads, checks and splits; the arguments are those of `read_table`. Returns `Data`."""
        more = {"validation": self.options.validation, "test": self.options.test}
        return read_table(self.path, **more, **arguments)

    def read_rows(self, columns, **arguments):
        """Reads every row to ask a model about, as `read_rows` does."""
        self.refuse(self.not_in_asking)
        return read_rows(self.path, columns, **arguments)

    def read_column(self, name, columns):
        """The cells of any column, in the order of `read_rows`: `Cells`.

        Args:
            name: str, the column.
            columns: dict of `{key: column}`, what the model reads.
        """
        return read_cells(self.path, "table", [name], [name])[0][name]

    def stream_rows(self, columns, progress, **arguments):
        """The same rows in pieces, `StreamedRows` or `ReadRows`."""
        if not self.streams:
            return ReadRows(*self.read_rows(columns, progress=progress, **arguments))
        self.refuse(self.not_in_asking)
        return StreamedRows(self.path, columns, **arguments)

    def find_spans(self, columns, files, step):
        """Where the rows lie, for many readers of some of them each: `Spans`.

        Args:
            columns: as for `read_rows`.
            files: as for `read_rows`.
            step: int, at the multiples of which readers may begin.
        """
        if not self.streams:
            raise argument_error(
                f"--runner does not read {self.name}",
                "a table in files, or a folder of write_tfrecords",
                "Say the command without it, or write a table first.",
                table=self.path,
            )
        self.refuse(self.not_in_asking)
        return find_spans(self.path, columns, files, step)

    def hashes(self):
        """What tells whether the source is another than before, `{what: SHA-256}`.

        Of pictures that have files of their own the contents are not hashed.
        """
        further = [getattr(self.options, name, None) for name in ("validation", "test")]
        return {str(table): hash_of(table) for table in (self.path, *further) if table}

    def refuse(self, names):
        """Raises where an option was said that the source has no use for."""
        said = {name: value for name in names if (value := getattr(self.options, name, None))}
        if self.label and self.options.label not in (None, self.label):
            said["label"] = self.options.label
        if said:
            option = "--" + min(said).replace("_", "-")
            raise argument_error(
                f"{option} means nothing for {self.name}",
                "a command without it",
                self.why,
                **said,
            )
