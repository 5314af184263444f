"""Insights: each cluster in words, and the highlights of the site."""

from typing import Any

import dagster as dg
from pydantic import Field

from beha2vec_core.llm import LlmSettings
from beha2vec_core.privacy.key import key as privacy_key
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.anonymous import MIN_USERS, PAGE_TITLES, Rounding, rounding_key
from beha2vec_core.store.warehouse import replace_partition
from beha2vec_dagster.defs.clusters.models import current_cluster_model
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table, relation_metadata
from beha2vec_dagster.lib.resources import OPENAI_POOL, LlmResource, WarehouseResource


class InsightConfig(dg.Config):
    """What may be sent to a language model."""

    min_users_sent: int = Field(
        MIN_USERS, description="Clusters with fewer users, and facts based on fewer, are never sent to the endpoint."
    )
    ask_again: bool = Field(False, description="Ask the model about everything, even if nothing has changed.")


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The clusters in words, and the highlights."""

    @asset(
        deps=["cluster_profiles"],
        group_name="insights",
        kinds={"openai" if LlmSettings.of(settings).is_configured else "template"},
        pool=OPENAI_POOL,
        code_version="6",
    )
    def cluster_insights(
        context: dg.AssetExecutionContext,
        config: InsightConfig,
        warehouse: WarehouseResource,
        llm: dg.ResourceParam[LlmResource],
    ) -> dg.MaterializeResult[Any]:
        """Name, summary, differences, persona, caveats, evidence and actions of each cluster, and a comparison of all.

        Written by the configured language model from the fact table (never from raw users), with numbers inserted by
        code and claims checked; otherwise by a template, and the row says so. Unchanged clusters are not written again.
        """
        from beha2vec_core.insights import write_insights

        with warehouse.connect("cluster_insights: read") as connection:
            profiles = connection.execute("from beha2vec.cluster_profiles").df()
            titles = dict(connection.execute(PAGE_TITLES).fetchall())
            clusters = current_cluster_model(connection)
            rows = connection.sql("from beha2vec.cluster_insights").to_arrow_table().to_pylist()
            rounding = Rounding.read(connection, rounding_key(privacy_key(settings.storage.data_dir)))
        insights, usage = write_insights(
            profiles,
            llm=llm.settings,
            page_titles=titles,
            min_users_sent=config.min_users_sent,
            rounding=rounding,
            earlier=[] if config.ask_again else rows,
            why=clusters.load(settings.storage.cluster_models_path).why if clusters else "",
        )
        with warehouse.connect("cluster_insights: write") as connection:
            connection.register("insights", insights)
            replace_partition(connection, "beha2vec.cluster_insights", "select * from insights", "true")
            about = relation_metadata(connection, "beha2vec.cluster_insights")
        for problem in usage["problems"]:
            context.log.warning(problem)
        rows = insights.to_pylist()
        if usage["model"] and usage["cost"] is None:
            usage["cost"] = "unknown: set BEHA2VEC_LLM_PRICE_IN and BEHA2VEC_LLM_PRICE_OUT"
        return made(
            about,
            **usage,
            names=markdown_table(["cluster", "name"], [(r["cluster_key"], r["name"]) for r in rows]),
            preview=markdown_table(
                ["cluster", "name", "written by", "why"],
                [(r["cluster_key"], r["name"], r["written_by"], r["reason"]) for r in rows],
                longest=1000,
            ),
            **{f"summary_{r['cluster_key']}": r["summary"] for r in rows if r["cluster_key"] is not None},
        )

    @asset(
        deps=[
            "fct_ga4__sessions", "fct_ga4__user_days", "fct_ga4__funnel_sessions", "fct_ga4__purchases",
            "fct_ga4__purchase_items", "ga4_quality__daily",
        ],
        group_name="insights",
        kinds={"duckdb"},
        code_version="1",
    )  # fmt: skip
    def highlights(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
        """Three things to know, and up to seven more: the largest differences between segments and changes over time.

        Of all that the semantic layer can break down, what is not chance, corrected for the search. New ones are sent
        as an alert, if one is configured.
        """
        from beha2vec_core.alerts import send
        from beha2vec_core.semantic.highlights.find import find_highlights, read_marts
        from beha2vec_core.semantic.highlights.store import alert_of, write_highlights

        with warehouse.connect("highlights: read") as connection:
            marts = read_marts(connection)
        found = find_highlights(marts)
        with warehouse.connect("highlights: write") as connection:
            new = write_highlights(connection, found.rows)
            about = relation_metadata(connection, "beha2vec.highlights")
        if new and settings.alerts.configured and settings.alerts.highlights:
            for delivery in send(alert_of(new, settings.explorer.url), settings):
                context.log.info(f"new highlights; {delivery.target}: {delivery.error or 'sent'}")
        return made(
            about,
            comparisons=found.searched,
            new=len(new),
            highlights=markdown_table(
                ["rank", "what", "numbers"],
                [(row["rank"], row["headline"], row["sentence"]) for row in found.rows],
                longest=1000,
            ),
        )

    return [cluster_insights, highlights]
