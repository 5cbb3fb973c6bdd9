"""Encoded pictures to pixels, by one guarded decode that no picture can break."""

import functools

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import check_image_size
from fusionkeras.preprocessing.base import Preprocessor
from fusionkeras.preprocessing.exif import read_orientations, swaps_sides, turn

# The mark of an absent picture, in every pixel; real pixels lie in [0, 255].
ABSENT_PIXEL = -1.0
# A picture with more pixels than this is refused from its header, before anything is inflated.
MAX_PIXELS = 50_000_000
# The JPEG decoder may make the picture this much smaller, where it leaves this much to the resizing
# (as a fraction, for exact integers): less begins to blur, more takes the time that it saves.
JPEG_RATIOS = (1, 2, 4, 8)
JPEG_SPARE = (5, 3)
# What `decode_image` says of a picture; "ok" alone comes with pixels.
REASONS = ("ok", "empty", "unsupported_format", "too_large", "unreadable")
_JPEG = b"\xff\xd8\xff"
# Where the headers say something, in their first 32 bytes: first byte, number of bytes, order.
_FIELDS = {
    "png width": (16, 4, "big"),
    "png height": (20, 4, "big"),
    "gif width": (6, 2, "little"),
    "gif height": (8, 2, "little"),
    "bmp width": (18, 4, "little"),
    "bmp height": (22, 4, "little"),
    "bmp bits": (28, 1, "little"),
    "webp flags": (20, 1, "little"),
    "webp lossless": (21, 4, "little"),
    "webp canvas width": (24, 3, "little"),
    "webp canvas height": (27, 3, "little"),
    "webp width": (26, 2, "little"),
    "webp height": (28, 2, "little"),
}
# Pictures that are decoded at a time, as `tf.map_fn` has it.
_PARALLEL = 10


@keras.saving.register_keras_serializable("fusionkeras")
class DecodeImage(Preprocessor):
    """Decodes and resizes encoded pictures to float32 RGB in [0, 255].

    JPEG, PNG, GIF (first frame), WebP (not animated) and BMP of 24 and 32 bits; grey, CMYK, alpha
    (dropped) and 16 bits (reduced) included. Resizing is bilinear and antialiased and does not
    keep the aspect ratio. A JPEG is turned as its EXIF orientation says; those of PNG and WebP are
    not read.

    A JPEG much larger than `image_size` is decoded straight to 1/2, 1/4 or 1/8 of its size: the
    smallest of them with both sides at least 5/3 of the wanted ones, which then is resized. That
    saves time and differs from decoding at full size by less than a grey level in the mean of a
    photo (0.5 for 4000x3000 to 224x224).

    A picture that is empty, unreadable, of another format or too large becomes an absent one:
    `-1` in every pixel. No other row changes.

    Args:
        image_size: `(height, width)` in pixels.
        column: str, the raw column with the encoded bytes.
        output: str, the name of the tensor that comes out; by default that of the column.

    Call arguments:
        columns: dict with `column`: string tensor of shape `(batch,)`, encoded bytes.

    Returns:
        `{output: float32 tensor (batch, height, width, 3)}`.

    Example:
    >>> import tensorflow as tf
    >>> png = tf.io.encode_png(tf.zeros((8, 8, 3), tf.uint8))
    >>> layer = DecodeImage(image_size=(2, 2))
    >>> pixels = layer({"image": tf.stack([png, b"no picture"])})["image"]
    >>> pixels[:, 0, 0, 0].numpy().tolist()
    [0.0, -1.0]
    """

    edition = 3  # 1 did not turn JPEGs, 2 gave up to 255.0001

    def __init__(self, image_size=(224, 224), column="image", output=None, **kwargs):
        super().__init__(columns=[column], **kwargs)
        self.image_size = check_image_size(image_size)
        self.column = column
        self.output_name = output or column

    @property
    def files(self):
        """The one column, of encoded pictures."""
        return [self.column]

    def transform(self, columns):
        """Maps `(batch,)` bytes to `(batch, height, width, 3)` pixels."""
        pixels, _ = decode_images(columns[self.column], self.image_size)
        return {self.output_name: pixels}

    def output_specs(self):
        """One float32 tensor of pixels."""
        return {self.output_name: ((*self.image_size, 3), "float32")}

    def present(self, tensors):
        """A picture is there unless every pixel is `-1`."""
        return pictures_there(tensors[self.output_name])


def pictures_there(pixels):
    """Which of the pictures `(batch, height, width, 3)` are not absent: bool `(batch,)`."""
    return tf.reduce_any(pixels > ABSENT_PIXEL / 2, axis=(1, 2, 3))


