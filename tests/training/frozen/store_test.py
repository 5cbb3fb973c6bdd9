"""The store of features: what it gives is right, whatever happens to it."""

import hashlib
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import fsspec
import pytest

from fusionkeras.training.frozen import store as store_module
from fusionkeras.training.frozen.segments import SegmentStore
from fusionkeras.training.frozen.store import FeatureStore

# A process that knows the store alone; `-I -S` begins it in a tenth of a second.
PROCESS = """
import hashlib, importlib.util, sys
spec = importlib.util.spec_from_file_location("store", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
store = module.FeatureStore(sys.argv[2])
key_of = lambda number: hashlib.sha256(b"%d" % number).digest()
def value_of(number):
    return (key_of(number) * 1800)[: number * 7919 % 50000]
"""
WRITER = (
    PROCESS
    + """
first, last, size = map(int, sys.argv[3:])
print("begun", flush=True)
present = store.contains([key_of(number) for number in range(first, last)])
new = [number for number in range(first, last) if key_of(number) not in present]
for start in range(0, len(new), size):
    numbers = new[start : start + size]
    store.put({key_of(number): value_of(number) for number in numbers}, "writer")
if {"tensorflow", "numpy", "fusionkeras"} & set(sys.modules):
    raise SystemExit("the store needs more than itself")
"""
)


def key_of(number):
    return hashlib.sha256(b"%d" % number).digest()


def value_of(number):
    """As in PROCESS: of 0 to 50,000 bytes."""
    return (key_of(number) * 1800)[: number * 7919 % 50000]


def items_of(numbers):
    return {key_of(number): value_of(number) for number in numbers}


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, store_module.__file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out


def sql(store, statement, *values):
    with closing(sqlite3.connect(store.path / "features.sqlite")) as connection, connection:
        return connection.execute(statement, values).fetchall()


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "features")


@pytest.fixture(params=["folder", "file", "memory"])
def any_store(request, tmp_path):
    """Both kinds of stores; what they promise alike is tested with it."""
    if request.param == "folder":
        yield FeatureStore(tmp_path / "features")
    elif request.param == "file":
        yield SegmentStore((tmp_path / "features").as_uri())
    else:
        yield SegmentStore("memory://bucket/features")
        fsspec.filesystem("memory").rm("/", recursive=True)


def warnings_of(caplog):
    return [record.message for record in caplog.records if record.levelno == logging.WARNING]


def test_what_is_put_is_got(any_store, tmp_path):
    store, items = any_store, items_of(range(100))
    assert store.get(items) == {} and store.contains(items) == set()
    assert not list(tmp_path.iterdir())
    store.put(items, label="vgg16")
    assert store.get([*items, key_of(1000)]) == items
    assert store.contains([*items, key_of(1000)]) == set(items)
    assert store.get([]) == {} and store.contains([]) == set()
    assert type(store)(str(store.path)).get(iter(items)) == items


def test_a_key_keeps_its_first_value(any_store):
    store = any_store
    store.put({key_of(1): b"first"}, "a")
    store.put({key_of(1): b"second", key_of(2): b"new"}, "b")
    assert store.get([key_of(1), key_of(2)]) == {key_of(1): b"first", key_of(2): b"new"}
    assert store.info()["bytes"] == 8


def test_info_and_clear(any_store):
    store = any_store
    assert store.info() == {
        "path": str(store.path), "entries": 0, "bytes": 0, "max_bytes": 20 * 2**30,
        "disk_bytes": 0, "labels": {},
    }  # fmt: skip
    assert store.clear() == 0
    store.put(items_of(range(10)), "a")
    store.put(items_of(range(10, 15)), "Ärger")
    info = store.info()
    assert info["entries"] == 15
    assert info["bytes"] == sum(len(value_of(number)) for number in range(15))
    assert info["disk_bytes"] >= info["bytes"]
    assert {label: row["entries"] for label, row in info["labels"].items()} == {"a": 10, "Ärger": 5}
    assert all(abs(row["last_used"] - time.time()) < 60 for row in info["labels"].values())
    assert store.clear() == 15
    assert store.info()["disk_bytes"] == 0 and store.get(items_of(range(15))) == {}
    store.put(items_of([1]))
    assert store.get([key_of(1)]) == items_of([1])


