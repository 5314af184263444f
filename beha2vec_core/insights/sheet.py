"""The facts of one cluster, typed and cleaned: all that a narrator, of either kind, gets to see."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.insights.wording import counted, has_pages, statement
from beha2vec_core.profiles.facts import is_beyond_chance
from beha2vec_core.profiles.statistics import effective_number
from beha2vec_core.profiles.text import clean_text, is_unfilled
from beha2vec_core.words import number

# a difference worth a sentence: unlikely to be chance (see `is_beyond_chance`), and large enough to matter
CLEAR_LIFT = 1.2
# "small", not negligible: Cohen's h of shares, Cliff's delta of numbers (Romano et al. 2006)
_CLEAR_H, _CLEAR_DELTA = 0.2, 0.147


@dataclass(frozen=True)
class Fact:
    """One row of cluster_profiles. Values that are not known are None."""

    fact_id: str
    metric: str
    unit: str
    value: float
    population_value: float
    support: int
    feature: str | None = None  # cleaned text of others
    title: str | None = None  # of a page, cleaned
    lift: float | None = None
    z: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None
    effect_size: float | None = None  # Cohen's h of a share, Cliff's delta of a number
    q_value: float | None = None  # after Benjamini and Hochberg; None where not tested
    significant: bool | None = None  # by q_value; None where not tested
    base: int | None = None  # users that the value is measured on; None in facts of an earlier release
    contributors: int = 0  # those of them whose part of the value is not 0, by the weight of their parts
    population_base: int = 0  # the same of all clusters together
    population_contributors: int = 0

    @property
    def cluster_key(self) -> int:
        """The cluster it is about, as its id says."""
        return int(self.fact_id[1:].split(".", 1)[0])

    @property
    def is_sure(self) -> bool | None:
        """Whether the difference is beyond chance; None where that is not known."""
        return is_beyond_chance(self.significant, self.z)

    def describes_few(self, min_users: int) -> bool:
        """Whether it is about few people: fewer were asked or contribute, or all but fewer do; or that is not known."""
        if self.base is None:
            return min_users > 0
        return _are_few(self.contributors, self.base, self.unit, min_users)

    def compares_with_few(self, min_users: int) -> bool:
        """Whether the value of all users is about few people."""
        return _are_few(self.population_contributors, self.population_base, self.unit, min_users)

    @property
    def direction(self) -> int:
        """1 if beyond chance more than other users, -1 if less, 0 if that is not known or may be chance."""
        if not self.is_sure or self.value == self.population_value:
            return 0
        return 1 if self.value > self.population_value else -1

    @property
    def difference(self) -> int:
        """The direction, where it is some times over, or under; else 0."""
        is_far = self.lift is not None and not 1 / CLEAR_LIFT < self.lift < CLEAR_LIFT
        return self.direction if is_far else 0

    @property
    def is_over(self) -> bool:
        """Clearly more than other users, and enough to matter."""
        return self.difference > 0 and self._is_large

    @property
    def is_under(self) -> bool:
        """Clearly less than other users, and enough to matter."""
        return self.difference < 0 and self._is_large

    @property
    def _is_large(self) -> bool:
        return self.effect_size is None or abs(self.effect_size) >= (_CLEAR_H if self.unit == "share" else _CLEAR_DELTA)

    def is_above(self, other: "Fact") -> bool:
        """Whether it is more than another one, with intervals that are apart."""
        low = self.value if self.interval_low is None else self.interval_low
        high = other.value if other.interval_high is None else other.interval_high
        return self.value > other.value and low > high

    @property
    def strength(self) -> float:
        """How much the fact says: size of the difference times how many times over, both ways."""
        ratio = math.log2(max(self.lift or 0.0, 0.05))
        return abs(self.value - self.population_value) * abs(ratio)

    @property
    def shown_feature(self) -> str | None:
        """The feature; a page by its title, where known, without the names of section and site behind it."""
        return f"“{self.title.split(' | ')[0]}”" if self.title else self.feature

    @property
    def shown_value(self) -> str:
        """The value in the one way it is written."""
        return number(self.value, self.unit)

    @property
    def shown_population(self) -> str:
        """The population's value in the one way it is written."""
        return number(self.population_value, self.unit)

    @property
    def sentence(self) -> str:
        """'12% of users bought (all users 4.1%)'."""
        words = counted(self.shown_value, f" {statement(self.metric, self.shown_feature)}")
        return f"{words} (all users {self.shown_population})"


