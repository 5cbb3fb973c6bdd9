"""Every notebook runs from top to bottom, with small settings."""

import pathlib

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((pathlib.Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared"
SMALL = {
    "ROWS, EPOCHS = 3000, 16": "ROWS, EPOCHS = 60, 2",
    "ROWS, EPOCHS = 3000, 8": "ROWS, EPOCHS = 40, 1",
    'EPOCHS = 1000, ["gated", "max"], 5, 30': 'EPOCHS = 60, ["gated"], 1, 2',
    "EPOCHS, PROCESSES = 1500, 64, 5, 8, 2": "EPOCHS, PROCESSES = 40, 8, 1, 2, 1",
    'ENCODER, SIDE = "mobilenet_v2", 96': 'ENCODER, SIDE = "small_cnn", 32',
    '"flipkart1050"': repr(str(SHARED / "data" / "flipkart1050")),
    '"imagenet"': repr(str(SHARED / "weights" / "mobilenet_v2_imagenet_notop.weights.h5")),
}
# Notebooks on real tables, which run where a checkout has them beside it.
REAL = ("03_does_the_picture_help",)
SHOWN = {
    "01_quickstart": ("macro F1", "missing_file"),
    "02_your_own_fusion": (
        "with other contents in absent branches",
        "by share of cells taken away",
    ),
    "04_multimodal_entailment": (
        "fused is another alone",
        "from 1.0000 to 1.0000",
        "by share of cells taken away",
        "the shape covers",
    ),
    "05_scaling": ("the greatest", "held-out error", "the bottleneck is", "dollars an hour"),
    "03_does_the_picture_help": ("best fusion (gated)", "rows that fusing mends"),
}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# The kernel talks over sockets that Jupyter leaves to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_notebook_runs(path, tmp_path, request):
    if path.stem in REAL:
        request.getfixturevalue("shared")
        request.getfixturevalue("minilm")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for written, run in SMALL.items():
            cell.source = cell.source.replace(written, run)
    nbclient.NotebookClient(notebook, timeout=600, cwd=str(tmp_path)).execute()
    shown = str([cell.get("outputs") for cell in notebook.cells])
    assert all(words in shown for words in SHOWN[path.stem])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_without_outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
