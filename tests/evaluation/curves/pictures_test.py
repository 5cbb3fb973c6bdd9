"""Pictures made worse, and nothing else done to them."""

import io

import numpy as np
import pytest
from PIL import Image

from fusionkeras.evaluation.curves.pictures import add_noise, blur, compress
from fusionkeras.preprocessing.image import decode_images


def encode(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def pixels_of(content):
    return np.asarray(Image.open(io.BytesIO(content)), np.float32)


def random():
    return np.random.default_rng(0)


GREY = encode(Image.new("RGB", (80, 60), (128, 128, 128)))


def test_noise_has_the_deviation_that_is_asked():
    weak, strong = (pixels_of(add_noise(GREY, sd, random())) - 128 for sd in (10, 20))
    assert weak.shape == (60, 80, 3)
    assert weak.std() == pytest.approx(10, rel=0.03) and abs(weak.mean()) < 0.5
    np.testing.assert_allclose(strong, 2 * weak, atol=1.01)  # the same noise, stronger


def test_blur_spreads_a_point_by_its_radius():
    point = np.zeros((41, 41, 3), "uint8")
    point[20, 20] = 255
    spread = pixels_of(blur(encode(Image.fromarray(point)), 1, random()))[..., 0]
    assert spread[20, 20] < 100 and spread[20, 21] > spread[20, 22] > 0
    line = np.zeros((41, 41, 3), "uint8")
    line[:, 20:] = 255
    edge = np.diff(pixels_of(blur(encode(Image.fromarray(line)), 4, random()))[20, :, 0])
    places = np.arange(len(edge)) - 19
    deviation = np.sqrt((edge * places**2).sum() / edge.sum())
    assert deviation == pytest.approx(4, rel=0.1)


def test_jpeg_loses_more_and_more():
    noisy = add_noise(GREY, 30, random())
    sizes = [len(compress(noisy, loss, random())) for loss in (0, 50, 90, 99)]
    assert compress(noisy, 50, random())[:3] == b"\xff\xd8\xff"
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 3 * sizes[2]


def kinds_of_pictures():
    pixels = np.random.default_rng(1).integers(0, 256, (12, 16, 3), "uint8")
    image = Image.fromarray(pixels)
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = Image.fromarray((pixels[..., 0].astype("uint16") << 8) + 255)
    return {
        "rgb": encode(image),
        "grey": encode(image.convert("L")),
        "alpha": encode(Image.merge("RGBA", [*image.split(), image.convert("L")])),
        "palette": encode(image.convert("P")),
        "sixteen bits": encode(deep),
        "gif": encode(image.convert("P"), "GIF"),
        "bmp": encode(image, "BMP"),
        "turned": encode(image, "JPEG", quality=95, exif=turned),
        "turned, but no JPEG": encode(image, exif=turned),
    }


@pytest.mark.slow
def test_no_noise_is_the_picture_that_the_model_reads():
    contents = kinds_of_pictures()
    again = [add_noise(content, 0, random()) for content in contents.values()]
    pixels, reasons = decode_images([*contents.values(), *again], (24, 20))
    assert set(reasons.numpy()) == {b"ok"}
    for name, before, after in zip(contents, pixels, pixels[len(contents) :], strict=False):
        # The two decoders of JPEG round otherwise.
        np.testing.assert_allclose(after, before, atol=3 if name == "turned" else 1e-3)
