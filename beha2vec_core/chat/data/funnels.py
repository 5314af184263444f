"""How far sessions of each cluster get in buying, and where checkouts without an order end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from beha2vec_core.chat.data.database import Database, NotInData
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.profiles.text import clean_text

_BY_WEIGHT = "floor(coalesce(pow(sum({n}), 2) / nullif(sum(pow({n}, 2)), 0), 0))::bigint"  # `effective_number`
# Shown as the source of an answer: users can run it unchanged.
FUNNEL_SQL = f"""select cluster_key, step, sum(reached)::bigint as sessions, count_if(reached > 0) as users,
    count_if(is_stopped) as users_stopped, {_BY_WEIGHT.format(n="reached")} as users_by_weight,
    {_BY_WEIGHT.format(n="lost")} as users_without_order_by_weight
from (
    select c.cluster_key, s.step, user_key, count_if(f.furthest_step >= s.step) as reached,
        bool_or(f.furthest_step = s.step) as is_stopped, count_if(f.dropped_after >= s.step) as lost
    from ga4.fct_ga4__funnel_sessions f
    join beha2vec.user_clusters_current c using (user_key)
    cross join (select distinct funnel_step as step from ga4.ga4_event_taxonomy where funnel_step is not null) s
    group by all)
group by all order by all"""

EXITS_SQL = f"""
    select page_key, sum(sessions)::bigint, {_BY_WEIGHT.format(n="sessions")} as users_by_weight from (
        select user_key, page_key, count(*) as sessions from (
            select e.session_key, any_value(e.user_key) as user_key,
                last(e.page_key order by e.event_timestamp, e.event_index) as page_key
            from ga4.ml_ga4__sequence_events e
            join ga4.fct_ga4__funnel_sessions f using (session_key)
            join beha2vec.user_clusters_current c on c.user_key = e.user_key
            where c.cluster_key = ? and f.dropped_after >= (
                select min(funnel_step) from ga4.ga4_event_taxonomy where contains(event_name, 'checkout'))
            group by e.session_key)
        where page_key is not null group by all)
    group by 1 order by 2 desc, 1 limit ?"""


@dataclass(frozen=True)
class FunnelStep:
    """Sessions of a cluster that came to a step of buying (or further), and how many of them went on."""

    name: str
    sessions: int
    users: int
    stopped_users: int  # those of them with a session that did not go further
    contributors: int  # the users by the weight of their sessions
    went_on: int | None  # to the next step that the site records; None at the last

    @property
    def lost(self) -> float | None:
        """Share of sessions that did not go on."""
        return None if self.went_on is None or not self.sessions else 1 - self.went_on / self.sessions


@dataclass(frozen=True)
class Funnel:
    """The steps of buying of one cluster."""

    cluster_key: int
    steps: list[FunnelStep]
    checkouts: int  # sessions that began checkout or went further
    checkout_users: int
    bought: int  # of these
    bought_users: int
    lost_users: int  # with a checkout that was not bought; some of them bought another one

    @property
    def lost(self) -> float | None:
        """Share of checkouts without a purchase."""
        return 1 - self.bought / self.checkouts if self.checkouts else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% interval of `lost`, sessions taken as independent."""
        if not self.checkouts:
            return None
        low, high = wilson_interval([self.checkouts - self.bought], [self.checkouts])
        return float(low[0]), float(high[0])


class Funnels(Database):
    """The funnels of the published database."""

    def funnels(self) -> list[Funnel]:
        """How far sessions of each cluster get in buying."""
        with self._connection() as connection:
            names = dict(
                connection.execute(
                    """select funnel_step, arg_min(event_name, coalesce(tie_order, 1000)) from ga4.ga4_event_taxonomy
                    where funnel_step is not null group by 1 order by 1"""
                ).fetchall()
            )
            rows = connection.execute(FUNNEL_SQL).fetchall()
        recorded = {step for _, step, _, _, stopped, *_ in rows if stopped}
        steps = [step for step in names if step in recorded]
        begins = next((step for step, name in names.items() if "checkout" in name), None)
        funnels = []
        for key in sorted({row[0] for row in rows}):
            of_cluster = {step: list(map(int, counts)) for cluster, step, *counts in rows if cluster == key}
            sessions = {step: counts[0] for step, counts in of_cluster.items()}
            following = dict(pairwise(steps))
            listed = []
            for step in steps:
                name, went_on = clean_text(str(names[step]), limit=40), following.get(step)
                _, users, stopped, weight, _ = of_cluster.get(step, [0] * 5)
                after = sessions.get(went_on, 0) if went_on else None
                listed.append(FunnelStep(name, sessions.get(step, 0), users, stopped, weight, after))
            last = max(names, default=0)
            checkouts, _, _, checkout_users, lost_users = of_cluster.get(begins, [0] * 5)
            bought, _, _, bought_users, _ = of_cluster.get(last, [0] * 5)
            funnels.append(Funnel(int(key), listed, checkouts, checkout_users, bought, bought_users, lost_users))
        if not funnels:
            raise NotInData("no session of a clustered user has a funnel step (view_item, add_to_cart, ...)")
        return funnels

    def checkout_exits(self, cluster_key: int, *, limit: int = 5) -> list[tuple[str, int, int]]:
        """Where checkouts without a purchase end: last page, sessions, users by weight; the most frequent first."""
        with self._connection() as connection:
            rows = connection.execute(EXITS_SQL, [cluster_key, limit]).fetchall()
        return [(clean_text(str(page)), int(sessions), int(users)) for page, sessions, users in rows]
