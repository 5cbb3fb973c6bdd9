"""Features of frozen encoders, kept on disk from one training to the next.

It is SQLite in its plain rollback mode, opened anew for every call. A batch of 32 values of 8 KB
is read in 0.5 ms (LMDB 0.05, a file each 0.4), of 800 KB in 21 ms with checksums (11, 9); reading
160 MB leaves nothing resident (LMDB, which maps its file, 186 MB); and it needs no package and no
bound of the file fixed beforehand: `tests/benchmarks/bench_store.py`. Opening costs 0.2 ms of that
and spares the care of threads, forks and files left open; a write-ahead log halves the writing.

Nothing of this package is imported at the top, so that a process can use the store alone.
"""

import logging
import os
import sqlite3
import time
import zlib
from contextlib import closing
from pathlib import Path

_LOGGER = logging.getLogger("fusionkeras")
_PATIENCE = 60  # seconds that a call waits while another process writes
_LARGEST = 2**29  # bytes of a value; SQLite takes somewhat less than 1e9
KEPT = 0.9  # the share of the bound that eviction leaves, so that not every batch evicts

# Marks of use lie apart from the values: updating a row rewrites all of it. The triggers keep the
# sum of sizes, which is needed at every write, without a walk over all entries.
_TABLES = (
    "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "key BLOB NOT NULL UNIQUE, label TEXT, size INTEGER, used REAL, checksum INTEGER)",
    "CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY, value BLOB)",
    "CREATE TABLE IF NOT EXISTS total (bytes INTEGER)",
    "INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total)",
    "CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON entries BEGIN "
    "UPDATE total SET bytes = bytes + new.size; END",
    "CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON entries BEGIN "
    "UPDATE total SET bytes = bytes - old.size; DELETE FROM contents WHERE id = old.id; END",
)
_FIND = "SELECT id FROM entries WHERE key = ?"
_READ = "SELECT id, checksum, value FROM entries LEFT JOIN contents USING (id) WHERE key = ?"
_MARK = "UPDATE entries SET used = ? WHERE key = ?"
_ENTER = "INSERT OR IGNORE INTO entries (key, label, size, used, checksum) VALUES (?, ?, ?, ?, ?)"
_WRITE = "INSERT OR REPLACE INTO contents VALUES (?, ?)"
_TOTAL = "SELECT SUM(bytes) FROM total"
_SUM_ANEW = "UPDATE total SET bytes = (SELECT SUM(size) FROM entries)"
_DELETE = "DELETE FROM entries WHERE id = ?"
_OLDEST = "SELECT id, size, used FROM entries ORDER BY used, id"
_LABELS = "SELECT label, COUNT(*), SUM(size), MAX(used) FROM entries GROUP BY label"


