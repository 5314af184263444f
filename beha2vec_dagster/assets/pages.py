"""Pages with a theme and a type."""

from typing import Any

import dagster as dg
from pydantic import Field

from beha2vec_core.warehouse import replace_partition
from beha2vec_dagster.metadata import markdown_table, relation_metadata
from beha2vec_dagster.resources import GPU_POOL, GPU_TAGS, ComputeResource, WarehouseResource
from beha2vec_dagster.settings import settings


class PageConfig(dg.Config):
    """How pages are classified."""

    embedding_model: str = Field(
        settings.embedding_model,
        description="Sentence-transformers model for pages that no rule knows; empty: rules only.",
    )


@dg.asset(
    deps=["dim_ga4__pages"],
    group_name="pages",
    kinds={"duckdb", "sentencetransformers"},
    pool=GPU_POOL,
    op_tags=GPU_TAGS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    code_version="1",
)
def enriched_pages(
    context: dg.AssetExecutionContext, config: PageConfig, warehouse: WarehouseResource, compute: ComputeResource
) -> dg.MaterializeResult[Any]:
    """One row a distinct page: its theme and its type, how sure, and which method said so.

    Rules over address and title first, then MiniLM similarity to the labels' descriptions, else `unknown`. Only new or
    changed pages are classified.
    """
    from beha2vec_core.pages import classify_pages, load_labels, load_rules

    with warehouse.connect("enriched_pages: read") as connection:
        pages = connection.execute(
            "select page_key, page_title, page_path, hostname, page_views from ga4.dim_ga4__pages"
        ).df()
        known = connection.execute("from beha2vec.enriched_pages").df()
    fetched: dict[str, int] = {}
    if settings.fetch_pages:
        from beha2vec_core.pages.fetch import add_page_text

        pages, fetched = add_page_text(pages, settings)
    device, device_note = compute.resolve()
    result = classify_pages(
        pages,
        known=known,
        labels=load_labels(settings.labels_file),
        rules=load_rules(settings.rules_file),
        embedder=config.embedding_model or None,
        device=device,
    )
    enriched = result.pages
    with warehouse.connect("enriched_pages: write") as connection:
        connection.register("enriched", enriched)
        replace_partition(connection, "beha2vec.enriched_pages", "select * from enriched", "true")
        about = relation_metadata(connection, "beha2vec.enriched_pages")
        themes = _views_by(connection, "theme")
        types = _views_by(connection, "page_type")
        doubtful = connection.execute(
            """select page_key, page_title, page_views, theme, round(theme_confidence, 2), page_type,
                round(page_type_confidence, 2)
            from beha2vec.enriched_pages join ga4.dim_ga4__pages using (page_key)
            order by least(theme_confidence, page_type_confidence), page_views desc limit 10"""
        ).fetchall()
    if not result.embedding_available:
        context.log.warning(f"pages were classified by rules only: {result.reason}")
    return dg.MaterializeResult(
        metadata=about
        | {
            "classified": result.classified,
            "reused": result.reused,
            "unknown_theme_share_of_views": result.unknown_theme_share,
            "unknown_page_type_share_of_views": result.unknown_page_type_share,
            "embedding": result.reason,
            "device": device_note,
            "page_views_by_theme": markdown_table(["theme", "pages", "page views"], themes),
            "page_views_by_type": markdown_table(["page type", "pages", "page views"], types),
            "least_sure_pages": markdown_table(
                ["page", "title", "page views", "theme", "confidence", "type", "confidence"], doubtful
            ),
        }
        | ({"pages_fetched": markdown_table(["outcome", "pages"], list(fetched.items()))} if fetched else {})
    )


def _views_by(connection: Any, label: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = connection.execute(
        f"""select {label}, count(*), sum(page_views)
        from beha2vec.enriched_pages join ga4.dim_ga4__pages using (page_key) group by all order by 3 desc limit 20"""
    ).fetchall()
    return rows
