"""Versions that readers have seen: going back to one, and forgetting those too old to go back to."""

from datetime import UTC, date, datetime
from typing import NamedTuple

import duckdb

from beha2vec_core.store.warehouse import transaction

# how the reason of an encoder begins that people went back from
ROLLED_BACK = "rolled back"


class RollbackError(RuntimeError):
    """There is no such version to go back to; the message says which there are."""


class RolledBack(NamedTuple):
    """What readers see now, and the days that came since then: they lack vectors and clusters of this version."""

    model_version: str
    cluster_model_version: str
    lacking: list[date]


def roll_back(connection: duckdb.DuckDBPyConnection, to: str | None = None) -> RolledBack:
    """Show readers an earlier encoder again, with the clusters it had, at once.

    Args:
        to: a model_version; None: the one before the one in use.

    Raises:
        RollbackError: it was never in use, or its vectors are no longer kept.
    """
    # by when readers saw them last, the latest first; of each encoder its last clusters
    kept = connection.execute(
        """select model_version, max_by(cluster_model_version, promoted_at) from beha2vec.cluster_models
        where promoted_at is not null
            and cluster_model_version in (select cluster_model_version from beha2vec.user_clusters)
            and model_version in (select model_version from beha2vec.user_embeddings)
        group by model_version order by max(promoted_at) desc"""
    ).fetchall()
    earlier = dict(kept[1:])
    if not earlier:
        raise RollbackError("there is no earlier encoder to return to")
    target = to or next(iter(earlier))
    if target not in earlier:
        raise RollbackError(f"cannot return to encoder {target}; choose from: {', '.join(earlier)}")
    left, clusters = kept[0][0], earlier[target]
    now = datetime.now(UTC).replace(tzinfo=None)
    with transaction(connection):
        connection.execute(
            "update beha2vec.cluster_models set promoted_at = ? where cluster_model_version = ?", [now, clusters]
        )
        connection.execute(
            "update beha2vec.encoders set refused = ? where model_version = ?", [f"{ROLLED_BACK} to {target}", left]
        )
    lacking = connection.execute(
        """select distinct event_date from beha2vec.user_embeddings where model_version = ? and event_date not in (
            select event_date from beha2vec.user_clusters where cluster_model_version = ?) order by 1""",
        [left, clusters],
    ).fetchall()
    return RolledBack(target, clusters, [day for (day,) in lacking])


def forget_old_versions(connection: duckdb.DuckDBPyConnection, keep: int) -> list[str]:
    """Delete vectors and assignments of encoders that readers saw before the last ``keep``; those stay to go back to.

    Returns the encoders forgotten; their rows in ``beha2vec.encoders`` and their evaluation stay.
    """
    old = connection.execute(
        f"""select model_version from beha2vec.cluster_models where promoted_at is not null
        group by model_version order by max(promoted_at) desc offset {int(keep)}"""
    ).fetchall()
    with_vectors = connection.execute("select distinct model_version from beha2vec.user_embeddings").fetchall()
    forgotten = [version for (version,) in old if (version,) in with_vectors]
    with transaction(connection):
        for table in ("beha2vec.user_embeddings", "beha2vec.user_clusters"):
            connection.execute(f"delete from {table} where list_contains(?::varchar[], model_version)", [forgotten])
    return forgotten