class FeatureStore:
    """A bounded store of bytes on disk, for what can be made anew.

    Threads and processes may use the same folder at once; one that writes makes the others wait.
    What it gives is what was put: an entry whose checksum is wrong counts as absent and is
    deleted, and a file that SQLite calls damaged is deleted and begun anew, with a warning in
    the log.

    Args:
        path: str or path of a folder, made at the first write; None means
            `cache_folder() / "features"`.
        max_bytes: int, the bound on the sum of all values, in bytes. Where it is passed, the
            entries unused for longest go until nine tenths of it are left; the file keeps its
            size, and later entries take the place.

    Raises:
        TypeError, ValueError: for a path that is none or no folder, a bound that is no
            positive integer.

    Example:
        >>> import hashlib, tempfile
        >>> store = FeatureStore(tempfile.mkdtemp())
        >>> key = hashlib.sha256(b"picture").digest()
        >>> store.put({key: b"features"}, label="resnet50")
        >>> store.get([key]) == {key: b"features"}
        True
        >>> store.info()["labels"]["resnet50"]["entries"]
        1
        >>> store.clear()
        1
    """

    def __init__(self, path=None, max_bytes=20 * 2**30):
        self.path = _default_folder() if path is None else _check_folder(path)
        self.max_bytes = check_bound(max_bytes)
        self._file = self.path / "features.sqlite"
        self._journal = self.path / "features.sqlite-journal"

    def get(self, keys):
        """Reads values; those that are absent or damaged are left out.

        Reading leaves no mark of use and works in a folder that cannot be written to.

        Args:
            keys: iterable of bytes, digests of 32 bytes.

        Returns:
            dict of `{key: bytes}`. A store that cannot be read is an empty one, and the log says
            so.

        Raises:
            TypeError, ValueError: for a key that is no digest.
        """
        keys = check_keys(keys)
        rows = self._try(lambda connection: _rows(connection, _READ, keys)) or {}
        values = {
            key: value
            for key, (_, wanted, value) in rows.items()
            if isinstance(value, bytes) and checksum(key, value) == wanted
        }
        damaged = [(row[0],) for key, row in rows.items() if key not in values]
        if damaged:
            _LOGGER.warning("Deleting %d damaged features of %s", len(damaged), self._file)
            self._try(lambda connection: _change(connection, _DELETE, damaged))
        return values

    def contains(self, keys):
        """Tells which entries are there, unverified, and marks them as used now.

        Args:
            keys: iterable of bytes, digests of 32 bytes.

        Returns:
            set of bytes, the keys that are there. A store that cannot be read is an empty one.

        Raises:
            TypeError, ValueError: for a key that is no digest.
        """
        keys = check_keys(keys)
        found = set(self._try(lambda connection: _rows(connection, _FIND, keys)) or ())
        marks = [(time.time(), key) for key in found]
        if marks:  # without them, in a folder that can only be read, the order of going is older
            self._try(lambda connection: _change(connection, _MARK, marks), logging.INFO)
        return found

    def put(self, items, label=""):
        """Writes entries in one transaction, all or none; evicts where the bound is passed.

        A key that is there already keeps its value, since a key is a digest of all that the
        value depends on.

        Args:
            items: dict of `{digest of 32 bytes: bytes}`.
            label: str, what `info` groups by.

        Raises:
            TypeError, ValueError: for keys, values or a label of another kind.
            OSError: where the folder cannot be written to, the disk is full, or another process
                holds the store for more than a minute; what was there before stays.
        """
        check_items(items, label)
        if not items:
            return
        self._must("written", lambda connection: self._put(connection, items, label), "rwc")

    def _put(self, connection, items, label):
        now = time.time()
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            connection.execute(statement)
        for key, value in items.items():
            row = (key, label, len(value), now, checksum(key, value))
            cursor = connection.execute(_ENTER, row)
            if cursor.rowcount:
                connection.execute(_WRITE, (cursor.lastrowid, value))
            else:
                connection.execute(_MARK, (now, key))
        _evict(connection, self.max_bytes, now)
        connection.execute("COMMIT")

    def info(self):
        """Tells what the store holds.

        Returns:
            dict of `path` (str), `entries`, `bytes` (the sum of all values), `max_bytes`,
            `disk_bytes`, and `labels`: `{label: {"entries", "bytes", "last_used"}}`, the latter
            in seconds since 1970.

        Raises:
            OSError: where the file cannot be read.
        """
        kinds = (bytes, int, int, float)
        rows = self._must("read", lambda connection: _typed(connection, _LABELS, *kinds)) or ()
        labels = {
            label.decode("utf-8", "replace"): {"entries": count, "bytes": size, "last_used": used}
            for label, count, size, used in rows
        }
        return {
            "path": str(self.path),
            "entries": sum(row["entries"] for row in labels.values()),
            "bytes": sum(row["bytes"] for row in labels.values()),
            "max_bytes": self.max_bytes,
            "disk_bytes": sum(_size(file) for file in (self._file, self._journal)),
            "labels": labels,
        }

    def clear(self):
        """Deletes the file and so gives the disk space back.

        Returns:
            int, the number of entries that were there; 0 where the file is damaged.

        Raises:
            OSError: where it cannot be deleted.
        """

        def clear(connection):
            # Nobody is in the middle of a transaction while the file goes away.
            connection.execute("BEGIN EXCLUSIVE")
            (count,) = connection.execute("SELECT COUNT(*) FROM entries").fetchone()
            self._delete_files()
            return count

        return self._must("cleared", clear) or 0

    def _try(self, action, level=logging.WARNING):
        """As `_run`, but a store that does not work is not an error."""
        try:
            return self._run(action)
        except (sqlite3.Error, OSError) as error:
            _LOGGER.log(level, "The features in %s cannot be used now: %s", self._file, error)
            return None

    def _must(self, done, action, mode="rw"):
        """As `_run`, with an error for people."""
        try:
            return self._run(action, mode)
        except (sqlite3.Error, OSError) as error:
            raise _error(
                f"The cache of features cannot be {done} ({error})",
                "a folder that can be written to, with room on its disk",
                "Choose another folder, or do without the cache.",
                kind=OSError,
                path=str(self.path),
            ) from error

    def _run(self, action, mode="rw"):
        """Calls `action` with a connection; None where there is no file and `mode` makes none."""
        for looks in range(3):
            if mode == "rw" and not self._file.exists():
                return None
            try:
                with closing(self._open(mode)) as connection:
                    # Some builds of SQLite write zeros over all that is deleted.
                    connection.execute("PRAGMA secure_delete = OFF")
                    connection.execute("PRAGMA synchronous = NORMAL")
                    return action(connection)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                failure = error  # the latter where SQLite quotes damage in its message
            if _is_code(failure, sqlite3.SQLITE_READONLY_DBMOVED):
                continue  # deleted meanwhile by another process; it is looked for again
            if not _is_damage(failure):
                raise failure
            if mode == "rw" and not _size(self._file):
                return None  # a first writer was killed before it had written anything
            if looks:  # the first time, another process may have begun it anew meanwhile
                _LOGGER.warning("Deleting the damaged features %s: %s", self._file, failure)
                self._delete_files()
        raise failure

    def _open(self, mode):
        if mode == "rwc":
            self.path.mkdir(parents=True, exist_ok=True)
        uri = f"{self._file.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, timeout=_PATIENCE, isolation_level=None, uri=True)
        connection.text_factory = bytes  # a damaged text is no error then
        return connection

    def _delete_files(self):
        for file in (self._journal, self._file):
            file.unlink(missing_ok=True)


