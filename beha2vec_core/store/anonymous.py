"""Publish what a language model may read: the schema ``anonymous``, k-anonymous by construction.

Each of its tables counts users, sessions, page views ... by one or two dimensions. They are made so that any SELECT
over them is safe:

* A row counts at least `MIN_USERS` users. Values with fewer users are merged into ``(other)``; a group that is still
  too small is dropped.
* A number to which fewer than `MIN_USERS` users contribute is null.
* A contribution counts up to `_CAP` times the group's `MIN_USERS`-th largest, so that no total gives away one customer.
  (Numbers that are computed elsewhere count contributors by their weight: `profiles.statistics.effective_number`.)
* Each number is rounded at random, up or down, to a multiple of what `MIN_USERS` users contribute, so that the
  difference of two numbers does not tell of fewer users. On average the rounding adds nothing, but that 0 stays 0 and
  nothing else becomes 0. It depends on a secret, on the users of the group and on the exact number: the same number of
  the same users is rounded the same way in every table, every answer of a tool and every publication.
* A page has a title only if `MIN_USERS` users saw that title: sites put names of users into titles.
* Of a sample (`store.sample`) the rules hold for the users who were drawn, and numbers are estimates of all users:
  they are multiplied by how many users each stands for, so rounded to what so many times `MIN_USERS` users contribute.

What this does not prevent: adding up many tables averages the rounding, which tells about how many users a group
that was left out has.

Sources: Sweeney, "k-anonymity" (2002, doi:10.1142/S0218488502001648); Fellegi, "Controlled random rounding" (1975);
Domingo-Ferrer and Mateo-Sanz, "Practical data-oriented microaggregation" (2002, doi:10.1109/69.979982).
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

import duckdb

from beha2vec_core.progress import with_progress
from beha2vec_core.store.sample import is_drawn
from beha2vec_core.store.warehouse import transaction

SCHEMA = "anonymous"
# who a row is of, for counting: a number, because grouping by keys takes much longer
PERSON = "hash(user_key) as person"
MIN_USERS = 20
OTHER = "(other)"
# the title of each page that most users saw
PAGE_TITLES = f"""
    select page_key, page_title as title from (
        select page_key, page_title, count(distinct user_key) as users
        from ga4.fct_ga4__page_views where page_title is not null group by all)
    where users >= {MIN_USERS}
    qualify row_number() over (partition by page_key order by users desc, page_title) = 1"""
# the same of the published copy, where they are counted already
PUBLISHED_TITLES = f"""
    select page_key, title from {SCHEMA}.page_views_by_page where title is not null and page_key <> '{OTHER}'"""

_CLUSTER, _TITLE = "cluster_key", "title"  # a page has one title
_CAP = 3
_CLUSTERS = "(select user_key, cluster_key from beha2vec.user_clusters_current)"
# the users of a group, whatever it is called
_WHO = "bit_xor(person)::varchar"
# temporary tables: the cluster of each person, the rows of a source, the same with numbers for texts, and what each
# user adds to a group
_PERSONS, _ROWS, _COUNTED, _OF_USERS = "clusters_of_persons", "rows_of_source", "rows_counted", "rows_of_users"
# a column of more values stays a text, because the values of a type are held in memory that no limit counts
_MOST_VALUES = 500_000
_NAMES = {_CLUSTER: "cluster", "page_key": "page", "landing_page_key": "landing_page", "event_name": "name"}


class Measure(NamedTuple):
    """A number per group: the sum over users of an aggregate over the rows of each."""

    name: str
    of_user: str  # SQL: an aggregate of the rows of one user
    about: str
    needs: str | None = None  # a column of the rows
    whole: bool = True  # a count
    merged: str = "sum"  # the aggregate of values that are merged


class _Source(NamedTuple):
    """What is counted, and by what."""

    unit: str  # the tables are called <unit>_by_<dimension>
    table: str  # its rows have a user_key
    measures: tuple[Measure, ...]
    by: tuple[tuple[str, ...], ...]
    within: tuple[str, ...] = ()  # columns that all of its tables are grouped by: numbers of two are never added up
    joins: str = ""  # SQL: left joins of what the rows are grouped by

    @property
    def rows(self) -> str:
        """SQL of the rows."""
        return f"from {self.table} {self.joins}"


_ENGAGEMENT = Measure(
    "engagement_minutes",
    "sum(engagement_time_msec) / 60000",
    "minutes with the page in the foreground",
    "engagement_time_msec",
    whole=False,
)
_MONEY = (
    Measure("purchases", "sum(purchases)", "orders", "purchases"),
    Measure("revenue", "sum(revenue)", "revenue in the reporting currency", "revenue", whole=False),
)
_TECHNOLOGY = (("device_category",), ("browser",), ("operating_system",), ("country",))

_SOURCES = (
    _Source(
        "users",
        "ga4.dim_ga4__users",
        (
            Measure("buyers", "max((purchases > 0)::int)", "users with an order", "purchases", merged="max"),
            Measure("returned", "max((sessions > 1)::int)", "users with several sessions", "sessions", merged="max"),
            Measure("sessions", "sum(sessions)", "sessions", "sessions"),
            Measure("page_views", "sum(page_views)", "page views", "page_views"),
            *_MONEY,
            _ENGAGEMENT,
        ),
        (
            ("property_id",),
            *_TECHNOLOGY,
            ("first_user_source",),
            ("first_user_medium",),
            ("first_user_campaign",),
            ("first_user_default_channel_group",),
        ),
    ),
    _Source(
        "sessions",
        "ga4.fct_ga4__sessions",
        (
            Measure("sessions", "count(*)", "sessions"),
            Measure("engaged_sessions", "count_if(is_engaged)", "engaged sessions, as GA4 defines them", "is_engaged"),
            Measure("page_views", "sum(page_views)", "page views", "page_views"),
            Measure("error_page_views", "sum(error_page_views)", "views of error pages", "error_page_views"),
            *_MONEY,
            _ENGAGEMENT,
        ),
        (
            ("property_id",),
            ("session_date",),
            *_TECHNOLOGY,
            ("source",),
            ("medium",),
            ("campaign",),
            ("default_channel_group",),
            ("landing_page_key",),
            ("device_category", "default_channel_group"),
            ("country", "device_category"),
            ("country", "default_channel_group"),
            ("session_date", "default_channel_group"),
        ),
    ),
    _Source(
        "page_views",
        "ga4.fct_ga4__page_views",
        (
            Measure("page_views", "count(*)", "page views"),
            Measure("entrances", "count_if(is_entrance)", "views that began a session", "is_entrance"),
            Measure("exits", "count_if(is_exit)", "views that ended a session", "is_exit"),
            _ENGAGEMENT,
        ),
        (("page_key", _TITLE), ("page_type",), ("theme",), ("page_type", "theme"), ("event_date",)),
        joins=f"left join beha2vec.enriched_pages using (page_key) left join ({PAGE_TITLES}) using (page_key)",
    ),
    _Source(
        "events",
        "ga4.ml_ga4__sequence_events",
        (Measure("events", "count(*)", "events"),),
        (("event_name",), ("hour_of_day",)),
    ),
    _Source(
        "purchase_items",
        "ga4.fct_ga4__purchase_items",
        (
            Measure("quantity", "sum(quantity)", "pieces bought", "quantity"),
            Measure("item_revenue", "sum(item_revenue)", "revenue of items", "item_revenue", whole=False),
        ),
        (("item_name",), ("item_category",), ("item_brand",), ("coupon",)),
    ),
    _Source(
        "funnel_sessions",
        "ga4.fct_ga4__funnel_sessions",
        (Measure("sessions", "count(*)", "sessions"),),
        (("furthest_step",), ("dropped_after",)),
    ),
    _Source(
        "predictions",
        "beha2vec.user_predictions_current",
        (
            Measure(
                "expected", "sum(probability)", "users expected to do it within the horizon", "probability", whole=False
            ),
            Measure("expected_revenue", "sum(value)", "expected revenue, of purchases only", "value", whole=False),
        ),
        (("decile",),),
        within=("target", "horizon"),
        joins="left join (select user_key, currency from ga4.dim_ga4__users) using (user_key)",
    ),
)


# what the numbers of a `Rounding` are about
ALL = "all users"


def group_of(cluster: int) -> str:
    """The users of a cluster."""
    return f"cluster {cluster}"


def rounding_key(secret: bytes) -> str:
    """What all numbers for models are rounded with, of the installation's secret."""
    return hmac.new(secret, b"semantic queries", "sha256").hexdigest()


