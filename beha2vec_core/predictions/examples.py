"""The users whose weekly dates models learn from: all of them, or of a large site a sample.

A sample is drawn by a hash of the user, in SQL, before any row reaches Python. Where dbt has drawn one before it (the
var feature_users), by the same hash, this one is a part of it. Users who did the same things (bought,
came back, fired an event) are a group with a share of its own, so that what few users do stays whole or nearly so. Each
row counts as many times as its group has users for each one drawn: fits, calibration and metrics weigh rows by that,
so they estimate what all users would give, although the share depends on outcomes (Horvitz and Thompson 1952).
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from beha2vec_core.predictions.arrays import FloatArray
from beha2vec_core.predictions.targets import HORIZONS, PURCHASE, happened_sql
from beha2vec_core.store.sample import in_sample
from beha2vec_core.store.sql import quote

WEIGHT = "weight"


class Group(NamedTuple):
    """Users who did the same things."""

    did: str  # targets, in a text
    stands_for: int  # users, for each one of them that has features
    users: int
    rows: int
    one_in: int  # one user in so many is drawn


def weights_of(frame: pd.DataFrame) -> FloatArray:
    """How many rows each row stands for [n]: 1 where all users were read."""
    return frame[WEIGHT].to_numpy(dtype=np.float64) if WEIGHT in frame else np.ones(len(frame))


def draw(
    connection: duckdb.DuckDBPyConnection, dates: Sequence[date], targets: Sequence[str], most: int
) -> tuple[str, list[Group]]:
    """Which users and dates are learned from.

    Args:
        most: users and dates, about. If there are more, the group with the most rows is halved until they fit.

    Returns:
        SQL of ``as_of``, ``property_id``, ``user_key`` and ``weight``; and the groups, the rarest first.
    """
    features = f"from ga4.ml_ga4__user_features where list_contains({[str(day) for day in dates]}::date[], as_of)"
    ((is_sample,),) = connection.execute(f"select coalesce(max(sampling_weight), 1) > 1 from ({features})").fetchall()
    # nothing is learned from the newest dates, which have all users
    features = f"({features}{f' and will_return_{HORIZONS[0]}d is not null' if is_sample else ''})"
    did = ", ".join(
        f"case when bool_or({happened_sql(name)}{' or purchases_ever > 0' if name == PURCHASE else ''}) "
        f"then {quote(name)} end"
        for name in targets
    )
    people = f"""(select property_id, user_key, concat_ws(', ', {did}) as did, max(sampling_weight) as stands_for,
            count(*) as dates
        from {features} group by property_id, user_key)"""
    found = connection.execute(
        f"""select did, stands_for, stands_for * count(*) as users, (stands_for * sum(dates))::bigint, stands_for
        from {people} group by did, stands_for order by users, did, stands_for"""
    )
    groups = [Group(*row) for row in found.fetchall()]
    while sum(group.rows / group.one_in for group in groups) > most:
        largest = max(groups, key=lambda group: group.rows / group.one_in)
        groups[groups.index(largest)] = largest._replace(one_in=2 * largest.one_in)
    shares = ", ".join(f"({quote(did)}, {of}, {users}, {one_in})" for did, of, users, _, one_in in groups)
    drawn = f"""(select property_id, user_key, users / count(*) over (partition by did, stands_for) as {WEIGHT}
        from {people} as people
        join (values {shares or "('', 1, 1, 1)"}) as shares (did, stands_for, users, one_in) using (did, stands_for)
        where {in_sample("user_key", "one_in")})"""
    users = f"""select as_of, property_id, user_key, {WEIGHT}
        from {features} join {drawn} as drawn using (property_id, user_key)"""
    return users, groups
