"""What an audit found, for people and for programs."""

import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fusionkeras.audit.finding import SEVERITIES, counted

_WIDTH = 100


@dataclass(frozen=True)
class AuditReport:
    """All findings of an audit, the worst first; printed, it is a table.

    Args:
        findings: tuple of `Finding`.
        summary: str, one line that accounts for every row.
        files: tuple of str, the columns whose cells are files.
    """

    findings: tuple
    summary: str
    files: tuple = ()

    def as_dict(self):
        """The report as plain values, for JSON: `summary` and `findings`."""
        return {
            "summary": self.summary,
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def headline(self):
        """How many findings there are, in words: "2 errors, 1 warning"."""
        counts = Counter(finding.severity for finding in self.findings)
        nouns = dict(zip(SEVERITIES, ("error", "warning", "note"), strict=True))
        parts = [
            f"{counts[severity]} {noun}{'s' if counts[severity] > 1 else ''}"
            for severity, noun in nouns.items()
            if counts[severity]
        ]
        return ", ".join(parts) or "nothing found"

    def __str__(self):
        blocks = [f"{self.summary}\n{self.headline()}", *map(_block, self.findings)]
        return "\n\n".join(blocks)

    def to_html(self, path):
        """Writes the report as one page that needs no network, with small pictures in it.

        Args:
            path: str or path, the file.
        """
        from fusionkeras.audit.page import write_page

        Path(path).write_text(write_page(self), "utf-8")


def _block(finding):
    column = f" in {finding.column}" if finding.column else ""
    count = f"{counted(finding.count, 'row')} ({finding.share:.1%})"
    head = f"{finding.severity:8} {finding.kind}{column}: {count}"
    where = ", ".join(map(str, finding.rows))
    more = ", ..." if len(finding.rows) < finding.count else ""
    lines = [f"rows: {where}{more}" if where else "", finding.detail, finding.what_to_do]
    return "\n".join([head, *(_indent(line) for line in lines if line)])


def _indent(text):
    indent = " " * 9
    return textwrap.fill(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
