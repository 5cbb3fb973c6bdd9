"""Tables of HTML."""

from html import escape


class Html(str):
    """A str that is HTML already, and is not escaped again."""


def as_html(value):
    """HTML of a value: `Html` as it is, anything else escaped.

    Example:
        >>> as_html("a < b"), as_html(Html("<b>a</b>"))
        ('a &lt; b', '<b>a</b>')
    """
    return value if isinstance(value, Html) else escape(str(value))


def write_table(head, rows, caption, numbers=()):
    """Writes a table, in a box of its own that scrolls where the page is narrow.

    Args:
        head: list of str, the names of the columns.
        rows: list of lists of cells, each a str, `Html` or a number; the first cell names the row.
        caption: str, what the table shows.
        numbers: the places of the columns that hold numbers, which stand to the right.

    Returns:
        str, HTML.
    """
    names = "".join(
        f'<th scope="col"{_kind(place, numbers)}>{as_html(name)}</th>'
        for place, name in enumerate(head)
    )
    lines = "\n".join(_row(row, numbers) for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">\n<table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{names}</tr></thead>\n"
        f"<tbody>\n{lines}\n</tbody>\n</table>\n</div>\n"
    )


def _row(row, numbers):
    first, *others = row
    cells = "".join(
        f"<td{_kind(place, numbers)}>{as_html(cell)}</td>"
        for place, cell in enumerate(others, start=1)
    )
    return f'<tr><th scope="row">{as_html(first)}</th>{cells}</tr>'


def _kind(place, numbers):
    return ' class="number"' if place in numbers else ""
