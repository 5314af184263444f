"""What a language model may read of groups of users: nothing of fewer than ``min_users``, not even as a difference.

Every number is rounded at random (`beha2vec_core.store.anonymous.Rounding`), so that all users less those of the
other clusters are not those of the one that is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from beha2vec_core.chat.data.database import NotInData
from beha2vec_core.chat.data.funnels import Funnel, FunnelStep
from beha2vec_core.chat.data.published import Cluster, Fact, FactSheet, Published
from beha2vec_core.insights.prompts import fact_as_data
from beha2vec_core.profiles.statistics import wilson_interval
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.store.anonymous import ALL, Rounding, group_of
from beha2vec_core.words import days, number


class Groups:
    """The clusters of a published database as they may be sent.

    Args:
        data: the published database.
        min_users: smaller groups are left out, and numbers that only they contribute to.
    """

    def __init__(self, data: Published, min_users: int) -> None:
        """Read nothing yet."""
        self._data = data
        self._min_users = min_users

    def names(self) -> dict[int, str]:
        """Clusters that may be sent, with their names."""
        return {c.key: c.name for c in self._data.overview().clusters if c.users >= self._min_users}

    def checked(self, cluster: int) -> int:
        """The cluster's key.

        Raises:
            NotInData: there is no such cluster, or it may not be sent.
        """
        found = {c.key: c.users for c in self._data.overview().clusters}
        if cluster not in found:
            raise NotInData(f"there is no cluster {cluster}; there are {', '.join(map(str, sorted(self.names())))}")
        if found[cluster] < self._min_users:
            raise NotInData(f"cluster {cluster} has fewer than {self._min_users} users: nothing of it is sent")
        return cluster

    def sheets(self) -> dict[int, FactSheet]:
        """The facts of each cluster, as of `sheet`."""
        return {key: self._without_rare(sheet) for key, sheet in self._data.sheets().items()}

    def sheet(self, cluster: int) -> FactSheet:
        """The facts of a cluster, without pages, countries ... of few users: even the names would reveal something."""
        return self._without_rare(self._data.sheet(cluster))

    def _without_rare(self, sheet: FactSheet) -> FactSheet:
        kept = (f for f in sheet.facts if f.feature is None or not f.describes_few(self._min_users))
        return FactSheet(sheet.cluster_key, tuple(fact for fact in kept if fact.metric != "user_share"))

    def facts(self, facts: Iterable[Fact]) -> list[dict[str, object]]:
        """Facts as data; those of few users without their numbers."""
        rounding = self._data.rounding()
        return [fact_as_data(fact, rounding, self._min_users) for fact in facts]

    def size(self, cluster: Cluster, everybody: int) -> dict[str, str]:
        """Users of a cluster, and their share of all."""
        rounding = self._data.rounding()
        users, of_all = rounding.users(group_of(cluster.key), cluster.users), rounding.users(ALL, everybody)
        return {"users": f"{users:,}", "share_of_users": number(min(users / of_all, 1.0), "share")}

    def highlight(self, row: dict[str, Any]) -> dict[str, Any]:
        """A highlight as data; of few users without its numbers, and never with exact counts."""
        data = {name: row[name] for name in ("headline", "kind", "metric", "dimension", "segment")}
        data |= {"days": days(row["first_day"], row["last_day"])}
        if row["before_first_day"]:
            data["days_before"] = days(row["before_first_day"], row["before_last_day"])
        if row["fewest_users"] < self._min_users:
            return data | {"numbers": f"of fewer than {self._min_users} users"}
        rounding = self._data.rounding()
        shown = ("value", "other_value") if METRICS[row["metric"]].unit == "share" else ("effect",)
        rounded = {
            name: rounding.total(f"highlight {row['highlight_id']} {name}", row[name], row["fewest_users"])
            for name in shown
            if row[name] is not None
        }
        return data | {name: f"{100 * number:.2g}%" for name, number in rounded.items()}

    def count(self, count: int, users: int | None = None) -> str:
        """A number of users, or of what so many users did at most."""
        if 0 < count < self._min_users:
            return f"fewer than {self._min_users}"
        return f"{self._data.rounding().total(ALL, count, min(count, users or count)):,.0f}"

    def moves(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Moves from a cluster to another as data."""
        rounding = self._data.rounding()
        for row in rows:
            group = f"from {row['from_cluster']} to {row['to_cluster']}"
            share = min(rounding.total(group, float(row["share"]), row["users"]), 1.0)
            data = {name: row[name] for name in ("from_cluster", "to_cluster")}
            yield data | {"users": rounding.users(group, row["users"]), "share": number(share, "share")}

    def paths(self, cluster: int, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Steps between page types of a cluster's users as data."""
        rounding, overview = self._data.rounding(), self._data.overview()
        size = next(one.users for one in overview.clusters if one.key == cluster)
        for row in rows:
            share = rounding.share(group_of(cluster), row["users"], size)
            data = {name: row[name] for name in ("from_step", "to_step")}
            data |= {"users": rounding.users(group_of(cluster), row["users"]), "share": number(share, "share")}
            everywhere = round(float(row["population_share"]) * overview.users)
            of_all = rounding.share(ALL, everywhere, overview.users)
            if not self._is_few(overview.users - everywhere):
                data |= {"all_users": number(of_all, "share"), "times_all_users": number(share / of_all, "lift")}
            yield data

    def before_buying(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """What users did before they became buyers as data; not what few did, or all but few."""
        rounding = self._data.rounding()
        for row in rows:
            movers, stayed = row["movers"], row["support"] - row["movers"]
            everybody = round(movers / float(row["movers_share"]))
            if any(map(self._is_few, (movers, everybody - movers, stayed))):
                continue
            matched = min(rounding.total("stayed", float(row["matched_share"]), stayed), 1.0)
            data = {name: row[name] for name in ("kind", "feature", "significant")}
            yield data | {
                "movers": rounding.users("movers", movers),
                "movers_share": number(rounding.share("movers", movers, everybody), "share"),
                "matched_share": number(matched, "share"),
            }

    def _is_few(self, users: int) -> bool:
        return 0 < users < self._min_users

    def funnel(self, funnel: Funnel) -> dict[str, Any]:
        """A cluster's funnel as data, and where its checkouts without an order end."""
        rounding, group = self._data.rounding(), group_of(funnel.cluster_key)
        # one user with many sessions is one user
        judged = min(funnel.bought_users, funnel.lost_users) >= self._min_users
        without: dict[str, Any] | str = "too few to judge"
        if judged:
            checkouts = rounding.total(group, funnel.checkouts, funnel.checkout_users)
            lost = rounding.total(group, funnel.checkouts - funnel.bought, funnel.lost_users)
            low, high = wilson_interval([min(lost, checkouts)], [checkouts])
            without = {
                "share": number(min(lost / checkouts, 1.0), "share"),
                "interval_95": [number(float(end[0]), "share") for end in (low, high)],
                "of_checkouts": round(checkouts),
                "last_pages": [
                    {"page": page, "sessions": round(rounding.total(group, sessions, users))}
                    for page, sessions, users in self._data.checkout_exits(funnel.cluster_key)
                    if users >= self._min_users
                ],
            }
        return {"steps": self._steps(funnel, rounding), "checkouts_without_order": without}

    def _steps(self, funnel: Funnel, rounding: Rounding) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = []

        def sessions(step: FunnelStep) -> float:
            return rounding.total(group_of(funnel.cluster_key), step.sessions, step.contributors)

        earlier = [None, *(step.users for step in funnel.steps[:-1])]
        for step, following, before in zip(funnel.steps, [*funnel.steps[1:], None], earlier, strict=True):
            entry: dict[str, Any] = {"step": step.name, "sessions": round(sessions(step))}
            stopped = (step.users - following.users, step.stopped_users) if following is not None else ()
            goes_on = following is not None and following.contributors >= self._min_users
            if step.contributors < self._min_users:
                entry["sessions"] = f"of fewer than {self._min_users} users"
            elif before is not None and 0 < before - step.users < self._min_users:
                entry["sessions"] = f"of all but fewer than {self._min_users} users"
            elif following is not None and goes_on and not any(map(self._is_few, stopped)):
                went_on = min(sessions(following) / sessions(step), 1.0)
                entry |= {"went_on": number(went_on, "share"), "stopped": number(1 - went_on, "share")}
            steps.append(entry)
        return steps
