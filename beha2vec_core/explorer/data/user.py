"""One user: facts, journey, clusters over time, who is most alike, and what probably comes next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from beha2vec_core.activation.ledger import SentTo, sent_to
from beha2vec_core.audiences.names import IDENTITIES
from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.events.query import ENCODER_INPUT, LATEST_FIRST
from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.lookalikes import NoVectorError, similar_users
from beha2vec_core.words import UNKNOWN_CURRENCY, money

if TYPE_CHECKING:
    from beha2vec_core.encoder.encoder import BehaviorEncoder

_SESSIONS = 20
_EVENTS = 2_000
_NEIGHBOURS = 10
_REASONS = 3
_SEQUENCE = 512  # events; the encoder takes the last of them that it looks at
_DAYS = 400


def key_of(published: Published, given: str) -> str:
    """The user_key of GA4's user_pseudo_id or user_id; what was given, if it is neither."""
    if not published.has(IDENTITIES):
        return given
    found = published.query(
        f"select user_key from {IDENTITIES} where $id in (user_pseudo_id, user_id) order by all limit 1", {"id": given}
    )
    return str(found["user_key"].iat[0]) if len(found) else given


def about(published: Published, user_key: str) -> dict[str, Any] | None:
    """What is known of a user, as in dim_ga4__users, with the columns of their cluster; None: there is no such user.

    What is null is None. Moments are UTC. ``reporting_currency`` is that of the user's property.
    """
    found = published.query(
        """select users.*, cluster_key, margin, likely_cluster, probability, reporting_currency
        from ga4.dim_ga4__users as users left join beha2vec.user_clusters_current using (user_key)
        left join ga4.dim_ga4__properties using (property_id) where user_key = $user limit 1""",
        {"user": user_key},
    )
    return (
        {str(name): None if pd.isna(value) else value for name, value in found.to_dict("records")[0].items()}
        if len(found)
        else None
    )