@tf.function(reduce_retracing=True, autograph=False)
def decode_images(encoded, image_size):
    """Decodes pictures and never fails: the single truth about what a picture is.

    Checking a table, training and serving all decode with this function. A graph has no `try`; a
    dataset that ignores errors, with a fallback behind it, serves as one. Whole batches are tried
    first, which takes the least; where one picture breaks its batch, that batch is decoded again
    as a dataset of its pictures, from which those that fail are missing.

    Args:
        encoded: string tensor of shape `(batch,)`, the bytes of the files.
        image_size: `(height, width)` in pixels.

    Returns:
        `(pixels, reasons)`: float32 `(batch, height, width, 3)` in [0, 255], or `-1` everywhere
        in a row that cannot be read; and strings `(batch,)`, each one of `REASONS`.
    """
    absent = tf.fill((*image_size, 3), ABSENT_PIXEL)

    def decode(row):
        encoded, orientation = row
        sides = _jpeg_sides(encoded)
        reason = _reason_of_header(encoded, sides)
        read = functools.partial(_read_pixels, encoded, orientation, sides, image_size)
        pixels = tf.cond(reason == "ok", read, lambda: absent)
        return tf.ensure_shape(pixels, (*image_size, 3)), reason

    def decode_each(rows):
        signature = tf.TensorSpec((*image_size, 3), tf.float32), tf.TensorSpec((), tf.string)
        return tf.map_fn(decode, rows, fn_output_signature=signature)

    rows = encoded, read_orientations(encoded)
    guarded = functools.partial(_guard_each, decode, (absent, tf.constant("unreadable")))
    return _first_that_works(_apply(decode_each, rows), _apply(guarded, rows))


def _guard_each(function, fallback, rows):
    """The results for the rows that work, in their places, and the fallback for the others.

    One dataset for all rows: to set one up costs more than a small picture.
    """
    count = tf.shape(rows[0])[0]
    numbered = tf.data.Dataset.from_tensor_slices((tf.range(count), rows))
    results = numbered.map(lambda place, row: (place, *function(row)), num_parallel_calls=_PARALLEL)
    results = results.ignore_errors(log_warning=False)
    results = results.concatenate(tf.data.Dataset.from_tensors((count, *fallback)))
    places, *results = results.batch(tf.cast(count, tf.int64) + 1).get_single_element()
    last = tf.size(places) - 1
    found = tf.tensor_scatter_nd_update(
        tf.fill([count + 1], last), places[:, None], tf.range(last + 1)
    )
    return tuple(tf.gather(result, found[:count]) for result in results)


def _apply(function, rows):
    return tf.data.Dataset.from_tensors(rows).map(lambda *rows: function(rows))


def _first_that_works(attempt, fallback):
    guarded = attempt.ignore_errors(log_warning=False).concatenate(fallback)
    return guarded.take(1).get_single_element()


def _jpeg_sides(encoded):
    # Fails on a damaged header, within the guard of `decode_images`: "unreadable".
    return tf.cond(
        _starts(encoded, _JPEG),
        lambda: tf.image.extract_jpeg_shape(encoded)[:2],
        lambda: tf.zeros(2, tf.int32),
    )


def _read_pixels(encoded, orientation, jpeg_sides, image_size):
    return tf.cond(
        _starts(encoded, _JPEG),
        lambda: _read_jpeg(encoded, orientation, jpeg_sides, image_size),
        lambda: _resize(*_read_other(encoded), image_size),
    )


def _resize(pixels, sides, image_size):
    """`tf.image.resize(pixels, image_size, antialias=True)`, but for sides that are no integers."""
    resized = tf.raw_ops.ScaleAndTranslate(
        images=pixels[None],
        size=image_size,
        scale=tf.cast(image_size, tf.float32) / sides,
        translation=[0.0, 0.0],
        kernel_type="triangle",
        antialias=True,
    )
    return tf.minimum(resized[0], 255.0)  # weights that sum to 1 but for rounding make 255.0001


def _read_jpeg(encoded, orientation, sides, image_size):
    """Turns what has been resized, to the sides that it has before: there is less to turn."""
    size = tf.where(swaps_sides(orientation), image_size[::-1], image_size)
    pixels, sides = _decode_jpeg(encoded, sides, size)
    return turn(_resize(pixels, sides, size), orientation)


