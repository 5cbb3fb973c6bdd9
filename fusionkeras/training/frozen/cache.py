"""Where the features of frozen encoders are kept."""

import dataclasses
import os

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.training.frozen.segments import SegmentStore
from fusionkeras.training.frozen.store import FeatureStore


@dataclasses.dataclass(frozen=True)
class FeatureCache:
    """Where, and how, the features of frozen encoders are kept.

    Attributes:
        path: str, a folder; None means `features` in the user's cache folder. Or an address that
            `fsspec` opens, such as `s3://bucket/features`, where machines share what they compute
            (`SegmentStore`). A folder on NFS, or another that machines share, is to be named as
            `file:///mnt/shared/features`: locks of files cannot be trusted there.
        max_bytes: int, how large the cache may grow; what was not used for longest goes first, at
            an address what is oldest.
        dtype: "float32", or "float16" for half the size and a relative error of 0.0005.

    Raises:
        ValueError: for another dtype or size.
        TypeError: for a path that is none.

    Example:
        >>> FeatureCache("features", dtype="float16").max_bytes
        21474836480
    """

    path: str | os.PathLike | None = None
    max_bytes: int = 20 * 2**30
    dtype: str = "float32"

    def __post_init__(self):
        check_integer("size of the cache", max_bytes=self.max_bytes)
        if self.path is not None and not isinstance(self.path, (str, os.PathLike)):
            raise argument_error(
                "Wrong path", "a folder, an address, or None", kind=TypeError, path=self.path
            )
        if self.dtype not in ("float32", "float16"):
            raise argument_error(
                "Wrong dtype of the cache", "'float32' or 'float16'", dtype=self.dtype
            )

    def open(self):
        """Returns the `FeatureStore`; for an address the `SegmentStore`."""
        is_address = isinstance(self.path, str) and "://" in self.path
        return (SegmentStore if is_address else FeatureStore)(self.path, self.max_bytes)


def as_cache(cache):
    """The `FeatureCache` that an argument stands for."""
    if isinstance(cache, FeatureCache):
        return cache
    if not isinstance(cache, (bool, str, os.PathLike)):
        raise argument_error(
            "Wrong type of cache",
            "True, False, a folder, an address or a FeatureCache",
            kind=TypeError,
            cache=cache,
        )
    return FeatureCache(None if isinstance(cache, bool) else cache)