def test_the_default_folder_is_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSIONKERAS_CACHE", str(tmp_path))
    assert FeatureStore().path == tmp_path / "features"


def test_the_least_recently_used_go_first(tmp_path):
    store = FeatureStore(tmp_path, max_bytes=10_000)
    for number in range(10):
        store.put({key_of(number): bytes(1000)})
    assert len(store.contains(map(key_of, range(10)))) == 10
    store.contains([key_of(0), key_of(3)])
    store.put({key_of(10): bytes(1000)})  # 11,000 bytes: two go, to be at nine tenths
    left = {number for number in range(11) if store.get([key_of(number)])}
    assert len(left) == 9 and {0, 3, 10} <= left
    assert store.info()["bytes"] == 9000


def test_what_was_just_written_stays_unless_it_is_beyond_the_bound_itself(tmp_path):
    store = FeatureStore(tmp_path, max_bytes=10_000)
    store.put({key_of(0): bytes(1000)})
    new = {key_of(number): bytes(990) for number in range(1, 11)}
    store.put(new)
    assert store.get([key_of(0), *new]) == new
    store.put({key_of(number): bytes(3000) for number in range(20, 30)})
    assert store.info()["entries"] == 3 and store.info()["bytes"] == 9000
    store.put({key_of(50): bytes(20_000)})
    assert store.info()["bytes"] == 0


def test_a_sum_that_is_wrong_is_put_right(tmp_path, caplog):
    store = FeatureStore(tmp_path, max_bytes=10_000)
    store.put({key_of(1): bytes(1000)})
    for wrong in (10**15, -(10**15)):
        sql(store, "UPDATE total SET bytes = ?", wrong)
        store.put({key_of(2): bytes(1000)})
        assert store.info()["entries"] == 2
        assert sql(store, "SELECT bytes FROM total") == [(2000,)]
    sql(store, "UPDATE entries SET used = 'long ago'")
    assert store.info()["entries"] == 0 and "was never written" in warnings_of(caplog)[0]


def test_the_place_of_evicted_entries_is_used_again(tmp_path):
    store = FeatureStore(tmp_path, max_bytes=1_000_000)
    for first in range(0, 400, 10):
        store.put({key_of(number): bytes(20_000) for number in range(first, first + 10)})
        assert store.info()["bytes"] <= 1_000_000
    assert store.info()["disk_bytes"] < 1_500_000


def test_damaged_values_are_absent_and_deleted(store, caplog):
    items = items_of(range(1, 9))
    store.put(items)
    ids = dict(sql(store, "SELECT key, id FROM entries"))
    flipped = bytearray(value_of(1))
    flipped[1000] ^= 1
    change = "UPDATE contents SET value = ? WHERE id = ?"
    sql(store, change, bytes(flipped), ids[key_of(1)])
    sql(store, change, value_of(3), ids[key_of(2)])  # two values that are right, exchanged
    sql(store, change, value_of(2), ids[key_of(3)])
    sql(store, change, "text", ids[key_of(4)])
    sql(store, change, None, ids[key_of(5)])
    sql(store, "DELETE FROM contents WHERE id = ?", ids[key_of(6)])
    assert store.contains(items) == set(items)
    right = items_of([7, 8])
    assert store.get(items) == right
    assert any("6 damaged features" in message for message in warnings_of(caplog))
    assert store.contains(items) == set(right)
    assert store.info()["bytes"] == sum(map(len, right.values()))
    store.put(items)
    assert store.get(items) == items


