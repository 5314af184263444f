"""One query of the parts of a question: its measure, then shares, changes and comparisons."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta

from beha2vec_core.chat.days.periods import MARK
from beha2vec_core.chat.parts.added_up import are_added_up
from beha2vec_core.chat.parts.grammar import OF_ITEMS, OF_PAGES, Word
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries import asked, compared
from beha2vec_core.chat.queries.implied_measures import IS_SO, NotRead, as_rate, metric_of, not_only_buyers, unnamed
from beha2vec_core.chat.queries.nearest import reaches, some_of
from beha2vec_core.chat.queries.ratios import outer_of
from beha2vec_core.chat.queries.refusals import check_people, refuse_what_is_no_query, refuse_what_moved_so_much
from beha2vec_core.chat.words.verbs import DOWN, UP
from beha2vec_core.semantic.compiler import COUNTED_ONCE
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, OF_STEPS, PEOPLE_COUNTED, SOURCES, STEPS, Metric
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Did, Filter, Period, Query

_IS_IT = re.compile(r"^\W*(?:is|are|was|were|how (?:good|bad|weak|strong|poor))\b")
_SIDES = re.compile(r"\b(?:vs|versus|than|against|or)\b")
_EITHER = re.compile(r"\bor\b")
_THAN = re.compile(r"\bthan\b")
_GETS = re.compile(r"\b(?:get|gets|getting|got|become|becoming|usual|do we|are we|did we|have)\b")
_OF_A_USER = ("revenue", "orders", "sessions", "page_views", "items_sold", "net_revenue")  # what users are listed by
_BECAME = re.compile(r"\b(?:got|gotten|getting|became|become|becoming|sold)\b")
_SO_MUCH = re.compile(r"\b(?:so|much|that|far|way)\b")
_LEAVING = {"checkout_abandonment": 3, "cart_abandonment": 2, "conversion_rate": 1}  # why: the funnel from this step
_ARE_THERE = re.compile(r"\b(?:are|is) there\b.*\b(?:more|fewer|less)\b")
_IS_BEST = re.compile(r"^(?:is|are|was|were)\b.*\b(?:best|worst|top|biggest|largest|strongest|weakest|smallest)\b")
OFTEN = re.compile(r"\b(?:more|most|less|least) (?:often|frequently|likely)\b")
_OF_SESSIONS = re.compile(r"(?:%|percent\w*|share|proportion|fraction|part) of (?:\w+ )?(?:\w+ )?(?:sessions|visits)\b")
_WHICH_DAY = re.compile(r"\b(?:which|what) (?:day|week|month)\b")
_KEYS = {"users": "user", "sessions": "session"}  # what of these did something
_BOTH = re.compile(r"\bboth\b")
_WITHIN = re.compile(rf"\b(?:during|throughout|within|in the course of) (?:the )?{MARK}")
_UP_TO_AN_ORDER = ("sessions", "engaged_rate", "product_view_rate", "cart_rate", "checkout_rate", "orders")
_ENDS = {  # which end of a ranking is meant: "countries with a poor conversion rate"
    **dict.fromkeys(("bad", "badly", "poor", "poorly", "weak", "unsuccessful", "ineffective"), "worst"),
    **dict.fromkeys(("good", "strong", "successful", "effective"), "best"),
}
_MOVES = re.compile(rf"\b(?:{'|'.join((*UP, *DOWN))})\b")
_LONG = 27  # days after the first of a period that can have a trend
NOT_WHY = "The data show where this is so, but not why."


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
    of_each: bool = False  # the share in each group
    timed: bool = False
    explains: bool = False
    extreme: bool = False
    changes: bool = False
    moves: bool = False  # the groups that changed in a direction are asked for
    against_rest: bool = False
    asks_step: bool = False  # at which step those of two values of a visit stop, in place of why
    is_often: bool = False  # how often groups do something is compared, not how many of them do

    @property
    def measure(self) -> Metric:
        """What is asked for, by its name."""
        return METRICS[self.metric]

    @property
    def is_number(self) -> bool:
        """Whether it is a number or an amount, not a rate."""
        return self.measure.unit in ("count", "money")

    @property
    def has_per(self) -> bool:
        """Whether it is so much per row of something."""
        return any(one.per for one in self.measure.sql.values())

    def _choose_metric(self) -> None:
        """Which measure, and of which groups."""
        parts = self.parts
        self.by = asked.breakdown_of(parts)
        named = {int(word.name) for word in parts.words if word.kind == "period"}
        periods = [one for number, one in enumerate(parts.times.periods) if number in named]  # not those of clauses
        if months := compared.months_in_a_row(periods, self.contents.days.last):
            if _THAN.search(parts.text):
                raise NotRead("I can compare two periods at most.")
            words = [word for word in parts.words if word.kind not in ("compare", "judged")]
            times = replace(parts.times, periods=[months], compares=False)
            self.parts = parts = replace(parts, times=times, words=words, comparatives=[])
            self.by = ["month", *self.by]
        self.groups = asked.group_counted(parts)
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
                raise NotRead(
                    f"{self.included[0].values[0]} is not a {label}: ask for all of them in order, the best first."
                )
            self.filters = tuple(one for one in self.filters if one.is_excluded or one.dimension != self.by[0])
            self.included = ()
        several = [one for one in self.included if len(one.values) > 1 and not asked.is_one_group(parts, one)]
        several.sort(key=lambda one: not asked.is_named_apart(parts, one))  # google or bing, of all that is paid
        self.pair = next(iter(several), None)
        self.compares = (parts.has("compare") or bool(parts.comparatives) or parts.times.compares) and not parts.is_side
        if parts.having and {*self.metrics} <= {"users"}:  # months without orders, with at least 50 sessions
            self.metrics = [next((one.metric for one in parts.having if one.at_least), "sessions")]
        self.metric = metric_of(
            parts, self.metrics, self.filters, self.by, self.pair, self.compares, self.groups, self.notes
        )
        if customers := not_only_buyers(parts, self.metric, self.done):
            self.has_part |= self.metric == "buyer_share"
            self.metric = "users"
            self.notes.append(f"“{customers}” was read as all users, with or without an order.")
        is_of_people = any(word.name in ("users", "buyers", "buyer_share") for word in parts.words)
        is_of_people |= "spen" in parts.text
        if parts.over is not None and not self.by and self.metric == "revenue" and is_of_people:
            self.by = ["user"]
        bought = as_rate(parts, self.metric, self.by, self.filters, self.included, self.pair, self.notes)
        if bought == "buyer_share" and any(did.table in ("purchases", "items") for one in self.done for did in one.did):
            bought = "buyers"  # of all buyers, those who ordered so often, or with a coupon
        of_items = {*self.by, *(one.dimension for one in self.included)} & OF_ITEMS
        if bought in ("cart_rate", "cart_sessions") and of_items and "rate" not in parts.text:
            bought = "cart_additions"
        self.is_of_buyers = self.metric == "buyer_share" and bought == "buyers"
        self.metric = bought
        if parts.is_of_users and parts.over is None and self.metric not in ("buyers", *_OF_A_USER):
            raise NotRead("I can list users by revenue, orders, items sold, sessions or page views.")
        is_compared = bool(self.by or self.compares or parts.has("trend", "change"))
        check_people(parts, self.metric, self.filters, is_compared, self.notes)
        if parts.is_of_users and self.metric == "buyers":
            self.notes.append("Customers are ranked by revenue.")
            self.metric = "revenue"
        self.named = next((word for word in parts.words if word.kind == "metric"), None)
        is_ranked = self.named is not None and bool(parts.judged or asked.is_ranking(parts, self.named))
        if self.metric == "items_sold" and not self.by and is_ranked:
            self.by = ["item"]
        leaves = self.metric in _LEAVING and (self.metric != "conversion_rate" or self.metrics != ["conversion_rate"])
        narrowed = self.included or self.by or self.compares or parts.times.periods or parts.has("change")
        of_two = len(self.included) > 1 and {one.dimension for one in self.included} <= {*SOURCES} and not self.pair
        of_two &= not (self.by or self.compares or parts.times.periods or parts.has("change", "rest"))
        if parts.has("cause") and leaves and of_two:  # of instagram and paid: the steps up to where they stop
            self.metric, self.asks_step, parts.beside = "conversion_rate", True, _UP_TO_AN_ORDER
        elif parts.has("cause") and leaves and not narrowed:
            self.filters = (*self.filters, *_from_step(_LEAVING[self.metric]))
            self.metric = "funnel"
        if self.metric == "funnel":
            self.by = ["step", *(name for name in self.by if name != "step")]

    def _choose_rate(self) -> None:
        """Of groups that do something more often than others, the part that does it: their sizes differ."""
        self.is_often = bool((self.by or self.pair) and OFTEN.search(self.parts.text))
        of_sessions = f"{self.metric.removesuffix('_users')}_rate"  # of users who added something to the cart
        rates = (one.name for one in METRICS.values() if self.metric == one.count or one.name == of_sessions)
        self.metric = next(rates, self.metric) if self.is_often else self.metric

    def _count(self) -> None:
        """Numbers in place of rates, lists of users, and the periods."""
        parts = self.parts
        alone = not re.search(r"\band (?:also )?how (?:many|much)\b", parts.text)
        is_counted = parts.is_counted and self.groups is None and parts.over is None and not parts.is_of_users
        if self.named and alone and is_counted:
            weak = METRICS[self.named.name]
            is_same = self.metric == "buyers" or self.measure.label.startswith(weak.label)
            if weak.is_weak and self.is_number and not is_same:
                raise NotRead(f"I cannot count {weak.label} by their {self.measure.label}.")
        if parts.has("average") and self.is_number and self.metric != "aov":
            raise NotRead(
                "I have these averages: revenue per order, per user or per session, and page views per session."
            )
        if parts.is_of_users and self.by and self.by != ["user"]:
            labels = " or ".join(DIMENSIONS[name].label for name in self.by if name != "user")
            raise NotRead(f"I can list these users, or give buyers and revenue by {labels}, but not both at once.")
        if parts.is_of_users and "user" not in self.by:
            self.by = [*self.by, "user"]
        self.period, self.versus = compared.periods_of(parts, self.compares, self.contents.days, self.notes)
        of_sessions = any(word.kind == "metric" and word.name == "sessions" for word in parts.words)
        is_rate = self.measure.n_of.startswith("session") and not (of_sessions or parts.has("share"))
        if parts.is_counted and is_rate:
            if self.measure.count is None and self.measure.n_of == "sessions":
                raise NotRead(f"I have the {self.measure.label} only as a rate, not as a number.")
            self.metric = self.measure.count or self.metric
            self.notes += ["Sessions are counted, not users."] if self.named and self.named.name == "users" else []
        if self.metric == "cart_sessions" and "add" in parts.text:
            self.notes.append("Sessions with something added to the cart are counted, not how often.")

    def _share(self) -> None:
        """Whether it is a share, and of which whole."""
        parts = self.parts
        if self.measure.unit == "mean" and re.search(r"\bdistribution\b", parts.text):
            raise NotRead(f"I have {self.measure.label} only as an average, not its distribution.")
        self.is_share = parts.has("share") or parts.is_part or self.is_of_buyers or self.has_part
        self.is_share |= self.is_often and bool(self.done) and self.metric in PEOPLE_COUNTED
        self.is_share &= self.is_number and self.metric != "funnel"
        if self.is_share and self.metric in ("new_users", "returning_users"):
            self.metric = "users"
        rate = next((one.name for one in METRICS.values() if one.count == self.metric), None)
        of_all = _OF_SESSIONS.search(parts.text) is not None  # percentage of mobile sessions that add to cart
        is_rate = self.by and self.metric not in COUNTED_ONCE  # share of engaged sessions by channel
        is_rate = is_rate or (not self.by and (of_all or not self.included))
        if self.is_share and is_rate and not self.done and rate:
            self.metric, self.is_share = rate, False
        is_whole = self.is_share and not self.by and not self.done
        if is_whole and len(self.filters) > 1 and self.metric in _KEYS and _BOTH.search(parts.text):
            did = Did("sessions", self.filters)  # the part is what is all of this
            self.filters, self.included = (Filter(_KEYS[self.metric], did=(did,)),), ()
        did_by = {inner.dimension for one in self.done for did in one.did for inner in did.filters}
        if self.is_share and {*self.by} & did_by:  # orders with a coupon, by coupon: of each all have it
            raise NotRead("A share of what? Ask for the numbers of the groups instead.")
        if self.is_share and self.has_per:
            raise NotRead(f"{self.measure.label.capitalize()} is an average, so it has no share.")
        has_filter = self.included or any(one.is_excluded or one.did for one in self.filters)
        if self.is_share and not self.by and not has_filter:
            raise NotRead("The share of what? Name a device, channel, country ...")
        if is_whole and len(self.included) > 1 and {one.dimension for one in self.included} <= OF_PAGES:
            raise NotRead("I can give the share of one page, or of one kind of pages, at a time.")
        if is_whole and len(self.included) > 2 and asked.are_parts_joined(parts):
            raise NotRead("I can give the share of one thing at a time: leave one of them out.")
        if is_whole and len(self.included) > 1:
            part = asked.part_of(parts, self.included)
            self.filters = (part, *(one for one in self.filters if one != part))
        if self.is_share and parts.is_of_done and self.done and self.included and not self.by:
            part = self.included[-1]
            self.filters = (part, *(one for one in self.filters if one != part))
        if not self.by and any(word.text == "list" for word in parts.words):
            raise NotRead("I give numbers, but no lists of single orders or sessions.")
        is_of_people = self.metric in PEOPLE_COUNTED
        is_one = self.is_number and not (self.has_per or self.by or self.is_share or self.compares)
        if parts.mean_of and not (is_one and (parts.mean_of == "day" or not is_of_people)):
            raise NotRead(
                f"I can give an average per {parts.mean_of} of one total only, such as sessions, orders or revenue."
            )
        if parts.mean_of and is_of_people:
            self.by = ["day"]  # the same people come on several days

    def _change(self) -> None:
        """What changed, from when to when, or why a state is so."""
        parts = self.parts
        self.timed = any(DIMENSIONS[name].kind == "time" for name in self.by)
        self.extreme = parts.has("low", "high", "judged")
        is_of_one = self.timed and parts.has("change") and not (parts.times.periods or self.extreme)
        if is_of_one and _WHICH_DAY.search(parts.text):
            raise NotRead("I cannot compare each one with the next here: ask for the highest or the lowest.")
        self.explains = parts.has("cause") and not (self.pair or self.asks_step)
        is_moving = parts.goes_down is not None and self.metric not in OF_STEPS  # "drop" between two steps is no change
        self.changes = parts.has("change")
        self.changes |= self.period is not None and compared.UP_OR_DOWN.search(parts.text) is not None
        self.changes |= self.explains and (parts.has("happened") or is_moving)
        others = [one for one in self.filters if one.is_excluded and not one.did]
        if self.explains and len(others) == len(self.filters) == 1 and not (self.by or self.period or self.changes):
            self.filters = self.included = (replace(others[0], is_excluded=False),)  # so few from outside the US
        is_open = self.explains and bool(self.included) and not (self.by or self.period or parts.has("change"))
        is_state = is_open and IS_SO.search(parts.text) is not None and _GETS.search(parts.text) is None
        is_state &= self.has_per or _SO_MUCH.search(parts.text) is not None
        is_of_several = (is_state and len(self.included) > 1) or (is_open and _ARE_THERE.search(parts.text))
        if is_of_several and not parts.has("rest"):
            raise NotRead("Compared with what: an earlier period, or all other groups?")
        self.changes &= not is_state
        is_so = bool(self.included) and self.extreme
        self.changes |= self.explains and self.period is not None and not (self.by or is_state or is_so)
        self.moves = asked.asks_which_moved(parts, self.by) and not self.timed
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
            if parts.times.is_open and not (parts.times.is_after or self.explains or self.moves):
                days = self.contents.days
                self.timed, self.by = True, [compared.step_since(self.period or days, days), *self.by]
            elif self.period is None and parts.has("trend") and not self.moves:
                pass
            elif self.period is None and self.contents.days.last - self.contents.days.first >= timedelta(days=55):
                self.period = Period(self.contents.days.last - timedelta(days=27), self.contents.days.last)
                self.versus = self.period.before()
                self.notes.append("No period is named, so the last 28 days are compared with the 28 days before.")
            elif self.period is None:
                raise NotRead("A change needs a period: for example last week, or last month.")
            else:
                self._compare_in_time(self.period)
        is_named = bool(self.metrics) or parts.has("bought", "sell")
        is_judged = len(self.included) == 1 and is_named and not self.by and (parts.judged or self.extreme)
        is_peak = self.timed and self.extreme and self.period is None  # the day with the most, but not why
        rate = next((one.name for one in METRICS.values() if one.count == self.metric and one.unit == "share"), None)
        if self.explains and self.versus is None and not (self.period or self.by) and rate and parts.has("high"):
            self.metric = rate  # why so many single page visits
        leaves = self.metric in _LEAVING and len(self.included) == 1 and not self.by
        is_spread = leaves or (self.measure.unit == "share" and not (self.by or self.included or self.period))
        if (
            self.explains
            and self.versus is None
            and not is_spread
            and not (parts.has("rest") or is_judged or is_peak or is_state or self.metric == "funnel")
        ):
            raise NotRead("The data show what happened, but not why, or what would happen.")
        if parts.has("trend") and not self.timed and self.versus is None:
            self.by = [compared.step_of(self.period or self.contents.days), *self.by]
            self.timed = True
        if parts.has("cause"):
            self.notes.append(NOT_WHY)
        if "weekend" in {*self.by, *(one.dimension for one in self.included)} and self.is_number:
            self.notes.append("A weekend has two days, the rest of the week has five.")

    def _compare_in_time(self, period: Period) -> None:
        """A change against the days before; within a period, or where the data begin with it, its own trend."""
        before, days = compared.days_before(period, self.contents), self.contents.days
        is_within = _WITHIN.search(self.parts.text) is not None and (period.last - period.first).days >= _LONG
        is_known, halves = compared.is_in_data(before, days), compared.halves_of(period, days)
        if halves is None or (is_known and not is_within):
            self.versus = before
            return
        after = None if is_known or self._moved() else compared.with_days_after(period, days)
        if after and self.explains:  # why were sales so low then
            self.period, self.versus = after
            self.notes.append(compared.compared_with_after(days))
            return
        if not is_known:
            self.notes.append(compared.nothing_before(days))
        if self.by or self.explains or compared.step_of(period) == "day":  # two single days say little
            self.period, self.versus = halves
            self.notes.append("The second half of the period is compared with its first.")
        else:
            self.timed, self.by = True, [compared.step_of(period)]

    def _moved(self) -> bool:
        """Whether it is said to rise, fall or change, not only to be high or low."""
        return self.parts.has("trend", "change", "happened") or _MOVES.search(self.parts.text) is not None

    def _compare(self) -> None:
        """Which groups are compared: values that are named, or one of them with the rest."""
        parts = self.parts
        is_single = not self.by and len(self.included) == 1 and not self.pair and self.versus is None
        implied = bool(parts.comparatives) and "than" not in parts.text.split() and not parts.has("compare")
        implied |= parts.has("judged") and _IS_IT.search(parts.text) is not None
        self.against_rest = is_single and (self.explains or implied)
        if parts.has("rest") and (not self.included or len(self.included) > 1):
            raise NotRead("Compared with the rest of what? Name a channel, device, country ...")
        if parts.has("rest") and {*self.by} - {self.included[0].dimension}:
            raise NotRead(f"I can compare a group with all others, but not by {DIMENSIONS[self.by[0]].label}.")
        if self.against_rest or parts.has("rest"):
            self.by, self.against_rest, self.pair = [self.included[0].dimension], True, None
        elif self.compares and self.versus is None and not self.by and self.pair is None:
            raise NotRead("A comparison needs two values (mobile and desktop) or two periods.")
        if (pair := self.pair) and pair.dimension not in self.by:
            is_rate = self.measure.unit in ("share", "mean") or self.has_per or (self.is_share and "," in parts.text)
            if are_added_up(parts.text) and len(pair.values) > 2 and _SIDES.search(parts.text):
                raise NotRead("I cannot compare one with several that are added up: ask for each of the two sums.")
            is_one = are_added_up(parts.text) and not (self.compares or parts.judged)
            is_each = (is_rate or self.changes or parts.has("trend")) and asked.is_named_apart(parts, pair)
            apart = self.compares or bool(parts.judged) or is_each
            if not is_one and (apart or asked.asks_either(parts, pair)):
                self.by = [*self.by, pair.dimension] if self.metric == "funnel" else [pair.dimension, *self.by]
            elif not self.is_share:
                self.notes.append(f"{some_of(pair.values, 'and')} are counted together.")
        is_spread = (self.explains or self.asks_step) and self.measure.unit == "share"
        ranks = parts.has("high", "low", "judged") and not is_spread
        if ranks and not self.by and self.versus is None:
            raise NotRead("The highest or lowest of what: channels, devices, countries, items, days ...?")
        if len(self.by) > 1 and _EITHER.search(parts.text) and not self.pair:
            raise NotRead("I can break a number down by several dimensions at once, but not by one or the other.")

    def _share_of_each(self) -> None:
        """Whether it is the share in each group, and of which part."""
        named = tuple(one for one in self.included if one.dimension not in self.by)
        groups = [name for name in self.by if DIMENSIONS[name].kind != "time"]
        if not (self.is_share and groups and named) or self.done or self.against_rest:
            return
        self.of_each = asked.is_part_of_each(self.parts, named, is_pair=self.pair is not None)
        if self.of_each and any(asked.is_named_apart(self.parts, one) for one in named):
            raise NotRead("A share of what? I can give the share of one part in each group.")
        if self.of_each:
            part = asked.part_of(self.parts, named)
            self.filters = (part, *(one for one in self.filters if one != part))

    def query(self) -> Query:
        """The query of all this."""
        self._choose_metric()
        for step in (
            self._choose_rate, self._count, self._share, self._change, self._compare, self._share_of_each,
        ):  # fmt: skip
            step()
        parts = self.parts
        ranks = parts.has("high", "low") or self.moves
        by_change = bool(self.versus and self.by and (self.explains or (ranks and self.changes)))
        ascending = None if self.metric == "funnel" or self.against_rest else ascending_of(parts, self.metric)
        is_of_two = self.pair is not None or bool(parts.limits)
        if self.moves and parts.comparatives and parts.goes_down and ascending is None and not (by_change or is_of_two):
            raise NotRead("Less or worse than when? Name an earlier period, or ask for the lowest.")
        if by_change:
            ascending = parts.falls(self.metric)
            if parts.has("low") and ascending is not None and not self.explains:
                raise NotRead("I can list the largest changes first, but not the smallest.")
            self.groups = None  # how many of them fell is said with them
        if self.outer is not None:
            if self.versus or self.is_share or self.changes or self.explains or parts.limits or self.groups:
                raise NotRead("For the first within each group I can give the value in one period only.")
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
            raise NotRead("A limit of less than a number works for the revenue of orders only: “orders under 50”.")
        if parts.is_money and self.measure.unit != "money":
            raise NotRead(f"You name an amount of money, but {self.measure.label} cannot be compared with money.")
        is_plain = self.is_number and self.by and not (self.versus or self.is_share or "step" in self.by)
        if parts.over is not None and not is_plain:
            raise NotRead("More than that of what? For example: channels with more than 100 orders.")
        if parts.over is not None:
            counts = parts.is_counted and (self.by == ["user"] or self.groups is not None)
            return Query(self.metric, tuple(self.by), self.filters, self.period, counts_groups=counts, **parts.limits)
        if self.by == ["one_order"]:  # the biggest order, and its day
            self.by, parts.top, ascending = ["day", "one_order"], parts.top or 1, bool(ascending)
        return Query(
            self.metric, tuple(self.by), self.filters, self.period, self.versus, self.is_share,
            parts.top if self.by else None, ascending if self.by else None, of_each=self.of_each,
            against_rest=self.against_rest, by_change=by_change,
            explains=bool(self.explains and self.versus and not self.by), having=parts.having,
            moved=by_change and ascending is not None and not self.explains,
        )  # fmt: skip


def _from_step(first: int) -> tuple[Filter, ...]:
    """The filter of the funnel from a step on; none from the first."""
    steps = tuple(f"{number} {label}" for number, (_, label) in STEPS.items() if number >= first)
    return (Filter("step", steps),) if first > min(STEPS) else ()


def ascending_of(parts: Parts, metric: str) -> bool | None:
    """Whether the smallest comes first; None: nothing is said of order."""
    if asked.both_ends(parts):
        return METRICS[metric].better < 0 and not parts.has("high")
    is_top_worst = parts.has("high") and "worst" in parts.judged and METRICS[metric].better > 0
    if is_top_worst or (parts.has("low") and parts.has("high")) or {"best", "worst"} <= {*parts.judged}:
        raise NotRead("I can show the highest or the lowest first: ask for one of them.")
    if parts.has("low"):
        return True
    if parts.has("high"):
        return False
    judged = [word for word in parts.judged if word in ("best", "worst")]
    judged += [_ENDS[word.text] for word in parts.words if word.kind in ("judged", "filler") and word.text in _ENDS]
    if judged:
        return (judged[0] == "worst") == (METRICS[metric].better > 0)
    return False if parts.top else None
