"""Places that `fsspec` opens: `s3://`, `gs://`, `https://` and others."""

from fusionkeras._checks import argument_error, missing_package

# What pip installs for the usual kinds of address; of the others fsspec says it.
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "aiohttp",
             "https": "aiohttp", "az": "adlfs", "abfs": "adlfs"}  # fmt: skip


def open_address(address, example, **received):
    """Opens the file system of an address.

    Args:
        address: str. `fsspec` opens it; credentials are where the package for that kind of
            address looks for them.
        example: str, another address, for errors.
        **received: the argument that it follows from, for errors.

    Returns:
        The `fsspec` file system, and what it calls the place.

    Raises:
        ImportError: when the package for that kind of address is not installed.
        ValueError: for an address of an unknown kind, or one that cannot be opened.
    """
    import fsspec

    protocol = address.partition("://")[0].lower()
    try:
        return fsspec.core.url_to_fs(address)
    except ImportError as error:
        if protocol in _PACKAGES:
            package = _PACKAGES[protocol]
            raise missing_package(package, f"Reading {protocol}://", package) from error
        raise argument_error(
            f"The address needs a package ({error})",
            "it to be installed",
            kind=ImportError,
            **received,
        ) from error
    except (ValueError, OSError) as error:
        raise argument_error(
            f"The address cannot be opened ({error})",
            f"a folder, or an address that fsspec opens, such as {example}",
            **received,
        ) from error
