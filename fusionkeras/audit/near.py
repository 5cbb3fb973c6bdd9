"""Pairs of 64-bit hashes that differ in few bits, without comparing all with all."""

import functools

import numpy as np

# Hashes that differ in at most so many of their 64 bits are of nearly the same picture.
NEAR_BITS = 4
_BLOCK = 2**22


def find_near(hashes, among, bits=NEAR_BITS):
    """Finds for each hash one that is at most `bits` bits away.

    Two such hashes agree in at least one of `bits + 1` stretches of their bits, so only those
    are compared that do.

    Args:
        hashes: uint64 array `(n,)`.
        among: uint64 array `(m,)`, where to look.
        bits: int below 64.

    Returns:
        int64 array `(n,)`, places in `among`; -1 where there is none.

    Example:
    >>> a, b = np.array([0b1111, 2**63], np.uint64), np.array([2**40, 0b1011], np.uint64)
    >>> find_near(a, b, bits=1).tolist(), find_near(a, b, bits=2).tolist()
    ([1, -1], [1, 0])
    """
    found = np.full(len(hashes), -1, np.int64)
    edges = np.linspace(0, 64, bits + 2).astype(int)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        pending = np.flatnonzero(found < 0)
        if not len(pending):
            break
        shift, mask = np.uint64(low), np.uint64(2 ** int(high - low) - 1)
        keys = ((hashes >> shift) & mask, (among >> shift) & mask)
        _match(hashes, among, *keys, pending, bits, found)
    return found


def _match(hashes, among, keys, other_keys, pending, bits, found):
    """Compares the pending hashes with those of the same key."""
    order = np.argsort(other_keys, kind="stable")
    pending = pending[np.argsort(keys[pending], kind="stable")]
    groups, begins = np.unique(keys[pending], return_index=True)
    starts = np.searchsorted(other_keys[order], groups, side="left")
    ends = np.searchsorted(other_keys[order], groups, side="right")
    for mine, start, end in zip(np.split(pending, begins[1:]), starts, ends, strict=True):
        candidates = order[start:end]
        step = max(_BLOCK // max(len(candidates), 1), 1)
        for at in range(0, len(mine) if len(candidates) else 0, step):
            rows = mine[at : at + step]
            near = distances(hashes[rows, None], among[candidates]) <= bits
            hit = near.any(axis=1)
            found[rows[hit]] = candidates[near.argmax(axis=1)[hit]]


def distances(some, others):
    """How many bits differ, for uint64 arrays that broadcast."""
    differing = np.ascontiguousarray(some ^ others)
    quarters = differing.view(np.uint16).reshape(*differing.shape, 4)
    return _ones()[quarters].sum(axis=-1, dtype=np.uint8)


@functools.cache
def _ones():
    """How many bits are set in each number of 16."""
    return np.array([number.bit_count() for number in range(2**16)], np.uint8)
