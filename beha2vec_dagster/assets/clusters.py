"""Clusters of users: the model, who belongs where, and the facts of each cluster."""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from beha2vec_core.warehouse import replace_partition
from beha2vec_dagster import plots
from beha2vec_dagster.metadata import markdown_table, picture, relation_metadata
from beha2vec_dagster.partitions import daily, days_of
from beha2vec_dagster.resources import WarehouseResource
from beha2vec_dagster.settings import settings

if TYPE_CHECKING:
    from beha2vec_core.clusters import ClusterModel, Lineage


class ClusterConfig(dg.Config):
    """How clusters are found."""

    k: int | None = Field(None, description="Number of clusters; empty: chosen by stability.")
    smallest_k: int = Field(4, description="The smallest k to try.")
    largest_k: int = Field(12, description="The largest k to try.")
    seed: int = Field(0, description="Same seed and vectors: same clusters.")
    begin_anew: bool = Field(
        False,
        description="Find clusters without regard to those there are; clusters with the same users keep their key "
        "even so.",
    )


@dg.asset(
    deps=["user_embeddings"],
    group_name="clusters",
    kinds={"scikitlearn"},
    backfill_policy=dg.BackfillPolicy.single_run(),
    code_version="2",
)
def cluster_model(
    context: dg.AssetExecutionContext, config: ClusterConfig, warehouse: WarehouseResource
) -> dg.MaterializeResult[Any]:
    """K-Means centroids over the latest behavior vector of each user, with the curve that chose k.

    Clusters that go on keep their key, and a key is never used again; `beha2vec.cluster_lineage` tells which were kept,
    split, born, merged or are gone. Readers see the model, and the encoder whose vectors it was fitted on, once
    `user_clusters` has assigned all days with it.
    """
    from beha2vec_core.clusters import fit_clusters, keep_keys

    with warehouse.connect("cluster_model: read") as connection:
        version, users = _latest_vectors(connection)
        before = _current_model(connection)
        used_keys = _used_keys(connection)
    vectors, earlier = _matrix(users), users["earlier_key"].to_numpy().astype(np.int32)
    fitted = fit_clusters(
        vectors,
        k=config.k,
        k_range=(config.smallest_k, config.largest_k),
        seed=config.seed,
        model_version=version,
        earlier=None if config.begin_anew else earlier,
    )
    model, lineage = keep_keys(fitted, vectors, earlier, used_keys)
    content = model.centroids.tobytes() + model.keys.tobytes() + version.encode()
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    model.save(_model_file(digest))
    labels = model.assign(vectors).cluster_key
    curve = model.curve.to_dict("records")
    with warehouse.connect("cluster_model: write") as connection:
        if digest != before:
            _write_lineage(connection, digest, before, lineage)
        connection.execute(
            """insert into beha2vec.cluster_models values (?, ?, ?, ?, ?, ?, null)
            on conflict do update set fitted_at = excluded.fitted_at""",
            [digest, version, model.k, len(vectors), model.curve.to_json(orient="records"),
             datetime.now(UTC).replace(tzinfo=None)],
        )  # fmt: skip
        about = relation_metadata(connection, "beha2vec.cluster_models")
    return dg.MaterializeResult(
        data_version=dg.DataVersion(digest),
        metadata=about
        | {
            "cluster_model_version": digest,
            "model_version": version,
            "k": model.k,
            "users": len(vectors),
            "largest_share": float(model.shares.max()),
            "before": before or "none",
            "lineage": markdown_table(list(lineage[0]._fields), lineage),
            "choice_of_k": picture(plots.stability_curve(curve), "choice of k"),
            "user_map": picture(plots.user_map(model.project_2d(vectors), labels), "users by cluster"),
            "curve": markdown_table(list(model.curve.columns), [tuple(row.values()) for row in curve]),
        },
    )


