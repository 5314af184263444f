"""Drift: whether the users of a day differ from those before, by the vectors of the encoder in use.

The check, its figures and the explorer's chart all come from here, so they are of one window and one sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import numpy.typing as npt

from beha2vec_core.quality.statistics import principal_axes, stability_by_chance, stability_index
from beha2vec_core.quality.tables import ENCODER_IN_USE
from beha2vec_core.store.vectors import as_matrix

COMPARED_WITH = "the same weekday of the four weeks before"
_WEEKS = 4
LEAST_USERS = 30
_MOST_USERS = 1_000  # of a side: more do not lower the limit, which 250 users reach
_AXES = 4
# by convention (Siddiqi 2006): below .1 nothing, to .25 some, above a large shift
MAX_STABILITY_INDEX = 0.25


@dataclass(frozen=True)
class Drift:
    """How far the users of a day are from those of the same weekday of the four weeks before."""

    day: date  # the day
    users: int  # of the day, compared; at most 1,000, chosen by a hash of their key
    users_before: int  # the same of the days before
    # along each of the four directions in which the users before differ most, the population stability index; the
    # largest. None with fewer than 30 users on a side
    stability_index: float | None
    limit: float | None  # 0.25, or what chance exceeds in so few users once in a thousand; None where the index is


def drift(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> list[Drift]:
    """The drift of each of the days, from ``beha2vec.user_embeddings`` of the warehouse or the published copy.

    A user who was active on several of the days before counts by their latest vector.
    """
    from threadpoolctl import threadpool_limits

    samples = _samples(connection, sorted({one for day in days for one in (day, *_before(day))}))
    with threadpool_limits(1, user_api="blas"):  # on matrices this small, threads mostly wait for each other
        return [_drift(day, samples) for day in days]


def _drift(day: date, samples: dict[date, _Sample]) -> Drift:
    now = samples[day].vectors if day in samples else np.empty((0, 1), np.float32)
    before = _latest([samples[one] for one in _before(day) if one in samples])
    if min(len(now), len(before)) < LEAST_USERS:
        return Drift(day, len(now), len(before), None, None)
    center, axes = principal_axes(before, _AXES)
    largest = max(stability_index((before - center) @ axis, (now - center) @ axis) for axis in axes)
    limit = max(MAX_STABILITY_INDEX, stability_by_chance(len(before), len(now)))
    return Drift(day, len(now), len(before), largest, limit)


def _before(day: date) -> list[date]:
    """The days it is compared with, the latest first."""
    return [day - timedelta(weeks=week) for week in range(1, _WEEKS + 1)]


@dataclass(frozen=True)
class _Sample:
    hashes: npt.NDArray[np.str_]  # [n] of user_key, ascending
    vectors: npt.NDArray[np.float32]  # [n, dim]


def _samples(connection: duckdb.DuckDBPyConnection, days: list[date]) -> dict[date, _Sample]:
    """Of each day that has users, those with the lowest hashes. The lowest of several days together are among them."""
    table = connection.sql(
        f"""with chosen as (
            select event_date, unnest(arg_min(user_key, md5(user_key), {_MOST_USERS})) as user_key
            from beha2vec.user_embeddings
            where model_version = {ENCODER_IN_USE} and list_contains($days::date[], event_date) group by event_date)
        select event_date, md5(user_key) as hash, behavior
        from beha2vec.user_embeddings join chosen using (event_date, user_key)
        where model_version = {ENCODER_IN_USE} order by event_date, hash""",
        params={"days": days},
    ).to_arrow_table()
    if not table.num_rows:
        return {}
    dates = table["event_date"].to_numpy()
    hashes, vectors = table["hash"].to_numpy().astype(np.str_), as_matrix(table["behavior"])
    found = {}
    for one in np.unique(dates):
        of_day = dates == one
        found[one.astype("datetime64[D]").item()] = _Sample(hashes[of_day], vectors[of_day])
    return found


def _latest(samples: list[_Sample]) -> npt.NDArray[np.float32]:
    """The vectors of the users of several days, the latest day first, each user once; at most as many as of a day."""
    if not samples:
        return np.empty((0, 1), np.float32)
    _, places = np.unique(np.concatenate([sample.hashes for sample in samples]), return_index=True)
    return np.concatenate([sample.vectors for sample in samples])[places[:_MOST_USERS]]
