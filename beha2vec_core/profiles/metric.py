"""What a metric is: its fields, and the kinds of measuring it. The metrics themselves are in `metrics`."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

NUMBERS = "Numbers"  # the explorer's section of a metric that names none


@dataclass(frozen=True)
class Share:
    """Users for whom ``sql`` is true, or who triggered ``event``; where it is null, the user could not have either.

    SQL of `Share`, `Number` and `Feature.sql` reads a user's row of `measures.users_sql`, of which a share may also
    name the numbers. With ``needs_support`` it is a fact only where enough users of the population have it.
    """

    sql: str = ""
    event: str = ""
    needs_support: bool = False


@dataclass(frozen=True)
class Number:
    """A number of a user. Its metric ends in ``_mean``; the one in ``_median`` is measured with it."""

    sql: str


@dataclass(frozen=True)
class Ratio:
    """The sum of one column of the table of users over the sum of another."""

    part: str
    whole: str


@dataclass(frozen=True)
class Feature:
    """What users have or lack, such as pages; ``part`` is its part of the fact id.

    ``how``: a user has one "value" (``sql`` gives it), or "had" any number of them (``sql`` selects cluster_key,
    feature and users), or "divided" what they did among them (``sql`` selects cluster_key, number (of the user),
    feature and amount); {sources} is filled in. A "given" feature counts the users of a "divided" one, whose ``part``
    its ``sql`` names. ``is_text``: the site wrote the values, which may be template code (`text.UNFILLED`).
    """

    part: str
    how: Literal["value", "had", "given", "divided"]
    sql: str
    is_text: bool = False


class Question(NamedTuple):
    """Words of a question that ask for a metric, as a pattern.

    Where a question has words of several metrics, the lowest ``rank`` is answered first. ``beside``: metrics that
    belong to the answer. ``feature``: the one that is asked for.
    """

    words: str
    rank: int = 50
    beside: tuple[str, ...] = ()
    feature: str | None = None


@dataclass(frozen=True)
class Metric:
    """A metric. ``{}`` of its words is the place of the feature; see `insights.wording` for how they are used.

    name: of the metric. measured: how; None where `facts` or `flows` count it themselves. unit: of the value.
    did: of a share of users, what they did; statement, label and clause follow from it where they are not given.
    statement: what a value says, after "412 users: 12% ..." or "5.2 ...". label: what is counted, for a chart or table.
    clause: what users do, with ``{}`` for the value and ``{subject}`` and ``{feature}`` in their places; by default the
    statement after the value.
    over, under: words that are true of users who do more of it, or less; a cluster's name may have them.
    better: 1 where more of it is better, -1 where less is, 0 where neither is.
    asked: words of a question. sections: where the explorer shows it.
    is_outcome: asked of every cluster, whatever else is searched for, so that its q-values are a family of their own.
    features: what kind of features it has.
    """

    name: str
    measured: Share | Number | Ratio | Feature | None = None
    unit: str = "share"
    did: str = ""
    statement: str = ""
    label: str = ""
    clause: str = ""
    over: str = ""
    under: str = ""
    better: int = 0
    asked: tuple[Question, ...] = ()
    sections: tuple[str, ...] = (NUMBERS,)
    is_outcome: bool = False
    features: str = ""

    def __post_init__(self) -> None:
        """Make the words that are not given."""
        clause = f"{{}} of {{subject}} {self.did.replace('{}', '{feature}')}" if self.did else ""
        object.__setattr__(self, "statement", self.statement or f"of users {self.did}")
        object.__setattr__(self, "label", self.label or (f"users who {self.did}" if self.did else self.statement))
        object.__setattr__(self, "clause", self.clause or clause)
