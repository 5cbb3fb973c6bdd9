"""A segment: entries that were put together, as bytes of which a part can be read.

It begins with a head: what it is, the length of its label, the number of its entries, and the
CRC-32 of label and index. Then come the label in UTF-8, the index with key, length and CRC-32 of
each entry, and the values in that order.
"""

import struct
import zlib
from typing import NamedTuple

from fusionkeras.training.frozen.store import checksum

_HEAD = struct.Struct("<8sIII")
_ENTRY = struct.Struct("<32sII")
_MAGIC = b"FKFEATS1"


class Damaged(Exception):  # noqa: N818 - it names a verdict, not a fault
    """Why bytes are no segment."""


class Place(NamedTuple):
    """Where a value lies.

    Attributes:
        segment: str, the name of the segment.
        start: int, the first byte.
        size: int, in bytes.
        checksum: int, of the entry.
    """

    segment: str
    start: int
    size: int
    checksum: int


def encode(items, label):
    """The bytes of a segment.

    Args:
        items: dict of `{digest of 32 bytes: bytes}`.
        label: str.

    Example:
        >>> data = encode({bytes(32): b"features"}, "vgg16")
        >>> label, places = decode("first", data, len(data))
        >>> label, places[bytes(32)].start, places[bytes(32)].size
        ('vgg16', 65, 8)
    """
    entries = [_ENTRY.pack(key, len(value), checksum(key, value)) for key, value in items.items()]
    label = label.encode("utf-8", "replace")
    index = b"".join([label, *entries])
    head = _HEAD.pack(_MAGIC, len(label), len(items), zlib.crc32(index))
    return b"".join([head, index, *items.values()])


def begin_of_values(head):
    """Where the values of a segment begin, told by its first bytes; 0 where these are damaged."""
    if len(head) < _HEAD.size:
        return 0
    magic, label, entries, _ = _HEAD.unpack_from(head)
    return _HEAD.size + label + entries * _ENTRY.size if magic == _MAGIC else 0


def decode(name, head, size):
    """Reads the index of a segment.

    Args:
        name: str, of the segment.
        head: bytes, all that comes ahead of the values, or more.
        size: int, of the segment.

    Returns:
        `(label, {key: Place})`.

    Raises:
        Damaged: where these are not the bytes of a whole segment.
    """
    begin = begin_of_values(head)
    if not begin or begin > len(head):
        raise Damaged("it has no index")
    _, length, _, crc = _HEAD.unpack_from(head)
    index = head[_HEAD.size : begin]
    if zlib.crc32(index) != crc:
        raise Damaged("the checksum of its index is wrong")
    places, start = {}, begin
    for key, long, check in _ENTRY.iter_unpack(index[length:]):
        places[key] = Place(name, start, long, check)
        start += long
    if start != size:
        raise Damaged(f"it has {size:,} bytes in place of {start:,}")
    return index[:length].decode("utf-8", "replace"), places
