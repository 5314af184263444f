"""Members to look at: the most typical users of each cluster, and those who stand at its edge."""

import duckdb
import pyarrow as pa

from beha2vec_core.clusters.model import ClusterModel
from beha2vec_core.store.vectors import as_matrix


def find_members(connection: duckdb.DuckDBPyConnection, model: ClusterModel, each: int = 5) -> pa.Table:
    """A few users of each cluster that readers see: columns of ``beha2vec.cluster_members``, ordered by its key.

    typical: those nearest to the centroid. The sum of squared distances from a user to all others of the cluster is
    least for the one nearest to their mean, so the first of them is the medoid as of the fit, whatever the cluster's
    size, without comparing all pairs. edge: those with the smallest margin to ``other_key``, their second best cluster;
    none where there is only one cluster. Equals are ordered by user_key.

    Args:
        each: users of a role in a cluster.
    """
    roles = {"typical": "distance"} | ({"edge": "margin"} if model.k > 1 else {})
    ranked = " union all ".join(
        f"""select cluster_key, '{role}' as role, event_date, model_version, user_key, distance, margin,
            row_number() over (partition by cluster_key order by {figure}, user_key)::integer as rank
        from placed qualify rank <= {int(each)}"""
        for role, figure in roles.items()
    )
    found = connection.sql(
        f"""with placed as (from beha2vec.user_clusters_current where cluster_key >= 0)
        select cluster_key, role, rank, user_key, distance, margin, behavior from ({ranked})
        join beha2vec.user_embeddings using (event_date, model_version, user_key)
        order by cluster_key, role, rank"""
    ).to_arrow_table()
    other: pa.Array = pa.nulls(found.num_rows, pa.int32())
    if model.k > 1 and found.num_rows:
        other = pa.array(model.second_best(as_matrix(found["behavior"])))
    return found.drop_columns("behavior").append_column("other_key", other)
