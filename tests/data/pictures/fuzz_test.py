"""Thousands of broken pictures through reader, audit, preparation and the exported model."""

import dataclasses
import io
import os
import struct

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

import fusionkeras as fk
from fusionkeras.audit.looking import look_at_pictures
from fusionkeras.data.pictures.check import check_files
from fusionkeras.preprocessing.image import REASONS

# Where the headers keep the sizes of a picture: (from the magic or marker on, format of a side).
PLACES = {"JPEG": (b"\xff\xc0", 5, ">H"), "PNG": (b"IHDR", 4, ">I"), "GIF": (b"GIF8", 6, "<H"),
          "BMP": (b"BM", 18, "<i")}  # fmt: skip


def draw(seed, size):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), "uint8")
    return Image.fromarray(pixels)


def encode(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def sound_files():
    """`[(format, bytes)]`: small pictures of every kind that is read, but for WebP."""
    found = []
    for seed, side in enumerate([16, 24, 33, 48]):
        exif = Image.Exif()
        exif[0x0112] = 6
        image = draw(seed, (side, side + 5))
        smooth = draw(seed, (3, 4)).resize((side, side + 5))
        found += [("JPEG", encode(smooth, "JPEG", exif=exif)), ("JPEG", encode(image, "JPEG")),
                  ("JPEG", encode(smooth, "JPEG", progressive=True)),
                  ("JPEG", encode(image.convert("L"), "JPEG")),
                  ("JPEG", encode(image.convert("CMYK"), "JPEG"))]  # fmt: skip
        found += [("PNG", encode(smooth.convert(mode), "PNG")) for mode in ("RGB", "LA", "P", "1")]
        found += [("PNG", encode(image, "PNG"))]
        moving = {"save_all": True, "append_images": [draw(seed + 9, (side, side + 5))]}
        found += [("GIF", encode(smooth, "GIF")), ("GIF", encode(image, "GIF", **moving))]
        found += [("BMP", encode(image.convert(mode), "BMP")) for mode in ("RGB", "RGBA")]
    return found


def flip_bits(random, form, content, other):
    content = bytearray(content)
    for place in random.integers(len(content), size=random.integers(1, 12)):
        content[place] ^= 1 << random.integers(8)
    return bytes(content)


def flip_header(random, form, content, other):
    return flip_bits(random, form, content[:64], other) + content[64:]


def cut(random, form, content, other):
    return content[: random.integers(len(content))]


def take_out(random, form, content, other):
    begin, end = sorted(random.integers(len(content), size=2))
    return content[:begin] + content[end:]


def splice(random, form, content, other):
    """The beginning of another file and the rest of this one, or a piece of it within this one."""
    place = random.integers(min(len(content), len(other)))
    start = 0 if random.random() < 0.5 else random.integers(place + 1)
    return content[:start] + other[start:place] + content[place:]


def resize(random, form, content, other):
    """Other sizes in the header: none, one, negative, somewhat more or less, huge."""
    magic, at, kind = PLACES[form]
    magic = magic if magic in content else b"\xff\xc2"  # a progressive JPEG
    place = content.find(magic) + at
    width = struct.calcsize(kind)
    content = bytearray(content)
    sides = [0, 1, -1, 7, 15, 40, 200, 3000, 2 ** (8 * width - 1) - 1, random.integers(2**16)]
    for side in range(2):
        number = int(sides[random.integers(len(sides))]) % 2 ** (8 * width)
        content[place + side * width : place + (side + 1) * width] = number.to_bytes(
            width, "big" if kind[0] == ">" else "little"
        )
    return bytes(content)


MUTATIONS = [flip_bits, flip_header, cut, take_out, splice, resize]


def mutants(count, seed=0):
    """Broken files, and every twentieth a sound one: a list of bytes."""
    random, sound = np.random.default_rng(seed), sound_files()
    for number in range(count):
        form, content = sound[random.integers(len(sound))]
        if number % 20:
            other = sound[random.integers(len(sound))][1]
            content = MUTATIONS[number % len(MUTATIONS)](random, form, content, other)
        yield content


def write_table(folder, count):
    """The files, and a table in which each row tells its number."""
    for number, content in enumerate(mutants(count)):
        (folder / f"{number}.jpg").write_bytes(content)
    numbers = range(count)
    return pd.DataFrame({
        "image": [f"{number}.jpg" for number in numbers],
        "text": [f"row {number}" for number in numbers],
        "label": ["odd" if number % 2 else "even" for number in numbers],
    })  # fmt: skip


def build():
    branch = fk.image_branch("small_cnn", image_size=(12, 12))
    model = fk.build_classifier([branch], num_classes=3)
    return model, fk.build_preprocessor([branch])


def ask(served, folder, order):
    """What the exported model says of each file, asked in another order: `(rows, classes)`."""
    probabilities = np.empty((len(order), 3), "float32")
    for rows in np.array_split(order, len(order) // 125):
        contents = [(folder / f"{row}.jpg").read_bytes() for row in rows]
        answer = served.signatures["serving_default"](image=tf.constant(contents))
        probabilities[rows] = answer["probabilities"].numpy()
    return probabilities


def audit(data, paths):
    """Looks at every file, and audits; tells of every row that is lost: the kinds it finds."""
    looks = look_at_pictures(paths, progress=False)
    assert looks["opened"][::20].all()
    assert list(looks["digest"] > 0) == [os.path.getsize(path) > 0 for path in paths]
    # every other row as the test, or nothing would be compared with anything
    odd = np.arange(len(data.train)) % 2 == 1
    halves = {"train": data.train.take(~odd), "test": data.train.take(odd)}
    findings = fk.audit(dataclasses.replace(data, **halves), progress=False).findings
    lost = [finding for finding in findings if finding.severity == "error"]
    assert sum(finding.count for finding in lost) == len(data.quarantine)
    return {finding.kind for finding in findings}


@pytest.mark.parametrize("count", [300, pytest.param(6000, marks=pytest.mark.slow)])
def test_no_file_breaks_anything(count, tmp_path):
    table = write_table(tmp_path, count)
    data = fk.read_table(table, {"image": "image", "text": "text"}, "label", split=(1, 0, 0),
                         files_root=tmp_path, progress=False)  # fmt: skip
    bad = data.quarantine
    # no row is lost or swapped, and every bad one has its reason
    assert sorted([*data.train.rows, *bad["row"]]) == list(range(count))
    assert list(data.train.columns["text"]) == [f"row {row}" for row in data.train.rows]
    assert list(bad["value"]) == [f"{row}.jpg" for row in bad["row"]]
    assert set(bad["reason"]) <= set(REASONS) - {"ok"} and bad["detail"].str.len().min() > 5
    assert not set(bad["row"]) & set(range(0, count, 20))

    paths = [str(tmp_path / name) for name in table["image"]]
    kinds = {"damaged_file", "unsupported_format", "too_large", "nearly_same_picture_in_splits"}
    assert kinds <= audit(data, paths)

    model, preprocessor = build()
    serving = fk.end_to_end(model, preprocessor, ["a", "b", "c"])
    served = tf.saved_model.load(
        str(fk.export(serving, tmp_path / "served", explain=False, verify=False))
    )
    answers = ask(served, tmp_path, np.random.default_rng(1).permutation(count))
    # the exported model takes the same pictures for absent, and the others for what they are
    nothing = serving({"image": tf.constant([b""])})["probabilities"].numpy()
    absent = np.flatnonzero(np.abs(answers - nothing).max(axis=1) < 1e-7)
    assert absent.tolist() == sorted(bad["row"])
    prepared = fk.prepare(data.train, preprocessor, batch_size=64)
    trained_on = [(model(inputs), weights) for inputs, _, weights in prepared]
    probabilities, weights = (np.concatenate(parts) for parts in zip(*trained_on, strict=True))
    np.testing.assert_allclose(probabilities, answers[data.train.rows], atol=1e-5)
    assert (weights == 1).all() and data.train.failures == []

    # a look at the headers alone finds less, and never refuses what can be read
    by_header = check_files(paths, "header", progress=False)
    assert {tmp_path.joinpath(path).name for path in by_header} <= set(bad["value"])
