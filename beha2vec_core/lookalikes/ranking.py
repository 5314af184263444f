"""Everyone else, by the similarity of their identity vector to those of the seeds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, get_args

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beha2vec_core.lookalikes.nearest import VECTORS, nearest_sql, seeds_sql
from beha2vec_core.store.vectors import as_matrix

Vectors = NDArray[np.float32]  # [n, dim], unit length
Method = Literal["centroid", "nearest"]
METHODS: tuple[Method, ...] = get_args(Method)

NEAREST = 10  # seeds that `nearest` takes the mean over
MOST_COMPARED = 500  # seeds that single users are compared with; of longer lists a sample is
CHUNK_ROWS = 16_384
# leaves out users with a conversion, as the property defines them
_NO_CONVERTERS = "anti join ga4.fct_ga4__conversions using (user_key)"
_NO_SEED = "no seed has a reliable vector: choose users who were active more than a few times in the published days"


def candidates_sql(without_converters: bool) -> str:
    """Who may be in the list, as the rest of a query after FROM; wants the table ``_seeds``.

    Seeds never are, nor users with too few events for a vector to rely on.
    """
    joins = _NO_CONVERTERS * without_converters
    return f"{VECTORS} as users anti join _seeds using (user_key) {joins} where not low_evidence"


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
    limit: int = 1_000,
    *,
    without_converters: bool = False,
) -> pd.DataFrame:
    """The candidates most similar to the seeds, the most similar first.

    Args:
        user_keys: the seeds; those without a vector, or with too little evidence, do not count.
        method: ``centroid``: cosine with the seeds' mean vector. ``nearest``: mean cosine with the ten nearest seeds
            (all, where there are fewer; of more than 500 seeds a sample is compared).
        without_converters: leave out users with a conversion.

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
            found = connection.execute(nearest_sql("from _seeds", str(limit), _NO_CONVERTERS * without_converters)).df()
        else:
            found = _nearest_seeds(connection, seed_vectors(connection), limit, without_converters)
    found.insert(0, "rank", np.arange(1, len(found) + 1))
    return _described(connection, found)


def _nearest_seeds(
    connection: duckdb.DuckDBPyConnection, seeds: Vectors, limit: int, without_converters: bool
) -> pd.DataFrame:
    """user_key and score of the best."""
    best = pd.DataFrame({"user_key": pd.Series(dtype="str"), "score": pd.Series(dtype="float64")})
    for keys, vectors in _pieces(connection, f"select user_key, identity from {candidates_sql(without_converters)}"):
        some = pd.DataFrame({"user_key": keys, "score": _likeness(vectors, seeds).astype(np.float64)})
        best = pd.concat([best, some]).nlargest(limit, "score", keep="all")  # by numbers: texts are slow to sort
    return best.sort_values(["score", "user_key"], ascending=[False, True]).head(limit)


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


def sample_vectors(
    connection: duckdb.DuckDBPyConnection, rows: int, *, without_converters: bool
) -> tuple[Vectors, int]:
    """Vectors of a sample of the candidates, always the same one, and how many candidates there are."""
    candidates = candidates_sql(without_converters)
    ((total,),) = connection.execute(f"select count(*) from {candidates}").fetchall()
    query = f"select user_key, identity from {candidates} order by md5(user_key), user_key limit {rows}"
    if total > 2 * rows:  # the vectors of all would be sorted
        query = f"""select user_key, identity from beha2vec.user_embeddings_current
            semi join (select user_key from {candidates} order by md5(user_key), user_key limit {rows})
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
