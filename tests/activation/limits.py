"""The documented limits of the services. Their numbers are written here again: production's own may be wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

SECRET = "a-secret-of-the-service"
_LEFT = r"(?!(?:google|ga|firebase)_)"
_RESERVED = "user_id|first_open_time|first_visit_time|last_deep_link_referrer|first_open_after_install"
_NAME = re.compile(rf"{_LEFT}[A-Za-z]\w{{0,39}}", re.ASCII | re.IGNORECASE)
_PROPERTY = re.compile(rf"{_LEFT}(?!(?:{_RESERVED})$)[A-Za-z]\w{{0,23}}", re.ASCII | re.IGNORECASE)
_RESERVED_EVENT = re.compile(
    r"(ad|app|adunit|in_app|dynamic_link|notification)_\w+|error|first_(open|visit)|os_update|session_start"
    r"|user_engagement"
)
_SHA256 = re.compile("[0-9a-f]{64}")


class Limits:
    """Judges requests by their path.

    Args:
        clock: of the requests per minute.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.broken: list[str] = []
        self._keys: dict[str, bytes] = {}
        self._arrived: list[float] = []

    def refuse(self, path: str, query: Mapping[str, object], headers: Mapping[str, str], raw: bytes) -> int:
        """The status of a request that breaks a limit; 0: it breaks none."""
        if path in ("/mp/collect", "/debug/mp/collect"):
            found = [*_of_ga4(json.loads(raw), len(raw)), *({"measurement_id", "api_secret"} - query.keys())]
        elif path.endswith("/hook"):
            found = list(self._of_webhook(headers, raw))
        elif path.startswith("/v1/"):
            if self._is_too_fast():
                self.broken.append("300 requests a minute, 100,000 a day")
                return 429
            found = list(_of_data_manager(json.loads(raw), path)) if raw else []
        else:
            found = []
        self.broken += found
        return 400 if found else 0

    def _is_too_fast(self) -> bool:
        now = self.clock()
        self._arrived = [moment for moment in self._arrived if now - moment < 86_400] + [now]
        return sum(now - moment < 60 for moment in self._arrived) > 300 or len(self._arrived) > 100_000

    def _of_webhook(self, headers: Mapping[str, str], raw: bytes) -> Iterator[str]:
        moment = headers.get("x-beha2vec-timestamp", "0")
        signed = hmac.new(SECRET.encode(), moment.encode() + b"." + raw, hashlib.sha256).hexdigest()
        if headers.get("x-beha2vec-signature") != f"sha256={signed}" or abs(time.time() - int(moment)) > 300:
            yield "the signature"
        if not 0 < len(json.loads(raw)["users"]) <= 500:
            yield "500 users"
        key = headers.get("idempotency-key", "")
        if not key or self._keys.setdefault(key, raw) != raw:
            yield "one key for one request"


def _of_ga4(body: Mapping[str, Any], size: int) -> Iterator[str]:
    properties, events = body.get("user_properties", {}), body["events"]
    if not isinstance(body.get("client_id"), str) or len(body.get("user_id", "-")) > 256:
        yield "one client_id and user_id"
    if not set(body["consent"].values()) <= {"GRANTED", "DENIED"}:
        yield "consent"
    if size > 130_000 or len(properties) > 25 or not 0 < len(events) <= 25:
        yield "130 kB, 25 user properties, 25 events"
    for name, holder in properties.items():
        if not _PROPERTY.fullmatch(name) or not 0 < len(str(holder["value"])) <= 36:
            yield "24 and 36 characters of a user property"
    for event in events:
        params = event.get("params", {})
        if not _NAME.fullmatch(event["name"]) or _RESERVED_EVENT.fullmatch(event["name"]) or len(params) > 25:
            yield "the name of an event, 25 parameters"
        if any(not _NAME.fullmatch(name) or len(str(value)) > 100 for name, value in params.items()):
            yield "40 and 100 characters of a parameter"


def _of_data_manager(body: Mapping[str, Any], path: str) -> Iterator[str]:
    if not 0 < len(body["audienceMembers"]) <= 10_000 or not 0 < len(body["destinations"]) <= 10:
        yield "10,000 members, 10 destinations"
    for member in body["audienceMembers"]:
        hashes = [text for one in member["userData"]["userIdentifiers"] for text in one.values()]
        if not 0 < len(hashes) <= 10 or not all(map(_SHA256.fullmatch, hashes)) or body["encoding"] != "HEX":
            yield "10 hashes of a member"
    if path.endswith(":ingest"):
        given = body["termsOfService"], set(body["consent"].values())
        if given != ({"customerMatchTermsOfServiceStatus": "ACCEPTED"}, {"CONSENT_GRANTED"}):
            yield "terms and consent"
