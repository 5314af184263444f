"""Contacts: addresses and numbers as Google hashes them, and the file that has them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.activation.contacts import Contacts, load_contacts, normal_email, normal_phone
from beha2vec_core.activation.destination import ActivationError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dana@Example.com", "dana@example.com"),
        ("  cloudy. San+Francisco @GMAIL.com", "cloudysan@gmail.com"),
        ("a.b+c@googlemail.com", "ab@googlemail.com"),
        ("a.b+c@example.com", "a.b+c@example.com"),
        ("jane", None), ("@example.com", None), ("jane@host", None), ("a@b@c.com", None), ("+x@gmail.com", None),
        ("", None), ("jane@.com", None),
        ("Jane <jane@x.com>", "jane@x.com"), ('"Doe, Jane" <Jane.Doe@Gmail.com>', "janedoe@gmail.com"),
        ("<jane@x.com>", "jane@x.com"), ("mailto:jane@x.com", "jane@x.com"),
        ("MAILTO:jane@x.com?subject=Hi", "jane@x.com"),
        ("jane@x.com, ben@x.com", None), ("jane;ben@x.com", None), ("tel:jane@x.com", None),
        ("jane@x.com.", None),
        ("..jane@x.com", None), ('"a@b"@x.com', None), ("jane\\@x.com", None),
    ],
)  # fmt: skip
def test_an_address_is_written_as_google_hashes_it(text: str, expected: str | None) -> None:
    assert normal_email(text) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+1 (800) 555-0102", None, "+18005550102"),
        ("0664 1234567", "AT", "+436641234567"),
        ("0664 1234567", " at ", "+436641234567"),
        ("0664 1234567", None, None),
        ("0664 1234567", "XX", None),
        ("12", "AT", None),
        ("123", "DE", None),
        ("+49123", None, None),
        ("491712345678", "DE", "+491712345678"),
        ("00491712345678", "DE", "+491712345678"),
        ("0491 712345", "DE", "+49491712345"),
        ("(0171) 2345678", "DE", "+491712345678"),
        ("43 664 1234567", "AT", "+436641234567"),
        ("39 347 1234567", "IT", "+393471234567"),
        ("391 2345678", "IT", "+393912345678"),
        ("34612345678", "ES", "+34612345678"),
        ("16502530000", "US", "+16502530000"),
        ("(650) 253-0000", "US", "+16502530000"),
        ("491712345678", None, None),
        ("call me", "AT", None),
        ("", "AT", None),
    ],
)
def test_a_number_is_written_as_google_hashes_it(text: str, country: str | None, expected: str | None) -> None:
    assert normal_phone(text, country) == expected


@given(st.text(max_size=40), st.text(max_size=3))
def test_any_text_is_a_contact_or_none(text: str, country: str) -> None:
    email, phone = normal_email(text), normal_phone(text, country)
    assert email is None or (email == normal_email(email) and email.count("@") == 1)
    assert phone is None or (phone.startswith("+") and phone[1:].isdecimal() and phone == normal_phone(phone))


def _contacts(tmp_path: Path, text: str) -> Contacts:
    (tmp_path / "contacts.csv").write_text(text)
    return load_contacts(tmp_path / "contacts.csv", tmp_path)


def test_a_login_that_is_stored_as_a_hash_finds_its_contact(tmp_path: Path) -> None:
    found = _contacts(tmp_path, "user_id,email\njane@example.com,jane@example.com\n")
    assert [len(one) for one in found.people] == [64] and found.unusable == 0


def test_contacts_that_cannot_be_used_are_counted_and_reported(tmp_path: Path) -> None:
    rows = ["4711,Jane <jane@x.com>,", "4712,mailto:ben@x.com,123", "4713,cora at x.com,0171 2345678", "4714,,"]
    found = _contacts(tmp_path, "\n".join(["user_id,email,phone,country", *(f"{row},DE" for row in rows)]))
    assert {login: [len(one.emails), len(one.phones)] for login, one in found.people.items()} == {
        "4711": [1, 0], "4712": [1, 0], "4713": [0, 1],
    }  # fmt: skip
    assert found.people["4711"].emails == (hashlib.sha256(b"jane@x.com").hexdigest(),)
    assert found.unusable == 2 and found.notes() == [
        "2 contacts of the file cannot be used: no e-mail address, or no phone number that exists in its country"
    ]


@pytest.mark.parametrize("text", ["", "id,email\n1,a@b.cc", "user_id,address\n1,x"])
def test_a_file_without_its_columns_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ActivationError, match="the first line names the columns"):
        _contacts(tmp_path, text)


def test_a_file_of_contacts_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ActivationError, match="set BEHA2VEC_CONTACTS_FILE"):
        load_contacts(None, tmp_path)
    with pytest.raises(ActivationError, match="cannot be read"):
        load_contacts(tmp_path / "none.csv", tmp_path)
    (tmp_path / "bad.csv").write_bytes(b"user_id,email\n\xff,a@b.cc")
    with pytest.raises(ActivationError, match="CSV file in UTF-8"):
        load_contacts(tmp_path / "bad.csv", tmp_path)
