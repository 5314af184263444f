"""The schema that language models read: no statement, and no difference of two, gives away fewer than 20 users.

The attacker reads the schema with any SELECT, knows how it is made, but not the secret of its rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beha2vec_core.chat.data.sql import check
from beha2vec_core.chat.data.sql_rules import MODEL
from beha2vec_core.store import anonymous
from beha2vec_core.store.anonymous import (
    MIN_USERS,
    OTHER,
    PAGE_TITLES,
    PUBLISHED_TITLES,
    Rounding,
    create_anonymous_tables,
    group_of,
    rounding_key,
)
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import create_tables

USERS = 900
WHALE = 98_765.43  # what one user spent
LARGE = 130  # about what the 20th of others spent
MEASURES = ("users", "buyers", "returned", "sessions", "page_views", "purchases", "revenue", "engagement_minutes")
DIMENSIONS = (
    "device_category",
    "browser",
    "operating_system",
    "country",
    "first_user_source",
    "first_user_medium",
    "first_user_campaign",
)
# of each user a number, as the schema counts it
OF_USER = {
    "users": "1",
    "buyers": "(purchases > 0)::int",
    "returned": "(sessions > 1)::int",
    "engagement_minutes": "engagement_time_msec / 60000",
}


pytestmark = pytest.mark.xdist_group("anonymous")


class Group(NamedTuple):
    """A row of a table of the schema, and who stands behind it."""

    table: str
    where: str
    members: frozenset[str]
    rows: int = 1


def make_published(folder: Path, secret: bytes) -> duckdb.DuckDBPyConnection:
    """Users whose dimensions nearly agree, so that groups differ by a handful of users, and a few rare ones."""
    path = folder / f"{secret.hex()}.duckdb"
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        create_tables(warehouse)
        warehouse.execute("create schema if not exists ga4")
        warehouse.execute(
            f"""create or replace table ga4.dim_ga4__users as
            with users as (
                select range as i, 'u' || range as user_key, (range % 3)::int as base,
                    (hash('a' || range) % 60)::int as a, (hash('b' || range) % 60)::int as b,
                    (hash('c' || range) % 60)::int as c, (hash('d' || range) % 1000)::int as d
                from range({USERS}))
            select user_key, 'ga4' as property_id, ['mobile', 'desktop', 'tablet'][base + 1] as device_category,
                ['Safari', 'Chrome', 'Samsung'][case when a < 2 then 1 + a else 1 + base end] as browser,
                ['iOS', 'Windows', 'Android'][case when b < 2 then 1 + b else 1 + base end] as operating_system,
                case when i < 7 then 'Malta' else ['Austria', 'Brazil', 'Chile'][if(c < 1, 1, 1 + base)] end as country,
                ['google', 'newsletter', 'direct'][case when a = 3 then 2 else 1 + (b % 3) end] as first_user_source,
                ['organic', 'email', '(none)'][case when c = 3 then 2 else 1 + (b % 3) end] as first_user_medium,
                ['brand', 'spring', '(none)'][case when d % 60 = 3 then 2 else 1 + (b % 3) end] as first_user_campaign,
                1 + d % 4 as sessions, 1 + d % 9 as page_views, (d % 5 = 0)::int * (1 + d % 2) as purchases,
                case when i = 11 then {WHALE} when d % 5 = 0 then 10 + d / 7 else 0 end as revenue,
                d * 1000 as engagement_time_msec, 'EUR' as currency
            from users"""
        )
        warehouse.execute("delete from beha2vec.cluster_models; delete from beha2vec.user_clusters")
        warehouse.execute(
            """insert into beha2vec.cluster_models (cluster_model_version, model_version, k, promoted_at)
            values ('c1', 'm1', 4, '2026-01-31')"""
        )
        warehouse.execute(
            """insert into beha2vec.user_clusters by name
            select date '2026-01-30' as event_date, 'c1' as cluster_model_version, 'm1' as model_version, user_key,
                case when hash('e' || user_key) % 100 = 0 then 7 else hash('f' || user_key) % 3 end as cluster_key
            from ga4.dim_ga4__users"""
        )
        publish(warehouse, path, secret=secret)
    return duckdb.connect(str(path), read_only=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[duckdb.DuckDBPyConnection]]:
    """The same users with three secrets: what an attacker can rely on is the same in all."""
    folder = tmp_path_factory.mktemp("anonymous")
    connections = [make_published(folder, secret) for secret in (b"one", b"two", b"three")]
    yield connections
    for connection in connections:
        connection.close()


@pytest.fixture(scope="module")
def groups(published: list[duckdb.DuckDBPyConnection]) -> list[Group]:
    found = []
    people = "(select * from ga4.dim_ga4__users join beha2vec.user_clusters_current using (user_key))"
    for by in (*((d,) for d in DIMENSIONS), ("cluster_key",), *(("cluster_key", d) for d in DIMENSIONS)):
        table = f"anonymous.users_by_{'_and_'.join(by).replace('cluster_key', 'cluster')}"
        for row in published[0].execute(f"select {', '.join(by)} from {table}").fetchall():
            conditions = [f"{column} = {value!r}" for column, value in zip(by, row, strict=True) if value != OTHER]
            where = " and ".join(f"{column} = {value!r}" for column, value in zip(by, row, strict=True))
            if OTHER not in row:
                members = (
                    published[0].execute(f"select user_key from {people} where {' and '.join(conditions)}").fetchall()
                )
                found.append(Group(table, where, frozenset(key for (key,) in members)))
    for dimension in DIMENSIONS:  # the same groups again, as sums over their clusters
        table = f"anonymous.users_by_cluster_and_{dimension}"
        for value in {group.where.rpartition(" and ")[2] for group in found if group.table == table}:
            parts = [group for group in found if group.table == table and group.where.endswith(value)]
            found.append(Group(table, value, frozenset().union(*(part.members for part in parts)), len(parts)))
    return found


def test_every_row_stands_on_enough_users(published: list[duckdb.DuckDBPyConnection]) -> None:
    connection = published[0]
    tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'anonymous'").fetchall()
    assert len(tables) > 12
    for (table,) in tables:
        for users, buyers, revenue in connection.execute(
            f"select users, buyers, revenue from anonymous.{table}"
        ).fetchall():
            assert users >= MIN_USERS and users % MIN_USERS == 0
            assert buyers is None or (buyers >= 0 and buyers % MIN_USERS == 0)
            assert revenue is None or revenue < WHALE * 2
    countries = connection.execute("select country from anonymous.users_by_country order by 1").fetchall()
    assert countries == [("Austria",), ("Brazil",), ("Chile",)], "seven of Malta: too few even for (other)"
    assert not connection.execute("from anonymous.users_by_cluster where cluster_key = 7").fetchall()


@pytest.mark.parametrize(("publications", "near"), [(3, 0.12), pytest.param(10, 0.06, marks=pytest.mark.slow)])
def test_numbers_are_right_on_average(tmp_path: Path, publications: int, near: float) -> None:
    """Rounding adds nothing on average; of revenue, the largest customer counts as three large ones."""
    answers = []
    for number in range(publications):
        with make_published(tmp_path, number.to_bytes(2)) as connection:
            answers += connection.execute(
                "select sum(users), sum(sessions), sum(revenue) from anonymous.users_by_device_category"
            ).fetchall()
            ((*exact,),) = connection.execute(
                f"select count(*), sum(sessions), sum(least(revenue, 3 * {LARGE})) from ga4.dim_ga4__users"
            ).fetchall()
    for place, true in enumerate(exact):
        assert sum(row[place] for row in answers) / len(answers) == pytest.approx(float(true), rel=near)


def test_one_large_customer_is_not_seen_in_a_group_although_there_are_others_elsewhere(tmp_path: Path) -> None:
    """Of a hundred buyers of 10 each, one spent 3,000: no more of it is seen than the rounding hides."""
    published: dict[int, list[float]] = {10: [], 3000: []}
    for spent, number in product(published, range(3)):
        with duckdb.connect(str(tmp_path / f"{spent}_{number}.duckdb")) as connection:
            connection.execute(
                f"""create schema ga4; create table ga4.dim_ga4__users as
                select 'fr' || range as user_key, 'FR' as country, 1 as purchases,
                    if(range = 0, {spent}, 10) as revenue from range(100)
                union all select 'us' || range, 'US', 1, 3000 from range(40)"""
            )
            create_anonymous_tables(connection, secret=number.to_bytes(2))
            published[spent] += [
                revenue
                for (revenue,) in connection.execute(
                    "select revenue from anonymous.users_by_country where country = 'FR'"
                ).fetchall()
            ]
    assert max(published[3000]) <= max(published[10]) + 160 and set(published[10]) & set(published[3000])


def test_a_title_needs_as_many_users_as_a_page(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "titles.duckdb")) as connection:
        connection.execute(
            """create schema ga4; create schema beha2vec;
            create table beha2vec.enriched_pages as select 'p' as page_key, 't' as theme, 'account' as page_type;
            create table ga4.fct_ga4__page_views as
            select 'u' || range as user_key, 'account' as page_key, 'Welcome user ' || range as page_title
            from range(30) union all select 'u' || range, 'home', if(range < 25, 'Home', 'Home of ' || range)
            from range(30)"""
        )
        assert set(create_anonymous_tables(connection, secret=b"x"))
        pages = connection.execute("select page_key, title from anonymous.page_views_by_page order by 1").fetchall()
        counted = connection.execute(f"from ({PAGE_TITLES}) order by all").fetchall()
        assert connection.execute(f"from ({PUBLISHED_TITLES}) order by all").fetchall() == counted != []
    assert pages == [("account", None), ("home", "Home")]


def test_the_same_data_give_the_same_numbers(
    published: list[duckdb.DuckDBPyConnection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if some columns have too many values to be numbered."""
    everything = "select list(t order by t) from (from anonymous.users_by_cluster_and_country) t"
    monkeypatch.setattr(anonymous, "_MOST_VALUES", 2)
    with make_published(tmp_path, b"one") as again:
        assert again.execute(everything).fetchall() == published[0].execute(everything).fetchall()


