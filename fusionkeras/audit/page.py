"""An audit as one page of HTML."""

import base64
import io
import warnings
from html import escape

from fusionkeras.audit.finding import counted
from fusionkeras.preprocessing.image import MAX_PIXELS

_THUMBNAIL = 96
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
       color: #1d1d1f; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 0; }
section { border-left: .3rem solid; padding: .2rem 0 .2rem 1rem; margin: 1.5rem 0; }
.error { border-color: #b3261e; } .warning { border-color: #b26a00; }
.info { border-color: #5f6b7a; }
.severity { font-size: .8rem; letter-spacing: .05em; text-transform: uppercase; color: #50555c; }
.detail { color: #50555c; } p { margin: .3rem 0; }
table { border-collapse: collapse; margin: .5rem 0; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
         border-top: 1px solid #ddd; overflow-wrap: anywhere; }
th:first-child, td:first-child { white-space: nowrap; }
img { max-width: 96px; max-height: 96px; display: block; } code { font-size: .85em; }
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
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>Audit</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Audit</h1>\n"
        f"<p>{escape(report.summary)}</p>\n<p>{escape(report.headline())}</p>\n"
        f"{sections}\n</body>\n</html>\n"
    )


def _section(finding, thumbnails):
    column = f" in {escape(finding.column)}" if finding.column else ""
    detail = f'<p class="detail">{escape(finding.detail)}</p>\n' if finding.detail else ""
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
    head = "".join(f"<th>{escape(name)}</th>" for name in ["row", *columns])
    lines = [
        f"<tr><td>{escape(str(place))}</td>"
        + "".join(f"<td>{thumbnails.cell(column, place)}</td>" for column in columns)
        + "</tr>\n"
        for place in finding.rows
    ]
    return f"<table>\n<tr>{head}</tr>\n{''.join(lines)}</table>\n"


class _Thumbnails:
    """Cells as HTML; each picture is made small once."""

    def __init__(self, files):
        self._files, self._made = files, {}

    def cell(self, column, place):
        """The HTML of one cell of a row."""
        text = place.cells.get(column, "")
        if column not in self._files or not text:
            return escape(text)
        if text not in self._made:
            self._made[text] = _data_uri(text)
        uri, name = self._made[text], f"<code>{escape(text)}</code>"
        return f'<img alt="" src="{uri}">{name}' if uri else name


def _data_uri(path):
    """A small PNG of a picture as a data: URI; "" where it cannot be shown."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's on damaged EXIF data and the like
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    return ""
                image.draft("RGB", (2 * _THUMBNAIL, 2 * _THUMBNAIL))
                small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((_THUMBNAIL, _THUMBNAIL))
        file = io.BytesIO()
        small.save(file, "PNG")
    except Exception:  # Pillow's decoders raise nearly anything on damaged files
        return ""
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
