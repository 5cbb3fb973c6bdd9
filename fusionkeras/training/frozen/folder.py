"""A folder at an address, with files that are written whole and never changed."""

import contextlib
import re
import time
import uuid

from fusionkeras.data.address import open_address

# What is there whole or not at all when it is written, and knows no folders.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "memory"}
_UNFINISHED = ".unfinished-"
_NAME = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}\.features")


def new_name():
    """A name that nobody else takes; names sort by the time of writing."""
    return f"{time.time_ns():016x}-{uuid.uuid4().hex[:16]}.features"


def written_at(name):
    """When a file was written, in seconds since 1970, by the clock of its writer."""
    return int(name.removeprefix(_UNFINISHED)[:16], 16) / 1e9


class RemoteFolder:
    """The files of a store at an address; all that `fsspec` and its packages raise is an OSError.

    Args:
        address: str, such as `s3://bucket/features`.

    Raises:
        ImportError: when the package for that kind of address is not installed.
        ValueError: for an address of an unknown kind, or one that cannot be opened.
    """

    def __init__(self, address):
        example = "s3://bucket/features"
        self._filesystem, self._root = open_address(address, example, path=address)
        self._is_object_store = address.partition("://")[0] in _OBJECT_STORES

    def list(self):
        """What is there now: `({name: bytes}, {name: bytes})`, the files and the unfinished."""
        with _one_error():
            self._filesystem.invalidate_cache(self._root)
            try:
                found = self._filesystem.ls(self._root, detail=True)
            except FileNotFoundError:
                found = []
        sizes = {info["name"].rpartition("/")[2]: info["size"] or 0 for info in found}
        files = {name: size for name, size in sizes.items() if _NAME.fullmatch(name)}
        others = {name: size for name, size in sizes.items() if name.startswith(_UNFINISHED)}
        return files, {n: size for n, size in others.items() if _NAME.search(n)}

    def read(self, ranges):
        """Reads parts of files.

        Args:
            ranges: list of `(name, first byte, byte after the last)`.

        Returns:
            list of bytes; of an Exception in the place of what cannot be read.
        """
        wanted = [one for one in ranges if one[1] < one[2]]  # servers refuse an empty range
        paths = [self._path(name) for name, _, _ in wanted]
        starts, ends = ([one[side] for one in wanted] for side in (1, 2))
        with _one_error():
            found = iter(self._filesystem.cat_ranges(paths, starts, ends, on_error="return"))
        return [next(found) if one[1] < one[2] else b"" for one in ranges]

    def write(self, name, content):
        """Writes a file whole or not at all: under another name first, where that is needed."""
        with _one_error():
            if self._is_object_store:
                self._filesystem.pipe_file(self._path(name), content)
                return
            self._filesystem.makedirs(self._root, exist_ok=True)
            unfinished = self._path(_UNFINISHED + name)
            try:
                self._filesystem.pipe_file(unfinished, content)
                self._filesystem.mv(unfinished, self._path(name))
            except Exception:  # of whichever package writes
                with contextlib.suppress(Exception):
                    self._filesystem.rm_file(unfinished)
                raise

    def remove(self, names):
        """Deletes files; one that is gone already is no error."""
        paths = [self._path(name) for name in names]
        with _one_error():
            for begin in range(0, len(paths), 1000):
                some = paths[begin : begin + 1000]
                try:
                    self._filesystem.rm(some)
                except FileNotFoundError:
                    for path in some:
                        with contextlib.suppress(FileNotFoundError):
                            self._filesystem.rm_file(path)

    def _path(self, name):
        return f"{self._root.rstrip('/')}/{name}"


@contextlib.contextmanager
def _one_error():
    """Every package that `fsspec` calls has errors of its own."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
