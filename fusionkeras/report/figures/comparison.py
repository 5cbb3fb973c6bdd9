"""Each branch alone against every fusion."""

import numpy as np

from fusionkeras.evaluation import Comparison
from fusionkeras.report.figures.drawing import (
    SERIES,
    check_drawn,
    make_axes,
    name_axes,
    name_ticks,
)


def plot_comparison(comparison, ax=None):
    """Draws the leaderboard: each candidate with its interval, best first on the test rows.

    Args:
        comparison: `Comparison`, what `compare` returns.
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`. Branches alone are drawn as squares, fusions as circles, the winner on
        the validation rows filled. The letters behind the names are those of the leaderboard:
        candidates that share one cannot be told apart.
    """
    frame = check_drawn(comparison, Comparison).leaderboard()
    metric, names = comparison.metric.name, frame["candidate"].tolist()
    ax = make_axes(ax, 4.2, 0.9 + 0.24 * len(names))
    places = np.arange(len(names))
    ax.hlines(places, frame["low"], frame["high"], color=SERIES[5], linewidth=1.2)
    for place, (name, value) in enumerate(zip(names, frame[metric], strict=True)):
        alone = name in comparison.alone
        ax.plot(
            value,
            place,
            "s" if alone else "o",
            color=SERIES[1 if alone else 0],
            fillstyle="full" if name == comparison.winner else "none",
        )
    name_ticks(ax.yaxis, places, [f"{x} {y}" for x, y in zip(names, frame["group"], strict=True)])
    ax.set_ylim(len(names) - 0.5, -0.5)
    return name_axes(ax, f"{metric} of each candidate, 95 %", metric, "")
