"""The list of people who are forgotten, as keyed hashes: ingest leaves out their rows, whatever the export still has.

``<data_dir>/forgotten.csv`` has a line for each identifier: its HMAC-SHA256 and the day it was added. An identifier
that is a word of others' texts too has a second line, so that it is left out of columns only. Without the key
(``privacy.key``) a hash does not reveal whose it is, and guesses cannot be tested.
"""

import base64
import binascii
import fcntl
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import duckdb

from beha2vec_core.files import replacing
from beha2vec_core.privacy.common import common_words
from beha2vec_core.privacy.key import PrivacyError, key, key_path
from beha2vec_core.privacy.login import LoginIds, is_placeholder
from beha2vec_core.privacy.people import People, long_enough, may_hold_text, named_in_sql, taken_out_sql
from beha2vec_core.store.sql import identifier

WORD = "word "  # before the second hash of an identifier that is left in texts
_CHECK = "check of the key"
# how an identifier may be in a text; each pattern cuts differently
_WORDS = [re.compile(pattern) for pattern in (r"[\w.@+-]+", r"[\w.@]+", r"\w+", r"\d{6,}\.\d{6,}", r"[A-Za-z0-9]+")]
# a client id as cookies and links write it
_CLIENT_ID = re.compile(r"(\d{6,})[._-](\d{6,})")
_BASE64 = re.compile(r"[A-Za-z0-9_-]{12,}")
_JSON_FIELD = re.compile(r'"(?:user_id|user_pseudo_id)"\s*:\s*"([^"]+)"')


