"""A small shop in DuckDB whose clusters differ in known ways, for the tests of profiles and insights."""

import duckdb
import numpy as np
import pandas as pd

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
    """A connection with the five relations that `build_profiles` reads, and page titles in ``dim_ga4__pages``."""
    rng = np.random.default_rng(seed)
    users, sessions, views = [], [], []
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
            for index, visited in enumerate(np.array_split(pages, n_sessions)):
                session = f"{user}.{index}"
                began = start + pd.Timedelta(days=index, minutes=number)
                sessions.append(
                    {
                        "session_key": session,
                        "user_key": user,
                        "session_started_at": began,
                        "page_views": len(visited),
                        "error_page_views": sum(page.endswith("/gone") for page in visited),
                        "landing_page_key": visited[0],
                        "is_direct": direct,
                    }
                )
                views += [{"user_key": user, "session_key": session, "page_key": page} for page in visited]
            users.append(
                {
                    "user_key": user,
                    "cluster_key": cluster_key,
                    "page_views": count,
                    "sessions": n_sessions,
                    "purchases": bought,
                    "revenue": bought * float(rng.uniform(20, 80)),
                    "engagement_time_msec": int(count * 9000) if with_engagement else None,
                    "first_source": source,
                    "first_medium": medium,
                    **shown,
                }
            )
    people = pd.DataFrame(users)
    people["engagement_time_msec"] = people["engagement_time_msec"].astype("Int64")
    frames = {
        "users_in_clusters": people[["user_key", "cluster_key"]],
        "dim_ga4__users": people.drop(columns="cluster_key"),
        "fct_ga4__sessions": pd.DataFrame(sessions),
        "fct_ga4__page_views": pd.DataFrame(views),
        "enriched_pages": pd.DataFrame(
            [(p, *labels) for p, labels in PAGES.items()], columns=["page_key", "theme", "page_type"]
        ),
    }
    connection = duckdb.connect()
    for name, frame in frames.items():
        connection.from_df(frame).create(name)
    return connection
