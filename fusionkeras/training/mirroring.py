"""Pictures that are mirrored while their texts tell left from right."""

import logging
import re

import keras

from fusionkeras.training.frozen.tracing import layers_of

_LOGGER = logging.getLogger("fusionkeras")
# English, German and Dutch, French, Spanish, Portuguese, Italian, Polish, Russian.
SIDES = (
    *("left", "leftmost", "right", "rightmost"),
    *("links", "rechts", "linke", "linken", "linker", "linkes", "rechte", "rechten", "rechter"),
    *("rechtes", "gauche", "droite", "izquierda", "izquierdo", "derecha", "derecho"),
    *("esquerda", "esquerdo", "direita", "direito", "sinistra", "sinistro", "destra", "destro"),
    *("lewo", "lewa", "lewy", "lewej", "prawo", "prawa", "prawy", "prawej"),
    *("слева", "справа", "налево", "направо", "левый", "правый", "левая", "правая"),
)
_TELLS_SIDES = re.compile(rf"\b({'|'.join(SIDES)})\b|[左右]", re.IGNORECASE)


def warn_of_mirroring(model, source):
    """Logs a warning where a model mirrors pictures and texts of a table tell left from right.

    The words are `SIDES`, and the Chinese and Japanese signs for them. Many a text says "right" in
    another sense, so nothing is refused.

    Args:
        model: `keras.Model`.
        source: `Source` of the data that it is trained on.
    """
    if not any(map(_mirrors, layers_of(model))):
        return
    table = source.table
    for column in source.preprocessor.columns:
        if column in table.files:
            continue
        places = [place for place, cell in enumerate(table.columns[column]) if tells_sides(cell)]
        if places:
            row, cell = table.rows[places[0]], table.columns[column][places[0]]
            _LOGGER.warning(
                "Pictures are mirrored, and %s of %s texts in %r tell left from right, such as "
                "row %s: %.80r. Leave RandomFlip out of augment=, or mirror vertically.",
                f"{len(places):,}",
                f"{len(table):,}",
                column,
                row,
                cell,
            )


def tells_sides(text):
    """Whether a text holds a word for left or right.

    Example:
        >>> tells_sides("The LEFT shoe"), tells_sides("A leftover"), tells_sides("左の靴")
        (True, False, True)
    """
    return _TELLS_SIDES.search(text) is not None


def _mirrors(layer):
    return isinstance(layer, keras.layers.RandomFlip) and layer.mode != "vertical"
