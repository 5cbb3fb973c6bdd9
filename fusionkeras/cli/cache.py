"""`fusionkeras cache`: what is kept of frozen encoders and of pictures, and emptying it."""

import json
import time

from fusionkeras.data.pictures.kept import clear_pictures, pictures_info
from fusionkeras.training import FeatureCache


def run_cache(options):
    """Prints what the cache holds, or deletes all of it; with --path features only."""
    store = FeatureCache(options.path).open()
    if options.action == "clear":
        _clear(store, options)
        return
    info = store.info()
    if options.path is None:
        info["pictures"] = pictures_info()
    if options.json:
        print(json.dumps(info, indent=2, ensure_ascii=False))
    else:
        _print(info)


def _clear(store, options):
    found = {"path": str(store.path), "disk_bytes": store.info()["disk_bytes"]}
    found["entries"] = store.clear()
    if options.path is None:
        found["pictures"] = clear_pictures()
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    size = human_size(found["disk_bytes"])
    print(f"Removed {found['entries']:,} entries, {size}, from {found['path']}")
    if options.path is None:
        pictures = found["pictures"]
        size = human_size(pictures["bytes"])
        print(f"Removed {pictures['files']:,} pictures, {size}, from {pictures['path']}")


def _print(info):
    share = info["bytes"] / info["max_bytes"]
    print(f"path     {info['path']}")
    print(f"entries  {info['entries']:,}")
    print(f"size     {human_size(info['bytes'])} ({human_size(info['disk_bytes'])} on disk)")
    print(f"bound    {human_size(info['max_bytes'])} ({share:.0%} used)")
    for label, row in sorted(info["labels"].items()):
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(row["last_used"]))
        size = human_size(row["bytes"])
        print(f"  {label or '(no label)'}: {row['entries']:,} entries, {size}, last used {used}")
    if "pictures" in info:
        pictures = info["pictures"]
        size = human_size(pictures["bytes"])
        print(f"pictures {pictures['files']:,}, {size}, without bound, in {pictures['path']}")


def human_size(size):
    """Writes a number of bytes for people: `1.5 MB`, in powers of 1024.

    Example:
        >>> human_size(1536), human_size(20 * 2**30)
        ('1.5 KB', '20.0 GB')
    """
    units = ("bytes", "KB", "MB", "GB", "TB")
    power = min(max(int(size).bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{size} bytes" if not power else f"{size / 1024**power:.1f} {units[power]}"
