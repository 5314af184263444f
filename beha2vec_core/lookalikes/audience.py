"""A list of users as files for other tools: a table, or the layout of Google's Customer Match.

GA4's export has no contact data, so people can only be matched by login id (``user_id``). It is what the site sends: a
number of its customer database, by Google's terms never an address. Only users who have logged in have one.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from beha2vec_core.spreadsheets import is_formula, unrun

# How a login id is read: as the advertiser's own id, as an e-mail address, or as a hash of one that the site made
Identifier = Literal["user_id", "email", "hashed"]
_HEADINGS: dict[Identifier, str] = {"user_id": "User ID", "email": "Email", "hashed": "Email"}
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}\.[^\s@.]{2,}")
_GMAIL = ("gmail.com", "googlemail.com")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class CustomerMatch:
    """A file for Customer Match.

    Attributes:
        content: the CSV file, UTF-8.
        rows: ids in it, each once.
        left_out: users of the list that have no such id.
    """

    content: bytes
    rows: int
    left_out: int


def identifiers(user_ids: Iterable[object]) -> dict[Identifier, int]:
    """The number of login ids that can be read in each way; blank ones are not counted."""
    counts: dict[Identifier, int] = {"user_id": 0, "email": 0, "hashed": 0}
    for one in user_ids:
        if text := _text(one):
            counts["email" if _EMAIL.fullmatch(text) else "hashed" if _SHA256.fullmatch(text) else "user_id"] += 1
    return counts


def customer_match(user_ids: Iterable[object], identifier: Identifier) -> CustomerMatch:
    """The file that Google Ads reads as a customer list; null and blank ids are left out and counted.

    ``email``: header ``Email``, SHA-256 (hexadecimal) of each address in its normal form. ``hashed``: header ``Email``,
    hashes as the site made them. ``user_id``: header ``User ID``, as they are: Google compares them with the ids that
    the site's own tag sends, so they must not be changed.
    """
    rows: dict[str, None] = {}
    left_out = 0
    for one in user_ids:
        text = _text(one)
        if identifier == "email" and _EMAIL.fullmatch(text):
            rows[hashlib.sha256(normalised_email(text).encode()).hexdigest()] = None
        elif identifier == "hashed" and _SHA256.fullmatch(text):
            rows[text.lower()] = None
        elif identifier == "user_id" and text and not _EMAIL.fullmatch(text) and not is_formula(text):
            rows[text] = None
        else:
            left_out += 1
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_HEADINGS[identifier]])
    writer.writerows([row] for row in rows)
    return CustomerMatch(file.getvalue().encode(), len(rows), left_out)


def normalised_email(address: str) -> str:
    """The address in the form in which it is hashed: lowercase, without blanks; for Gmail without dots and `+` suffix.

    >>> normalised_email(" Jane.Doe+shop@GoogleMail.com ")
    'janedoe@googlemail.com'
    """
    local, _, host = "".join(address.lower().split()).rpartition("@")
    if host in _GMAIL:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{host}"


def _text(one: object) -> str:
    return one.strip() if isinstance(one, str) else ""


def to_csv(users: pd.DataFrame) -> bytes:
    """The list as CSV; an apostrophe before text that a spreadsheet would run as a formula."""
    safe = users.copy()
    for column in ("user_key", "user_pseudo_id", "user_id"):
        safe[column] = [unrun(one) if isinstance(one, str) else one for one in users[column]]
    return safe.to_csv(index=False).encode()
