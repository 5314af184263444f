"""GA4's Measurement Protocol: a user property and an event for each change, a request for each user.

The server answers 204 to anything, also to what it then drops. So every documented limit is checked here first.
Source: https://developers.google.com/analytics/devguides/collection/protocol/ga4 (reference, sending events, user
properties, use cases).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
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
MOST_EVENTS, MOST_PARAMS, MOST_PROPERTIES = 25, 25, 25
LONGEST_NAME, LONGEST_VALUE, LONGEST_PROPERTY, LONGEST_PROPERTY_VALUE = 40, 100, 24, 36
LONGEST_USER_ID = 256
MOST_BYTES = 130_000
# the longest time between an event and its arrival
_OLDEST = timedelta(hours=72)
# audiences take an event of a web stream within this number of days after the last one of the browser
_MOST_DAYS_SINCE_LAST_EVENT = 30
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED_PREFIXES = ("google_", "ga_", "firebase_")
_RESERVED_PROPERTIES = frozenset(
    ("user_id", "first_open_time", "first_visit_time", "last_deep_link_referrer", "first_open_after_install")
)
_RESERVED_EVENTS = frozenset(
    (
        "ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure",
        "app_clear_data", "app_exception", "app_install", "app_remove", "app_store_refund", "app_update",
        "app_upgrade", "dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open", "error",
        "first_open", "first_visit", "in_app_purchase", "notification_dismiss", "notification_foreground",
        "notification_open", "notification_receive", "notification_send", "os_update", "session_start",
        "user_engagement",
    )
)  # fmt: skip
_KEYS = frozenset(
    ("client_id", "user_id", "timestamp_micros", "consent", "user_properties", "events", "validation_behavior")
)
_CONSENT = {"ad_user_data", "ad_personalization"}
# GA4's id of a browser; that of an app is 32 hexadecimal digits and needs another stream
_CLIENT_ID = re.compile(r"\d{1,20}\.\d{1,20}")
_MEASUREMENT_ID = re.compile(r"G-[A-Z0-9]{4,20}")


def problems_of(body: Mapping[str, Any], now: datetime | None = None) -> list[str]:
    """What is wrong with a request, by the documented limits; a sentence each, without its values."""
    found = [f"{key} is not a field of a request" for key in body if key not in _KEYS]
    client_id = body.get("client_id")
    if not isinstance(client_id, str) or not client_id:
        found.append("client_id is missing")
    user_id = body.get("user_id", "-")
    if not isinstance(user_id, str) or not 0 < len(user_id) <= LONGEST_USER_ID:
        found.append(f"user_id is not a text of at most {LONGEST_USER_ID} characters")
    found += _time_problems(body.get("timestamp_micros"), now or datetime.now(UTC))
    consent = body.get("consent", {})
    if not isinstance(consent, Mapping) or any(
        key not in _CONSENT or value not in ("GRANTED", "DENIED") for key, value in consent.items()
    ):
        found.append("consent has other fields than ad_user_data and ad_personalization, or other values than GRANTED")
    found += _property_problems(body.get("user_properties", {}))
    found += _event_problems(body.get("events"))
    try:
        if len(_encoded(body)) > MOST_BYTES:
            found.append(f"the request is larger than {MOST_BYTES // 1000} kB")
    except (UnicodeEncodeError, TypeError, ValueError):  # a lone surrogate, a value of another type
        found.append("the request cannot be written as JSON in UTF-8")
    return found


def _time_problems(micros: object, now: datetime) -> list[str]:
    if micros is None:
        return []
    if not isinstance(micros, int) or isinstance(micros, bool):
        return ["timestamp_micros is not a whole number"]
    age = now.timestamp() - micros / 1e6
    if age > _OLDEST.total_seconds():
        return ["timestamp_micros is more than 72 hours ago"]
    return ["timestamp_micros is in the future"] if age < 0 else []


def _name_problems(what: str, name: object, longest: int) -> list[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return [f"the name of {what} has other characters than letters, digits and _, or no letter first"]
    if len(name) > longest:
        return [f"the name of {what} is longer than {longest} characters"]
    if name.lower().startswith(_RESERVED_PREFIXES):
        return [f"the name of {what} begins with one of {', '.join(_RESERVED_PREFIXES)}, which are reserved"]
    return []


def _value_problems(what: str, value: object, longest: int) -> list[str]:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or value != value:
        return [f"the value of {what} is neither text nor number"]
    if len(str(value)) > longest:
        return [f"the value of {what} is longer than {longest} characters"]
    return []


def _property_problems(properties: object) -> list[str]:
    if not isinstance(properties, Mapping):
        return ["user_properties is not a mapping"]
    found = []
    if len(properties) > MOST_PROPERTIES:
        found.append(f"there are more than {MOST_PROPERTIES} user properties")
    for name, holder in properties.items():
        found += _name_problems("a user property", name, LONGEST_PROPERTY)
        if str(name).lower() in _RESERVED_PROPERTIES:
            found.append("the name of a user property is reserved")
        if not isinstance(holder, Mapping) or set(holder) != {"value"}:
            found.append("a user property is not written as {'value': ...}")
        else:
            found += _value_problems("a user property", holder["value"], LONGEST_PROPERTY_VALUE)
    return found


def _event_problems(events: object) -> list[str]:
    if not isinstance(events, list | tuple) or not events:
        return ["there is no event"]
    found = []
    if len(events) > MOST_EVENTS:
        found.append(f"there are more than {MOST_EVENTS} events")
    for event in events:
        if not isinstance(event, Mapping) or not set(event) <= {"name", "params"}:
            found.append("an event has other fields than name and params")
            continue
        found += _name_problems("an event", event.get("name"), LONGEST_NAME)
        if str(event.get("name")).lower() in _RESERVED_EVENTS:
            found.append("the name of an event is reserved")
        params = event.get("params", {})
        if not isinstance(params, Mapping):
            found.append("params is not a mapping")
            continue
        if len(params) > MOST_PARAMS:
            found.append(f"an event has more than {MOST_PARAMS} parameters")
        for name, value in params.items():
            found += _name_problems("a parameter", name, LONGEST_NAME)
            found += _value_problems("a parameter", value, LONGEST_VALUE)
    return found


class GA4(Destination):
    """A web stream of a GA4 property.

    Args:
        name: of the destination.
        measurement_id: of the stream, ``G-...``.
        secret: its API secret.
        client: sends the requests.
        region: ``eu`` or ``us``: where Google collects.
        property_id: only users of this property, as the export names it.
        with_login: whether the login id is sent too; only where the site sends the same as ``user_id``.
        debug: ask the debug endpoint, which checks and collects nothing.
        host: of the endpoint, for tests.
    """

    kind = "ga4"
    counts = True
    by_device = True
    has_debug = True

    def __init__(
        self,
        name: str,
        *,
        measurement_id: str,
        secret: SecretStr | None,
        client: Client,
        region: str = "eu",
        property_id: str | None = None,
        with_login: bool = False,
        debug: bool = False,
        host: str = "",
    ) -> None:
        super().__init__(name, measurement_id)
        self._measurement_id = measurement_id
        self._secret = secret
        self._client = client
        self._property_id = property_id
        self._with_login = with_login
        self._host = host or HOSTS[region]
        self._debug = debug

    def validate(self, called: str) -> list[str]:
        """The stream, and the name of the user property."""
        found = self._client.check(self._host)
        if not _MEASUREMENT_ID.fullmatch(self._measurement_id):
            found.append("measurement_id is not one: it begins with G- (GA4: Admin, Data streams)")
        wrong = _property_problems({property_of(called): {"value": OUT}})
        if wrong:
            found.append(
                f"the user property would be {property_of(called)}, but {wrong[0]}: give a shorter name with as:"
            )
        return found + _value_problems("the audience", called, LONGEST_VALUE)

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
        if self._secret is not None or self._debug:
            return []
        where = "GA4: Admin, Data streams, Measurement Protocol API secrets"
        return [f"there is no secret: set BEHA2VEC_SECRET_{self.name.upper()} ({where})"]

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The request of a device. Its hash is that of the state and the consent."""
        if self._property_id and member.property_id not in (None, self._property_id):
            raise NotReachable("users of another GA4 property")
        if not member.client_id or not _CLIENT_ID.fullmatch(member.client_id):
            raise NotReachable("no id of a browser (apps need another stream)")
        if kind != "leave" and not _was_seen_lately(member.last_seen):
            raise NotReachable(f"not seen for {_MOST_DAYS_SINCE_LAST_EVENT} days: GA4 would not use it")
        value = OUT if kind == "leave" else IN
        granted = "GRANTED" if member.is_ads_consented else "DENIED"
        body: dict[str, Any] = {
            "client_id": member.client_id,
            "consent": {"ad_user_data": granted, "ad_personalization": granted},
            "user_properties": {
                property_of(called): {"value": value},
                **{property_of(called, name): {"value": _as_property(one)} for name, one in member.attributes.items()},
            },
            # without session_id and engagement time: neither sessions nor engagement of the reports change
            "events": [{"name": EVENT, "params": {"audience": called, "state": value}}],
        }
        if self._with_login and member.login_id:
            body["user_id"] = member.login_id
        wrong = problems_of(body)
        if wrong:
            raise NotReachable(wrong[0])
        return body, hash_of([called, value, granted, *sorted(member.attributes.items())])

    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """One user."""
        (change,) = changes
        if problems := problems_of(change.payload):
            return [Outcome("refused", problems[0])]
        if self._debug:
            return [self._checked(change.payload)]
        return [outcome_of(self._client, self._url("/mp/collect"), _encoded(change.payload), _HEADERS, again=False)]

    def _checked(self, body: Mapping[str, Any]) -> Outcome:
        """What the debug endpoint says of a request; nothing is collected, and it does not check the secret."""
        asked = _encoded({**body, "validation_behavior": "ENFORCE_RECOMMENDATIONS"})
        try:
            answer = self._client.post(self._url("/debug/mp/collect"), asked, _HEADERS, again=True)
            messages = json.loads(answer.body)["validationMessages"]
        except NoAnswer as problem:
            return Outcome("refused", problem.reason)
        except (ValueError, KeyError, TypeError):
            return Outcome("refused", "the debug endpoint gave no answer that can be read")
        codes = sorted({str(one.get("validationCode", "")) for one in messages if isinstance(one, dict)})
        return Outcome("refused", f"validation: {', '.join(codes)}"[:200]) if messages else Outcome("accepted")

    def _url(self, path: str) -> str:
        secret = self._secret.get_secret_value() if self._secret else ""
        query = urlencode({"measurement_id": self._measurement_id, "api_secret": secret})
        return f"{self._host}{path}?{query}"


_HEADERS = {"Content-Type": "application/json"}


def property_of(called: str, attribute: str = "") -> str:
    """The user property of an audience, or of an attribute of its members."""
    return f"b2v_{called}_{attribute}" if attribute else f"b2v_{called}"


def _as_property(value: Value) -> str | int | float:
    """A property cannot be removed, so what is not known has a value."""
    return NOT_KNOWN if value is None else str(value).lower() if isinstance(value, bool) else value


def _was_seen_lately(day: date | None) -> bool:
    return day is not None and (datetime.now(UTC).date() - day).days < _MOST_DAYS_SINCE_LAST_EVENT


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
