"""The page at `/`: one file, and what people see of it in headless Chromium."""

import base64
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import requests
import tensorflow as tf
from chromium import CHROMIUM, NO_CHROMIUM, WIDTHS, wait_until
from chromium import Browser as Chromium

import fusionkeras as fk
from fusionkeras.export.server import __file__ as package

PAGE = pathlib.Path(package).with_name("page.html").read_text("utf-8")


class Browser(Chromium):
    """The page, as people use it."""

    def open(self, server):
        """Opens the page, and waits until it knows the model."""
        self.events.clear()
        self.call("Page.navigate", url=server.url + "/")
        self.wait_for("document.getElementById('main')?.hidden === false")

    def choose(self, field, file):
        node = self.call("DOM.getDocument")["root"]["nodeId"]
        found = self.call("DOM.querySelector", nodeId=node, selector=f"#{field}")["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=found, files=[str(file)])

    def ask(self):
        """Presses the button and waits: the text of the answer, or of the error."""
        self.run("document.getElementById('ask').click()")
        self.wait_for("!document.getElementById('ask').hasAttribute('aria-disabled')")
        return self.run("(document.getElementById('error').innerText"
                        " + document.getElementById('answer').innerText)")  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not CHROMIUM:
        pytest.skip(NO_CHROMIUM)
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def posts(exported, serve):
    return serve(exported / "posts")


@pytest.fixture(scope="module")
def heads(exported, serve):
    return serve(exported / "heads")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    rows, columns = np.mgrid[0:120, 0:160]
    pixels = np.stack([rows * 2, columns, 255 - rows], axis=-1).astype("uint8")
    path = tmp_path_factory.mktemp("pictures") / "front.png"
    path.write_bytes(tf.io.encode_png(pixels).numpy())
    return path


def test_the_page_is_one_file(exported, serve):
    server = serve(exported / "price")
    answer = requests.get(server.url + "/", timeout=60)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert requests.get(server.url + "/model.json", timeout=60).json() == {"name": "price"}
    assert requests.post(server.url + "/", timeout=60).status_code == 404
    assert not re.search(r"https?:|//[a-z]|@import|url\(|innerHTML|outerHTML|insertAdjacent", PAGE)


def test_the_page_is_installed(tmp_path):
    root = pathlib.Path(__file__).parents[3]
    shutil.copytree(root / "fusionkeras", tmp_path / "fusionkeras")
    for name in ("setup.py", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(root / name, tmp_path)
    build = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", "built"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "built/fusionkeras/export/server/page.html").is_file()


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node here")
def test_its_script_is_parsed_by_node(tmp_path):
    (script,) = re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL)
    (tmp_path / "page.js").write_text(script, "utf-8")
    subprocess.run(["node", "--check", tmp_path / "page.js"], check=True, timeout=60)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_its_colours_are_told_apart(scheme):
    """The contrasts that WCAG 2 asks for: 4.5 for text, 3 for the edges of fields."""
    colours = dict(re.findall(r"--([a-z-]+): (#\w+);", PAGE.split(":root {")[1 + scheme]))

    def light(name):
        code = colours[name][1:]
        code = "".join(2 * digit for digit in code) if len(code) == 3 else code
        parts = np.array([int(code[place : place + 2], 16) / 255 for place in (0, 2, 4)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(one, other):
        dark, bright = sorted([light(one), light(other)])
        return (bright + 0.05) / (dark + 0.05)

    for ground in ("ground", "panel"):
        for text in ("text", "soft", "strong", "bad"):
            assert contrast(text, ground) >= 4.5, (text, ground)
        assert contrast("line", ground) >= 3, ground
    assert contrast("on-strong", "strong") >= 4.5


@pytest.mark.slow
def test_two_pictures_and_a_text(browser, predict, posts, picture):
    browser.open(posts)
    assert browser.run("document.title") == "posts · fusionkeras"
    assert browser.ask().startswith("There is nothing to ask yet.")
    browser.choose("file-1", picture)
    browser.run("document.getElementById('text-0').value = 'a red <b>dress</b>'")
    found = browser.ask()
    row = {"front": picture, "text": "a red <b>dress</b>"}
    expected = predict("posts", row)
    shares = sorted(expected["probabilities"].values(), reverse=True)
    assert re.findall(r"^([\d.]+) %$", found, re.M) == [f"{100 * x:.1f}" for x in shares[:8]]
    assert found.startswith(expected["label"]) and "4 more" in found
    # What a class is called is never markup, and nothing was asked of anybody else.
    assert browser.run("document.querySelectorAll('main li bdi').length") == 12
    assert browser.run("document.querySelectorAll('#answer img').length") == 0
    assert "<img src=x onerror=alert(1)>" in browser.run("document.body.textContent")
    check_what_happened(browser, posts)
    browser.run("document.querySelectorAll('.remove')[1].click()")
    assert browser.run("document.querySelectorAll('.drop img:not([hidden])').length") == 0


@pytest.mark.slow
def test_why_is_shown(browser, exported, posts, picture):
    browser.open(posts)
    browser.choose("file-1", picture)
    browser.run("document.getElementById('text-0').value = 'a red <b>dress</b>'")
    found = browser.ask()
    row = {"front": picture, "text": "a red <b>dress</b>"}
    why = fk.explain(fk.load(exported / "posts"), row)
    shown = browser.run("[...document.querySelectorAll('.words span')].map((x) => x.innerText)")
    assert shown == why.words["text"][0] == ["a", "red", "b", "dress"]
    colours = "[...document.querySelectorAll('.words span')].map((x) => x.style.background)"
    weights = why.weights["text"][0]
    for colour, weight in zip(browser.run(colours), weights, strict=True):
        assert colour.startswith("rgba(40" if weight < 0 else "rgba(215")
    # The picture that is there, in its own shape, under the heat of its grid.
    maps = "[...document.querySelectorAll('.why canvas')].map((x) => [x.ariaLabel, x.height])"
    assert browser.run(maps) == [["Where the model looked in front", 240]]
    shares = re.findall(r"(back|front|text) ([+−][\d.e−-]+)", found.split("Shares: ")[1])
    for name, share in shares:
        number = float(share.replace("−", "-"))
        assert number == pytest.approx(why.shapley[name][0], rel=0.06, abs=1e-6)
    assert len(shares) == 3
    check_what_happened(browser, posts)


def check_what_happened(browser, server):
    asked = [event["params"]["request"]["url"] for event in browser.events
             if event["method"] == "Network.requestWillBeSent"]  # fmt: skip
    assert asked and all(url.startswith((server.url, "blob:", "data:")) for url in asked)
    wrong = {"Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"}
    assert not [event for event in browser.events if event["method"] in wrong]


DROP = """
(() => {
  const bytes = Uint8Array.from(atob("%s"), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], "%s", { type: "image/png" }));
  const event = (kind) => new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
  const zone = document.querySelectorAll(".drop")[0];
  return [zone.dispatchEvent(event("dragover")), zone.classList.contains("over"),
          zone.dispatchEvent(event("drop")), zone.classList.contains("over")];
})()
"""


def test_a_picture_is_dropped(browser, predict, posts, picture):
    browser.open(posts)
    packed = base64.b64encode(picture.read_bytes()).decode()
    # A drop that is let through would replace the page.
    assert browser.run(DROP % (packed, "dropped.png")) == [False, True, False, False]
    browser.wait_for("document.querySelector('.drop img').naturalWidth === 160")
    expected = predict("posts", {"back": picture})
    assert browser.ask().startswith(expected["label"])
    browser.run(DROP % (base64.b64encode(b"no picture").decode(), "<i>broken</i>.png"))
    shown = "document.querySelector('.drop').innerText"
    browser.wait_for(f"{shown}.includes('cannot show it')")
    assert "<i>broken</i>.png, 1 kB" in browser.run(shown)


def test_every_task(browser, predict, heads):
    browser.open(heads)
    browser.run("document.getElementById('text-0').value = 'red blue'")
    found = browser.ask()
    expected = predict("heads", {"text": "red blue"})
    shown = browser.run("[...document.querySelectorAll('.head')].map((head) => head.innerText)")
    shown = {text.split("\n")[0]: [x for x in text.split("\n")[1:] if x] for text in shown}
    assert list(shown) == ["genres", "kind", "price", "stars"]
    for name in ("kind", "stars"):
        assert shown[name][0] == expected[name]["label"]
    genres = expected["genres"]["label"].replace("|", ", ") or "No label applies"
    assert shown["genres"][0] == genres and "thresholds" in found
    price = expected["price"]["value"]
    assert float(shown["price"][0]) == pytest.approx(price, rel=1e-5)
    ranks = [line.removesuffix(" ✓") for line in shown["stars"] if re.match(r"\d( ✓)?$", line)]
    assert ranks[1:] == ["1", "2", "3", "4"]  # in their order, whatever is likeliest
    check_what_happened(browser, heads)


def test_what_was_used_is_said(browser, serve, used):
    server = serve(used)
    browser.open(server)
    browser.run("document.getElementById('text-0').value = 'red'")
    found = browser.ask()
    assert found.startswith("yes") and "Used: text\n" in found
    assert "Not used (missing, or not readable): image\n" in found
    check_what_happened(browser, server)


@pytest.mark.slow
def test_what_goes_wrong_is_said(browser, exported, predict, serve, tmp_path):
    folder = tmp_path / "price"
    shutil.copytree(exported / "price", folder)
    server = serve(folder, max_body=2000)
    browser.open(server)
    browser.run("document.getElementById('text-0').value = 'a'.repeat(5000)")
    told = "The server refused (status 413): The request is of more than 2000 bytes"
    assert browser.ask() == told
    browser.run("document.getElementById('text-0').value = 'red'")
    value = predict("price", {"text": "red"})["value"]
    assert float(browser.ask().split()[0]) == pytest.approx(value, rel=1e-5)
    shutil.copytree(folder / "1", tmp_path / "2")
    (tmp_path / "2").rename(folder / "2")
    told = "Servable not found for request: Specific(price, 1). Reload the page if a new version"
    wait_until(lambda: told in browser.ask())
    server.stop()
    assert browser.ask() == "The server does not answer, or broke off. Is it still running?"
    assert browser.run("document.getElementById('error').getAttribute('role')") == "alert"


def test_what_cannot_be_shown_is_said(browser, serve, used, halves, tmp_path):
    browser.open(serve(used))
    browser.run("document.getElementById('text-0').value = 'nan'")
    assert browser.ask().startswith("The server answered what is no JSON (status 200): {")
    (tmp_path / "gone.png").write_bytes(b"x")
    browser.choose("file-0", tmp_path / "gone.png")
    (tmp_path / "gone.png").unlink()
    assert browser.ask().startswith("gone.png cannot be read: ")
    browser.call("Page.navigate", url=serve(halves).url)
    told = "This model does not say what it reads. Expected one that fusionkeras exported."
    browser.wait_for(f"document.getElementById('error')?.textContent === {told!r}")


def test_by_keyboard_and_by_ear(browser, posts):
    browser.open(posts)
    focused = []
    for _ in range(4):
        browser.press("Tab")
        focused.append(browser.run("document.activeElement.id"))
    assert focused == ["file-0", "file-1", "text-0", "ask"]
    browser.run("document.getElementById('text-0').value = 'red'")
    browser.run("document.getElementById('text-0').focus()")
    browser.press("Enter", modifiers=2)
    browser.wait_for("document.querySelectorAll('#answer li').length === 12")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    said = {(node["role"]["value"], node["name"]["value"]) for node in nodes if "name" in node}
    assert {("textbox", "text"), ("button", "Ask the model"), ("heading", "Answer"),
            ("button", "back Drop a picture here, or choose one")} <= said  # fmt: skip


def test_its_looks(browser, posts, heads, picture, tmp_path):
    """Screenshots, in the folder that FUSIONKERAS_SCREENSHOTS names; nothing is cut off."""
    folder = pathlib.Path(os.environ.get("FUSIONKERAS_SCREENSHOTS", tmp_path))
    for name, server in {"posts": posts, "heads": heads}.items():
        for scheme in ("light", "dark"):
            browser.wear(scheme)
            browser.open(server)
            if name == "posts":
                browser.choose("file-1", picture)
            browser.run("document.getElementById('text-0').value = 'A red dress, hardly worn'")
            browser.ask()
            for width in WIDTHS:
                shot = look(browser, WIDTHS[width])
                (folder / f"{name}-{scheme}-{width}.png").write_bytes(shot)
    browser.wear(None)


def look(browser, width):
    """A picture of the whole page at this width."""
    browser.widen(width)
    shot = browser.shoot()
    assert tf.io.decode_png(shot).shape[1] == width
    browser.call("Emulation.clearDeviceMetricsOverride")
    return shot
