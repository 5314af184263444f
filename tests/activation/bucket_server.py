"""A local server that plays S3, as far as a folder of files needs it."""

from __future__ import annotations

import io
import re
from urllib.parse import unquote

from beha2vec_core.activation.folders import Bucket
from tests.activation.services import Reply, Request, Service, unframed


class Objects:
    """A bucket. An object is there when its upload is finished, and not before.

    Attributes:
        objects: what is there, by path.
        refuse: answers 403 to requests with this method and these letters in their query.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refuse: tuple[str, str] | None = None
        self._parts: dict[str, dict[int, bytes]] = {}

    def answer(self, request: Request) -> Reply:
        path = unquote(request.path)
        if self.refuse and request.method == self.refuse[0] and self.refuse[1] in "&".join(request.query):
            return Reply(403)
        if request.method in ("GET", "HEAD"):
            return self._content(path, request.headers.get("range"))
        if "uploads" in request.query:
            self._parts[path] = {}
            found = f"<InitiateMultipartUploadResult><UploadId>u{len(self._parts)}</UploadId>"
            return Reply(200, body=f"{found}</InitiateMultipartUploadResult>".encode())
        if request.method == "PUT":
            # clients may send a part in chunks with checksums
            is_framed = "aws-chunked" in request.headers.get("content-encoding", "")
            part = unframed(io.BytesIO(request.raw)) if is_framed else request.raw
            self._parts[path][int(request.query["partNumber"][0])] = part
            return Reply(200, {"ETag": '"part"'})
        assert request.method == "POST" and "uploadId" in request.query, request
        self.objects[path] = b"".join(part for _, part in sorted(self._parts.pop(path).items()))
        found = '<CompleteMultipartUploadResult><ETag>"all"</ETag></CompleteMultipartUploadResult>'
        return Reply(200, body=found.encode())

    def _content(self, path: str, asked: str | None) -> Reply:
        content = self.objects.get(path)
        if content is None:
            return Reply(404)
        headers = {"ETag": '"all"', "Last-Modified": "Sat, 28 Nov 2026 12:00:00 GMT"}
        if asked is None:
            return Reply(200, headers, content)
        start, end = (int(one) for one in re.findall(r"\d+", asked))
        part = content[start : end + 1]
        return Reply(206, headers | {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(content)}"}, part)


def bucket(service: Service) -> Bucket:
    """A folder of the bucket that the server plays."""
    host = service.address.removeprefix("http://")
    return Bucket(f"s3://crm/lists?region=eu-central-1&scheme=http&endpoint_override={host}")
