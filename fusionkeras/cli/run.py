"""The folder that a training leaves: RUN."""

import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform

from fusionkeras._checks import argument_error
from fusionkeras.version import __version__

PACKAGES = ("tensorflow", "keras", "keras-hub", "numpy", "pandas")


class Run:
    """The files of a RUN, each written whole or not at all.

    Args:
        path: str or path, the folder.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.model = self.path / "model.keras"
        self.config = self.path / "config.json"
        self.metrics = self.path / "metrics.json"
        self.history = self.path / "history.csv"
        self.quarantine = self.path / "quarantine.csv"
        self.logs = self.path / "logs"
        self.checkpoints = self.path / "checkpoints"

    def create(self):
        """Makes the folder; one that holds something already is not written over."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise argument_error(
                f"There is something at {self.path} already",
                "a folder that is new or empty",
                "Go on with it by --resume, or choose another --output.",
                output=str(self.path),
            )
        self.checkpoints.mkdir(parents=True, exist_ok=True)

    def write_json(self, path, content):
        """Writes JSON under another name first, so that a crash leaves the last good file."""
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
        os.replace(unfinished, path)

    def write_model(self, serving):
        """Saves the end-to-end model in the same way."""
        unfinished = self.path / ".unfinished.keras"
        serving.save(unfinished)
        os.replace(unfinished, self.model)

    def read_config(self):
        """The content of `config.json`; an empty dict where there is none."""
        if not self.config.is_file():
            return {}
        return json.loads(self.config.read_text("utf-8"))


def describe(options, class_names, tables):
    """What `config.json` says: every option, the classes, hashes of the tables, versions."""
    return {
        "options": options,
        "class_names": class_names,
        "tables": tables,
        "versions": {
            "fusionkeras": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
    }


def hashes(options):
    """The SHA-256 of every table that a training reads, `{path: hexadecimal}`."""
    tables = [options.table, options.validation, options.test]
    return {str(table): hash_of(table) for table in tables if table}


def hash_of(path):
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
