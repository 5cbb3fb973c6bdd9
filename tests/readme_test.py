"""The programs of README.md run as they stand, with the substitutions of one table."""

import contextlib
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk

README = (pathlib.Path(__file__).resolve().parents[1] / "README.md").read_text("utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:8501"
# Nothing can be fetched in a test: weights are random, a preset is a folder. The calls whose
# default is weights="imagenet" stand here too, and see smaller pictures.
SUBSTITUTIONS = {
    'weights="imagenet"': "weights=None",
    'image_branch("resnet50")': 'image_branch("resnet50", weights=None, image_size=(64, 64))',
    'image_branch("vgg16")': 'image_branch("vgg16", weights=None, image_size=(64, 64))',
    "build_resnet50_lstm(": "build_resnet50_lstm(weights=None, ",
    '"bert_small_en_uncased"': "PRESET",
}


@pytest.fixture
def posts(tmp_path, monkeypatch):
    """A folder with posts.csv (drawn), and a model exported where README says."""
    table = fk.draw_statements(tmp_path, rows=20)
    frame = pd.read_csv(table).rename(
        columns={"image": "photo", "text": "caption", "label": "category"}
    )
    frame["tags"] = ["new", "new|hot", "old"] * 6 + ["hot", "old"]
    frame["likes"] = range(len(frame))
    frame.to_csv(tmp_path / "posts.csv", index=False)
    shutil.copy(tmp_path / frame["photo"][0], tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)


def export_posts():
    branches = [fk.image_branch("small_cnn", image_size=(32, 32)), fk.lstm_branch(["red"], 8)]
    model = fk.build_classifier(branches)
    serving = fk.end_to_end(model, fk.build_preprocessor(branches), ["ham", "spam"])
    fk.export(serving, "saved_models/posts", explain=False, verify=False)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program, posts, preset, capsys):
    if "fk.load(" in program or "fk.Client(" in program:
        export_posts()
    for written, run in SUBSTITUTIONS.items():
        program = program.replace(written, run)
    random = np.random.default_rng(0)
    given = {
        "PRESET": preset,
        "images": random.uniform(0, 255, (8, 224, 224, 3)).astype("float32"),
        "token_ids": random.integers(0, 100, (8, 64)),
        "labels": random.integers(0, 2, 8),
    }
    with serving() if "fk.Client(" in program else contextlib.nullcontext(ADDRESS) as address:
        exec(compile(program.replace(ADDRESS, address), "README.md", "exec"), given)
    if "fk.export(" in program:
        assert pathlib.Path("saved_models/posts/1/saved_model.pb").is_file()
    if "fk.evaluate(" in program and "fk.export(" in program:
        assert "macro F1" in capsys.readouterr().out


@contextlib.contextmanager
def serving():
    """`fusionkeras serve` in a process of its own; gives its address."""
    command = [sys.executable, "-m", "fusionkeras", "serve", "saved_models/posts"]
    with subprocess.Popen(
        [*command, "--port", "0", "--grpc-port", "0"], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield re.search(r"http://[0-9.:]+", server.stdout.readline())[0]
        finally:
            server.terminate()


def test_the_programs_are_all_there():
    assert len(PROGRAMS) == 16


def test_the_two_commands_are_there():
    assert "fusionkeras demo" in README and 'pip install -e ".[test]"' in README
