"""Pictures and tables on disk, clean unless a test spoils them."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusionkeras.audit import audit
from fusionkeras.data import read_table

ROWS = 40


@pytest.fixture
def draw():
    """A function that draws a picture, another one for every seed."""

    def draw(seed=0, size=(32, 24), mode="RGB"):
        pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        picture = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
        return picture.convert(mode)

    return draw


@pytest.fixture
def posts(tmp_path, draw):
    """A clean table of 40 rows, the last 10 of them test, as a DataFrame, in `tmp_path`."""
    for number in range(ROWS):
        draw(number).save(tmp_path / f"{number}.png")
    return pd.DataFrame(
        {
            "photo": [f"{number}.png" for number in range(ROWS)],
            "caption": [f"this is number {number}" for number in range(ROWS)],
            "category": ["cold" if number % 2 else "warm" for number in range(ROWS)],
            "part": ["train"] * (ROWS - 10) + ["test"] * 10,
        }
    )


@pytest.fixture
def read_posts(tmp_path):
    """`read_table` with the arguments of the `posts` table."""

    def read(table, **arguments):
        defaults = {
            "columns": {"image": "photo", "text": "caption"}, "label": "category",
            "files_root": tmp_path, "split": "part", "check": "header",
            "progress": False,
        }  # fmt: skip
        return read_table(table, **(defaults | arguments))

    return read


@pytest.fixture
def find(read_posts):
    """A function that audits a table: `{(kind, column): finding}`."""

    def find(table, sequence_length=None, preprocessor=None, **arguments):
        data = read_posts(table, **arguments)
        findings = audit(data, sequence_length, preprocessor, progress=False).findings
        found = {(finding.kind, finding.column): finding for finding in findings}
        assert len(found) == len(findings)
        return found

    return find
