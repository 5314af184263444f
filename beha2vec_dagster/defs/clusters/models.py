"""What clustering and the promotion of an encoder share: cluster models in the warehouse, days assigned by one."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg
import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beha2vec_core.clusters import ClusterModel, Lineage, fit_posterior
from beha2vec_core.clusters.kmeans import nearest
from beha2vec_core.clusters.unit import normalise
from beha2vec_core.events.user_sequences import latest_sequences
from beha2vec_core.progress import with_progress
from beha2vec_core.store.vectors import FILE_NAME, VectorFile, as_matrix
from beha2vec_core.store.warehouse import replace_partition
from beha2vec_core.words import counted
from beha2vec_dagster.lib.resources import WarehouseResource

if TYPE_CHECKING:
    from beha2vec_core import BehaviorEncoder

POSTERIOR_USERS = 10_000  # at most, to fit likely clusters on
_ROWS_AT_ONCE = 65_536


class ClusterModelVersion(NamedTuple):
    """A cluster model, and the encoder whose vectors it assigns."""

    version: str
    model_version: str

    def load(self, folder: Path) -> ClusterModel:
        """The model itself, from the folder of cluster models."""
        return ClusterModel.load(folder / f"{self.version}.npz")


def current_cluster_model(connection: duckdb.DuckDBPyConnection) -> ClusterModelVersion | None:
    """The one that readers see, if any."""
    return _of_view(connection, "beha2vec.cluster_model_current")


def newest_cluster_model(connection: duckdb.DuckDBPyConnection) -> ClusterModelVersion | None:
    """The one fitted last, if any."""
    return _of_view(connection, "beha2vec.cluster_model_newest")


def _of_view(connection: duckdb.DuckDBPyConnection, view: str) -> ClusterModelVersion | None:
    found = connection.execute(f"select cluster_model_version, model_version from {view}").fetchall()
    return ClusterModelVersion(*found[0]) if found else None


def used_keys(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Every cluster key there ever was."""
    keys = """select cluster_key from beha2vec.cluster_lineage
        union select cluster_key from beha2vec.user_clusters where cluster_key >= 0"""
    return [int(key) for (key,) in connection.execute(keys).fetchall()]


def users_to_cluster(
    connection: duckdb.DuckDBPyConnection, version: str, folder: Path
) -> tuple[pa.ChunkedArray, VectorFile, npt.NDArray[np.int32], int]:
    """Users with enough evidence: the others would be a guess, and pull centroids towards noise.

    Returns:
        their user_keys, in order; as the encoder sees them at their latest [n, dim]; the cluster that readers see each
        in [n], -1 for none; and the number of users with too little evidence.

    Raises:
        dg.Failure: the encoder has embedded no users yet, or another encoder has days that it lacks.
        ValueError: no user has enough events.
    """
    require_one_version(connection, version)
    latest = """with latest as (
        select user_key, low_evidence, behavior from beha2vec.user_embeddings where model_version = $version
        qualify row_number() over (partition by user_key order by event_date desc) = 1)"""
    ((users, too_little),) = connection.execute(
        f"{latest} select count(*), count(*) filter (low_evidence) from latest", {"version": version}
    ).fetchall()
    if users == 0:
        raise dg.Failure(f"encoder {version} has no vectors yet: materialize user_embeddings for the days to cluster")
    if users == too_little:
        raise ValueError(
            f"all {users:,} users have too few events: fewer than the encoder's "
            "min_events. Materialize more days, or train an encoder with a smaller min_events"
        )
    others: list[pa.RecordBatch] = []

    def vectors() -> Iterator[pa.Array]:
        found = connection.sql(
            f"""{latest} select behavior, user_key, coalesce(cluster_key, -1)::integer as earlier_key from latest
            left join beha2vec.user_clusters_current using (user_key) where not low_evidence order by user_key""",
            params={"version": version},
        )
        for batch in found.to_arrow_reader(_ROWS_AT_ONCE):
            others.append(batch.select(["user_key", "earlier_key"]))
            yield batch["behavior"]

    file = VectorFile.write(folder / FILE_NAME, vectors())
    rest = pa.Table.from_batches(others)
    return rest["user_key"], file, rest["earlier_key"].to_numpy(), too_little


