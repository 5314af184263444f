"""Read an answer's body with a bound on what comes out, however little went in."""

import zlib
from collections.abc import Iterator

import httpx

from beha2vec_core.pages.fetching.limits import NotFetched, Status

# what is asked for, and all that is unpacked; one layer only, so a bomb within a bomb stays packed
ACCEPT_ENCODING = "gzip"
_STEP = 64 * 1024


def read_body(response: httpx.Response, max_bytes: int, *, cut: bool = False) -> bytes:
    """The body, decompressed as it streams in; reading stops at the bound.

    Args:
        cut: take the first ``max_bytes`` of a longer body, instead of refusing it.

    Raises:
        NotFetched: the body is larger, packed in a way that was not asked for, or broken.
        network.LOST: the connection broke or time is up.
    """
    body = bytearray()
    for piece in _pieces(response):
        body += piece
        if len(body) > max_bytes:
            if cut:
                return bytes(body[:max_bytes])
            raise NotFetched(Status.FAILED, "the page is too large")
    return bytes(body)


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    """The body in pieces of at most `_STEP` bytes."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        yield from response.iter_raw(_STEP)
        return
    if encoding not in ("gzip", "x-gzip"):
        raise NotFetched(Status.FAILED, "the page is packed in a way that was not asked for")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for packed in response.iter_raw(_STEP):
            while packed and not unpack.eof:
                yield unpack.decompress(packed, _STEP)
                packed = unpack.unconsumed_tail
            if unpack.eof:
                return
    except zlib.error as problem:
        raise NotFetched(Status.FAILED, "the page is packed wrongly") from problem
    raise NotFetched(Status.FAILED, "the page is packed wrongly")
