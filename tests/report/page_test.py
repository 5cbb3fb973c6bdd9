"""The page: its structure, what it says, and what a browser and axe-core make of it."""

import json
import os
import pathlib
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from chromium import CHROMIUM, NO_CHROMIUM, WIDTHS, Browser

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.export.loading import as_served

pytestmark = pytest.mark.slow
VOID = {"meta", "img", "br", "path", "use", "rect", "circle"}
ROOT = pathlib.Path(__file__).parents[2]
AXE = pathlib.Path(os.environ.get("AXE_CORE", ROOT / "node_modules" / "axe-core")) / "axe.min.js"


class Page(HTMLParser):
    """A page as its elements, `(tag, attributes, text)`, in order."""

    def __init__(self, path):
        super().__init__()
        self.source, self.elements, self._open = path.read_text("utf-8"), [], []
        self.feed(self.source)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), names
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data):
        for place in self._open:
            self.elements[place][2] += data

    def all(self, *tags):
        return [(own, text) for tag, own, text in self.elements if tag in tags]

    def text(self, key):
        """The text of the section with this id, in one line."""
        (found,) = [text for own, text in self.all("section") if own["id"] == key]
        return " ".join(found.split())


@pytest.fixture(scope="module", params=["reported", "heads"])
def page(request):
    return Page(request.getfixturevalue(request.param) / "page.html")


def test_nothing_comes_from_elsewhere_and_nothing_runs(page):
    tags = {tag for tag, _, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "form", "embed", "b", "foreignobject"}
    for tag, own, _ in page.elements:
        assert not [name for name in own if name.startswith("on")], (tag, own)
        for name in ("href", "src", "xlink:href", "clip-path"):
            value = own.get(name, "#").removeprefix("url(")
            assert value.startswith(("#", "data:image/jpeg;base64,")), value
    style = "".join(text for _, text in page.all("style"))
    assert not re.search(r"https?:|//|@import|url\(", style)
    assert "default-src 'none'" in page.source


def test_headings_are_in_order(page):
    found = [(int(tag[1]), text) for tag, _, text in page.elements if re.fullmatch(r"h\d", tag)]
    levels = [level for level, _ in found]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert all(text.strip() for _, text in found)
    targets = {own["id"] for _, own, _ in page.elements if "id" in own}
    links = [own["href"][1:] for own, _ in page.all("a")]
    assert set(links) <= targets and "main" in links
    ids = [own["id"] for _, own, _ in page.elements if "id" in own]
    assert len(ids) == len(set(ids))
    (html,) = page.all("html")
    assert html[0]["lang"] == "en" and page.all("title")[0][1]


def test_every_picture_and_figure_has_a_text(page):
    texts = {own["id"]: text for _, own, text in page.elements if "id" in own}
    pictures, figures = page.all("img"), page.all("svg")
    assert len(figures) >= 4
    assert all(own["alt"] for own, _ in pictures)
    for own, _ in figures:
        title, description = map(texts.get, own["aria-labelledby"].split())
        assert own["role"] == "img" and title and re.search(r"\d", description)
    for own, _ in page.all("th"):
        assert own["scope"] in ("col", "row")
    assert len(page.all("caption")) == len(page.all("table"))


def test_the_page_is_not_large(page):
    assert len(page.source) < 500_000


def test_what_is_left_out_is_listed(reported):
    page = Page(reported / "page.html")
    left = page.text("left-out")
    assert "2 rows of the table not measured: 1 missing_file, 1 unknown_label." in left
    assert "1 row in quarantine: 1 empty." in left
    assert "<script>alert(1)</script>" in left
    assert "28 rows, of which 26 are measured; 2 rows left out" in page.text("data")


def test_what_helps_is_the_difference_on_the_same_rows(reported, tmp_path):
    page = Page(reported / "page.html")
    model = as_served(fk.load(reported / "run"))
    frame = pd.read_csv(reported / "rows.csv", dtype=str).iloc[2:]
    rows = [
        {"image": str(reported / photo), "text": caption}
        for photo, caption in zip(frame["photo"], frame["caption"], strict=True)
    ]

    def accuracy(rows):
        said = [answer["label"] for answer in fk.predict(model, rows)]
        return np.mean([one == kind for one, kind in zip(said, frame["kind"], strict=True)])

    whole = accuracy(rows)
    for column in ("image", "text"):
        less = accuracy([{**row, column: None} for row in rows])
        told = f"Without {column}: accuracy {shown(less)} instead of {shown(whole)} on 26 rows"
        assert told in page.text("in-short")
    assert f"accuracy {shown(whole)} [" in page.text("in-short")


def shown(number):
    return f"{number:.3f}".removeprefix("0")


def test_the_errors_are_the_most_confident_ones(reported):
    text = Page(reported / "page.html").text("errors")
    found = [float(x) for x in re.findall(r"\(probability ([\d.]+)\)", text)]
    assert len(found) == 3 and found == sorted(found, reverse=True)
    assert text.count("Strongest: ") >= 1 and "where all is absent" in text
    assert "image +" in text or "image -" in text
    alts = [own["alt"] for own, _ in Page(reported / "page.html").all("img")]
    assert sum(alt.startswith("Heat map of image of row") for alt in alts) <= 3
    assert sum(alt.startswith("image of row") for alt in alts) == 3