def with_posterior(
    model: ClusterModel,
    encoder: "Callable[[], BehaviorEncoder]",
    sequences: Path,
    users: pa.ChunkedArray,
    vectors: VectorFile,
) -> ClusterModel:
    """The model with a posterior fitted on the first events of users who are in a cluster.

    Args:
        encoder: loads the encoder of the vectors; called only if there are sequences.
        sequences: the folder of the users' sequences.
        users: the user_keys of the vectors.
        vectors: the vectors that were clustered [n, dim].
    """
    if not any(sequences.glob("*/*.parquet")):  # removed by their retention
        return replace(model, posterior=None)
    latest, loaded = latest_sequences(sequences, POSTERIOR_USERS, users), encoder()
    rows = pc.index_in(latest["user_key"], value_set=users).to_numpy()
    found = nearest(normalise(vectors[rows]), model.centroids)
    cluster = dict(zip(latest["user_key"].to_pylist(), found, strict=True))
    early = [loaded.encode(latest, first=n) for n in range(1, loaded.config.min_events)]
    if not early:  # no user has too few events
        return replace(model, posterior=None)
    encoded = pa.concat_tables(early)
    keys = encoded["user_key"].to_pylist()
    labels = np.array([cluster[key] for key in keys])
    posterior = fit_posterior(as_matrix(encoded["behavior"]), labels, keys, model.k, seed=model.seed)
    return replace(model, posterior=posterior)


class Outcome(NamedTuple):
    """What clusters should separate: its name, and whether each had it [n]; None where it does not vary."""

    name: str
    values: npt.NDArray[np.bool_] | None


def outcome_of(connection: duckdb.DuckDBPyConnection, users: pa.ChunkedArray) -> Outcome:
    """Whether each of the users bought; where none of them did, whether they came back."""
    connection.register("users_asked", pa.table({"user_key": users}))
    found = connection.sql(
        """select coalesce(purchases > 0, false) as purchase, coalesce(sessions > 1, false) as "return"
        from users_asked left join ga4.dim_ga4__users using (user_key) order by user_key"""
    ).fetchnumpy()
    connection.unregister("users_asked")
    for name, values in found.items():
        if values.any() and not values.all():
            return Outcome(name, np.asarray(values, dtype=bool))
    return Outcome("none", None)


def require_one_version(connection: duckdb.DuckDBPyConnection, version: str, days: list[date] | None = None) -> None:
    """Refuse to cluster days, all or some, of which the encoder has no vectors though another has.

    Raises:
        dg.Failure: it names the days and the remedy.
    """
    first, last, lacking = connection.execute(
        """select min(event_date), max(event_date), count(*) from (
            select event_date from beha2vec.user_embeddings
            where $days is null or list_contains($days::date[], event_date)
            group by event_date having not bool_or(model_version = $version))""",
        {"days": days, "version": version},
    ).fetchall()[0]
    if lacking:
        raise dg.Failure(
            f"{counted(lacking, 'day')} from {first} to {last} with vectors of another encoder only, not of {version}; "
            "encoders' vectors cannot be compared. Run beha2vec materialize --job reembed_history "
            f"--start {first} --end {last}",
            allow_retries=False,
        )


def write_cluster_model(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    model: ClusterModel,
    users: int,
    lineage: list[Lineage],
    before: str | None,
) -> str:
    """Save a model, its row and its lineage; it has no readers yet. Returns its version, a hash of what it is.

    Args:
        users: how many it was fitted on.
        lineage: what became of the clusters of ``before``, the version that readers see.
        before: None where there is none.
    """
    content = model.centroids.tobytes() + model.keys.tobytes() + model.model_version.encode()
    if model.posterior:
        content += b"".join(array.tobytes() for array in model.posterior.to_arrays().values())
    version = hashlib.blake2b(content, digest_size=8).hexdigest()
    model.save(folder / f"{version}.npz")
    if version != before:  # else nothing has changed, and the lineage of before holds
        connection.register("lineage", pa.Table.from_pylist([row._asdict() for row in lineage]))
        replace_partition(
            connection,
            "beha2vec.cluster_lineage",
            f"""select '{version}' as cluster_model_version, {f"'{before}'" if before else "null"} as before_version, *
            from lineage""",
            f"cluster_model_version = '{version}'",
        )
    connection.execute(
        """insert into beha2vec.cluster_models values (?, ?, ?, ?, ?, ?, null)
        on conflict do update set fitted_at = excluded.fitted_at""",
        [version, model.model_version, model.k, users, model.curve.to_json(orient="records"), _now()],
    )
    return version


