"""What the words of a question ask for: its measures, filters and groups."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise, product

from beha2vec_core.chat.days.periods import MARK
from beha2vec_core.chat.parts.grammar import OF_ITEMS, Value, Word, loosely
from beha2vec_core.chat.parts.parts import SELL_MORE, Parts
from beha2vec_core.chat.queries.nearest import reaches, some_of, table_of
from beha2vec_core.chat.words.lemmas import as_key
from beha2vec_core.semantic.definitions import CHARGES, DIMENSIONS, METRICS, PEOPLE_COUNTED, SOURCES
from beha2vec_core.semantic.query import Filter

# dimensions of which one word can name several values
OF_ONE_WORD = (*OF_ITEMS, "country", "hour", "source", "source_medium", "page", "landing_page")
_EACH = re.compile(r"\b(?:each|respectively)\W*$")
FIRST = ("first_channel", "first_source", "first_medium", "first_campaign")
_KINDS_OF_PAGES = ("page_type", "theme")


def metrics_of(parts: Parts) -> list[str]:
    """Metrics that the question asks for; the engagement of pages is that of their views, not of whole sessions."""
    found = _metrics_named(parts)
    of_pages = found == ["engagement_time"] and _is_of_pages(parts)
    return ["time_on_page"] if of_pages else found


def _is_of_pages(parts: Parts) -> bool:
    """Whether pages are named, or a breakdown by them, and neither sessions nor where they began."""
    if re.search(r"\b(?:sessions?|visits?)\b", parts.text) or any("landing" in word.name for word in parts.words):
        return False
    by = {word.name for word in parts.words if word.kind == "by"}
    named = {word.values[0].dimension for word in parts.words if word.kind == "value"}
    return bool((by | named) & {"page", *_KINDS_OF_PAGES})


def _metrics_named(parts: Parts) -> list[str]:
    """The metrics of a question; words such as users stand beside another one without being asked for."""
    found = list(dict.fromkeys(word.name for word in parts.words if word.kind == "metric"))
    if together := _listed_together(parts):
        return together
    found = [name for name in found if name not in charged(parts)]
    if found and found[0] == "sessions" and _are_of_people(parts):
        return ["sessions"]
    strong = [name for name in found if not METRICS[name].is_weak or _is_asked_too(parts, name)]
    if (first := _ordered_by(parts) or ("revenue" if parts.is_of_users else "")) in strong:
        strong.sort(key=lambda name: name != first)
    if parts.is_of_users and (first := _ordered_by(parts, "by|in order of|most|highest")) and first not in strong:
        return [first]
    asks_why = parts.has("cause") and parts.has("bought")
    if asks_why and len(strong) == 1 and strong[0] in ("new_users", "returning_users"):  # they buy more
        return ["users"]
    if {*strong} == {"new_users", "returning_users"}:  # a comparison of both
        return [name for name in found if name not in strong] or ["users"]
    if len(strong) > 1 and any(
        word.text.startswith(("best", "top")) for word in parts.words if word.name == "items_sold"
    ):
        strong.remove("items_sold")  # best sellers by revenue
    if len(strong) > 1:  # "conversion of returning visitors"
        strong = [name for name in strong if name not in ("new_users", "returning_users")] or strong
    if len(strong) > 1 and "buyers" in strong:  # customers are those who have revenue and orders, or who check out
        strong.remove("buyers")
    if not strong and parts.is_of_users and "sessions" in found:  # the users with most sessions
        return ["sessions"]
    return strong or found[:1]  # "people visit us"


def charged(parts: Parts) -> set[str]:
    """Measures that only say what is charged: orders, of "tax on orders", and revenue, of "money from shipping"."""
    charges = "|".join(word.pattern for word in parts.words if word.name in CHARGES)
    if not charges or parts.has("compare"):
        return set()
    found = set()
    for word in parts.words:
        as_what = rf"{word.pattern}(?: (?:from|for|in|of|on|through|as|with))? (?:{charges})\b"
        on_what = rf"\b(?:on|of|for|from|in) (?:(?:all|the|our|new|those) )*{word.pattern}\b"
        if re.search(as_what if word.name == "revenue" else on_what, parts.text):
            found |= {word.name} & {"revenue", "orders", "buyers"}
    return found


def _is_asked_too(parts: Parts, name: str) -> bool:
    """Whether users or sessions are a measure of a list: "by number of sessions, with the conversion rate"."""
    for word in parts.words:
        if word.name == name and any(not METRICS[w.name].is_weak for w in parts.words if w.kind == "metric"):
            one = word.pattern
            said = rf"(?:\bhow many|\bnumber of|,|\band|\bwith(?: (?:the|their))?) {one}\s*(?:,|$|\?|and\b)"
            said += rf"|\bby (?:the )?(?:number of )?{one}\s*(?:,|with\b|and\b)"
            first = (
                rf"^(?:(?:how many|show|me|give|the|number of|total|our|please) )*{one}\b.*,? and (?:the|their|its) "
            )
            if re.search(rf"{said}|{first}", parts.text):
                return True
    return False


def _ordered_by(parts: Parts, after: str = "by|in order of") -> str:
    """The measure by which groups are put in order: "top 5 pages by sessions, with their bounce rate"."""
    for word in parts.words:
        if word.kind == "metric" and re.search(
            rf"\b(?:{after}) (?:(?:the|their|number of|most|highest) )*{word.pattern}",
            parts.text,
        ):
            return word.name
    return ""


def _are_of_people(parts: Parts) -> bool:
    """Whether sessions are asked for, and other words say whose: "sessions of new users", "visits by buyers"."""
    named = [word for word in parts.words if word.kind == "metric"]
    if len(named) != 2 or named[1].name not in PEOPLE_COUNTED[1:]:
        return False
    between = [word for word in parts.words if named[0].place < word.place < named[1].place]
    return any(word.text in ("of", "by", "from", "among", "for") for word in between)


def _listed_together(parts: Parts) -> list[str]:
    """Metrics with nothing but "and", a comma or the like between them: all of them are asked for."""
    named = [word for word in parts.words if word.kind == "metric"]
    found: list[str] = []
    for one, other in pairwise(named):
        asked_too = rf"\bhow (?:many|much)\b.*{one.pattern}\b.*\band (?:also )?how (?:many|much) {other.pattern}"
        if one.name != other.name and re.search(asked_too, parts.text):
            found += [one.name, other.name]
        both = rf"{one.pattern}\s*(?:,|\band\b|\bor\b|\bvs\b|\bversus\b|\s)+\s*{other.pattern}"
        separated = not one.is_beside(other) or re.search(rf"{one.pattern}\s*,", parts.text)
        of_users = {one.name, other.name} == {"new_users", "returning_users"}
        apart = "one" in one.text.split() or f"{one.text} , revenue" in parts.text
        if one.name != other.name and separated and not of_users and not apart and re.search(both, parts.text):
            found += [one.name, other.name]
    return list(dict.fromkeys(found))


def filters_of(parts: Parts, metric: str | None) -> tuple[Filter, ...]:
    """Values of the question by dimension; of a value in several dimensions, the first that the metric has."""
    found: dict[str, list[str]] = {}
    excluded: dict[str, list[str]] = {}
    for word in parts.words:
        if word.kind == "value":
            of_kind = [one for one in parts.words if "/*" in word.text and one.kind == "value" and one.is_beside(word)]
            ends = [word, *(one for one in of_kind if one.place < word.place)]  # article pages of the journal
            beside = {
                one.name for one in parts.words if one.kind == "by" and any(parts.are_beside(one, end) for end in ends)
            }
            types = [value for value in word.values if value.dimension == "page_type" and "landing_page" in beside]
            some = [replace(value, dimension="landing_page_type") for value in types]  # landing on a product page
            some = some or _of_first_visit(parts, word, beside, metric)
            some = some or [value for value in word.values if value.dimension in beside] or list(word.values)
            some = some if beside or not _of_section(word) else some[:1]  # pages of a part of the site
            some = some if metric == "page_views" else _of_one_kind(parts, word, some)
            if _is_beside_source(parts, word):  # of a source with this medium the data have no visit
                some = [value for value in some if value.dimension == "medium"] or some
            for directly in (False, True) if metric else ():  # views of a theme are of pages, of an item its own
                some = [value for value in some if reaches(metric or "", value.dimension, directly=directly)] or some
            some = [value.of_table(table_of(metric, value.dimension)) for value in some]
            if len({one.dimension for one in some}) > 1 and (len(some[0].values) > 1 or some[0].dimension in SOURCES):
                label = DIMENSIONS[some[0].dimension].label
                parts.notes.append(f"“{word.text}” was read as {label}: {some_of(some[0].values)}.")
            if wider := _is_wider(word, some):
                parts.notes.append(wider)
            if word.name == "head":
                parts.notes.append(f"“{word.text}” was read as items whose name has it: {some_of(some[0].values)}.")
            is_excluded = word in _left_out(parts)
            (excluded if is_excluded else found).setdefault(some[0].dimension, []).extend(some[0].values)
    specific = {word.name for word in parts.words if word.kind == "metric"} & {"new_users", "returning_users"}
    if specific and (metric not in ("new_users", "returning_users") or parts.has("share")):
        found["new_or_returning"] = _kinds_named(parts, specific, found.get("new_or_returning", []))
    if parts.clusters:
        found["cluster"] = parts.clusters
    for name in found.keys() & excluded.keys():  # "paid channels except paid social"
        # a user, an order, an item or a page can have several
        is_at_once = metric in PEOPLE_COUNTED or name in OF_ITEMS or bool({*breakdown_of(parts)} - {name})
        if is_at_once and not {*excluded[name]} & {*found[name]}:
            one, other = (" or ".join(some[name]) for some in (found, excluded))
            parts.problem = f"I cannot say who or what has {one} and no {other}: I count each of them separately."
        found[name] = [value for value in found[name] if value not in excluded[name]]
        if not found[name]:
            parts.problem = f"The same {DIMENSIONS[name].label} is asked for and left out, so nothing remains."
            del found[name]
    return parts.done + tuple(
        Filter(name, tuple(dict.fromkeys(values)), which is excluded)
        for which in (found, excluded)
        for name, values in which.items()
        if which is found or name not in found
    )


def _kinds_named(parts: Parts, measures: set[str], values: list[str]) -> list[str]:
    """New and returning, of measures and values, in the order of the question."""
    known = {*values, *(name.removesuffix("_users") for name in measures)}
    said = (name for word in parts.words for name in (word.name.removesuffix("_users"), *_values_of(word)))
    return [name for name in dict.fromkeys(said) if name in known]


def _values_of(word: Word) -> list[str]:
    return [name for value in word.values if value.dimension == "new_or_returning" for name in value.values]


def _is_wider(word: Word, some: list[Value]) -> str:
    """That a word was read as more than it says, in a sentence: tents as Tents & Shelters, iPhones as iOS."""
    one, *_ = some
    if one.dimension in ("item_category", "item_subcategory") and len(one.values) == 1:
        name = one.values[0]
        if re.search(r"&|, | ", name) and as_key(word.text) != as_key(name):
            label = DIMENSIONS[one.dimension].label
            return f"“{word.text}” was read as all of the {label} {name}, which may have other items too."
    if one.dimension == "os" and re.fullmatch(r"iphones?", word.text):
        return f"“{word.text}” was read as {one.values[0]}, which iPads have too."
    return ""


def _of_section(word: Word) -> bool:
    """Whether a word is a part of the site, as `rewrites/page_words.py` writes it."""
    return "/*" in word.text


def _of_first_visit(parts: Parts, word: Word, beside: set[str], metric: str | None) -> list[Value]:
    """The values as those that users first came from, beside "first came via"; none elsewhere."""
    named = beside & {*FIRST}
    some = [
        replace(one, dimension=f"first_{one.dimension}") for one in word.values if f"first_{one.dimension}" in FIRST
    ]
    is_of_visit = metric in PEOPLE_COUNTED and metric != "buyers" and "firsttouch" in parts.text
    if named and is_of_visit and parts.times.periods:
        parts.problem = "Are these days of the first visit? Then ask for new users from a channel, source or medium."
    if named and not some:
        parts.problem = f"For the first visit I have the channel, source, medium and campaign, but not “{word.text}”."
    return sorted(some, key=lambda one: one.dimension not in named) if named else []


def _of_one_kind(parts: Parts, word: Word, some: list[Value]) -> list[Value]:
    """Of values of items, those of the dimension that another named one has too: tents and backpacks."""
    for other in parts.words:
        if other.kind == "value" and other is not word:
            shared = other.dimensions & OF_ITEMS
            if _are_alternatives(parts, word, other):
                shared |= (other.own_dimensions & word.own_dimensions or other.dimensions) & {*SOURCES}
            if both := [one for one in some if one.dimension in shared]:
                return both
    return some


def _are_alternatives(parts: Parts, one: Word, other: Word) -> bool:
    """Whether two values stand beside "or" or "vs": "google or direct" are two sources."""
    first, second = (word.pattern for word in sorted((one, other), key=lambda word: word.place))
    return re.search(rf"{first}\s*,?\s*\b(?:or|vs\.?|versus)\s+(?:from |via )?{second}", parts.text) is not None


def _is_beside_source(parts: Parts, word: Word) -> bool:
    """Whether the word before is the name of a source."""
    before = [one for one in parts.words if one.is_beside(word) and one.place < word.place and one.kind == "value"]
    return any(one.values[0].dimension == "source" for one in before)


def _left_out(parts: Parts) -> list[Word]:
    """The values that are not meant: those after "without", and what is listed with them."""
    found: list[Word] = []
    for word in (word for word in parts.words if word.kind == "value"):
        before = [one for one in parts.words if one.place < word.place and one.kind == "without"]
        listed = found and re.search(
            rf"{loosely(found[-1].text)}\s*(?:,|\b(?:and|or|nor|from|the)\b|\s)*\s*{word.pattern}", parts.text
        )
        if listed or any(parts.are_beside(one, word) for one in before):
            found.append(word)
    return found


def breakdown_of(parts: Parts) -> list[str]:
    """Dimensions that the question asks a breakdown by; "campaign" beside the name of a campaign is none."""
    by = list(parts.by)
    for word in parts.words:
        before = [one for one in parts.words if one.is_beside(word) and one.place < word.place]
        is_kind = word.name == "head" or (word.kind == "value" and word.values[0].dimension in OF_ITEMS - {"item"})
        is_page = word.kind == "value" and word.values[0].dimension in _KINDS_OF_PAGES and word.text.endswith("pages")
        is_page |= _of_section(word)
        if is_page and before and before[0].text in ("which", "what"):  # which error pages
            by.append("page")
        if is_kind and before and before[0].kind == "metric":  # the most viewed jackets
            before = [one for one in parts.words if one.is_beside(before[0]) and one.place < before[0].place]
            is_kind = bool(before) and before[0].kind == "high"
        is_asked = bool(before) and (before[0].text in ("which", "what", "top", "best") or before[0].kind == "high")
        if is_kind and is_asked and not (before[0].kind == "high" and _ranks_others(parts, word)):
            by.append("item")  # which jackets sell best
        if word.kind == "by":
            beside = [other for other in parts.words if other.kind == "value" and parts.are_beside(other, word)]
            is_named = any(value.dimension == word.name for other in beside for value in other.values)
            is_named |= word.name in FIRST and any(f"first_{v.dimension}" in FIRST for o in beside for v in o.values)
            is_named |= word.name == "device" and any(
                v.dimension in ("os", "browser") for o in beside for v in o.values
            )
            in_all = word.name == "campaign" and parts.is_counted  # how many from email campaigns
            is_named |= in_all and any(v.dimension == "channel" for o in beside for v in o.values)
            of_items = [o for o in beside if o.place < word.place and o.dimensions & OF_ITEMS]
            is_named |= word.name == "item" and bool(of_items) and not _lists_of(parts, of_items[0])
            is_named |= word.name.startswith("item_category") and bool(of_items)  # in the sleeping mats category
            of_pages = [o for o in beside for v in o.values if v.dimension in _KINDS_OF_PAGES]
            is_named |= word.name in ("page", "landing_page") and bool(of_pages)
            themes = [o for o in parts.words if o.kind == "value" and "theme" in o.dimensions]
            is_named |= word.text.startswith("section") and len(themes) > 1  # bags or drinkware, which section
            is_counted = word.name == "item" and parts.has("sell") and not _is_listed(parts, word)
            if not is_named and not is_counted:
                by.append(word.name)
    by = [name for name in by if not (name == "day" and "weekday" in by)]  # by day of the week: which day is best
    return list(dict.fromkeys(by))


def _ranks_others(parts: Parts, value: Word) -> bool:
    """Whether a superlative before a value is of other groups: "most tent buyers", which country buys "most tents"."""
    limits = any(one.kind == "metric" and one.is_beside(value) and one.place > value.place for one in parts.words)
    asked = (one for one in parts.words if one.kind == "by" and one.place < value.place)
    return limits or any(re.search(rf"\b(?:which|what) {one.pattern}", parts.text) for one in asked)


def _is_listed(parts: Parts, item: Word) -> bool:
    """Whether "items ... sold" asks which, not how many."""
    before = [word for word in parts.words if word.place < item.place][-1:]
    asks = {"which", "what", "by", "per", "each", "every"}
    is_subject = re.search(rf"{item.pattern}, {SELL_MORE}", parts.text) is not None
    is_asked = any(word.kind in ("high", "low", "judged") or word.text in asks for word in before)
    return bool(parts.top) or is_subject or is_asked


def _lists_of(parts: Parts, value: Word) -> bool:
    """Whether "Trailmark products" are listed: which, top, best ones; not "how many bought Trailmark products"."""
    if parts.has("compare") or re.match(r"\W*who(?:'s)?\b", parts.text):
        return False
    is_sum = re.search(rf"\b(?:of|from|for|with) (?:(?:the|our|all) )?{value.pattern} ", parts.text) is not None
    is_ranked = parts.has("high") or parts.has("low") or bool(parts.judged)
    return not (parts.is_counted or is_sum) or is_ranked or _is_listed(parts, value)


def group_counted(parts: Parts) -> str | None:
    """The dimension of "how many countries"; None: numbers of its groups are not asked for."""
    for word in parts.words:
        asked = rf"\b(?:how many|number of) (?:(?:different|distinct|unique|of|our|the)\s+)*{word.pattern}"
        is_apart = re.search(rf"\b(?:different|distinct|unique) {word.pattern}", parts.text) is not None
        is_sold = word.name == "item" and parts.has("sell", "metric") and not is_apart
        is_listed = re.search(r"\b(?:vs?|versus|or|and)\b(?! medium)", word.text) is not None  # new vs returning
        if word.kind == "by" and not (is_sold or is_listed) and re.search(asked, parts.text):
            return word.name
    return None


def both_ends(parts: Parts) -> bool:
    """Whether the first and the last of one order are asked for: "the best and the worst", "most ... and the least"."""
    return _between_ends(parts) is not None


def ends_differ(parts: Parts) -> bool:
    """Whether days or values may be of one end only: "the most orders on mobile and the fewest on desktop"."""
    place = _between_ends(parts)
    named = "|".join([MARK, *(rf"\b{word.pattern}\b" for word in parts.words if word.kind == "value")])
    several = parts.times.periods[1:] or any(len(one.values) > 1 for one in filters_of(parts, None))
    return bool(several) or all(re.search(named, half) for half in (parts.text[:place], parts.text[place:]))


def _between_ends(parts: Parts) -> int | None:
    """The place of the "and" between the first and the last of one order; None: no two ends are asked for."""
    high = [word.text for word in parts.words if word.kind == "high"] + [one for one in parts.judged if one == "best"]
    low = [word.text for word in parts.words if word.kind == "low"] + [one for one in parts.judged if one == "worst"]
    pairs = [*product(high, low), *product(low, high)]
    between = r"\b.*\b(and|or|vs|versus)\b.*\b"
    found = (re.search(rf"\b{loosely(one)}{between}{loosely(other)}\b", parts.text) for one, other in pairs)
    return next((one.start(1) for one in found if one), None)


def is_named_apart(parts: Parts, one: Filter) -> bool:
    """Whether the values of a filter come from several phrases: they may be of different groups."""
    phrases = [word for word in parts.words if any({*value.values} & {*one.values} for value in word.values)]
    return len(one.values) > 1 and len(phrases) > 1


def is_one_group(parts: Parts, one: Filter) -> bool:
    """Whether the values are named by one word: the countries of Europe, the items that are pens."""
    return one.dimension in OF_ONE_WORD and not is_named_apart(parts, one)


def asks_either(parts: Parts, pair: Filter) -> bool:
    """Whether values of one dimension are asked for apart: "phone or computer?", "in Germany and Austria each"."""
    values = [word for word in parts.words if word.kind == "value" and pair.dimension in word.dimensions]
    return _EACH.search(parts.text) is not None or any(
        re.search(rf"{a.pattern} or (?:(?:on|in|from|via|a|an|the) )*{b.pattern}", parts.text)
        for a, b in pairwise(values)
    )


def is_ranking(parts: Parts, named: Word) -> bool:
    """Whether the words for items sold ask which: "best sellers", "what items sold"."""
    before = [word.text for word in parts.words if word.place == named.place - 1]
    return named.text.startswith(("best", "top", "most")) or bool({"which", "what"} & set(before)) or parts.has("high")


def asks_which_moved(parts: Parts, by: list[str]) -> bool:
    """Whether the groups that rose, or fell, are asked for: "which countries fell", not "growth by country"."""
    subjects = [
        word for word in parts.words if word.name in by or (word.kind == "value" and by in (["item"], ["page"]))
    ]
    asked = "|".join(word.pattern for word in subjects)
    which = rf"\b(?:which|what|any|how many)\b(?: (?!by |per )\w+){{0,3}}? (?:{asked})\b"
    return parts.goes_down is not None and bool(asked) and re.search(which, parts.text) is not None


def part_of(parts: Parts, filters: tuple[Filter, ...]) -> Filter:
    """The filter that is the part: "mobile" in "share of mobile users in Germany", and in "German users, is mobile"."""
    verbs = [*re.finditer(r"\b(?:is|are|was|were|comes?|came|uses?|used)\b(?!.*\bshare of\b)", parts.text)]
    asked = verbs[-1] if verbs else re.search(r"\bfrom\b(?!.*\bshare of\b)", parts.text)
    begun = len(parts.text[: asked.end()].split()) if asked and "share of" not in parts.text[asked.end() :] else 0
    values = [word for word in parts.words if word.kind == "value" or word.name in ("new_users", "returning_users")]
    after = [word for word in values if word.place + len(word.text.split()) > begun] or values  # "are new" is one word
    names = {value.dimension for value in after[0].values} or {"new_or_returning"} if after else set()
    return next((one for one in filters if one.dimension in names), filters[0])


# how a part is spread: "share of mobile orders from each channel", "distribution of new users by country"
_SPREAD = (
    r"\b(?:(?:distribut\w+|split|breakdown|spread)\b.*|from (?:each|every|which|what)|"
    r"(?:do|does|did)(?: (?:each|every|which|what|the))?) "
)
# what follows groups whose parts are asked for: "which country has the highest mobile share", "is on mobile"
_HAS_PART = re.compile(r"\b(?:is|are|was|were|comes?|came|uses?|used|ha[sd]|have|with|by)\b")


def is_part_of_each(parts: Parts, filters: tuple[Filter, ...], *, is_pair: bool) -> bool:
    """Whether a share is that of a part in each group: "share of new users by channel", "mobile share per country".

    Not how a part is spread over the groups: "share of mobile orders from each channel", "share by channel on mobile".

    Args:
        filters: the part, and what else is chosen.
        is_pair: whether the groups are two values that are compared.
    """
    names = {one.dimension for one in filters}
    values = [word for word in parts.words if word.kind == "value" and word.dimensions & names]
    values += [word for word in parts.words if word.name in ("new_users", "returning_users")]
    share = next((word for word in parts.words if word.kind == "share"), None)
    end = share.place + len(share.text.split()) if share else 0
    if not any(word.place >= end or (share and word.place + len(word.text.split()) == share.place) for word in values):
        return False  # in Germany, the share of each channel
    groups = [word for word in parts.words if word.kind == "by" and DIMENSIONS[word.name].kind != "time"]
    first = min(word.place for word in values)
    if any(re.search(rf"{_SPREAD}{word.pattern}", parts.text) for word in groups if word.place > first):
        return False
    if is_pair or any(first < word.place for word in groups):
        return True
    return any(_HAS_PART.search(parts.text, parts.text.find(word.text)) for word in groups)


def are_parts_joined(parts: Parts) -> bool:
    """Whether the part is two things at once: "what share of mobile users are new and from Germany"."""
    values = [word for word in parts.words if word.kind == "value"]
    joined = (
        rf"\b(?:is|are|was|were)\b.*{one.pattern} and (?:\w+ )?{other.pattern}" for one, other in pairwise(values)
    )
    joined_to_verb = (
        rf"{one.pattern} and (?:\w+ )?{other.pattern}" for one, other in pairwise(values) if " " in one.text
    )
    return any(re.search(one, parts.text) for one in (*joined, *joined_to_verb))


def is_part(parts: Parts, one: Filter) -> bool:
    """Whether a value stands where the part of a share does: "share of mobile visitors", "mobile share"."""
    values = [word for word in parts.words if word.kind == "value" and one.dimension in word.dimensions]
    shares = [word for word in parts.words if word.kind == "share"]
    return any(
        abs(share.place + len(share.text.split()) - word.place) < 2 for share in shares for word in values
    ) or any(word.is_beside(share) for share in shares for word in values)
