import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

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
    "png of endless sides": (GOOD["png"][:16] + b"\xff" * 8 + GOOD["png"][24:], "too_large"),
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


@pytest.mark.parametrize("bad", ["first", "last", "all"])
def test_every_row_keeps_its_place_whichever_fail(bad):
    good = [encode(picture(seed=seed), "PNG") for seed in range(30)]
    alone, _ = decode_images(tf.constant(good), (4, 4))
    failing = {"first": [0], "last": [29], "all": range(30)}[bad]
    rows = [BAD["cut png"][0] if row in failing else good[row] for row in range(30)]
    pixels, reasons = decode_images(tf.constant(rows), (4, 4))
    for row in range(30):
        assert reasons.numpy()[row] == (b"unreadable" if row in failing else b"ok")
        assert (pixels.numpy()[row] == (-1 if row in failing else alone.numpy()[row])).all()


@pytest.mark.parametrize("batch", [0, 1, 300])
def test_any_batch(batch):
    layer = DecodeImage((4, 4))
    assert layer({"image": tf.fill([batch], GOOD["png"])})["image"].shape == (batch, 4, 4, 3)


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_pixels_stay_within_their_bounds(form, level):
    """The weights of a resizing sum to 1 but for rounding."""
    white = Image.new("RGB", (1013, 1201), (level,) * 3)
    pixels, _ = decode_images(tf.constant([encode(white, form)]), (224, 224))
    assert 0 <= pixels.numpy().min() and pixels.numpy().max() <= 255
    np.testing.assert_allclose(pixels, level, atol=1e-3)


def test_conforms():
    large = encode(smooth((213, 171)), "JPEG")
    check_preprocessor(DecodeImage((6, 5)), {"image": [GOOD["png"], GOOD["jpeg"], large]})


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


# JPEGs that are decoded to 1/2, 1/4 or 1/8 of their size


def smooth(size):
    return picture(size=(4, 3)).resize(size, Image.Resampling.BICUBIC)


