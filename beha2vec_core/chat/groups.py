"""What a language model may read of groups of users: nothing of fewer than ``min_users``, not even as a difference."""

from __future__ import annotations

from typing import Any

from beha2vec_core.chat.published import Fact, FactSheet, Funnel, NotInData, Published
from beha2vec_core.insights.prompts import fact_as_data
from beha2vec_core.insights.wording import number
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.words import days


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

    def are_all_sent(self) -> bool:
        """Whether no cluster is too small."""
        return all(cluster.users >= self._min_users for cluster in self._data.overview().clusters)

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
        few = [f for f in sheet.facts if f.feature is not None and sheet.describes_few(f, self._min_users)]
        return FactSheet(sheet.cluster_key, tuple(fact for fact in sheet.facts if fact not in few))

    def fact(self, fact: Fact, sheet: FactSheet) -> dict[str, object]:
        """A fact as data; of few users without its numbers."""
        data = fact_as_data(fact)
        if fact.metric == "user_share" and not self.are_all_sent():
            # with the exact size of the cluster it would tell the total, and so the size of one that is not sent
            return {"id": data["id"], "says": data["says"], "value": number(round(fact.value, 1), "share")}
        if not sheet.describes_few(fact, self._min_users):
            return data
        few = f"of fewer than {self._min_users} users, or of all but those"
        return {"id": data["id"], "says": data["says"], "value": few}

    def highlight(self, row: dict[str, Any]) -> dict[str, Any]:
        """A highlight as data; of few users without its numbers, and never with exact counts."""
        data = {name: row[name] for name in ("headline", "kind", "metric", "dimension", "segment")}
        data |= {"days": days(row["first_day"], row["last_day"])}
        if row["before_first_day"]:
            data["days_before"] = days(row["before_first_day"], row["before_last_day"])
        if row["fewest_users"] < self._min_users:
            return data | {"numbers": f"of fewer than {self._min_users} users"}
        of_total = METRICS[row["metric"]].unit != "share"
        shown = ("effect", "interval_low", "interval_high") + (() if of_total else ("value", "other_value"))
        return data | {name: f"{100 * row[name]:.2g}%" for name in shown if row[name] is not None}

    def count(self, count: int) -> str:
        """A number of users, or of what users did."""
        return f"fewer than {self._min_users}" if 0 < count < self._min_users else f"{count:,}"

    def funnel(self, funnel: Funnel) -> dict[str, Any]:
        """A cluster's funnel as data, and where its checkouts without an order end."""
        judged = min(funnel.checkout_users, funnel.checkouts - funnel.bought) >= self._min_users
        without: dict[str, Any] | str = "too few to judge"
        if judged and funnel.lost is not None and funnel.interval is not None:
            without = {
                "share": number(funnel.lost, "share"),
                "interval_95": [number(end, "share") for end in funnel.interval],
                "of_checkouts": funnel.checkouts,
                "last_pages": [
                    {"page": page, "sessions": sessions}
                    for page, sessions, users in self._data.checkout_exits(funnel.cluster_key)
                    if users >= self._min_users
                ],
            }
        return {"steps": self._steps(funnel), "checkouts_without_order": without}

    def _steps(self, funnel: Funnel) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = []
        earlier = [None, *(step.users for step in funnel.steps[:-1])]
        for step, following, before in zip(funnel.steps, [*funnel.steps[1:], None], earlier, strict=True):
            entry: dict[str, Any] = {"step": step.name, "sessions": step.sessions}
            stopped = step.users - following.users if following is not None else 0
            goes_on = following is not None and following.users >= self._min_users
            if step.users < self._min_users:
                entry["sessions"] = f"of fewer than {self._min_users} users"
            elif before is not None and 0 < before - step.users < self._min_users:
                entry["sessions"] = f"of all but fewer than {self._min_users} users"
            elif step.lost is not None and goes_on and (stopped == 0 or stopped >= self._min_users):
                entry |= {"went_on": number(1 - step.lost, "share"), "stopped": number(step.lost, "share")}
            steps.append(entry)
        return steps
