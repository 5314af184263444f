"""The facts of a cluster or a group beside all users, in words and picked for a chart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from beha2vec_core.explorer.published import Published
from beha2vec_core.insights.wording import LABEL_METRICS, PAGE_METRICS, feature_words, label, number
from beha2vec_core.profiles.facts import CLEAR_Z, is_beyond_chance
from beha2vec_core.profiles.text import is_unfilled

_NEVER_MORE = 5_000  # facts of a cluster

# plain numbers of a cluster, without its size and moves
_NUMBERS = (
    "page_views_mean",
    "page_views_median",
    "sessions_mean",
    "engagement_time_mean",
    "no_engagement_time_share",
    "one_page_view_share",
    "return_share",
    "first_user_direct_share",
    "view_item_share",
    "add_to_cart_share",
    "begin_checkout_share",
    "purchase_rate",
    "revenue_mean",
    "error_page_user_share",
    "error_page_view_share",
    "sessions_median",
    "engagement_time_median",
    "revenue_median",
    "recency_mean",
    "recency_median",
    "furthest_step_mean",
    "furthest_step_median",
    "error_page_views_mean",
    "error_page_views_median",
    "first_week_return_rate",
    "churn_rate",
)
STANDS_OUT = "What stands out"
FAMILIES: dict[str, tuple[str, ...]] = {
    STANDS_OUT: (
        "theme_view_share",
        "page_type_view_share",
        "first_user_source_share",
        "device_share",
        "country_share",
        *_NUMBERS,
    ),
    "Numbers": _NUMBERS,
    "Page types": ("page_type_view_share",),
    "Themes": ("theme_view_share",),
    "Pages": ("page_share",),
    "Landing pages": ("landing_page_share",),
    "First user source": ("first_user_source_share", "first_user_medium_share"),
    "Devices": ("device_share",),
    "Browsers": ("browser_share",),
    "Countries": ("country_share",),
    "Items": ("item_viewed_share", "item_bought_share", "item_category_viewed_share"),
    "Steps to a purchase": ("reached_item_share", "reached_cart_share", "reached_checkout_share", "purchase_rate"),
    "Events": ("event_share",),
    "Ways through the site": ("path_step_share",),
    "Time of day": ("hour_block_event_share",),
}
OUTCOMES = ("purchase_rate", "return_share", "revenue_mean", "engagement_time_mean", "no_engagement_time_share")


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
            labels.append(label(str(metric), None))
            subjects.append("")
        else:
            words = titles.get(feature, feature) if metric in PAGE_METRICS else feature_words(metric, feature)
            labels.append(label(str(metric), words))
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
        tested = chosen["significant"] if "significant" in chosen else chosen["z"].map(lambda _: None)
        clear = [
            is_beyond_chance(None if pd.isna(sure) else bool(sure), z) is True and abs(z) >= CLEAR_Z
            for sure, z in zip(tested, chosen["z"], strict=True)
        ]
        # an unknown theme or page type says nothing about the users
        silent = chosen["metric"].isin(LABEL_METRICS) & chosen["feature"].isin(["unknown"])
        chosen = chosen[np.array(clear, dtype=bool) & ~silent]
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
    titles = zip(found["page_key"], found["page_title"], strict=True)
    return {page: title for page, title in titles if not is_unfilled(title)}