class Rounding(NamedTuple):
    """Rounds numbers of groups as those of the tables, for what is sent to a model without being one of them.

    The same number of the same group is rounded the same way, whatever it counts: asking for it in another form tells
    no more.
    """

    key: str  # see `rounding_key`
    who: Mapping[str, str] = MappingProxyType({})  # of a group, its users as the tables know them

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, key: str) -> Rounding:
        """The rounding that the tables of this database have."""
        try:
            rows = connection.execute(
                f"select cluster_key, {_WHO} from (select *, {PERSON} from {_CLUSTERS}) group by rollup (1)"
            ).fetchall()
        except duckdb.CatalogException:  # no clusters
            rows = []
        return cls(key, {ALL if cluster is None else group_of(cluster): who for cluster, who in rows})

    def total(self, group: str, total: float, users: float) -> float:
        """A sum to which that many users contribute, rounded to a multiple of what `MIN_USERS` of them do.

        0 stays 0, and nothing else becomes 0. `_rounded` is the same in SQL.
        """
        total = round(total, 6)  # of what was divided and multiplied again
        unit = MIN_USERS * 2.0 ** round(math.log2(max(abs(total) / max(users, 1), 1e-9)))
        seed = f"{self.key}\x1f{self.who.get(group, group)}\x1f{abs(total):.4f}"
        noise = int(sha256(seed.encode()).hexdigest()[:8], 16) / 2**32
        steps = max(math.floor(abs(total) / unit + noise), 1 if total else 0)
        return math.copysign(steps * unit, total)

    def users(self, group: str, users: float) -> int:
        """A number of users, rounded to a multiple of `MIN_USERS`."""
        return int(self.total(group, users, users))

    def mean(self, group: str, value: float, base: float, contributors: float) -> float:
        """What is a sum over ``base`` users, divided by them: both rounded."""
        users = self.users(group, base)
        return self.total(group, value * base, contributors) / users if users else 0.0

    def share(self, group: str, users: float, base: float) -> float:
        """The share of some users among ``base``; 1 only where it is all of them."""
        everybody = self.users(group, base)
        most = everybody - MIN_USERS if users < base else everybody
        return max(min(self.users(group, users), most), 0) / everybody if everybody else 0.0


