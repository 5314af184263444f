"""Values of different kinds that are compared or listed: a query for each of them.

Beside each other they limit one group: "paid Instagram". With "vs", "or", "than" or "and" between them each is a group
of its own, and the groups can overlap: a source and a channel describe the same visit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import combinations

from beha2vec_core.chat.parts.grammar import OF_ITEMS, Value, Word
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.queries.asked import OF_ONE_WORD, filters_of
from beha2vec_core.chat.queries.implied_measures import NotRead, overview_of, unnamed
from beha2vec_core.chat.queries.nearest import table_of
from beha2vec_core.chat.queries.one_query import NOT_WHY, query_of
from beha2vec_core.chat.queries.ratios import about, of_items, require_same_categories
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import SOURCES
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Query
from beha2vec_core.words import listed

_PLACES = r"(?:\s+(?:on|from|via|of|in|through|at|for|the|our|those|that))*"
_NOUN = rf"(?:\s+(?:{PEOPLE}|sessions?|visits?|traffic|campaigns?))?"
_BESIDE = re.compile(rf"{_NOUN}{_PLACES}\s*")
_MORE = r"(?:better|worse|more|less|fewer|higher|lower|stronger|weaker)"
_LISTED = re.compile(rf"{_NOUN}\s*(?:,\s*(?:and\b)?|\band\b){_PLACES}\s*")
_COMPARED = re.compile(
    rf"{_NOUN}(?:(?:\s+\w+){{0,3}}\s+{_MORE}(?:\s+\w+){{0,2}})?\s*,?\s*"
    rf"\b(?:vs\.?|versus|or|against|compare[sd]? (?:to|with)|than){_PLACES}\s*"
)
_WITH = re.compile(rf"{_NOUN}\s*\b(?:to|with|as){_PLACES}\s*")  # with a word that compares; else Germany with Safari
_OFTEN = re.compile(r"\b(?:often|frequently|likely)\b")
_NAMED_BEFORE = re.compile(r"\b(?:which|what|two|both|three)(?: of)?(?: (?:the|our|these|two|three))*\s+$")
_OF = {"the", "a", "an", "our", "of", "on"}  # between two words for one visit
Item = tuple[Word, ...]


@dataclass(frozen=True)
class _Listed:
    """Values that are compared or listed, each with what limits it alone."""

    items: tuple[Item, ...]
    is_compared: bool
    before: str  # the text before them
    comma: int  # its place between the first and the second; 0: none


def groups_of(parts: Parts, metrics: list[str], contents: Contents) -> tuple[list[Query], list[str]] | None:
    """A query for each group and measure, and what was assumed; None where the values are of one kind.

    Raises:
        NotRead: it is not clear what limits which group.
    """
    if parts.has("rest", "without") or parts.limits:
        return None
    chains = [one for one in _chains(parts) if len(one.items) > 1]
    if len(chains) != 1:
        return None
    (chain,) = chains
    apart = [word for word in parts.words if word.kind == "value" and word not in sum(chain.items, ())]
    of_listed = set.union(*(word.own_dimensions for one in chain.items for word in one))
    if _OFTEN.search(parts.text) or any(word.own_dimensions & of_listed for word in apart):
        return None  # do Germans use mobile more often than Swiss
    items = _each_limited(chain.items, contents)
    if _are_of_one_kind(items, metrics):
        return None
    is_compared = chain.is_compared or bool(parts.has("compare") or parts.judged or parts.comparatives)
    is_each_full = len({len(one) for one in items}) == 1 < len(items[0])  # Germany on mobile and Austria on desktop
    if not (is_compared or is_each_full or all(_is_of_visit(word) for one in items for word in one)):
        return None
    every = [word for one in items for word in one]
    begins = any(word.kind == "by" and word.name.startswith("landing") for word in parts.words)
    if begins and any("landing_page" in word.dimensions for word in every):
        raise NotRead("I can say where visits began for one of these pages at a time.")
    measures = metrics or _measures(parts, is_compared=is_compared)
    found, notes = [], [*parts.notes, *([NOT_WHY] if parts.has("cause") else [])]
    for item in items:
        alone = _alone(parts, item, every)
        known, alone = alone.words, of_one_visit(alone, contents)
        narrowed = tuple(f"“{word.text}” was read as " for word in known if word not in alone.words)
        notes = [note for note in notes if not (narrowed and note.startswith(narrowed))]
        for asked in [[name] for name in measures] or [[]]:
            query, more = query_of(alone, asked, filters_of(alone, next(iter(asked), None)), contents)
            query = of_items(query)
            require_same_categories(query, contents)
            found.append(query)
            notes += more
    if len({bool(about(query) & OF_ITEMS) for query in found}) > 1:  # views of an item, and of pages
        raise NotRead("One of them is about items and the other is not, so they are counted differently: ask for each.")
    notes += [unnamed(measures)] if measures and not metrics else []
    if not set.intersection(*(word.own_dimensions for one in items for word in one[:1])):
        names = [f"“{' '.join(word.text for word in one)}”" for one in items]
        notes.append(f"{listed(names)} are different kinds of groups and can overlap.")
    return found, notes


def _measures(parts: Parts, *, is_compared: bool) -> list[str]:
    """The measures of groups where none is named; none where a verb or a share says it."""
    if parts.has("sell", "bought", "share"):
        return []
    measures = list(overview_of(filters_of(parts, None)))
    if parts.judged and "sessions" in measures:
        return measures[1:2]
    return measures[:1] if parts.comparatives or not is_compared else measures


def _alone(parts: Parts, item: Item, every: list[Word]) -> Parts:
    """The parts with one of the groups in place of all: the others, and what stands between them, are left out."""
    others = [word for word in every if word not in item]
    sources = {value.dimension for word in every for value in word.values} & {*SOURCES}  # as traffic sources
    in_time = parts.times.periods[1:] or parts.times.asks_before  # each of them, March vs February
    left = {"judged", "cause", *([] if in_time else ["compare"])}
    words = [
        word for word in parts.words
        if word not in others and word.kind not in left and not (word.kind == "by" and word.name in sources)
    ]  # fmt: skip
    named = "|".join(word.pattern for word in every)
    text = re.sub(rf"\b({named})\s*(?:,|\band\b)|\b(?:or|than|vs\.?|versus|against|askswhy)\b", r"\1 ", parts.text)
    gone = "|".join(word.pattern for word in others if word.text not in {one.text for one in item})
    text = re.sub(rf"\b(?:{gone})\b", " ", text) if gone else text
    return replace(parts, words=words, judged=[], comparatives=[], notes=[], text=text)


def of_one_visit(parts: Parts, contents: Contents) -> Parts:
    """The parts with only those channels of a word that have visits of the named source: organic, of Instagram."""
    words, notes = [], parts.notes
    named = [
        one for one in parts.words if one.kind == "value" and _is_of_visit(one) and "channel" not in one.own_dimensions
    ]
    for word in parts.words:
        values = tuple(
            _with_visits(value, [one for one in named if one is not word], contents) for value in word.values
        )
        if word.kind == "value" and values != word.values and all(value.values for value in values):
            notes = [note for note in notes if not note.startswith(f"“{word.text}” was read as ")]
            word = replace(word, values=values)
        words.append(word)
    return replace(parts, words=words, notes=notes) if words != parts.words else parts


def _with_visits(value: Value, others: list[Word], contents: Contents) -> Value:
    if value.dimension != "channel" or len(value.values) < 2:
        return value
    alone = (replace(value, values=(name,)) for name in value.values)
    return replace(value, values=tuple(one.values[0] for one in alone if all(_go(contents, one, o) for o in others)))


def _chains(parts: Parts) -> list[_Listed]:
    """The values of a question that stand beside each other, or with "and", "or" or the like between them."""
    found: list[_Listed] = []
    compares = bool(parts.has("compare") or parts.judged or parts.comparatives)
    end = 0
    for word in (word for word in parts.words if word.kind == "value"):
        here = re.compile(rf"(?<!\w){word.pattern}(?!\w)").search(parts.text, end)
        if here is None:
            return []
        between, last = parts.text[end : here.start()], found[-1] if found else None
        begin, end = end, here.end()
        is_with = _WITH.fullmatch(between) is not None
        is_compared = _COMPARED.fullmatch(between) is not None or (is_with and compares)
        if last and (_BESIDE.fullmatch(between) or (is_with and not compares)):
            found[-1] = replace(last, items=(*last.items[:-1], (*last.items[-1], word)))
        elif last and (_LISTED.fullmatch(between) or is_compared):
            is_first = len(last.items) == 1 and between.strip() == ","
            comma = begin + between.index(",") if is_first else last.comma
            found[-1] = _Listed((*last.items, (word,)), last.is_compared or is_compared, last.before, comma)
        else:
            found.append(_Listed(((word,),), False, parts.text[: here.start()], 0))
    return found


def without_heading(parts: Parts, contents: Contents) -> Parts:
    """The parts without the comma after what a list is of: "which of the newsletters, weekly_02 or weekly_03".

    Raises:
        NotRead: it could also be the first of the list.
    """
    for chain in _chains(parts):
        (heading, *limits), *others = chain.items
        if not chain.comma or len(others) < 2 or limits or any(len(one) > 1 for one in others):
            continue
        shared = set.intersection(*(one.own_dimensions for (one,) in others))
        is_of_it = _is_of_visit(heading) and all(_go(contents, heading.values[0], one) for (one,) in others)
        is_named = _NAMED_BEFORE.search(chain.before) is not None
        if not shared or heading.own_dimensions & shared or not (is_of_it or is_named):
            continue
        if is_of_it and ("campaign" in shared or is_named):
            return replace(parts, text=f"{parts.text[: chain.comma]} {parts.text[chain.comma + 1 :]}")
        names = " or ".join(f"“{one.text}”" for (one,) in others)
        raise NotRead(f"Is “{heading.text}” part of the list? If {names} belong to it, leave out the comma.")
    return parts


def without_kind(parts: Parts, contents: Contents) -> Parts:
    """The parts without the noun that says what the named ones are: "weekly_02 or weekly_03, which mailing"."""
    words = [word for word in parts.words if word.kind == "value" and _is_of_visit(word)]
    for word in words:
        before = [one.text for one in parts.words if one.is_beside(word) and one.place < word.place]
        others = [one for one in words if one is not word]
        shared = set.intersection(*(one.own_dimensions for one in others)) if others[1:] else set()
        is_one = len(word.values[0].values) == 1  # not "which paid ones"
        is_kind = is_one and {*before} & {"which", "what"} and shared and not shared & word.own_dimensions
        if is_kind and all(_go(contents, word.values[0], one) for one in others):
            kept = [replace(one, kind="filler", values=()) if one is word else one for one in parts.words]
            return replace(parts, words=kept)
    return parts


def _each_limited(items: tuple[Item, ...], contents: Contents) -> tuple[Item, ...]:
    """The items, each with what limits all of them: "organic and paid Instagram", "mobile Germany or Austria".

    Raises:
        NotRead: it could limit one of them only.
    """
    long = max(items, key=len)
    others = [one for one in items if one is not long]
    if len(long) == 1 or long not in (items[0], items[-1]) or any(len(one) > 1 for one in others):
        return items
    alike = [word for word in long if all(word.own_dimensions & one.own_dimensions for (one,) in others)]
    core = alike[0] if len(alike) == 1 else None
    if core is None:
        return items
    extra = [word for word in long if word is not core]
    is_shared = (long is items[-1] and long[0] is core) or (long is items[0] and long[-1] is core)
    if not is_shared:
        return items
    going = [_go(contents, word.values[0], one) for (one,) in others for word in extra]
    if not any(going) and all(_is_of_visit(one) for one in (*extra, core)):
        return items
    if not all(going):
        names = " and ".join(f"“{one.text}”" for one in (extra[0], others[0][0]))
        raise NotRead(f"No visit has all of {names}: ask about each group separately.")
    return tuple(one if one is long else tuple(one[0] if word is core else word for word in long) for one in items)


def _are_of_one_kind(items: tuple[Item, ...], metrics: list[str]) -> bool:
    """Whether the items differ in one dimension, of which each has other values."""
    of_all = set.intersection(*({word.text for word in one} for one in items))
    apart = [[word for word in one if word.text not in of_all] for one in items]
    several = any(len(word.values[0].values) > 1 for word in items[0] if word.text in of_all)  # all that is paid
    if several or any(len(one) > 1 for one in apart):
        return False
    words = [word for one in apart for word in one]
    if len(words) < len(items):
        return True
    shared = set.intersection(*(word.own_dimensions for word in words))
    name = next(iter(metrics), None)
    some = [word.values[0].of_table(table_of(name, word.values[0].dimension)).values for word in words]
    of_many = shared <= {*OF_ONE_WORD} and any(len(values) > 1 for values in some)  # Europe or Germany
    return bool(shared) and not of_many


def _is_of_visit(word: Word) -> bool:
    return bool(word.own_dimensions & {*SOURCES})


def _go(contents: Contents, value: Value, other: Word) -> bool:
    """Whether some visit has one of the values together with what a word stands for."""
    pairs = (((value.dimension, value.values), (one.dimension, one.values)) for one in other.values)
    return any(contents.go_together(*pair) for pair in pairs)


def refuse_apart(parts: Parts, contents: Contents) -> None:
    """Raise where two values describe a visit, stand apart, and no visit has both: they limit different groups."""
    words = [word for word in parts.words if word.kind == "value" and _is_of_visit(word)]
    words = [word for word in words if len(word.values[0].values) == 1]  # paid, from facebook, there may be none
    firsts = {one.place + 1 for one in parts.words if one.text.startswith("first")}  # where they first came from
    words = [word for word in words if word.place not in firsts]
    for one, other in combinations(words, 2):
        between = [word.text for word in parts.words if one.place < word.place < other.place]
        if parts.has("without") or {*between} <= _OF or one.own_dimensions & other.own_dimensions:
            continue
        if not _go(contents, one.values[0], other):
            raise NotRead(f"No visit has both “{one.text}” and “{other.text}”: ask for one of them at a time.")