def cluster(found: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """The cluster of a user, as of `about`; of a user in -1 the likely one, with its probability."""
    key, likely = found["cluster_key"], found["likely_cluster"]
    if key is None:
        return "none: no day of theirs is clustered"
    name = names.get(int(key), f"Cluster {key}")
    if likely is None or likely == TOO_LITTLE_EVIDENCE:
        return name
    return f"{name}; likely {names.get(int(likely), f'cluster {likely}')} ({found['probability']:.0%})"


def revenue(found: Mapping[str, Any]) -> str:
    """What a user, as of `about`, has spent, with its currency: 24.50 EUR."""
    amount, currency = found["revenue"], found["currency"] or found["reporting_currency"]
    if amount is None and found["purchases"]:
        return "in several currencies"
    return money(amount or 0.0, currency or UNKNOWN_CURRENCY)


def sessions(published: Published, user_key: str) -> pd.DataFrame:
    """The latest sessions, the newest first: session_key, started_at (UTC), channel, page_views, seconds, purchases."""
    return published.query(
        f"""select session_key, session_started_at as started_at, default_channel_group as channel, page_views,
            engagement_time_msec / 1000.0 as seconds, purchases
        from ga4.fct_ga4__sessions where user_key = $user
        order by session_started_at desc, session_key limit {_SESSIONS}""",
        {"user": user_key},
    )


def events(published: Published, user_key: str) -> pd.DataFrame:
    """The events of the latest sessions: session_key, step (from 1), at (UTC), event_name, title, theme, page_type.

    Scrolls and the like are left out: page views, and events of the funnel of buying.
    """
    keys = published.ask(sessions, user_key)["session_key"].tolist()
    return published.query(
        f"""select session_key,
            row_number() over (partition by session_key order by event_timestamp, event_index) as step,
            make_timestamp(event_timestamp) as at, event_name, is_page_view, coalesce(page_title, page_key) as title,
            theme, page_type
        from ga4.ml_ga4__sequence_events left join beha2vec.enriched_pages using (page_key)
        where user_key = $user and session_key in (select unnest($sessions))
            and (is_page_view or event_name in
                (select event_name from ga4.ga4_event_taxonomy where funnel_step is not null))
        order by session_key, step limit {_EVENTS}""",
        {"user": user_key, "sessions": keys},
    )


def sent(published: Published, user_key: str, ledger: Path, changed: int) -> pd.DataFrame:
    """What was sent about the user, the newest first: at (UTC), destination, audience, change, outcome, reason.

    Args:
        published: where the user's devices are; its keys have to be those of the warehouse.
        ledger: its file; it need not exist.
        changed: when, so that a later version is read again.

    Raises:
        ActivationError: the file is not a ledger.
    """
    devices = published.query(f"select user_pseudo_id from {IDENTITIES} where user_key = $user", {"user": user_key})
    return pd.DataFrame(sent_to(ledger, {user_key, *devices["user_pseudo_id"]}), columns=SentTo._fields)


def cluster_days(published: Published, user_key: str) -> pd.DataFrame:
    """The user's cluster on each active day: event_date, cluster_key."""
    return published.query(
        f"""select event_date, cluster_key from beha2vec.cluster_history where user_key = $user
        order by event_date desc limit {_DAYS}""",
        {"user": user_key},
    ).sort_values("event_date", ignore_index=True)


def nearest(published: Published, user_key: str) -> pd.DataFrame:
    """The ten users most alike, as `lookalikes.similar_users` has them, and the pages they share with the user.

    Columns: user_key, cluster_key, similarity (-1 to 1), shared_pages, and pages: titles of the shared pages that the
    fewest users viewed, which are the most specific. Empty for a user without a vector.
    """
    published.require("ga4.fct_ga4__page_views")
    published.require("ga4.dim_ga4__pages")
    with published.cursor() as cursor:
        try:
            found = similar_users(cursor, user_key, _NEIGHBOURS)
        except NoVectorError:
            found = []
        near = pd.DataFrame([vars(one) for one in found], columns=["user_key", "similarity", "cluster_key"])
        cursor.register("near", near.astype({"user_key": "str", "similarity": "float64", "cluster_key": "Int32"}))
        return cursor.execute(
            f"""with viewed as materialized (
                select distinct user_key, page_key from ga4.fct_ga4__page_views
                where user_key in (select user_key from near union all select $user)),
            shared as (
                select user_key, page_key from viewed semi join near using (user_key)
                where page_key in (select page_key from viewed where user_key = $user)),
            reasons as (
                select user_key, count(*) as shared_pages,
                    list(coalesce(page_title, page_key) order by users, page_key)[:{_REASONS}] as pages
                from shared left join ga4.dim_ga4__pages using (page_key) group by user_key)
            select near.user_key, cluster_key, similarity, coalesce(shared_pages, 0) as shared_pages, pages
            from near left join reasons using (user_key) order by similarity desc, near.user_key""",
            {"user": user_key},
        ).df()


def next_pages(published: Published, user_key: str, encoders_path: Path) -> pd.DataFrame:
    """The five pages that probably come next by the encoder in use: title, probability (0 to 1).

    Empty for a user whose events are no longer known.

    Raises:
        NothingYet: there is no encoder in use, or its files are not on this machine, or cannot be read.
    """
    history = published.query(
        f"from ({ENCODER_INPUT}) where user_key = $user order by {LATEST_FIRST} limit {_SEQUENCE}", {"user": user_key}
    )
    if history.empty:
        return pd.DataFrame({"title": [], "probability": []})
    guesses = encoder_in_use(published, encoders_path).predict_next(history, k=5).to_pandas()
    titles = published.query(
        "select page_key as page, page_title from ga4.dim_ga4__pages where page_key in (select unnest($pages))",
        {"pages": guesses["page"].tolist()},
    )
    named = guesses.merge(titles, on="page", how="left").sort_values("rank")
    return pd.DataFrame({"title": named["page_title"].fillna(named["page"]), "probability": named["probability"]})


def encoder_in_use(published: Published, encoders_path: Path) -> BehaviorEncoder:
    """The encoder of the published vectors, loaded once.

    Raises:
        NothingYet: there is none, or its files are not on this machine, or cannot be read.
    """
    versions = published.query("select model_version from beha2vec.encoder_current limit 1")["model_version"].tolist()
    if not versions:
        raise NothingYet("encoders in use", "trained_encoder and user_clusters")
    return _encoder(encoders_path / str(versions[0]))


@lru_cache(maxsize=1)
def _encoder(folder: Path) -> BehaviorEncoder:
    from beha2vec_core.encoder.encoder import BehaviorEncoder, EncoderFormatError

    try:
        if not folder.exists():
            raise NothingYet("files of the encoder in use on this machine", "trained_encoder here")
        return BehaviorEncoder.load(folder, device="cpu")
    except EncoderFormatError as error:
        raise NothingYet("encoders that this release can read", "trained_encoder") from error
    except OSError as error:
        raise NothingYet("files of the encoder in use that can be read on this machine", "trained_encoder") from error
