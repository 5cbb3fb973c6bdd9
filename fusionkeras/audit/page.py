"""An audit as one page of HTML."""

from html import escape

from fusionkeras.audit.finding import counted
from fusionkeras.pages.document import write_document
from fusionkeras.pages.pictures import data_uri, open_small
from fusionkeras.pages.table import Html, write_table

_THUMBNAIL = 96
_STYLE = """
section { border-left: .3rem solid; padding: .2rem 0 .2rem 1rem; margin: 1.5rem 0; }
.error { border-color: var(--bad); } .warning { border-color: var(--warn); }
.info { border-color: var(--info); }
.severity { font-size: .8rem; letter-spacing: .05em; text-transform: uppercase;
            color: var(--soft); }
tbody th { white-space: nowrap; }
img { max-width: 96px; max-height: 96px; }
"""


def write_page(report):
    """Writes the page.

    Args:
        report: `AuditReport`.

    Returns:
        str, HTML that loads nothing from elsewhere and runs nothing.
    """
    thumbnails = _Thumbnails(report.files)
    sections = "\n".join(_section(finding, thumbnails) for finding in report.findings)
    body = (
        f"<main>\n<h1>Audit</h1>\n<p>{escape(report.summary)}</p>\n"
        f"<p>{escape(report.headline())}</p>\n{sections}\n</main>"
    )
    return write_document("Audit", body, _STYLE)


def _section(finding, thumbnails):
    column = f" in {escape(finding.column)}" if finding.column else ""
    detail = f'<p class="soft">{escape(finding.detail)}</p>\n' if finding.detail else ""
    return (
        f'<section class="{finding.severity}">\n<p class="severity">{finding.severity}</p>\n'
        f"<h2>{escape(finding.kind.replace('_', ' '))}{column}: {counted(finding.count, 'row')} "
        f"({finding.share:.1%})</h2>\n{detail}<p>{escape(finding.what_to_do)}</p>\n"
        f"{_rows(finding, thumbnails)}</section>"
    )


def _rows(finding, thumbnails):
    if not finding.rows:
        return ""
    columns = list(dict.fromkeys(column for place in finding.rows for column in place.cells))
    rows = [
        [str(place), *(thumbnails.cell(column, place) for column in columns)]
        for place in finding.rows
    ]
    return write_table(["row", *columns], rows, f"{finding.kind.replace('_', ' ')}: first rows")


class _Thumbnails:
    """Cells as HTML; each picture is made small once."""

    def __init__(self, files):
        self._files, self._made = files, {}

    def cell(self, column, place):
        """The HTML of one cell of a row."""
        text = place.cells.get(column, "")
        if column not in self._files or not text:
            return text
        if text not in self._made:
            small = open_small(text, _THUMBNAIL)
            self._made[text] = small and data_uri(small, "PNG")
        uri, name = self._made[text], f"<code>{escape(text)}</code>"
        return Html(f'<img alt="" src="{uri}">{name}' if uri else name)
