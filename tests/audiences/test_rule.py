"""A rule selects the users it describes, reads nothing else, and a mistake is named with what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.audiences.file import Audience, AudienceError, nearest
from beha2vec_core.audiences.names import columns
from beha2vec_core.audiences.rule import audience_sql, audience_table, users_of
from tests.audiences.audience_world import USERS, make_world


@pytest.fixture(scope="module")
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        make_world(connection)
        yield connection


def _members(world: duckdb.DuckDBPyConnection, rule: str, *others: Audience) -> list[int]:
    table = audience_table(world, Audience(name="tested", rule=rule), others)
    found = world.execute(f"select user_key from {table} order by all").fetchall()
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
        ("expected_revenue(28) / (revenue / purchases) > 0", lambda n: n % 5 > 0),
        ("revenue / (purchases / 0) > 1", lambda n: False),
        ("views_of_pages('/SALE/%', 7) > 0 or views_of_pages('/sale/%', 7) > 0", lambda n: n < 300 and n % 3 > 0),
        ("last_seen_at > '2026-03-28'", lambda n: n % 60 < 2),
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
        ("read_csv('/etc/passwd') = 1", "READ_CSV('/etc/passwd')"),
        ("lower(country) = 'at'", "'LOWER(country)' is not allowed"),
        ("count(*) > 1", "'COUNT(*)' is not allowed"),
        ("purchases > 0 order by 1", "cannot be read"),
        ("purchase > 0", "purchase is not known; did you mean purchases or purchases_ever?"),
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
        ("purchases", "rule and exclude are conditions, such as purchases > 0"),
        ("rank_by = 1", "rank_by is not known"),
        ('country = "AT"', "AT is not known; write texts in single quotes"),
        ("last_seen_at > date '2026-03-01'", "dates as '2026-01-31'"),
        ("events('add_to_cart', 99999999999) > 0", "days is a whole number up to 10,000"),
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


def test_events_and_pages_that_no_longer_occur_count_0_at_night(world: duckdb.DuckDBPyConnection) -> None:
    gone = Audience(name="gone", rule="views_of_theme('winter', 30) = 0 and events('fair', 7) = 0")
    with pytest.raises(AudienceError, match="there is no theme winter"):
        audience_sql(world, gone)
    query = audience_sql(world, gone, strict=False)
    assert world.execute(f"select count(*) from ({query}) where is_member").fetchall() == [(USERS,)]


def test_days_count_back_from_the_last_day_of_the_users_own_property() -> None:
    with duckdb.connect() as world:
        make_world(world)
        world.execute(
            """insert into ga4.dim_ga4__properties values ('q', 'America/New_York', '2026-04-30');
            update ga4.dim_ga4__users set last_seen_at = '2026-03-28 22:30:00' where user_key = 'u0001';
            update ga4.dim_ga4__users set last_seen_at = '2026-03-28 23:30:00' where user_key = 'u0002'"""
        ).fetchall()
        assert len(_members(world, "views_of_pages('/sale/%', 7) > 0")) == 200
        days = world.execute(
            f"select user_key, why from ({audience_sql(world, Audience(name='t', rule='days_since_last_seen >= 0'))}) "
            "where user_key in ('u0001', 'u0002') order by 1"
        ).fetchall()
    # 22:30 UTC is 23:30 in Berlin, and 23:30 UTC is the next day there
    assert days == [("u0001", "days_since_last_seen = 1"), ("u0002", "days_since_last_seen = 0")]


def test_an_audience_that_many_name_is_read_once(world: duckdb.DuckDBPyConnection) -> None:
    chain = [Audience(name="a0", rule="cluster = 0")]
    for number in range(1, 12):
        others = " and ".join(f"not in_audience('{one.name}')" for one in chain)
        chain.append(Audience(name=f"a{number}", rule=f"purchases >= 0 and {others}"))
    query = audience_sql(world, chain[-1], chain)
    assert query.count("cluster_key = 0") == 1 and len(query) < 40_000


def test_a_rule_is_run_once() -> None:
    with duckdb.connect() as world:
        make_world(world)
        table = audience_table(world, Audience(name="tested", rule="purchases = 4"))
        world.execute("drop table ga4.dim_ga4__users")
        assert world.execute(f"select count(*) from {table}").fetchall() == [(200,)]


def test_what_depends_on_an_audience_is_found(world: duckdb.DuckDBPyConnection) -> None:
    first = Audience(name="first", rule="true")
    second = Audience(name="second", rule="true", exclude="not in_audience('first')")
    third = Audience(name="third", rule="similar_to_audience('second', 10)")
    other = Audience(name="other", rule="country = 'first' and in_audience('third")
    assert [one.name for one in users_of("first", [other, third, second, first])] == ["second", "third"]
    assert users_of("third", [other, third, second, first]) == []


def test_columns_keep_their_capital_letters() -> None:
    with duckdb.connect() as world:
        make_world(world)
        world.execute('alter table ga4.dim_ga4__users add column "user_property_customerType" varchar').fetchall()
        assert _members(world, "user_property_customerType is not null") == []


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
            now()::timestamp as last_seen_at, true as is_ads_consented;
            create table ga4.dim_ga4__properties as select 'p' as property_id, current_date as last_day,
            'UTC' as timezone;
            create table ga4.int_ga4__identity_map as select 'u' as user_key, 'p' as property_id, 'd' as user_pseudo_id,
            null::varchar as user_id, current_date as first_seen"""
        ).fetchall()
        assert audience_sql(some, Audience(name="buyers", rule="purchases > 0"))
        with pytest.raises(AudienceError, match="probability needs beha2vec"):
            _members(some, "probability('purchase', 28) > 0")


def test_several_names_are_offered_as_a_list() -> None:
    offered = nearest("purchase", ["purchases", "purchases_7d", "purchases_3d", "country"])
    assert offered == "; did you mean purchases, purchases_7d or purchases_3d?"
