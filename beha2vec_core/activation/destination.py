"""What a destination does: check itself, make payloads, send them, and compare the ledger with what is there."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Literal, NamedTuple

Kind = Literal["enter", "update", "leave"]
State = Literal["accepted", "refused", "unknown"]
Value = str | int | float | bool | None


# of a table of members, and whether it is a text
COLUMNS = {
    "audience": True, "user_key": True, "property_id": True, "user_pseudo_id": True, "user_id": True,
    "is_ads_consented": False, "attributes": True,
}  # fmt: skip
KEYS = ("audience", "user_key")


class ActivationError(RuntimeError):
    """Nothing can be sent; the message names the remedy and holds no secret.

    Attributes:
        is_sent: a try of the request may have arrived before.
    """

    def __init__(self, message: str, *, is_sent: bool = False) -> None:
        super().__init__(message)
        self.is_sent = is_sent


class NotReachable(Exception):
    """A user cannot be sent to a destination; the reason is the same for all of one kind, so that it can be counted."""


class Member(NamedTuple):
    """A user to add to a destination, or to remove from it."""

    user_key: str  # our key of the user
    property_id: str | None = None  # their GA4 property; None where a user leaves whom the tables no longer have
    # GA4's id of a device of theirs, the one they used last unless the destination knows devices
    client_id: str | None = None
    login_id: str | None = None  # GA4's ``user_id``, where they logged in
    is_ads_consented: bool = False  # whether they allowed ads; not known means no
    last_seen: date | None = None  # the last day of that device
    # what is sent of them beside their ids, by name; None: not known, or they leave
    attributes: Mapping[str, Value] = {}


class Change(NamedTuple):
    """What to send about one user."""

    kind: Kind  # they enter, stay with another payload, or leave
    member: Member
    payload: Mapping[str, Any]  # made by `Destination.plan`
    hash: str  # of what the payload says (`hash_of`): the same hash is the same state at the destination
    unit: str = ""  # `Destination.unit` of the member; empty: their user key


class Outcome(NamedTuple):
    """What became of one user's change."""

    state: State  # ``refused`` had no effect; ``unknown``: the answer was lost
    reason: str = ""  # why it is not accepted, the same for all of one kind
    receipt: str = ""  # the destination's id of a request that it goes on to work on; see `Destination.confirm`


class Believed(NamedTuple):
    """What the ledger says of a user at a destination."""

    member: Member  # the user, with the ids that were sent
    hash: str  # of the last payload
    kind: Kind  # of the last change
    is_certain: bool  # the answer is known
    is_pending: bool = False  # the destination still works on the request

    @property
    def is_there(self) -> bool:
        """Whether they entered last, or left."""
        return self.kind != "leave"


@dataclass(eq=False, repr=False)
class Destination(ABC):
    """A system that receives members of audiences."""

    kind: ClassVar[str]  # of system, as the file has it
    counts: ClassVar[bool] = False  # sending twice counts twice, so a request whose answer was lost is not repeated
    # it knows devices, and no users: each device that received something receives the next too
    by_device: ClassVar[bool] = False
    for_ads: ClassVar[bool] = False  # it only serves ads: audiences need ``purpose: ads``
    has_debug: ClassVar[bool] = False  # its service has a way to check requests without using them
    takes_attributes: ClassVar[bool] = True  # there is room for attributes of members
    batch: ClassVar[int] = 1  # the most users of one request
    located_by: ClassVar[tuple[str, ...]]  # the fields that say where it is: an account, a table, an address
    # what of users who left may still be there, and what to do about it; empty: nothing
    left_behind: ClassVar[str] = ""

    name: str  # of the destination in the file
    property_id: str | None = field(default=None, kw_only=True)  # only users of this GA4 property enter it; None: all

    @property
    def address(self) -> tuple[object, ...]:
        """Where it is."""
        return tuple(getattr(self, field) for field in self.located_by)

    @property
    def place(self) -> str:
        """A hash of where it is: another place has none of the users."""
        return hash_of([self.kind, *self.address])

    @abstractmethod
    def validate(self, called: str) -> list[str]:
        """What is wrong, a sentence each, before anything is sent. Asks nobody."""

    def validate_all(self, sent: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
        """What is wrong with all audiences together, a sentence each. Until it is corrected, users only leave.

        Args:
            sent: the name of each audience at the destination, and the names of its attributes.
        """
        return []

    def missing(self) -> list[str]:
        """What sending needs and a plan does not, such as a secret; a sentence each, with the remedy."""
        return []

    def notes(self, users: int) -> list[str]:
        """What people should know of a plan, such as contacts that cannot be used; a sentence each."""
        return []

    @abstractmethod
    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """What is sent of a user, within all limits, and the hash of what it says.

        Raises:
            NotReachable: the destination cannot take this user.
        """

    def unit(self, member: Member) -> str:
        """What the destination knows the user by: the ledger keeps a state for each."""
        return (member.client_id if self.by_device else None) or member.user_key

    def person(self, member: Member) -> str:
        """Whom the destination takes the user for: users of one person are sent only if all of them may be."""
        return member.user_key

    def change(self, kind: Kind, member: Member, called: str) -> Change:
        """What to send about a user; see `plan`."""
        if kind != "leave" and self.property_id and member.property_id != self.property_id:
            raise NotReachable("users of another GA4 property")
        return Change(kind, member, *self.plan(kind, member, called), self.unit(member))

    def batches(self, changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
        """The changes of each request, in order."""
        for start in range(0, len(changes), self.batch):
            yield changes[start : start + self.batch]

    @abstractmethod
    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """Send one request (at most `batch` changes); what became of each change. Never raises for what is sent.

        Args:
            changes: what to send, one of `batches`.
            key: of the request; the same only where the very same request is sent again.

        Raises:
            ActivationError: no further request can succeed, as where the secret is wrong.
        """

    def reconcile(self, believed: Mapping[str, Believed], called: str) -> dict[str, Believed]:
        """What is really there, by `unit`, where the destination can say; otherwise what the ledger says."""
        return dict(believed)

    def confirm(self, receipt: str) -> Outcome | None:
        """What became of a request that was accepted for later; None: it is not finished."""
        return Outcome("accepted")


def row_of(member: Member, called: str) -> dict[str, Any]:
    """The row of a member in a table; attributes are JSON, as each audience has others."""
    attributes = json.dumps(dict(member.attributes), ensure_ascii=False, sort_keys=True) if member.attributes else None
    values = (called, member.user_key, member.property_id, member.client_id, member.login_id, member.is_ads_consented)
    return dict(zip(COLUMNS, (*values, attributes), strict=True))


def hash_of(says: Any) -> str:
    """A hash of what a payload says."""
    return hashlib.sha256(json.dumps(says, sort_keys=True, default=str).encode()).hexdigest()[:32]
