"""One query of the parts of a question: its measure, then shares, changes and comparisons."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta

from beha2vec_core.chat.days.periods import MARK
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.parts.vocabulary import Word
from beha2vec_core.chat.queries.asked import (
    asks_either,
    asks_which_moved,
    both_ends,
    breakdown_of,
    group_counted,
    is_named_apart,
    is_one_group,
    is_ranking,
)
from beha2vec_core.chat.queries.compared import (
    UP_OR_DOWN,
    days_before,
    halves_of,
    is_in_data,
    months_in_a_row,
    nothing_before,
    periods_of,
    step_of,
    step_since,
)
from beha2vec_core.chat.queries.implied_measures import IS_SO, ITEMS, NotRead, as_rate, metric_of, unnamed
from beha2vec_core.chat.queries.nearest import reaches, some_of
from beha2vec_core.chat.queries.own_queries import is_part, part_of
from beha2vec_core.chat.queries.ratios import outer_of
from beha2vec_core.chat.queries.refusals import check_people, refuse_what_is_no_query, refuse_what_moved_so_much
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, OF_STEPS, PEOPLE_COUNTED, STEPS
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Did, Filter, Period, Query

_IS_IT = re.compile(r"^\W*(?:is|are|was|were|how (?:good|bad|weak|strong|poor))\b")
_EITHER = re.compile(r"\bor\b")
_GETS = re.compile(r"\b(?:get|gets|getting|got|become|becoming|usual|do we|are we|did we|have)\b")
_OF_A_USER = ("revenue", "orders", "sessions", "page_views", "items_sold", "net_revenue")  # what users are listed by
_BECAME = re.compile(r"\b(?:got|gotten|getting|became|become|becoming|sold)\b")
_SO_MUCH = re.compile(r"\b(?:so|much|that|far|way)\b")
_LEAVING = {"checkout_abandonment": 3, "cart_abandonment": 2, "conversion_rate": 1}  # why: the funnel from this step
_ARE_THERE = re.compile(r"\b(?:are|is) there\b.*\b(?:more|fewer|less)\b")
_IS_BEST = re.compile(r"^(?:is|are|was|were)\b.*\b(?:best|worst|top|biggest|largest|strongest|weakest|smallest)\b")
_OF_SESSIONS = re.compile(r"(?:%|percent\w*|share|proportion|fraction|part) of (?:\w+ )?(?:\w+ )?(?:sessions|visits)\b")
_WHICH_DAY = re.compile(r"\b(?:which|what) (?:day|week|month)\b")
_KEYS = {"users": "user", "sessions": "session"}  # what of these did something
_BOTH = re.compile(r"\bboth\b")
_WITHIN = re.compile(rf"\b(?:during|throughout|within|in the course of) (?:the )?{MARK}")
_LONG = 27  # days after the first of a period that can have a trend
_NOT_WHY = "The data show where this is so, not its cause."


def query_of(
    parts: Parts, metrics: list[str], filters: tuple[Filter, ...], contents: Contents
) -> tuple[Query, list[str]]:
    """The query for one measure, and what was assumed."""
    draft = _Draft(parts, metrics, filters, contents, list(parts.notes))
    return draft.query(), draft.notes


@dataclass
class _Draft:
    """A query on its way, each step from what those before it found."""

    parts: Parts
    metrics: list[str]
    filters: tuple[Filter, ...]
    contents: Contents
    notes: list[str]
    by: list[str] = field(default_factory=list)
    included: tuple[Filter, ...] = ()  # filters of named values
    done: tuple[Filter, ...] = ()  # filters of what was done
    has_part: bool = False  # a part of those who did something is asked for
    outer: str | None = None  # within each of whose groups the first is asked for
    groups: str | None = None  # the dimension whose groups are counted
    pair: Filter | None = None  # values that may be compared
    compares: bool = False
    metric: str = ""
    named: Word | None = None  # the first word of a metric
    is_of_buyers: bool = False
    period: Period | None = None
    versus: Period | None = None
    is_share: bool = False
    timed: bool = False
    explains: bool = False
    extreme: bool = False
    changes: bool = False
    moves: bool = False  # the groups that changed in a direction are asked for
    against_rest: bool = False

    @property
    def unit(self) -> str:
        """Of the metric."""
        return METRICS[self.metric].unit

    def _choose_metric(self) -> None:
        """Which measure, and of which groups."""
        parts = self.parts
        self.by = breakdown_of(parts)
        if months := months_in_a_row(parts.times.periods, self.contents.days.last):
            words = [word for word in parts.words if word.kind not in ("compare", "judged")]
            times = replace(parts.times, periods=[months], compares=False)
            self.parts = parts = replace(parts, times=times, words=words, comparatives=[])
            self.by = ["month", *self.by]
        self.groups = group_counted(parts)
        self.outer = outer_of(parts, self.by)
        self.by = [name for name in self.by if name != self.outer]
        refuse_what_is_no_query(parts, self.filters, self.by)
        self.done = tuple(one for one in self.filters if one.did)
        self.has_part = any(one.part for one in parts.conditions.clauses) if self.done and parts.conditions else False
        self.included = tuple(
            one for one in self.filters if not (one.is_excluded or one.did or one.dimension == "step")
        )
        if _IS_BEST.search(parts.text) and len(self.by) == len(self.included) == 1:  # is email our best channel
            label = DIMENSIONS[self.by[0]].label
            if self.included[0].dimension != self.by[0]:
                raise NotRead(f"{self.included[0].values[0]} is no {label}: ask for all in order, the best first.")
            self.filters, self.included = (
                tuple(one for one in self.filters if one.is_excluded or one.dimension != self.by[0]),
                (),
            )
        self.pair = next((one for one in self.included if len(one.values) > 1 and not is_one_group(parts, one)), None)
        self.compares = (parts.has("compare") or bool(parts.comparatives) or parts.times.compares) and not parts.is_side
        if parts.having and {*self.metrics} <= {"users"}:  # months without orders, with at least 50 sessions
            self.metrics = [next((one.metric for one in parts.having if one.at_least), "sessions")]
        self.metric = metric_of(
            parts, self.metrics, self.filters, self.by, self.pair, self.compares, self.groups, self.notes
        )
        is_of_people = any(word.name in ("users", "buyers", "buyer_share") for word in parts.words)
        is_of_people |= "spen" in parts.text
        if parts.over is not None and not self.by and self.metric == "revenue" and is_of_people:
            self.by = ["user"]
        bought = as_rate(parts, self.metric, self.by, self.included, self.pair, self.notes)
        if bought == "buyer_share" and any(did.table == "purchases" for one in self.done for did in one.did):
            bought = "buyers"  # of all buyers, those who ordered so often
        of_items = {*self.by, *(one.dimension for one in self.included)} & ITEMS
        if bought in ("cart_rate", "cart_sessions") and of_items and "rate" not in parts.text:
            bought = "cart_additions"
        self.is_of_buyers = self.metric == "buyer_share" and bought == "buyers"
        self.metric = bought
        if parts.is_of_users and parts.over is None and self.metric not in ("buyers", *_OF_A_USER):
            raise NotRead("I can list users by revenue, orders, items sold, sessions or page views.")
        check_people(
            parts,
            self.metric,
            self.filters,
            bool(self.by or self.compares or parts.has("trend") or parts.has("change")),
            self.notes,
        )
        if parts.is_of_users and self.metric == "buyers":
            self.notes.append("Customers are put in the order of their revenue.")
            self.metric = "revenue"
        self.named = next((word for word in parts.words if word.kind == "metric"), None)
        if (
            self.metric == "items_sold"
            and not self.by
            and self.named
            and (parts.judged or is_ranking(parts, self.named))
        ):
            self.by = ["item"]
        leaves = self.metric in _LEAVING and (self.metric != "conversion_rate" or self.metrics != ["conversion_rate"])
        narrowed = self.included or self.by or self.compares or parts.times.periods or parts.has("change")
        if parts.has("cause") and leaves and not narrowed:
            self.filters = (*self.filters, *_from_step(_LEAVING[self.metric]))
            self.metric = "funnel"
        if self.metric == "funnel":
            self.by = ["step", *(name for name in self.by if name != "step")]

    def _count(self) -> None:
        """Numbers in place of rates, lists of users, and the periods."""
        parts = self.parts
        same = self.named is not None and METRICS[self.metric].label.startswith(METRICS[self.named.name].label)
        is_beside = (
            self.named is not None
            and METRICS[self.named.name].is_weak
            and not same
            and self.groups is None
            and parts.over is None
        )
        alone = not re.search(r"\band (?:also )?how (?:many|much)\b", parts.text)
        if (
            alone
            and parts.is_counted
            and self.named
            and is_beside
            and self.metric != "buyers"
            and self.unit in ("count", "money")
        ):
            raise NotRead(
                f"I know no number of {METRICS[self.named.name].label} by their {METRICS[self.metric].label}."
            )
        if parts.has("average") and self.unit in ("count", "money") and self.metric != "aov":
            raise NotRead(
                "An average has to be one of: revenue per order, per user or per session, page views per session."
            )
        if parts.is_of_users and self.by and self.by != ["user"]:
            raise NotRead("I can list users, or break down by a dimension, not both.")
        if parts.is_of_users and "user" not in self.by:
            self.by = [*self.by, "user"]
        self.period, self.versus = periods_of(parts, self.compares, self.contents.days, self.notes)
        of_sessions = any(word.kind == "metric" and word.name == "sessions" for word in parts.words)
        if (
            parts.is_counted
            and METRICS[self.metric].n_of.startswith("session")
            and not of_sessions
            and not parts.has("share")
        ):
            if METRICS[self.metric].count is None and METRICS[self.metric].n_of == "sessions":
                raise NotRead(f"I know the {METRICS[self.metric].label} as a rate, not as a number of its own.")
            self.metric = METRICS[self.metric].count or self.metric
            self.notes += ["Sessions are counted, not users."] if self.named and self.named.name == "users" else []
        if self.metric == "cart_sessions" and "add" in parts.text:
            self.notes.append("Sessions with something added to the cart are counted, not how often.")

    def _share(self) -> None:
        """Whether it is a share, and of which whole."""
        parts = self.parts
        self.is_share = (
            (parts.has("share") or parts.is_part or self.is_of_buyers or self.has_part)
            and self.unit in ("count", "money")
            and self.metric != "funnel"
        )
        if self.is_share and self.metric in ("new_users", "returning_users"):
            self.metric = "users"
        rate = next((one.name for one in METRICS.values() if one.count == self.metric), None)
        of_all = _OF_SESSIONS.search(parts.text) is not None  # percentage of mobile sessions that add to cart
        if self.is_share and not self.by and (of_all or not self.included) and not self.done and rate:
            self.metric, self.is_share = rate, False
        groups_of_part = [name for name in self.by if DIMENSIONS[name].kind != "time"]
        if (
            self.is_share
            and groups_of_part
            and not self.done
            and any(is_part(parts, one) for one in self.included if one.dimension not in self.by)
        ):
            raise NotRead(
                "A share of which whole? I know the share of one part, or the shares of all parts of a breakdown."
            )
        if (
            self.is_share
            and not self.by
            and not self.done
            and len(self.filters) > 1
            and self.metric in _KEYS
            and _BOTH.search(parts.text)
        ):
            did = Did("sessions", self.filters)  # the part is what is all of this
            self.filters, self.included = (Filter(_KEYS[self.metric], did=(did,)),), ()
        did_by = {inner.dimension for one in self.done for did in one.did for inner in did.filters}
        if self.is_share and {*self.by} & did_by:  # orders with a coupon, by coupon: of each all have it
            raise NotRead("A share of which whole? Ask for the numbers of the groups.")
        if self.is_share and any(measure.per for measure in METRICS[self.metric].sql.values()):
            raise NotRead(f"{METRICS[self.metric].label.capitalize()}: a mean has no share.")
        if (
            self.is_share
            and not self.by
            and not self.included
            and not any(one.is_excluded or one.did for one in self.filters)
        ):
            raise NotRead("A share needs a part of a whole: the share of which device, channel, country ...?")
        if self.is_share and not self.by and len(self.included) > 1 and not self.done:
            self.filters = (
                part_of(parts, self.included),
                *(one for one in self.filters if one != part_of(parts, self.included)),
            )
        if not self.by and any(word.text == "list" for word in parts.words):
            raise NotRead("I give numbers, not lists of single orders or sessions.")
        is_sum = self.unit in ("count", "money") and self.metric not in PEOPLE_COUNTED
        is_sum &= not any(measure.per for measure in METRICS[self.metric].sql.values())
        if parts.mean_of and (self.by or self.is_share or self.compares or not is_sum):
            raise NotRead(
                f"I can give an average per {parts.mean_of} only of one total, such as sessions, orders or revenue."
            )

    def _change(self) -> None:
        """What changed, from when to when, or why a state is so."""
        parts = self.parts
        self.timed = any(DIMENSIONS[name].kind == "time" for name in self.by)
        if (
            self.timed
            and parts.has("change")
            and not parts.times.periods
            and _WHICH_DAY.search(parts.text)
            and not (parts.has("high") or parts.has("low") or parts.has("judged"))
        ):
            raise NotRead("I know no change from one to the next: ask for the highest or the lowest.")
        self.explains = parts.has("cause") and not self.pair
        self.extreme = parts.has("low") or parts.has("high") or parts.has("judged")
        is_moving = parts.goes_down is not None and self.metric not in OF_STEPS  # "drop" between two steps is no change
        self.changes = parts.has("change") or (self.period is not None and UP_OR_DOWN.search(parts.text) is not None)
        self.changes |= self.explains and (parts.has("happened") or is_moving)
        others = [one for one in self.filters if one.is_excluded and not one.did]
        if self.explains and len(others) == len(self.filters) == 1 and not (self.by or self.period):
            self.filters = self.included = (replace(others[0], is_excluded=False),)  # so few from outside the US
        is_rate = any(one.per for one in METRICS[self.metric].sql.values())
        is_state = (
            self.explains and self.period is None and IS_SO.search(parts.text) is not None and not parts.has("change")
        )
        is_state &= bool(self.included) and not self.by and _GETS.search(parts.text) is None
        is_state &= is_rate or _SO_MUCH.search(parts.text) is not None
        is_open = (
            self.explains
            and self.included
            and not (self.by or self.pair or self.period or parts.has("change") or parts.has("rest"))
        )
        if (is_state and len(self.included) > 1 and not parts.has("rest")) or (
            is_open and _ARE_THERE.search(parts.text)
        ):
            raise NotRead("Compared with what: a period before, or all others of one of them?")
        self.changes &= not is_state
        is_so = bool(self.included) and self.extreme
        self.changes |= self.explains and self.period is not None and not (self.by or is_state or is_so)
        self.moves = asks_which_moved(parts, self.by) and not self.timed
        if self.moves:
            refuse_what_moved_so_much(parts)
        self.changes |= self.moves and parts.has("trend")
        if parts.comparatives and not (self.pair or parts.has("rest")):
            gets = _BECAME if self.by else _GETS
            is_when = self.period is not None or (self.moves and not parts.has("sell"))
            is_than_before = is_when and gets.search(parts.text) is not None
            self.changes |= is_than_before and not parts.times.periods[1:] and (self.moves or not self.by)
            self.changes |= self.moves and self.versus is not None
        if self.changes and self.versus is None and not self.timed and not parts.has("rest"):
            if parts.times.is_open and not (self.explains or self.moves):
                days = self.contents.days
                self.timed, self.by = True, [step_since(self.period or days, days), *self.by]
            elif self.period is None and parts.has("trend") and not self.moves:
                pass
            elif self.period is None and self.contents.days.last - self.contents.days.first >= timedelta(days=55):
                self.period = Period(self.contents.days.last - timedelta(days=27), self.contents.days.last)
                self.versus = self.period.before()
                self.notes.append("No period is named: the last 28 days against the 28 before.")
            elif self.period is None:
                raise NotRead("A change needs a period: for example last week, or last month.")
            else:
                self._compare_in_time(self.period)
        is_named = bool(self.metrics) or parts.has("bought") or parts.has("sell")
        is_judged = len(self.included) == 1 and is_named and not self.by and (parts.judged or self.extreme)
        is_peak = self.timed and self.extreme and self.period is None  # the day with the most, but not why
        rate = next((one.name for one in METRICS.values() if one.count == self.metric and one.unit == "share"), None)
        if self.explains and self.versus is None and not (self.period or self.by) and rate and parts.has("high"):
            self.metric = rate  # why so many single page visits
        leaves = self.metric in _LEAVING and len(self.included) == 1 and not self.by
        is_spread = leaves or (self.unit == "share" and not (self.by or self.included or self.period))
        if (
            self.explains
            and self.versus is None
            and not is_spread
            and not (parts.has("rest") or is_judged or is_peak or is_state or self.metric == "funnel")
        ):
            raise NotRead("The data show what happened, not why it happened or what would happen.")
        if parts.has("trend") and not self.timed and self.versus is None:
            self.by = [step_of(self.period or self.contents.days), *self.by]
            self.timed = True
        if parts.has("cause"):
            self.notes.append(_NOT_WHY)
        if "weekend" in {*self.by, *(one.dimension for one in self.included)} and self.unit in ("count", "money"):
            self.notes.append("A week has two days of weekend and five others.")

    def _compare_in_time(self, period: Period) -> None:
        """A change against the days before; within a period, or where the data begin with it, its own trend."""
        before, days = days_before(period, self.contents), self.contents.days
        is_within = _WITHIN.search(self.parts.text) is not None and (period.last - period.first).days >= _LONG
        is_known, halves = is_in_data(before, days), halves_of(period, days)
        if halves is None or (is_known and not is_within):
            self.versus = before
            return
        if not is_known:
            self.notes.append(nothing_before(days))
        if self.by or self.explains or step_of(period) == "day":  # two single days say little
            self.period, self.versus = halves
            self.notes.append("The second half of the period is compared with its first.")
        else:
            self.timed, self.by = True, [step_of(period)]

    def _compare(self) -> None:
        """Which groups are compared: values that are named, or one of them with the rest."""
        parts = self.parts
        is_single = not self.by and len(self.included) == 1 and not self.pair and self.versus is None
        implied = (
            is_single and bool(parts.comparatives) and "than" not in parts.text.split() and not parts.has("compare")
        )
        implied |= is_single and parts.has("judged") and _IS_IT.search(parts.text) is not None
        self.against_rest = is_single and (self.explains or implied)
        if parts.has("rest") and (not self.included or len(self.included) > 1):
            raise NotRead("Against the rest of what: of one channel, device, country ...?")
        if self.against_rest or parts.has("rest"):
            self.by, self.against_rest, self.pair = [self.included[0].dimension], True, None
        elif self.compares and self.versus is None and not self.by and self.pair is None:
            raise NotRead("A comparison needs two values (mobile and desktop) or two periods.")
        is_rate = self.unit in ("share", "mean") or any(one.per for one in METRICS[self.metric].sql.values())
        is_apart = self.pair is not None and is_named_apart(parts, self.pair)
        is_rate = is_apart and (is_rate or (self.is_share and parts.text.count(",") > 0))
        apart = (
            self.compares
            or is_rate
            or len(parts.judged) > 0
            or (self.pair is not None and asks_either(parts, self.pair))
        )
        if apart and self.pair and self.pair.dimension not in self.by:
            self.by = [*self.by, self.pair.dimension] if self.metric == "funnel" else [self.pair.dimension, *self.by]
        elif self.pair and self.pair.dimension not in self.by and len(self.pair.values) > 1 and not self.is_share:
            self.notes.append(f"{some_of(self.pair.values, ' and ')} are counted together.")
        is_spread = self.explains and self.unit == "share"
        ranks = (parts.has("high") or parts.has("low") or parts.has("judged")) and not is_spread
        if ranks and not self.by and self.versus is None:
            raise NotRead("The highest or lowest of what: of channels, devices, countries, items, days ...?")
        if len(self.by) > 1 and _EITHER.search(parts.text) and not self.pair:
            raise NotRead("I break down by all of several dimensions at once, not by one or the other.")

    def query(self) -> Query:
        """The query of all this."""
        for step in (self._choose_metric, self._count, self._share, self._change, self._compare):
            step()
        parts = self.parts
        ranks = parts.has("high") or parts.has("low") or self.moves
        by_change = bool(self.versus and self.by and (self.explains or (ranks and self.changes)))
        ascending = None if self.metric == "funnel" or self.against_rest else ascending_of(parts, self.metric)
        is_of_two = self.pair is not None or bool(parts.limits)
        if self.moves and parts.comparatives and parts.goes_down and ascending is None and not (by_change or is_of_two):
            raise NotRead("Less, or worse, than when: than in a period before? Or ask for the lowest.")
        if by_change:
            ascending = parts.falls(self.metric)
            if parts.has("low") and ascending is not None and not self.explains:
                raise NotRead("Of what rose or fell I can put the largest change first, not the smallest.")
            self.groups = None  # how many of them fell is said with them
        if self.outer is not None:
            if self.versus or self.is_share or self.changes or self.explains or parts.limits or self.groups:
                raise NotRead("Of the first within each group I know the value, in one period.")
            names = (self.outer, *self.by)
            if not (self.metrics or reaches(self.metric, self.outer)):  # of items, where no measure is named
                self.metric, self.notes[:] = "items_sold", [unnamed(["items_sold"])]
            return Query(
                self.metric, names, self.filters, self.period, ascending=ascending, top_of_each=parts.top or 1,
                having=parts.having,
            )  # fmt: skip
        if self.groups is not None and DIMENSIONS[self.groups].kind == "time" and self.by in ([], [self.groups]):
            limits, metric = parts.limits, self.metric
            if len(parts.having) == 1 and not limits:
                one = parts.having[0]
                metric = one.metric
                limits = {"under": 1.0} if one.at_most is not None else {"over": one.at_least, "at_least": True}
            metric = "revenue" if parts.is_money and METRICS[metric].unit != "money" else metric
            return Query(metric, (self.groups,), self.filters, self.period, counts_groups=True, **limits)
        if self.groups is not None and parts.over is None and not set(self.by) - {self.groups}:
            return Query(
                self.metric, (self.groups,), self.filters, self.period, counts_groups=True, having=parts.having
            )
        if parts.under is not None and parts.under != parts.over:
            raise NotRead("Less than a number is known of the revenue of orders only: “orders under 50”.")
        if parts.is_money and self.unit != "money":
            raise NotRead(f"You name an amount of money, but {METRICS[self.metric].label} are not in money.")
        if parts.over is not None and (
            self.unit not in ("count", "money") or not self.by or self.versus or self.is_share or "step" in self.by
        ):
            raise NotRead("More than a number: of orders, sessions or revenue, by channel, country, user ...")
        if parts.over is not None:
            counts = parts.is_counted and (self.by == ["user"] or self.groups is not None)
            return Query(self.metric, tuple(self.by), self.filters, self.period, counts_groups=counts, **parts.limits)
        if self.by == ["one_order"]:  # the biggest order, and its day
            self.by, parts.top, ascending = ["day", "one_order"], parts.top or 1, bool(ascending)
        return Query(
            self.metric, tuple(self.by), self.filters, self.period, self.versus, self.is_share,
            parts.top if self.by else None, ascending if self.by else None, against_rest=self.against_rest,
            by_change=by_change, explains=bool(self.explains and self.versus and not self.by), having=parts.having,
            moved=by_change and ascending is not None and not self.explains,
        )  # fmt: skip


def _from_step(first: int) -> tuple[Filter, ...]:
    """The filter of the funnel from a step on; none from the first."""
    steps = tuple(f"{number} {label}" for number, (_, label) in STEPS.items() if number >= first)
    return (Filter("step", steps),) if first > min(STEPS) else ()


def ascending_of(parts: Parts, metric: str) -> bool | None:
    """Whether the smallest comes first; None: nothing is said of order."""
    if both_ends(parts):
        return METRICS[metric].better < 0 and not parts.has("high")
    if (parts.has("low") and parts.has("high")) or {"best", "worst"} <= {*parts.judged}:
        raise NotRead("I can put the highest or the lowest first: ask for one of them.")
    if parts.has("low"):
        return True
    if parts.has("high"):
        return False
    judged = [word for word in parts.judged if word in ("best", "worst")]
    if judged:
        return (judged[0] == "worst") == (METRICS[metric].better > 0)
    return False if parts.top else None
