"""Buckets of S3 and of Google Cloud Storage, by their address, with the credentials of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

# the kinds of buckets, by how their address begins, and the variables that hold their credentials
CREDENTIALS = {"s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY", "gs": "GOOGLE_APPLICATION_CREDENTIALS"}


class BucketError(OSError):
    """A bucket cannot be read or written; the message names the remedy, and no accounts."""


def is_bucket(address: str) -> bool:
    """Whether an address is one of a bucket."""
    return address.partition("://")[0] in CREDENTIALS and "://" in address


def server_of(url: str) -> str:
    """The server that an address names; empty for Amazon's and Google's own."""
    (server,) = parse_qs(urlsplit(url).query).get("endpoint_override", [""])[-1:]
    return server


def shown(url: str) -> str:
    """An address as messages show it, without its options."""
    server = server_of(url)
    return url.partition("?")[0] + f" at {server}" * bool(server)


def open_bucket(url: str) -> tuple[FileSystem, str]:
    """The file system of an address, and the folder in it.

    Args:
        url: ``s3://bucket/folder`` or ``gs://bucket/folder``, with the options of pyarrow's file systems: ``?region=``,
            ``?endpoint_override=``.

    Raises:
        OSError, ValueError: the address is wrong, or its bucket cannot be reached; the message may name accounts.
    """
    from pyarrow.fs import FileSystem

    system, folder = FileSystem.from_uri(url)
    return system, folder.rstrip("/")


def error_of(problem: str, url: str) -> BucketError:
    """An error with the remedy, which is the same for whatever happened."""
    return BucketError(
        f"{problem}: check the bucket, its region, and the credentials of the environment "
        f"({CREDENTIALS[urlsplit(url).scheme]})"
    )
