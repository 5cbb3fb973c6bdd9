"""Who may import whom: DESIGN.md's layers, walked over the imports of every file."""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / "fusionkeras"
# What a part may import beside itself; `*` is everything.
MAY_IMPORT = {
    "_checks": set(),
    "version": set(),
    "preprocessing": {"_checks"},
    "branches": {"_checks", "preprocessing"},
    "fusion": {"_checks"},
    "objectives": {"_checks"},
    "heads": {"_checks"},
    "models": {"_checks", "preprocessing", "branches", "fusion", "objectives", "heads"},
    "data": {"_checks", "preprocessing"},
    "datasets": {"_checks", "data"},
    "pages": {"_checks", "preprocessing"},
    "audit": {"_checks", "preprocessing", "data", "pages"},
    "training": {"_checks", "version", "heads", "objectives", "data", "datasets"},
    "evaluation": {"_checks", "preprocessing", "fusion", "heads", "models", "data", "training"},
    "explanation": {"_checks", "preprocessing", "heads", "fusion", "models", "data", "training"},
    "export": {
        "_checks",
        "version",
        "preprocessing",
        "heads",
        "models",
        "data",
        "training",
        "evaluation",
        "explanation",
    },
    "report": {"_checks", "version", "data", "pages", "evaluation", "explanation", "export"},
    "testing": {"*"},
    "cli": {"*"},
    "__init__": {"*"},
    "__main__": {"*"},
}
# What the local server stands on: imported in its own folder, which is imported where one starts.
SERVER, SERVING = "export/server/", {"aiohttp", "grpc", "prometheus_client", "tensorflow_serving"}
# Imported inside the function that needs them, so that `import fusionkeras` stays quick.
HEAVY = {"keras_hub", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib", "tqdm", "tensorboard",
         "fsspec", "tensorflow_datasets", "PIL", "imagehash", "keras_tuner", "apache_beam",
         *SERVING}  # fmt: skip
# What derives from a class of a heavy package is not imported by `import fusionkeras`.
DERIVED = {"datasets/easy_vqa/easy_vqa.py": "tensorflow_datasets",
           "export/bulk/handler.py": "apache_beam"}  # fmt: skip
# These run on every backend of Keras.
PLAIN_KERAS = ("fusion", "objectives", "heads", "branches")


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """Yields `(line, module, at the top level?)` for every import of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = (
                [node.module]
                if node.module != "fusionkeras"
                else [f"fusionkeras.{alias.name}" for alias in node.names]
            )
            for name in names if not node.level else [module]:
                yield node.lineno, name, id(node) in top


def at_home(path, root):
    """Whether a heavy package may be imported at the top of this file."""
    place = str(path.relative_to(PACKAGE))
    return DERIVED.get(place) == root or (place.startswith(SERVER) and root in SERVING)


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_part_has_its_place():
    assert {part_of(path) for path in FILES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports(path):
    part, faults = part_of(path), []
    allowed = MAY_IMPORT[part] | {part}
    for line, module, top in imports(path):
        root, *rest = module.split(".")
        where = f"{path.relative_to(PACKAGE.parent)}:{line}"
        if module.startswith("."):
            faults.append(f"{where}: import fusionkeras by its full name, not {module!r}")
        elif root == "fusionkeras" and rest and rest[0] not in allowed and "*" not in allowed:
            faults.append(f"{where}: {part} may import {sorted(allowed)}, not {rest[0]}: move the "
                          "code to the layer that needs it")  # fmt: skip
        elif root in HEAVY and top and not at_home(path, root):
            faults.append(f"{where}: import {root} inside the function that needs it")
        elif root == "tensorflow" and part in PLAIN_KERAS:
            faults.append(f"{where}: use keras.ops here: {part} runs on JAX too")
        elif root == "pickle":
            faults.append(f"{where}: no pickle anywhere")
    assert not faults, "\n".join(faults)


@pytest.mark.slow
def test_importing_is_quick():
    """A fiftieth of TensorFlow and Keras, 0.1 s of some 5, and none of the heavy packages."""
    code = (
        "import time, sys, tensorflow, keras\n"
        "before, begun = set(sys.modules), time.process_time()\n"
        "import fusionkeras\n"
        "print(time.process_time() / begun - 1)\n"
        f"print(sorted((set(sys.modules) - before) & {HEAVY!r}))\n"
    )
    # The first of the three compiles the modules, unless it is told to keep nothing of that.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    shots = [1.0]
    while min(shots) >= 0.02 and len(shots) < 4:  # a busy machine is not slow code
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout.splitlines()
        shots.append(float(out[0]))
        assert out[1] == "[]"
    assert min(shots) < 0.02
