"""One picture looked at, at a small size."""

import hashlib
import io
import os

import numpy as np

from fusionkeras.preprocessing.image import MAX_PIXELS

# JPEGs are decoded straight to about this size, which is enough for what is asked here.
_SIDE = 64
# A picture whose every channel stays within so many grey levels is of one colour.
ONE_COLOUR = 2
_ORIENTATION, _AS_IT_IS = 0x0112, 1
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
        form = "JPEG" if image.format == "MPO" else image.format  # a JPEG with others behind it
        turned = _orientation(image, form)
        look["smaller_side"] = min(image.size)
        look["animated"] = form != "JPEG" and getattr(image, "is_animated", False)
        look["rotated"] = turned != _AS_IT_IS
        said = image.getexif().get(_ORIENTATION, _AS_IT_IS)
        look["turned_otherwise"] = said in range(2, 9) and said != turned
        look["other_ending"] = _ENDINGS.get(ending, form) != form
        image.draft("RGB", (_SIDE, _SIDE))
        pixels = _eight_bits(image)
        spread = max(high - low for low, high in pixels.getextrema())
        look["one_colour"] = spread <= ONE_COLOUR
        look["near"] = _perceptual_hash(pixels, turned)
        look["opened"] = True


def _orientation(image, form):
    """The orientation that `decode_images` applies: that of the EXIF data of a JPEG, 1 to 8."""
    from PIL import Image

    exif = Image.Exif()
    exif.load(image.info.get("exif", b"") if form == "JPEG" else b"")
    turned = exif.get(_ORIENTATION, _AS_IT_IS)
    return turned if turned in range(1, 9) else _AS_IT_IS


def _eight_bits(image):
    """RGB as `decode_images` has it: alpha is dropped, 16 bits are reduced."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def _perceptual_hash(image, turned):
    """64 bits of the picture as people see it."""
    import imagehash
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    # The hash looks at 32x32 pixels.
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    small = small.transpose(turns[turned]) if turned in turns else small
    return np.packbits(imagehash.phash(small).hash.flatten()).view(">u8")[0]
