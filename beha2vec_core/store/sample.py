"""A sample of the users, where all of them would be too many: of a published database, and of what is learned from.

Which users are in it depends on a hash of ``user_key``: they are the same in all tables, and the same night after night
as long as the share stays. Shares are powers of two, so that a smaller sample is a part of a larger one.
"""

import json
import math
from collections.abc import Collection
from contextlib import suppress
from typing import Any, NamedTuple

import duckdb

_TABLE = "beha2vec.published_sample"
# where users are counted, and how the device of a row without a user_key leads to its user
_USERS = ("ga4.dim_ga4__users", "beha2vec.user_clusters")
_DEVICES = "ga4.int_ga4__identity_map"
# with these, all users that any table has rows of, also those whose key was another once
_KNOWN = (*_USERS, _DEVICES, "beha2vec.user_predictions")
# a user has a row for each day, target and horizon, and every model predicts the shortest horizon
_ENOUGH = {"beha2vec.user_predictions": "where horizon = (select min(horizon) from beha2vec.user_predictions)"}
# shown by name, so always published; numbers that are multiplied leave them out
_ALWAYS = "beha2vec.cluster_members"
# above so many users the explorer answers some questions in more than a second
_MANY, _RECOMMENDED = 500_000, 200_000
# temporary tables of who is in the sample: a hash of the key of each row takes longer than a join
_SAMPLED, _SAMPLED_DEVICES = "temp.sampled_users", "temp.sampled_devices"


def in_sample(user: str, one_in: int | str, part: int = 0) -> str:
    """SQL: whether a user belongs to a sample of one in so many; the other parts are samples of the same size.

    Args:
        one_in: a power of two, or SQL of one.
        part: from 0 to ``one_in`` - 1.
    """
    return f"('0x' || left(md5({user}), 8))::ubigint % {one_in} = {part}"


def one_in_for(number: float, most: int) -> int:
    """The smallest power of two that divides a number into parts of ``most`` at most."""
    one_in = 1
    while number > most * one_in:
        one_in *= 2
    return one_in


class Sample(NamedTuple):
    """One user in so many."""

    one_in: int
    has_devices: bool

    def join(self, connection: duckdb.DuckDBPyConnection, table: str) -> str:
        """SQL: a join that leaves the published rows of a table, in their order; empty for a table without people."""
        columns = {name for name, *_ in connection.execute(f"describe {table}").fetchall()}
        if "user_key" in columns:
            return f"semi join {_SAMPLED} using (user_key)"
        if "client_key" in columns and self.has_devices:
            return f"semi join {_SAMPLED_DEVICES} using (client_key)"
        return ""


def sample_of(connection: duckdb.DuckDBPyConnection, tables: Collection[str], most_users: int | None) -> Sample | None:
    """The largest sample of at most about so many users; None where all are published.

    Args:
        most_users: None for all.
    """
    counted = next((table for table in _USERS if table in tables), None)
    if most_users is None or counted is None:
        return None
    ((users,),) = connection.execute(f"select count(distinct user_key) from {counted}").fetchall()
    one_in = one_in_for(users, most_users)
    if one_in == 1:
        return None
    known = " union ".join(
        f"select user_key from {table} {_ENOUGH.get(table, '')}" for table in _KNOWN if table in tables
    )
    always = f"select user_key from {_ALWAYS}"
    connection.execute(
        f"create or replace temp table {_SAMPLED} as "
        f"select user_key from ({known}) where {in_sample('user_key', one_in)} union {always}"
    )
    if has_devices := _DEVICES in tables:
        connection.execute(
            f"create or replace temp table {_SAMPLED_DEVICES} as "
            f"select distinct client_key from {_DEVICES} join {_SAMPLED} using (user_key)"
        )
    return Sample(one_in, has_devices)


def note_share(connection: duckdb.DuckDBPyConnection, sample: Sample | None, numbers: str) -> None:
    """Write into the serving database what `sample_notice` and `numbers_of_all` read."""
    table = f"serving.{_TABLE}"
    one_in = sample.one_in if sample else 1
    connection.execute(f"create table {table} as select {one_in} as one_in, ?::json as numbers", [numbers])
    for column, about in (
        ("one_in", "one user in so many is in the tables of users"),
        ("numbers", "totals of all users, cluster sizes, and the steps from events to clusters"),
    ):
        connection.execute(f"comment on column {table}.{column} is '{about}'")


def stands_for(connection: duckdb.DuckDBPyConnection) -> int:
    """How many users each user of a published database stands for: 1 where it has all of them."""
    return int(_read(connection, "one_in") or 1)


def is_drawn(one_in: int) -> str:
    """SQL: whether a ``user_key`` of a published database was drawn, and so stands for that many users."""
    return "true" if one_in == 1 else f"user_key not in (select user_key from {_ALWAYS})"


def sample_notice(connection: duckdb.DuckDBPyConnection) -> str | None:
    """What is said beside numbers of a published database that has a sample; None where it has all users."""
    if (one_in := stands_for(connection)) == 1:
        return None
    return (
        f"Only about 1 user in {one_in} is published (BEHA2VEC_PUBLISH_USERS). Totals of the overview and the summary, "
        "cluster sizes, facts, and predictions of clusters and tenths are of all users. A language model gets "
        "estimates of all users. Other counts and sums, also of a chat without a model, are of this sample: "
        "see docs/scale.md."
    )


def sample_advice(users: int) -> str | None:
    """What to set where so many users are published; None where readers are fast with all of them."""
    if users <= _MANY:
        return None
    return (
        f"All {users:,} users are published. With BEHA2VEC_PUBLISH_USERS={_RECOMMENDED} the explorer is faster and "
        "nights are shorter, and what is counted from the rows of users is of a sample: see docs/scale.md."
    )


def about_estimates(connection: duckdb.DuckDBPyConnection, min_users: int) -> dict[str, Any] | None:
    """How far numbers for models are off where they are estimates from a sample; None where all users are published.

    The variance of a number of users is that of a binomial sample, ``users * (one_in - 1)`` (Cochran, "Sampling
    Techniques", 1977, chapter 3), and a sixth of the square of what it is rounded to.

    Args:
        min_users: the fewest users of the sample that a number is of, and what it is rounded to.
    """
    if (one_in := stands_for(connection)) == 1:
        return None
    few = min_users * one_in
    errors = [
        {"users": users, "standard_error": f"{100 * math.sqrt(users * (one_in - 1) + few**2 / 6) / users:.1f}%"}
        for users in (1_000, 10_000, 100_000, 1_000_000)
        if users >= few
    ]
    return {
        "one_user_in": one_in,
        "errors": errors,
        "note": "metrics, predictions and SQL are estimates of all users from a sample. Shares, orders and money are "
        "less exact than numbers of users. The tool checkout_funnel counts the sample only",
    }


def numbers_of_all(connection: duckdb.DuckDBPyConnection) -> Any:
    """Numbers of all users, counted at publication; None where readers count: see `discard_numbers`."""
    found = _read(connection, "numbers")
    return None if found is None else json.loads(found)


def discard_numbers(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Rows were deleted from a published database since its numbers were counted: readers count, unless in a sample."""
    with suppress(duckdb.CatalogException, duckdb.BinderException):  # of an earlier release, or no published one
        connection.execute(f"update {database}.{_TABLE} set numbers = null where one_in = 1")


def _read(connection: duckdb.DuckDBPyConnection, column: str) -> str | None:
    try:
        ((found,),) = connection.execute(f"select {column}::varchar from {_TABLE}").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):  # of an earlier release
        return None
    return None if found is None else str(found)
