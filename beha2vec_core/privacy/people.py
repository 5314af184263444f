"""Who is meant: all identifiers of some people, and SQL and patterns that recognize them in columns and texts."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property

import duckdb

from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import IDENTIFIERS

REMOVED = "[removed]"
KINDS_THAT_NAME = ("keys", "devices", "logins")  # of identifiers: those that name a person
# A short identifier, such as 4711, or a word, such as samsung, is also in texts that are not about the person: it
# is only looked for in identifier columns and behind "user_id" in JSON.
_SHORTEST_IN_TEXT, _SHORTEST_NUMBER_IN_TEXT = 6, 8
# An identifier is a word of its own: not inside a longer word or number. An escaped character may be before it.
_BEFORE = r"(^|[^0-9A-Za-z]|%(?:25)*[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[nrtbf])"
_AFTER = r"($|[^0-9A-Za-z])"
# shorter ones have too few letters of their own in base64
_SHORTEST_IN_BASE64 = 10
_CLIENT_ID = re.compile(r"\d+\.\d+")
_JSON_FIELD = r"(\"(?:user_id|user_pseudo_id)\\?\"\s*:\s*\\?\")"
# alternatives of one regular expression
_CHUNK = 200
# of these types a value cannot hold an identifier
_NO_TEXT = re.compile(
    r"^(FLOAT|DOUBLE|BOOLEAN|DATE|TIME|TIMESTAMP|INTERVAL|DECIMAL|HUGEINT)\b[^<(]*$|^(FLOAT|DOUBLE)\["
)


@dataclass(frozen=True)
class People:
    """All identifiers of some people."""

    devices: frozenset[str] = frozenset()  # GA4's device ids (``user_pseudo_id``)
    # GA4's login ids (``user_id``), as the export has them and as they are stored (`LoginIds`)
    logins: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()  # our keys of them (``user_key``, ``client_key``)
    sessions: frozenset[str] = frozenset()  # their ``session_key``
    events: frozenset[str] = frozenset()  # their ``event_key``
    # keys of devices that they and others have logged in on; the others' rows stay
    shared: frozenset[str] = frozenset()
    # those of them that are in texts of many others (`common.common_words`), which stay as they are
    common: frozenset[str] = frozenset()

    def __or__(self, other: People) -> People:
        """The people of both."""
        names = [field.name for field in fields(self)]
        return People(**{name: getattr(self, name) | getattr(other, name) for name in names})

    @property
    def named(self) -> frozenset[str]:
        """What names them: devices, logins and keys."""
        return self.devices | self.logins | self.keys

    def of_kind(self, kind: str) -> frozenset[str]:
        """The identifiers of a kind (`store.tables.IDENTIFIERS`)."""
        found: frozenset[str] = getattr(self, kind)
        return found

    def to_json(self) -> str:
        """For the note of a removal under way."""
        return json.dumps({name: sorted(values) for name, values in asdict(self).items()})

    @classmethod
    def from_json(cls, text: str) -> People:
        """What `to_json` wrote."""
        return cls(**{name: frozenset(values) for name, values in json.loads(text).items()})

    def _is_in_texts(self, one: str) -> bool:
        return long_enough(one) and one not in self.common

    @cached_property
    def patterns(self) -> list[str]:
        """Regular expressions (RE2 and Python's) of which one matches a text that names one of the people."""
        spelled = sorted(_spellings(one) for one in self.named if self._is_in_texts(one))
        found = [f"(?i){_BEFORE}(?:{part}){_AFTER}" for part in _alternatives(spelled)]
        hidden = sorted(self.devices | self.logins)
        in_base64 = [form for one in hidden if self._is_in_texts(one) for form in _spellings_in_base64(one)]
        found += [f"(?i)()(?:{part})()" for part in _alternatives(in_base64)]
        short = sorted(_spellings(one) for one in self.devices | self.logins if not self._is_in_texts(one))
        return found + [rf"(?i){_JSON_FIELD}(?:{part})(\\?\")" for part in _alternatives(short)]

    @cached_property
    def _compiled(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern) for pattern in self.patterns]

    @cached_property
    def _compiled_bytes(self) -> list[re.Pattern[bytes]]:
        return [re.compile(pattern.encode()) for pattern in self.patterns]

    @cached_property
    def _needles(self) -> list[bytes]:
        """Small letters and digits of which a text in ASCII has one if a pattern matches: far faster to look for."""
        hidden = self.devices | self.logins
        written = {*self.named, *(form for one in hidden for form in _spellings_in_base64(one))}
        # of bytes: a small letter of İ is two characters, one of them in ASCII
        small = (one.encode(errors="surrogatepass").lower() for one in written)
        return sorted({max(re.findall(b"[0-9a-z]*", one), key=len) for one in small})

    def named_in(self, text: str) -> bool:
        """Whether a text names one of the people."""
        if text.isascii() and not self._may_be_named_in(text.encode()):
            return False
        return any(pattern.search(text) for pattern in self._compiled)

    def named_in_bytes(self, content: bytes) -> bool:
        """Whether bytes do, in UTF-8 or UTF-16."""
        wide = any(one.encode("utf-16-le") in content for one in self.named if self._is_in_texts(one))
        return wide or (
            self._may_be_named_in(content) and any(pattern.search(content) for pattern in self._compiled_bytes)
        )

    def _may_be_named_in(self, content: bytes) -> bool:
        small = content.lower()
        return any(needle in small for needle in self._needles)

    def taken_out_of(self, text: str) -> str:
        """The text without their identifiers."""
        for pattern in self._compiled:
            for _ in range(2):  # two of them may share what stands between
                text = pattern.sub(rf"\g<1>{REMOVED}\g<2>", text)
        return text