def create_anonymous_tables(connection: duckdb.DuckDBPyConnection, *, secret: bytes, one_in: int = 1) -> dict[str, int]:
    """Make the schema ``anonymous`` in the current database; the rows of each of its tables.

    Each source is counted by its dimensions, by cluster, and by cluster and dimension. What the database lacks (tables
    of dbt that were not built or are empty, columns of another release) is left out, and so is money in more than one
    currency.

    Args:
        connection: its schemas ``beha2vec`` and ``ga4`` hold what is counted.
        secret: what the rounding depends on; with the same secret the same numbers are rounded the same way.
        one_in: how many users a user in the tables stands for.
    """
    found = [(source, types) for source in _SOURCES if (types := _columns(connection, source.table, source.joins))]
    has_clusters = bool(_columns(connection, _CLUSTERS))
    made: dict[str, int] = {}
    counts: list[_Count] = []
    with transaction(connection):
        connection.execute(f"create schema {SCHEMA}")
        if has_clusters:
            connection.execute(f"create temp table {_PERSONS} as select {PERSON}, {_CLUSTER} from {_CLUSTERS}")
        for source, types in found:
            measures = [m for m in source.measures if m.needs is None or m.needs in types]
            if "currency" in types:
                ((currencies,),) = connection.execute(f"select count(distinct currency) {source.rows}").fetchall()
                measures = [m for m in measures if currencies < 2 or "revenue" not in m.name]
            known = [(*source.within, *by) for by in ((), *source.by) if types.keys() >= set(by)]
            counts += [_Count(source, types, measures, by) for by in known if by or has_clusters]
        counted: _Source | None = None
        of_cluster = (_CLUSTER,) if has_clusters else ()
        for count in with_progress(counts, title="tables for models", unit="dimension"):
            if count.source is not counted:
                counted = count.source
                of_source = [one for one in counts if one.source is counted]
                _number_texts(connection, _rows_counted(of_source, of_cluster, is_drawn(one_in)))
            # a user is in one cluster, so these rows are those of both tables
            each_user = of_users(f"from {_COUNTED}", (*of_cluster, *count.by), count.measures)
            connection.execute(f"create or replace temp table {_OF_USERS} as {each_user}")
            if count.by:
                count.make_table(connection, made, f"from {_OF_USERS}", count.by, secret, one_in)
            if has_clusters:
                in_cluster = f"from {_OF_USERS} where {_CLUSTER} is not null"
                count.make_table(connection, made, in_cluster, (_CLUSTER, *count.by), secret, one_in)
        connection.execute(f"drop table if exists {_OF_USERS}")
        connection.execute(f"drop table if exists {_PERSONS}")
        _drop_numbers(connection)
    return made


