"""Large JPEGs are decoded straight to a fraction of their size."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

from fusionkeras.preprocessing.image import decode_images


def photo(width=4000, height=3000, mode="RGB"):
    """Smooth colours, sharp edges and a little noise: drawn, and the same each time."""
    random = np.random.default_rng(0)
    smooth = Image.fromarray(random.integers(0, 256, (12, 16, 3), "uint8"))
    image = smooth.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for corner in random.uniform(0, 0.8, (40, 2)) * (width, height):
        color = tuple(random.integers(0, 256, 3).tolist())
        draw.rectangle([*corner, *(corner + (width * 0.1, height * 0.05))], fill=color, width=3)
    noise = random.normal(0, 3, (height, width, 1))
    pixels = np.clip(np.asarray(image) + noise, 0, 255).astype("uint8")
    return Image.fromarray(pixels).convert(mode)


def encode(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def truth(encoded, size):
    """Decoded in full and resized with antialiasing."""
    pixels = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.image.resize(pixels, size, antialias=True).numpy()


def decoded(encoded, size):
    pixels, reasons = decode_images(tf.constant([encoded]), size)
    assert reasons.numpy().tolist() == [b"ok"]
    return pixels.numpy()[0]


def error(pixels, encoded, size):
    return np.abs(pixels - truth(encoded, size)).mean()


def test_truer_than_a_plain_resize():
    encoded, size = encode(photo()), (224, 224)
    plain = tf.image.resize(tf.io.decode_jpeg(encoded, channels=3), size).numpy()
    ours = error(decoded(encoded, size), encoded, size)
    assert ours < 1.0 and ours < error(plain, encoded, size) / 2


# Sides of the picture for a target of 60: 5/3 of it, 100, must be left at the ratio.
@pytest.mark.parametrize(
    ("sides", "ratio"),
    [((100, 100), 1), ((199, 300), 1), ((200, 200), 2), ((398, 900), 2), ((400, 400), 4),
     ((796, 800), 4), ((800, 800), 8), ((3000, 200), 2), ((40, 3000), 1)],
)  # fmt: skip
def test_the_ratio_follows_from_the_size(sides, ratio):
    encoded = encode(photo(*sides))
    small = tf.io.decode_jpeg(encoded, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE")
    expected = tf.image.resize(small, (60, 60), antialias=True)
    np.testing.assert_allclose(decoded(encoded, (60, 60)), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("sides", [(90, 70), (210, 230), (450, 410), (830, 801)])
@pytest.mark.parametrize("kind", ["grey", "cmyk", "progressive", "4:4:4"])
def test_every_kind_at_every_ratio(kind, sides):
    mode = {"grey": "L", "cmyk": "CMYK"}.get(kind, "RGB")
    options = {"progressive": {"progressive": True}, "4:4:4": {"subsampling": 0}}.get(kind, {})
    encoded = encode(photo(*sides, mode=mode), **options)
    assert error(decoded(encoded, (60, 60)), encoded, (60, 60)) < 1.5


@pytest.mark.parametrize("sides", [(90, 90), (210, 210), (450, 450), (830, 830)])
def test_a_cut_one_is_unreadable_and_its_neighbours_are_untouched(sides):
    whole = encode(photo(*sides))
    others = [encode(photo(*other)) for other in ((90, 90), (830, 450))]
    batch = tf.constant([others[0], whole[: len(whole) // 2], others[1], whole])
    pixels, reasons = decode_images(batch, (60, 60))
    assert reasons.numpy().tolist() == [b"ok", b"unreadable", b"ok", b"ok"]
    assert (pixels[1].numpy() == -1).all()
    for row in (0, 2, 3):
        np.testing.assert_array_equal(pixels[row], decoded(batch[row].numpy(), (60, 60)))
