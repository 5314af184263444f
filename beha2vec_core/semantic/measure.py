"""What a metric is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """How a metric is computed from one table: ``value``, or ``value / per``; ``n`` is how many it rests on."""

    value: str
    per: str | None = None
    n: str | None = None  # without: `per`, else the value itself
    extra: str | None = None  # a further column: the currency of money


@dataclass(frozen=True)
class Metric:
    """A metric."""

    name: str
    label: str  # in words, plural for counts
    unit: str  # count, money, share (a number of rows of all of them, each counted once), seconds or mean
    sql: dict[str, Measure]  # the measure by table (names of `TABLES`), the preferred table first; all mean the same
    words: tuple[str, ...]  # phrases that ask for it
    means: str = ""  # what it counts, where the label does not say it
    n_of: str = ""  # what ``n`` counts, in the plural; empty where the value is its own n
    better: int = 1  # 1 where more is better, -1 where less is
    otherwise: str | None = None  # the metric that takes its place where no table of this one has a dimension
    is_weak: bool = False  # words such as "users", which are also used next to the name of another metric
    count: str | None = None  # of a share of sessions, the metric that is its numerator

    @property
    def is_ratio(self) -> bool:
        """Whether it is a rate, mean or median: several of these are not added up."""
        measures = self.sql.values()
        return self.unit not in ("count", "money") or any(one.per or "median(" in one.value for one in measures)