def _decode_jpeg(encoded, sides, size):
    """Pixels, and the sides that they stand for: 3001 rows at 1/8 are 375.125, though 376 come."""
    more, less = JPEG_SPARE
    room = tf.reduce_min(less * sides // (more * size))
    which = tf.reduce_sum(tf.cast(room >= JPEG_RATIOS[1:], tf.int32))
    # By default TensorFlow takes fast cosines: 0.8 grey levels too dark, and hardly faster.
    decode = functools.partial(
        tf.io.decode_jpeg, encoded, channels=3, dct_method="INTEGER_ACCURATE"
    )
    pixels = tf.switch_case(which, [functools.partial(decode, ratio=r) for r in JPEG_RATIOS])
    return pixels, tf.cast(sides / 2**which, tf.float32)


def _read_other(encoded):
    pixels = tf.cond(
        _starts(encoded, b"RIFF"),  # a WebP with alpha refuses channels=3: alpha is cut off here
        lambda: tf.io.decode_image(encoded, expand_animations=False)[..., :3],
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    return pixels, tf.cast(tf.shape(pixels)[:2], tf.float32)


def _reason_of_header(encoded, jpeg_sides):
    """What the first bytes already tell: empty, of a format that is not read, or too large."""
    head = tf.strings.substr(tf.strings.substr(encoded, 0, 32) + b"\0" * 32, 0, 32)
    field = _fields(head)
    formats = [  # (is it this format, is it a kind of it that is read, its number of pixels)
        (_starts(head, _JPEG), True, tf.reduce_prod(tf.cast(jpeg_sides, tf.int64))),
        (_starts(head, b"\x89PNG\r\n\x1a\n"), True, _png_pixels(field)),
        (_starts(head, b"GIF8"), True, field["gif width"] * field["gif height"]),
        (_is_webp(head), ~_is_animated_webp(head, field), _webp_pixels(head, field)),
        (_starts(head, b"BM"), _is_read_bmp(field), _bmp_pixels(field)),
    ]
    known = tf.reduce_any([found & readable for found, readable, _ in formats])
    size = tf.reduce_sum([tf.where(found, pixels, 0) for found, _, pixels in formats])
    reason = tf.where(size > MAX_PIXELS, "too_large", "ok")
    reason = tf.where(known, reason, "unsupported_format")
    return tf.where(tf.strings.length(encoded) == 0, "empty", reason)


def _starts(head, magic):
    return tf.strings.substr(head, 0, len(magic)) == magic


def _fields(head):
    """All numbers of all headers at once: every operation of this graph is set up for each epoch.

    A number is the sum of its bytes, each with the weight of its place.
    """
    weights = np.zeros((len(_FIELDS), 32), np.int64)
    for row, (first, size, order) in zip(weights, _FIELDS.values(), strict=True):
        row[first : first + size] = 256 ** np.arange(size)[:: 1 if order == "little" else -1]
    bytes_ = tf.cast(tf.io.decode_raw(head, tf.uint8), tf.int64)
    numbers = tf.reduce_sum(weights * bytes_, axis=1)
    return dict(zip(_FIELDS, tf.unstack(numbers), strict=True))


def _png_pixels(field):
    # More would run over.
    return tf.minimum(field["png width"], 2**31) * tf.minimum(field["png height"], 2**31)


def _is_read_bmp(field):
    return (field["bmp bits"] == 24) | (field["bmp bits"] == 32)


def _bmp_pixels(field):
    # Two signed integers of 32 bits; a negative height means that rows run from the top.
    sides = [field["bmp width"], field["bmp height"]]
    return tf.reduce_prod([tf.minimum(side, 2**32 - side) for side in sides])


def _is_webp(head):
    return _starts(head, b"RIFF") & (tf.strings.substr(head, 8, 4) == b"WEBP")


def _is_animated_webp(head, field):
    return (tf.strings.substr(head, 12, 4) == b"VP8X") & (field["webp flags"] // 2 % 2 == 1)


def _webp_pixels(head, field):
    """The three kinds of WebP: lossy, lossless and extended, each with its own header."""
    lossless = field["webp lossless"]
    kinds = {
        b"VP8 ": (field["webp width"] % 2**14) * (field["webp height"] % 2**14),
        b"VP8L": (lossless % 2**14 + 1) * (lossless // 2**14 % 2**14 + 1),
        b"VP8X": (field["webp canvas width"] + 1) * (field["webp canvas height"] + 1),
    }
    kind = tf.strings.substr(head, 12, 4)
    return tf.reduce_sum([tf.where(kind == name, pixels, 0) for name, pixels in kinds.items()])