def _current_model(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The cluster model that readers see, if any."""
    found = connection.execute("select cluster_model_version from beha2vec.cluster_model_current").fetchone()
    return str(found[0]) if found else None


def _used_keys(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Every cluster key there ever was."""
    keys = "select cluster_key from beha2vec.cluster_lineage union select cluster_key from beha2vec.user_clusters"
    return [int(key) for (key,) in connection.execute(keys).fetchall()]


def _write_lineage(
    connection: duckdb.DuckDBPyConnection, cluster_version: str, before: str | None, lineage: "list[Lineage]"
) -> None:
    of_before = f"'{before}'" if before else "null"
    rows = pa.table({name: [getattr(row, name) for row in lineage] for name in lineage[0]._fields})
    connection.register("lineage", rows)
    replace_partition(
        connection,
        "beha2vec.cluster_lineage",
        f"""select '{cluster_version}' as cluster_model_version, {of_before} as before_version,
            cluster_key::integer as cluster_key, change, other_key::integer as other_key, users, shared_users
            from lineage""",
        f"cluster_model_version = '{cluster_version}'",
    )


def _latest_vectors(connection: duckdb.DuckDBPyConnection) -> tuple[str, pa.Table]:
    """The newest encoder's version, and by user_key the latest behavior vector and the cluster readers see, else -1."""
    found = connection.execute("select model_version from beha2vec.encoder_newest").fetchall()
    if not found:
        raise dg.Failure("there is no trained encoder yet: materialize trained_encoder, then user_embeddings")
    version = str(found[0][0])
    lacking = connection.execute(
        """select min(event_date), max(event_date), count(distinct event_date) from beha2vec.user_embeddings
        where model_version = (select model_version from beha2vec.encoder_current) and event_date not in (
            select event_date from beha2vec.user_embeddings where model_version = ?)""",
        [version],
    ).fetchall()[0]
    if lacking[2]:
        raise dg.Failure(
            f"the new encoder {version} has embedded fewer days than readers see: {lacking[2]} between {lacking[0]} "
            f"and {lacking[1]} are missing. Materialize user_embeddings for {lacking[0]} to {lacking[1]}, then go on; "
            "until then readers keep the old version"
        )
    table = connection.sql(
        f"""with latest as (
            select user_key, behavior from beha2vec.user_embeddings where model_version = '{version}'
            qualify row_number() over (partition by user_key order by event_date desc) = 1)
        select behavior, coalesce(cluster_key, -1) as earlier_key from latest
        left join beha2vec.user_clusters_current using (user_key) order by user_key"""
    ).to_arrow_table()
    if table.num_rows == 0:
        raise dg.Failure(f"encoder {version} has no vectors yet: materialize user_embeddings for the days to cluster")
    return version, table


def _matrix(table: Any) -> np.ndarray:
    flat = table["behavior"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(table.num_rows, -1) if table.num_rows else flat.reshape(0, 0), dtype=np.float32)


def _assignments(model: "ClusterModel", users: pa.Table) -> dict[str, pa.Array]:
    """Columns cluster_key, distance and margin of the users; empty ones for no users."""
    if users.num_rows == 0:
        return {name: pa.array([], pa.float64()) for name in ("cluster_key", "distance", "margin")}
    assigned = model.assign(_matrix(users))
    return {name: pa.array(getattr(assigned, name)) for name in ("cluster_key", "distance", "margin")}


def _model_file(cluster_model_version: str) -> Path:
    return settings.data_path / "cluster_models" / f"{cluster_model_version}.npz"


@dg.asset(
    partitions_def=daily,
    deps=["user_embeddings", "cluster_model"],
    group_name="clusters",
    kinds={"scikitlearn", "duckdb"},
    backfill_policy=dg.BackfillPolicy.single_run(),
    code_version="1",
)
def user_clusters(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
    """The cluster of each user active that day, with the distance to its centre and the margin to the second best.

    `beha2vec.user_clusters_current` has each user's latest row. A new cluster model serves beside the old one until it
    has assigned every day that has vectors; then readers are switched, in one transaction.
    """
    days = days_of(context)
    with warehouse.connect("user_clusters: read") as connection:
        models = list(
            dict.fromkeys(
                connection.execute(
                    """select cluster_model_version, model_version from beha2vec.cluster_model_current
                    union all select cluster_model_version, model_version from beha2vec.cluster_model_newest"""
                ).fetchall()
            )
        )
        if not models:
            raise dg.Failure("there is no cluster model yet: materialize cluster_model first")
        vectors = {
            version: connection.sql(
                f"""select event_date, user_key, behavior from beha2vec.user_embeddings
                where model_version = '{version}' and event_date between '{days[0]}' and '{days[-1]}'
                order by event_date, user_key"""
            ).to_arrow_table()
            for _, version in models
        }
    counts: dict[date, int] = {}
    with warehouse.connect("user_clusters: write") as connection:
        for cluster_version, version in models:
            counts = _assign(connection, cluster_version, version, vectors[version], days)
        waiting = _promote(connection, *models[-1])
        about = relation_metadata(connection, "beha2vec.user_clusters_current")
        sizes = dict(
            connection.execute(
                "select cluster_key, count(*) from beha2vec.user_clusters_current group by all order by all"
            ).fetchall()
        )
    if waiting:
        context.log.warning(f"readers keep the old clusters until user_clusters is materialized for {waiting}")
    for day in days:
        context.add_asset_metadata({"dagster/partition_row_count": counts[day]}, partition_key=day.isoformat())
    return dg.MaterializeResult(
        metadata=about
        | {
            "cluster_model_versions": [cluster_version for cluster_version, _ in models],
            "waiting_for_days": waiting or "none",
            "cluster_sizes": picture(plots.cluster_sizes(sizes), "cluster sizes"),
        }
    )


def _assign(
    connection: duckdb.DuckDBPyConnection, cluster_version: str, version: str, vectors: pa.Table, days: list[date]
) -> dict[date, int]:
    """Replace the days' assignments by one cluster model.

    A day at a time: rows come out to the same bits, whatever range the run asked for.
    """
    from beha2vec_core.clusters import ClusterModel

    model = ClusterModel.load(_model_file(cluster_version))
    counts: dict[date, int] = {}
    for day in days:
        of_day = vectors.filter(pc.equal(vectors["event_date"], day))
        rows = of_day.select(["event_date", "user_key"])
        for name, column in _assignments(model, of_day).items():
            rows = rows.append_column(name, [column])
        connection.register("assigned", rows)
        counts[day] = replace_partition(
            connection,
            "beha2vec.user_clusters",
            f"""select event_date, '{cluster_version}' as cluster_model_version, '{version}' as model_version, user_key,
                cluster_key::integer as cluster_key, distance::double as distance, margin::double as margin
                from assigned""",
            f"event_date = date '{day}' and cluster_model_version = '{cluster_version}'",
        )
    return counts


def _promote(connection: duckdb.DuckDBPyConnection, cluster_version: str, version: str) -> str:
    """Switch readers to a cluster model if it has assigned every day that has vectors; else say which days lack."""
    first, last, lacking = connection.execute(
        """select min(event_date), max(event_date), count(*) from (
            select distinct event_date from beha2vec.user_embeddings where model_version = $version
            except select event_date from beha2vec.user_clusters where cluster_model_version = $cluster_version)""",
        {"version": version, "cluster_version": cluster_version},
    ).fetchall()[0]
    if lacking:
        return f"{first} to {last}"
    connection.execute(
        """update beha2vec.cluster_models set promoted_at = ? where cluster_model_version = ?
        and cluster_model_version not in (select cluster_model_version from beha2vec.cluster_model_current)""",
        [datetime.now(UTC).replace(tzinfo=None), cluster_version],
    )
    return ""


@dg.asset(
    deps=["user_clusters", "dim_ga4__users", "fct_ga4__sessions", "fct_ga4__page_views", "enriched_pages"],
    group_name="clusters",
    kinds={"duckdb"},
    backfill_policy=dg.BackfillPolicy.single_run(),
    code_version="1",
)
def cluster_profiles(warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
    """The facts of each cluster, always beside the value of all users: sizes, behaviour, pages, themes, channels.

    Long table: cluster_key, fact_id, metric, feature, value, population_value, lift, z, interval, support.
    """
    from beha2vec_core.profiles import ProfileSources, build_profiles

    sources = ProfileSources(
        users_in_clusters="beha2vec.user_clusters_current",
        users="ga4.dim_ga4__users",
        sessions="ga4.fct_ga4__sessions",
        page_views="ga4.fct_ga4__page_views",
        pages="beha2vec.enriched_pages",
    )
    with warehouse.connect("cluster_profiles") as connection:
        facts = build_profiles(connection, sources)
        connection.register("facts", facts)
        replace_partition(connection, "beha2vec.cluster_profiles", "select * from facts", "true")
        about = relation_metadata(connection, "beha2vec.cluster_profiles")
        pages = connection.execute(
            """select cluster_key, feature, lift from beha2vec.cluster_profiles
            where metric = 'page_share' and lift is not null order by cluster_key, z desc"""
        ).fetchall()
    by_metric = Counter(facts["metric"])
    return dg.MaterializeResult(
        metadata=about
        | {
            "over_represented_pages": picture(plots.over_represented(pages), "over-represented pages"),
            "facts_by_metric": markdown_table(["metric", "facts"], list(by_metric.most_common())),
        }
    )
