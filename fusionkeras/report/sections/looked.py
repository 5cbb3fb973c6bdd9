"""What a model looked at in one row, as HTML and in words."""

import unicodedata
from html import escape

import numpy as np

from fusionkeras.explanation.explainer import LONGEST_WORD
from fusionkeras.pages.table import Html

_NAMED = 3
_WARM = np.array([255, 110, 0])
# Signs that are words of their own, without a blank between them.
_HAN = ((0x2E80, 0x303B), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


def colour_words(text, words, weights):
    """A text whose words are coloured by their weights, and the strongest of them in words.

    Args:
        text: str.
        words: list of str, as the model read them, in order; what is not found in the text as a
            whole word, such as a word without its accents, stays without colour.
        weights: float array `(words,)`.

    Returns:
        `Html`; "" where no word has a weight.

    Example:
        >>> colour_words("A red <dress>", ["a", "red"], np.array([0.0, 1.0])).partition("<br>")[0]
        'A <mark class="for" style="--much: 0.50">red</mark> &lt;dress&gt;'
    """
    most = np.max(np.abs(weights), initial=0)
    if not most > 0:
        return Html("")
    found, end, lower = [], 0, text.lower()
    lower = lower if len(lower) == len(text) else text
    for word, weight in zip(words, weights, strict=True):
        begin = _find(lower, word.lower(), end)
        if begin >= 0:
            found += [
                escape(text[end:begin]),
                _mark(text[begin : begin + len(word)], weight / most),
            ]
            end = begin + len(word)
    return Html(
        f'{"".join(found)}{escape(text[end:])}<br><span class="soft">{_tell(words, weights)}</span>'
    )


def _find(text, word, first):
    """Where a whole word begins, at `first` or behind it; -1 where it does not stand."""
    begin = text.find(word, first) if word else -1
    while begin >= 0:
        end = begin + len(word)
        ends = len(word) >= LONGEST_WORD or _parted(word[-1], text[end : end + 1])
        if ends and _parted(text[begin - 1 : begin], word[0]):
            return begin
        begin = text.find(word, begin + 1)
    return -1


def _parted(one, other):
    """Whether a word may end between two characters, of which one may be ""."""
    return not (_joins(one) and _joins(other))


def _joins(character):
    if not character or unicodedata.category(character)[0] not in "LMN":
        return False
    return not any(first <= ord(character) <= last for first, last in _HAN)


def _mark(word, share):
    if abs(share) < 0.02:
        return escape(word)
    kind = "for" if share > 0 else "against"
    return f'<mark class="{kind}" style="--much: {abs(share) / 2:.2f}">{escape(word)}</mark>'


def _tell(words, weights):
    """The strongest words for the answer and against it."""
    order = np.argsort(-np.abs(weights), kind="stable")[:_NAMED]
    named = ", ".join(f"{words[place]} {weights[place]:+.2f}" for place in order)
    return escape(f"Strongest: {named}")


def heat_picture(image, heat):
    """A picture in grey, on which warm colour shows where the heat is.

    Args:
        image: `PIL.Image.Image` in RGB.
        heat: float array `(height, width)`; what is below 0 is not shown.

    Returns:
        `PIL.Image.Image` of the same size.
    """
    from PIL import Image

    heat = np.maximum(heat, 0) / max(float(np.max(heat)), 1e-12)
    small = Image.fromarray(np.float32(heat))
    over = np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))[..., np.newaxis]
    grey = np.asarray(image.convert("L"), np.float32)[..., np.newaxis]
    mixed = grey * (1 - 0.75 * over) + _WARM * 0.75 * over
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def describe_heat(heat):
    """Where the heat is, in words.

    Example:
        >>> describe_heat(np.eye(3))
        'hottest at the top left; half of the heat on 22 % of the picture'
    """
    heat = np.maximum(heat, 0)
    if not heat.any():
        return "nothing speaks for the answer"
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    down = ("top", "middle", "bottom")[3 * row // len(heat)]
    across = ("left", "centre", "right")[3 * column // heat.shape[1]]
    where = "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"
    spread = np.cumsum(np.sort(heat, axis=None)[::-1])
    half = (np.searchsorted(spread, spread[-1] / 2) + 1) / heat.size
    return f"hottest at the {where}; half of the heat on {half:.0%} of the picture".replace(
        "%", " %"
    )


def write_shares(why, row):
    """The share of each branch in the score of one row, as bars and in numbers.

    Args:
        why: `Explanation`.
        row: int.

    Returns:
        str, HTML.
    """
    shares = {name: float(own[row]) for name, own in why.shapley.items()}
    most = max(map(abs, shares.values())) or 1
    bars = "".join(_bar(name, share, most) for name, share in shares.items())
    of = f" of {why.classes[row]}" if why.classes[row] is not None else ""
    told = f"Score{of} {why.scores[row]:+.2f}; {why.baseline[row]:+.2f} where all is absent."
    return f'<ul class="shares">{bars}</ul>\n<p class="soft">{escape(told)}</p>\n'


def _bar(name, share, most):
    kind, width = "for" if share > 0 else "against", 100 * abs(share) / most
    bar = f'<i class="{kind}" style="width: {width:.0f}%"></i>'
    return f"<li><span>{escape(name)} {share:+.2f}</span>{bar}</li>"
