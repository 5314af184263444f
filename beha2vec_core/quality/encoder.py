"""Checks of the encoder in use: what it does not know, whether its vectors can be used, and whether they move."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from beha2vec_core.quality.check import Finding, Look
from beha2vec_core.quality.expectations import ENCODER_IN_USE
from beha2vec_core.quality.statistics import principal_axes, stability_by_chance, stability_index
from beha2vec_core.vectors import as_matrix

_SAMPLES = 5
# A page that the encoder never learned still has its path and words; an event name has nothing else.
MAX_UNKNOWN_PAGES = 0.2
MAX_UNKNOWN_EVENT_NAMES = 0.05
_WEEKS = 4
_LEAST_USERS = 30
_MOST_USERS = 5_000
_AXES = 4
# by convention (Siddiqi 2006): below .1 nothing, to .25 some, above a large shift
MAX_STABILITY_INDEX = 0.25
MIN_COSINE = 0.9


def vectors_are_finite(look: Look) -> Finding:
    """Error where a vector of the run's days holds NaN, infinity or zeros only."""
    with look.connect("vectors_are_finite") as connection:
        return _finite(connection, f"event_date between date '{look.first}' and date '{look.last}'")


def _finite(connection: duckdb.DuckDBPyConnection, condition: str) -> Finding:
    of_encoder = f"from beha2vec.user_embeddings where model_version = {ENCODER_IN_USE} and {condition}"
    useless = """(not coalesce(isfinite(list_sum(behavior)) and isfinite(list_sum(identity)), false)
        or list_inner_product(behavior, behavior) < 1e-6)"""
    ((vectors, broken),) = connection.execute(f"select count(*), count(*) filter ({useless}) {of_encoder}").fetchall()
    samples: list[str] = []
    if broken:
        shown = f"select event_date::varchar || ' ' || user_key {of_encoder} and {useless} order by 1 limit {_SAMPLES}"
        samples = [sample for (sample,) in connection.execute(shown).fetchall()]
    told = f"{broken:,} vectors hold NaN, infinity or zeros only, such as that of {samples[0]}" if broken else ""
    return Finding(not broken, {"vectors": vectors, "broken": broken, "samples": samples}, told)


def the_encoder_knows_the_pages(look: Look) -> Finding:
    """Warn where too many of the run's events are on pages, or of names, that are not in the encoder's vocabulary."""
    with look.connect("the_encoder_knows_the_pages") as connection:
        ((version,),) = connection.execute(f"select {ENCODER_IN_USE}").fetchall()
        counts = {
            column: connection.execute(
                f"""select {column}, count(*) from ga4.ml_ga4__sequence_events
                where event_date between $first and $last and {column} is not null group by all order by 2 desc, 1""",
                {"first": look.first, "last": look.last},
            ).fetchall()
            for column in ("page_key", "event_name")
        }
    saved = (look.settings.encoders_path / str(version) / "vocabulary.json").read_text("utf-8")
    vocabularies = json.loads(saved)["vocabularies"]
    pages, unknown_pages, named = _unknown(counts["page_key"], vocabularies["page"]["values"])
    names, unknown_names, event_names = _unknown(counts["event_name"], vocabularies["event_name"]["values"])
    figures = {
        "unknown_page_share": unknown_pages,
        "unknown_event_name_share": unknown_names,
        "pages": pages,
        "event_names": names,
        "most_seen_unknown": [*named, *event_names],
        "model_version": version,
    }
    told = []
    if unknown_pages > MAX_UNKNOWN_PAGES:
        told.append(f"{unknown_pages:.0%} of the events are on pages unknown to encoder {version}, such as {named[0]}")
    if unknown_names > MAX_UNKNOWN_EVENT_NAMES:
        told.append(f"{unknown_names:.0%} of the events have a name unknown to it, such as {event_names[0]}")
    return Finding(not told, figures, "; ".join(told))


def _unknown(counts: list[tuple[str, int]], known: list[str]) -> tuple[int, float, list[str]]:
    """How many values there are, the share of events whose value is not known, and the most frequent of these."""
    values = set(known)
    unknown = [(value, events) for value, events in counts if value not in values]
    events = sum(events for _, events in counts)
    return len(counts), sum(n for _, n in unknown) / events if events else 0.0, [v for v, _ in unknown[:_SAMPLES]]