class _Count(NamedTuple):
    """A source counted by a dimension: one table, and another by cluster too."""

    source: _Source
    types: dict[str, str]  # of the source's columns
    measures: list[Measure]
    by: tuple[str, ...]

    def make_table(
        self,
        connection: duckdb.DuckDBPyConnection,
        made: dict[str, int],
        rows: str,
        by: tuple[str, ...],
        secret: bytes,
        one_in: int,
    ) -> None:
        """Make the table of the groups of some users' rows, and note how many it has."""
        grouped_by = "_and_".join(_NAMES.get(column, column) for column in by if column != _TITLE)
        name = f"{SCHEMA}.{self.source.unit}_by_{grouped_by}"
        texts = {column for column in by if self.types.get(column) == "VARCHAR"}
        query = groups_query(rows, by, texts - set(self.source.within), self.measures, stored=True, one_in=one_in)
        columns = ", ".join(f"{column}::varchar as {column}" for column in sorted(texts))
        query = f"create table {name} as select *{columns and f' replace ({columns})'} from ({query})"
        ((made[name],),) = connection.execute(query, [rounding_key(secret)]).fetchall()
        _comment(connection, name, by, self.measures, one_in)


def _number_texts(connection: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Write rows as `_COUNTED`, texts as values of a type of their column: texts take three times as long to group."""
    _drop_numbers(connection)
    connection.execute(f"create temp table {_ROWS} as {rows}")
    columns = []
    for column, kind, *_ in connection.execute(f"describe {_ROWS}").fetchall():
        values = f"select distinct {column} from {_ROWS} where {column} is not null"
        if kind != "VARCHAR" or connection.execute(f"{values} offset {_MOST_VALUES} limit 1").fetchall():
            columns.append(column)
            continue
        connection.execute(f"create temp type {column}_value as enum ({values} union select '{OTHER}' order by 1)")
        columns.append(f"{column}::{column}_value as {column}")
    connection.execute(f"create temp table {_COUNTED} as select {', '.join(columns)} from {_ROWS}")
    connection.execute(f"drop table {_ROWS}")


def _drop_numbers(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"drop table if exists {_COUNTED}")
    for (name,) in connection.execute(
        "select type_name from duckdb_types() where database_name = 'temp' and ends_with(type_name, '_value')"
    ).fetchall():
        connection.execute(f"drop type {name}")


def _rows_counted(counts: list[_Count], of_cluster: tuple[str, ...], drawn: str) -> str:
    """SQL: the rows of a source with all that its tables read, so that these join nothing."""
    columns = {*of_cluster, *(column for count in counts for column in count.by)}
    columns |= {m.needs for m in counts[0].measures if m.needs}
    clusters = f"left join {_PERSONS} using (person)" if of_cluster else ""
    rows = f"(select *, {PERSON} {counts[0].source.rows} where user_key is not null and {drawn})"
    return f"select person, {', '.join(sorted(columns))} from {rows} {clusters}"


def _columns(connection: duckdb.DuckDBPyConnection, table: str, joins: str = "") -> dict[str, str]:
    """Names and types; none where a table or column is not there, or has no rows."""
    try:
        described = connection.execute(f"describe select * from {table} {joins}").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return {}
    if not connection.execute(f"select 1 from {table} limit 1").fetchall():
        return {}
    return {name: kind for name, kind, *_ in described}


def _comment(
    connection: duckdb.DuckDBPyConnection, name: str, by: tuple[str, ...], measures: list[Measure], one_in: int
) -> None:
    about = {column: f"the group by its {column.replace('_', ' ')}" for column in by}
    few, drawn = MIN_USERS * one_in, " who were drawn" if one_in > 1 else ""
    about["users"] = f"users, rounded at random to a multiple of {few}"
    about |= {
        m.name: f"{m.about}, rounded at random; null where fewer than {MIN_USERS} users{drawn} contribute"
        for m in measures
    }
    for column, text in about.items():
        connection.execute(f"comment on column {name}.{column} is '{text}'")


def of_users(rows: str, by: tuple[str, ...], measures: list[Measure]) -> str:
    """SQL: what each user adds to a group: a row for each ``person`` and group.

    Args:
        rows: SQL that begins with ``from``: rows with a `PERSON`.
        by: the columns that rows are grouped by.
    """
    keys = ", ".join(["person", *by])
    numbers = "".join(f", coalesce({m.of_user}, 0)::double as {m.name}" for m in measures)
    return f"select {keys}{numbers} {rows} group by {keys}"


def groups_query(
    each_user: str,
    by: tuple[str, ...],
    texts: set[str],
    measures: list[Measure],
    *,
    stored: bool = False,
    one_in: int = 1,
) -> str:
    """The query of one table: a row for each group of enough users. Its parameter is a `rounding_key`.

    Args:
        each_user: SQL that begins with ``from``: rows as of `of_users`.
        by: the columns that they are grouped by.
        texts: those of them in which small groups are merged.
        stored: the rows are those of a table, which is read several times; others are computed once.
        one_in: how many users one of them stands for.
    """
    keys = ", ".join(by)

    def each(text: str) -> str:
        return "".join(f", {text.format(m=m.name, merged=m.merged)}" for m in measures)

    # rounded in one list: to bind the expression for each number takes DuckDB as long as all the rest of the query
    totals = ", ".join(f"{total}::double * {one_in}" for total in ("n", *(f"{m.name}_total" for m in measures)))
    contributors = ", ".join(["n", *(f"{m.name}_users" for m in measures)])
    numbers = ["rounded[1]::bigint as users"]
    for place, measure in enumerate(measures, 2):
        number = f"rounded[{place}]" + ("::bigint" if measure.whole else "")
        numbers.append(f"case when contributors[{place}] >= {MIN_USERS} then {number} end as {measure.name}")
    capped = f"sum(least(greatest({{m}}, -{_CAP} * {{m}}_high), {_CAP} * {{m}}_high)) as {{m}}_total"

    def same(one: str, other: str) -> str:
        return " and ".join(f"{one}.{key} is not distinct from {other}.{key}" for key in by)

    counted = f"count(*) as n, {_WHO} as who{each(f'list_min(max(abs({{m}}), {MIN_USERS})) as {{m}}_high')}"
    # of the type of the column; a value that is called so is one group with what is merged
    others = {key: f"cast_to_type('{OTHER}', {key})" for key in by if key in texts}
    is_other = " and ".join(f"{key} is not distinct from {other}" for key, other in others.items()) or "false"
    merged = ", ".join(f"{others[key]} as {key}" if key in texts else key for key in by)
    return f"""
        with of_users as {"not " if stored else ""}materialized ({each_user}
        ), counted as (
            select {keys}, {is_other} as is_other, {counted} from of_users group by {keys}
        ), merged as (
            select person, {merged}{each("{merged}({m}) as {m}")}
            from of_users semi join (from counted where n < {MIN_USERS} or is_other) as small
                on {same("of_users", "small")}
            where {bool(others)} group by all
        ), largest as (
            select * exclude (is_other) from counted where n >= {MIN_USERS} and not is_other
            union all
            select {keys}, {counted} from merged group by {keys} having count(*) >= {MIN_USERS}
        ), contributions as (
            select * from of_users where not ({is_other})
            union all by name
            select * from merged
        ), totals as (
            select {", ".join(f"largest.{key}" for key in by)}, any_value(n) as n, any_value(who) as who{
        each("count_if({m} <> 0) as {m}_users")
    }{each(capped)}
            from contributions join largest on {same("largest", "contributions")} group by all
        ), listed as (
            select {keys}, who, [{totals}] as totals, [{contributors}] as contributors from totals
        ), numbers as (
            select {keys}, contributors, list_transform(
                totals, lambda total, place: {_rounded("total", "contributors[place]")}) as rounded from listed
        )
        select {keys}, {", ".join(numbers)} from numbers order by {keys}"""


def _rounded(number: str, contributors: str) -> str:
    """SQL: as `Rounding.total` rounds, of the group ``who`` with the key that is the parameter."""
    number = f"round({number}, 6)"  # sums of fractions differ in their last digits, with their order
    # a power of two: the mean itself would say more about the group
    unit = f"({MIN_USERS} * pow(2, round(log2(greatest(abs({number}) / {contributors}, 1e-9)))))"
    noise = f"sha256(concat_ws(chr(31), $1, who, format('{{:.4f}}', abs({number}))))"
    steps = f"floor(abs({number}) / {unit} + ('0x' || left({noise}, 8))::ubigint / 4294967296.0)"
    return f"(sign({number}) * {unit} * greatest({steps}, 1))"
