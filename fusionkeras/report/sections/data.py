"""What is in the table."""

from collections import Counter

import numpy as np

from fusionkeras.data.targets import is_labelled
from fusionkeras.pages.table import write_table
from fusionkeras.report.sections.writing import counted, folded, of_head, paragraph

_MOST_CLASSES = 12


def write_data(subject, figures):
    """How many rows there are, what their columns hold, how the classes are spread."""
    table, judged = subject.table, int(subject.judged.sum())
    rows = f"{subject.source}: {counted(len(table), 'row')}, of which {judged:,} are measured"
    left = len(table) - judged
    rows += f"; {counted(left, 'row')} left out, see Left out." if left else "."
    parts = [paragraph(rows), _columns(table), *_heads(table), _split(subject.files)]
    return "".join(parts)


def _columns(table):
    rows = [_column(key, cells, key in table.files) for key, cells in table.columns.items()]
    caption = "Columns that the model reads"
    return write_table(["column", "holds", "filled", "different", "length"], rows, caption, (2, 3))


def _column(key, cells, files):
    filled = [cell for cell in cells if cell]
    holds, length = "pictures" if files else "texts", ""
    if filled and not files:
        words = [len(cell.split()) for cell in filled]
        length = f"median {np.median(words):.0f}, longest {max(words):,} words"
    return [key, holds, f"{len(filled):,}", f"{len(set(filled)):,}", length]


def _heads(table):
    for head, (task, labels, names) in table.heads().items():
        known = labels[is_labelled(labels, task)]
        if not len(known):
            continue
        if task == "regression":
            low, middle, high = np.quantile(known, [0, 0.5, 1])
            text = f"Values from {low:.4g} to {high:.4g}, median {middle:.4g}."
            yield paragraph(of_head(head, text))
        else:
            yield _classes(head, known, names)


def _classes(head, labels, names):
    rows = len(labels)
    counts = labels.sum(axis=0) if labels.ndim == 2 else np.bincount(labels, minlength=len(names))
    most = np.argsort(-counts, kind="stable")[:_MOST_CLASSES]
    cells = [[names[place], f"{counts[place]:,.0f}", f"{counts[place] / rows:.1%}"]
             for place in most]  # fmt: skip
    kind = "Labels" if labels.ndim == 2 else "Classes"
    caption = of_head(head, f"{kind} of the rows that have one")
    if len(names) > _MOST_CLASSES:
        caption += f", the {_MOST_CLASSES} most frequent of {len(names):,}"
    return write_table(["label", "rows", "share"], cells, caption, (1, 2))


def _split(files):
    """The split of the training, where a RUN tells it."""
    split = files.get("config", {}).get("split")
    if not split:
        return ""
    rows = [[key, _plain(value)] for key, value in split.items() if value not in (None, {}, [])]
    table = write_table(["what", "how"], rows, "The split of the table that was trained on")
    return folded("How the training split its table", table)


def _plain(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(own)}" for key, own in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def count_reasons(statuses):
    """What is the matter with rows, in words: "3 missing_file, 1 empty"."""
    counts = Counter(statuses).most_common()
    return ", ".join(f"{count:,} {reason}" for reason, count in counts)
