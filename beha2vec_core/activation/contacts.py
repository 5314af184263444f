"""E-mail addresses and phone numbers of users who log in, hashed as Google asks for; the plain ones are not kept.

Source: https://developers.google.com/data-manager/api/devguides/concepts/formatting
"""

import csv
import hashlib
import hmac
import re
from email.utils import getaddresses
from pathlib import Path
from typing import NamedTuple

from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.privacy.key import key
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.words import counted

COLUMNS = ("user_id", "email", "phone", "country")
_PLAIN = r"[^\s@.,:;<>()\[\]\"\\]+"
_EMAIL = re.compile(rf"{_PLAIN}(\.{_PLAIN})*@{_PLAIN}(\.{_PLAIN})+")


class Identifiers(NamedTuple):
    """The hashes of one person's addresses and numbers, in order, without repetitions."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


class Contacts:
    """The contacts of a file, by login id as it is stored.

    Attributes:
        people: the hashes of each login id.
        unusable: addresses and numbers of the file that are none.
    """

    def __init__(self, people: dict[str, Identifiers], unusable: int, secret: bytes) -> None:
        self.people = people
        self.unusable = unusable
        self._secret = secret
        self._persons = _persons(people)

    def person(self, login_id: str) -> str | None:
        """Who a login id is to Google: those who share an address or a number are one person. None: no contact."""
        return self._persons.get(login_id)

    def digest(self, found: Identifiers) -> str:
        """A keyed hash of somebody's hashes: the ledger can tell that they changed, and not what they are."""
        text = repr((found.emails, found.phones))
        return hmac.new(self._secret, f"contacts:{text}".encode(), hashlib.sha256).hexdigest()[:32]

    def notes(self) -> list[str]:
        """What people should know of the file, a sentence each."""
        if not self.unusable:
            return []
        return [
            f"{counted(self.unusable, 'contact')} of the file cannot be used: no e-mail address, or no phone number "
            "that exists in its country"
        ]


def _persons(people: dict[str, Identifiers]) -> dict[str, str]:
    """The first login id of each person, by login id: those linked by contacts, also over others."""
    first: dict[str, str] = {}  # one that a login id or contact is linked to; the first to itself

    def find(one: str) -> str:
        while first.setdefault(one, one) != one:
            first[one] = one = first[first[one]]
        return one

    for login, found in people.items():
        for contact in (*found.emails, *found.phones):
            first[find(f"contact {contact}")] = find(login)
    return {login: find(login) for login in people}


def load_contacts(path: Path | None, data_dir: Path) -> Contacts:
    """Read a CSV file with ``user_id`` and ``email``, ``phone`` or both; ``country`` (AT) is of numbers without +.

    A person may have several rows.

    Raises:
        ActivationError: there is no file, or it cannot be read.
    """
    if path is None:
        raise ActivationError("set BEHA2VEC_CONTACTS_FILE to a CSV file with the columns user_id, email and phone")
    login_ids = LoginIds(data_dir)
    emails: dict[str, dict[str, None]] = {}
    phones: dict[str, dict[str, None]] = {}
    unusable = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = rows.fieldnames or []
            if "user_id" not in names or not {"email", "phone"} & set(names):
                raise ActivationError(f"{path}: the first line names the columns: user_id, email, phone, country")
            for row in rows:
                login = login_ids.judged((row.get("user_id") or "").strip())
                email, phone = (row.get("email") or "").strip(), (row.get("phone") or "").strip()
                found_email, found_phone = normal_email(email), normal_phone(phone, row.get("country"))
                unusable += (bool(email) and found_email is None) + (bool(phone) and found_phone is None)
                if login and found_email:
                    emails.setdefault(login, {})[_sha256(found_email)] = None
                if login and found_phone:
                    phones.setdefault(login, {})[_sha256(found_phone)] = None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ActivationError(f"{path} cannot be read ({type(error).__name__}): it is a CSV file in UTF-8") from None
    people = {one: Identifiers(tuple(emails.get(one, ())), tuple(phones.get(one, ()))) for one in {**emails, **phones}}
    return Contacts(people, unusable, key(data_dir))


def normal_email(text: str) -> str | None:
    """An address as Google hashes it: small letters, no blanks; of Gmail, no dots and no +suffix. None: it is none.

    Also of ``Jane Doe <jane@example.com>`` and ``mailto:jane@example.com``.
    """
    from beha2vec_core.lookalikes import normalised_email

    text = text.strip()
    if text.lower().startswith("mailto:"):
        text = text[len("mailto:") :].partition("?")[0]
    if "<" not in text:
        text = "".join(text.split())
    found = getaddresses([text])
    # it takes the text before a colon for the name of a group
    address = normalised_email(found[0][1]) if len(found) == 1 and ":" not in text else ""
    return address if _EMAIL.fullmatch(address) and address.isprintable() else None


def normal_phone(text: str, country: str | None = None) -> str | None:
    """A number as Google hashes it: E.164, such as +43123456789. None: it is none, or its country is not known.

    Without + and 00, a number may be a national one, or begin with the country's code even so: 491712345678. If it
    could be either, it is national only if it has the prefix that national numbers of the country have.
    """
    import phonenumbers

    region = (country or "").strip().upper() or None
    about = phonenumbers.PhoneMetadata.metadata_for_region(region) if region else None
    digits = re.sub(r"\D", "", text)
    readings = [(text, region)]
    if about and not text.strip().startswith("+") and digits.startswith(str(about.country_code)):
        readings.insert(0 if about.national_prefix else 1, (f"+{digits}", None))
    for reading in readings:
        try:
            number = phonenumbers.parse(*reading)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
