"""A finding in words: a headline without numbers, and a sentence with all of them."""

import math
import re

from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.highlights.search import Comparison, Side
from beha2vec_core.words import UNKNOWN_CURRENCY, between, counted, finer, number

# what sessions with a value are called; {} is the value
_SESSIONS = {
    "channel": "sessions of the channel {}",
    "source": "sessions from {}",
    "medium": "sessions of the medium {}",
    "campaign": "sessions of the campaign {}",
    "device": "sessions on {}",
    "os": "sessions on {}",
    "browser": "sessions in {}",
    "country": "sessions from {}",
    "landing_page": "sessions that began on {}",
}
# the same for orders, revenue and items of such sessions
_PARTS = {name: f" from {words}" for name, words in _SESSIONS.items()} | {
    "channel": " from the channel {}",
    "source": " from {}",
    "medium": " from the medium {}",
    "campaign": " from the campaign {}",
    "device": " on {}",
    "os": " on {}",
    "browser": " in {}",
    "country": " from {}",
    "landing_page": " after landing on {}",
    "item": ": {}",
    "item_category": " in the category {}",
}
_DEVICES = {"mobile": "phones", "desktop": "desktop computers", "tablet": "tablets", "smart tv": "televisions"}
# what happens in the sessions of a rate: "... more often", "..., had an order"
_HAPPENS = {
    "conversion_rate": ("end with an order", "had an order"),
    "cart_rate": ("add something to the cart", "had something added to the cart"),
    "engaged_rate": ("are engaged", "were engaged"),
    "checkout_abandonment": ("leave the checkout without an order", "that began checkout had no order"),
}
_OF = {"checkout_abandonment": "sessions that began checkout"}
_FAR = 3  # times as often
_CORRECTED = "widened, as many groups were compared"
_LONGEST = 60  # characters of a value
_WITH_ARTICLE = re.compile(r"United |Netherlands|Philippines|Czech Republic|Dominican Republic|Bahamas|Maldives")


def headline(one: Comparison) -> str:
    """What was found: Sessions on phones end with an order far less often than others."""
    if one.is_rate:
        happens, _ = _HAPPENS[one.metric]
        whose = _SESSIONS[one.dimension].format(_named(one)) if one.dimension else "sessions"
        low, high = sorted((one.here.rate, one.there.rate))
        much = "far " if high >= _FAR * low else ""
        said = f"{whose} {happens} {much}{_more(one)} often than {'others' if one.kind == 'difference' else 'before'}"
    else:
        verb = "are new" if not one.there.k else "stopped" if not one.here.k else "rose" if one.is_up else "fell"
        part = _PARTS[one.dimension].format(_named(one)) if one.dimension else ""
        said = f"{METRICS[one.metric].label}{part} {verb}"
    return said[0].upper() + said[1:]


def sentence(one: Comparison, confidence: float, currency: str = UNKNOWN_CURRENCY) -> str:
    """All numbers of a finding: both sides, the difference with its interval, how many it rests on, the days."""
    return _of_rates(one, confidence) if one.is_rate else _of_totals(one, confidence, currency)


def _of_rates(one: Comparison, confidence: float) -> str:
    _, happened = _HAPPENS[one.metric]
    rows = _OF.get(one.metric, "sessions")
    low, high = (_points(end) for end in sorted(map(abs, one.interval(confidence))))
    here, there = (finer(side.rate, "share", 1) for side in (one.here, one.there))
    against = "of the others" if one.before is None else "before"
    return (
        f"{here} of them {happened}, against {there} {against}: {_points(abs(one.effect))} percentage points "
        f"{_more(one)} (95% interval {between(low, high)}, {_CORRECTED}).{_shares(one)} Based on {one.here.n:,.0f} "
        f"{rows} of {counted(one.here.users, 'user')}, {_when(one)}."
    )


def _shares(one: Comparison) -> str:
    """What part of all sessions they are, and what part of all orders."""
    if one.kind == "change" or one.metric != "conversion_rate":
        return ""
    part = number(one.here.n / (one.here.n + one.there.n), "share")
    of = number(one.here.k / (one.here.k + one.there.k), "share")
    return f" They are {part} of all sessions and {of} of those with an order."


def _of_totals(one: Comparison, confidence: float, currency: str) -> str:
    low, high = one.interval(confidence)
    here, there = (_amount(one, side, currency) for side in (one.here, one.there))
    days = counted((one.period.last - one.period.first).days + 1, "day")
    change = ""
    if math.isfinite(one.effect):
        ends = between(_percent(low), _percent(high)) if math.isfinite(high) else f"more than {_percent(low)}"
        change = f": {_percent(one.effect)} (95% interval {ends}, {_CORRECTED})"
    return (
        f"{here} in the last {days}, against {there} in the {days} before{change}. Based on "
        f"{counted(one.here.users, 'user')} and {counted(one.there.users, 'user')}, {_when(one)}."
    )


def _when(one: Comparison) -> str:
    return one.period.in_words + (f" and {one.before.in_words}" if one.before else "")


def _more(one: Comparison) -> str:
    return "more" if one.is_up else "less"


def _amount(one: Comparison, side: Side, currency: str) -> str:
    return number(side.k, currency) if METRICS[one.metric].unit == "money" else f"{side.k:,.0f}"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _percent(change: float) -> str:
    return f"{100 * change:+,.0f}%"


def _named(one: Comparison) -> str:
    value = str(one.value)
    if one.dimension == "device":
        value = _DEVICES.get(value, value)
    if one.dimension == "country" and _WITH_ARTICLE.match(value):
        value = f"the {value}"
    return clean_text(value, limit=_LONGEST)
