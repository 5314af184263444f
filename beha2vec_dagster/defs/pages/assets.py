"""Pages with a theme and a type."""

from typing import Any

import dagster as dg
import duckdb
from pydantic import Field

from beha2vec_core.pages import (
    Models,
    PageStore,
    classify_pages,
    load_labels,
    load_rules,
    overrides_of,
    overrides_path,
    parse_steps,
    read_pages,
    require_valid_settings,
)
from beha2vec_core.settings import ExportSettings
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table, relation_metadata
from beha2vec_dagster.lib.resources import GPU_POOL, ComputeResource, LlmResource, WarehouseResource

_REVIEWED = 20


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The pages with their labels."""
    require_valid_settings(settings)

    class PageConfig(dg.Config):
        """How pages are classified."""

        classifiers: str = Field(
            settings.pages.classifiers,
            description="Who is asked, in order: rules, embedding, nli, llm, each optionally with thresholds "
            "theme/type.",
        )
        embedding_model: str = Field(
            settings.pages.embedding_model, description="Sentence-transformers model of the classifier embedding."
        )
        nli_model: str = Field(settings.pages.nli_model, description="Zero-shot model of the classifier nli.")
        chunk_size: int = Field(2000, gt=0, description="Pages classified and kept together.")

    @asset(
        deps=["dim_ga4__pages", "fct_ga4__page_views"],
        group_name="pages",
        kinds={"duckdb", "sentencetransformers"},
        pool=GPU_POOL,
        code_version="2",
    )
    def enriched_pages(
        context: dg.AssetExecutionContext,
        config: PageConfig,
        warehouse: WarehouseResource,
        compute: ComputeResource,
        llm: dg.ResourceParam[LlmResource],
    ) -> dg.MaterializeResult[Any]:
        """One row per distinct page: its theme and type, with the confidence and method of each.

        Rules over address and title first, then similarity to the labels' descriptions, else `unknown`; other
        classifiers where the settings name them. Only new or changed pages are classified. An interrupted run keeps its
        results.
        """
        labels = load_labels(settings.pages.labels_file)
        overrides = overrides_of(settings, labels)
        with warehouse.connect("enriched_pages: read") as connection:
            pages = read_pages(connection)
        fetched: dict[str, int] = {}
        if settings.fetch.pages:
            from beha2vec_core.pages.fetch import add_page_text

            pages, fetched = add_page_text(pages, settings)
        device, device_note = compute.resolve()
        store = PageStore(warehouse.connect)
        models = Models(config.embedding_model, config.nli_model, llm.settings, device, compute=compute.open())
        result = classify_pages(
            pages,
            labels=labels,
            rules=load_rules(settings.pages.rules_file, settings.pages.rule_packs),
            overrides=overrides,
            steps=parse_steps(config.classifiers),
            models=models,
            store=store,
            chunk_size=config.chunk_size,
        )
        store.publish(result.pages, result.text_version)
        for method in result.missing:
            context.log.warning(f"pages were classified without {method}: {result.methods[method]}")
        if result.unknown_overrides:
            context.log.warning(
                f"{overrides_path(settings)} names pages that were never viewed (a page_key is host and path, as "
                f"in dim_ga4__pages): {', '.join(result.unknown_overrides[:10])}"
            )
        with warehouse.connect("enriched_pages: look") as connection:
            about = relation_metadata(connection, "beha2vec.enriched_pages")
            tables = _tables(connection)
            tables["confusion_with_overrides"] = markdown_table(
                ["kind", "override", "said before", "pages", "page views"], _confusion(connection, result.overruled)
            )
        return made(
            about | tables,
            pages_to_review=markdown_table(
                ["page", "title", "views", "theme", "sure", "or", "type", "sure", "or", "pages like it"],
                list(result.to_review.itertuples(index=False, name=None)),
            ),
            classified=result.classified,
            classified_themes=result.classified_by_kind["theme"],
            classified_page_types=result.classified_by_kind["page_type"],
            reused=result.reused,
            unknown_theme_share_of_views=result.unknown_theme_share,
            unknown_page_type_share_of_views=result.unknown_page_type_share,
            methods=markdown_table(
                ["method", "version, or why it was not asked"], list(result.methods.items()), longest=1000
            ),
            language_model_usage=markdown_table(["", ""], list(result.usage.items())),
            unknown_overrides=markdown_table(["page_key"], [(key,) for key in result.unknown_overrides[:_REVIEWED]]),
            device=device_note,
            pages_fetched=markdown_table(["outcome", "pages"], list(fetched.items())) if fetched else None,
        )

    return [enriched_pages]


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Pages and views by label and by method."""
    weighted = "from beha2vec.enriched_pages join ga4.dim_ga4__pages using (page_key)"
    tables = {}
    for kind in ("theme", "page_type"):
        by_label = connection.execute(
            f"""select {kind}, count(*), sum(page_views)::bigint,
                round(sum(page_views) / sum(sum(page_views)) over (), 4),
                round(sum({kind}_confidence * page_views) / sum(page_views), 2)
            {weighted} group by all order by 3 desc, 1 limit 60"""
        ).fetchall()
        by_method = connection.execute(
            f"""select {kind}_method, count(*), sum(page_views)::bigint,
                round(sum(page_views) / sum(sum(page_views)) over (), 4) {weighted} group by all order by 3 desc, 1"""
        ).fetchall()
        columns = ["pages", "page views", "share of views"]
        tables[f"pages_by_{kind}"] = markdown_table([kind, *columns, "mean confidence"], by_label)
        tables[f"coverage_of_{kind}_by_method"] = markdown_table(["method", *columns], by_method)
    return tables


def _confusion(connection: duckdb.DuckDBPyConnection, overruled: Any) -> list[tuple[Any, ...]]:
    """What the classifiers would have said of the pages that people labelled."""
    connection.register("overruled", overruled)
    rows: list[tuple[Any, ...]] = connection.execute(
        f"""select kind, override, said, count(distinct page_key), sum(page_views)::bigint
        from overruled join ga4.dim_ga4__pages using (page_key)
        group by all order by 5 desc, 1, 2, 3 limit {_REVIEWED}"""
    ).fetchall()
    return rows
