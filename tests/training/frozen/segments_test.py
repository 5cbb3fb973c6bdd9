"""The store at an address: what it gives is right, whoever else writes, and whatever is damaged."""

import hashlib
import logging
import random
import subprocess
import sys

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import fusionkeras
from fusionkeras.training.frozen import segments
from fusionkeras.training.frozen.cache import FeatureCache
from fusionkeras.training.frozen.folder import RemoteFolder, new_name
from fusionkeras.training.frozen.segment import begin_of_values
from fusionkeras.training.frozen.segments import SegmentStore
from fusionkeras.training.frozen.store import FeatureStore

ROOT = "memory://bucket/features"


def key_of(number):
    return hashlib.sha256(b"%d" % number).digest()


def value_of(number):
    """Of 0 to 5,000 bytes; as in WRITERS."""
    return (key_of(number) * 160)[: number * 7919 % 5000]


def items_of(numbers):
    return {key_of(number): value_of(number) for number in numbers}


@pytest.fixture
def memory():
    """The file system in memory, which is written to as object stores are."""
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.rm("/", recursive=True)


@pytest.fixture
def store(memory):
    return SegmentStore(ROOT)


@pytest.fixture
def looks(monkeypatch):
    """How often the folder has been listed."""
    calls, listing = [], RemoteFolder.list

    def counted(self):
        calls.append(self)
        return listing(self)

    monkeypatch.setattr(RemoteFolder, "list", counted)
    return calls


def files(memory):
    return memory.find("/bucket/features")


def messages(caplog):
    return [record.message for record in caplog.records if record.levelno == logging.WARNING]


def test_the_path_tells_which_store_a_cache_is(tmp_path, memory):
    for path in (ROOT, tmp_path.as_uri()):
        assert isinstance(FeatureCache(path).open(), SegmentStore)
    for path in (str(tmp_path), tmp_path, None):
        assert isinstance(FeatureCache(path).open(), FeatureStore)


def test_others_see_what_is_written(store, tmp_path):
    for address in (ROOT, f"file://{tmp_path}/shared/features"):
        stores = [SegmentStore(address) for _ in range(3)]
        for number, one in enumerate(stores):
            one.put(items_of(range(number * 10, number * 10 + 20)), "vgg")
        items = items_of(range(40))
        for one in stores:
            assert one.contains(items) == set(items) and one.get(items) == items
            assert one.info()["entries"] == 40 and one.info()["labels"]["vgg"]["entries"] == 40
    assert all(file.suffix == ".features" for file in (tmp_path / "shared/features").iterdir())


def test_keys_that_are_missing_are_looked_for_now_and_then(store, looks, monkeypatch):
    other = SegmentStore(ROOT)
    assert store.get([key_of(1)]) == {} and len(looks) == 1
    other.put(items_of([1]))
    looks.clear()
    for _ in range(10):
        assert store.get([key_of(1)]) == {}
    assert not looks
    monkeypatch.setattr(segments.time, "monotonic", lambda now=segments.time.monotonic: now() + 31)
    assert store.get([key_of(1)]) == items_of([1]) and len(looks) == 1
    for _ in range(10):
        assert store.get([key_of(1)]) == items_of([1])
    assert len(looks) == 1


def test_a_look_that_takes_long_is_rare(store, monkeypatch):
    clock = iter([100, 150])  # 50 seconds; so the next comes 1000 seconds later
    monkeypatch.setattr(segments.time, "monotonic", lambda: next(clock))
    store.contains([key_of(1)])
    clock = iter([1100])
    assert store.get([key_of(1)]) == {}
    clock = iter([1151, 1152])
    store.get([key_of(1)])
    assert not list(clock)


def test_a_long_index_is_read_whole(store):
    items = {key_of(number): b"%d" % number for number in range(1000)}
    store.put(items, label="long")
    other = SegmentStore(ROOT)
    assert other.get(items) == items and other.info()["labels"]["long"]["entries"] == 1000


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_the_oldest_go_first_that_this_process_has_not_used(kind, memory, tmp_path):
    address = ROOT if kind == "memory" else tmp_path.as_uri()
    writer, store = SegmentStore(address), SegmentStore(address, max_bytes=10_000)
    for number in range(10):
        writer.put({key_of(number): bytes(1000)})
    assert store.contains([key_of(0), key_of(3)])
    store.put({key_of(10): bytes(1000)})  # 11,000 bytes: two go, to be at nine tenths
    left = {number for number in range(11) if store.get([key_of(number)])}
    assert left == {0, 3, 4, 5, 6, 7, 8, 9, 10}
    assert writer.get(map(key_of, range(11))).keys() == {key_of(n) for n in left - {10}}
    assert writer.contains(map(key_of, range(11))) == set(map(key_of, left))
    store.put({key_of(11): bytes(9500)})  # what was just written stays
    assert store.contains(map(key_of, range(12))) == {key_of(11)}


