"""Words of questions that do not depend on the data: of the grammar, of measures and of dimensions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations_with_replacement

from beha2vec_core.chat.days.hours import hours_of
from beha2vec_core.chat.days.weekdays import DAYS
from beha2vec_core.chat.rewrites.buying_steps import steps_of
from beha2vec_core.chat.words.lemmas import as_key, same_phrases
from beha2vec_core.chat.words.verbs import CHANGES
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, STEPS

_FILLERS = """
    the a an of in on at for to and or is are was were be been being do does did have has had having we our us my i
    me you your it its they them their there this that these those with from by per each every all any some how many
    much what whats which who please show give tell list get see find let know want need can could would number
    count total overall amount sum website site shop webshop hello hi ok really actually currently so far make
    made bring brought come came coming go went send sent sends happen something in
    terms breakdown broken breaking
    across among during within over via through using used use out as into about data figure stat statistic
    report visited segment segmented sort sorted originated originate generated generate drove
    drive drives driving calculate plot table chart graph
    hey dear quick question one kindly may might either very quite
    rather roughly approximately exactly pick picked receive received take taken took got gotten getting perform
    performing performed performance doing done going look looked looking seem wonder wondering curious check pull
    rank ranked store company here altogether combined full whole entire different distinct
    ever yet please times started were per there it's i'd i'm we've we're am as maybe
    actual us everybody everyone anybody anyone those whom browsed browse lot lots well now then if so entry whether
    booked recorded tracked
    respectively precise
    prefer preferred place placed web online ecommerce incoming inbound calendar draw produce yield yields
