"""Features of frozen encoders at an address, or in a folder that several machines share.

Files there cannot be locked and, at most addresses, not changed either. So every `put` writes one
segment under a name of its own, whole or not at all, and nothing is written twice: writers need not
know of each other. An entry that two of them have computed is there twice, which costs its space.
On a disk of the same machine it reads and writes about as fast as SQLite; opening reads all
indexes, 0.3 ms a segment.
"""

import collections
import logging
import threading
import time

from fusionkeras._checks import argument_error
from fusionkeras.training.frozen.folder import RemoteFolder, new_name, written_at
from fusionkeras.training.frozen.segment import Damaged, begin_of_values, decode, encode
from fusionkeras.training.frozen.store import KEPT, check_bound, check_items, check_keys, checksum

_LOGGER = logging.getLogger("fusionkeras")
_EVERY = 30  # seconds between two looks for the segments of others, while keys are missing
_SHARE = 20  # and so many times as long as a look takes
_HEAD = 8192  # bytes read first of a segment: the index of 200 entries
_AT_ONCE = 1000  # segments whose indexes are read together
_ABANDONED = 24 * 3600  # seconds after which an unfinished file is one of a killed writer

# What is known of a segment: the bytes of all of it, its label, and the bytes of its values.
_Segment = collections.namedtuple("_Segment", ("size", "label", "values"))


