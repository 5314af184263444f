"""A small shop in DuckDB whose clusters differ in known ways, for the tests of profiles and insights."""

from functools import cache

import duckdb
import numpy as np
import pandas as pd

from beha2vec_core.profiles import build_profiles

SITE = "shop.example.com"
PAGES = {  # page: (theme, page type)
    f"{SITE}/": ("unknown", "home"),
    f"{SITE}/deals": ("deals", "category"),
    f"{SITE}/deals/backpacks": ("backpacks", "category"),
    f"{SITE}/p/backpack-1": ("backpacks", "product"),
    f"{SITE}/p/shirt-1": ("apparel", "product"),
    f"{SITE}/cart": ("unknown", "cart"),
    f"{SITE}/checkout": ("unknown", "checkout"),
    f"{SITE}/help/returns": ("returns", "support"),
    f"{SITE}/journal/how-to-pack": ("travel", "article"),
    f"{SITE}/gone": ("unknown", "error"),
}
# weight of each page of PAGES for a cluster's users, mean page views, rates
CLUSTERS = (
    {"pages": [2, 8, 8, 4, 1, 1, 0, 0, 0, 0], "views": 4.0, "buys": 0.01, "direct": 0.2, "source": ("news", "email")},
    {"pages": [1, 1, 1, 4, 6, 4, 4, 0, 0, 0], "views": 7.0, "buys": 0.60, "direct": 0.6, "source": ("google", "cpc")},
    {
        "pages": [1, 0, 0, 0, 1, 0, 0, 9, 0, 4],
        "views": 3.0,
        "buys": 0.02,
        "direct": 0.5,
        "source": ("google", "organic"),
    },
    {"pages": [1, 0, 0, 0, 0, 0, 0, 0, 9, 0], "views": 1.3, "buys": 0.00, "direct": 0.1, "source": ("x", "social")},
)
USERS = (300, 220, 160, 120)


def make_world(seed: int = 0, *, with_engagement: bool = True) -> duckdb.DuckDBPyConnection:
    """A connection with the relations that profiles read: four weeks, each session on a day of its own.

    Most users are in their cluster from the first day on; one in ten of those who come back was in the next one first.
    """
    connection = duckdb.connect()
    for name, frame in _frames(seed, with_engagement).items():
        connection.from_df(frame).create(name)
    return connection


@cache
def _facts() -> pd.DataFrame:
    return build_profiles(make_world())


def facts_of_the_shop() -> pd.DataFrame:
    """The shop's profiles, made once a process."""
    return _facts().copy()


