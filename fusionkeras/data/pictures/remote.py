"""Pictures at an address (`s3://`, `gs://`, `https://` ...), fetched once and kept as files."""

import hashlib
import os
import posixpath
import re
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from fusionkeras.data.address import open_address
from fusionkeras.data.pictures.check import MAX_BYTES, known_without_root
from fusionkeras.data.pictures.kept import path_of, pictures_folder
from fusionkeras.data.pictures.memory import recall_fetched, remember_fetched
from fusionkeras.data.whole import unfinished_file

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
# What file systems call the time or the mark of a change; where one tells none of these, nothing
# is remembered of its files.
_MARKS = ("ETag", "etag", "Content-MD5", "md5Hash", "mtime", "LastModified", "Last-Modified",
          "last_modified", "updated", "created")  # fmt: skip
_BATCH = 256


def is_address(root):
    """Whether a place is an address such as `s3://bucket/photos`, and no folder."""
    address = isinstance(root, str) and _ADDRESS.match(root) is not None
    return address and not root.startswith("file://")  # which is judged as the folder that it is


def locate_remote(cells, root, progress=True):
    """Fetches the files that cells name below an address; `locate_files` for what is remote.

    What was fetched before is fetched again only when its size, time or mark of change is
    another.

    Args:
        cells: iterable of str; addresses that begin with `root`, or relative to it.
        root: str, the address.
        progress: bool, whether a bar on stderr shows the fetching.

    Returns:
        `(paths, problems)`: `{cell: path of the kept file}` and `{cell: (reason, detail)}`; every
        cell is in exactly one of them.
    """
    filesystem, _ = open_address(root, "s3://bucket/photos", files_root=root)
    base = root.rstrip("/")
    paths, problems = {}, {}
    cells = [one for one in dict.fromkeys(cells) if not known_without_root(one, paths, problems)]
    addresses = {cell: _address(cell, base) for cell in cells}
    outside = [cell for cell, address in addresses.items() if address is None]
    for cell in outside:
        problems[cell] = ("outside_root", f"outside {root}; set files_root to allow it")
        del addresses[cell]
    found = _fetch_all(filesystem, list(dict.fromkeys(addresses.values())), progress)
    for cell, address in addresses.items():
        (paths if isinstance(found[address], str) else problems)[cell] = found[address]
    return paths, problems


def _address(cell, base):
    """The whole address of a cell; None where it leaves `base`."""
    if cell.startswith(f"{base}/"):
        cell = cell[len(base) + 1 :]
    elif _ADDRESS.match(cell):
        return None
    # Servers take %2e%2e for dots.
    path = posixpath.normpath(urllib.parse.unquote(cell))
    leaves = path == ".." or path.startswith(("/", "../"))
    return None if leaves else f"{base}/{cell.removeprefix('./')}"


def _fetch_all(filesystem, addresses, progress):
    """`{address: path, or (reason, detail)}`."""
    from tqdm import tqdm

    found = {}
    bar = tqdm(total=len(addresses), desc="Fetching", unit="file", disable=not progress)
    with bar, ThreadPoolExecutor(16) as pool:
        for begin in range(0, len(addresses), _BATCH):
            some = addresses[begin : begin + _BATCH]
            looks = dict(zip(some, pool.map(lambda one: _look(filesystem, one), some), strict=True))
            found |= _fetch(filesystem, looks, pool)
            bar.update(len(some))
    return found


def _fetch(filesystem, looks, pool):
    """What is kept or can be fetched of the files that were looked at."""
    found = {address: look for address, look in looks.items() if isinstance(look, tuple)}
    stamps = {address: look for address, look in looks.items() if address not in found}
    known = {address: path_of(one) for address, one in recall_fetched(stamps).items()}
    found |= {address: str(path) for address, path in known.items() if path.is_file()}
    pending = [address for address in looks if address not in found]
    digests = dict(zip(pending, pool.map(lambda one: _get(filesystem, one), pending), strict=True))
    kept = {one: digest for one, digest in digests.items() if isinstance(digest, str)}
    remember_fetched({one: kept[one] for one in kept if stamps[one]}, stamps)
    return found | digests | {one: str(path_of(digest)) for one, digest in kept.items()}


def _look(filesystem, address):
    """What tells whether a file has changed, "" where nothing does; or `(reason, detail)`."""
    try:
        info = filesystem.info(address)
    except Exception as error:  # of whichever package fetches
        return _why(error)
    size = info.get("size")
    if info.get("type") == "directory":
        return "missing_file", "a folder, not a file"
    if size == 0:
        return "empty", "0 bytes"
    if size is not None and size > MAX_BYTES:
        return "too_large", f"{size:,} bytes, at most {MAX_BYTES:,} are read"
    marks = [f"{name} {info[name]}" for name in _MARKS if info.get(name)]
    return "; ".join([f"size {size}", *marks]) if marks else ""


def _get(filesystem, address):
    """Fetches a file; its SHA-256, or `(reason, detail)`."""
    pictures_folder().mkdir(parents=True, exist_ok=True)
    with unfinished_file(pictures_folder() / "fetched") as unfinished:
        try:
            filesystem.get_file(address, str(unfinished))
        except Exception as error:  # of whichever package fetches
            return _why(error)
        with open(unfinished, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        path_of(digest).parent.mkdir(parents=True, exist_ok=True)
        os.replace(unfinished, path_of(digest))
    return digest


def _why(error):
    reason = "missing_file" if isinstance(error, FileNotFoundError) else "unreadable"
    cause = error.__cause__ or error
    return reason, f"cannot be fetched: {type(cause).__name__}: {cause}"
