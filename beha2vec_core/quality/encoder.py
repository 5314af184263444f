"""Checks of the encoder in use: what it does not know, whether its vectors can be used, and whether they move."""

import json
from typing import Any

import duckdb

from beha2vec_core.quality.check import CheckOutcome, Look
from beha2vec_core.quality.drift import LEAST_USERS, drift
from beha2vec_core.quality.tables import ENCODER_IN_USE
from beha2vec_core.words import counted

_SAMPLES = 5
# A page that the encoder never learned still has its path and words; an event name has nothing else.
MAX_UNKNOWN_PAGES = 0.2
MAX_UNKNOWN_EVENT_NAMES = 0.05
MIN_COSINE = 0.9


def vectors_are_finite(look: Look) -> CheckOutcome:
    """Error where a vector of the run's days holds NaN, infinity or zeros only."""
    with look.connect("vectors_are_finite") as connection:
        return _finite(connection, f"event_date between date '{look.first}' and date '{look.last}'")


def _finite(connection: duckdb.DuckDBPyConnection, condition: str) -> CheckOutcome:
    of_encoder = f"from beha2vec.user_embeddings where model_version = {ENCODER_IN_USE} and {condition}"
    useless = """(not coalesce(isfinite(list_sum(behavior)) and isfinite(list_sum(identity)), false)
        or list_inner_product(behavior, behavior) < 1e-6)"""
    ((vectors, broken),) = connection.execute(f"select count(*), count(*) filter ({useless}) {of_encoder}").fetchall()
    samples: list[str] = []
    if broken:
        shown = f"select event_date::varchar || ' ' || user_key {of_encoder} and {useless} order by 1 limit {_SAMPLES}"
        samples = [sample for (sample,) in connection.execute(shown).fetchall()]
    message = f"{counted(broken, 'vector')} with NaN, infinity or zeros only, e.g. {samples[0]}" if broken else ""
    return CheckOutcome(not broken, {"vectors": vectors, "broken": broken, "samples": samples}, message)


def the_encoder_knows_the_pages(look: Look) -> CheckOutcome:
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
    saved = (look.settings.storage.encoders_path / str(version) / "vocabulary.json").read_text("utf-8")
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
    messages = []
    if unknown_pages > MAX_UNKNOWN_PAGES:
        messages.append(f"{unknown_pages:.0%} of the events are on pages unknown to encoder {version}, e.g. {named[0]}")
    if unknown_names > MAX_UNKNOWN_EVENT_NAMES:
        messages.append(f"{unknown_names:.0%} of the events have a name unknown to it, e.g. {event_names[0]}")
    return CheckOutcome(not messages, figures, "; ".join(messages))


def _unknown(counts: list[tuple[str, int]], known: list[str]) -> tuple[int, float, list[str]]:
    """How many values there are, the share of events whose value is not known, and the most frequent of these."""
    values = set(known)
    unknown = [(value, events) for value, events in counts if value not in values]
    events = sum(events for _, events in counts)
    return len(counts), sum(n for _, n in unknown) / events if events else 0.0, [v for v, _ in unknown[:_SAMPLES]]


def vectors_are_distributed_as_before(look: Look) -> CheckOutcome:
    """Warn where the last day's user vectors drift from those of the same weekday of the four weeks before.

    By the population stability index of `drift`, whose limit chance does not exceed in so few users.
    """
    with look.connect("vectors_are_distributed_as_before") as connection:
        (found,) = drift(connection, [look.last])
    figures: dict[str, Any] = {"users": found.users, "users_before": found.users_before}
    if found.stability_index is None or found.limit is None:
        return CheckOutcome(True, figures | {"not_judged": f"fewer than {LEAST_USERS} users"})
    message = f"{look.last}: population stability index {found.stability_index:.2f}, expected at most {found.limit:.2f}"
    passed = found.stability_index <= found.limit
    return CheckOutcome(
        passed, figures | {"stability_index": found.stability_index, "limit": found.limit}, "" if passed else message
    )


def promoted_vectors_are_finite(look: Look) -> CheckOutcome:
    """Error where any vector of the encoder in use cannot be used: a promotion has just made those of all days."""
    with look.connect("promoted_vectors_are_finite") as connection:
        return _finite(connection, "true")


def unchanged_users_keep_their_vectors(look: Look) -> CheckOutcome:
    """Warn where a warm start moves users without new events.

    The mean cosine between the old vector and the new one of the same user, day and number of events. The vectors of an
    encoder trained from scratch have no directions in common with the old ones, and are not judged.
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
        return CheckOutcome(True, {"users": 0, "not_judged": "no warm start from an earlier encoder"})
    passed = mean >= MIN_COSINE
    message = f"mean cosine {mean:.3f} between {before} and its successor, expected at least {MIN_COSINE}"
    return CheckOutcome(passed, {"mean_cosine": mean, "compared": compared}, "" if passed else message)


def _before(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The encoder that readers saw before the one in use, if its vectors are kept."""
    found = connection.execute(
        f"""select model_version from beha2vec.cluster_models
        where promoted_at is not null and model_version <> {ENCODER_IN_USE}
        group by model_version order by max(promoted_at) desc limit 1"""
    ).fetchall()
    return str(found[0][0]) if found else None
