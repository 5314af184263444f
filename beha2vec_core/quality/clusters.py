"""Checks of the clusters that readers see: none holds all users, none is empty."""

from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.quality.check import CheckOutcome, Look

MAX_CLUSTER_SHARE = 0.5
# four weeks: what happens every month is in it, and a night's cost does not grow with history
ACTIVE_DAYS = 28


def no_cluster_swallows_the_rest(look: Look) -> CheckOutcome:
    """Warn of one dominant cluster. Users with too little evidence are in none, and only shown."""
    sizes = _active_users(look)
    unknown = sizes.pop(TOO_LITTLE_EVIDENCE, 0)
    users = sum(sizes.values())
    largest = max(sizes, key=lambda key: sizes[key], default=-1)
    share = sizes[largest] / users if users else 0.0
    passed = share <= MAX_CLUSTER_SHARE or len(sizes) == 1  # users too few to divide are in one cluster
    message = f"cluster {largest} holds {share:.0%} of the users in clusters, active in the last {ACTIVE_DAYS} days"
    figures = {"largest_share": share, "users": users, "users_with_too_little_evidence": unknown}
    return CheckOutcome(passed, figures, "" if passed else message)


def every_cluster_has_users(look: Look) -> CheckOutcome:
    """Warn of clusters of the model in use that no user was in for four weeks."""
    sizes = _active_users(look)
    sizes.pop(TOO_LITTLE_EVIDENCE, None)
    dead = sorted(key for key, users in sizes.items() if not users)
    message = f"no user active in the last {ACTIVE_DAYS} days is in cluster {', '.join(map(str, dead))}"
    smallest = min(sizes.values(), default=0)
    figures = {"clusters": len(sizes), "dead_clusters": len(dead), "smallest": smallest, "dead": dead}
    return CheckOutcome(not dead, figures, message if dead else "")


def _active_users(look: Look) -> dict[int, int]:
    """Users of each cluster of the model that readers see, by the latest of their last four weeks.

    Clusters without such users are there too, and those users of whom too little is known, under their key, if any.
    """
    with look.connect("users of clusters") as connection:
        return dict(
            connection.execute(
                f"""with of_model as (
                    select * from beha2vec.user_clusters where cluster_model_version = (
                        select cluster_model_version from beha2vec.cluster_model_current)),
                latest as (
                    select user_key, max_by(cluster_key, event_date) as cluster_key from of_model
                    where event_date > (select max(event_date) from of_model) - {ACTIVE_DAYS} group by user_key)
                select cluster_key, count(user_key) from (
                    select cluster_key from beha2vec.cluster_lineage
                    where cluster_model_version = (select cluster_model_version from beha2vec.cluster_model_current)
                        and change in ('kept', 'split', 'born')
                    union select cluster_key from latest where cluster_key = {TOO_LITTLE_EVIDENCE})
                left join latest using (cluster_key) group by all order by all"""
            ).fetchall()
        )
