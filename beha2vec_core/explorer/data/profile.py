"""The facts of a cluster or a group beside all users, in words and picked for a chart."""

import numpy as np
import pandas as pd

from beha2vec_core.explorer.published import Published
from beha2vec_core.insights.wording import feature_words, has_labels, has_pages, label
from beha2vec_core.profiles.facts import CLEAR_Z, is_beyond_chance
from beha2vec_core.profiles.metric import NUMBERS
from beha2vec_core.profiles.metrics import METRICS, STANDS_OUT, STEPS
from beha2vec_core.profiles.text import is_unfilled
from beha2vec_core.words import number

_NEVER_MORE = 5_000  # facts of a cluster

FAMILIES = (
    STANDS_OUT, NUMBERS, "Page types", "Themes", "Pages", "Landing pages", "First user source", "Devices", "Browsers",
    "Countries", "Items", STEPS, "Events", "Ways through the site", "Time of day",
)  # fmt: skip
# what a cluster is judged by, and the title of its chart
OUTCOMES = {
    name: METRICS[name].label[:1].upper() + METRICS[name].label[1:]
    for name in ("purchase_rate", "return_share", "revenue_mean", "engagement_time_mean")
}


def facts(published: Published, cluster_key: int) -> pd.DataFrame:
    """The facts of a cluster, as in cluster_profiles, with words: see `in_words`."""
    found = published.query(
        f"from beha2vec.cluster_profiles where cluster_key = $key order by fact_id limit {_NEVER_MORE}",
        {"key": cluster_key},
    )
    return in_words(published, found)


def named(published: Published, fact_ids: tuple[str, ...]) -> pd.DataFrame:
    """These facts, in this order, with words."""
    found = published.query(
        f"""from beha2vec.cluster_profiles where fact_id in (select unnest($ids)) limit {_NEVER_MORE}""",
        {"ids": list(fact_ids)},
    )
    ordered = found.sort_values("fact_id", key=lambda ids: ids.map({one: n for n, one in enumerate(fact_ids)}))
    return in_words(published, ordered.reset_index(drop=True))


def outcomes(published: Published) -> pd.DataFrame:
    """Facts of all clusters that they are judged by, with words."""
    found = published.query(
        f"""from beha2vec.cluster_profiles where metric in (select unnest($metrics)) and feature is null
        order by cluster_key, metric limit {_NEVER_MORE}""",
        {"metrics": list(OUTCOMES)},
    )
    return in_words(published, found)


def in_words(published: Published, facts: pd.DataFrame) -> pd.DataFrame:
    """The facts with label, shown_value and shown_population; pages by their titles, where known.

    These are still texts of others: make them safe for the place they are shown in.
    """
    pages = facts.loc[facts["metric"].map(has_pages), "feature"].dropna().unique().tolist()
    titles = _titles(published, pages)
    labels = []
    for metric, feature in zip(facts["metric"], facts["feature"], strict=True):
        if not isinstance(feature, str):
            labels.append(label(str(metric), None))
        else:
            words = titles.get(feature, feature) if has_pages(str(metric)) else feature_words(metric, feature)
            labels.append(label(str(metric), words))
    values = zip(facts["value"], facts["population_value"], facts["unit"], strict=True)
    shown = [(number(value, unit), number(everybody, unit)) for value, everybody, unit in values]
    return facts.assign(
        label=labels, shown_value=[value for value, _ in shown], shown_population=[everybody for _, everybody in shown]
    )


def pick(facts: pd.DataFrame, family: str, top: int = 12) -> pd.DataFrame:
    """The facts of a family to draw: the clearest ``top``, from the most over to the most under all users.

    What stands out leaves out what may be chance; a family of its own shows its most frequent features too.
    """
    chosen = facts[facts["metric"].map(lambda name: _is_of(str(name), family)) & facts["lift"].notna()]
    if family == STANDS_OUT:
        clear = [
            is_beyond_chance(None if pd.isna(sure) else bool(sure), z) is True and abs(z) >= CLEAR_Z
            for sure, z in zip(chosen["significant"], chosen["z"], strict=True)
        ]
        # an unknown theme or page type says nothing about the users
        silent = chosen["metric"].map(has_labels) & chosen["feature"].isin(["unknown"])
        chosen = chosen[np.array(clear, dtype=bool) & ~silent]
    ranked = chosen.assign(far=chosen["z"].abs().fillna(0.0))
    clearest = ranked.sort_values(["far", "value", "fact_id"], ascending=[False, False, True]).head(top)
    return clearest.sort_values(["lift", "fact_id"], ascending=[False, True]).drop(columns="far")


def _is_of(name: str, family: str) -> bool:
    sections = METRICS[name].sections if name in METRICS else ()
    return family in sections or (family == STANDS_OUT and NUMBERS in sections)


def _titles(published: Published, pages: list[str]) -> dict[str, str]:
    if not pages or not published.has("ga4.dim_ga4__pages"):
        return {}
    found = published.query(
        """select page_key, page_title from ga4.dim_ga4__pages
        where page_key in (select unnest($pages)) and page_title is not null""",
        {"pages": pages},
    )
    titles = zip(found["page_key"], found["page_title"], strict=True)
    return {page: title for page, title in titles if not is_unfilled(title)}
