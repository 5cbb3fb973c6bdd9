"""The store of features beside LMDB and one file a key. Run by hand.

    python tests/benchmarks/bench_store.py [FOLDER]

The folder should lie on the disk that the cache will lie on. LMDB is left out where the package
`lmdb` is not installed. Every store runs in a process of its own, for its resident memory.
"""

import hashlib
import importlib.util
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

STORE = pathlib.Path(__file__).resolve().parents[2] / "fusionkeras/training/frozen/store.py"
LOADS = ((4000, 8_192), (200, 800_000))  # entries, bytes each
BATCH_SIZE, READS = 32, 200


class Sqlite:
    """What the package uses, with its checksums."""

    def __init__(self, folder):
        spec = importlib.util.spec_from_file_location("store", STORE)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        store = module.FeatureStore(folder)
        self.put, self.get, self.close = store.put, store.get, lambda: None


class Lmdb:
    """Readers need no lock; the file is mapped, never shrinks and has its size fixed before."""

    def __init__(self, folder):
        import lmdb

        self.environment = lmdb.open(str(folder), map_size=2**34, writemap=False)

    def close(self):
        """What writing has mapped would count as there before reading."""
        self.environment.close()

    def put(self, items):
        with self.environment.begin(write=True) as transaction:
            for key, value in items.items():
                transaction.put(key, value)

    def get(self, keys):
        with self.environment.begin() as transaction:
            return {key: transaction.get(key) for key in keys}


class Files:
    """One file a key, written under another name first, forced to the disk like the others."""

    def __init__(self, folder):
        self.folder = folder

    def put(self, items):
        for key, value in items.items():
            folder = self.folder / key.hex()[:2]
            folder.mkdir(exist_ok=True)
            unfinished = folder / f"{key.hex()}.unfinished"
            with open(unfinished, "wb") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, folder / key.hex())

    def get(self, keys):
        return {key: (self.folder / key.hex()[:2] / key.hex()).read_bytes() for key in keys}

    def close(self):
        """Nothing stays open."""


STORES = {"sqlite": Sqlite, "lmdb": Lmdb, "files": Files}


def main():
    if len(sys.argv) == 5:
        measure(STORES[sys.argv[1]], pathlib.Path(sys.argv[2]), *map(int, sys.argv[3:]))
        return
    place = sys.argv[1] if len(sys.argv) == 2 else None
    print("store    entries    bytes  write MB/s  read of 32: ms, p95  resident +MB  disk/values")
    for count, size in LOADS:
        for name in STORES:
            if name == "lmdb" and importlib.util.find_spec("lmdb") is None:
                continue
            with tempfile.TemporaryDirectory(dir=place) as folder:
                command = [sys.executable, __file__, name, folder, str(count), str(size)]
                subprocess.run(command, check=True)


def measure(kind, folder, count, size):
    """Prints one line of the table."""
    store, draw = kind(folder), random.Random(0)
    keys = [hashlib.sha256(b"%d" % number).digest() for number in range(count)]
    source = draw.randbytes(size + count)
    begun = time.perf_counter()
    for start in range(0, count, BATCH_SIZE):
        places = range(start, min(count, start + BATCH_SIZE))
        store.put({keys[place]: source[place : place + size] for place in places})
    rate = count * size / (time.perf_counter() - begun) / 1e6
    store.close()
    store, before = kind(folder), resident()
    seconds = []
    for _ in range(READS):
        wanted = draw.sample(keys, BATCH_SIZE)
        begun = time.perf_counter()
        found = store.get(wanted)
        seconds.append(time.perf_counter() - begun)
    for start in range(0, count, BATCH_SIZE):
        found = store.get(keys[start : start + BATCH_SIZE])
    del found
    blocks = sum(file.stat().st_blocks * 512 for file in folder.rglob("*"))
    print(
        f"{kind.__name__.lower():8} {count:7} {size:8} {rate:11.0f} "
        f"{1e3 * statistics.median(seconds):11.2f} {1e3 * sorted(seconds)[int(0.95 * READS)]:7.2f} "
        f"{(resident() - before) / 1e6:13.1f} {blocks / (count * size):12.2f}"
    )


def resident():
    """The resident memory of this process, in bytes."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
