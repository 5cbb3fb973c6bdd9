"""Pictures made worse: noise, blur, and the losses of JPEG."""

import io

import numpy as np

from fusionkeras.data.pictures.pillow import eight_bits, orientation_of, turned


def add_noise(content, deviation, random):
    """Adds Gaussian noise to every channel of every pixel.

    Args:
        content: bytes of a picture.
        deviation: float, the standard deviation of the noise in grey levels, of 255.
        random: `numpy.random.Generator`; another deviation scales the same noise.

    Returns:
        bytes of a PNG of the same size.

    Raises:
        Exception: of any kind, for a picture that Pillow does not open.
    """
    from PIL import Image

    pixels = np.asarray(_open(content), np.float32)
    noise = random.standard_normal(pixels.shape, np.float32)
    noisy = np.clip(np.rint(pixels + deviation * noise), 0, 255)
    return _as_png(Image.fromarray(noisy.astype(np.uint8)))


def blur(content, radius, random):
    """Blurs by a Gaussian kernel, whose standard deviation is `radius`, in pixels.

    The other arguments, and what it returns, are as for `add_noise`; nothing is drawn.
    """
    from PIL import ImageFilter

    return _as_png(_open(content).filter(ImageFilter.GaussianBlur(radius)))


def compress(content, loss, random):
    """Writes a JPEG of the quality `100 - loss`; otherwise as `blur`."""
    file = io.BytesIO()
    _open(content).save(file, "JPEG", quality=round(100 - loss))
    return file.getvalue()


def _open(content):
    """The pixels that a model sees, upright, before they are resized."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return turned(eight_bits(image), orientation_of(image))


def _as_png(image):
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)  # it is read once
    return file.getvalue()
