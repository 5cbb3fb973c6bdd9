"""A whole page."""

from html import escape

from fusionkeras.pages.style import STYLE

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_document(title, body, style=""):
    """Writes a page.

    Args:
        title: str.
        body: str, HTML, what stands in `<body>`.
        style: str, what is added to the style sheet that all pages share.

    Returns:
        str, HTML that loads nothing from elsewhere and runs nothing.

    Example:
        >>> write_document("A & B", "<main></main>").splitlines()[0]
        '<!DOCTYPE html>'
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
