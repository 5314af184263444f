"""Pages: what they are about, how sure that is, which are most worth a look, and what people have overridden."""

from typing import Literal

import pandas as pd

from beha2vec_core.explorer.published import Published
from beha2vec_core.pages.labels import UNKNOWN
from beha2vec_core.pages.overrides import Overrides

Kind = Literal["theme", "page_type"]
SURE = 0.7  # confidence from which a label is taken for sure; docs/pages.md says what that is worth
_LABELS = 100
_PAGES = 200


def coverage(published: Published) -> pd.DataFrame:
    """How sure the labels are, weighted by page views.

    Returns:
        A row a kind (theme, page_type) and level (sure, likely, unknown): pages, views, share of all page views.
    """
    return published.query(
        f"""with levels as (
            select 'theme' as kind, {_level("theme")} as level, page_views from {_PAGES_SEEN}
            union all select 'page_type', {_level("page_type")}, page_views from {_PAGES_SEEN})
        select kind, level, count(*) as pages, sum(page_views)::bigint as views,
            sum(page_views) / greatest(sum(sum(page_views)) over (partition by kind), 1) as share
        from levels group by kind, level"""
    )


def by_label(published: Published, kind: Kind) -> pd.DataFrame:
    """A row a theme or page type, the most viewed first: label, pages, views, share of all views, sure_share of its."""
    return published.query(
        f"""select coalesce({kind}, '{UNKNOWN}') as label, count(*) as pages, sum(page_views)::bigint as views,
            sum(page_views) / greatest(sum(sum(page_views)) over (), 1) as share,
            coalesce(sum(page_views) filter ({_level(kind)} = 'sure'), 0) / greatest(sum(page_views), 1) as sure_share
        from {_PAGES_SEEN} group by all order by views desc, label limit {_LABELS}"""
    )


def to_review(published: Published, search: str = "") -> pd.DataFrame:
    """Pages, those first where a correction settles the most, as in the last run's `pages_to_review`.

    Args:
        search: part of title or address; then all pages that have it, also those without doubt.

    Returns:
        page_key, page_title, views, and of theme and page_type: label, its confidence and the runner-up.
    """
    return published.query(
        f"""select page_key, page_title, page_views as views, theme, theme_confidence, theme_runner_up, page_type,
            page_type_confidence, page_type_runner_up
        from {_PAGES_SEEN}
        where case when $search = '' then not (theme_method = 'override' and page_type_method = 'override')
            else contains(lower(page_key || ' ' || coalesce(page_title, '')), lower($search)) end
        order by review_rank nulls last, page_views desc, page_key limit {_PAGES}""",
        {"search": search},
    )


def pending(published: Published, overrides: Overrides) -> pd.DataFrame:
    """Where the overrides file says something else than what is published, for the next run to change.

    Returns:
        page_key, page_title, kind (theme, page_type), now, next (null: whatever the classifiers say), known (whether
        the page was ever viewed).
    """
    wanted = pd.DataFrame(
        [(page, kind, label) for kind, labels in (("theme", overrides.themes), ("page_type", overrides.page_types))
         for page, label in labels.items()],
        columns=["page_key", "kind", "next"],
    ).astype("str")  # fmt: skip
    with published.cursor() as cursor:
        cursor.register("wanted", wanted)
        return cursor.execute(
            f"""with labels as (
                select page_key, page_title, 'theme' as kind, theme as now, theme_method as method from {_PAGES_SEEN}
                union all select page_key, page_title, 'page_type', page_type, page_type_method from {_PAGES_SEEN})
            select coalesce(wanted.page_key, labels.page_key) as page_key, page_title,
                coalesce(wanted.kind, labels.kind) as kind, now, next, labels.page_key is not null as known
            from wanted full join labels on wanted.page_key = labels.page_key and wanted.kind = labels.kind
            where (next is not null and (now is distinct from next or method is distinct from 'override'))
                or (next is null and method = 'override')
            order by page_key, kind limit {_PAGES}"""
        ).df()


# those without a row in enriched_pages, which the next run classifies, count as unknown: page views are all there are
_PAGES_SEEN = "ga4.dim_ga4__pages left join beha2vec.enriched_pages using (page_key)"


def _level(kind: Kind) -> str:
    return f"""case when {kind} is null or {kind} = '{UNKNOWN}' then 'unknown'
        when {kind}_confidence >= {SURE} or {kind}_method = 'override' then 'sure' else 'likely' end"""
