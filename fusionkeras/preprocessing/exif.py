"""How JPEGs are to be turned before people see them, as their EXIF data say."""

import tensorflow as tf

# So many segments of a file and entries of its directory are looked at. The EXIF data are the
# first or the second segment, and the orientation stands among the first entries, as a rule.
MAX_SEGMENTS, MAX_ENTRIES = 64, 64
_FIRST_MARKER, _EXIF_MARKER, _END_MARKERS = 0xFFC0, 0xFFE1, (0xFFD9, 0xFFDA)
_EXIF = (0x4578, 0x6966, 0)  # the letters, and two zero bytes
_LITTLE, _BIG, _TIFF = 0x4949, 0x4D4D, 42
_TAG, _SHORT = 0x0112, 3


def read_orientations(encoded):
    r"""Reads the EXIF orientation of JPEGs, and never fails.

    Args:
        encoded: string tensor of shape `(batch,)`, the bytes of files.

    Returns:
        int32 tensor of shape `(batch,)`, 1 to 8; 1 (as it is) where there are no EXIF data in the
        first 64 segments, or they are damaged or say nothing of it, and in other formats. What
        XMP says is not read.

    Reference: CIPA DC-008 (Exif 2.32), 4.5.4 (segments) and 4.6.4 A (the tag); TIFF 6.0, section 2.

    Example:
    >>> tiff = b"MM\0*\0\0\0\x08" + b"\0\1" + b"\1\x12\0\3\0\0\0\1\0\6\0\0"
    >>> jpeg = b"\xff\xd8" + b"\xff\xe1\0\x1eExif\0\0" + tiff
    >>> read_orientations(tf.constant([jpeg, b"no picture"])).numpy().tolist()
    [6, 1]
    """
    start = tf.fill(tf.shape(encoded), 2)
    place, head = tf.while_loop(
        lambda place, head: tf.reduce_any(_goes_on(head)),
        lambda place, head: _next_segment(encoded, place, head),
        (start, _segment(encoded, start)),
        shape_invariants=(tf.TensorShape([None]), tf.TensorShape([None, 5])),
        maximum_iterations=MAX_SEGMENTS,
    )
    length = tf.where(_is_exif(head), tf.maximum(head[:, 1] - 8, 0), 0)
    return tf.cond(
        tf.reduce_any(length > 0),
        lambda: _orientations(_substr(encoded, place + 10, length)),
        lambda: tf.ones_like(length),
    )


def turn(pixels, orientation):
    """Turns a picture as it is meant to be seen.

    Args:
        pixels: tensor of shape `(height, width, channels)`.
        orientation: int32 tensor of shape `()`, 1 to 8.

    Returns:
        Tensor of shape `(height, width, channels)`; from 5 on `(width, height, channels)`.

    Example:
    >>> turn(tf.constant([[[1], [2], [3]]]), tf.constant(6))[..., 0].numpy().tolist()
    [[1], [2], [3]]
    """

    def turned():
        upright = tf.cond(
            swaps_sides(orientation), lambda: tf.transpose(pixels, (1, 0, 2)), lambda: pixels
        )
        upside_down = tf.reduce_any(orientation == [3, 4, 7, 8])
        mirrored = tf.reduce_any(orientation == [2, 3, 6, 7])
        return tf.raw_ops.Reverse(tensor=upright, dims=tf.stack([upside_down, mirrored, False]))

    return tf.cond(orientation == 1, lambda: pixels, turned)


def swaps_sides(orientation):
    """Whether a picture lies on its side, so that its height is to become its width."""
    return orientation >= 5


def _segment(encoded, place):
    """The first 10 bytes of a segment as 5 numbers: marker, length, and what it begins with."""
    numbers = _big(_cut(encoded, place, 10), tf.uint16)
    return tf.reshape(numbers, (tf.shape(place)[0], 5))


def _next_segment(encoded, place, head):
    # One byte on where a marker has a byte FF before it, which it may.
    step = tf.where(head[:, 0] == 0xFFFF, 1, 2 + head[:, 1])
    place += tf.where(_goes_on(head), step, 0)
    return place, _segment(encoded, place)


def _goes_on(head):
    ended = tf.reduce_any(head[:, :1] == [_END_MARKERS], axis=1)
    return (head[:, 0] >= _FIRST_MARKER) & ~ended & ~_is_exif(head)


def _is_exif(head):
    return (head[:, 0] == _EXIF_MARKER) & tf.reduce_all(head[:, 2:] == [_EXIF], axis=1)


def _orientations(tiffs):
    """What the first directories of TIFFs say, 1 where one says nothing that makes sense."""
    header = _cut(tiffs, tf.fill(tf.shape(tiffs), 0), 8)
    little = _big(header, tf.uint16)[:, :1] == _LITTLE
    words = _numbers(header, tf.uint16, little)
    known = tf.reduce_any(words[:, :1] == [[_LITTLE, _BIG]], axis=1) & (words[:, 1] == _TIFF)
    directory = _numbers(header, tf.int32, little)[:, 1]
    content = _cut(tiffs, directory, 2 + 12 * MAX_ENTRIES)
    content = _numbers(content, tf.uint16, little)
    entries = tf.reshape(content[:, 1:], (-1, MAX_ENTRIES, 6))
    tag, kind, value = entries[..., 0], entries[..., 1], entries[..., 4]
    listed = tf.range(MAX_ENTRIES) < content[:, :1]
    found = listed & (tag == _TAG) & (kind == _SHORT)
    value = tf.reduce_max(tf.where(found, value, 0), axis=1)
    return tf.where(known & (value >= 1) & (value <= 8), value, 1)


def _cut(text, at, size):
    """`size` bytes from a place on, zeros behind the end of the text."""
    return tf.strings.substr(_substr(text, at, size) + b"\0" * size, 0, size)


def _substr(text, at, size):
    at = tf.clip_by_value(at, 0, tf.strings.length(text))
    return tf.strings.substr(text, at, tf.zeros_like(at) + size)


def _big(text, dtype):
    return tf.cast(tf.io.decode_raw(text, dtype, little_endian=False), tf.int32)


def _numbers(text, dtype, little):
    """Numbers of either byte order, as int32."""
    return tf.where(little, tf.cast(tf.io.decode_raw(text, dtype), tf.int32), _big(text, dtype))
