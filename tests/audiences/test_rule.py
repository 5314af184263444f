"""A rule selects the users it describes, reads nothing else, and a mistake is named with what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.audiences.file import Audience, AudienceError
from beha2vec_core.audiences.names import columns
from beha2vec_core.audiences.rule import audience_sql
from tests.audiences.audience_world import USERS, make_world


@pytest.fixture(scope="module")
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        make_world(connection)
        yield connection


def _members(world: duckdb.DuckDBPyConnection, rule: str, *others: Audience) -> list[int]:
    query = audience_sql(world, Audience(name="tested", rule=rule), others)
    found = world.execute(f"select user_key from ({query}) where is_member order by all").fetchall()
    return [int(key[1:]) for (key,) in found]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("purchases >= 3 and cluster in (0, 1)", lambda n: n % 5 >= 3 and n % 4 in (0, 1)),
        ("country is null or purchases = 4", lambda n: n % 10 == 0 or n % 5 == 4),
        ("country <> 'DE'", lambda n: n % 10 > 0),
        ("revenue / purchases >= 10 and not purchases between 2 and 3", lambda n: n % 5 in (1, 4)),
        ("probability('purchase', 28) >= 0.9", lambda n: n >= 900),
        ("expected_revenue(28) * 2 = 4", lambda n: True),
        ("decile('purchase', 28) < 5", lambda n: False),
        ("views_of_pages('/sale/%', 7) = 2", lambda n: n < 300 and n % 3 == 2),
        ("views_of_page_type('list', 7) = 0", lambda n: n >= 300 or n % 3 == 0),
        ("views_of_theme('offers', 3) > 0", lambda n: False),
        ("events('add_to_cart', 20) = 1", lambda n: False),
        ("events('add_to_cart', 21) = 1", lambda n: n < 300),
        ("days_since_last_seen > 55", lambda n: n % 60 > 55),
        ("days_since_last_purchase = 3", lambda n: n % 5 > 0),
        ("in_audience('buyers') and cluster = 0", lambda n: n % 5 > 0 and n % 4 == 0),
        ("not in_audience('buyers')", lambda n: n % 5 == 0),
        ("country like 'A%' and true", lambda n: n % 10 > 0),
    ],
)
def test_a_rule_selects_whom_it_describes(world: duckdb.DuckDBPyConnection, rule: str, expected: Any) -> None:
    buyers = Audience(name="buyers", rule="purchases > 0")
    assert _members(world, rule, buyers) == [n for n in range(USERS) if expected(n)]


_NUMBERS = {
    "purchases": lambda n: n % 5,
    "cluster": lambda n: n % 4,
    "days_since_last_purchase": lambda n: 3 if n % 5 else None,
}
_COMPARISONS = {"=": lambda a, b: a == b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b, "<>": lambda a, b: a != b}
_leaf = st.tuples(st.sampled_from(sorted(_NUMBERS)), st.sampled_from(sorted(_COMPARISONS)), st.integers(-1, 5))
_rules = st.recursive(
    _leaf,
    lambda inner: st.one_of(st.tuples(st.just("not"), inner), st.tuples(inner, st.sampled_from(["and", "or"]), inner)),
    max_leaves=6,
)


def _written(rule: Any) -> str:
    if rule[0] == "not":
        return f"not ({_written(rule[1])})"
    if rule[1] in ("and", "or"):
        return f"({_written(rule[0])}) {rule[1]} ({_written(rule[2])})"
    return f"{rule[0]} {rule[1]} {rule[2]}"


def _holds(rule: Any, n: int) -> bool | None:
    """SQL's logic of true, false and not known."""
    if rule[0] == "not":
        inner = _holds(rule[1], n)
        return None if inner is None else not inner
    if rule[1] in ("and", "or"):
        sides = (_holds(rule[0], n), _holds(rule[2], n))
        decisive = rule[1] == "or"
        if decisive in sides:
            return decisive
        return None if None in sides else not decisive
    value = _NUMBERS[rule[0]](n)
    return None if value is None else _COMPARISONS[rule[1]](value, rule[2])