@cache
def _frames(seed: int, with_engagement: bool) -> dict[str, pd.DataFrame]:
    """The same each time: made once a process."""
    rng, days = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    users, sessions, views, history = [], [], [], []
    start = pd.Timestamp("2024-03-01")
    for cluster_key, (kind, n) in enumerate(zip(CLUSTERS, USERS, strict=True)):
        weight = np.array(kind["pages"], dtype=float) / sum(kind["pages"])
        for number in range(n):
            user = f"u{cluster_key}-{number}"
            count = 1 + rng.poisson(kind["views"] - 1)
            pages = list(rng.choice(list(PAGES), size=count, p=weight))
            bought = int(rng.random() < kind["buys"])
            n_sessions = int(rng.integers(1, min(count, 3) + 1))
            direct = bool(rng.random() < kind["direct"])
            source, medium = ("(direct)", "(none)") if direct else kind["source"]
            shown = {
                "device_category": rng.choice(["mobile", "desktop"], p=[0.7, 0.3] if cluster_key == 0 else [0.5, 0.5]),
                "browser": rng.choice(["Chrome", "Safari"]),
                "country": rng.choice(["Germany", "France"]),
            }
            active = np.sort(days.choice(28, size=n_sessions, replace=False))
            came_from = (cluster_key + 1) % 4 if days.random() < 0.1 else cluster_key
            for index, visited in enumerate(np.array_split(pages, n_sessions)):
                session = f"{user}.{index}"
                day = start + pd.Timedelta(days=int(active[index]))
                began = day + pd.Timedelta(hours=int(days.integers(24)), minutes=number % 60)
                is_last = index == n_sessions - 1
                history.append((user, day.date(), cluster_key if is_last else came_from))
                sessions.append(
                    {
                        "session_key": session,
                        "user_key": user,
                        "session_date": day.date(),
                        "session_started_at": began,
                        "ga_session_number": index + 1,
                        "device_category": str(shown["device_category"]),
                        "default_channel_group": medium,
                        "page_views": len(visited),
                        "error_page_views": sum(page.endswith("/gone") for page in visited),
                        "landing_page_key": visited[0],
                        "is_direct": direct,
                    }
                )
                views += [
                    {
                        "user_key": user,
                        "session_key": session,
                        "event_date": day.date(),
                        "event_timestamp": (began + pd.Timedelta(seconds=place)).value // 1000,
                        "page_key": page,
                        "next_page_key": visited[place + 1] if place + 1 < len(visited) else None,
                        "is_entrance": place == 0,
                        "is_exit": place + 1 == len(visited),
                        "bought": bool(bought) and is_last and place + 1 == len(visited),
                    }
                    for place, page in enumerate(visited)
                ]
            users.append(
                {
                    "user_key": user,
                    "cluster_key": cluster_key,
                    "page_views": count,
                    "sessions": n_sessions,
                    "purchases": bought,
                    "revenue": bought * float(rng.uniform(20, 80)),
                    "engagement_time_msec": int(count * 9000) if with_engagement else None,
                    "currency": "EUR" if bought else None,
                    "first_user_source": source,
                    "first_user_medium": medium,
                    **shown,
                }
            )
    people = pd.DataFrame(users)
    people["engagement_time_msec"] = people["engagement_time_msec"].astype("Int64")
    viewed = pd.DataFrame(views)
    return {
        "cluster_history": pd.DataFrame(history, columns=["user_key", "event_date", "cluster_key"]),
        **_shop(viewed),
        "dim_ga4__properties": pd.DataFrame(
            [("1", "EUR", ["EUR"], int(people["purchases"].sum()), 0)],
            columns=["property_id", "reporting_currency", "currencies", "purchases", "purchases_not_expressed"],
        ),
        "users_in_clusters": people[["user_key", "cluster_key"]],
        "dim_ga4__users": people.drop(columns="cluster_key"),
        "fct_ga4__sessions": pd.DataFrame(sessions),
        "fct_ga4__page_views": viewed.drop(columns="bought"),
        "enriched_pages": pd.DataFrame(
            [(p, *labels) for p, labels in PAGES.items()], columns=["page_key", "theme", "page_type"]
        ),
    }


def _shop(views: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What the page views make of events, items, steps to a purchase and purchases."""
    plain = views[["user_key", "session_key", "event_date", "event_timestamp", "page_key"]]
    is_product, in_cart = views["page_key"].str.contains("/p/"), views["page_key"].str.endswith("/cart")
    in_checkout = views["page_key"].str.endswith("/checkout")
    events = pd.concat(
        [
            plain.assign(event_name="page_view"),
            plain[is_product].assign(event_name="view_item"),
            plain[in_cart].assign(event_name="add_to_cart"),
            plain[in_checkout].assign(event_name="begin_checkout"),
            plain[views["bought"]].assign(event_name="purchase"),
        ]
    )
    events["hour_of_day"] = pd.to_datetime(events["event_timestamp"], unit="us").dt.hour
    steps = {"view_item": 1, "add_to_cart": 2, "begin_checkout": 3, "purchase": 6}
    reached = events.assign(furthest_step=events["event_name"].map(steps)).dropna(subset="furthest_step")
    items = events[events["event_name"].isin(["view_item", "purchase"])].assign(
        client_key=lambda e: "client of " + e["user_key"],
        item_id=lambda e: e["page_key"].where(e["event_name"] == "view_item", "backpack-1").str.split("/").str[-1],
    )
    clients = views[["user_key"]].drop_duplicates()
    return {
        "ml_ga4__sequence_events": events,
        "stg_ga4__event_items": items[["client_key", "event_name", "item_id"]].assign(
            item_name=items["item_id"].where(items["item_id"] != "shirt-1", "Shirt"),
            item_category=items["item_id"].str.split("-").str[0],
        ),
        "int_ga4__identity_map": clients.assign(client_key="client of " + clients["user_key"]),
        "fct_ga4__funnel_sessions": reached.groupby(["user_key", "session_key"], as_index=False)["furthest_step"].max(),
        "fct_ga4__purchases": plain.loc[views["bought"], ["user_key", "event_date"]],
    }


def fact(facts: pd.DataFrame, fact_id: str) -> pd.Series:
    """The fact of an id."""
    return facts.set_index("fact_id").loc[fact_id]
