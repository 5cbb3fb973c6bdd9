"""Whether an exported model answers as Keras did, in a process that imports TensorFlow alone."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from fusionkeras._checks import argument_error
from fusionkeras.export.examples import PLACE, columns_of_examples, encoded, write_examples
from fusionkeras.export.loading import as_served, load, version_of
from fusionkeras.export.short import TOLERANCES


def verify(path, table=None, model=None):
    """Checks an exported model, on the machine where it is to be served.

    With an export travel a few rows and what Keras answered (`assets.extra/examples.json`). A
    process of its own, which imports TensorFlow alone, asks the exported model for the same rows,
    on the processor.

    With `table` some of its rows are asked as well: with `model` they are compared with what that
    answers, otherwise with what the exported model itself answers to each row alone, since a
    row must not depend on the others of its batch.

    Args:
        path: str or path, an exported folder, or one version of it; of several the last.
        table: a `Table`, or rows as `predict` takes them; None asks those that travel only.
        model: what `end_to_end` or `load` returns: the Keras model that was exported.

    Returns:
        dict: `largest_difference`, `|found - expected| / max(1, |expected|)` over all numbers;
        `output`, where that is; `other_labels`, how many labels are others (a tie may fall
        otherwise); `tolerance`, 1e-4, or 1e-2 for a model or an export in short numbers.

    Raises:
        TypeError: when `table` is neither of what it may be.
        ValueError: when the difference is above the tolerance, what is there is damaged, or nothing
            travels with the export.

    Example:
        >>> import fusionkeras as fk, tempfile
        >>> branch = fk.lstm_branch(["red"], sequence_length=2)
        >>> model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
        >>> serving = fk.end_to_end(model, preprocessor, ["cold", "warm"])
        >>> folder = fk.export(serving, tempfile.mkdtemp(), verify=False)
        >>> sorted(verify(folder))
        ['largest_difference', 'other_labels', 'output', 'tolerance']
    """
    folder = version_of(path)
    travelling = folder / PLACE
    if not travelling.is_file():
        raise argument_error(
            "No rows travel with this export",
            f"a version that export wrote, with {PLACE}",
            "Export the model again.",
            path=str(path),
        )
    tolerance = _tolerance(travelling)
    if table is None:
        return compare(folder, [travelling], tolerance)
    with tempfile.TemporaryDirectory() as place:
        rows = pathlib.Path(place) / "rows.json"
        _write_rows(rows, folder, table, model, tolerance)
        return compare(folder, [travelling, rows], tolerance)


def _tolerance(travelling):
    try:
        return float(json.loads(travelling.read_text("utf-8"))["tolerance"])
    except (ValueError, KeyError, TypeError) as error:
        raise argument_error(
            f"The rows that travel with this export are damaged ({error})",
            "them as export wrote them",
            "Export the model again.",
            path=str(travelling),
        ) from error


def _write_rows(file, folder, table, model, tolerance):
    served = as_served(load(folder) if model is None else model)
    columns, origin = columns_of_examples(served, table)
    if model is None:
        file.write_text(json.dumps({"columns": encoded(columns)}), "utf-8")
    else:
        write_examples(file, served, columns, origin, tolerance)


def compare(folder, files, tolerance):
    """Asks a version for the rows of some files, elsewhere; raises where it answers otherwise.

    Args:
        folder: `pathlib.Path` of the version.
        files: `pathlib.Path`s of JSON, as `alone.py` takes them.
        tolerance: float.

    Returns:
        dict, as `verify`.
    """
    program = pathlib.Path(__file__).with_name("alone.py")
    # -P: of the folder of the program nothing is imported.
    command = [sys.executable, "-P", str(program), str(folder), *map(str, files)]
    # A graphics card may be full, of this process, and may round to fewer digits.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise argument_error(
            "The exported model fails where nothing but TensorFlow is: "
            + " ".join(done.stderr.splitlines()[-1:]),
            "files that are whole, and operations of TensorFlow itself",
            path=str(folder),
        )
    answers = [json.loads(line) for line in done.stdout.splitlines()[-len(files) :]]
    found = max(answers, key=lambda one: one["largest_difference"])
    if not found["largest_difference"] <= tolerance:
        raise argument_error(
            f"The exported model answers otherwise than expected, in {found['output']!r}",
            f"a difference of at most {tolerance:g}",
            "Where short numbers may cost that much, export with verify=False (--no-verify)."
            if tolerance > TOLERANCES[None]
            else "",
            largest_difference=found["largest_difference"],
        )
    others = sum(one["other_labels"] for one in answers)
    return {**found, "other_labels": others, "tolerance": tolerance}
