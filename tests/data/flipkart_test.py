"""Real rows, broken by hand in every way that came to mind."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusionkeras.data import prepare, read_rows, read_table
from fusionkeras.preprocessing.image import DecodeImage

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "flipkart1050"
TRAIN_ROWS = 50


def replaced_by(content):
    def damage(path, row):
        path.write_bytes(content(path.read_bytes()) if callable(content) else content)

    return damage


def saved_as(format, mode="RGB"):
    def damage(path, row):
        Image.open(path).convert(mode).save(path, format)

    return damage


def cell(column, value):
    def damage(path, row):
        row[column] = value(row[column]) if callable(value) else value

    return damage


def as_folder(path, row):
    path.unlink()
    path.mkdir()


def linked_to(target):
    def damage(path, row):
        path.unlink()
        path.symlink_to(target)

    return damage


def bomb(path, row):
    Image.new("L", (20000, 10000)).save(path, "PNG")


def animated(path, row):
    picture = Image.open(path)
    picture.save(path, "WEBP", save_all=True, append_images=[picture.rotate(90)])


def png_damaged_within(path, row):
    Image.open(path).save(path, "PNG")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


# (what is done to the row, the column that is named, the reason)
DAMAGES = [
    (lambda path, row: path.unlink(), "image", "missing_file"),
    (as_folder, "image", "missing_file"),
    (linked_to("nowhere.jpg"), "image", "missing_file"),
    (cell("image_path", str.upper), "image", "missing_file"),
    (cell("image_path", lambda path: path + " "), "image", "missing_file"),
    (cell("image_path", lambda path: path.replace("/", "\\")), "image", "missing_file"),
    (cell("image_path", "https://example.com/a.jpg"), "image", "missing_file"),
    (cell("image_path", "x" * 300 + ".jpg"), "image", "missing_file"),
    (cell("image_path", ""), "image", "empty"),
    (cell("image_path", " \n"), "image", "empty"),
    (replaced_by(b""), "image", "empty"),
    (replaced_by(lambda jpeg: jpeg[: len(jpeg) // 2]), "image", "unreadable"),
    (replaced_by(lambda jpeg: jpeg[:20]), "image", "unreadable"),
    (replaced_by(lambda jpeg: jpeg[:200] + bytes(len(jpeg) - 200)), "image", "unreadable"),
    (png_damaged_within, "image", "unreadable"),
    (replaced_by(lambda jpeg: b"\n" + jpeg), "image", "unsupported_format"),
    (replaced_by(gzip.compress), "image", "unsupported_format"),
    (replaced_by(b"<html>429 Too Many Requests</html>"), "image", "unsupported_format"),
    (replaced_by(b"\0\0\0\x1cftypheic" + bytes(500)), "image", "unsupported_format"),
    (replaced_by(bytes(5000)), "image", "unsupported_format"),
    (saved_as(format="TIFF"), "image", "unsupported_format"),
    (saved_as(format="BMP", mode="P"), "image", "unsupported_format"),
    (animated, "image", "unsupported_format"),
    (bomb, "image", "too_large"),
    (cell("image_path", "../outside.jpg"), "image", "outside_root"),
    (linked_to("../../outside.jpg"), "image", "outside_root"),
    (cell("text", ""), "text", "empty"),
    (cell("label", "\t"), "label", "missing_label"),
    # From here on in the table for validation.
    (cell("text", "\n  \n"), "text", "empty"),
    (cell("label", lambda label: label + " "), "label", "unknown_label"),
]


@pytest.fixture
def broken(tmp_path):
    """60 rows, 30 of them broken: the two tables, and the tables as they are on disk."""
    if not SHARED.is_dir():
        pytest.skip(f"the table flipkart1050 is not there: {SHARED}")
    root = tmp_path / "posts"
    (root / "images").mkdir(parents=True)
    frame = pd.read_csv(SHARED / "train.csv", dtype=str, keep_default_na=False)[:60]
    rows = frame.to_dict("records")
    for row in rows:
        shutil.copyfile(SHARED / row["image_path"], root / row["image_path"])
    shutil.copyfile(root / rows[0]["image_path"], tmp_path / "outside.jpg")
    places = [2 * place if place < 22 else 21 + place for place in range(28)] + [51, 58]
    broken = dict(zip(places, DAMAGES, strict=True))
    for place, (damage, _, _) in broken.items():
        damage(root / rows[place]["image_path"], rows[place])
    pd.DataFrame(rows[:TRAIN_ROWS]).to_csv(root / "train.csv", index=False)
    pd.DataFrame(rows[TRAIN_ROWS:]).to_csv(root / "validation.csv", index=False)
    return root, rows, broken


COLUMNS = {"image": "image_path", "text": "text"}


@pytest.mark.slow
def test_all_thirty_are_in_the_quarantine_with_the_right_reason(broken):
    root, rows, damages = broken
    data = read_table(root / "train.csv", COLUMNS, label="label",
                      validation=root / "validation.csv", progress=False)  # fmt: skip
    found = {
        entry["row"] + TRAIN_ROWS * (entry["table"] == "validation"): entry
        for entry in data.quarantine.to_dict("records")
    }
    assert len(data.quarantine) == len(found) == len(DAMAGES) == 30
    assert {place: (entry["column"], entry["reason"]) for place, entry in found.items()} == {
        place: (column, reason) for place, (_, column, reason) in damages.items()
    }
    for place, entry in found.items():
        key = COLUMNS.get(entry["column"], entry["column"])
        assert entry["value"] == rows[place][key] and entry["detail"]
    kept = {}
    for table in (data.train, data.validation, data.test):
        for place, row in enumerate(table.rows):
            number = int(row) + TRAIN_ROWS * (table.table == "validation")
            assert table.columns["text"][place] == rows[number]["text"]
            assert table.columns["image"][place] == str(root / rows[number]["image_path"])
            assert data.class_names[table.labels[place]] == rows[number]["label"]
            kept[number] = table
    assert sorted([*kept, *found]) == list(range(60))
    for _, _, weights in prepare(data.train, DecodeImage((4, 4))):
        assert (weights.numpy() == 1).all() and data.train.failures == []
    assert data.summary().startswith("60 rows: ") and "; 30 in quarantine (" in data.summary()


@pytest.mark.slow
def test_with_absence_allowed_no_picture_is_invented(broken):
    root, rows, damages = broken
    table, statuses = read_rows(root / "train.csv", COLUMNS, progress=False)
    assert len(table) == TRAIN_ROWS
    for place in range(TRAIN_ROWS):
        _, column, reason = damages.get(place, (None, None, "ok"))
        assert statuses[place] == ("ok" if column == "label" else reason)
        assert (table.columns["image"][place] == "") == (column == "image")
    pictures = np.concatenate([inputs["image"] for inputs, _, _ in
                               prepare(table, DecodeImage((4, 4)))])  # fmt: skip
    absent = (pictures == -1).all(axis=(1, 2, 3))
    assert absent.tolist() == [cell == "" for cell in table.columns["image"]]
