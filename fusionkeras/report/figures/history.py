"""How a training went."""

import math
import os

from fusionkeras._checks import check_choice
from fusionkeras.report.figures.drawing import LINES, SERIES, make_axes, name_axes, name_series

_PARTS = (("training", ""), ("validation", "val_"))


def plot_history(history, metric="loss", ax=None):
    """Draws a metric of the training and validation rows, epoch by epoch.

    Args:
        history: what `fit` returns; its `.history`, a dict of `{metric: list of float}`; a
            DataFrame; or the path of the `history.csv` of a RUN.
        metric: str, such as "loss" or "accuracy".
        ax: Matplotlib `Axes` to draw on; None makes a figure, which is `.figure` of what is
            returned.

    Returns:
        Matplotlib `Axes`.

    Raises:
        ValueError: for a metric that was not recorded.

    Example:
        >>> ax = plot_history({"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]})
        >>> ax.get_ylabel(), len(ax.lines)
        ('loss', 2)
    """
    found = _of_metric(read_history(history), metric)
    ax = make_axes(ax)
    for place, (name, values) in enumerate(found.items()):
        epochs = range(1, len(values) + 1)
        style = {"color": SERIES[place], "linestyle": LINES[place], "label": name}
        ax.plot(epochs, values, marker="o", markersize=3, **style)
    ax.xaxis.get_major_locator().set_params(integer=True)
    name_axes(ax, f"{metric} by epoch", "epoch", metric)
    return name_series(ax)


def describe_history(history, metric="loss"):
    """The same in words.

    Example:
        >>> describe_history({"loss": [0.7, 0.5], "val_loss": [0.6, 0.7]})
        'loss over 2 epochs. training from 0.7000 to 0.5000; validation from 0.6000 to 0.7000,
        best in epoch 1.'
    """
    found = _of_metric(read_history(history), metric)
    best = min if "loss" in metric or metric.endswith(("mae", "mse", "error")) else max
    parts = []
    for name, values in found.items():
        part = f"{name} from {values[0]:.4f} to {values[-1]:.4f}"
        known = [value for value in values if not math.isnan(value)]
        if name == "validation" and known:
            part += f", best in epoch {values.index(best(known)) + 1}"
        parts.append(part)
    epochs = max(map(len, found.values()))
    return f"{metric} over {epochs} epoch{'s' if epochs > 1 else ''}. {'; '.join(parts)}."


def read_history(history):
    """Reads a history in any of its forms: `{metric: list of float}`."""
    import pandas as pd

    if isinstance(history, (str, os.PathLike)):
        history = pd.read_csv(history)
    history = getattr(history, "history", history)
    return {
        name: pd.to_numeric(pd.Series(list(values)), errors="coerce").astype(float).tolist()
        for name, values in dict(history).items()
    }


def _of_metric(history, metric):
    names = [name for name in history if name != "epoch" and not name.startswith("val_")]
    check_choice("metric of the history", names, metric=metric)
    return {name: history[mark + metric] for name, mark in _PARTS if mark + metric in history}
