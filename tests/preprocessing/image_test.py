import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fusionkeras import DecodeImage
from fusionkeras.preprocessing.image import decode_images
from fusionkeras.testing import check_preprocessor


def picture(mode="RGB", size=(30, 24), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), "uint8")
    return Image.fromarray(pixels).convert(mode)


def encode(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def frames(form, **options):
    return encode(picture(), form, save_all=True, append_images=[picture(seed=1)], **options)


def sixteen_bits():
    values = np.arange(24 * 30, dtype="uint16").reshape(24, 30) * 90
    return Image.fromarray(values)


GOOD = {
    "jpeg": encode(picture(), "JPEG"),
    "progressive": encode(picture(), "JPEG", progressive=True),
    "cmyk": encode(picture("CMYK"), "JPEG"),
    "grey jpeg": encode(picture("L"), "JPEG"),
    "png": encode(picture(), "PNG"),
    "grey png": encode(picture("L"), "PNG"),
    "grey alpha png": encode(picture("LA"), "PNG"),
    "alpha png": encode(picture("RGBA"), "PNG"),
    "palette png": encode(picture("P"), "PNG"),
    "1 bit png": encode(picture("1"), "PNG"),
    "16 bit png": encode(sixteen_bits(), "PNG"),
    "gif": encode(picture("P"), "GIF"),
    "animated gif": frames("GIF"),
    "webp": encode(picture(), "WEBP"),
    "lossless webp": encode(picture(), "WEBP", lossless=True),
    "alpha webp": encode(picture("RGBA").rotate(30), "WEBP"),
    "alpha lossless webp": encode(picture("RGBA").rotate(30), "WEBP", lossless=True),
    "bmp": encode(picture(), "BMP"),
    "32 bit bmp": encode(picture("RGBA"), "BMP"),
}
BAD = {
    "empty": (b"", "empty"),
    "text": (b"<html>no picture</html>", "unsupported_format"),
    "tiff": (encode(picture(), "TIFF"), "unsupported_format"),
    "palette bmp": (encode(picture("P"), "BMP"), "unsupported_format"),
    "animated webp": (frames("WEBP"), "unsupported_format"),
    "cut jpeg": (GOOD["jpeg"][: len(GOOD["jpeg"]) // 2], "unreadable"),
    "cut png": (GOOD["png"][:-40], "unreadable"),
    "cut gif": (GOOD["gif"][:40], "unreadable"),
    "cut webp": (GOOD["webp"][:60], "unreadable"),
    "cut bmp": (GOOD["bmp"][:60], "unreadable"),
    "magic of jpeg only": (b"\xff\xd8\xff", "unreadable"),
    "magic of png only": (b"\x89PNG\r\n\x1a\n", "unreadable"),
    "bomb": (encode(Image.new("L", (20000, 10000)), "PNG"), "too_large"),
    "bmp of huge height": (GOOD["bmp"][:22] + b"\xff\xff\xff\x7f" + GOOD["bmp"][26:], "too_large"),
}


@pytest.mark.parametrize("name", GOOD)
def test_reads_every_promised_kind(name):
    pixels, reasons = decode_images(tf.constant([GOOD[name]]), (24, 30))
    assert reasons.numpy().tolist() == [b"ok"]
    assert pixels.shape == (1, 24, 30, 3) and pixels.dtype == tf.float32
    if "16" in name:  # Pillow has no 8 bit version of it: the high byte
        expected = np.repeat(np.asarray(sixteen_bits())[..., None] >> 8, 3, axis=-1)
    else:
        expected = np.asarray(Image.open(io.BytesIO(GOOD[name])).convert("RGB"))
    if "alpha" not in name and name != "cmyk":  # there Pillow blends or converts otherwise
        assert np.abs(pixels[0] - expected).mean() < 3  # JPEG decoders differ a little


@pytest.mark.parametrize("name", BAD)
def test_tells_why_a_picture_is_not_read(name):
    content, reason = BAD[name]
    pixels, reasons = decode_images(tf.constant([content]), (8, 8))
    assert reasons.numpy()[0].decode() == reason
    assert (pixels.numpy() == -1).all()


def test_a_bad_picture_changes_no_other_row():
    good = list(GOOD.values())
    alone, _ = decode_images(tf.constant(good), (16, 16))
    mixed = [
        content
        for pair in zip(good, [bad for bad, _ in BAD.values()] * 2, strict=False)
        for content in pair
    ]
    pixels, reasons = decode_images(tf.constant(mixed), (16, 16))
    assert (pixels.numpy()[::2] == alone.numpy()).all()
    assert (pixels.numpy()[1::2] == -1).all()
    assert (reasons.numpy()[::2] == b"ok").all()


@pytest.mark.parametrize("batch", [0, 1, 300])
def test_any_batch(batch):
    layer = DecodeImage((4, 4))
    assert layer({"image": tf.fill([batch], GOOD["png"])})["image"].shape == (batch, 4, 4, 3)


def test_conforms():
    check_preprocessor(DecodeImage((6, 5)), {"image": [GOOD["png"], GOOD["jpeg"]]})


def test_names():
    layer = DecodeImage((6, 5), column="photo", output="front")
    assert layer.columns == ["photo"] and layer.files == ["photo"]
    assert list(layer({"photo": tf.constant([GOOD["png"]])})) == ["front"]


def test_saves_in_a_model(tmp_path):
    raw = keras.Input((), dtype="string", name="image")
    model = keras.Model([raw], DecodeImage((6, 5))({"image": raw}))
    model.save(tmp_path / "x.keras")
    columns = {"image": tf.constant([GOOD["png"], b"no"])}
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert (loaded(columns)["image"].numpy() == model(columns)["image"].numpy()).all()


def test_black_is_present_and_absent_is_not():
    black = encode(Image.new("RGB", (5, 5)), "PNG")
    layer = DecodeImage((3, 3))
    tensors = layer({"image": tf.constant([black, b""])})
    assert layer.present(tensors).numpy().tolist() == [True, False]


def test_a_missing_column_is_an_error():
    with pytest.raises(ValueError, match=r"misses the column 'image'.*columns=\['text'\]"):
        DecodeImage()({"text": tf.constant(["a"])})


@pytest.mark.parametrize("size", [64, (64,), (0, 4), (4, 4.5)])
def test_a_wrong_size_is_an_error(size):
    with pytest.raises((ValueError, TypeError), match="image_size="):
        DecodeImage(size)
