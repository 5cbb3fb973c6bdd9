"""A report as one page of HTML."""

from html import escape

from fusionkeras.pages.document import write_document
from fusionkeras.report.sections.data import write_data
from fusionkeras.report.sections.errors import write_errors
from fusionkeras.report.sections.helps import write_helps
from fusionkeras.report.sections.left_out import write_left_out
from fusionkeras.report.sections.measured import write_measured
from fusionkeras.report.sections.short import write_short
from fusionkeras.report.sections.training import write_training
from fusionkeras.report.style import STYLE
from fusionkeras.report.svg import Figures
from fusionkeras.version import __version__

# What stands in the page, in order: a heading, and a function from a `Subject` and `Figures` to the
# HTML under it.
SECTIONS = {
    "In short": write_short,
    "Data": write_data,
    "Training": write_training,
    "What helps": write_helps,
    "How good it is": write_measured,
    "Errors": write_errors,
    "Left out": write_left_out,
}


def write_report(subject):
    """Writes a report.

    Args:
        subject: `Subject`.

    Returns:
        str, HTML that loads nothing from elsewhere and runs nothing.
    """
    figures = Figures()
    sections = {title: write(subject, figures) for title, write in SECTIONS.items()}
    main = "".join(_section(title, inside) for title, inside in sections.items())
    links = "".join(f'<li><a href="#{_key(title)}">{title}</a></li>' for title in sections)
    body = (
        '<a class="skip" href="#main">To the report</a>\n'
        f"<header><h1>{escape(subject.model)} on {escape(subject.source)}</h1>\n"
        f'<nav aria-label="Contents"><ul>{links}</ul></nav></header>\n'
        f'<main id="main" tabindex="-1">\n{main}</main>\n'
        f'<footer class="soft">Written by fusionkeras {__version__}</footer>'
    )
    return write_document(f"{subject.model} on {subject.source}", body, STYLE)


def _section(title, inside):
    key = _key(title)
    return (
        f'<section id="{key}" aria-labelledby="{key}-title">\n'
        f'<h2 id="{key}-title">{title}</h2>\n{inside}</section>\n'
    )


def _key(title):
    return title.lower().replace(" ", "-")
