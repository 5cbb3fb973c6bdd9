"""Texts with the slips of people who type."""

import unicodedata

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
# What belongs to the letter before it: marks, and what joins or hides.
_ATTACHED = ("Mn", "Mc", "Me", "Cf")


def mistype(text, share, random):
    """Mistypes letters: swaps two, drops one, doubles one, or hits a key beside it.

    Only letters that stand by themselves are touched: signs, digits and blanks stay, and so does a
    letter with combining marks, which would fall to another one. The first letter is not dropped,
    so no text is emptied. Keys beside each other are those of QWERTY; other scripts have the other
    three slips.

    Args:
        text: str.
        share: float in [0, 1], the chance of every letter.
        random: `numpy.random.Generator`; at a larger share mostly the same letters slip, and more.

    Returns:
        str.

    Example:
        >>> import numpy as np
        >>> mistype("a red circle", 0.3, np.random.default_rng(1))
        'a rsd icrccle'
    """
    draws = random.random((len(text), 3))
    letters = [_stands_alone(text, place) for place in range(len(text))]
    first, typed, place = letters.index(True) if any(letters) else None, [], 0
    while place < len(text):
        chance, slip, key = draws[place]
        if not letters[place] or chance >= share:
            typed.append(text[place])
            place += 1
            continue
        pair = text[place : place + 2] if all(letters[place : place + 2]) else text[place]
        slips = _slips(pair, key, place == first)
        found, used = slips[int(slip * len(slips))]
        typed.append(found)
        place += used
    return "".join(typed)


def _slips(pair, key, first):
    """What may come of a letter, and of the one behind it: `(text, letters used)`."""
    letter, slips = pair[0], [(pair[0] * 2, 1)]
    if len(pair) == 2:
        slips.append((pair[::-1], 2))
    if not first:
        slips.append(("", 1))
    keys = _NEIGHBOURS.get(letter.lower())
    if keys:
        beside = keys[int(key * len(keys))]
        slips.append((beside.upper() if letter.isupper() else beside, 1))
    return slips


def _stands_alone(text, place):
    behind = text[place + 1 : place + 2]
    return text[place].isalpha() and not (behind and unicodedata.category(behind) in _ATTACHED)


def _beside(row, place):
    """The keys left and right, and those above and below, of a key."""
    near = [(row, place - 1), (row, place + 1)]
    near += [(row - 1, place), (row - 1, place + 1), (row + 1, place - 1), (row + 1, place)]
    return [
        _ROWS[row][place]
        for row, place in near
        if 0 <= row < len(_ROWS) and 0 <= place < len(_ROWS[row])
    ]


_NEIGHBOURS = {
    letter: _beside(row, place)
    for row, keys in enumerate(_ROWS)
    for place, letter in enumerate(keys)
}
