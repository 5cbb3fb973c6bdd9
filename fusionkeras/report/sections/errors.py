"""The most confident errors, each with what the model read and looked at."""

from fusionkeras.explanation import explain
from fusionkeras.pages.pictures import data_uri, open_small
from fusionkeras.pages.table import Html, as_html
from fusionkeras.report.mistakes import find_mistakes
from fusionkeras.report.sections.looked import (
    colour_words,
    describe_heat,
    heat_picture,
    write_shares,
)
from fusionkeras.report.sections.writing import counted, heading, paragraph

_SIDE = 224
_LONGEST = 600
_OF_WORDS = (
    "Words that speak for the answer stand on a warm ground with a line under them, those against "
    "it on a cool one with dots; the stronger, the more. Weights of words are of integrated "
    "gradients. "
)
_OF_PICTURES = (
    "Heat maps are of integrated gradients; they show what speaks for the answer, and nothing of "
    "what speaks against it. "
)
_OF_SHARES = (
    "Shares of the columns are exact Shapley values. All is in log odds of the answer (of a "
    "regression in its units)."
)


def write_errors(subject, figures):
    """Head by head: the rows that are wrong, the most confident first."""
    return "".join(_of_head(subject, head, report) for head, report in subject.reports.items())


def _of_head(subject, head, report):
    mistakes, count = find_mistakes(report, subject.errors)
    title = heading(head) if head else ""
    if not mistakes:
        return title + paragraph("No row is wrong." if not count else "No error is shown.")
    places = subject.places(head)[[mistake.place for mistake in mistakes]]
    table = subject.table.take(places)
    why, problem = _explain(subject.loaded, table, head)
    shown = counted(len(mistakes), "row")
    told = f"{shown} of {counted(count, 'wrong one')}, the most confident first."
    items = "".join(
        f"<li>{_error(mistake, table, row, why)}</li>\n" for row, mistake in enumerate(mistakes)
    )
    note = _note(why) if why is not None else f"There is no explanation of the answers: {problem}"
    return (
        f'{title}{paragraph(told)}{paragraph(note, soft=True)}<ul class="errors">\n{items}</ul>\n'
    )


def _note(why):
    """How to read what stands at the rows: of words and pictures only where there are such."""
    return (_OF_WORDS if why.words else "") + (_OF_PICTURES if why.heat else "") + _OF_SHARES


def _explain(loaded, table, head):
    """`(Explanation, "")`, or None and why there is none."""
    try:
        return explain(loaded, table, head=head or None), ""
    except (TypeError, ValueError) as error:
        if not hasattr(error, "is_argument_error"):
            raise
        return None, str(error)


def _error(mistake, table, row, why):
    name = f"Row {table.rows[row]:,}"
    said = f"Said: {mistake.said} ({mistake.sure}). True: {mistake.true}."
    parts = [heading(name), paragraph(said)]
    for key, cells in table.columns.items():
        cell = cells[row]
        if not cell:
            parts.append(paragraph(f"{key}: absent", soft=True))
        elif key in table.files:
            parts.append(_picture(f"{key} of row {table.rows[row]:,}", key, cell, row, why))
        else:
            parts.append(_text(key, cell, row, why))
    return "".join([*parts, "" if why is None else write_shares(why, row)])


def _picture(name, key, path, row, why):
    small = open_small(path, _SIDE)
    file = f'<p class="soft"><code>{as_html(path.rpartition("/")[2])}</code></p>\n'
    if small is None:
        return file + paragraph(f"{name} cannot be shown", soft=True)
    pictures = _image(small, name)
    if why is not None and key in why.heat and why.heat[key][row].any():
        heat = why.heat[key][row]
        pictures += _image(heat_picture(small, heat), f"Heat map of {name}: {describe_heat(heat)}")
    return f'<div class="pictures">{pictures}</div>\n{file}'


def _image(image, alt):
    size = f'width="{image.width}" height="{image.height}"'
    return f'<img {size} alt="{as_html(alt)}" src="{data_uri(image)}">'


def _text(key, text, row, why):
    words = Html("")
    if why is not None and key in why.words:
        words = colour_words(text[:_LONGEST], why.words[key][row], why.weights[key][row])
    shown = words or as_html(text[:_LONGEST])
    more = " …" if len(text) > _LONGEST else ""
    return f'<p class="words" dir="auto">{shown}{more}</p>\n'
