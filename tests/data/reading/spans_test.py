"""Rows that are read by where they lie are those that are read one after the other."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusionkeras.data import read_rows, read_table, write_tfrecords
from fusionkeras.data.reading.spans import SpannedRows, find_record_spans, find_spans

COLUMNS = {"image": "photo", "text": "caption"}
TEXTS = ["red", "", "NA", 'a, "b"\nc', "007", "猫\r\nü", " ", "x" * 200_000]


@pytest.fixture
def frame(tmp_path, png):
    (tmp_path / "a.png").write_bytes(png)
    (tmp_path / "bad.png").write_bytes(png[:40])
    photos = ["a.png", "nowhere.png", "bad.png", "", "../a.png"] * 4
    return pd.DataFrame({"caption": (TEXTS * 3)[:20], "other": range(20), "photo": photos})


def write_dos(frame, path):
    """As a spreadsheet may: with a mark of byte order, CRLF and lines without anything."""
    text = frame.to_csv(index=False, lineterminator="\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("a.png\r\n", "a.png\r\n\r\n\r\n").encode())


def write_lines(frame, path):
    rows = frame.to_dict("records")
    rows = [{key: row[key] for key in row if row[key] != ""} for row in rows]  # keys may lack
    path.write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")


def write_folder(frame, path):
    path.mkdir()
    for place, begin in enumerate((0, 1, 12)):
        own = frame[begin : (1, 12, 20)[place]]
        own.to_parquet(path / f"{place}.parquet", index=False, row_group_size=3)


WRITERS = {
    "t.csv": lambda frame, path: frame.to_csv(path, index=False),
    "dos.csv": write_dos,
    "t.tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "t.jsonl": write_lines,
    "t.parquet": lambda frame, path: frame.to_parquet(path, index=False, row_group_size=6),
    "folder": write_folder,
}


def joined(rows, step):
    """All rows, read in pieces of 3 by one reader for each `step` of them, the last one first."""
    begins = range(0, len(rows.spans), step)
    read = {
        begin: list(rows.pieces(3, begin, min(step, len(rows.spans) - begin)))
        for begin in reversed(begins)
    }
    pieces = [piece for begin in begins for piece in read[begin]]
    cells = {key: [x for table, _ in pieces for x in table.columns[key].tolist()]
             for key in rows.columns}  # fmt: skip
    return cells, [status for _, statuses in pieces for status in statuses]


@pytest.mark.parametrize("name", WRITERS)
def test_each_reader_reads_its_own(name, frame, tmp_path):
    WRITERS[name](frame, tmp_path / name)
    root = tmp_path if name == "folder" else None
    table, statuses = read_rows(tmp_path / name, COLUMNS, progress=False, files_root=root)
    assert set(statuses) == {"ok", "missing_file", "unreadable", "empty", "outside_root"}
    spans = find_spans(tmp_path / name, COLUMNS, ("image",), step=2)
    for step in (2, 4, 14, 20):
        rows = SpannedRows(spans.thinned(step), COLUMNS, ("image",), root)
        cells, found = joined(rows, step)
        assert cells == {key: own.tolist() for key, own in table.columns.items()}
        assert found == statuses.tolist()


@pytest.mark.parametrize("compression", ["GZIP", None])
def test_records(compression, statements, tmp_path):
    data = read_table(statements, {"image": "image", "text": "text"}, "label", progress=False)
    folder = write_tfrecords(data, tmp_path, 2, compression=compression, progress=False)
    expected = [
        cell for part in ("validation", "test") for cell in getattr(data, part).columns["text"]
    ]
    columns = {"image": "image", "text": "text"}
    spans = find_record_spans(folder, ["validation", "test"], columns)
    assert len(spans) == len(expected) and len(spans.files) == 4
    cells, statuses = joined(SpannedRows(spans, columns, ("image",)), 5)
    assert cells["text"] == expected and set(statuses) == {"ok"}
    assert all(Path(path).stat().st_size for path in cells["image"])
    with pytest.raises(ValueError, match="The table has no column 'photo'"):
        find_record_spans(folder, ["test"], COLUMNS)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("t.csv", "photo,caption\na,b\nc\n", r"Row 1 of the table \(line 3\) has 1 fields"),
        ("t.csv", "photo,text\na,b\n", "The table has no column 'caption'"),
        ("t.csv", "photo,caption\n", "The table has no rows"),
        ("t.jsonl", '{"photo": "a"}\n', "The table has no column 'caption'"),
        ("t.jsonl", '{"photo": "a", "caption": "b"}\n{\n', "Line 2 of the table is not JSON"),
        ("t.parquet", "PAR1", "The table is no readable Parquet file"),
        ("t.xml", "", "Unknown kind of table"),
        ("nowhere.csv", None, "The table cannot be opened"),
    ],
)
def test_what_cannot_be_read_shows_before_any_row_is(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        find_spans(tmp_path / name, COLUMNS, ("image",), step=2)


def test_only_the_groups_that_hold_the_rows_are_read(tmp_path, monkeypatch):
    """Of a long file no reader goes through what others read."""
    from pyarrow import parquet

    pd.DataFrame({"a": map(str, range(100))}).to_parquet(tmp_path / "t.parquet", row_group_size=10)
    read, iterate = [], parquet.ParquetFile.iter_batches

    def spy(self, *arguments, row_groups, **options):
        read.append(row_groups)
        return iterate(self, *arguments, row_groups=row_groups, **options)

    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", spy)
    rows = SpannedRows(find_spans(tmp_path / "t.parquet", {"a": "a"}, (), 25), {"a": "a"}, ())
    ((table, _),) = rows.pieces(50, 25, 25)
    assert table.columns["a"].tolist() == list(map(str, range(25, 50)))
    assert read == [[2, 3, 4]]


def test_marks_cost_a_number_each(tmp_path):
    (tmp_path / "t.csv").write_text("a\n" + "red\n" * 1000)
    spans = find_spans(tmp_path / "t.csv", {"a": "a"}, (), step=100)
    assert np.array_equal(np.diff(spans.marks), [400] * 9) and len(spans.thinned(500).marks) == 2
