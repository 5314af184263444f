"""The facts of a cluster or a group beside all users, in words and picked for a chart."""

from __future__ import annotations

import pandas as pd

from beha2vec_core.explorer.published import Published
from beha2vec_core.insights.wording import LABEL_METRICS, PAGE_METRICS, feature_words, number

_NEVER_MORE = 5_000  # facts of a cluster
_CLEAR_Z = 3.0
_MOST_Q = 0.05

_NUMBERS = {
    "page_views_mean": "page views per user",
    "page_views_median": "page views of the middle user",
    "sessions_mean": "sessions per user",
    "engagement_time_mean": "seconds engaged per user",
    "no_engagement_share": "users without engagement",
    "one_page_share": "users with a single page view",
    "return_share": "users who came back",
    "direct_share": "users who came directly",
    "purchase_rate": "users who bought",
    "revenue_mean": "revenue per user",
    "error_page_user_share": "users who met an error page",
    "error_page_share": "page views that were errors",
    "sessions_median": "sessions of the middle user",
    "engagement_time_median": "seconds engaged of the middle user",
    "revenue_median": "revenue of the middle user",
    "recency_mean": "days since last seen",
    "recency_median": "days since the middle user was last seen",
    "funnel_steps_mean": "steps to a purchase per user, of four",
    "funnel_steps_median": "steps to a purchase of the middle user",
    "error_pages_mean": "error pages per user",
    "error_pages_median": "error pages of the middle user",
    "return_rate": "users back within a week of their first day",
    "churn_rate": "users not seen in the last week",
}
# how a feature is told from one of another kind
_KINDS = {
    "theme_view_share": "views about {}",
    "page_type_view_share": "views of {} pages",
    "theme_share": "users who viewed {}",
    "page_type_share": "users who viewed {} pages",
    "page_share": "users who viewed {}",
    "landing_page_share": "landed on {}",
    "channel_share": "came by {}",
    "device_share": "used {}",
    "browser_share": "used {}",
    "country_share": "in {}",
    "event_share": "triggered {}",
    "item_viewed_share": "viewed the item {}",
    "item_bought_share": "bought the item {}",
    "item_category_share": "viewed items of {}",
    "path_step_share": "went {}",
    "funnel_rate": "came as far as {}",
    "hour_block_share": "active in the {}",
}
STANDS_OUT = "What stands out"
FAMILIES: dict[str, tuple[str, ...]] = {
    STANDS_OUT: (
        "theme_view_share",
        "page_type_view_share",
        "channel_share",
        "device_share",
        "country_share",
        *_NUMBERS,
    ),
    "Numbers": tuple(_NUMBERS),
    "Page types": ("page_type_view_share",),
    "Themes": ("theme_view_share",),
    "Pages": ("page_share",),
    "Landing pages": ("landing_page_share",),
    "Channels": ("channel_share",),
    "Devices": ("device_share",),
    "Browsers": ("browser_share",),
    "Countries": ("country_share",),
    "Items": ("item_viewed_share", "item_bought_share", "item_category_share"),
    "Steps to a purchase": ("funnel_rate",),
    "Events": ("event_share",),
    "Ways through the site": ("path_step_share",),
    "Time of day": ("hour_block_share",),
}
OUTCOMES = ("purchase_rate", "return_share", "revenue_mean", "engagement_time_mean", "no_engagement_share")


def facts(published: Published, cluster_key: int) -> pd.DataFrame:
    """The facts of a cluster, as in cluster_profiles, with words: see `in_words`."""
    published.require("beha2vec.cluster_profiles", "facts of clusters", "cluster_profiles")
    found = published.query(
        f"from beha2vec.cluster_profiles where cluster_key = $key order by fact_id limit {_NEVER_MORE}",
        {"key": cluster_key},
    )
    return in_words(published, found)


def named(published: Published, fact_ids: tuple[str, ...]) -> pd.DataFrame:
    """These facts, in this order, with words."""
    published.require("beha2vec.cluster_profiles", "facts of clusters", "cluster_profiles")
    found = published.query(
        f"""from beha2vec.cluster_profiles where fact_id in (select unnest($ids)) limit {_NEVER_MORE}""",
        {"ids": list(fact_ids)},
    )
    ordered = found.sort_values("fact_id", key=lambda ids: ids.map({one: n for n, one in enumerate(fact_ids)}))
    return in_words(published, ordered.reset_index(drop=True))


def outcomes(published: Published) -> pd.DataFrame:
    """Facts of all clusters about what came of it (purchases, returns, revenue, engagement), with words."""
    published.require("beha2vec.cluster_profiles", "facts of clusters", "cluster_profiles")
    found = published.query(
        f"""from beha2vec.cluster_profiles where metric in (select unnest($metrics)) and feature is null
        order by cluster_key, metric limit {_NEVER_MORE}""",
        {"metrics": list(OUTCOMES)},
    )
    return in_words(published, found)


def in_words(published: Published, facts: pd.DataFrame) -> pd.DataFrame:
    """The facts with label, subject, shown_value and shown_population; pages by their titles, where known.

    The subject is what the fact is about, in words, as insights use them; empty for a plain number.

    These are still texts of others: make them safe for the place they are shown in.
    """
    pages = facts.loc[facts["metric"].isin(PAGE_METRICS), "feature"].dropna().unique().tolist()
    titles = _titles(published, pages)
    labels, subjects = [], []
    for metric, feature in zip(facts["metric"], facts["feature"], strict=True):
        if not isinstance(feature, str):
            labels.append(_NUMBERS.get(metric, str(metric).replace("_", " ")))
            subjects.append("")
        else:
            words = titles.get(feature, feature) if metric in PAGE_METRICS else feature_words(metric, feature)
            labels.append(_KINDS.get(metric, "{}").replace("{}", words))
            subjects.append(words)
    values = zip(facts["value"], facts["population_value"], facts["unit"], strict=True)
    shown = [(number(value, unit), number(everybody, unit)) for value, everybody, unit in values]
    return facts.assign(
        label=labels,
        subject=subjects,
        shown_value=[value for value, _ in shown],
        shown_population=[everybody for _, everybody in shown],
    )


def pick(facts: pd.DataFrame, family: str, top: int = 12) -> pd.DataFrame:
    """The facts of a family to draw: the clearest ``top``, from the most over to the most under all users.

    What stands out leaves out what may be chance; a family of its own shows its most frequent features too.
    """
    chosen = facts[facts["metric"].isin(FAMILIES[family]) & facts["lift"].notna()]
    if family == STANDS_OUT:
        clear = chosen["z"].abs() >= _CLEAR_Z
        if "q_value" in chosen:
            clear &= chosen["q_value"].isna() | (chosen["q_value"] <= _MOST_Q)
        # an unknown theme or page type says nothing about the users
        silent = chosen["metric"].isin(LABEL_METRICS) & chosen["feature"].isin(["unknown"])
        chosen = chosen[clear & ~silent]
    ranked = chosen.assign(far=chosen["z"].abs().fillna(0.0))
    clearest = ranked.sort_values(["far", "value", "fact_id"], ascending=[False, False, True]).head(top)
    return clearest.sort_values(["lift", "fact_id"], ascending=[False, True]).drop(columns="far")


def _titles(published: Published, pages: list[str]) -> dict[str, str]:
    if not pages or not published.has("ga4.dim_ga4__pages", "page_title"):
        return {}
    found = published.query(
        """select page_key, page_title from ga4.dim_ga4__pages
        where page_key in (select unnest($pages)) and page_title is not null""",
        {"pages": pages},
    )
    return dict(zip(found["page_key"], found["page_title"], strict=True))
