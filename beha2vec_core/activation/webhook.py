"""A webhook: changes as signed JSON, at most 500 a request, each request with a key that tells it from others."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from beha2vec_core.activation.destination import Change, Destination, Kind, Member, Outcome, hash_of
from beha2vec_core.activation.http import Client, outcome_of

MOST_ROWS = 500


@dataclass(eq=False, repr=False, kw_only=True)
class Webhook(Destination):
    """An address that takes changes."""

    kind = "webhook"
    batch = MOST_ROWS
    located_by = ("url",)

    url: str
    secret: SecretStr | None  # the key of the signature
    client: Client

    def validate(self, called: str) -> list[str]:
        """The address."""
        return self.client.check(self.url)

    def missing(self) -> list[str]:
        """The secret."""
        if self.secret is not None and len(self.secret.get_secret_value()) >= 16:
            return []
        variable = f"BEHA2VEC_SECRET_{self.name.upper()}"
        return [f"set {variable} to the key of the signature, at least 16 characters; the receiver needs the same"]

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The row of a user. Who leaves is named by the same ids as when they entered."""
        row: dict[str, Any] = {"user_key": member.user_key, "client_id": member.client_id, "user_id": member.login_id}
        if kind != "leave":
            row |= {"property_id": member.property_id, "is_ads_consented": member.is_ads_consented}
            if member.attributes:
                row["attributes"] = dict(member.attributes)
        return row, hash_of(row)

    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """At most 500 users; all or none of them are accepted."""
        body = body_of(changes, called)
        moment = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Beha2Vec-Timestamp": moment,
            "X-Beha2Vec-Signature": f"sha256={signature(self.secret, moment, body)}",
        }
        return [outcome_of(self.client, self.url, body, headers, again=True)] * len(changes)


def body_of(changes: Sequence[Change], called: str) -> bytes:
    """The JSON of a request."""
    rows = [{"change": change.kind, **change.payload} for change in changes]
    # a lone surrogate in an id is escaped
    return json.dumps({"audience": called, "users": rows}, separators=(",", ":")).encode()


def signature(secret: SecretStr | None, moment: str, body: bytes) -> str:
    """HMAC-SHA256 of ``<timestamp>.<body>``, in hexadecimal."""
    key = secret.get_secret_value() if secret else ""
    return hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
