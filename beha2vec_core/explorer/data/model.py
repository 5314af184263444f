"""The encoder in use: how it learned, what it is worth, whether its vectors move, and what it was fed day by day."""

import json
from typing import Any

import pandas as pd

from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.quality import drift as quality_drift

_DAYS = 60
_ROWS = 2_000


def encoder(published: Published) -> dict[str, Any]:
    """Version, when it was trained and accepted (UTC), config, the window of its data, and the training curve."""
    found = published.query(
        """select model_version, trained_at, accepted_at, warm_start_from, config::varchar as config,
            train_config::varchar as train_config, data_window::varchar as data_window,
            training_curve::varchar as training_curve
        from beha2vec.encoder_current limit 1"""
    ).to_dict("records")
    if not found:
        raise NothingYet("encoders in use", "trained_encoder")
    row: dict[str, Any] = {str(name): value for name, value in found[0].items()}
    for name in ("config", "train_config", "data_window", "training_curve"):
        row[name] = json.loads(row[name]) if isinstance(row[name], str) else None
    return row


def training_curve(published: Published) -> pd.DataFrame:
    """A row an epoch: epoch, loss, held_out_loss where users were held out, and the losses of each objective."""
    return pd.DataFrame(published.ask(encoder)["training_curve"] or [])


def evaluation(published: Published) -> pd.DataFrame:
    """Figures of the encoder in use, of the floors and of the encoder before it, on users it never learned from.

    Columns as of beha2vec.encoder_evaluation.
    """
    return published.query(
        f"""select method, task, metric, value, n, less_best_floor, low, high, champion, less_champion, champion_low,
            champion_high, judged, evaluated_at
        from beha2vec.encoder_evaluation semi join beha2vec.encoder_current using (model_version)
        order by task, metric, method limit {_ROWS}"""
    )


def gains(published: Published) -> pd.DataFrame:
    """Where the encoder is compared: task, metric, value, n, best floor and its value, the difference with interval.

    Also the difference to the encoder that was in use before, where there was one.
    """
    rows = published.ask(evaluation)
    ours = rows[(rows["method"] == "encoder") & rows["less_best_floor"].notna()]
    floors = rows[~rows["method"].str.startswith(("encoder", "champion"))]
    found = []
    for row in ours.to_dict("records"):
        rivals = floors[(floors["task"] == row["task"]) & (floors["metric"] == row["metric"])]
        floor_value = row["value"] - row["less_best_floor"]
        nearest = (rivals["value"] - floor_value).abs()
        best = rivals.loc[nearest.idxmin(), "method"] if len(rivals) and nearest.min() < 1e-6 else None
        found.append({**row, "floor": best, "floor_value": floor_value})
    return pd.DataFrame(found)


def drift(published: Published) -> pd.DataFrame:
    """How far the vectors of each day's users are from those before: see `beha2vec_core.quality.drift`.

    Returns:
        A row a day, of the last 60: event_date, users, low_evidence (share), sampled (users that are compared),
        stability_index, limit (both null where fewer than 30 users are on one side).
    """
    days = published.query(
        f"""select event_date, count(*) as users, avg(low_evidence::integer) as low_evidence
        from beha2vec.user_embeddings group by event_date order by event_date desc limit {_DAYS}"""
    ).sort_values("event_date", ignore_index=True)
    with published.cursor() as cursor:
        found = quality_drift.drift(cursor, [day.date() for day in pd.to_datetime(days["event_date"])])
    return days.assign(
        sampled=[one.users for one in found],
        stability_index=pd.Series([one.stability_index for one in found], dtype="float64"),
        limit=pd.Series([one.limit for one in found], dtype="float64"),
    )


def quality(published: Published) -> pd.DataFrame:
    """The events of each day, of the last 60, all properties together; columns as of ga4_quality__daily."""
    return published.query(
        f"""select event_date, sum(raw_events)::bigint as raw_events, sum(events)::bigint as events,
            sum(usual_events) as usual_events, sum(duplicates_dropped)::bigint as duplicates,
            sum(events_without_user)::bigint as without_user, sum(late_events)::bigint as late,
            sum(events_with_placeholders)::bigint as placeholders, sum(users)::bigint as users,
            sum(sessions)::bigint as sessions, sum(page_views)::bigint as page_views,
            sum(purchases)::bigint as purchases, bool_or(is_tracking_break) as is_break,
            string_agg(tracking_break_reason, '; ') as reason
        from ga4.ga4_quality__daily group by event_date order by event_date desc limit {_DAYS}"""
    ).sort_values("event_date", ignore_index=True)