@given(st.binary(max_size=4), st.integers(MIN_USERS, 10**6), st.integers(0, 10**6), st.floats(0.01, 1000))
def test_numbers_that_are_asked_for_are_rounded_as_those_of_the_tables(
    secret: bytes, users: int, others: int, each: float
) -> None:
    """The tools' own numbers: multiples of what 20 users make, less than that away, and in a share never all."""
    rounding = Rounding(rounding_key(secret))
    rounded = rounding.users("group", users)
    assert rounded % MIN_USERS == 0 and abs(rounded - users) < MIN_USERS and rounded >= MIN_USERS
    assert rounded == rounding.users("group", users) and rounding.users("group", 0) == 0
    total = rounding.total("group", users * each, users)
    assert abs(total - users * each) < 1.5 * MIN_USERS * each and total > 0
    assert (rounding.share("group", users, users + others) == 1) == (others == 0)


def test_a_tool_rounds_a_number_as_the_tables_do(published: list[duckdb.DuckDBPyConnection]) -> None:
    """So that nobody learns from two answers what one of them hides."""
    for connection in published:
        ((key,),) = connection.execute("select key from beha2vec.rounding").fetchall()
        rounding = Rounding.read(connection, key)
        exact = connection.execute(
            """select cluster_key, count(*), sum(sessions), count_if(purchases > 0)
            from ga4.dim_ga4__users join beha2vec.user_clusters_current using (user_key)
            group by 1 having count(*) >= 20 order by 1"""
        ).fetchall()
        assert len(exact) == 3
        of_tools = [
            (key, rounding.users(group, users), rounding.total(group, sessions, users), rounding.users(group, buyers))
            for key, users, sessions, buyers in exact
            for group in [group_of(key)]
        ]
        of_tables = connection.execute(
            "select cluster_key, users, sessions, buyers from anonymous.users_by_cluster order by 1"
        ).fetchall()
        assert of_tables == of_tools


