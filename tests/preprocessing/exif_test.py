import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from fusionkeras import DecodeImage
from fusionkeras.preprocessing.exif import MAX_SEGMENTS, read_orientations
from fusionkeras.preprocessing.image import decode_images

ORIENTATIONS = range(1, 9)


def coloured(size, seed=0):
    """A smooth picture, no part of which is like another."""
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), "uint8")
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def encode(image, form="JPEG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def photo(size, orientation, **options):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x0131] = "a camera", orientation, "a program"
    return encode(coloured(size), exif=exif, quality=95, **options)


def as_pillow_sees_it(content):
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    return encode(upright, "PNG")


# To 12x20, at which these are decoded in full, to 1/2, to 1/4 and to 1/8 of their sides.
SIZES = [(40, 30), (30, 40), (90, 80), (81, 173), (173, 181), (640, 400), (397, 643)]


def test_pictures_stand_as_pillow_turns_them():
    for size in SIZES:
        rows = [photo(size, orientation) for orientation in ORIENTATIONS]
        upright = [as_pillow_sees_it(row) for row in rows]
        pixels, reasons = decode_images(tf.constant(rows + upright), (12, 20))
        assert set(reasons.numpy()) == {b"ok"}
        found, expected = np.split(pixels.numpy(), 2)
        errors = np.abs(found - expected).mean(axis=(1, 2, 3))
        assert errors.max() < 1.5, size  # what decoding at 1/2, 1/4 or 1/8 costs
        others = np.abs(found[0] - found[1:]).mean(axis=(1, 2, 3))
        assert others.min() > 20, size


def turned(pixels, orientation):
    """By the words of the standard: where row 0 and column 0 of what is kept are to be seen."""
    turns = [
        lambda x: x,  # top, left
        lambda x: x[:, ::-1],  # top, right
        lambda x: x[::-1, ::-1],  # bottom, right
        lambda x: x[::-1],  # bottom, left
        lambda x: x.swapaxes(0, 1),  # left, top
        lambda x: x.swapaxes(0, 1)[:, ::-1],  # right, top
        lambda x: x.swapaxes(0, 1)[::-1, ::-1],  # right, bottom
        lambda x: x.swapaxes(0, 1)[::-1],  # left, bottom
    ]
    return turns[orientation - 1](pixels)


@pytest.mark.parametrize("size", [(31, 23), (1001, 803)])  # at 1/8 they are 125.125 and 100.375
def test_turning_changes_no_pixel(size):
    rows = tf.constant([photo(size, orientation) for orientation in ORIENTATIONS])
    found, _ = decode_images(rows, (12, 10))
    (upright,), _ = decode_images(rows[:1], (12, 10))
    (lying,), _ = decode_images(rows[:1], (10, 12))
    for orientation in ORIENTATIONS:
        as_it_is = (upright if orientation < 5 else lying).numpy()
        np.testing.assert_array_equal(found[orientation - 1], turned(as_it_is, orientation))


PLAIN = encode(coloured((40, 30)))


def tiff(order=">", entries=((0x0112, 3, 1, 6),), directory=8, magic=42, said=None, gap=b""):
    """A TIFF of one directory; entries are (tag, type, count, short value)."""

    def number(value, size):
        return value.to_bytes(size, "big" if order == ">" else "little")

    header = (b"MM" if order == ">" else b"II") + number(magic, 2) + number(directory, 4)
    count = number(len(entries) if said is None else said, 2)
    fields = [number(a, 2) + number(b, 2) + number(c, 4) + number(d, 2) for a, b, c, d in entries]
    return header + gap + count + b"".join(field + b"\0\0" for field in fields) + b"\0" * 4


def segment(content, marker=b"\xff\xe1"):
    return marker + (len(content) + 2).to_bytes(2, "big") + content


def jpeg(*segments):
    """The plain picture with segments at its beginning."""
    return PLAIN[:2] + b"".join(segments) + PLAIN[2:]


def exif(*args, **options):
    return segment(b"Exif\0\0" + tiff(*args, **options))


JFIF = PLAIN[2:20]
OTHERS = tuple((tag, 3, 1, 7) for tag in (0x0100, 0x0101, 0x0111, 0x0113, 0x0128, 0x0213))
READ = {
    "big endian": jpeg(exif(">")),
    "little endian": jpeg(exif("<")),
    "behind other segments": jpeg(JFIF, segment(b"x" * 65533, b"\xff\xe2") * 5, exif()),
    "behind XMP": jpeg(segment(b"http://ns.adobe.com/xap/1.0/\0<x/>"), exif()),
    "behind tables": PLAIN[: PLAIN.index(b"\xff\xc4")] + exif() + PLAIN[PLAIN.index(b"\xff\xc4") :],
    "behind fill bytes": jpeg(b"\xff\xff\xff" + exif()),
    "among other entries": jpeg(exif("<", OTHERS[:4] + ((0x0112, 3, 1, 6),) + OTHERS[4:])),
    "directory further on": jpeg(exif(directory=108, gap=b"\x12" * 100)),
    "nothing behind the entries": jpeg(exif(said=9)),
    "the first of two counts": jpeg(exif(), exif(entries=((0x0112, 3, 1, 3),))),
    "the last segment that is looked at": jpeg(JFIF * (MAX_SEGMENTS - 1), exif()),
}
IGNORED = {
    "no EXIF": PLAIN,
    "value 0": jpeg(exif(entries=((0x0112, 3, 1, 0),))),
    "value 9": jpeg(exif(entries=((0x0112, 3, 1, 9),))),
    "value 65535": jpeg(exif(entries=((0x0112, 3, 1, 65535),))),
    "of another type": jpeg(exif(entries=((0x0112, 2, 1, 6),))),
    "no entry": jpeg(exif(entries=())),
    "other entries": jpeg(exif(entries=OTHERS)),
    "more than the directory says": jpeg(exif(said=0)),
    "no TIFF": jpeg(exif(magic=43)),
    "no byte order": jpeg(segment(b"Exif\0\0XX" + tiff()[2:])),
    "directory outside": jpeg(exif(directory=9999)),
    "directory far outside": jpeg(exif(directory=2**31 - 1)),
    "directory before the beginning": jpeg(exif(directory=2**32 - 4)),
    "directory in the header": jpeg(exif(directory=0)),
    "directory ends at once": jpeg(segment(b"Exif\0\0" + tiff()[:9])),
    "entry is cut": jpeg(segment(b"Exif\0\0" + tiff()[:15])),
    "header is cut": jpeg(segment(b"Exif\0\0MM\0")),
    "nothing in it": jpeg(segment(b"Exif\0\0")),
    "of another name": jpeg(segment(b"Exit\0\0" + tiff())),
    "in another segment": jpeg(segment(b"Exif\0\0" + tiff(), b"\xff\xe4")),
    "behind the end of the headers": PLAIN[:-2] + exif() + PLAIN[-2:],
    "behind too many segments": jpeg(JFIF * (MAX_SEGMENTS + 1), exif()),
}


@pytest.mark.parametrize("name", READ)
def test_the_orientation_is_found(name):
    assert read_orientations(tf.constant([READ[name]])).numpy().tolist() == [6]


@pytest.mark.parametrize("name", IGNORED)
def test_the_orientation_is_not_found(name):
    assert read_orientations(tf.constant([IGNORED[name]])).numpy().tolist() == [1]


def test_damaged_exif_data_break_no_picture():
    pixels, reasons = decode_images(tf.constant([PLAIN, *IGNORED.values()]), (6, 8))
    assert set(reasons.numpy()) == {b"ok"}
    assert (pixels[1:] == pixels[:1]).numpy().all()


def test_each_row_has_its_own():
    rows = [*READ.values(), *IGNORED.values()] * 2
    rows = rows[::2] + [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1", b"no picture"] + rows[1::2]
    together = read_orientations(tf.constant(rows)).numpy().tolist()
    read = tf.function(read_orientations, input_signature=[tf.TensorSpec([None], tf.string)])
    assert together == [read(tf.constant([row])).numpy()[0] for row in rows]
    assert read_orientations(tf.zeros([0], tf.string)).shape == (0,)


def test_no_bytes_break_it():
    random = np.random.default_rng(0)
    rows = []
    for content in [*READ.values()] * 60:
        content = bytearray(content[:400])
        for place in random.integers(2, len(content), random.integers(1, 30)):
            content[place] = random.integers(256)
        rows.append(bytes(content[: random.integers(len(content))]))
    found = read_orientations(tf.constant(rows)).numpy()
    assert found.min() == 1 and found.max() <= 8


@pytest.mark.parametrize("name", sorted(set(READ) - {"nothing behind the entries"}))
def test_pillow_finds_it_too(name):
    assert Image.open(io.BytesIO(READ[name])).getexif().get(0x0112) == 6


def test_other_formats_stay_as_they_are():
    directory = Image.Exif()
    directory[0x0112] = 6
    for form in ("PNG", "WEBP"):
        plain, marked = (
            encode(coloured((9, 7)), form),
            encode(coloured((9, 7)), form, exif=directory),
        )
        pixels, _ = decode_images(tf.constant([plain, marked]), (7, 9))
        np.testing.assert_array_equal(pixels[0], pixels[1])


def test_in_training_and_exported_pictures_are_turned_alike(tmp_path):
    layer, module = DecodeImage((6, 8)), tf.Module()
    rows = [photo((100, 70), orientation) for orientation in ORIENTATIONS] + [b"", PLAIN]
    module.decode = tf.function(
        lambda rows: layer({"image": rows})["image"],
        input_signature=[tf.TensorSpec([None], "string")],
    )
    tf.saved_model.save(module, tmp_path)
    expected = decode_images(tf.constant(rows), (6, 8))[0].numpy()
    served = tf.saved_model.load(tmp_path).decode(tf.constant(rows))
    np.testing.assert_array_equal(served, expected)
    mapped = tf.data.Dataset.from_tensor_slices(rows).map(lambda row: layer({"image": row}))
    np.testing.assert_array_equal([x["image"] for x in mapped.as_numpy_iterator()], expected)
