"""GA4's Measurement Protocol: a user property and an event for each change, a request for each user.

The server answers 204 to anything, also to what it then drops. So every documented limit is checked here first.
Source: https://developers.google.com/analytics/devguides/collection/protocol/ga4 (reference, sending events, user
properties, use cases).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from beha2vec_core.activation.destination import (
    Change,
    Destination,
    Kind,
    Member,
    NotReachable,
    Outcome,
    Value,
    hash_of,
)
from beha2vec_core.activation.http import Client, NoAnswer, outcome_of

HOSTS = {"eu": "https://region1.google-analytics.com", "us": "https://www.google-analytics.com"}
EVENT = "b2v_audience"
IN, OUT, NOT_KNOWN = "in", "out", "not known"
MOST_PROPERTIES, LONGEST_PROPERTY, LONGEST_PROPERTY_VALUE = 25, 24, 36
LONGEST_USER_ID = 256
# audiences take an event of a web stream within this number of days after the last one of the browser
_MOST_DAYS_SINCE_LAST_EVENT = 30
# of user properties; ours begin with a letter, and with none of the reserved prefixes
_NAME = re.compile(r"[A-Za-z0-9_]*")
# GA4's id of a browser; that of an app is 32 hexadecimal digits and needs another stream
_CLIENT_ID = re.compile(r"\d{1,20}\.\d{1,20}")
_MEASUREMENT_ID = re.compile(r"G-[A-Z0-9]{4,20}")


def _problem_of(name: str, value: object = OUT) -> str:
    """What is wrong with a user property, by the documented limits; empty: nothing. It repeats no value."""
    if not _NAME.fullmatch(name):
        return "the name of a user property has other characters than letters, digits and _"
    if len(name) > LONGEST_PROPERTY:
        return f"the name of a user property is longer than {LONGEST_PROPERTY} characters"
    if len(str(value)) > LONGEST_PROPERTY_VALUE:
        return f"the value of a user property is longer than {LONGEST_PROPERTY_VALUE} characters"
    return ""


@dataclass(eq=False, repr=False, kw_only=True)
class GA4(Destination):
    """A web stream of a GA4 property."""

    kind = "ga4"
    counts = True
    by_device = True
    has_debug = True
    located_by = ("measurement_id",)

    measurement_id: str  # of the stream, ``G-...``
    secret: SecretStr | None
    client: Client
    region: str = "eu"  # ``eu`` or ``us``: where Google collects
    with_login: bool = False  # whether the login id is sent too; only where the site sends the same as ``user_id``
    debug: bool = False  # ask the debug endpoint, which checks and collects nothing
    host: str = ""  # of the endpoint, for tests

    def __post_init__(self) -> None:
        """Where the region's data is collected."""
        self.host = self.host or HOSTS[self.region]

    def validate(self, called: str) -> list[str]:
        """The stream, and the name of the user property."""
        found = self.client.check(self.host)
        if not _MEASUREMENT_ID.fullmatch(self.measurement_id):
            found.append("measurement_id is not one: it begins with G- (GA4: Admin, Data streams)")
        if wrong := _problem_of(property_of(called)):
            found.append(f"the user property would be {property_of(called)}, but {wrong}: give a shorter name with as:")
        return found

    def validate_all(self, sent: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
        """The user properties of all audiences: a GA4 property drops those beyond its limit."""
        taken = {property_of(called, name) for called, names in sent for name in ("", *names)}
        if len(taken) <= MOST_PROPERTIES:
            return []
        return [
            f"the audiences of the file take {len(taken)} user properties, and a GA4 property has {MOST_PROPERTIES} at "
            "most: name fewer audiences or attributes in activate"
        ]

    def missing(self) -> list[str]:
        """The secret, which the debug endpoint does not ask for."""
        if self.secret is not None or self.debug:
            return []
        where = "GA4: Admin, Data streams, Measurement Protocol API secrets"
        return [f"there is no secret: set BEHA2VEC_SECRET_{self.name.upper()} ({where})"]

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The request of a device. Its hash is that of the state and the consent."""
        if not member.client_id or not _CLIENT_ID.fullmatch(member.client_id):
            raise NotReachable("no id of a browser (apps need another stream)")
        unseen = (datetime.now(UTC).date() - member.last_seen).days if member.last_seen else _MOST_DAYS_SINCE_LAST_EVENT
        if kind != "leave" and unseen >= _MOST_DAYS_SINCE_LAST_EVENT:
            raise NotReachable(f"not seen for {_MOST_DAYS_SINCE_LAST_EVENT} days: GA4 would not use it")
        value = OUT if kind == "leave" else IN
        granted = "GRANTED" if member.is_ads_consented else "DENIED"
        properties = {property_of(called): value} | {
            property_of(called, name): _as_property(one) for name, one in member.attributes.items()
        }
        body: dict[str, Any] = {
            "client_id": member.client_id,
            "consent": {"ad_user_data": granted, "ad_personalization": granted},
            "user_properties": {name: {"value": one} for name, one in properties.items()},
            # without session_id and engagement time: neither sessions nor engagement of the reports change
            "events": [{"name": EVENT, "params": {"audience": called, "state": value}}],
        }
        if self.with_login and member.login_id:
            body["user_id"] = member.login_id
            if len(member.login_id) > LONGEST_USER_ID:
                raise NotReachable(f"user_id is not a text of at most {LONGEST_USER_ID} characters")
        for name, one in properties.items():
            if wrong := _problem_of(name, one):
                raise NotReachable(wrong)
        try:
            _encoded(body)
        except ValueError:  # a lone surrogate, a number that is none
            raise NotReachable("the request cannot be written as JSON in UTF-8") from None
        return body, hash_of([called, value, granted, *sorted(member.attributes.items())])

    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """One user."""
        (change,) = changes
        if self.debug:
            return [self._checked(change.payload)]
        return [outcome_of(self.client, self._url("/mp/collect"), _encoded(change.payload), _HEADERS, again=False)]

    def _checked(self, body: Mapping[str, Any]) -> Outcome:
        """What the debug endpoint says of a request; nothing is collected, and it does not check the secret."""
        asked = _encoded({**body, "validation_behavior": "ENFORCE_RECOMMENDATIONS"})
        try:
            answer = self.client.post(self._url("/debug/mp/collect"), asked, _HEADERS, again=True)
            messages = json.loads(answer.body)["validationMessages"]
        except NoAnswer as problem:
            return Outcome("refused", problem.reason)
        except (ValueError, KeyError, TypeError):
            return Outcome("refused", "the debug endpoint gave no answer that can be read")
        codes = sorted({str(one.get("validationCode", "")) for one in messages if isinstance(one, dict)})
        return Outcome("refused", f"validation: {', '.join(codes)}"[:200]) if messages else Outcome("accepted")

    def _url(self, path: str) -> str:
        secret = self.secret.get_secret_value() if self.secret else ""
        query = urlencode({"measurement_id": self.measurement_id, "api_secret": secret})
        return f"{self.host}{path}?{query}"


_HEADERS = {"Content-Type": "application/json"}


def property_of(called: str, attribute: str = "") -> str:
    """The user property of an audience, or of an attribute of its members."""
    return f"b2v_{called}_{attribute}" if attribute else f"b2v_{called}"


def _as_property(value: Value) -> str | int | float:
    """A property cannot be removed, so what is not known has a value."""
    return NOT_KNOWN if value is None else str(value).lower() if isinstance(value, bool) else value


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