DAMAGES = {
    "random bytes": lambda data: random.Random(0).randbytes(len(data)),
    "half": lambda data: data[: len(data) // 2],
    "a few bytes": lambda data: data[:50],
    "no header": lambda data: bytes(100) + data[100:],
    "zeros behind the header": lambda data: data[:4096] + bytes(len(data) - 4096),
    "another database": lambda data: another_database(),
}


def another_database():
    with closing(sqlite3.connect(":memory:")) as connection, connection:
        connection.execute("CREATE VIEW entries AS SELECT * FROM nowhere")
        return connection.serialize()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("action", ["get", "contains", "put", "info", "clear"])
def test_a_damaged_file_is_begun_anew(store, damage, action, caplog):
    items = items_of(range(50))
    store.put(items)
    file = store.path / "features.sqlite"
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    arguments = {"get": [items], "contains": [items], "put": [items_of([99])]}.get(action, [])
    getattr(store, action)(*arguments)
    store.get(items)
    assert any("Deleting the damaged features" in message for message in warnings_of(caplog))
    store.put(items)
    assert store.get(items) == items


def test_an_empty_file_is_an_empty_store(store, caplog):
    store.path.mkdir()
    (store.path / "features.sqlite").touch()
    assert store.get(items_of([1])) == {} and store.info()["entries"] == store.clear() == 0
    store.put(items_of([1]))
    assert store.get([key_of(1)]) == items_of([1]) and not warnings_of(caplog)


def test_no_flipped_byte_gives_a_wrong_value_or_an_error(store, caplog):
    items = items_of(range(10))
    store.put(items)
    file = store.path / "features.sqlite"
    whole, draw = file.read_bytes(), random.Random(0)
    caplog.set_level(logging.CRITICAL, "fusionkeras")
    for trial in range(150):
        # Half of them where pages begin: there lies what SQLite itself believes.
        page = draw.randrange(len(whole) // 4096) * 4096
        data = bytearray(whole)
        for _ in range(3):
            data[page + draw.randrange(100 if trial % 2 else 4096)] ^= 1 << draw.randrange(8)
        file.write_bytes(data)
        assert store.contains(items) <= set(items)
        found = store.get(items)
        assert all(items[key] == value for key, value in found.items())
        store.put(items)
        assert set(store.get(items).items()) <= set(items.items())
        store.info()
        store.clear()


def test_threads_read_and_write_at_once(any_store):
    store, wrong = any_store, []

    def work(seed):
        draw = random.Random(seed)
        for _ in range(15):
            items = items_of(draw.sample(range(200), 20))
            store.put(items)
            store.contains(items)
            if store.get(items) != items:
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_processes_write_at_once(store):
    # The same keys and others, in transactions of different sizes.
    writers = [start(WRITER, store.path, *what) for what in [(0, 300, 7), (100, 400, 11)]]
    for process in writers:
        finish(process)
    items = items_of(range(400))
    assert store.get(items) == items
    assert store.info()["bytes"] == sum(map(len, items.values()))


def test_a_writer_that_is_waited_for(store):
    store.put(items_of([1]))
    with closing(sqlite3.connect(store.path / "features.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        threads = [
            threading.Thread(target=store.put, args=(items_of([2]),)),
            threading.Thread(target=store.get, args=([key_of(1)],)),
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        assert all(thread.is_alive() for thread in threads)
        other.execute("COMMIT")
        for thread in threads:
            thread.join()
    assert store.get([key_of(1), key_of(2)]) == items_of([1, 2])


def test_a_lock_that_stays_is_an_error_of_writing_only(store, monkeypatch, caplog):
    monkeypatch.setattr(store_module, "_PATIENCE", 0.1)
    store.put(items_of([1]))
    with closing(sqlite3.connect(store.path / "features.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert store.get([key_of(1)]) == {} and store.contains([key_of(1)]) == set()
        with pytest.raises(OSError, match=r"cannot be written \(database is locked\). Expected"):
            store.put(items_of([2]))
        with pytest.raises(OSError, match="cannot be read"):
            store.info()
        with pytest.raises(OSError, match="cannot be cleared"):
            store.clear()
    assert "database is locked" in warnings_of(caplog)[0]
    assert store.get([key_of(1)]) == items_of([1])


def test_a_writer_finds_the_file_that_took_the_place_of_a_deleted_one(store):
    store.put(items_of([1]))
    with closing(sqlite3.connect(store.path / "features.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        thread = threading.Thread(target=store.put, args=(items_of([2]),))
        thread.start()
        time.sleep(0.3)
        (store.path / "features.sqlite").unlink()
        other.execute("COMMIT")
        thread.join()
    assert store.get([key_of(1), key_of(2)]) == items_of([2])


def test_a_full_disk_is_a_clear_error_and_spoils_nothing(store):
    store.put(items_of([1, 2]))
    code = (
        PROCESS
        + """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
module._error = lambda *words, kind, **more: kind(words[0])  # without TensorFlow
try:
    store.put({key_of(number): bytes(100_000) for number in range(10, 40)})
except OSError as error:
    print(error)
"""
    )
    assert "The cache of features cannot be written (" in finish(start(code, store.path))
    assert store.get([key_of(1), key_of(2), key_of(10)]) == items_of([1, 2])
    assert store.info()["entries"] == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_only_be_read_is_read(store):
    store.put(items_of([1]))
    store.path.chmod(0o500)
    try:
        assert store.get([key_of(1)]) == items_of([1])
        assert store.contains([key_of(1)]) == {key_of(1)}
        with pytest.raises(OSError, match="cannot be written"):
            store.put(items_of([2]))
    finally:
        store.path.chmod(0o700)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    store = FeatureStore(tmp_path / "file" / "features")
    assert store.get([key_of(1)]) == {}
    with pytest.raises(OSError, match="cannot be written .* Choose another folder") as caught:
        store.put(items_of([1]))
    assert caught.value.is_argument_error


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((5,), TypeError, "Wrong type for the path. Expected a folder, or None. Received: path=5"),
        ((__file__,), ValueError, "The path is no folder"),
        ((None, 0), ValueError, "The bound of the store is too small"),
        ((None, 1.5), TypeError, "Wrong type for the bound of the store"),
        ((None, True), TypeError, "Wrong type for the bound of the store"),
    ],
)
def test_wrong_constructor_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        FeatureStore(*arguments)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (([],), TypeError, "Wrong type for items"),
        (({"key": b""},), TypeError, "Wrong type for a key"),
        (({b"key": b""},), ValueError, "A key has the wrong length. Expected a digest of 32 bytes"),
        (({bytes(32): "value"},), TypeError, "Wrong type for a value"),
        (({bytes(32): bytes(2**29 + 1)},), ValueError, "A value is too large"),
        (({bytes(32): b""}, None), TypeError, "Wrong type for the label"),
    ],
)
def test_wrong_items(any_store, arguments, kind, message):
    with pytest.raises(kind, match=message):
        any_store.put(*arguments)
    for ask in (any_store.get, any_store.contains):
        with pytest.raises(ValueError, match="wrong length"):
            ask([b"short"])


@pytest.mark.slow
def test_a_hundred_killed_writers_leave_nothing_wrong(store):
    draw, written, midway, begun = random.Random(0), 0, 0, time.monotonic()
    for _ in range(100):
        wanted = items_of(range(written + 60))
        process = start(WRITER, store.path, 0, len(wanted), 2)
        with process.stdout:
            assert process.stdout.readline() == "begun\n"
            time.sleep(draw.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            process.wait()
        found = store.get(wanted)
        assert all(wanted[key] == value for key, value in found.items())
        assert len(found) >= written, "what one writer has written, the next finds"
        midway += written < len(found) < len(wanted)
        written = len(found)
    assert midway >= 20, f"{midway} were killed while they wrote"
    finish(start(WRITER, store.path, 0, len(wanted), 2))
    assert store.get(wanted) == wanted and store.info()["entries"] == len(wanted)
    assert time.monotonic() - begun < 60
