"""No text of a CSV file is a formula, in whatever cells a spreadsheet cuts it; Python and DuckDB agree."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beha2vec_core.spreadsheets import is_formula, unrun
from beha2vec_core.store.export import _unrun


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"), (" -x", "' -x"), ("\t=1", "\t'=1"), ("a;\t=1", "a;\t'=1"), ("\n=1", "\n'=1"),
        ("a; -x", "a;' -x"), ("a;\u00a0=1", "a;'\u00a0=1"), ('a;"=1', "a;'\"=1"), ("\tcoats; a-b", "\tcoats; a-b"),
    ],
)  # fmt: skip
def test_the_apostrophe_stands_before_the_formula(text: str, shown: str) -> None:
    assert unrun(text) == shown and is_formula(text) == (text != shown)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text("=+-@＝; \t\r\n\f\v\x1c\x85\u00a0\u2003\u3000\ufeff\"'a", max_size=6), max_size=30))
@example(["a;\u00a0=1", "\t=1+1", "\n=1"])
def test_none_is_left_and_sql_does_the_same(texts: list[str]) -> None:
    assert not any(is_formula(unrun(text)) for text in texts)
    with duckdb.connect() as connection:
        query = f"select {_unrun('text')} from (select unnest(?::varchar[]) as text)"
        assert [text for (text,) in connection.execute(query, [texts]).fetchall()] == [unrun(one) for one in texts]
