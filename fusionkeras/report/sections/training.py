"""How the model was trained."""

from fusionkeras.pages.table import write_table
from fusionkeras.report.figures.history import describe_history, plot_history, read_history
from fusionkeras.report.sections.writing import folded, paragraph, shown_metric

_CURVES = 4


def write_training(subject, figures):
    """The curves of the training, its metrics by split, its options."""
    history, files = subject.files.get("history"), subject.files
    if history is None and not files.get("config"):
        lacking = "Nothing is known of the training: it stands in a RUN, not in the model alone."
        return paragraph(lacking, soft=True)
    return _curves(history, figures) + _splits(files) + _options(files)


def _curves(history, figures):
    if history is None or not len(history):
        return paragraph("The RUN has no history.csv.", soft=True)
    history = read_history(history)
    names = [name for name in history if name != "epoch" and not name.startswith("val_")]
    names = [name for name in names if name != "learning_rate"]
    names.sort(key=lambda name: (name != "loss", not name.endswith("accuracy")))
    drawn = [
        figures.write(plot_history(history, name), name, describe_history(history, name))
        for name in names[:_CURVES]
    ]
    return f'<div class="figures">{"".join(drawn)}</div>\n'


def _splits(files):
    """The metrics of a single head, split by split."""
    metrics = files.get("metrics") or {}
    flat = {split: _flat(own) for split, own in metrics.items() if isinstance(own, dict)}
    names = list(dict.fromkeys(name for own in flat.values() for name in own))
    if not names:
        return ""
    rows = [[split, *(_number(own.get(name)) for name in names)] for split, own in flat.items()]
    head = ["split", *map(shown_metric, names)]
    return write_table(head, rows, "Metrics at the end of the training", range(1, len(head)))


def _flat(metrics):
    """Metrics of several heads by the names of head and metric."""
    found = {}
    for name, value in metrics.items():
        inside = value.items() if isinstance(value, dict) else ()
        found |= {f"{name} {own}": one for own, one in inside} or {name: value}
    return found


def _number(value):
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _options(files):
    config = files.get("config") or {}
    said = {**config.get("options", {}), **config.get("versions", {})}
    rows = [
        [name.replace("_", " "), str(value)]
        for name, value in said.items()
        if value not in (None, False, [], {}, "none")
    ]
    if not rows:
        return ""
    table = write_table(["option", "value"], rows, "Options and versions")
    return folded("Options and versions of the training", table)
