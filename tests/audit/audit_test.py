"""The audit as a whole: a clean table, the report, the page."""

import base64
import io
import json
import logging
from html.parser import HTMLParser

import pytest
from PIL import Image

import fusionkeras as fk
from fusionkeras.audit import audit
from fusionkeras.audit.families import AUDITS
from fusionkeras.audit.finding import Finding

TEXTS = {"columns": {"text": "caption"}, "files": ()}


class Page(HTMLParser):
    """What a browser would make of a page: the tags with their attributes, and the text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def bad(posts, read_posts, tmp_path):
    """A table with something of everything."""
    (tmp_path / "1.png").unlink()
    Image.new("RGB", (300, 200), (250, 0, 0)).save(tmp_path / "2.png")
    posts.loc[3, "caption"] = "<script>alert(1)</script> &amp; \x07 \"quoted\" 'so'"
    posts.loc[4, "caption"] = "long " * 1000
    posts.loc[5, "category"] = "<b>"
    posts.loc[35, ["photo", "caption"]] = posts.loc[6, ["photo", "caption"]]
    return read_posts(posts)


def test_a_clean_table_has_no_findings(posts, read_posts, tmp_path):
    report = audit(read_posts(posts, check="full"), sequence_length=64, progress=False)
    assert report.findings == ()
    assert str(report) == ("40 rows: 30 train, 10 test; none in quarantine\nnothing found")
    report.to_html(tmp_path / "page.html")
    assert "nothing found" in Page(tmp_path / "page.html").text


def test_every_family_finds_something(bad):
    from fusionkeras.audit.lengths import TextLength
    from fusionkeras.audit.rows import Rows
    from fusionkeras.audit.subject import Subject

    subject = Subject(Rows(bad), {"text": TextLength(64)}, progress=False)
    found = {name: {finding.kind for finding in family(subject)} for name, family in AUDITS.items()}
    assert found == {
        "pictures": {"missing_file", "one_colour_picture"},
        "texts": {"control_characters", "html", "text_too_long"},
        "labels": {"class_of_one_row", "imbalance"},
        "leakage": {"same_picture_in_splits", "same_text_in_splits", "same_row_in_splits"},
    }


def test_the_worst_comes_first(bad):
    severities = [finding.severity for finding in audit(bad, 64, progress=False).findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert len(set(severities)) == 2


def test_the_report_as_text(bad):
    text = str(audit(bad, 64, progress=False))
    assert "2 errors, " in text
    assert "error    missing_file in image: 1 row (2.5%)\n         rows: train 1\n" in text
    assert "rows: train 35 (in test), train 6" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_report_as_json(bad, tmp_path):
    found = json.loads(json.dumps(audit(bad, 64, progress=False).as_dict()))
    assert found["summary"].startswith("40 rows: ")
    first = found["findings"][0]
    assert set(first) == {
        "kind", "severity", "count", "share", "rows", "what_to_do", "detail", "column",
    }  # fmt: skip
    assert first["rows"] == [{"table": "train", "row": 1, "split": "", "cells": {"image": "1.png"}}]
    (long,) = [finding for finding in found["findings"] if finding["kind"] == "text_too_long"]
    assert long["rows"][0]["cells"]["text"].endswith(" ... (5,000 characters)")
    assert long["rows"][0]["cells"]["image"] == str(tmp_path / "4.png")


def test_the_page_is_whole_and_runs_nothing(bad, tmp_path):
    audit(bad, 64, progress=False).to_html(tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert not page.open
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "iframe", "b", "object", "form", "a"}
    assert "<script>alert(1)</script> &amp; " in page.text and "'<b>'" in page.text
    attributes = [(name, value) for _, attrs in page.tags for name, value in attrs.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name == "href"]
    sources = [value for name, value in attributes if name == "src"]
    assert sources and all(value.startswith("data:image/png;base64,") for value in sources)
    pictures = [Image.open(io.BytesIO(base64.b64decode(x.partition(",")[2]))) for x in sources]
    (large,) = {picture.tobytes(): picture for picture in pictures if picture.width > 32}.values()
    assert large.size == (96, 64) and large.getpixel((50, 30)) == (250, 0, 0)


def test_the_page_shows_what_it_can(posts, read_posts, tmp_path):
    """A picture that is gone by now is a name only; one that is turned is shown upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (300, 200), (0, 0, 250)).save(tmp_path / "0.png", "JPEG", exif=exif)
    report = audit(read_posts(posts), progress=False)
    report.to_html(tmp_path / "page.html")
    sources = {attrs["src"] for tag, attrs in Page(tmp_path / "page.html").tags if tag == "img"}
    assert len(sources) == 1
    with Image.open(io.BytesIO(base64.b64decode(sources.pop().partition(",")[2]))) as picture:
        assert picture.size == (64, 96)
    (tmp_path / "0.png").unlink()
    report.to_html(tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert not [tag for tag, _ in page.tags if tag == "img"] and "0.png" in page.text


def test_it_is_public_and_says_what_it_takes(posts, read_posts):
    report = fk.audit(read_posts(posts, **TEXTS), progress=False)
    assert isinstance(report, fk.AuditReport) and report.findings == ()
    with pytest.raises(TypeError, match="Wrong type of data. Expected what read_table returns"):
        fk.audit(posts)
    with pytest.raises(ValueError, match="Unknown severity. Expected one of"):
        Finding("kind", "bad", 1, 1.0, (), "")


def test_progress_is_shown_on_stderr(posts, read_posts, capsys):
    audit(read_posts(posts), progress=True)
    assert "Looking at pictures: 100%" in capsys.readouterr().err


def test_a_row_is_bad_in_every_column_at_once(posts, read_posts, caplog):
    """The quarantine keeps the first problem of a row; the audit tells what it keeps."""
    caplog.set_level(logging.ERROR)
    posts.loc[0, ["photo", "caption"]] = ["gone.png", ""]
    kinds = [finding.kind for finding in audit(read_posts(posts), progress=False).findings]
    assert kinds == ["missing_file"]


def test_every_row_of_the_quarantine_is_in_one_finding(posts, read_posts, tmp_path):
    """Also where the column of labels is called like a raw column."""
    (tmp_path / "1.png").unlink()
    (tmp_path / "2.png").write_bytes(b"")
    posts.loc[[3, 4], "caption"] = ["", " "]
    posts["text"] = posts["category"]
    posts.loc[[5, 6], "text"] = ["", "other"]
    data = read_posts(posts, label="text", class_names=["cold", "warm"])
    found = audit(data, progress=False).findings
    errors = [finding for finding in found if finding.severity == "error"]
    assert sorted(place.row for finding in errors for place in finding.rows) == [1, 2, 3, 4, 5, 6]
    assert sum(finding.count for finding in errors) == len(data.quarantine) == 6
    assert {finding.kind: finding.column for finding in errors} == {
        "missing_file": "image", "empty_file": "image", "empty_text": "text", "blank_text": "text",
        "missing_label": "text", "unknown_label": "text",
    }  # fmt: skip


def test_a_reason_that_is_new_is_reported_too(posts, read_posts):
    """Such as that a further column of a reader cannot be used."""
    data = read_posts(posts, **TEXTS)
    entry = {"table": "train", "row": 7, "column": "day", "value": "x", "reason": "not_a_time"}
    data.quarantine.loc[0] = {**entry, "detail": "no date"}
    (finding,) = audit(data, progress=False).findings
    assert (finding.kind, finding.column, finding.count) == ("not_a_time", "day", 1)
    assert finding.what_to_do == "Repair the cells: no date."