def test_rounding_adds_nothing_on_average() -> None:
    found = [Rounding(rounding_key(number.to_bytes(2))).users("group", 107) for number in range(2000)]
    assert set(found) == {100, 120} and sum(found) / len(found) == pytest.approx(107, abs=1)


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_no_pair_of_statements_gives_away_a_few_users(
    published: list[duckdb.DuckDBPyConnection], groups: list[Group], every: int
) -> None:
    """Each pair of groups that differ in fewer than 20 users, asked about in ways that isolate them by subtraction.

    The attacker succeeds where the difference is what those few users contribute, whatever the secret.
    """
    of_user = {m: OF_USER.get(m, m) for m in MEASURES}
    rows = published[0].execute(
        f"select user_key, {', '.join(f'({of_user[m]})::double' for m in MEASURES)} from ga4.dim_ga4__users"
    )
    truth = {key: dict(zip(MEASURES, numbers, strict=True)) for key, *numbers in rows.fetchall()}
    near = [
        (a, b)
        for a, b in product(groups, groups)
        if a is not b and b.members < a.members and len(a.members - b.members) < MIN_USERS
    ]
    mixed = [
        (a, b) for a, b in product(groups, groups) if a.table < b.table and 0 < len(a.members ^ b.members) < MIN_USERS
    ]
    rng = Random(0)
    answers: dict[tuple[int, str], float | None] = {}

    def answer(number: int, statement: str) -> float | None:
        if (number, statement) not in answers:
            found = published[number].execute(statement).fetchall()
            answers[number, statement] = None if not found or found[0][0] is None else float(found[0][0])
        return answers[number, statement]

    def ask(number: int, first: str, second: str) -> float | None:
        one, other = answer(number, first), answer(number, second)
        return None if one is None or other is None else one - other

    forms = (
        "select {m} from {g.table} where {g.where}",
        "select sum({m}) from {g.table} where {g.where}",
        "select max({m}) filter (where {g.where}) from {g.table}",
        "select sum({m} * power(0, 1 - ({g.where})::int)) from {g.table}",
        "select list({m} order by ({g.where}) desc)[1] from {g.table}",
        "select arg_max({m}, ({g.where})::int) from {g.table}",
        "select min({m}) filter ({g.where}) from {g.table}",
        "select avg({m}) from (from {g.table} where {g.where})",
        "select quantile_cont({m}, 1.0) from {g.table} where {g.where}",
        "with one as (from {g.table} where {g.where}) select string_agg({m}::varchar, '') from one",
        "select t.{m} from {g.table} t join (select max(users) as users from {g.table} where {g.where}) u "
        "on t.users = u.users where {g.where}",
    )
    sums = forms[1], forms[3]
    asked = learned = 0
    facts = set()  # who the few users are, and a number of theirs
    for pair, measure, form in product([*near, *mixed], MEASURES, forms[::every]):
        a, b = pair
        if (a.rows > 1 or b.rows > 1) and form not in sums:
            continue
        true = sum(truth[k][measure] for k in a.members) - sum(truth[k][measure] for k in b.members)
        if not true:
            continue
        statements = [form.format(m=measure, g=group) for group in pair]
        if rng.random() < 0.01:  # they are statements that a model may run
            for statement in statements:
                check(statement, MODEL)
        asked += 1
        facts.add((a.members - b.members, b.members - a.members, measure))
        guesses = (ask(number, statements[0], statements[1]) for number in range(len(published)))
        learned += all(guess is not None and abs(guess - true) <= 0.05 * abs(true) for guess in guesses)
    print(f"\n{asked:,} pairs of statements about {len(facts):,} numbers of few users: {learned:,} learned")
    assert asked >= 8_000 / every and len(facts) >= 500
    assert learned == 0