def long_enough(identifier: str) -> bool:
    """Whether an identifier is rare enough to be looked for in any text."""
    shortest = _SHORTEST_NUMBER_IN_TEXT if identifier.isdigit() else _SHORTEST_IN_TEXT
    return len(identifier) >= shortest and any(one.isdigit() or one == "@" for one in identifier)


def _spellings(identifier: str) -> str:
    """A regular expression of an identifier however it is escaped: for JSON, Markdown, HTML, an address, or several.

    The dot of a client id may also be another mark: cookies and links write 1087360520_1767818244.
    """
    if _CLIENT_ID.fullmatch(identifier):
        return rf"(?:{_spellings_of_mark('.')}|[_-])".join(identifier.split("."))
    return "".join(one if one.isascii() and one.isalnum() else _spellings_of_mark(one) for one in identifier)


def _spellings_in_base64(identifier: str) -> Iterator[str]:
    """Regular expressions of an identifier in base64, as in GA4's linker ``_gl``: alone, or amid other text.

    Amid other text it may begin at any of the three bytes that four letters stand for; letters that neighbours decide
    about are left out.
    """
    plain = identifier.encode(errors="surrogatepass")
    if len(plain) < _SHORTEST_IN_BASE64:
        return
    for before, first in ((0, 0), (1, 2), (2, 3)):
        letters = base64.b64encode(bytes(before) + plain).decode().rstrip("=")
        whole = letters[first : (before + len(plain)) * 8 // 6]
        for form in dict.fromkeys((letters, whole)) if before == 0 else (whole,):
            yield form.replace("+", "[+-]").replace("/", "[/_]")


def _spellings_of_mark(mark: str) -> str:
    in_address = "".join(f"%(?:25)*{byte:02X}" for byte in mark.encode(errors="surrogatepass"))
    in_json = f"u{ord(mark):04x}" if ord(mark) < 0x10000 else ""
    forms = {re.escape(mark), in_address, re.escape(html.escape(mark)), in_json} - {""}
    forms |= {r"\+"} if mark == " " else set()
    return rf"\\*(?:{'|'.join(sorted(forms))})"


def _alternatives(texts: list[str]) -> Iterable[str]:
    for start in range(0, len(texts), _CHUNK):
        yield "|".join(texts[start : start + _CHUNK])


# --- SQL ---------------------------------------------------------------------------------------------------------


def load(connection: duckdb.DuckDBPyConnection, people: People) -> None:
    """Make the table ``people_ids`` that the conditions below read."""
    connection.execute("create or replace temp table people_ids (kind varchar, id varchar)")
    rows = [(kind, one) for kind in sorted({*IDENTIFIERS.values(), "shared"}) for one in sorted(people.of_kind(kind))]
    for start in range(0, len(rows), 10_000):
        part = rows[start : start + 10_000]
        connection.execute(
            "insert into people_ids select unnest(?::varchar[]), unnest(?::varchar[])",
            [[kind for kind, _ in part], [one for _, one in part]],
        )


def owned_by(column: str, kind: str, ids: str) -> str:
    """SQL: whether an identifier column, or list of identifiers, has one of theirs."""
    listed = f"(select list(id) from temp.people_ids where kind = '{ids}')"
    if kind.endswith("[]"):
        return f"coalesce(list_has_any({column}::varchar[], {listed}), false)"
    return f"coalesce({column}::varchar in (select id from temp.people_ids where kind = '{ids}'), false)"


def named_in_sql(column: str, people: People) -> str:
    """SQL: whether a column's text names one of the people."""
    tests = [f"regexp_matches({column}::varchar, {quote(pattern)})" for pattern in people.patterns]
    return f"coalesce({' or '.join(tests) or 'false'}, false)"


def has_any(columns: Mapping[str, str], people: People) -> str:
    """SQL: whether a row of a table may concern one of the people, by all of its columns at once.

    A pattern costs more to prepare than to match, so tables are asked this first, and then column by column.
    """
    tests = [owned_by(identifier(one), kind, IDENTIFIERS[one]) for one, kind in columns.items() if one in IDENTIFIERS]
    texts = ", ".join(f"{identifier(one)}::varchar" for one, kind in columns.items() if may_hold_text(kind))
    if texts:
        tests.append(named_in_sql(f"concat_ws(chr(10), {texts})", people))
    return " or ".join(tests) or "false"


def by_column(
    relation: str, columns: Mapping[str, str], people: People, where: str = "true", *, with_ids: bool = False
) -> str:
    """SQL: each column that names one of the people, and in how many rows; ``with_ids`` also those that have their id.

    All columns are one list: a pattern is prepared once, and not for each of them.
    """
    asked = {one: kind for one, kind in columns.items() if may_hold_text(kind) or (with_ids and one in IDENTIFIERS)}
    texts = [f"{identifier(one)}::varchar" if may_hold_text(kind) else "null" for one, kind in asked.items()]
    owned = [
        owned_by(identifier(one), kind, IDENTIFIERS[one]) if with_ids and one in IDENTIFIERS else "false"
        for one, kind in asked.items()
    ]
    return f"""select name, count(*) from (
        select unnest([{", ".join(map(quote, asked))}]) as name, unnest([{", ".join(texts)}]) as value,
            unnest([{", ".join(owned)}]) as is_theirs
        from {relation} where ({has_any(columns, people)}) and ({where})
    ) where is_theirs or {named_in_sql("value", people)} group by name"""


def taken_out_sql(column: str, kind: str, people: People) -> str:
    """SQL: the column's value without their identifiers; null where that is no value of its type."""
    text = f"{column}::varchar" if kind in ("VARCHAR", "JSON") else f"to_json({column})::varchar"
    for pattern in people.patterns:
        for _ in range(2):
            text = f"regexp_replace({text}, {quote(pattern)}, {quote(chr(92) + '1' + REMOVED + chr(92) + '2')}, 'g')"
    if kind == "VARCHAR":
        return text
    return f"try_cast({text if kind == 'JSON' else f'try_cast({text} as json)'} as {kind})"


def may_hold_text(kind: str) -> bool:
    """Whether values of a DuckDB type can hold an identifier."""
    return _NO_TEXT.match(kind) is None
