"""What an audit finds: one kind of thing, how often, where, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

from fusionkeras._checks import check_choice

# error: rows are lost, or a figure will be wrong; warning: look at it; info: taken care of.
SEVERITIES = ("error", "warning", "info")
# Rows that a finding shows, and how much of a text they show.
FIRST_ROWS = 10
_MAX_TEXT = 300


class Place(NamedTuple):
    """One row of an input table.

    `table` is its name ("train", "validation" or "test"), `row` its number from 0, `split` where
    the row went ("" for the quarantine), `cells` what stands there, `{column: str}`, files as
    paths, texts cut after 300 characters.
    """

    table: str
    row: int
    split: str
    cells: dict

    def __str__(self):
        """Such as "train 7", or "train 7 (in test)" where the split is another."""
        where = f"{self.table} {self.row}"
        return where if self.split in ("", self.table) else f"{where} (in {self.split})"


@dataclass(frozen=True)
class Finding:
    """One kind of thing that is the matter with a table.

    Args:
        kind: str, a name that stays the same, such as "tiny_picture".
        severity: one of "error", "warning" and "info".
        count: int, in how many rows.
        share: float, `count` as a share of the rows that were looked at.
        rows: tuple of `Place`, the first ten.
        what_to_do: str, a sentence for people.
        detail: str, what else is known.
        column: str, the raw column or head; "" for whole rows and a single label.
    """

    kind: str
    severity: str
    count: int
    share: float
    rows: tuple
    what_to_do: str
    detail: str = ""
    column: str = ""

    def __post_init__(self):
        check_choice("severity", SEVERITIES, severity=self.severity)

    def as_dict(self):
        """The finding as plain values, for JSON."""
        return {**asdict(self), "rows": [place._asdict() for place in self.rows]}


def counted(number, noun, plural=None):
    """A number of things in words: "1 row", "2,000 rows"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def cut(text):
    """A text short enough to be shown."""
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]} ... ({len(text):,} characters)"
