"""What the sections share: headings, paragraphs, names."""

from html import escape

from fusionkeras.pages.table import as_html

_SHOWN = {
    "f1_macro": "macro F1", "f1_micro": "micro F1", "roc_auc": "ROC AUC", "mae": "MAE",
    "rmse": "RMSE", "r2": "R2", "log_loss": "log loss", "kappa": "quadratic kappa",
    "average_precision": "average precision", "exact_match": "exact match",
}  # fmt: skip


def paragraph(text, soft=False):
    """A paragraph of text, or of `Html`."""
    kind = ' class="soft"' if soft else ""
    return f"<p{kind}>{as_html(text)}</p>\n"


def heading(text):
    """A heading within a section."""
    return f"<h3>{as_html(text)}</h3>\n"


def folded(summary, inside):
    """HTML that is shown when its summary is pressed."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n{inside}</details>\n"


def of_head(head, text):
    """A text, with the name of the head ahead of it where there are several."""
    return f"{head}: {text}" if head else text


def shown_metric(name):
    """A metric as people write it."""
    return _SHOWN.get(name, name.replace("_", " "))


def counted(count, noun):
    """Such as "1 row" and "1,234 rows"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
