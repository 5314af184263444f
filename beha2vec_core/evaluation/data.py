"""The events that are judged: those of the encoder's sequences, with what tasks ask of each."""

import re
from collections.abc import Collection
from typing import NamedTuple

import duckdb
import pandas as pd

from beha2vec_core.dbt_vars import PAGE_VIEW_EVENTS, PURCHASE_EVENTS, SEQUENCE_EXCLUDED_EVENTS, SESSION_TIMEOUT_MINUTES
from beha2vec_core.events.query import ENCODER_INPUT, OLDEST_FIRST
from beha2vec_core.events.sequences import OPTIONAL_INPUTS
from beha2vec_core.store.catalog import has_table

SESSION_GAP = SESSION_TIMEOUT_MINUTES * 60 * 1_000_000  # microseconds without event that end a session
# what a method may read: the encoder's input
INPUT_COLUMNS = ("user_key", "event_timestamp", "event_name", "page", "theme", "page_type")
# what only tasks read: labels are made of them
TASK_COLUMNS = ("session", "section", "is_page_view", "is_conversion", "is_purchase")
# Of dbt_ga4's ga4_event_taxonomy: the groups cart (without removals), checkout and purchase (without refunds). Events
# only: a look at the page of an empty cart is none, and labels must not change with the rules that name pages.
CONVERSIONS = ("add_to_cart", "view_cart", "begin_checkout", "add_shipping_info", "add_payment_info", *PURCHASE_EVENTS)

# text has one type, whatever the source
TEXTS = dict.fromkeys(("user_key", "event_name", "page", "theme", "page_type", "session", "section"), object)

_COLUMNS = ", ".join([*INPUT_COLUMNS, *OPTIONAL_INPUTS, "page_title", "session_key as session"])
_OF_USERS = "where user_key in (select unnest(?::varchar[]))"

# what the property's own taxonomy adds: 2 is a cart, 6 a purchase
_FUNNEL = "select event_name, funnel_step from ga4.ga4_event_taxonomy where funnel_step >= 2"

_EXTENSION = re.compile(r"\.(html?|php|aspx?|jsp|axd)$")


def inputs(events: pd.DataFrame) -> pd.DataFrame:
    """The columns that a method may read; with the encoder's optional inputs where the data have all of them."""
    optional = OPTIONAL_INPUTS if set(OPTIONAL_INPUTS) <= set(events) else ()
    return events[[name for name in (*INPUT_COLUMNS, *optional) if name in events]]


class NoEventsError(ValueError):
    """The data hold no event of a user with a page view."""


class Log(NamedTuple):
    """Events to be judged, and a sentence on what was left out."""

    events: pd.DataFrame
    left_out: str


def from_connection(
    connection: duckdb.DuckDBPyConnection, *, users: Collection[str] | None = None, below: Collection[str] = ()
) -> Log:
    """The events of ``ga4.ml_ga4__sequence_events`` with the labels of ``beha2vec.enriched_pages``.

    Conversions and purchases go by event name: `CONVERSIONS` and `PURCHASE_EVENTS`, with what
    ``ga4.ga4_event_taxonomy`` adds, where there is one.

    Args:
        connection: of a warehouse or a serving database.
        users: read these only; None: all.

    Raises:
        NoEventsError: no event is left.
    """
    where, parameters = ("", []) if users is None else (_OF_USERS, [list(users)])
    query = f"select {_COLUMNS} from ({ENCODER_INPUT}) {where} order by user_key, {OLDEST_FIRST}"
    rows = connection.execute(query, parameters).df()
    has_taxonomy = has_table(connection, "ga4.ga4_event_taxonomy")
    funnel = dict(connection.execute(_FUNNEL).fetchall()) if has_taxonomy else {}
    purchases = {*PURCHASE_EVENTS, *(name for name, step in funnel.items() if step == 6)}
    log = clean(rows)
    return log._replace(events=describe(log.events, below, {*CONVERSIONS, *funnel}, purchases))


def clean(rows: pd.DataFrame) -> Log:
    """Keep what an encoder is given in production.

    Left out are rows without user or page, the events that GA4 sends by itself
    (`SEQUENCE_EXCLUDED_EVENTS`), all but one of events that agree in user, microsecond, name, page and session, and
    users without a page view.

    Args:
        rows: one row an event, with user_key, event_timestamp, event_name, page, page_title and session, a user's rows
            in the order in which they happened. Other columns stay.

    Raises:
        NoEventsError: no event is left.
    """
    users, events = rows["user_key"].nunique(), len(rows)
    known = rows["user_key"].notna() & rows["page"].notna()
    lifecycle = rows["event_name"].isin(SEQUENCE_EXCLUDED_EVENTS)
    kept = rows[known & ~lifecycle]
    distinct = kept.drop_duplicates(["user_key", "event_timestamp", "event_name", "page", "page_title", "session"])
    if "is_page_view" not in distinct:
        distinct = distinct.assign(is_page_view=distinct["event_name"].isin(PAGE_VIEW_EVENTS))
    viewers = distinct["user_key"].isin(distinct.loc[distinct["is_page_view"], "user_key"].unique())
    log = distinct[viewers].sort_values(["user_key", "event_timestamp"], kind="stable").reset_index(drop=True)
    if log.empty:
        raise NoEventsError("no event is left: users need page views, and events a user and a page")
    left_out = (
        f"Of {events:,} events of {users:,} users {len(log):,} of {log['user_key'].nunique():,} stay; left out: "
        f"{int((known & lifecycle).sum()):,} {'/'.join(SEQUENCE_EXCLUDED_EVENTS)}, "
        f"{int((~known).sum()):,} without user or page, "
        f"{len(kept) - len(distinct):,} duplicates, {int((~viewers).sum()):,} of users without a page view."
    )
    return Log(log, left_out)


def describe(
    log: pd.DataFrame,
    below: Collection[str] = (),
    conversions: Collection[str] = CONVERSIONS,
    purchases: Collection[str] = PURCHASE_EVENTS,
) -> pd.DataFrame:
    """The columns that methods and tasks read.

    Args:
        log: from `clean`, with ``theme`` and ``page_type`` of each event's page.
        conversions: names of events of cart, checkout and purchase.
        purchases: names of events of purchase.
    """
    events = log.assign(
        section=log["page"].map({page: section(page, below) for page in log["page"].unique()}),
        is_conversion=log["event_name"].isin(conversions),
        is_purchase=log["event_name"].isin(purchases),
    )
    optional = [name for name in OPTIONAL_INPUTS if name in events]
    return events[[*dict.fromkeys((*INPUT_COLUMNS, *TASK_COLUMNS, *optional))]].astype(TEXTS)


def section(page: str | None, below: Collection[str] = ()) -> str:
    """The part of the site a page is in: the first level of its path, without a document's ending.

    ``home`` for the home page, ``none`` for no page, ``screen`` for screens of an app.

    Args:
        below: first levels that only wrap the real ones (a shop's name, a language): the next level counts.
    """
    if page is None:
        return "none"
    if page.startswith("screen:"):
        return "screen"
    levels = [_EXTENSION.sub("", level) for level in page.split("/")[1:] if level]
    if len(levels) > 1 and levels[0] in below:
        levels = levels[1:]
    return levels[0] if levels else "home"
