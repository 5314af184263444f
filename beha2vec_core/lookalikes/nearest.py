"""The users most similar to the average of others, as SQL: one definition, for lists and for rules of audiences."""

VECTORS = "beha2vec.user_embeddings_current"
_MOST_SEEDS = 20_000  # of more, a sample says as much
_WHOLE = 10**12  # parts of a unit: sums of whole numbers do not depend on the order of adding


def seeds_sql(users: str) -> str:
    """SQL of ``user_key`` and ``identity`` of the users who count as seeds: those with a vector to rely on.

    They are in an order that has nothing to do with the users; of more than 20,000 it gives so many.
    """
    return f"""select user_key, identity from {VECTORS} semi join ({users}) using (user_key)
        where not low_evidence order by md5(user_key), user_key limit {_MOST_SEEDS}"""


def nearest_sql(users: str, limit: str, candidates: str = "") -> str:
    """SQL of ``user_key`` and ``score`` of the users most similar to others, the most similar first.

    The score is the cosine with the seeds' mean vector, each seed with length 1. The seeds, and users with too little
    evidence, are not among them. Without a seed there are none.

    Args:
        limit: the most users, as SQL.
        candidates: further joins that leave users out.
    """
    return f"""with seeds as ({seeds_sql(users)}),
        units as (
            select unnest(identity) / greatest(sqrt(list_dot_product(identity, identity)), 1e-12) as value,
                generate_subscripts(identity, 1) as place
            from seeds),
        sums as (select place, sum(round({_WHOLE} * value)::hugeint)::double as value from units group by place),
        center as (select list(value order by place) as identity from sums)
        select user_key, list_cosine_similarity(others.identity, center.identity::float[])::double as score
        from {VECTORS} as others anti join ({users}) using (user_key) {candidates} cross join center
        where not low_evidence and center.identity is not null
        order by score desc, user_key limit {limit}"""
