"""Pictures of Pillow as `decode_images` reads them."""

import numpy as np

_ORIENTATION, AS_IT_IS = 0x0112, 1


def form_of(image):
    """The format of an open picture; "JPEG" for one with others behind it."""
    return "JPEG" if image.format == "MPO" else image.format


def orientation_of(image):
    """The orientation that `decode_images` applies: that of the EXIF data of a JPEG, 1 to 8."""
    from PIL import Image

    exif = Image.Exif()
    exif.load(image.info.get("exif", b"") if form_of(image) == "JPEG" else b"")
    orientation = exif.get(_ORIENTATION, AS_IT_IS)
    return orientation if orientation in range(1, 9) else AS_IT_IS


def said_orientation(image):
    """The orientation that the picture says in any way, whether it is applied or not."""
    return image.getexif().get(_ORIENTATION, AS_IT_IS)


def turned(image, orientation):
    """The picture as it is meant to be seen."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    return image.transpose(turns[orientation]) if orientation in turns else image


def eight_bits(image):
    """RGB as `decode_images` has it: alpha is dropped, 16 bits are reduced."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")
