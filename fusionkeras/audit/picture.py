"""One picture looked at, at a small size."""

import hashlib
import io
import os

import numpy as np

from fusionkeras.data.pictures.pillow import (
    AS_IT_IS,
    eight_bits,
    form_of,
    orientation_of,
    said_orientation,
    turned,
)
from fusionkeras.preprocessing.image import MAX_PIXELS

# JPEGs are decoded straight to about this size, which is enough for what is asked here.
_SIDE = 64
# A picture whose every channel stays within so many grey levels is of one colour.
ONE_COLOUR = 2
_ENDINGS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".gif": "GIF",
    ".bmp": "BMP", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".heic": "HEIC",
}  # fmt: skip
# What is kept of a picture: 64 bits of the SHA-256 of its bytes (`digest`), its perceptual hash
# (`near`), and what is odd about it. Only the digest stands where Pillow refuses it. Looks are
# remembered: whoever changes what is in them gives them a new version.
LOOK = np.dtype(
    [
        ("opened", bool),
        ("digest", np.uint64),
        ("near", np.uint64),
        ("smaller_side", np.int32),
        ("one_colour", bool),
        ("rotated", bool),  # as the EXIF data of a JPEG say, which is applied
        ("turned_otherwise", bool),  # as other formats, or XMP, say, which is not
        ("animated", bool),
        ("other_ending", bool),
    ]
)


def look_at(path):
    """Looks at one file, and never fails.

    Args:
        path: str.

    Returns:
        array `()` of `LOOK`.
    """
    look = np.zeros((), LOOK)
    try:
        with open(path, "rb") as file:
            content = file.read()
        look["digest"] = int.from_bytes(hashlib.sha256(content).digest()[:8])
        _fill(look, content, os.path.splitext(path)[1].lower())
    except Exception:  # Pillow's decoders raise nearly anything on damaged files
        look["opened"] = False
    return look


def _fill(look, content, ending):
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        if image.width * image.height > MAX_PIXELS:
            return
        form, orientation = form_of(image), orientation_of(image)
        look["smaller_side"] = min(image.size)
        look["animated"] = form != "JPEG" and getattr(image, "is_animated", False)
        look["rotated"] = orientation != AS_IT_IS
        said = said_orientation(image)
        look["turned_otherwise"] = said in range(2, 9) and said != orientation
        look["other_ending"] = _ENDINGS.get(ending, form) != form
        image.draft("RGB", (_SIDE, _SIDE))
        pixels = eight_bits(image)
        spread = max(high - low for low, high in pixels.getextrema())
        look["one_colour"] = spread <= ONE_COLOUR
        look["near"] = _perceptual_hash(pixels, orientation)
        look["opened"] = True


def _perceptual_hash(image, orientation):
    """64 bits of the picture as people see it."""
    import imagehash
    from PIL import Image

    # The hash looks at 32x32 pixels.
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    small = turned(small, orientation)
    return np.packbits(imagehash.phash(small).hash.flatten()).view(">u8")[0]
