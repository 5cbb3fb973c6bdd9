"""Models and tables to report on, hostile wherever people can write something."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fusionkeras as fk
from fusionkeras.cli import main

MARKUP = "<img src=x onerror=alert(1)>&amp;\"'$\\frac$"
TEXTS = [
    "red dress",
    "a <script>alert(1)</script> blue shoe",
    "\u202eright to left \U0001f600",
    "日本 x",
]
KINDS = [
    MARKUP, "a class whose name is far longer than anybody would like to read", "日本 \x07",
    "Decorative Lighting & Lamps", "Table Decor & Handicrafts", "Diapering & Potty Training",
    "Baby & Kids Gifts",
]  # fmt: skip


def draw_table(folder, rows=28):
    """A table of pictures and texts, and labels of every kind that nothing follows from."""
    random = np.random.default_rng(0)
    names = [f'{row} "a"&<b>.png' for row in range(rows)]
    for name in names:
        pixels = random.integers(0, 256, (40, 60, 3), "uint8")
        Image.fromarray(pixels).save(folder / name)
    frame = pd.DataFrame(
        {
            "photo": names,
            "caption": [TEXTS[row % 4] for row in range(rows)],
            "kind": [KINDS[row % 7] for row in range(rows)],
            "stars": [str(row % 4) for row in range(rows)],
            "genres": [["new", "red", "new|red", ""][row % 4] or "<b>" for row in range(rows)],
            "price": [f"{row * 1.5:.1f}" for row in range(rows)],
        }
    )
    frame.to_csv(folder / "rows.csv", index=False)
    return frame


def build(frame, folder, label):
    """A model with random weights, end to end, and its columns."""
    columns = {"image": "photo", "text": "caption"}
    data = fk.read_table(frame, columns, files=["image"], label=label, files_root=folder,
                         split=(1, 0, 0), progress=False)  # fmt: skip
    words = fk.learn_vocabulary(data.train, "text")
    branches = [
        fk.image_branch("small_cnn", weights=None, image_size=(32, 32)),
        fk.lstm_branch(words, sequence_length=6),
    ]
    model = fk.build_model(branches, heads=fk.heads_for(data.train))
    return fk.end_to_end(model, fk.build_preprocessor(branches), data.class_names)


def write_run(folder, serving, label):
    """A RUN, as a training leaves it."""
    folder.mkdir()
    serving.save(folder / "model.keras")
    options = {"image": {"image": "photo"}, "text": {"text": "caption"}, "label": label}
    config = {"options": options | {"preset": MARKUP}, "split": {"seed": 0, "groups": [MARKUP]}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.json").write_text(json.dumps({"train": {"accuracy": 0.5, "rows": 28}}))
    (folder / "history.csv").write_text("epoch,accuracy,loss,val_loss\n0,.4,.7,.8\n1,.5,.6,.7\n")
    (folder / "quarantine.csv").write_text(
        f'table,row,column,value,reason,detail\ntrain,3,text,"{TEXTS[1]}",empty,no text\n'
    )


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """The folder with `run`, `rows.csv` and `page.html`: one head, spoilt rows, hostile names."""
    folder = tmp_path_factory.mktemp("reported")
    frame = draw_table(folder)
    write_run(folder / "run", build(frame, folder, "kind"), "kind")
    frame.loc[0, "photo"] = "none.png"
    frame.loc[1, "kind"] = "<unknown>"
    frame.to_csv(folder / "spoilt.csv", index=False)
    arguments = [folder / "run", folder / "spoilt.csv", "--output", folder / "page.html"]
    assert main(["report", *map(str, arguments), "--errors", "3"]) == 0
    return folder


@pytest.fixture(scope="session")
def heads(tmp_path_factory):
    """The same of a model of every kind of head, without errors."""
    folder = tmp_path_factory.mktemp("heads")
    frame = draw_table(folder)
    tasks = {"kind": "classification", "stars": "ordinal", "genres": "multilabel",
             "price": "regression"}  # fmt: skip
    write_run(folder / "run", build(frame, folder, tasks), list(tasks))
    arguments = [folder / "run", folder / "rows.csv", "--output", folder / "page.html"]
    assert main(["report", *map(str, arguments), "--errors", "0"]) == 0
    return folder
