"""The users most like one user: one definition, for the chat and for the user's page."""

from dataclasses import dataclass

import duckdb


class NoVectorError(LookupError):
    """The user has no vector."""


@dataclass(frozen=True)
class Similar:
    """A user beside another.

    Attributes:
        similarity: cosine of the identity vectors, -1 to 1.
        cluster_key: of the other user; None where they are in none.
    """

    user_key: str
    similarity: float
    cluster_key: int | None


def similar_users(connection: duckdb.DuckDBPyConnection, user_key: str, limit: int) -> list[Similar]:
    """The users whose identity vectors are nearest, the nearest first; those with too little evidence are left out.

    Raises:
        NoVectorError: the user has no vector.
    """
    known = connection.execute(
        "select 1 from beha2vec.user_embeddings_current where user_key = ? limit 1", [user_key]
    ).fetchall()
    if not known:
        raise NoVectorError("this user has no vector: no page views in the days that were embedded")
    rows = connection.execute(
        """with self as (select identity from beha2vec.user_embeddings_current where user_key = $user),
        best as (
            select other.user_key, list_cosine_similarity(other.identity, self.identity) as similarity
            from beha2vec.user_embeddings_current as other cross join self
            where other.user_key <> $user and not low_evidence and len(other.identity) = len(self.identity)
            order by similarity desc, other.user_key limit $limit)
        select user_key, similarity, cluster_key from best left join beha2vec.user_clusters_current using (user_key)
        order by similarity desc, user_key""",
        {"user": user_key, "limit": limit},
    ).fetchall()
    return [Similar(str(key), float(similarity), cluster) for key, similarity, cluster in rows]
