"""What users are expected to do, as predictions say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from beha2vec_core.chat.data.database import Database, NotInData, records
from beha2vec_core.predictions.horizons import Horizons, read_horizons
from beha2vec_core.predictions.wording import NONE_YET
from beha2vec_core.profiles.text import clean_text

GROUPS_OF_USERS = {  # of their latest visit: columns of the users, by dimension
    "country": "country", "device": "device_category", "browser": "browser", "os": "operating_system",
}  # fmt: skip
BOUGHT_BEFORE = "bought before"
NEVER_BOUGHT = "never bought before"
_BOUGHT = "(coalesce(u.purchases, 0) > 0)"


@dataclass(frozen=True)
class Expected:
    """How many of some users are expected to do something, with a 95% interval, and their expected revenue."""

    users: int
    expected: float
    low: float
    high: float
    value: float | None  # purchases only

    @property
    def share(self) -> float:
        """The part of the users, which is the mean of their probabilities."""
        return self.expected / self.users if self.users else 0.0

    @property
    def denied(self) -> Expected:
        """How many are expected not to do it."""
        return Expected(self.users, self.users - self.expected, self.users - self.high, self.users - self.low, None)


class Predictions(Database):
    """The predictions of the published database."""

    def predicted(self) -> dict[str, Horizons]:
        """The horizons of each target that is predicted; empty where nothing is."""
        with self._connection() as connection:
            try:
                return read_horizons(connection)
            except duckdb.CatalogException:  # published by an earlier release
                return {}

    def horizons(self, target: str) -> Horizons:
        """The horizons of a target.

        Raises:
            NotInData: it is not predicted.
        """
        known = self.predicted()
        if not known:
            raise NotInData(NONE_YET)
        if target not in known:
            raise NotInData(f"{target[:60]} is not predicted. Predicted: {', '.join(known)}")
        return known[target]

    def expected(self, target: str, horizon: int, bought: bool | None = None) -> dict[int, Expected]:
        """What the users of each cluster are expected to do, the largest number first.

        Args:
            bought: only those who have bought before, or have never; None: all.
        """
        if bought is not None:
            return {int(key): one for key, one in self.expected_by(target, horizon, "cluster", bought).items()}
        with self._connection() as connection:
            rows = records(
                connection,
                """select cluster_key, users, expected, low, high, value from beha2vec.cluster_predictions
                where target = ? and horizon = ? order by expected desc, cluster_key""",
                [target, horizon],
            )
        return {int(row.pop("cluster_key")): Expected(**row) for row in rows}

    def expected_by(self, target: str, horizon: int, dimension: str, bought: bool | None = None) -> dict[Any, Expected]:
        """The same of the users of each cluster or group of `GROUPS_OF_USERS`; or of `BOUGHT_BEFORE`: with an order."""
        of = {BOUGHT_BEFORE: f"if({_BOUGHT}, '{BOUGHT_BEFORE}', '{NEVER_BOUGHT}')", "cluster": "cluster_key"}
        column = of.get(dimension) or f"u.{GROUPS_OF_USERS[dimension]}"
        clusters = (
            "join (select user_key, cluster_key from beha2vec.user_clusters_current) using (user_key)"
            if dimension == "cluster"
            else ""
        )
        with self._connection() as connection:
            rows = records(
                connection,
                f"""select {column} as name, count(*) as users, sum(probability) as expected,
                    sqrt(sum(probability * (1 - probability))) as deviation, sum(value) as value
                from beha2vec.user_predictions_current join ga4.dim_ga4__users as u using (property_id, user_key)
                {clusters}
                where target = $target and horizon = $horizon and ($bought is null or {_BOUGHT} = $bought)
                group by all order by expected desc, name""",
                {"target": target, "horizon": horizon, "bought": bought},
            )
        found: dict[Any, Expected] = {}
        for row in rows:
            wide = 1.96 * row["deviation"]  # as in beha2vec.cluster_predictions
            low, high = max(row["expected"] - wide, 0.0), min(row["expected"] + wide, float(row["users"]))
            found[row["name"]] = Expected(row["users"], row["expected"], low, high, row["value"])
        return found

    def anonymous_predictions(self, target: str, horizon: int, by: str) -> list[dict[str, Any]]:
        """The same as models may read it: by "cluster" or "decile", or "" for all users; numbers rounded at random."""
        table = {"cluster": "cluster_and_target_and_horizon", "decile": "target_and_horizon_and_decile"}.get(
            by, "target_and_horizon"
        )
        query = f"""select * exclude (target, horizon) from anonymous.predictions_by_{table}
            where target = ? and horizon = ? order by all"""
        with self._connection() as connection:
            return records(connection, query, [target, horizon])

    def likely_users(
        self,
        target: str,
        horizon: int,
        *,
        cluster: int | None = None,
        bought: bool | None = None,
        least: bool = False,
        limit: int = 10,
    ) -> list[dict[str, Any]]:
        """The users with the highest probability (``least``: the lowest). For the person's screen only."""
        users = "" if bought is None else "join ga4.dim_ga4__users as u using (property_id, user_key)"
        only = "true" if bought is None else f"{_BOUGHT} = {bought}"
        with self._connection() as connection:
            rows = records(
                connection,
                f"""select user_key, cluster_key, probability, low, high, value, reasons, as_of
                from beha2vec.user_predictions_current
                left join (select user_key, cluster_key from beha2vec.user_clusters_current) using (user_key)
                {users}
                where target = $target and horizon = $horizon and {only}
                    and ($cluster is null or cluster_key = $cluster)
                order by probability {"" if least else "desc"}, user_key limit $limit""",
                {"target": target, "horizon": horizon, "cluster": cluster, "limit": limit},
            )
        return [row | {"reasons": [clean_text(str(one), limit=80) for one in row["reasons"] or ()]} for row in rows]
