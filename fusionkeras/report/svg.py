"""A figure as SVG within a page: its colours are those of the page, light or dark."""

import io
import itertools
import re
import warnings
import xml.etree.ElementTree as ElementTree

from fusionkeras.report.figures.drawing import SERIES

_COLOURS = {"#000000": "currentColor"} | {
    colour: f"var(--series-{place})" for place, colour in enumerate(SERIES)
}
_HEX = re.compile("#[0-9a-f]{6}")
_FONT = re.compile(r"font-family: [^;]*;? ?")
_REFERENCE = re.compile(r"(?<=#)\w+")


class Figures:
    """Writes the figures of one page; no two of them share an id."""

    def __init__(self):
        self._numbers = itertools.count(1)

    def write(self, ax, title, description):
        """Writes one figure.

        Args:
            ax: Matplotlib `Axes`.
            title: str, what a screen reader calls it.
            description: str, what it shows, in words and numbers.

        Returns:
            str, HTML of a `<figure>`.
        """
        name = f"figure-{next(self._numbers)}"
        root = ElementTree.fromstring(_draw(ax.figure))
        _strip(root, name)
        root.attrib = {
            "viewBox": root.get("viewBox"),
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-desc",
        }
        for tag, text in (("desc", description), ("title", title)):
            element = ElementTree.Element(tag, id=f"{name}-{tag}")
            element.text = text
            root.insert(0, element)
        svg = ElementTree.tostring(root, encoding="unicode")
        return f"<figure>{svg}</figure>\n"


def _draw(figure):
    import matplotlib

    file = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": "fusionkeras"}
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The browser writes the text: it has fonts for what Matplotlib's lacks.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure.draw_without_rendering()  # the layout of a single pass does not know its last ticks
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return file.getvalue()


def _strip(root, name):
    """Takes out name spaces, style sheets and fonts; makes ids and colours those of the page."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            key.rpartition("}")[2]: _attribute(key, value, name)
            for key, value in element.attrib.items()
            if key != "id" or element.tag in ("path", "clipPath")
        }
        for style in [child for child in element if child.tag.endswith("}style")]:
            element.remove(style)
        element.tail = None
        if element.tag != "text":
            element.text = None


def _attribute(key, value, name):
    if key == "id":
        return f"{name}-{value}"
    if key == "clip-path" or key.endswith("}href"):
        return _REFERENCE.sub(lambda found: f"{name}-{found[0]}", value)
    if key == "style":
        return _HEX.sub(lambda found: _COLOURS.get(found[0], found[0]), _FONT.sub("", value))
    return " ".join(value.split())
