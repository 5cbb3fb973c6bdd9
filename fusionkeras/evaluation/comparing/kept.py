"""Candidates that are finished, in a folder, so that a comparison goes on where it stopped."""

import dataclasses
import hashlib
import json
import pathlib

import keras
import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.data.whole import make_folder, write_whole
from fusionkeras.evaluation.comparing.outcome import Outcome
from fusionkeras.training.frozen.fingerprint import CannotFingerprint, fingerprint


class Kept:
    """A folder with one file a candidate.

    Args:
        folder: path, or None, and nothing is kept.
        settings: dict, as `json.dumps` takes it: what every candidate depends on.
    """

    def __init__(self, folder, settings):
        self.folder = None if folder is None else pathlib.Path(folder) / "candidates"
        self.settings = settings
        if self.folder is not None:
            make_folder(self.folder, folder=str(folder))

    def load(self, candidate):
        """`(outcome, weights)` of a candidate, or None where it is not finished."""
        path = self._path(candidate)
        if path is None or not path.exists():
            return None
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        about = json.loads(str(arrays.pop("about")))
        if about.pop("settings") != self._described(candidate):
            raise argument_error(
                "The folder holds a comparison of other data, branches or options",
                "the same, or a folder that is new",
                folder=str(path.parent.parent),
            )
        weights = [arrays.pop(f"weight_{place}") for place in range(about.pop("weights"))]
        branches = tuple(about.pop("branches"))
        about["name"] = candidate.name
        return Outcome(**about, **arrays, branches=branches), weights

    def save(self, candidate, outcome, weights):
        """Writes a finished candidate, whole or not at all; returns `(outcome, weights)`."""
        path = self._path(candidate)
        if path is None:
            return outcome, weights
        fields = {x.name: getattr(outcome, x.name) for x in dataclasses.fields(outcome)}
        arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
        about = {name: value for name, value in fields.items() if name not in arrays}
        about |= {"weights": len(weights), "settings": self._described(candidate)}
        arrays |= {f"weight_{place}": value for place, value in enumerate(weights)}
        about = json.dumps(about)
        write_whole(path, lambda unfinished: np.savez(unfinished, about=about, **arrays))
        return outcome, weights

    def _path(self, candidate):
        if self.folder is None:
            return None
        fusion, name = _plain(candidate.fusion), candidate.name.replace(" ", "_")
        if not isinstance(fusion, str):
            digest = hashlib.sha256(json.dumps(fusion, sort_keys=True).encode()).hexdigest()
            name = f"{fusion['class_name']}_{digest[:12]}"
        return self.folder / f"{name}.npz"

    def _described(self, candidate):
        fusion = _plain(candidate.fusion)
        return json.loads(json.dumps({**self.settings, "fusion": fusion}))


def _plain(fusion):
    """A fusion as JSON, whatever its name: layers without one are given another one each time."""
    if isinstance(fusion, str):
        return fusion
    plain = keras.saving.serialize_keras_object(fusion)
    return {**plain, "config": {**plain["config"], "name": None}}


def settings_of(data, branches, metric, options):
    """What the candidates of a comparison depend on.

    Args:
        data: `Data`.
        branches: list of `Branch`.
        metric: `Metric`.
        options: dict, how models are built and trained.

    Returns:
        dict, as `json.dumps` takes it.
    """
    try:
        encoders = {branch.name: fingerprint(branch.encoder).hex() for branch in branches}
    except CannotFingerprint as reason:
        raise argument_error(
            f"Finished candidates cannot be recognised: {reason}",
            "branches of which that can be told",
            "Pass folder=None.",
            branches=[branch.name for branch in branches],
        ) from reason
    read = {
        # Layers without a name are given another one each time.
        branch.name: {**branch.preprocessor.get_config(), "name": None}
        for branch in branches
    }
    plain = keras.saving.serialize_keras_object({"options": options, "read": read})
    tables = [_digest(table) for table in (data.train, data.validation, data.test)]
    return {"tables": tables, "encoders": encoders, "metric": metric.name, "options": plain}


def _digest(table):
    """A hash of the rows of a table; of pictures that have files that of their paths."""
    digest = hashlib.sha256(repr([table.task, table.class_names]).encode())
    for _, labels, _ in table.heads().values():
        digest.update(np.ascontiguousarray(labels).tobytes())
    if table.weights is not None:
        digest.update(table.weights.tobytes())
    for key, cells in table.columns.items():
        digest.update(key.encode())
        for cell in cells:
            digest.update(cell.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()
