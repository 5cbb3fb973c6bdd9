"""What all figures share: axes without pyplot, colours, and names as they can be shown."""

import re

from fusionkeras._checks import argument_error, missing_package

# One colour and one kind of line a series, so that colour alone tells nothing. A page replaces them
# by its own for light and dark.
SERIES = ("#0b57d0", "#b45309", "#1a7f37", "#8250df", "#bf3989", "#57606a")
LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
_LONGEST, _SHORT = 22, 16
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def make_axes(ax=None, width=4.2, height=3.2, series=2):
    """Axes to draw on.

    Args:
        ax: Matplotlib `Axes`, which are taken as they are; None makes a `Figure` with new ones. It
            belongs to no window and not to pyplot, and needs no screen.
        width: float, in inches, of a new figure.
        height: float, in inches.
        series: int, how many have a name; more than two make a new figure higher.

    Returns:
        `Axes`.

    Raises:
        ImportError: where Matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_package("matplotlib", "Drawing", "'fusionkeras[report]'") from error
    size = width, height + 0.18 * max(series - 2, 0)
    axes = Figure(figsize=size, layout="constrained").add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    return axes


def name_axes(ax, title, x, y):
    """Writes the title and what the axes show; a `$` is a dollar, and no formula."""
    ax.set_title(shorten_name(title, 48), loc="left", fontsize=10, parse_math=False)
    ax.set_xlabel(shorten_name(x, 48), fontsize=9, parse_math=False)
    ax.set_ylabel(shorten_name(y, 48), fontsize=9, parse_math=False)
    return ax


def name_series(ax):
    """Adds a legend under the axes, where it covers nothing, if any series has a name."""
    names = ax.get_legend_handles_labels()[1]
    if names:
        place = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.2), "borderaxespad": 0}
        columns = 2 if max(map(len, names)) <= _SHORT else 1
        legend = ax.legend(fontsize=8, frameon=False, ncols=columns, **place)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return ax


def name_ticks(axis, places, names, **options):
    """Writes names at places of an axis, `ax.xaxis` or `ax.yaxis`."""
    axis.set_ticks(places, [shorten_name(name) for name in names], parse_math=False, **options)


def shorten_name(name, limit=_LONGEST):
    r"""A name as a figure can show it: in one line, cut where it is long.

    Example:
        >>> shorten_name("a\nb"), shorten_name("x" * 40, 5)
        ('a b', 'xxxx…')
    """
    name = _UNSHOWN.sub("\ufffd", " ".join(str(name).split()))
    return name if len(name) <= limit else f"{name[: limit - 1]}…"


def check_drawn(value, *kinds):
    """Raises unless what is to be drawn is of one of the classes `kinds`; returns it."""
    if isinstance(value, kinds):
        return value
    names = " or ".join(kind.__name__ for kind in kinds)
    raise argument_error(
        "This figure is for something else",
        f"a {names}",
        "Of several heads, pass the report of one: report['price'].",
        TypeError,
        received=type(value).__name__,
    )
