"""Text of others: what may be shown, stored in ids and sent away."""

import unicodedata

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.profiles.text import UNFILLED, clean_text, fact_slug, is_unfilled


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("shop.example.com/deals", "shop.example.com/deals"),
        ("shop.example.com/search?q=jane+doe&email=a@b.com", "shop.example.com/search"),
        ("shop.example.com/u/jane.doe@mail.example.com/orders", "shop.example.com/u/[e-mail]/orders"),
        ("line one\nline two\ttab\x00\x1b[31m", "line one line two tab[31m"),
        ("abc\u202egnp.exe\u200b", "abcgnp.exe"),
        ("Is this a title?", "Is this a title?"),
        ("x" * 300, "x" * 119 + "…"),
    ],
)
def test_clean_text(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text(max_size=400))
def test_clean_text_is_short_one_line_and_visible(raw: str) -> None:
    clean = clean_text(raw)
    assert len(clean) <= 120
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} for char in clean)
    assert clean_text(clean) == clean


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_fact_slugs_are_safe_stable_and_tell_texts_apart(one: str, other: str) -> None:
    slug = fact_slug(one)
    assert slug == fact_slug(one) and 0 < len(slug) <= 70 and slug.isascii()
    assert not set(slug) & set(" \n\t\"'{}[]<>@?=&")
    assert (slug == fact_slug(other)) == (one == other)


def test_readable_values_stay_readable_in_ids() -> None:
    assert fact_slug("shop.example.com/deals") == "shop.example.com/deals"
    assert fact_slug("Chrome") == "Chrome"
    assert "jane" not in fact_slug("shop.example.com/account?user=jane")


def test_very_long_hostile_text_is_read() -> None:
    """In an instant; time that grew with the square of its length would be hours."""
    for text in ("a" * 200_000, "a@" * 100_000, "a@b" * 70_000, "/?" * 100_000, "\u202e" * 200_000):
        assert len(clean_text(text)) <= 120


@pytest.mark.parametrize(
    "text",
    ["$(escCatTitle)", "${item.name}", "Buy ${ name } now", "{{ product.title }}", "{{{raw}}}", "<%= title %>",
     "%%item_name%%", "[[category]]", "undefined", "null", "NULL", "NaN", "[object Object]", "Home/undefined/Bags",
     "shop.example.com/c/undefined", "undefined | My shop", "{% block title %}", "#{name}", "{$title}", "*|FNAME|*",
     "shop.example.com/%7B%7Bslug%7D%7D", "$('#title')"],
)  # fmt: skip
def test_template_code_is_known(text: str) -> None:
    assert is_unfilled(text)
    assert duckdb.execute("select regexp_matches(?, ?)", [text, UNFILLED]).fetchall() == [(True,)]


@pytest.mark.parametrize(
    "text",
    ["100% cotton {sale}", "50%% off", "$20 (was $40)", "Nan bread", "Null Island map", "The undefined shirt", "[sale]",
     "Mug [[2]]", "C# in a nutshell", "Save ($5)", "a < b % c > d", "Nullify", "shop.example.com/null-modem", "",
     "T-shirt {L}", "100% wool | 50% silk"],
)  # fmt: skip
def test_innocent_text_is_not_taken_for_template_code(text: str) -> None:
    assert not is_unfilled(text)
    assert duckdb.execute("select regexp_matches(?, ?)", [text, UNFILLED]).fetchall() == [(False,)]


@pytest.mark.parametrize(
    ("piece", "unfilled"),
    [("%7B", False), ("{", False), ("%%a", True), ("{%", False), ("<%", False), ("[[a", False), ("$(", False),
     ("/undefined", True), ("*|A", False)],
)  # fmt: skip
def test_hostile_text_is_read_in_time(piece: str, unfilled: bool) -> None:
    assert is_unfilled(piece * 200_000) == unfilled  # hours, if time grew with the square of the length
