"""Properties of the URL macros, for any address."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt.conftest import Warehouse

CLEANED = "{{ cleaned_url('url') }}"
PAGE = (
    "case when {{ is_web_address('url') }} then {{ without_www(url_host('url')) }} end,"
    "{{ normalised_path(url_raw_path('url')) }}"
)

names = st.sampled_from(["gclid", "GCLID", "xgclid", "q", "page", "fbclid", "_gl", "color"])
parameters = st.lists(st.tuples(names, st.text("abc123", max_size=4)), max_size=5)
segments = st.lists(st.text("abcXYZäß -.+", max_size=8), max_size=4)


@pytest.fixture(scope="module")
def evaluate(_shared_warehouse: Warehouse) -> Any:
    """A function of SQL template and address: what the macros make of it, in DuckDB."""
    template = f"select {CLEANED} as cleaned, {PAGE.replace(',{{', ' as host, {{', 1)} as path from (select $1 as url)"
    (result,) = _shared_warehouse.dbt("compile", "--inline", template)
    connection = duckdb.connect()
    connection.execute(f"prepare evaluate as {result.node.compiled_code}")  # planned once: it is long

    def run(url: str) -> tuple[str | None, ...]:
        row = connection.execute("execute evaluate('" + url.replace("'", "''") + "')").fetchone()
        assert row is not None
        return row

    return run


@settings(max_examples=60)
@given(path=segments, query=parameters, fragment=st.text("abc", max_size=3))
def test_removed_parameters_leave_a_valid_address(
    evaluate: Any, path: list[str], query: list[Any], fragment: str
) -> None:
    start = "https://shop.example.com/" + "/".join(path).replace(" ", "%20")
    url = start + "?" * bool(query) + "&".join(f"{k}={v}" for k, v in query) + "#" * bool(fragment) + fragment
    left = [(k, v) for k, v in query if k.lower() not in ("gclid", "fbclid", "_gl")]
    expected = start + "?" * bool(left) + "&".join(f"{k}={v}" for k, v in left) + "#" * bool(fragment) + fragment
    assert evaluate(url)[0] == expected


@settings(max_examples=60)
@given(
    path=segments,
    query=parameters,
    port=st.sampled_from(["", ":80", ":8443", "."]),
    www=st.booleans(),
    upper=st.booleans(),
)
def test_equal_pages_have_equal_keys(
    evaluate: Any, path: list[str], query: list[Any], port: str, www: bool, upper: bool
) -> None:
    host = "www." * www + "shop.example.com"
    url = (
        f"https://{host.upper() if upper else host}{port}/{'//'.join(path)}/?{'&'.join('='.join(p) for p in query)}#top"
    )
    plain = "https://shop.example.com/" + "/".join(segment for segment in path if segment.strip())
    assert evaluate(url)[1:] == evaluate(plain)[1:]


@settings(max_examples=80)
@given(url=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40))
def test_any_text_has_a_normal_key_or_none(evaluate: Any, url: str) -> None:
    _, host, path = evaluate(url)
    assert path.startswith("/")
    assert "//" not in path
    assert path == "/" or not path.endswith("/")
    assert host is None or host == host.lower()


def test_letters_are_those_of_all_scripts() -> None:
    """Unicode's letters and decimal digits, but no white space, no emoji, and no punctuation of the usual scripts."""
    text = (Path(__file__).parents[2] / "dbt_ga4" / "macros" / "url.sql").read_text()
    found = re.search(r"macro letters\(\) -%}\s+\{\{ return\('(.*)'\)", text)
    assert found is not None
    letters = found[1].replace("\\\\", "\\")
    rows = duckdb.execute(
        f"select chr(i::integer), regexp_matches(chr(i::integer), '^[0-9{letters}]$') from range(1, 1114112) as t(i) "
        "where i not between 55296 and 57343"
    ).fetchall()
    of = {kind: {char for char, _ in rows if unicodedata.category(char).startswith(kind)} for kind in "LPZ"}
    matched = {char for char, matches in rows if matches}
    assert of["L"] - matched <= {"\u2e2f"}
    assert {char for char, _ in rows if unicodedata.category(char) == "Nd"} - matched <= {
        *map(chr, range(130032, 130042))
    }
    assert not matched & {*"。、，．：；！？｜・“”„«»‹›‘’…–—،؛؟।×÷👋€ \u00a0\u3000"} and of["Z"] & matched <= {"\u1680"}
    assert len(of["P"] & matched) < 0.6 * len(of["P"])
