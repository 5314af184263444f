"""Events of GA4, from wherever they come, as evaluation data: what counts, and what each event is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from beha2vec_core.evaluation.data.addresses import section
from beha2vec_core.evaluation.data.base import INPUT_COLUMNS, SESSION_GAP, TASK_COLUMNS
from beha2vec_core.evaluation.data.missing import NoEventsError
from beha2vec_core.evaluation.splits import DAY, reaches_back
from beha2vec_core.events.sequences import OPTIONAL_INPUTS, PAGE_VIEWS
from beha2vec_core.pages import classify_pages, parse_steps

# as in dbt_ga4: `sequence_excluded_events`, `purchase_events`
LIFECYCLE = ("session_start", "first_visit", "first_open", "user_engagement")
PURCHASES = ("purchase", "in_app_purchase", "ecommerce_purchase")
# Of dbt_ga4's ga4_event_taxonomy: the groups cart (without removals), checkout and purchase (without refunds). Events
# only: a look at the page of an empty cart is none, and labels must not change with the rules that name pages.
CONVERSIONS = (
    "add_to_cart",
    "view_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    *PURCHASES,
)

# one type of text, from wherever it comes
TEXTS = dict.fromkeys(("user_key", "event_name", "page", "theme", "page_type", "session", "section"), object)

COLUMNS = ("user_key", "event_timestamp", "event_name", "page", "page_title", "session")


@dataclass(frozen=True)
class Log:
    """Events ready for evaluation, and a sentence on what was left out."""

    events: pd.DataFrame
    left_out: str


def as_log(
    rows: pd.DataFrame,
    *,
    below: Collection[str] = (),
    conversions: Collection[str] = CONVERSIONS,
    purchases: Collection[str] = PURCHASES,
) -> Log:
    """Keep what an encoder is given in production, and say of each event what tasks ask.

    Left out are rows without user or page, the events that GA4 sends by itself (`LIFECYCLE`), all but one of events
    that agree in user, microsecond, name, page and session, and users without a page view.

    Args:
        rows: one row an event, with `COLUMNS`, a user's rows in the order in which they happened. ``theme`` and
            ``page_type`` are taken where given, as are the encoder's optional inputs; else the labels come from the
            rules step of :func:`~beha2vec_core.pages.classify_pages`, no model asked, so that they are the same on
            every machine.
        below: see `addresses.section`.
        conversions: names of events of cart, checkout and purchase.
        purchases: names of events of purchase.

    Raises:
        NoEventsError: no event is left.
    """
    users, events = rows["user_key"].nunique(), len(rows)
    known = rows["user_key"].notna() & rows["page"].notna()
    lifecycle = rows["event_name"].isin(LIFECYCLE)
    kept = rows[known & ~lifecycle]
    distinct = kept.drop_duplicates(["user_key", "event_timestamp", "event_name", "page", "page_title", "session"])
    if "is_page_view" not in distinct:
        distinct = distinct.assign(is_page_view=distinct["event_name"].isin(PAGE_VIEWS))
    viewers = distinct["user_key"].isin(distinct.loc[distinct["is_page_view"], "user_key"].unique())
    log = distinct[viewers].sort_values(["user_key", "event_timestamp"], kind="stable").reset_index(drop=True)
    if log.empty:
        raise NoEventsError("no event is left: users need page views, and events a user and a page")
    if "page_type" not in log:
        log = log.merge(_labels(log), on="page", how="left")
    log["section"] = log["page"].map({page: section(page, below) for page in log["page"].unique()})
    log["is_conversion"] = log["event_name"].isin(conversions)
    log["is_purchase"] = log["event_name"].isin(purchases)
    left_out = (
        f"Of {events:,} events of {users:,} users {len(log):,} of {log['user_key'].nunique():,} stay; left out: "
        f"{int((known & lifecycle).sum()):,} {'/'.join(LIFECYCLE)}, {int((~known).sum()):,} without user or page, "
        f"{len(kept) - len(distinct):,} doubles, {int((~viewers).sum()):,} of users without a page view."
    )
    optional = [name for name in OPTIONAL_INPUTS if name in log]
    return Log(log[[*dict.fromkeys((*INPUT_COLUMNS, *TASK_COLUMNS, *optional))]].astype(TEXTS), left_out)


def comes_back(events: pd.DataFrame) -> bool:
    """Whether a split in time can tell: the log is long enough, and one user in ten is seen on two days or more."""
    days = (events["event_timestamp"] // DAY).groupby(events["user_key"]).nunique()
    return reaches_back(events) and bool((days > 1).mean() >= 0.1)


def number_of_pauses(events: pd.DataFrame) -> pd.Series:
    """How many pauses of more than 30 minutes a user (rows in order) had made before each event: a session's number."""
    users = events["user_key"]
    pauses: pd.Series = events["event_timestamp"].groupby(users).diff() > SESSION_GAP
    return pauses.groupby(users).cumsum()


def _labels(log: pd.DataFrame) -> pd.DataFrame:
    """``page``, ``theme`` and ``page_type`` of each page, by the bundled rules."""
    views = log.groupby(["page", "page_title"], dropna=False, as_index=False).size()
    host, _, path = (views["page"].str.partition("/")[part] for part in range(3))
    pages = pd.DataFrame(
        {
            "page_key": views["page"],
            "page_title": views["page_title"],
            "page_path": "/" + path,
            "hostname": host,
            "page_views": views["size"],
        }
    )
    pages.loc[pages["page_key"].str.startswith("screen:"), ["page_path", "hostname"]] = None
    labelled = classify_pages(pages, steps=parse_steps("rules"), progress=False).pages
    return labelled[["page_key", "theme", "page_type"]].rename(columns={"page_key": "page"})
