"""Answers written part by part, and joined to one file when all of them are there."""

import hashlib
import json
import shutil

from fusionkeras._checks import argument_error
from fusionkeras.data.whole import write_whole


class Unfinished:
    """A folder for what is not finished yet, beside the place where it is to be.

    Its name tells what the answers depend on: answers to another table, or of another model, are
    never taken for these, and wait in a folder of their own until these are finished.

    Args:
        output: `Path` of what it is to become.
        depends_on: what can be written as JSON, all that the answers depend on.

    Raises:
        ValueError: when the folder cannot be made.
    """

    def __init__(self, output, depends_on):
        text = json.dumps(depends_on, sort_keys=True)
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.output = output
        self.folder = output.with_name(f".unfinished-{output.name}-{digest}")
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise argument_error(
                f"The folder for unfinished answers cannot be made ({error})",
                "a place that can be written to",
                output=str(output),
            ) from error

    def others(self):
        """The folders of unfinished answers for the same place that depend on something else."""
        mark = f".unfinished-{self.output.name}-"
        return [
            path
            for path in sorted(self.output.absolute().parent.iterdir())
            if path.name.startswith(mark)
            and len(path.name) == len(self.folder.name)
            and path.name != self.folder.name
            and path.is_dir()
        ]

    def discard(self):
        """Removes the parts."""
        shutil.rmtree(self.folder)


class Parts(Unfinished):
    """The parts of the answers to one table, in a folder beside the file that they become.

    Each part is there whole or not at all, so that a process that is killed leaves all that it
    has written.

    Args:
        output: `Path` of the file, whose ending is among `WRITERS`.
        depends_on: as for `Unfinished`.

    Example:
    >>> import pandas, pathlib, tempfile
    >>> output = pathlib.Path(tempfile.mkdtemp()) / "answers.csv"
    >>> for _ in range(2):  # the second goes on where the first has ended
    ...     parts = Parts(output, {"table": "posts.csv"})
    ...     parts.append(pandas.DataFrame({"label": ["cold"], "status": ["ok"]}))
    >>> len(parts)
    2
    >>> parts.join()
    0
    >>> output.read_text().split()
    ['label,status', 'cold,ok', 'cold,ok']
    """

    def __len__(self):
        return len(self._paths())

    def append(self, frame):
        """Writes the next part, a DataFrame of the same columns as all others."""
        path = self.folder / f"{len(self):08}.parquet"
        write_whole(path, lambda unfinished: frame.to_parquet(unfinished, index=False), sync=True)

    def join(self):
        """Writes the file, whole or not at all, and removes the parts.

        Returns:
            int, the rows whose `status` is not "ok".
        """
        writer, bad = WRITERS[self.output.suffix], 0

        def tables():
            nonlocal bad
            for table in map(_read, self._paths()):
                bad += sum(status != "ok" for status in table["status"].to_pylist())
                yield table

        write_whole(self.output, lambda unfinished: writer(tables(), unfinished), sync=True)
        for folder in (self.folder, *self.others()):
            shutil.rmtree(folder)
        return bad

    def _paths(self):
        return sorted(self.folder.glob("[0-9]*.parquet"))


def _read(path):
    from pyarrow import parquet

    return parquet.read_table(path)


def _write_text(separator):
    def write(tables, path):
        for number, table in enumerate(tables):
            table.to_pandas().to_csv(
                path, index=False, sep=separator, mode="a" if number else "w", header=not number
            )

    return write


def _write_json_lines(tables, path):
    for number, table in enumerate(tables):
        table.to_pandas().to_json(
            path, orient="records", lines=True, force_ascii=False, mode="a" if number else "w"
        )


def _write_parquet(tables, path):
    from pyarrow import parquet

    first = next(tables)
    with parquet.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


# Ending of the file -> how parts, an iterator of Arrow tables, are written to it.
WRITERS = {
    ".csv": _write_text(","),
    ".tsv": _write_text("\t"),
    ".parquet": _write_parquet,
    ".jsonl": _write_json_lines,
}
