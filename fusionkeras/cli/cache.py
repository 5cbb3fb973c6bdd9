"""`fusionkeras cache`: what the cache of frozen features holds, and emptying it."""

import json
import time

from fusionkeras.training.frozen.store import FeatureStore


def run_cache(options):
    """Prints what the cache of features holds, or deletes all of it."""
    store = FeatureStore(options.path)
    if options.action == "clear":
        _clear(store, options.json)
    elif options.json:
        print(json.dumps(store.info(), indent=2, ensure_ascii=False))
    else:
        _print(store.info())


def _clear(store, as_json):
    path, disk_bytes = str(store.path), store.info()["disk_bytes"]
    entries = store.clear()
    if as_json:
        print(json.dumps({"path": path, "entries": entries, "disk_bytes": disk_bytes}))
    else:
        print(f"Removed {entries:,} entries, {human_size(disk_bytes)}, from {path}")


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


def human_size(size):
    """Writes a number of bytes for people: `1.5 MB`, in powers of 1024.

    Example:
        >>> human_size(1536), human_size(20 * 2**30)
        ('1.5 KB', '20.0 GB')
    """
    units = ("bytes", "KB", "MB", "GB", "TB")
    power = min(max(int(size).bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{size} bytes" if not power else f"{size / 1024**power:.1f} {units[power]}"
