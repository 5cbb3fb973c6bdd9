"""Small pictures within a page."""

import base64
import io
import warnings

from fusionkeras._checks import missing_package
from fusionkeras.preprocessing.image import MAX_PIXELS


def open_small(path, side):
    """Reads a picture small.

    Args:
        path: str or path.
        side: int, the most pixels of either side.

    Returns:
        `PIL.Image.Image` in RGB, upright; None where it cannot be shown.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise missing_package("pillow", "Showing pictures", "'fusionkeras[report]'") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's on damaged EXIF data and the like
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                image.draft("RGB", (2 * side, 2 * side))
                small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((side, side))
    except Exception:  # Pillow's decoders raise nearly anything on damaged files
        return None
    return small


def data_uri(image, form="JPEG"):
    """A picture as a `data:` address.

    Args:
        image: `PIL.Image.Image`.
        form: "JPEG", which is smaller, or "PNG", which is exact.

    Returns:
        str.
    """
    file = io.BytesIO()
    image.save(file, form, **({"quality": 80} if form == "JPEG" else {}))
    content = base64.b64encode(file.getvalue()).decode()
    return f"data:image/{form.lower()};base64,{content}"
