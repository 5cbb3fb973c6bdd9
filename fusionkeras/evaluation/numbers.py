"""How the reports write their numbers."""

import math


def as_json(pairs):
    """`(name, number)` pairs as a dict that `json.dumps` takes: NaN becomes None."""
    return {name: None if math.isnan(number) else number for name, number in pairs}


def line_of(report, names):
    """One readable line of the numbers of a report, `{what is shown: attribute}`, and its rows."""
    shown = [f"{label} {getattr(report, name):.4f}" for label, name in names.items()]
    return "   ".join([*shown, f"rows {report.rows}"])


def matrix_lines(class_names, confusion):
    """A confusion matrix as lines of text: true class down, predicted class across."""
    width = max(len("macro average"), *map(len, class_names)) + 4
    cell = max(5, len(str(confusion.max())) + 1)
    header = "".join(f"{f'#{i}':>{cell}}" for i in range(len(class_names)))
    rows = [
        f"{f'#{i} {name}':{width}}" + "".join(f"{count:{cell}d}" for count in counts)
        for i, (name, counts) in enumerate(zip(class_names, confusion, strict=True))
    ]
    return [" " * width + header, *rows]
