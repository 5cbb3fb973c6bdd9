"""What all pages share."""

import base64
import io
import re
import sys

import pytest
from PIL import Image

from fusionkeras.pages.document import write_document
from fusionkeras.pages.pictures import data_uri, open_small
from fusionkeras.pages.table import Html, write_table


def test_a_document_loads_and_runs_nothing():
    page = write_document("<A> & B", "<main>body</main>", "p { color: red; }")
    assert "<title>&lt;A&gt; &amp; B</title>" in page and "p { color: red; }" in page
    assert 'lang="en"' in page and "default-src 'none'" in page
    assert not re.search(r"https?:|//[a-z]|@import|url\(|<script|<link", page)


def test_a_table_says_what_heads_what():
    table = write_table(["a<", "n"], [["<b>", "1"], [Html("<i>x</i>"), "2"]], 'say "so"', (1,))
    assert '<th scope="col">a&lt;</th><th scope="col" class="number">n</th>' in table
    assert '<th scope="row">&lt;b&gt;</th><td class="number">1</td>' in table
    assert '<th scope="row"><i>x</i></th>' in table
    assert 'aria-label="say &quot;so&quot;"' in table and "<caption>say &quot;so&quot;" in table


def test_a_picture_becomes_small(tmp_path):
    Image.new("RGB", (300, 200), (250, 0, 0)).save(tmp_path / "a.png")
    small = open_small(tmp_path / "a.png", 96)
    assert small.size == (96, 64)
    for form in ("JPEG", "PNG"):
        uri = data_uri(small, form)
        assert uri.startswith(f"data:image/{form.lower()};base64,")
        with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
            assert (image.format, image.size) == (form, (96, 64))


def test_what_is_no_picture_is_not_shown(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert open_small(tmp_path / "a.png", 96) is None
    assert open_small(tmp_path / "none.png", 96) is None
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"Showing pictures needs .*fusionkeras\[report\]"):
        open_small(tmp_path / "a.png", 96)