class SegmentStore:
    """A bounded store of bytes at an address, for what can be made anew.

    It does what `FeatureStore` does. Any number of processes and machines may use it at once, and
    a writer that is killed leaves nothing behind that anyone reads. What it gives is what was
    put: what is damaged or cut short counts as absent, with a warning in the log. Each process
    keeps the keys in memory, 0.3 KB each.

    Args:
        path: str, an address that `fsspec` opens, such as `s3://bucket/features`, or
            `file:///mnt/shared/features`.
        max_bytes: int, the bound on the sum of all values, in bytes. Where it is passed, whole
            segments go until nine tenths of it are left: those first that this process has not
            used, from the oldest on. Another process may lose what it uses, and makes it anew.
            Writers see each other's segments half a minute late, and may pass it by so much.

    Raises:
        ImportError: when the package for that kind of address is not installed.
        TypeError, ValueError: for an address of an unknown kind, or one that cannot be opened; a
            bound that is no positive integer.

    Example:
        >>> import hashlib
        >>> store = SegmentStore("memory://example/features")
        >>> key = hashlib.sha256(b"picture").digest()
        >>> store.put({key: b"features"}, label="resnet50")
        >>> SegmentStore("memory://example/features").get([key]) == {key: b"features"}
        True
        >>> store.clear()
        1
    """

    def __init__(self, path, max_bytes=20 * 2**30):
        self.path, self.max_bytes = path, check_bound(max_bytes)
        self._folder = RemoteFolder(path)
        self._lock = threading.RLock()
        self._segments, self._unfinished = {}, {}
        self._places = {}
        self._used = set()
        self._next_look = 0.0

    def get(self, keys):
        """Reads values; those that are absent or damaged are left out.

        Where a key is missing it looks for new segments of others, every half a minute at most.

        Args:
            keys: iterable of bytes, digests of 32 bytes.

        Returns:
            dict of `{key: bytes}`. A store that cannot be read is an empty one, says the log.

        Raises:
            TypeError, ValueError: for a key that is no digest.
        """
        places = self._find(check_keys(keys), fresh=False)
        ranges = [(one.segment, one.start, one.start + one.size) for one in places.values()]
        contents = self._try(lambda: self._folder.read(ranges)) if ranges else None
        if contents is None:
            return {}
        values = dict(zip(places, contents, strict=True))
        failures = {k: one for k, one in values.items() if not _is_right(k, one, places[k])}
        if failures:
            self._forget(failures, places)
        return {key: value for key, value in values.items() if key not in failures}

    def contains(self, keys):
        """Tells which entries are there now, unverified, and marks them as used by this process.

        Args:
            keys: iterable of bytes, digests of 32 bytes.

        Returns:
            set of bytes, the keys that are there. A store that cannot be read is an empty one.

        Raises:
            TypeError, ValueError: for a key that is no digest.
        """
        return set(self._find(check_keys(keys), fresh=True))

    def put(self, items, label=""):
        """Writes entries as one segment, all or none; evicts where the bound is passed.

        A key that is known to be there keeps its value. Entries that are larger together than the
        bound are not kept, and the log says so.

        Args:
            items: dict of `{digest of 32 bytes: bytes}`.
            label: str, what `info` groups by.

        Raises:
            TypeError, ValueError: for keys, values or a label of another kind.
            OSError: where the address cannot be written to; what was there before stays.
        """
        check_items(items, label)
        with self._lock:
            items = {key: value for key, value in items.items() if key not in self._places}
        if not items:
            return
        if sum(map(len, items.values())) > self.max_bytes:
            _LOGGER.warning("%d features are larger than the bound of %s", len(items), self.path)
            return
        name, data = new_name(), encode(items, label)
        self._must("written", lambda: self._folder.write(name, data))
        with self._lock:
            self._enter(name, data, len(data))
            self._used.add(name)
            self._try(lambda: self._evict(name))

    def info(self):
        """Tells what the store holds; as `FeatureStore.info`."""
        with self._lock:
            self._must("read", lambda: self._look(fresh=True))
            labels = {}
            for place in self._places.values():
                label, used = self._segments[place.segment].label, written_at(place.segment)
                row = labels.setdefault(label, {"entries": 0, "bytes": 0, "last_used": used})
                row["entries"] += 1
                row["bytes"] += place.size
                row["last_used"] = max(row["last_used"], used)
            return {
                "path": self.path,
                "entries": len(self._places),
                "bytes": sum(row["bytes"] for row in labels.values()),
                "max_bytes": self.max_bytes,
                "disk_bytes": sum(n.size for n in self._segments.values())
                + sum(self._unfinished.values()),
                "labels": labels,
            }

    def clear(self):
        """Deletes all segments, and what killed writers have left.

        Returns:
            int, the number of entries that were there.

        Raises:
            OSError: where they cannot be deleted.
        """
        with self._lock:
            count = self.info()["entries"]
            self._must("cleared", lambda: self._remove([*self._segments, *self._unfinished]))
            return count

    def _find(self, keys, fresh):
        """Where the entries lie of the keys that are there."""
        with self._lock:
            if fresh or not self._places.keys() >= set(keys):
                self._try(lambda: self._look(fresh))
            places = {key: self._places[key] for key in keys if key in self._places}
            self._used.update(place.segment for place in places.values())
            return places

    def _look(self, fresh):
        """Takes note of what others have written or deleted."""
        begun = time.monotonic()
        if not fresh and begun < self._next_look:
            return
        try:
            sizes, self._unfinished = self._folder.list()
            known = {name for name, one in self._segments.items() if sizes.get(name) == one.size}
            if len(known) < len(self._segments):
                self._keep(known)
            new = sorted(sizes.keys() - known)
            for begin in range(0, len(new), _AT_ONCE):
                self._learn({name: sizes[name] for name in new[begin : begin + _AT_ONCE]})
        finally:
            now = time.monotonic()
            self._next_look = now + max(_EVERY, _SHARE * (now - begun))

    def _learn(self, sizes):
        """Reads the indexes of segments."""
        heads = self._heads({name: min(size, _HEAD) for name, size in sizes.items()})
        begins = {name: begin_of_values(head) for name, head in heads.items()}
        longer = {n: end for n, end in begins.items() if len(heads[n]) < end <= sizes[n]}
        for name in longer:
            del heads[name]
        for name, head in (heads | self._heads(longer)).items():
            self._enter(name, head, sizes[name])

    def _heads(self, ends):
        """The first bytes of segments, of those that can be read."""
        heads = self._folder.read([(name, 0, end) for name, end in ends.items()])
        errors = [one for one in heads if not isinstance(one, (bytes, FileNotFoundError))]
        if errors:  # what was not found has been deleted meanwhile
            self._warn(errors[0])
        return {n: head for n, head in zip(ends, heads, strict=True) if isinstance(head, bytes)}

    def _enter(self, name, head, size):
        try:
            label, places = decode(name, head, size)
        except Damaged as reason:
            _LOGGER.warning("Leaving out the segment %s of %s: %s", name, self.path, reason)
            self._segments[name] = _Segment(size, "", size)
            return
        self._segments[name] = _Segment(size, label, size - begin_of_values(head))
        self._places |= places

    def _forget(self, failures, places):
        """Takes note of entries that are damaged or gone; others may be there the next time."""
        errors = {k: one for k, one in failures.items() if not isinstance(one, bytes)}
        gone = [key for key, one in errors.items() if isinstance(one, FileNotFoundError)]
        damaged = failures.keys() - errors.keys()
        with self._lock:
            for key in [*gone, *damaged]:
                if self._places.get(key) == places[key]:
                    del self._places[key]
        if damaged:
            _LOGGER.warning("Leaving out %d damaged features of %s", len(damaged), self.path)
        if len(errors) > len(gone):
            self._warn(next(one for key, one in errors.items() if key not in gone))

    def _evict(self, new):
        """Deletes the oldest segments where the bound is passed, but not the `new` one."""
        self._look(fresh=False)
        old = time.time() - _ABANDONED
        leaving = [name for name in self._unfinished if written_at(name) < old]
        if sum(one.values for one in self._segments.values()) > self.max_bytes:
            self._look(fresh=True)
            leaving += self._oldest(new)
        if leaving:
            self._remove(leaving)

    def _oldest(self, new):
        total = sum(one.values for one in self._segments.values())
        for name in sorted(self._segments, key=lambda name: (name in self._used, name)):
            if total <= KEPT * self.max_bytes:
                return
            if name != new:
                total -= self._segments[name].values
                yield name

    def _remove(self, names):
        self._folder.remove(names)
        self._keep(self._segments.keys() - set(names))
        for name in names:
            self._unfinished.pop(name, None)

    def _keep(self, names):
        """Forgets all other segments."""
        self._segments = {name: self._segments[name] for name in names}
        self._places = {k: one for k, one in self._places.items() if one.segment in self._segments}

    def _try(self, action):
        """Calls `action`; where it does not work the log says so."""
        try:
            return action()
        except OSError as error:
            self._warn(error)
            return None

    def _warn(self, error):
        _LOGGER.warning("The features in %s cannot be used now: %s", self.path, error)

    def _must(self, done, action):
        """Calls `action`, with an error for people."""
        try:
            return action()
        except OSError as error:
            raise argument_error(
                f"The cache of features cannot be {done} ({error})",
                "an address that can be written to",
                "Choose another place, or do without the cache.",
                kind=OSError,
                path=self.path,
            ) from error


def _is_right(key, value, place):
    return isinstance(value, bytes) and checksum(key, value) == place.checksum
