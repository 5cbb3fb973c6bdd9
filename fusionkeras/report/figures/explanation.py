"""Why a model answered so, in one row."""

import numpy as np

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.explanation import Explanation
from fusionkeras.report.figures.drawing import (
    SERIES,
    check_drawn,
    make_axes,
    name_axes,
    name_ticks,
)


def plot_explanation(explanation, row=0, branch=None, picture=None, ax=None):
    """Draws what is said of one row: the share of each branch, a heat map, or weights of words.

    Args:
        explanation: `Explanation`, what `explain` returns.
        row: int, which of its rows.
        branch: str: of a picture its heat map is drawn, of a text the weights of its words. None
            draws the Shapley values of all branches.
        picture: array `(height, width, 3)` or a path: what the heat map is laid over.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`.

    Raises:
        ValueError: for a row that is not there, or a branch of which only its share is known.

    Example:
        >>> numbers = np.zeros(1, "float32")
        >>> shares = {"image": numbers + 0.5, "text": numbers - 0.2}
        >>> found = Explanation(["dog"], numbers + 0.3, numbers, shares, {}, {}, {}, {}, {})
        >>> ax = plot_explanation(found)
        >>> ax.get_title(loc="left"), [label.get_text() for label in ax.get_yticklabels()]
        ('What speaks for dog', ['image', 'text'])
    """
    check_drawn(explanation, Explanation)
    if not -len(explanation) <= row < len(explanation):
        raise argument_error("There is no such row", f"one below {len(explanation)}", row=row)
    said = explanation.classes[row]
    title = "What moves the value" if said is None else f"What speaks for {said}"
    if branch is None:
        shares = {name: float(own[row]) for name, own in explanation.shapley.items()}
        return _bars(list(shares), list(shares.values()), title, ax)
    known = [*explanation.heat, *explanation.weights]
    check_choice("branch with a heat map or words", known, branch=branch)
    if branch in explanation.weights:
        weights = explanation.weights[branch][row]
        return _bars(explanation.words[branch][row], weights, title, ax)
    return _heat(explanation, row, branch, picture, title, ax)


def _bars(names, values, title, ax):
    ax = make_axes(ax, 4.2, 0.9 + 0.24 * max(len(names), 1))
    places = np.arange(len(names))
    ax.barh(places, values, color=[SERIES[1] if value > 0 else SERIES[0] for value in values])
    ax.axvline(0, color="black", linewidth=0.8)
    name_ticks(ax.yaxis, places, names)
    ax.set_ylim(max(len(names), 1) - 0.5, -0.5)
    return name_axes(ax, title, "log odds, or units of the value", "")


def _heat(explanation, row, branch, picture, title, ax):
    ax, heat = make_axes(ax), explanation.heat[branch][row]
    extent = (0, heat.shape[1], heat.shape[0], 0)
    if picture is not None:
        pixels = _pixels(picture)
        extent = (0, pixels.shape[1], pixels.shape[0], 0)
        ax.imshow(pixels, extent=extent)
    most = max(float(np.abs(heat).max()), 1e-12)
    style = {"cmap": "PuOr_r", "vmin": -most, "vmax": most, "interpolation": "bilinear"}
    ax.imshow(heat, extent=extent, alpha=np.abs(heat) / most, **style)
    ax.set_axis_off()
    return name_axes(ax, title, "", "")


def _pixels(picture):
    if isinstance(picture, (np.ndarray, list)) or hasattr(picture, "numpy"):
        pixels = np.asarray(picture)
        return pixels if pixels.dtype == np.uint8 else np.clip(pixels, 0, 255).astype(np.uint8)
    from PIL import Image

    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB"))