def photo():
    """4000x3000, deterministic: what is coarse and what is fine, as in photos, and sharp shapes."""
    random = np.random.default_rng(0)
    pixels = np.full((3000, 4000), 128, "float32")
    for scale in (4, 16, 64, 256, 1024):
        coarse = random.normal(0, 4 * scale**0.4, (3000 // scale + 1, 4000 // scale + 1))
        pixels += Image.fromarray(coarse.astype("float32")).resize((4000, 3000))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype("uint8")).convert("RGB")
    pen = ImageDraw.Draw(image)
    for x, y, width in random.integers(0, [4000, 3000, 300], (80, 3)):
        pen.ellipse([x, y, x + width, y + width], fill=tuple(random.integers(0, 256, 3).tolist()))
        pen.line([x, y, 4 * width, x], fill=tuple(random.integers(0, 256, 3).tolist()), width=7)
    return encode(image, "JPEG", quality=90)


def resized(content, size, ratio=1, method="INTEGER_ACCURATE", antialias=True):
    pixels = tf.io.decode_jpeg(content, channels=3, ratio=ratio, dct_method=method)
    return tf.image.resize(pixels, size, antialias=antialias).numpy()


def test_a_photo_is_truer_than_by_a_plain_resize():
    content, size = photo(), (224, 224)
    (ours,), _ = decode_images(tf.constant([content]), size)
    truth = resized(content, size)
    error = np.abs(ours - truth).mean()
    plain = np.abs(resized(content, size, method="", antialias=False) - truth).mean()
    assert error < 0.8 and plain > 8  # 0.63 and 9.69 grey levels


# To 12x12, where 1/8 begins at 12 * 8 * 5/3 = 160.
RATIOS = [
    ((160, 160), 8), ((800, 1600), 8), ((160, 152), 4), ((152, 160), 4), ((80, 80), 4),
    ((80, 72), 2), ((72, 80), 2), ((40, 40), 2), ((40, 32), 1), ((32, 40), 1), ((12, 12), 1),
    ((8, 8), 1), ((8, 4000), 1), ((4000, 8), 1),
]  # fmt: skip


@pytest.mark.parametrize(("size", "ratio"), RATIOS)
def test_the_size_decides_how_a_jpeg_is_decoded(size, ratio):
    content = encode(picture(size=size), "JPEG")
    (ours,), (reason,) = decode_images(tf.constant([content]), (12, 12))
    assert reason == b"ok"
    assert (ours.numpy() == resized(content, (12, 12), ratio)).all()


@pytest.mark.parametrize("size", [(169, 177), (175, 161), (89, 87), (47, 43)])
def test_sides_that_do_not_divide_shift_nothing(size):
    """Up to 7 rows and columns of padding are decoded; taken for a part they cost 4 to 8 levels."""
    content = encode(smooth(size), "JPEG", quality=95)
    (ours,), _ = decode_images(tf.constant([content]), (12, 12))
    assert np.abs(ours - resized(content, (12, 12))).mean() < 1


KINDS = {
    "4:4:4": ("RGB", {"subsampling": 0}),
    "4:2:0": ("RGB", {"subsampling": 2}),
    "progressive": ("RGB", {"progressive": True}),
    "grey": ("L", {}),
    "cmyk": ("CMYK", {}),
}


@pytest.mark.parametrize("side", [12, 24, 48, 64])  # decoded to 1/8, 1/4, 1/2 and in full
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_at_every_ratio(kind, side):
    mode, options = KINDS[kind]
    content = encode(smooth((171, 163)).convert(mode), "JPEG", quality=95, **options)
    size = (side, side)
    whole, cut, shorter = content, content[:-40], content[: len(content) // 2]
    pixels, reasons = decode_images(tf.constant([whole, cut, shorter, whole]), size)
    assert reasons.numpy().tolist() == [b"ok", b"unreadable", b"unreadable", b"ok"]
    assert np.abs(pixels[0] - resized(content, size)).mean() < 1.5
    assert (pixels[0] == pixels[3]).numpy().all() and (pixels[1:3].numpy() == -1).all()


def mixed_sizes():
    sides = [(700, 500), (333, 251), (81, 79), (33, 57), (9, 700), (160, 160)]
    jpegs = [encode(smooth(size), "JPEG") for size in sides]
    return [*jpegs, GOOD["png"], GOOD["webp"], jpegs[0][:-50], b""]


@pytest.mark.slow
def test_a_batch_is_its_rows():
    rows = mixed_sizes()
    together, _ = decode_images(tf.constant(rows), (12, 10))
    alone = [decode_images(tf.constant([row]), (12, 10))[0][0] for row in rows]
    assert (together.numpy() == np.stack(alone)).all()


def test_exported_it_decodes_alike(tmp_path):
    module = tf.Module()
    module.decode = tf.function(
        lambda rows: decode_images(rows, (12, 10)),
        input_signature=[tf.TensorSpec([None], "string")],
    )
    tf.saved_model.save(module, tmp_path)
    rows = tf.constant(mixed_sizes())
    pixels, reasons = tf.saved_model.load(tmp_path).decode(rows)
    expected_pixels, expected_reasons = decode_images(rows, (12, 10))
    assert (pixels.numpy() == expected_pixels.numpy()).all()
    assert (reasons.numpy() == expected_reasons.numpy()).all()


@pytest.mark.parametrize("side", [90, 210, 450, 830])
def test_a_jpeg_that_was_cut_off_is_unreadable_at_every_ratio(side):
    whole = encode(picture(size=(side, side)), "JPEG")
    batch = tf.constant([whole, whole[: len(whole) // 2], whole])
    pixels, reasons = decode_images(batch, (60, 60))
    assert reasons.numpy().tolist() == [b"ok", b"unreadable", b"ok"]
    assert (pixels[1].numpy() == -1).all()
    alone, _ = decode_images(batch[:1], (60, 60))
    np.testing.assert_array_equal(pixels[::2], np.concatenate([alone, alone]))