def assign_days(
    warehouse: WarehouseResource, folder: Path, model: ClusterModelVersion, days: list[date]
) -> dict[date, int]:
    """Replace the days' assignments by one cluster model. Returns the rows of each day.

    A day at a time: the warehouse is held for moments, and rows come out to the same bits, whatever range was asked
    for.

    Raises:
        dg.Failure: of some of the days there are vectors of another encoder only.
    """
    fitted = model.load(folder)
    with warehouse.connect("user_clusters: versions") as connection:
        require_one_version(connection, model.model_version, days)
    counts: dict[date, int] = {}
    for day in with_progress(days, title="clusters of users", unit="day"):
        with warehouse.connect(f"user_clusters {day}") as connection:
            counts[day] = _assign_day(connection, model, fitted, day)
    return counts


def _assign_day(
    connection: duckdb.DuckDBPyConnection, model: ClusterModelVersion, fitted: ClusterModel, day: date
) -> int:
    users = connection.sql(
        """select event_date, user_key, low_evidence, behavior from beha2vec.user_embeddings
        where model_version = ? and event_date = ? order by user_key""",
        params=[model.model_version, day],
    ).to_arrow_table()
    rows = users.select(["event_date", "user_key"])
    for name, column in _assignments(fitted, users).items():
        rows = rows.append_column(name, [column])
    connection.register("assigned", rows)
    return replace_partition(
        connection,
        "beha2vec.user_clusters",
        f"""select '{model.version}' as cluster_model_version, '{model.model_version}' as model_version, *
        from assigned""",
        f"event_date = date '{day}' and cluster_model_version = '{model.version}'",
    )


def _assignments(model: ClusterModel, users: pa.Table) -> dict[str, pa.Array]:
    """Columns cluster_key, distance, margin, map_x, map_y, likely_cluster, probability of the users.

    Distance and margin are null where there is too little evidence; likely_cluster and probability where there is
    enough, or the model has no posterior. Every user has a place on the map.
    """
    names = ("cluster_key", "distance", "margin", "map_x", "map_y", "likely_cluster", "probability")
    if users.num_rows == 0:
        return {name: pa.array([], pa.float64()) for name in names}
    vectors = as_matrix(users["behavior"])
    low_evidence = users["low_evidence"].to_numpy()
    assigned = model.assign(vectors, low_evidence)
    # NaN is null
    columns = {name: pa.array(getattr(assigned, name), from_pandas=True) for name in assigned._fields}
    places = model.project_2d(vectors)
    likely = model.likely(vectors)
    columns["likely_cluster"] = pa.array(likely.cluster_key, mask=~low_evidence) if likely else pa.nulls(len(vectors))
    columns["probability"] = pa.array(likely.probability, mask=~low_evidence) if likely else pa.nulls(len(vectors))
    return columns | {"map_x": pa.array(places[:, 0]), "map_y": pa.array(places[:, 1])}


def show_to_readers(connection: duckdb.DuckDBPyConnection, model: ClusterModelVersion) -> str:
    """Switch readers to a model, and its encoder, if it has assigned every day with vectors; else say which lack."""
    first, last, lacking = connection.execute(
        """select min(event_date), max(event_date), count(*) from (
            select distinct event_date from beha2vec.user_embeddings where model_version = $model_version
            except select event_date from beha2vec.user_clusters where cluster_model_version = $version)""",
        model._asdict(),
    ).fetchall()[0]
    if lacking:
        return f"{first} to {last}"
    connection.execute(
        """update beha2vec.cluster_models set promoted_at = ? where cluster_model_version = ?
        and cluster_model_version not in (select cluster_model_version from beha2vec.cluster_model_current)""",
        [_now(), model.version],
    )
    return ""


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