def _with_predictions(
    path: Path, secret: bytes, *, currencies: tuple[str, ...] = ("EUR",)
) -> duckdb.DuckDBPyConnection:
    """Two clusters of 200 and 100 users, one of 5 who are sure to buy; each target within 7 and 28 days."""
    with duckdb.connect() as warehouse:
        create_tables(warehouse)
        warehouse.execute(
            f"""create schema ga4; create table ga4.dim_ga4__users as
            select 'u' || range as user_key, {list(currencies)}[1 + range % {len(currencies)}] as currency
            from range(305);
            insert into beha2vec.cluster_models (cluster_model_version, promoted_at) values ('c1', '2026-01-31');
            insert into beha2vec.user_clusters by name
            select date '2026-01-30' as event_date, 'c1' as cluster_model_version, 'u' || range as user_key,
                case when range < 200 then 0 when range < 300 then 1 else 2 end as cluster_key from range(305);
            insert into beha2vec.prediction_models (prediction_version, promoted_at) values ('p1', '2026-01-31');
            insert into beha2vec.user_predictions by name
            select date '2026-01-30' as event_date, 'p1' as prediction_version, 'u' || range as user_key, target,
                horizon,
                case when range >= 300 then 0.99 else (1 + range % 7) / 18 end * horizon / 28 as probability,
                1 + range * 10 // 305 as decile, case when target = 'purchase' then 60 * probability end as value
            from range(305), (select unnest(['purchase', 'return', 'rare_event']) as target),
                (select unnest([7, 28]) as horizon)"""
        )
        publish(warehouse, path, secret=secret)
    return duckdb.connect(str(path), read_only=True)