def test_every_head_has_what_makes_sense_for_it(heads):
    page = Page(heads / "page.html")
    text = page.text("how-good-it-is")
    for told in ("kind: Metrics", "stars: Metrics", "genres: Metrics", "price: Metrics",
                 "quadratic kappa", "micro F1", "RMSE", "genres: By class"):  # fmt: skip
        assert told in text
    titles = {text for _, text in page.all("title")}
    assert {"kind: Confusion matrix", "stars: Confusion matrix", "genres: ROC curve",
            "price: Predicted by true value", "genres: Reliability diagram"} <= titles  # fmt: skip
    assert not {"price: ROC curve", "genres: Confusion matrix"} & titles
    assert page.text("errors").count("No error is shown.") == 4
    assert "price: MAE" in page.text("in-short")


def test_an_exported_folder_has_fewer_sections(reported, tmp_path, capsys):
    fk.export(fk.load(reported / "run"), tmp_path / "kinds", verify=False, explain=False)
    columns = ["--image", "image=photo", "--text", "text=caption", "--label", "kind"]
    arguments = [str(tmp_path / "kinds"), str(reported / "rows.csv"), *columns]
    assert main(["report", *arguments, "--output", str(tmp_path / "p.html"), "--errors", "1"]) == 0
    assert "Written to" in capsys.readouterr().err
    page = Page(tmp_path / "p.html")
    assert page.text("training").startswith("Training Nothing is known of the training")
    assert "There is no explanation of the answers: This model does not" in page.text("errors")
    assert "kinds on rows.csv" in page.all("h1")[0][1]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not CHROMIUM:
        pytest.skip(NO_CHROMIUM)
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


# Boxes that people see as apart may not overlap: `[element, element]` of those that do.
OVERLAPS = """
(() => {
  const boxes = (selector, root) => [...root.querySelectorAll(selector)].map((element) =>
    [element, element.getBoundingClientRect()]).filter(([, box]) => box.width && box.height);
  const found = [], slack = 1.5;
  const compare = (list) => list.forEach(([one, a], place) => list.slice(place + 1).forEach(
    ([other, b]) => {
      if (a.left + slack < b.right && b.left + slack < a.right &&
          a.top + slack < b.bottom && b.top + slack < a.bottom)
        found.push([one.outerHTML.slice(0, 200), other.outerHTML.slice(0, 200)]);
    }));
  compare(boxes("section > *, header > *", document));
  compare(boxes("figure, .errors > li", document));
  for (const item of document.querySelectorAll(".errors > li")) compare(boxes(":scope > *", item));
  for (const svg of document.querySelectorAll("svg")) compare(boxes("text", svg));
  return JSON.stringify(found);
})()
"""
# Figures that show nothing, or not at the size of a figure, or whose text leaves them.
EMPTY = """
JSON.stringify([...document.querySelectorAll("svg")].filter((svg) => {
  const own = svg.getBoundingClientRect();
  const inside = [...svg.querySelectorAll("path, use, text")].map((x) => x.getBoundingClientRect());
  const drawn = inside.filter((box) => box.width + box.height > 0);
  const left = [...svg.querySelectorAll("text")].map((x) => x.getBoundingClientRect()).filter(
    (box) => box.left < own.left - 2 || box.right > own.right + 2 || box.top < own.top - 2 ||
             box.bottom > own.bottom + 2);
  return own.width < 250 || own.height < 100 || drawn.length < 10 || left.length;
}).map((svg) => svg.querySelector("title").textContent))
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_looks(browser, page_file, scheme, tmp_path):
    """Screenshots, in the folder that FUSIONKERAS_SCREENSHOTS names; nothing overlaps."""
    folder = pathlib.Path(os.environ.get("FUSIONKERAS_SCREENSHOTS", tmp_path))
    browser.wear(scheme)
    for width in WIDTHS:
        browser.visit(page_file.as_uri())
        browser.widen(WIDTHS[width])
        name = f"report-{page_file.parent.name}-{scheme}-{width}.png"
        (folder / name).write_bytes(browser.shoot())
        assert json.loads(browser.run(OVERLAPS)) == []
        assert json.loads(browser.run(EMPTY)) == []
    wrong = {"Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"}
    assert not [event for event in browser.events if event["method"] in wrong]
    asked = [event["params"]["request"]["url"] for event in browser.events
             if event["method"] == "Network.requestWillBeSent"]  # fmt: skip
    assert all(url.startswith(("file:", "data:")) for url in asked)
    browser.wear(None)


@pytest.fixture(params=["reported", "heads"])
def page_file(request):
    return request.getfixturevalue(request.param) / "page.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, page_file, scheme):
    if not AXE.is_file():
        pytest.skip("there is no axe-core here; npm install axe-core, or AXE_CORE, brings it")
    browser.wear(scheme)
    for width in WIDTHS.values():
        browser.visit(page_file.as_uri())
        browser.widen(width)
        browser.run("document.querySelectorAll('details').forEach((x) => { x.open = true })")
        browser.run(f"{AXE.read_text('utf-8')}; 0")
        told = browser.run("axe.run().then((found) => JSON.stringify(found.violations))")
        found = {x["id"]: x["impact"] for x in json.loads(told)}
        assert not [key for key, impact in found.items() if impact in ("serious", "critical")]
    browser.wear(None)