"""
FILLERS = frozenset(_FILLERS.split())
# kinds of phrases that say how a metric is shown or compared
_GRAMMAR: dict[str, str] = {
    "compare": """vs, versus, compare, compared, comparing, compare between, comparison between,
        compare to, compared to, compared with, comparison, against, than,
        difference, differ, difference between, contrast""",
    "rest": "allothers",
    "qualifier": "both, only, just, again, still, together, also, too, often",  # see `qualifiers.py`
    "without": "without",
    "cause": "askswhy",
    "happened": "happened, happen to",
    "common": "in common",
    "majority": "majorityof",
    "share": """share, percentage, percent, %, proportion, fraction, part of, what part of, which part of, what part,
        which part, share of,
        percentage of, proportion of, % of, split, split between, ratio between, how many percent,
        how much percent, how many %, portion, slice,
        chunk, make up, account for, makes up, accounts for, distribution, mix, composition, contribution, weight""",
    "trend": """trend, over time, develop, development, developed, developing, evolve, evolving, evolution, evolved,
        history, time series, timeline, trending, growing, going up, going down, going up or down, up or down,
        rising, falling, declining, shrinking, progress, increasing, decreasing, dropping, improving, fluctuate,
        fluctuating, fluctuation, stagnate, stagnated, stagnating, plateau, plateaued, plateauing, stable, steady, flat,
        flattened, flattening, level off, leveled off, worsening, recovering, soaring, climbing, sinking, sliding,
        slipping, collapsing, plummeting, dwindling, moving up, moving down, trajectory, momentum, curve""",
    "change": ", ".join(("grow most", "growth in", "growth of", "spike in", *CHANGES)),
    "judged": "best, worst, bad, good, strong, weak, poor, best first, worst first, "
    "successful, unsuccessful, effective, ineffective, poorly, badly",
    "high": """most, top, highest, biggest, largest, greatest, busiest, strongest, popular, peak, record, main, major,
        leading, hottest, number one, no 1, primary, principal, dominant,  most popular, most common, most frequent,
        highest first, largest first, biggest first, most first, descending, descending order, mostly,
        mainly, longest, longest first, high, most often, fastest, max, maximum""",
    "low": """least, lowest, fewest, smallest, weakest, quietest, slowest, poorest, rarest, least popular,
         bottom, lowest first, smallest first, fewest first, least first,
        ascending, ascending order, shortest, shortest first, low, slowest, min, minimum""",
    "bought": "bought, purchased, buy, buying, ordered",
    "sell": "sell, sold, we sell, we sold, did we sell",
    "average": "average, avg, mean",
    "filler": """addedup, broken down, break down, split by, split up, brought in, in terms of, ordered by,
        acquired by, acquired through, acquired via, even though, good morning, good afternoon,
        good evening, good day, sit in, belong to, fall into, end up in, ended up in, we picked up, end up, ended up,
        look like, look for, stack up, overview of, summary of, ranking of, list of, by number of, in total""",
    # known, and not measured so: other words must not make a question of them
    "unknown": """repeat customer, repeat buyer, first time buyer, loyal customer, customer lifetime value,
        lifetime value, last, past, page load time, load time, market share, share of market, median, shipping country,
        shipping address, shipping method, shipping time, shipping cost, cost of shipping, tax rate, tax return,
        as of, business hour, office hour, working hour, this morning, this afternoon, this evening, refund amount,
        refund value, refund sum, refunded amount, amount refunded, amount of refund, phone number, in store,
        video view, phone order, shipped, household income""",
}
_VALUES = {  # of dimensions whose values are always the same
    ("new_or_returning", "returning"): "returning, returning one, returning session, are returning, were returning",
    ("new_or_returning", "new"): "new one, new session, new visit, are new, were new",
    ("weekend", "weekend"): "weekend",
    ("weekend", "Monday to Friday"): "midweek",
    ("order_number", "first"): "firstorder",
    ("order_number", "later"): "laterorder",
    **{("weekday", name.capitalize()): f"every{name}" for name in DAYS},
}
OF_ITEMS = {"item", "item_category", "item_subcategory", "item_brand"}
OF_PAGES = {"page", "page_type", "theme"}


def loosely(text: str) -> str:
    """A pattern of a phrase, whatever stood between its words."""
    return r"[\W_]+".join(map(re.escape, text.split()))


@dataclass(frozen=True)
class Value:
    """Values of a dimension that a phrase stands for: one, or all channels whose name has the word."""

    dimension: str
    values: tuple[str, ...]

    def of_table(self, name: str) -> Value:
        """Of categories the first levels, where those of orders are meant: views name them with all below."""
        first = tuple(value for value in self.values if "/" not in value)
        return replace(self, values=first) if self.dimension == "item_category" and name == "items" and first else self


@dataclass(frozen=True)
class Word:
    """A phrase of a question, and what it stands for."""

    kind: str  # metric, by (a dimension), value, period, filler, or a kind of the grammar: compare, share, trend
    text: str  # as it stands in the question
    place: int  # of its first word
    # of the metric or dimension; the number of the period; "part" of a word in the names of several channels, "head" of
    # one that is the last in the name of an item
    name: str = ""
    values: tuple[Value, ...] = ()  # what it may stand for, the preferred dimension first

    @property
    def pattern(self) -> str:
        """A pattern of the phrase, as it may stand in a question."""
        return loosely(self.text)

    @property
    def dimensions(self) -> set[str]:
        """Those of its values."""
        return {value.dimension for value in self.values}

    @property
    def own_dimensions(self) -> set[str]:
        """Those with values of this name; where there are none, all. A newsletter is a source, not all email."""
        key = as_key(self.text)
        named = {one.dimension for one in self.values if any(key in as_key(name.strip("()")) for name in one.values)}
        return named or self.dimensions

    def is_beside(self, other: Word) -> bool:
        """Whether one phrase follows the other at once."""
        first, second = sorted((self, other), key=lambda word: word.place)
        return first.place + len(first.text.split()) == second.place


@dataclass(frozen=True)
class Meaning:
    """What a phrase stands for, as a `Word`."""

    kind: str
    name: str = ""
    values: tuple[Value, ...] = ()


@cache
def fixed_phrases() -> dict[str, Meaning]:
    """Phrases that do not depend on the data."""
    found = {as_key(word): Meaning("filler") for word in FILLERS}
    for kind, phrases in _GRAMMAR.items():  # the first kind that has a phrase
        found = {as_key(phrase): Meaning(kind) for phrase in phrases.split(",")} | found
    for (dimension, value), phrases in _VALUES.items():
        meaning = Meaning("value", values=(Value(dimension, (value,)),))
        found |= {as_key(phrase): meaning for phrase in phrases.split(",")}
    for first, last in combinations_with_replacement(STEPS, 2):
        steps = tuple(f"{number} {label}" for number, (_, label) in STEPS.items() if first <= number <= last)
        found[steps_of(first, last) or "funnel"] = Meaning("value", values=(Value("step", steps),))
    for first, last in combinations_with_replacement(range(24), 2):
        hours = tuple(map(str, range(first, last + 1)))
        found[hours_of(first, last)] = Meaning("value", values=(Value("hour", hours),))
    for one in DIMENSIONS.values():
        found |= {as_key(phrase): Meaning("by", one.name) for phrase in one.words}
    for metric in METRICS.values():
        found |= {as_key(phrase): Meaning("metric", metric.name) for phrase in metric.words}
    return found


@cache
def same_measures() -> dict[str, Meaning]:
    """Phrases that say the same as one of the measures' in other words; of several measures, as the first one's."""
    found: dict[str, Meaning] = {}
    for metric in METRICS.values():
        for phrase in metric.words:
            for other in same_phrases(as_key(phrase)):
                found.setdefault(other, Meaning("metric", metric.name))
    return found