@pytest.mark.parametrize(("publications", "near"), [(3, 0.15), pytest.param(10, 0.08, marks=pytest.mark.slow)])
def test_predictions_are_counted_by_cluster_and_decile(tmp_path: Path, publications: int, near: float) -> None:
    found = []
    for number in range(publications):
        with _with_predictions(tmp_path / f"{number}.duckdb", number.to_bytes(2)) as connection:
            tables = connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'anonymous' and table_name like 'predict%'"
            ).fetchall()
            for (table,) in tables:
                rows = connection.execute(f"select users, target from anonymous.{table}").fetchall()
                assert rows and all(users >= MIN_USERS and target != OTHER for users, target in rows), table
            found += connection.execute(
                """select expected, expected_revenue from anonymous.predictions_by_cluster_and_target_and_horizon
                where cluster_key = 0 and target = 'purchase' and horizon = 28"""
            ).fetchall()
            assert connection.execute(
                """select distinct cluster_key, expected_revenue is null
                from anonymous.predictions_by_cluster_and_target_and_horizon where target = 'return' order by 1"""
            ).fetchall() == [(0, True), (1, True)], "cluster 2 has 5 users; only purchases have a value"
            ((exact, value),) = connection.execute(
                """select expected, value from beha2vec.cluster_predictions
                where cluster_key = 0 and target = 'purchase' and horizon = 28"""
            ).fetchall()
    assert len(tables) == 4
    assert sum(expected for expected, _ in found) / len(found) == pytest.approx(exact, rel=near)
    assert sum(revenue for _, revenue in found) / len(found) == pytest.approx(value, rel=near)


def test_a_few_users_are_not_seen_in_predictions(tmp_path: Path) -> None:
    """All users less those of both large clusters are five users: their probabilities are not in the difference."""
    guesses = []
    for number in range(3):
        with _with_predictions(tmp_path / f"{number}.duckdb", number.to_bytes(2)) as connection:
            ((guess,),) = connection.execute(
                """select expected - (select sum(expected) from anonymous.predictions_by_cluster_and_target_and_horizon
                    where target = 'purchase' and horizon = 28)
                from anonymous.predictions_by_target_and_horizon where target = 'purchase' and horizon = 28"""
            ).fetchall()
            guesses.append(guess)
    assert not all(abs(guess - 5 * 0.99) <= 0.25 for guess in guesses) and len(set(guesses)) > 1


def test_expected_revenue_of_several_currencies_is_left_out(tmp_path: Path) -> None:
    with _with_predictions(tmp_path / "mixed.duckdb", b"x", currencies=("EUR", "JPY")) as connection:
        columns = connection.execute("describe anonymous.predictions_by_target_and_horizon").fetchall()
    assert [name for name, *_ in columns] == ["target", "horizon", "users", "expected"]
