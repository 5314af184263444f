"""Everyone else, by the similarity of their identity vector to those of the seeds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beha2vec_core.lookalikes.nearest import VECTORS, nearest_sql, seeds_sql
from beha2vec_core.store.vectors import as_matrix

Vectors = NDArray[np.float32]  # [n, dim], unit length
Method = Literal["centroid", "nearest"]
METHODS: tuple[Method, ...] = ("centroid", "nearest")

NEAREST = 10  # seeds that `nearest` takes the mean over
MOST_COMPARED = 500  # seeds that single users are compared with; of longer lists a sample is
CHUNK_ROWS = 16_384
_NO_SEED = "no seed has a reliable vector: choose users who were active more than a few times in the published days"


@dataclass(frozen=True)
class Candidates:
    """Who may be in the list. Seeds never are, nor users with too few events for a vector to rely on.

    Attributes:
        without_converters: leave out users with a conversion, as the property defines them.
    """

    without_converters: bool = False

    @property
    def joins(self) -> str:
        """SQL: joins that leave users out, beside the seeds."""
        return "anti join ga4.fct_ga4__conversions using (user_key)" if self.without_converters else ""

    @property
    def sql(self) -> str:
        """The candidates, as the rest of a query after FROM; wants the table ``_seeds``."""
        return f"{VECTORS} as users anti join _seeds using (user_key) {self.joins} where not low_evidence"


EVERYONE = Candidates()


@contextmanager
def seeds_joined(connection: duckdb.DuckDBPyConnection, user_keys: Sequence[str]) -> Iterator[None]:
    """Within it, ``_seeds`` is a table of these users."""
    connection.register("_seeds", pd.DataFrame({"user_key": pd.Series(list(user_keys), dtype="str")}))
    try:
        yield
    finally:
        connection.unregister("_seeds")


def rank(
    connection: duckdb.DuckDBPyConnection,
    user_keys: Sequence[str],
    method: Method = "centroid",
    candidates: Candidates = EVERYONE,
    limit: int = 1_000,
) -> pd.DataFrame:
    """The candidates most similar to the seeds, the most similar first.

    Args:
        user_keys: the seeds; those without a vector, or with too little evidence, do not count.
        method: ``centroid``: cosine with the seeds' mean vector. ``nearest``: mean cosine with the ten nearest seeds
            (all, where there are fewer; of more than 500 seeds a sample is compared).
        candidates: who may be in the list.

    Returns:
        rank (1 is the most similar), user_key, score (-1 to 1), n_events, cluster_key, user_pseudo_id, user_id,
        is_ads_consented. Equal scores are in the order of user_key. For ``nearest`` users are read in pieces of 16,384.

    Raises:
        ValueError: no seed has a reliable vector.
    """
    with seeds_joined(connection, user_keys):
        if method == "centroid":
            if not count_seeds(connection):
                raise ValueError(_NO_SEED)
            # all in DuckDB, in a tenth of the time
            found = connection.execute(nearest_sql("from _seeds", str(limit), candidates.joins)).df()
        else:
            found = _nearest_seeds(connection, seed_vectors(connection), candidates, limit)
    found.insert(0, "rank", np.arange(1, len(found) + 1))
    return _described(connection, found)


def _nearest_seeds(
    connection: duckdb.DuckDBPyConnection, seeds: Vectors, candidates: Candidates, limit: int
) -> pd.DataFrame:
    """user_key and score of the best."""
    keys: list[NDArray[np.object_]] = [np.empty(0, dtype=object)]
    scores: list[Vectors] = [np.empty(0, dtype=np.float32)]
    for some, vectors in _pieces(connection, f"select user_key, identity from {candidates.sql}"):
        keys.append(some)
        scores.append(_likeness(vectors, seeds))
        if sum(map(len, keys)) > 4 * limit + CHUNK_ROWS:  # drop what can no longer be in the list
            keys, scores = _best(keys, scores, limit)
    keys, scores = _best(keys, scores, limit)
    return pd.DataFrame({"user_key": pd.Series(keys[0], dtype="str"), "score": scores[0].astype(np.float64)})


def _likeness(vectors: Vectors, seeds: Vectors) -> Vectors:
    """The mean cosine of each vector [n, dim] with the seeds [m, dim] that are nearest to it: float32 [n]."""
    compared = seeds[:MOST_COMPARED]
    nearest = min(NEAREST, len(compared))
    cosines = vectors @ compared.T
    return np.asarray(np.partition(cosines, -nearest, axis=1)[:, -nearest:].mean(axis=1), dtype=np.float32)


def seed_vectors(connection: duckdb.DuckDBPyConnection) -> Vectors:
    """Vectors of ``_seeds`` in an order that has nothing to do with the users, so that the first ones are a sample.

    Of more than 20,000 seeds these are enough.
    """
    found = [vectors for _, vectors in _pieces(connection, seeds_sql("from _seeds"))]
    if not found:
        raise ValueError(_NO_SEED)
    return np.concatenate(found)


def count_seeds(connection: duckdb.DuckDBPyConnection) -> int:
    """How many of ``_seeds`` have a vector to rely on."""
    ((seeds,),) = connection.execute(
        """select count(*) from beha2vec.user_embeddings_current semi join _seeds using (user_key)
        where not low_evidence"""
    ).fetchall()
    return int(seeds)


def sample_vectors(connection: duckdb.DuckDBPyConnection, candidates: Candidates, rows: int) -> tuple[Vectors, int]:
    """Vectors of a sample of the candidates, always the same one, and how many candidates there are."""
    ((total,),) = connection.execute(f"select count(*) from {candidates.sql}").fetchall()
    query = f"select user_key, identity from {candidates.sql} order by md5(user_key), user_key limit {rows}"
    if total > 2 * rows:  # the vectors of all would be sorted
        query = f"""select user_key, identity from beha2vec.user_embeddings_current
            semi join (select user_key from {candidates.sql} order by md5(user_key), user_key limit {rows})
            using (user_key) order by md5(user_key), user_key"""
    found = [vectors for _, vectors in _pieces(connection, query)]
    return (np.concatenate(found) if found else np.empty((0, 1), dtype=np.float32)), int(total)


def _pieces(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[NDArray[np.object_], Vectors]]:
    """Keys and unit vectors of a query of user_key and identity, some rows at a time."""
    for batch in connection.sql(query).to_arrow_reader(CHUNK_ROWS):
        if not batch.num_rows:
            continue
        vectors = as_matrix(batch.column("identity"))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        yield batch.column("user_key").to_numpy(zero_copy_only=False), vectors / np.maximum(lengths, 1e-12)


def _best(
    keys: list[NDArray[np.object_]], scores: list[Vectors], limit: int
) -> tuple[list[NDArray[np.object_]], list[Vectors]]:
    joined, values = np.concatenate(keys), np.concatenate(scores)
    if len(values) > limit:  # strings are slow to sort
        able = values >= np.partition(values, -limit)[-limit]
        joined, values = joined[able], values[able]
    order = np.lexsort((joined.astype(str), -values))[:limit]
    return [joined[order]], [values[order]]


def _described(connection: duckdb.DuckDBPyConnection, found: pd.DataFrame) -> pd.DataFrame:
    connection.register("_found", found)
    try:
        return connection.execute(
            """select rank, user_key, score, n_events, cluster_key, user_pseudo_id, user_id, is_ads_consented
            from _found left join beha2vec.user_embeddings_current using (user_key)
            left join beha2vec.user_clusters_current using (user_key)
            left join ga4.dim_ga4__users using (user_key) order by rank"""
        ).df()
    finally:
        connection.unregister("_found")