class Forgotten:
    """The list of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        """Read nothing yet."""
        self.data_dir = data_dir
        self.path = data_dir / "forgotten.csv"

    @contextmanager
    def held(self) -> Iterator[frozenset[str]]:
        """The hashes; nothing is added to the list until the block ends. Several processes may be inside.

        Ingest writes each partition inside: one that is written after a person was added never has that person.

        Raises:
            PrivacyError: the key that the hashes were made with is gone.
        """
        with self._locked(fcntl.LOCK_SH):
            yield self.hashes()

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """The operating system's lock on a file beside the list, shared or not; gone when its holder dies."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with Path(f"{self.path}.lock").open("a") as file:
            fcntl.flock(file, how)
            yield

    def hashes(self) -> frozenset[str]:
        """The hash of each forgotten identifier, again after `WORD` where it is a word of others' texts too.

        Raises:
            PrivacyError: the key that the hashes were made with is gone.
        """
        if not self.path.exists():
            return frozenset()
        first, *lines = self.path.read_text(encoding="ascii").splitlines()
        if not key_path(self.data_dir).exists() or first.removeprefix("# key ") != self.digest(_CHECK):
            raise PrivacyError(
                f"{self.path} was made with another {key_path(self.data_dir).name}: forgotten people would come back. "
                "Put the key that belongs to it back (docs/privacy.md)"
            )
        return frozenset(line.split(",")[0] for line in lines if line)

    def add(self, identifiers: Iterable[str], today: date, common: Iterable[str] = ()) -> int:
        """Add people's identifiers, on disk when this returns; the number of those that are new.

        ``common`` are those that are words of others' texts too. A second line says so of each.
        """
        with self._locked(fcntl.LOCK_EX):
            known = self.hashes()
            words = {WORD + self.digest(one) for one in common}
            new = sorted(({self.digest(one) for one in identifiers} | words) - known)
            if new:
                before = self.path.read_text(encoding="ascii") if known else f"# key {self.digest(_CHECK)}\n"
                with replacing(self.path) as temporary:
                    temporary.write_text(before + "".join(f"{one},{today}\n" for one in new), encoding="ascii")
                    temporary.chmod(0o600)
        return len(new)

    def digest(self, identifier: str) -> str:
        """The keyed hash of an identifier."""
        return _digest(key(self.data_dir), identifier)

    def those_of(self, identifiers: Iterable[str], hashes: frozenset[str]) -> frozenset[str]:
        """Which of the identifiers are on the list, as they are or as login ids are stored."""
        secret, login_ids = key(self.data_dir), LoginIds(self.data_dir)
        return frozenset(
            one
            for one in identifiers
            if not is_placeholder(one) and any(_digest(secret, form) in hashes for form in login_ids.forms(one))
        )

    def _rare(self, known: frozenset[str], hashes: frozenset[str]) -> frozenset[str]:
        return frozenset(one for one in known if WORD + self.digest(one) not in hashes)

    def leave_out(self, connection: duckdb.DuckDBPyConnection, hashes: frozenset[str], where: str) -> int:
        """Take forgotten people's rows out of ingest's ``accepted`` and ``quarantine`` tables; the number of rows.

        A device without another login goes with its forgotten login. Other people's rows that name a forgotten person
        in a text (a shared link) stay, without the name.

        Args:
            hashes: from `held`.
            where: which rows are looked at, as SQL.
        """
        if not hashes:
            return 0
        return self._leave_out_accepted(connection, hashes, where) + self._leave_out_bad(connection, hashes, where)

    def _leave_out_accepted(self, connection: duckdb.DuckDBPyConnection, hashes: frozenset[str], where: str) -> int:
        pairs = connection.execute(f"select distinct user_pseudo_id, user_id from accepted where {where}").fetchall()
        known = self.those_of({one for pair in pairs for one in pair if one is not None}, hashes)
        with_others = {device for device, login in pairs if login and not is_placeholder(login) and login not in known}
        devices = {device for device, _ in pairs if device in known}
        devices |= {device for device, login in pairs if device and login in known and device not in with_others}
        ((left_out,),) = connection.execute(
            f"""delete from accepted where {where} and (list_contains($devices::varchar[], user_pseudo_id)
                or list_contains($logins::varchar[], user_id))""",
            {"devices": sorted(devices), "logins": sorted(known)},
        ).fetchall()
        texts = connection.execute(
            f"""with texts as (
                select unnest(event_params).value.string_value as text from accepted where {where}
                union select unnest(user_properties).value.string_value from accepted where {where}
                union select _unknown_fields::varchar from accepted where {where}
            ) select text from texts where len(text) >= 6"""
        ).fetchall()
        named = self.those_of({word for (text,) in texts for word in _words(text) if long_enough(word)}, hashes)
        people = People(logins=self._rare(named, hashes))
        if people.named:
            columns = {name: kind for name, kind, *_ in connection.execute("describe accepted").fetchall()}
            people |= People(common=common_words(connection, f"(from accepted where {where})", columns, people))
        if people.named - people.common:
            for column, kind in columns.items():
                if may_hold_text(kind):
                    name = identifier(column)
                    connection.execute(
                        f"""update accepted set {name} = {taken_out_sql(name, kind, people)}
                        where {where} and {named_in_sql(name, people)}"""
                    )
        return int(left_out)

    def _leave_out_bad(self, connection: duckdb.DuckDBPyConnection, hashes: frozenset[str], where: str) -> int:
        contents = connection.execute(
            f"select rowid, content from quarantine where {where} and content is not null"
        ).fetchall()
        fields = {row: set(_JSON_FIELD.findall(content)) for row, content in contents}
        words = {row: {word for word in _words(content) if long_enough(word)} for row, content in contents}
        known = self.those_of(set().union(*fields.values(), *words.values()), hashes)
        rare = self._rare(known, hashes)
        rows = [row for row, _ in contents if fields[row] & known or words[row] & rare]
        if rows:
            connection.execute("delete from quarantine where list_contains($rows::bigint[], rowid)", {"rows": rows})
        return len(rows)


def _digest(secret: bytes, identifier: str) -> str:
    message = f"forgotten:{identifier}".encode(errors="surrogatepass")
    return hmac.digest(secret, message, hashlib.sha256).hex()


def _words(text: str) -> set[str]:
    forms = [text, unquote(text)] if "%" in text else [text]
    forms += [inner for form in tuple(forms) for inner in _in_base64(form)]
    words = {word.strip(".-") for form in forms for pattern in _WORDS for word in pattern.findall(form)}
    return words | {".".join(parts) for form in forms for parts in _CLIENT_ID.findall(form)}


def _in_base64(text: str) -> Iterator[str]:
    """What is in a text as base64, such as the client id in GA4's linker ``_gl``."""
    for match in _BASE64.finditer(text):
        letters = match[0].replace("-", "+").replace("_", "/")
        with suppress(ValueError, binascii.Error):
            yield base64.b64decode(letters + "=" * (-len(letters) % 4)).decode()
