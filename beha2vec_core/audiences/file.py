"""The file of audiences: a YAML list, kept under version control and reviewed like code."""

import re
from collections import Counter
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

_NAME = "[a-z][a-z0-9_]{0,39}"
_ATTRIBUTE = re.compile(rf"(?P<alone>{_NAME})|(?P<expression>.+?)\s+(?:as|AS)\s+(?P<name>{_NAME})", re.DOTALL)
# what destinations say of each member
_COLUMNS = frozenset(
    ("user_key", "property_id", "user_pseudo_id", "client_id", "user_id", "audience", "is_ads_consented", "leaves")
)


class AudienceError(ValueError):
    """An audience cannot be used; the message names it and the remedy."""


def is_name(name: str) -> str:
    """The name, if audiences and destinations may have it."""
    if not re.fullmatch(_NAME, name):
        raise ValueError("use at most 40 lowercase letters, digits and _, beginning with a letter")
    return name


def name_of_attribute(text: str) -> tuple[str, str]:
    """The name of an attribute, and its expression.

    Raises:
        ValueError: it has no name.
    """
    found = _ATTRIBUTE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"give {text[:60]!r} a name: expression as name, with lowercase letters, digits and _")
    return found["name"] or found["alone"], found["expression"] or found["alone"]


class Activation(BaseModel, frozen=True, extra="forbid", coerce_numbers_to_str=True):
    """A destination that the members of an audience may be sent to.

    Attributes:
        called: what the audience is called there (in the file: ``as``); without it, its own name.
        send: whether the nightly run sends; without it, only ``beha2vec activate --send`` does.
        attributes: what is sent of each member beside their ids: expressions as in rules, with a name where they are
            not one: ``probability('purchase', 28) as p28``.
    """

    to: str
    called: str | None = Field(None, alias="as")
    send: bool = False
    attributes: tuple[str, ...] = ()

    @field_validator("attributes")
    @classmethod
    def _names_are_clear(cls, attributes: tuple[str, ...]) -> tuple[str, ...]:
        named = [name_of_attribute(one)[0] for one in attributes]
        for name in named:
            if name in _COLUMNS or named.count(name) > 1:
                raise ValueError(f"{name} is the name of another column; write: expression as another_name")
        return attributes


class Audience(BaseModel, frozen=True, extra="forbid"):
    """A group of users.

    Attributes:
        description: what it is for, for those who review it.
        rule: who is in it, an expression over the names of `names`.
        exclude: who of them is not contacted, another expression, such as those who bought lately.
        purpose: ``ads`` needs consent for ads; ``analytics`` needs that for the export, which all users have.
        cap: at most this many are taken.
        rank_by: an expression; if there are more than ``cap``, those with the highest value are taken.
        holdout: the share of those that is never contacted, drawn by a keyed hash: comparing them with the others
            measures the effect.
        refresh: the number of days after which the members are found again, counted from a Monday.
        pause: nobody enters a destination who entered one in another audience, or this one before, within this many
            days.
        exclude_file: a text file with a user a line (user key, device id or login id) who is not sent.
    """

    name: Annotated[str, AfterValidator(is_name)]
    description: str = ""
    rule: str
    exclude: str | None = None
    purpose: Literal["ads", "analytics"] = "analytics"
    holdout: float = Field(0.0, ge=0, le=0.9)
    cap: int | None = Field(None, ge=1)
    rank_by: str | None = None
    refresh: int = Field(1, ge=1, le=365)
    activate: tuple[Activation, ...] = ()
    pause: int | None = Field(None, ge=1, le=365)
    exclude_file: Path | None = None

    @model_validator(mode="after")
    def _rank_needs_a_cap(self) -> Self:
        if self.rank_by and not self.cap:
            raise ValueError("rank_by needs a cap: it says who is taken if there are more")
        return self

    @field_validator("activate")
    @classmethod
    def _destinations_once(cls, activate: tuple[Activation, ...]) -> tuple[Activation, ...]:
        for to, entries in Counter(one.to for one in activate).items():
            if entries > 1:
                raise ValueError(f"destination {to} is there twice; remove one")
        return activate


def load_audiences(path: Path) -> list[Audience]:
    """The audiences of a file, in its order; none where there is no file.

    Raises:
        AudienceError: the file cannot be read, or an entry is wrong.
    """
    return [audience_of(entry, where) for where, entry in listed(path, "audience", AudienceError)]


def listed(path: Path, kind: str, error: type[Exception]) -> list[tuple[str, Any]]:
    """The entries of a YAML list, each after where it stands (for messages); none where there is no file.

    Raises:
        Exception: of the type ``error``: the file cannot be read, or two entries have one name.
    """
    if not path.exists():
        return []
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise error(f"{path} cannot be read: {' '.join(str(problem).split())}") from None
    if not isinstance(entries, list | None):
        raise error(f"{path}: write a list of {kind}s, each beginning with '- name:'")
    found: dict[str, Any] = {}
    for number, entry in enumerate(entries or (), 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        where = f"{path}, {kind} {name or number}"
        if where in found:
            raise error(f"{where}: there are two {kind}s of this name; rename one")
        found[where] = entry
    return list(found.items())


def audience_of(entry: Any, where: str = "") -> Audience:
    """The audience of an entry.

    Args:
        where: it stands, for the message; "": that is clear.

    Raises:
        AudienceError: it is wrong.
    """
    try:
        return Audience.model_validate(entry)
    except ValidationError as error:
        raise AudienceError(": ".join(filter(None, (where, _explained(error))))) from None


def find_audience(audiences: list[Audience], name: str) -> Audience:
    """The audience of a name.

    Raises:
        AudienceError: there is none; the message has the nearest names.
    """
    known = {one.name: one for one in audiences}
    if name in known:
        return known[name]
    hint = nearest(name, list(known)) if known else ": the file of audiences has none (docs/audiences.md)"
    raise AudienceError(f"there is no audience {name!r}{hint}")


def nearest(name: str, known: list[str]) -> str:
    """The end of a message about an unknown name: those most like it, or all where there are few."""
    close = get_close_matches(name, known, 3)
    if close:
        return f"; did you mean {' or '.join(filter(None, (', '.join(close[:-1]), close[-1])))}?"
    listed = sorted(known, key=lambda one: (len(one), one) if one.isdecimal() else (0, one))
    return f"; choose from {', '.join(listed)}" if 0 < len(known) <= 12 else ""


def _explained(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key} is not a key of an audience{nearest(key, list(Audience.model_fields))}"
    return in_words(problem, key)


def in_words(problem: ErrorDetails, key: str) -> str:
    """What is wrong with a key of an entry."""
    if problem["type"] == "missing":
        return f"{key} is missing"
    if problem["type"] in ("model_type", "model_attributes_type"):
        return "write it as a mapping of keys to values"
    return f"{key}: {problem['msg']}".removeprefix(": ").replace("Value error, ", "")
