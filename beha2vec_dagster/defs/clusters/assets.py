"""Clusters of users: the model, who belongs where, and the facts of each cluster."""

from collections import Counter
from functools import partial
from typing import Any

import dagster as dg
import numpy as np
import numpy.typing as npt
from pydantic import Field

from beha2vec_core import clusters, profiles
from beha2vec_core.clusters import ClusterModel, ClusterPosterior
from beha2vec_core.clusters.posterior import calibration_error
from beha2vec_core.files import scratch
from beha2vec_core.profiles.counts import funnel
from beha2vec_core.profiles.counts import totals as find_totals
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.limits import SPILL
from beha2vec_core.store.vectors import VectorFile
from beha2vec_core.store.warehouse import replace_partition, transaction
from beha2vec_dagster.defs.clusters import models
from beha2vec_dagster.defs.encoder.versions import load_encoder, version_in_use
from beha2vec_dagster.lib import plots
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table, picture, relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, days_of
from beha2vec_dagster.lib.resources import ComputeResource, WarehouseResource

_UNFILLED_SHOWN = 20


class ClusterConfig(dg.Config):
    """How clusters are found."""

    k: int | None = Field(None, description="Number of clusters; empty: chosen by stability.")
    smallest_k: int = Field(4, description="The smallest k to try.")
    largest_k: int = Field(12, description="The largest k to try.")
    seed: int = Field(0, description="Same seed and vectors: same clusters.")
    begin_anew: bool = Field(
        False, description="Ignore the existing clusters; clusters with the same users still keep their key."
    )
    minibatch_above: int = Field(
        200_000,
        ge=0,
        description="With more users than this, centroids are found by mini-batches: faster, a little less exact.",
    )
    explore_hdbscan: bool = Field(
        False, description="Also show dense groups found by HDBSCAN (on at most 5,000 users); they are not stored."
    )


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The clusters, who is in them, and their facts."""
    daily = daily_partitions(settings)

    @asset(
        deps=["user_embeddings", "user_sequences", "dim_ga4__users"],
        group_name="clusters",
        kinds={"scikitlearn"},
        code_version="5",
    )
    def cluster_model(
        context: dg.AssetExecutionContext, config: ClusterConfig, compute: ComputeResource, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[Any]:
        """K-Means centroids over the latest behavior vector of each user with enough events, with the choice of k.

        Fewer than 200 such users are in one cluster, and no k is chosen that has a cluster of fewer than 20; `why` says
        so.

        Likely clusters of users with fewer events are learned from the first events of these users.

        Continuing clusters keep their key, and a key is never reused; `beha2vec.cluster_lineage` says which were kept,
        split, born, merged or are gone. Readers see the model once `user_clusters` has assigned all days with it.
        """
        storage = settings.storage
        with scratch(storage.data_dir, SPILL) as folder:
            with warehouse.connect("cluster_model: read") as connection:
                version = version_in_use(connection)
                before, used = models.current_cluster_model(connection), models.used_keys(connection)
                try:
                    keys, vectors, earlier, too_little = models.users_to_cluster(connection, version, folder)
                except ValueError as error:
                    raise dg.Failure(str(error), allow_retries=False) from None
                outcome = models.outcome_of(connection, keys)
            fitted = clusters.fit_clusters(
                vectors,
                k=config.k,
                k_range=(config.smallest_k, config.largest_k),
                seed=config.seed,
                model_version=version,
                earlier=None if config.begin_anew else earlier,
                outcome=outcome.values,
                minibatch_above=config.minibatch_above,
                compute=compute.open(),
            )
            context.log.info(fitted.why)
            model, lineage = clusters.keep_keys(fitted, vectors, earlier, used)
            encoder = partial(load_encoder, storage.encoders_path / version, "cpu")
            model = models.with_posterior(model, encoder, storage.sequences_path, keys, vectors)
            labels = model.assign(vectors).cluster_key
            curve = model.curve.to_dict("records")
            with warehouse.connect("cluster_model: write") as connection:
                digest = models.write_cluster_model(
                    connection,
                    storage.cluster_models_path,
                    model,
                    len(vectors),
                    lineage,
                    before.version if before else None,
                )
                about = relation_metadata(connection, "beha2vec.cluster_models")
            return made(
                about,
                version=digest,
                cluster_model_version=digest,
                model_version=version,
                k=model.k,
                why=model.why,
                outcome=outcome.name,
                users=len(vectors),
                users_with_too_little_evidence=too_little,
                largest_share=float(model.shares.max()),
                before=before.version if before else "none",
                lineage=markdown_table(list(lineage[0]._fields), lineage),
                choice_of_k=picture(plots.choice_of_k(curve, outcome.name), "choice of k"),
                user_map=picture(plots.user_map(model.project_2d(vectors), labels), "users by cluster"),
                curve=markdown_table(list(model.curve.columns), [tuple(row.values()) for row in curve]),
                **_likely_clusters(model.posterior),
                **(_dense_groups(model, vectors, labels) if config.explore_hdbscan else {}),
            )

    @asset(
        partitions_def=daily,
        deps=["user_embeddings", "cluster_model"],
        group_name="clusters",
        kinds={"scikitlearn", "duckdb"},
        code_version="4",
    )
    def user_clusters(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
        """The cluster of each user active that day, with the distance to its center and the margin to the second best.

        Users with too little evidence are in cluster -1, without distance and margin, but with their likely cluster.
        `beha2vec.user_clusters_current` has each user's latest row. A new cluster model serves beside the old one until
        it has assigned every day that has vectors; then readers are switched, in one transaction.
        """
        days = days_of(context)
        with warehouse.connect("user_clusters: models") as connection:
            current, newest = models.current_cluster_model(connection), models.newest_cluster_model(connection)
            if newest is None:
                raise dg.Failure("there is no cluster model yet: materialize cluster_model first")
            # one fitted on an encoder that has been replaced since is not used
            refitted = current is None or newest.model_version == current.model_version
            used = list(dict.fromkeys(model for model in (current, newest if refitted else None) if model))
        for model in used:
            counts = models.assign_days(warehouse, settings.storage.cluster_models_path, model, days)
        with warehouse.connect("user_clusters: readers") as connection:
            waiting = models.show_to_readers(connection, used[-1])
            about = relation_metadata(connection, "beha2vec.user_clusters_current")
            sizes = dict(
                connection.execute(
                    "select cluster_key, count(*) from beha2vec.user_clusters_current group by all order by all"
                ).fetchall()
            )
            steps, totals = funnel(connection), find_totals(connection)
        if waiting:
            context.log.warning(f"readers keep the old clusters until user_clusters is materialized for {waiting}")
        for day in days:
            context.add_asset_metadata({"dagster/partition_row_count": counts[day]}, partition_key=day.isoformat())
        return made(
            about,
            cluster_model_versions=[model.version for model in used],
            waiting_for_days=waiting or "none",
            clusters=totals.clusters,
            users_in_clusters=totals.clustered_users,
            users=totals.users,
            from_events_to_clusters=markdown_table(
                ["step", "how many", "lost on the way", "of", "why"],
                [
                    (step.name, step.count, *((loss.count, f"{loss.of}s", loss.why) if loss else (None, None, None)))
                    for step in steps
                    for loss in step.losses or (None,)
                ],
                longest=1000,
            ),
            cluster_sizes=picture(plots.cluster_sizes(sizes), "cluster sizes"),
        )

    @asset(
        # a promotion switches readers to other clusters and does not make user_clusters: the job train_encoder waits
        deps=["user_clusters", "trained_encoder"],
        group_name="clusters",
        kinds={"duckdb"},
        code_version="1",
    )
    def cluster_members(warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
        """Users to look at: the most typical five of each cluster, and five at its edge with the second best one."""
        with warehouse.connect("cluster_members") as connection:
            current = models.current_cluster_model(connection)
            if current is None:
                raise dg.Failure(
                    "readers see no clusters yet: materialize cluster_model, then user_clusters for all days"
                )
            connection.register(
                "members", clusters.find_members(connection, current.load(settings.storage.cluster_models_path))
            )
            replace_partition(connection, "beha2vec.cluster_members", "select * from members", "true")
            about = relation_metadata(connection, "beha2vec.cluster_members")
        return made(about)

    @asset(
        # a promotion switches readers to other clusters and does not make user_clusters: the job train_encoder waits
        deps=[
            "user_clusters",
            "user_predictions",
            "trained_encoder",
            "dim_ga4__users",
            "dim_ga4__properties",
            "dim_ga4__pages",
            "fct_ga4__sessions",
            "fct_ga4__page_views",
            "fct_ga4__funnel_sessions",
            "fct_ga4__purchases",
            "stg_ga4__event_items",
            "int_ga4__identity_map",
            "ml_ga4__sequence_events",
            "enriched_pages",
        ],
        group_name="clusters",
        kinds={"duckdb"},
        code_version="4",
    )
    def cluster_profiles(warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
        """The facts of each cluster, compared with all users: sizes, behavior, pages, themes, channels.

        Long table: cluster_key, fact_id, metric, feature, value, population_value, lift, z, interval, support,
        effect_size, q_value, significant. Beside it `beha2vec.cluster_transitions` (between clusters), `cluster_paths`
        (through the site) and `buying_paths` (what users had done before they became buyers).
        """
        with (
            warehouse.connect("cluster_profiles") as connection,
            profiles.clusters_read_once(connection, profiles.WAREHOUSE) as sources,
        ):
            asked = (connection, sources)
            facts, buying = profiles.build_profiles(*asked, progress=True), profiles.buying_paths(*asked)
            currency = profiles.currency_of(*asked)
            unfilled = profiles.unfilled_texts(*asked, titles="ga4.dim_ga4__pages")
            tables = {
                "cluster_profiles": facts,
                "cluster_transitions": profiles.cluster_transitions(*asked),
                "cluster_paths": profiles.cluster_paths(*asked),
                "buying_paths": buying.rows,
            }
            with transaction(connection):  # all four are of one moment
                for table, rows in tables.items():
                    connection.register("made", rows)
                    connection.execute(f"delete from beha2vec.{table}")
                    connection.execute(f"insert into beha2vec.{table} by name select * from made")
            about = relation_metadata(connection, "beha2vec.cluster_profiles")
            pages = connection.execute(
                """select cluster_key, feature, lift from beha2vec.cluster_profiles
                where metric = 'page_share' and lift is not null order by cluster_key, z desc"""
            ).fetchall()
        by_metric = Counter(facts["metric"])
        significant = facts.loc[facts["significant"].fillna(False), "metric"].value_counts()
        return made(
            about,
            over_represented_pages=picture(plots.over_represented(pages), "over-represented pages"),
            facts_by_metric=markdown_table(
                ["metric", "facts", "significant"],
                [(metric, n, int(significant.get(metric, 0))) for metric, n in by_metric.most_common()],
            ),
            facts_tested=int(facts["q_value"].notna().sum()),
            facts_significant=int(significant.sum()),
            transitions=len(tables["cluster_transitions"]),
            path_steps=len(tables["cluster_paths"]),
            buying_paths=buying.note,
            money=currency.why,
            unfilled_texts=len(unfilled),
            unfilled_texts_most_frequent=markdown_table(
                list(unfilled.columns), list(unfilled.head(_UNFILLED_SHOWN).itertuples(index=False, name=None))
            ),
        )

    return [cluster_model, user_clusters, cluster_members, cluster_profiles]


def _likely_clusters(posterior: ClusterPosterior | None) -> dict[str, Any]:
    if posterior is None:
        return {"likely_clusters": "none: there is only one cluster, or too few users have sequences"}
    return {
        "likely_clusters_threshold": posterior.threshold,
        "likely_clusters_calibration_error": calibration_error(posterior.reliability),
        "likely_clusters_parts": sum(one.parts for one in posterior.reliability),
        "likely_clusters_reliability": picture(plots.reliability(posterior.reliability), "reliability"),
        "likely_clusters_by_probability": markdown_table(posterior.reliability[0]._fields, posterior.reliability),
    }


def _dense_groups(model: ClusterModel, vectors: VectorFile, labels: npt.NDArray[np.int32]) -> dict[str, Any]:
    found = clusters.find_dense_groups(vectors, labels, seed=model.seed)
    rows = [(number, *row) for number, row in enumerate(found.groups.itertuples(index=False), start=1)]
    return {
        "dense_groups": len(rows),
        "dense_groups_of_users": found.users,
        "users_in_no_dense_group": found.noise_share,
        "dense_groups_ari_with_clusters": found.ari,
        "dense_groups_by_size": markdown_table(["group", "users", "mostly in cluster", "share of it there"], rows),
    }
