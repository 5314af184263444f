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


def has_credentials(url: str) -> bool:
    """Whether an address names a user before the bucket, as pyarrow allows; a secret key may have a slash."""
    named, _, path = url.partition("://")[2].partition("?")[0].partition("/")
    return "@" in named or (":" in named and "@" in path)


def shown(url: str) -> str:
    """An address as messages show it, without its options and credentials."""
    if has_credentials(url):
        return f"{url.partition('://')[0]}://..."
    server = server_of(url)
    return url.partition("?")[0] + f" at {server}" * bool(server)


def open_bucket(url: str) -> tuple[FileSystem, str]:
    """The file system of an address, and the folder in it.

    Args:
        url: ``s3://bucket/folder`` or ``gs://bucket/folder``, with the options of pyarrow's file systems: ``?region=``,
            ``?endpoint_override=``.

    Raises:
        BucketError: the address has credentials.
        OSError, ValueError: the address is wrong, or its bucket cannot be reached; the message may name accounts.
    """
    from pyarrow.fs import FileSystem

    if has_credentials(url):
        raise BucketError(
            f"credentials belong in the environment ({CREDENTIALS[url.partition('://')[0]]}), not in the address"
        )
    system, folder = FileSystem.from_uri(url)
    return system, folder.rstrip("/")


def error_of(problem: str, url: str) -> BucketError:
    """An error with the remedy, which is the same for whatever happened."""
    return BucketError(
        f"{problem}: check the bucket, its region, and the credentials of the environment "
        f"({CREDENTIALS[urlsplit(url).scheme]})"
    )
