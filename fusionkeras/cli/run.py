"""The folder that a training leaves: RUN."""

import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform

from fusionkeras._checks import argument_error
from fusionkeras.data.whole import make_folder, write_whole
from fusionkeras.version import __version__

PACKAGES = ("tensorflow", "keras", "keras-hub", "numpy", "pandas")


class Run:
    """The files of a RUN; `history.csv` and `logs` grow, the others are written whole.

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
        self.absent = self.path / "absent.csv"
        self.logs = self.path / "logs"
        self.checkpoints = self.path / "checkpoints"
        self.best = self.checkpoints / "best.weights.h5"

    def check_new(self):
        """Raises where there is something at the folder's place: it is not written over."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise argument_error(
                f"There is something at {self.path} already",
                "a folder that is new or empty",
                "Go on with it by --resume, or choose another --output.",
                output=str(self.path),
            )

    def create(self):
        """Makes the folder, which holds nothing yet."""
        self.check_new()
        make_folder(self.checkpoints, output=str(self.path))

    def write_json(self, path, content):
        """Writes JSON for people and programs."""
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_whole(path, lambda unfinished: unfinished.write_text(text, "utf-8"))

    def write_frame(self, path, frame):
        """Writes a CSV file, cells as they are: a spreadsheet may take "=1+1" for a formula."""
        write_whole(path, lambda unfinished: frame.to_csv(unfinished, index=False))

    def write_model(self, serving):
        """Saves the end-to-end model."""
        write_whole(self.model, serving.save)

    def read_config(self):
        """The content of `config.json`; an empty dict where there is none."""
        if not self.config.is_file():
            return {}
        try:
            return dict(json.loads(self.config.read_text("utf-8")))
        except (ValueError, TypeError) as error:
            raise argument_error(
                f"The configuration is damaged ({error})",
                "the config.json of a RUN",
                path=str(self.config),
            ) from error

    def best_validation_loss(self):
        """The smallest validation loss in `history.csv`; None before the first epoch."""
        import pandas

        if not self.history.is_file():
            return None
        losses = pandas.read_csv(self.history)["val_loss"].dropna()
        return float(losses.min()) if len(losses) else None


def check_folder(path):
    """Raises before the work is done where its result could not be written."""
    if path in (None, "-"):
        return
    if not pathlib.Path(path).absolute().parent.is_dir():
        raise argument_error("There is no folder to write into", "an existing folder", path=path)
    if pathlib.Path(path).is_dir():
        raise argument_error("There is a folder of this name", "the name of a file", path=path)


def describe(options, data, tables):
    """What `config.json` says: options, task, classes, the split, hashes of tables, versions."""
    return {
        "options": options,
        "task": data.train.task,
        "class_names": data.class_names,
        "split": data.split,
        "tables": tables,
        "versions": {
            "fusionkeras": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
    }


def hash_of(path):
    """The SHA-256 of a file, in hexadecimal; of a folder that of its Parquet files."""
    if os.path.isdir(path):
        files = sorted(x for x in pathlib.Path(path).iterdir() if x.suffix.lower() == ".parquet")
        return hash_of_lines(f"{hash_of(file)} {file.name}" for file in files)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of_lines(lines):
    """The SHA-256 of some lines of text, in hexadecimal."""
    text = "".join(f"{line}\n" for line in lines)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