def _rows(connection, statement, keys):
    """The first row for every key that has one, of one moment."""
    connection.execute("BEGIN")
    rows = {key: connection.execute(statement, (key,)).fetchone() for key in keys}
    return {key: row for key, row in rows.items() if row}


def _change(connection, statement, rows):
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(statement, rows)
    connection.execute("COMMIT")


def _evict(connection, max_bytes, now):
    """Deletes what was unused for longest; what was written `now`, only beyond the bound itself."""
    ((total,),) = _typed(connection, _TOTAL, int)
    if 0 <= total <= max_bytes:
        return
    # Eviction walks over all entries anyway, so that a sum that damage made wrong is put right.
    connection.execute(_SUM_ANEW)
    ((total,),) = _typed(connection, _TOTAL, int)
    leaving = []
    for number, size, used in _typed(connection, _OLDEST, int, int, float):
        if total <= (max_bytes if used >= now else KEPT * max_bytes):
            break
        total -= size
        leaving.append((number,))
    connection.executemany(_DELETE, leaving)


def _typed(connection, statement, *kinds):
    """All rows; a column that holds something else is damage."""
    rows = connection.execute(statement).fetchall()
    for row in rows:
        if not all(isinstance(value, kind) for value, kind in zip(row, kinds, strict=True)):
            raise sqlite3.DatabaseError("a column holds what was never written")
    return rows


def checksum(key, value):
    """CRC-32: misses one damage in 4e9; 0.3 ms for 1 MB, where BLAKE2 takes 1.3 and reading 0.5."""
    return zlib.crc32(value, zlib.crc32(key))


def _is_damage(error):
    """Whether the file is at fault, not the disk, the rights or the patience."""
    if isinstance(error, sqlite3.OperationalError):
        return _is_code(error, sqlite3.SQLITE_ERROR)  # a table or column is not there
    return not isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError))


def _is_code(error, code):
    return getattr(error, "sqlite_errorcode", None) == code


def _size(file):
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _error(*words, **more):
    # Here, since it brings TensorFlow, which a process with the store alone does without.
    from fusionkeras._checks import argument_error

    return argument_error(*words, **more)


def _default_folder():
    from fusionkeras.data.pictures.memory import cache_folder

    return cache_folder() / "features"


def _check_folder(path):
    if not isinstance(path, (str, os.PathLike)):
        raise _error("Wrong type for the path", "a folder, or None", kind=TypeError, path=path)
    if os.path.exists(path) and not os.path.isdir(path):
        raise _error("The path is no folder", "a folder, or None", path=str(path))
    return Path(path)


def check_bound(max_bytes):
    """Raises unless a bound is a positive int; returns it."""
    if type(max_bytes) is int and max_bytes > 0:
        return max_bytes
    from fusionkeras._checks import check_integer

    return check_integer("bound of the store", max_bytes=max_bytes)


def check_keys(keys):
    """Raises unless all keys are digests; returns them as a list."""
    keys = list(keys)
    for key in keys:
        if not isinstance(key, bytes):
            raise _error("Wrong type for a key", "bytes", kind=TypeError, key=key)
        if len(key) != 32:
            raise _error("A key has the wrong length", "a digest of 32 bytes", key=key)
    return keys


def check_items(items, label):
    """Raises unless these are what `put` takes."""
    if not isinstance(items, dict):
        raise _error("Wrong type for items", "a dict of {key: bytes}", kind=TypeError, items=items)
    if not isinstance(label, str):
        raise _error("Wrong type for the label", "a str", kind=TypeError, label=label)
    for key in check_keys(items):
        if not isinstance(items[key], bytes):
            raise _error("Wrong type for a value", "bytes", kind=TypeError, value=items[key])
        if len(items[key]) > _LARGEST:
            raise _error("A value is too large", f"at most {_LARGEST} bytes", size=len(items[key]))