@dataclass(frozen=True)
class FactSheet:
    """The facts of one cluster."""

    cluster_key: int
    facts: tuple[Fact, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Fact]:
        """The facts by their id."""
        return {fact.fact_id: fact for fact in self.facts}

    @property
    def is_cluster(self) -> bool:
        """Whether it is a cluster, not the users of whom too little is known."""
        return self.cluster_key != TOO_LITTLE_EVIDENCE

    @cached_property
    def users(self) -> int:
        """Users of the cluster."""
        size = self.number("users")
        return round(size.value) if size else 0

    def number(self, metric: str) -> Fact | None:
        """The fact of a metric without features."""
        return next((fact for fact in self.facts if fact.metric == metric and fact.feature is None), None)

    def features(self, metric: str) -> list[Fact]:
        """The facts of a metric with features, most users first."""
        found = [fact for fact in self.facts if fact.metric == metric and fact.feature is not None]
        return sorted(found, key=lambda fact: (-fact.value, fact.fact_id))

    def over(self, metric: str) -> list[Fact]:
        """The clearly over-represented features of a metric, the most telling first."""
        return sorted((fact for fact in self.features(metric) if fact.is_over), key=_most_telling)

    def under(self, metric: str) -> list[Fact]:
        """The clearly under-represented features of a metric, the most telling first."""
        return sorted((fact for fact in self.features(metric) if fact.is_under), key=_most_telling)


def _most_telling(fact: Fact) -> tuple[float, str]:
    return -fact.strength, fact.fact_id


def fact_sheets(profiles: pd.DataFrame, page_titles: Mapping[str, str] | None = None) -> list[FactSheet]:
    """One sheet a cluster, in order of cluster_key.

    Args:
        profiles: the table of `profiles.build_profiles`.
        page_titles: title of each page_key, where known.
    """
    titles = page_titles or {}
    sheets: dict[int, list[Fact]] = {}
    everybody = _of_all(profiles)
    for row, of_all in zip(profiles.to_dict("records"), everybody.to_dict("records"), strict=True):
        raw = _text(row["feature"])
        if raw is not None and is_unfilled(raw):
            continue
        title = titles.get(raw) if raw is not None and has_pages(row["metric"]) else None
        title = None if title and is_unfilled(title) else title
        fact = Fact(
            fact_id=str(row["fact_id"]),
            metric=str(row["metric"]),
            unit=str(row["unit"]),
            value=float(row["value"]),
            population_value=float(row["population_value"]),
            support=int(row["support"]),
            feature=None if raw is None else _plain(raw) or "(empty)",
            title=_plain(title, limit=80) or None if title else None,
            lift=_known(row["lift"]),
            z=_known(row["z"]),
            interval_low=_known(row["interval_low"]),
            interval_high=_known(row["interval_high"]),
            effect_size=_known(row.get("effect_size")),
            q_value=_known(row.get("q_value")),
            significant=_yes_or_no(row.get("significant")),
            base=None if (base := _known(row.get("base"))) is None else int(base),
            contributors=int(_known(row.get("contributors")) or 0),
            population_base=int(of_all["base"]),
            population_contributors=int(of_all["contributors"]),
        )
        if math.isfinite(fact.value) and math.isfinite(fact.population_value):
            sheets.setdefault(int(row["cluster_key"]), []).append(fact)
    return [FactSheet(key, tuple(sheets[key])) for key in sorted(sheets)]


def _of_all(profiles: pd.DataFrame) -> pd.DataFrame:
    """Base and contributors of all clusters together, for each fact."""
    counts = profiles.reindex(columns=["metric", "feature", "value", "base", "contributors"])
    total = counts["value"] * counts["base"].where(profiles["unit"] != "users", 1)
    counts["total"], counts["squares"] = total, (total**2 / counts["contributors"]).where(counts["contributors"] > 0)
    of_all = counts.groupby(["metric", "feature"], dropna=False)[
        ["base", "contributors", "total", "squares"]
    ].transform("sum")
    by_weight = pd.Series(effective_number(of_all["total"], of_all["squares"]), index=of_all.index)
    return of_all.assign(contributors=by_weight.where(of_all["total"] != 0, of_all["contributors"]))


def _are_few(contributors: int, base: int, unit: str, min_users: int) -> bool:
    others = base - contributors if unit == "share" else 0
    return any(0 < users < min_users for users in (contributors, base, others))


def _known(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _yes_or_no(value: object) -> bool | None:
    return None if value is None or value is pd.NA or value != value else bool(value)


def _plain(text: str, *, limit: int = 120) -> str:
    """Text of others without what our own placeholders are made of."""
    return clean_text(text, limit=limit).replace("{", "(").replace("}", ")")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