def test_what_is_larger_than_the_bound_is_not_kept(memory, caplog):
    store = SegmentStore(ROOT, max_bytes=1000)
    store.put(items_of([1]) | {key_of(2): bytes(1001)})
    assert "2 features are larger than the bound" in caplog.text and store.info()["entries"] == 0


def test_two_that_evict_at_once(memory, monkeypatch):
    stores = [SegmentStore(ROOT, max_bytes=10_000) for _ in range(2)]
    for number in range(10):
        stores[number % 2].put({key_of(number): bytes(1000)})
    stores[0].contains([])
    remove = RemoteFolder.remove

    def remove_twice(self, names):
        remove(self, names)
        remove(self, names)

    monkeypatch.setattr(RemoteFolder, "remove", remove_twice)
    stores[0].put({key_of(10): bytes(1000)})
    assert stores[0].info()["entries"] == 9


def flipped(data, place):
    data = bytearray(data)
    data[place] ^= 1
    return bytes(data)


DAMAGES = {
    "cut": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "cut in the index": lambda data: data[:100],
    "cut in the head": lambda data: data[:10],
    "empty": lambda data: b"",
    "longer": lambda data: data + b"more",
    "random bytes": lambda data: random.Random(0).randbytes(len(data)),
    "a flipped bit of the number of entries": lambda data: flipped(data, 14),
    "a flipped bit of the index": lambda data: flipped(data, 50),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_segment_is_absent(damage, store, memory, caplog):
    store.put(items_of(range(20)))
    (file,) = files(memory)
    store.put(items_of(range(20, 30)))
    memory.pipe(file, DAMAGES[damage](memory.cat(file)))
    other, items = SegmentStore(ROOT), items_of(range(30))
    for _ in range(2):
        assert other.contains(items) == set(items_of(range(20, 30)))
        assert other.get(items) == items_of(range(20, 30))
    (message,) = messages(caplog)  # once, not at every look
    assert "Leaving out the segment" in message
    other.put(items)
    assert other.get(items) == items
    assert SegmentStore(ROOT).get(items) == items
    assert other.clear() == 30 and not files(memory)


def test_a_damaged_value_is_absent(store, memory, caplog):
    items = items_of(range(5, 15))
    store.put(items)
    (file,) = files(memory)
    data = memory.cat(file)
    memory.pipe(file, flipped(data, begin_of_values(data) + 10))
    right = items_of(range(6, 15))
    for one in (store, SegmentStore(ROOT)):
        assert one.contains(items) == set(items) and one.get(items) == right
        assert "Leaving out 1 damaged features" in caplog.text
        assert one.contains(items) == set(right)
        caplog.clear()
    store.put(items)
    assert store.get(items) == SegmentStore(ROOT).get(items) == items


def test_no_flipped_bit_gives_a_wrong_value_or_an_error(store, memory, caplog):
    items = items_of(range(10))
    store.put(items)
    (file,) = files(memory)
    data, draw = memory.cat(file), random.Random(0)
    caplog.set_level(logging.CRITICAL, "fusionkeras")
    for trial in range(200):
        place = draw.randrange(begin_of_values(data) if trial % 2 else len(data))
        memory.pipe(file, flipped(data, place))
        other = SegmentStore(ROOT)
        found = other.get(items)
        assert len(found) < 10 and found.items() <= items.items()
        other.put(items)
        assert other.get(items) == items
        memory.rm([one for one in files(memory) if one != file])


def test_segments_that_vanish(store, caplog):
    items = items_of(range(1, 11))
    store.put(items)
    other = SegmentStore(ROOT)
    assert other.contains(items) == set(items)
    store.clear()
    assert other.get(items) == {}
    other.put(items)
    assert other.get(items) == items and not messages(caplog)


def test_what_a_killed_writer_has_left_is_ignored_and_goes(tmp_path):
    store = SegmentStore(tmp_path.as_uri())
    store.put(items_of([1]))
    old, new = (f".unfinished-{name}" for name in (16 * "0" + new_name()[16:], new_name()))
    for name in (old, new, "notes.txt"):
        (tmp_path / name).write_bytes(bytes(100))
    assert store.info()["entries"] == 1 and store.info()["disk_bytes"] > 200
    other = SegmentStore(tmp_path.as_uri())
    other.put(items_of([2]))
    left = {file.name for file in tmp_path.iterdir()}
    assert old not in left and {new, "notes.txt"} < left and len(left) == 4
    assert other.clear() == 2 and [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


class Refusing(MemoryFileSystem):
    """Refuses what `refused` names, with an error that is no OSError, as packages do."""

    protocol = "refusing"
    refused = ()

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("refusing://"))

    def _refuse(self, what):
        if what in self.refused:
            raise RuntimeError("no credentials")

    def ls(self, path, detail=True, **kwargs):
        """Lists."""
        self._refuse("ls")
        return super().ls(path, detail=detail, **kwargs)

    def cat_file(self, path, start=None, end=None, **kwargs):
        """Reads."""
        self._refuse("cat")
        return super().cat_file(path, start=start, end=end, **kwargs)

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        """Writes."""
        self._refuse("pipe")
        return super().pipe_file(path, value, mode=mode, **kwargs)


def test_an_address_that_fails_is_an_empty_store_that_cannot_be_written(memory, caplog):
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    store, items = SegmentStore("refusing://bucket/features"), items_of([1, 2])
    for refused in (["cat"], ["ls", "cat", "pipe"]):
        Refusing.refused = ()
        store.put(items)
        other = SegmentStore("refusing://bucket/features")
        Refusing.refused = refused
        assert other.get(items) == {} and other.contains(items) == set()
        assert store.get(items) == {}
        assert messages(caplog) and all("no credentials" in one for one in messages(caplog))
    with pytest.raises(OSError, match=r"cannot be written \(RuntimeError: no cred.*another place"):
        store.put(items_of([3]))
    for action in (store.info, store.clear):
        with pytest.raises(OSError, match="cannot be read .*Expected an address that can be writ"):
            action()
    Refusing.refused = ()
    assert store.get(items) == other.get(items) | items == items  # nothing was forgotten
    assert other.contains(items) == set(items)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    store = SegmentStore(f"file://{tmp_path}/file/features")
    assert store.get([key_of(1)]) == {}
    with pytest.raises(OSError, match="The cache of features cannot be written .* another place"):
        store.put(items_of([1]))


def test_wrong_addresses():
    with pytest.raises(ImportError, match="s3:// needs the package s3fs.*Run: pip install s3fs"):
        FeatureCache("s3://bucket/features").open()
    with pytest.raises(ValueError, match="cannot be opened .*such as s3://bucket/features. Recei"):
        FeatureCache("nothing://bucket/features").open()
    with pytest.raises(ValueError, match="The bound of the store is too small"):
        SegmentStore(ROOT, 0)


# Two writers at once, and then writers that are killed. TensorFlow is not needed, nor waited for.
WRITERS = """
import hashlib, os, random, signal, sys, time, types
for name in ("", "/data", "/training", "/training/frozen"):
    module = sys.modules["fusionkeras" + name.replace("/", ".")] = types.ModuleType("bare")
    module.__path__ = [sys.argv[2] + name]
from fusionkeras.training.frozen.segments import SegmentStore
key_of = lambda number: hashlib.sha256(b"%d" % number).digest()
value_of = lambda number: (key_of(number) * 160)[: number * 7919 % 5000]
def write(first, last, size):
    store = SegmentStore(sys.argv[1])
    present = store.contains([key_of(number) for number in range(first, last)])
    new = [number for number in range(first, last) if key_of(number) not in present]
    os.write(begun[1], b"x")
    for start in range(0, len(new), size):
        store.put({key_of(number): value_of(number) for number in new[start : start + size]})
def fork(*what):
    if child := os.fork():
        return child
    try:
        write(*what)
        os._exit(0)
    finally:
        os._exit(1)
begun = os.pipe()
for child in [fork(0, 300, 7), fork(100, 400, 11)]:
    assert os.waitpid(child, 0)[1] == 0
draw = random.Random(0)
for round in range(20):
    begun = os.pipe()
    child = fork(400, 20_000, 10)
    os.read(begun[0], 1)
    time.sleep(draw.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.mark.slow
def test_processes_that_write_at_once_and_are_killed(tmp_path, caplog):
    arguments = [tmp_path.as_uri(), *fusionkeras.__path__]
    subprocess.run([sys.executable, "-c", WRITERS, *arguments], check=True, timeout=60)
    store, items = SegmentStore(tmp_path.as_uri()), items_of(range(20_000))
    found = store.get(items)
    assert found.items() <= items.items() and found.keys() == store.contains(items)
    assert found.keys() >= items_of(range(400)).keys()
    assert 600 < len(found) < 20_000, "writers were killed midway"
    assert not messages(caplog)
