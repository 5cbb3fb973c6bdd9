"""The ways to make cells worse."""

import dataclasses
import logging
import zlib
from collections.abc import Callable

import numpy as np

from fusionkeras._checks import argument_error, missing_package
from fusionkeras.evaluation.curves.pictures import add_noise, blur, compress
from fusionkeras.evaluation.curves.typos import mistype

_LOGGER = logging.getLogger("fusionkeras")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A way to make cells worse.

    Attributes:
        said: str, what its strength is.
        strengths: tuple of float, those that are measured by default; 0 leaves cells as they are.
        limit: float, the largest strength.
        of: "picture", "text" or "any", the columns that it is for.
        spoil: a function from a cell (bytes of a picture, or str), a strength above 0 and a
            `numpy.random.Generator` to a cell; None for what is not done to single cells.
    """

    said: str
    strengths: tuple
    limit: float
    of: str
    spoil: Callable | None = None


KINDS = {
    "noise": Kind(
        "standard deviation of noise, in grey levels",
        (0, 10, 20, 40, 80),
        255,
        "picture",
        add_noise,
    ),
    "blur": Kind("radius of blur, in pixels", (0, 1, 2, 4, 8), 1000, "picture", blur),
    "jpeg": Kind(
        "what the quality of JPEG lacks of 100", (0, 50, 80, 90, 95), 99, "picture", compress
    ),
    "typos": Kind("share of letters mistyped", (0, 0.05, 0.1, 0.2, 0.4), 1, "text", mistype),
    "missing": Kind("share of cells taken away", (0, 0.25, 0.5, 0.75, 1), 1, "any"),
}


def check_strengths(kind, strengths):
    """Raises ValueError unless they are strengths of a kind; returns them as a list of float."""
    limit = KINDS[kind].limit
    listed = list(strengths) if isinstance(strengths, (list, tuple, np.ndarray)) else []
    numbers = all(isinstance(strength, (int, float, np.number)) for strength in listed)
    if not listed or not numbers or not all(0 <= strength <= limit for strength in listed):
        raise argument_error(
            f"Wrong strengths of {kind!r}",
            f"a list of numbers in [0, {limit}], such as {list(KINDS[kind].strengths)}",
            **{kind: strengths},
        )
    return [float(strength) for strength in listed]


class Spoiler:
    """Makes the cells of one column worse, each by a draw of its own.

    The draw depends on the seed, the column and the place of the row alone, so neither batches nor
    other rows change it.

    Args:
        kind: str, a key of `KINDS`.
        column: str.
        strength: float.
        seed: int.
    """

    def __init__(self, kind, column, strength, seed):
        self.kind, self.column, self.strength = kind, column, strength
        self._seeds = [seed, zlib.crc32(column.encode())]
        self._refused = set()
        if KINDS[kind].of == "picture":
            _check_pillow()

    def __call__(self, places, cells):
        """Spoils some cells.

        Args:
            places: int array `(k,)`, the rows.
            cells: object array `(k,)` of bytes; empty ones stay.

        Returns:
            object array `(k,)` of bytes.
        """
        spoil = self._picture if KINDS[self.kind].of == "picture" else self._text
        spoilt = np.empty(len(cells), object)
        spoilt[:] = [
            spoil(place, cell) if cell else cell
            for place, cell in zip(places.tolist(), cells, strict=True)
        ]
        return spoilt

    def tell(self):
        """Says in the log how many pictures had to stay as they are."""
        if self._refused:
            _LOGGER.warning(
                "Pillow opens %d pictures of %r not, so %r leaves them as they are",
                len(self._refused),
                self.column,
                self.kind,
            )

    def _picture(self, place, content):
        try:
            return KINDS[self.kind].spoil(content, self.strength, self._random(place))
        except Exception:  # Pillow's decoders raise nearly anything on damaged files
            self._refused.add(place)
            return content

    def _text(self, place, content):
        text = content.decode("utf-8", "surrogateescape")  # what is no UTF-8 stays as it is
        spoilt = KINDS[self.kind].spoil(text, self.strength, self._random(place))
        return spoilt.encode("utf-8", "surrogateescape")

    def _random(self, place):
        return np.random.default_rng([*self._seeds, place])


def _check_pillow():
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise missing_package("pillow", "Making pictures worse", "pillow") from error