def vectors_are_distributed_as_before(look: Look) -> Finding:
    """Warn where the last day's users lie elsewhere than those of the same weekday four weeks back, by one encoder.

    Along each of the four directions in which the earlier users differ most, the population stability index of that
    day's users; the largest is judged, by a limit that chance does not exceed in so few users. Five days are read.
    """
    with look.connect("vectors_are_distributed_as_before") as connection:
        actual = _vectors(connection, [look.last])
        expected = _vectors(connection, [look.last - timedelta(weeks=week) for week in range(1, _WEEKS + 1)])
    figures: dict[str, Any] = {"users": len(actual), "users_before": len(expected)}
    if min(len(actual), len(expected)) < _LEAST_USERS:
        return Finding(True, figures | {"not_judged": f"fewer than {_LEAST_USERS} users"})
    center, axes = principal_axes(expected, _AXES)
    largest = max(stability_index((expected - center) @ axis, (actual - center) @ axis) for axis in axes)
    limit = max(MAX_STABILITY_INDEX, stability_by_chance(len(expected), len(actual)))
    told = f"{look.last}: population stability index {largest:.2f}, at most {limit:.2f} expected"
    passed = largest <= limit
    return Finding(passed, figures | {"stability_index": largest, "limit": limit}, "" if passed else told)


def _vectors(connection: duckdb.DuckDBPyConnection, days: list[date]) -> npt.NDArray[np.float32]:
    """The latest behavior vector of each user of these days [n, dim]; of at most 5,000, chosen by hash."""
    dates = ", ".join(f"date '{day}'" for day in days)
    of_days = f"model_version = {ENCODER_IN_USE} and event_date in ({dates})"
    table = connection.sql(
        f"""with users as (
            select user_key, max(event_date) as event_date from beha2vec.user_embeddings where {of_days}
            group by user_key order by md5(user_key) limit {_MOST_USERS})
        select behavior from beha2vec.user_embeddings join users using (user_key, event_date)
        where {of_days} order by user_key"""
    ).to_arrow_table()
    return as_matrix(table["behavior"])


def promoted_vectors_are_finite(look: Look) -> Finding:
    """Error where any vector of the encoder in use cannot be used: a promotion has just made those of all days."""
    with look.connect("promoted_vectors_are_finite") as connection:
        return _finite(connection, "true")


def unchanged_users_keep_their_vectors(look: Look) -> Finding:
    """Warn where an encoder that was trained on from the one before moves users who did nothing new.

    The mean cosine between the old vector and the new one of the same user, day and number of events. The vectors of an
    encoder that began anew have no directions in common with the old ones, and are not judged.
    """
    with look.connect("unchanged_users_keep_their_vectors") as connection:
        before = _before(connection)
        rows = connection.execute(
            f"""select avg(list_cosine_similarity(old.behavior, new.behavior)), count(*)
            from beha2vec.user_embeddings as old
            join beha2vec.user_embeddings as new using (event_date, user_key, n_events)
            where old.model_version = $before and new.model_version = {ENCODER_IN_USE}
                and new.model_version in (select model_version from beha2vec.encoders where warm_start_from = $before)
                and hash(user_key) % greatest(1, (
                    select count(*) from beha2vec.user_embeddings where model_version = $before) // 100_000) = 0""",
            {"before": before},
        ).fetchall()
    mean, compared = rows[0]
    if not compared:
        return Finding(True, {"users": 0, "not_judged": "no encoder before it that it was trained on from"})
    passed = mean >= MIN_COSINE
    told = f"mean cosine {mean:.3f} between {before} and its successor, at least {MIN_COSINE} expected"
    return Finding(passed, {"mean_cosine": mean, "compared": compared}, "" if passed else told)


def _before(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The encoder that readers saw before the one in use, if its vectors are kept."""
    found = connection.execute(
        f"""select model_version from beha2vec.cluster_models
        where promoted_at is not null and model_version <> {ENCODER_IN_USE}
        group by model_version order by max(promoted_at) desc limit 1"""
    ).fetchall()
    return str(found[0][0]) if found else None
