"""Which identifiers are words of other people's texts too: a login id ``iphone15`` takes the name from no product."""

import re
from collections.abc import Mapping

import duckdb

from beha2vec_core.privacy.detectors import looks_random
from beha2vec_core.privacy.people import People, may_hold_text, named_in_sql
from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import IDENTIFIERS

OTHERS = 20
_CLIENT_ID = re.compile(r"\d+\.\d{9,}")
_WHO = ("user_pseudo_id", "user_key", "client_key")


def common_words(
    connection: duckdb.DuckDBPyConnection, others: str, columns: Mapping[str, str], people: People
) -> frozenset[str]:
    """The people's device and login ids that may be words, and are in texts of at least 20 others.

    Client ids, addresses and random ids never count: others have them from a link that one of the people shared.

    Args:
        others: SQL of other people's rows, as a table.
        columns: their columns, with their types.
        people: whose ids are looked for.
    """
    who = next((one for one in _WHO if one in columns), None)
    held = [one for one, kind in columns.items() if one not in IDENTIFIERS and may_hold_text(kind)]
    named = people.devices | people.logins
    words = frozenset(one for one in named if not ("@" in one or _CLIENT_ID.fullmatch(one) or looks_random(one)))
    if who is None or not held or not words:
        return frozenset()
    text = f"concat_ws(chr(10), {', '.join(f'{identifier(one)}::varchar' for one in held)})"
    texts = f"(select {identifier(who)} as who, {text} as text from {others})"
    matches: set[str] = set()
    for pattern in People(logins=words).patterns:
        found = f"select distinct unnest(regexp_extract_all(text, {quote(pattern)})) from {texts}"
        matches |= {match for (match,) in connection.execute(found).fetchall()}
    each = [one for word in sorted(words) if any(map((one := People(logins=frozenset([word]))).named_in, matches))]
    if not each:
        return frozenset()
    counts = ", ".join(f"count(distinct who) filter (where {named_in_sql('text', one)})" for one in each)
    (numbers,) = connection.execute(f"select {counts} from {texts}").fetchall()
    return frozenset().union(*(one.named for one, number in zip(each, numbers, strict=True) if number >= OTHERS))