@given(_rules)
def test_any_rule_has_the_logic_of_sql(world: duckdb.DuckDBPyConnection, rule: Any) -> None:
    assert _members(world, _written(rule)) == [n for n in range(USERS) if _holds(rule, n)]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("purchases > 0; drop table ga4.dim_ga4__users", "is not one expression"),
        ("purchases in (select 1)", "in (...) needs a list of values"),
        ("purchases = (select max(purchases) from ga4.dim_ga4__users)", "is not allowed; use comparisons"),
        ("exists (select 1)", "is not"),
        ("read_csv('/etc/passwd') = 1", "read_csv(...) is not a function of rules"),
        ("lower(country) = 'at'", "lower(...) is not a function of rules"),
        ("count(*) > 1", "count(...) is not a function of rules"),
        ("purchases > 0 order by 1", "cannot be read"),
        ("purchase > 0", "purchase is not known; did you mean purchases"),
        ("user_key = 'u0001'", "user_key is not known"),
        ("user_pseudo_id = 'device1'", "user_pseudo_id is not known"),
        ("will_return_7d", "will_return_7d is not known"),
        ("users.purchases > 0", "write purchases without a table"),
        ("probability('purchse', 28) > 0", "there is no target purchse; did you mean purchase?"),
        ("probability('purchase', 30) > 0", "there is no horizon 30; choose from 28"),
        ("probability('purchase') > 0", "write probability(target, horizon)"),
        ("probability(country, 28) > 0", "the arguments are texts in single quotes and whole numbers"),
        ("events('add_to_cart', '7') > 0", "days is a whole number"),
        ("events('add_to_card', 7) > 0", "did you mean add_to_cart?"),
        ("event('add_to_cart', 7) > 0", "event(...) is not a function of rules; did you mean events?"),
        ("in_audience('tested')", "there is no audience 'tested'"),
        ("in_audience('circle')", "contains itself: tested > circle > circle"),
        ("country", "its expressions do not fit the data"),
        ("purchases > 'many'", "its expressions do not fit the data"),
        ("purchases >", "cannot be read"),
        ("(" * 2000 + "1 = 1" + ")" * 2000, "cannot be read"),
        ("1 = 1 or " * 600 + "1 = 1", "is longer than 5,000 characters"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(world: duckdb.DuckDBPyConnection, rule: str, message: str) -> None:
    circle = Audience(name="circle", rule="in_audience('circle')")
    with pytest.raises(AudienceError) as error:
        _members(world, rule, circle)
    assert message in str(error.value) and str(error.value).startswith("audience ")
    assert world.execute("select count(*) from ga4.dim_ga4__users").fetchall() == [(USERS,)]


def test_texts_of_a_rule_are_values(world: duckdb.DuckDBPyConnection) -> None:
    assert _members(world, "country = 'AT'' or 1 = 1 --'") == []
    assert _members(world, "views_of_pages(''') or true --', 7) > 0") == []
    assert _members(world, "views_of_pages('{days}', 7) > 0") == []


def test_why_has_what_the_rule_reads(world: duckdb.DuckDBPyConnection) -> None:
    rule = "probability('purchase', 28) > 0.5 and country is null and purchases = 0"
    audience = Audience(name="tested", rule=rule, exclude="cluster = 3")
    query = audience_sql(world, audience)
    why = world.execute(f"select why from ({query}) where user_key = 'u0510'").fetchall()
    assert why == [("probability('purchase', 28) = 0.51, country = not known, purchases = 0",)]


def test_names_have_the_descriptions_of_their_tables(world: duckdb.DuckDBPyConnection) -> None:
    found = columns(world)
    assert found["country"].description == "Country of the user."
    assert {"purchases", "cluster", "days_since_last_seen", "purchases_ever"} <= set(found)


def test_a_table_that_is_not_there_yet_is_named() -> None:
    with duckdb.connect() as empty, pytest.raises(AudienceError, match="there are no users yet"):
        _members(empty, "purchases > 0")
    with duckdb.connect() as some:
        some.execute("create schema ga4")
        some.execute(
            """create table ga4.dim_ga4__users as select 'u' as user_key, 'p' as property_id, 1 as purchases,
            true as is_ads_consented"""
        )
        assert audience_sql(some, Audience(name="buyers", rule="purchases > 0"))
        with pytest.raises(AudienceError, match="probability needs beha2vec"):
            _members(some, "probability('purchase', 28) > 0")
