"""Questions that are only part of one: what they add to the question before, where that was not answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.reading.follow_ups import about_leader
from beha2vec_core.chat.reading.of_those_before import asks_of_first
from beha2vec_core.chat.reading.question import CONTINUES, NOTHING_BEFORE, Reading, read_question
from beha2vec_core.chat.reading.shown_again import LEAD, TAIL, Before, Shown, of_group
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.query import Filter, Query

# a part of a question: "by country", "and in march?", "last month"
_PART = re.compile(
    r"^\W*(?:(?:and|or|but|also|then|now|ok|okay|what about|how about|only|just|i mean|same|no|sorry)\b\W*)*"
    r"(?:(?:by|per|in|on|for|from|via|with|without|of|at|during|since|last|this|than|against|vs|versus)\b)"
)
_PREPOSITION = r"(?:from|on|in|of|for|by|with|via|to|at)"
_ASKS = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|it|they|them|these|those|worse|better|more|less|than|how|what|which|who|"
    r"why|when)\b"
)
_OF_THEM = re.compile(r"\b(?:their|them|these|those|they|which ones?)\b")
_WAS_THAT = re.compile(r"(?i)(?<!^)\b(?:is|was) (?:that|it|this)\b")
_SHOWN_PAGES = ("landing_page", "page")
_SHORT = 6  # words of a follow-up that may complete a question


def is_part(question: str, reading: Reading | None) -> bool:
    """Whether a question is only a part of one, and names no measure."""
    leads = bool(reading and reading.is_follow_up)
    is_named = bool(reading and reading.metrics)
    return leads or (not is_named and _PART.match(question.lower()) is not None)


def of_first(previous: Query, shown: Shown) -> Query | None:
    """The query of the first group that was shown; None where several were asked for, or no filter names it."""
    try:
        return of_group(previous, previous.by, shown.groups[0]) if previous.top in (None, 1) else None
    except ValueError:
        return None


def about_one(
    question: str, vocabulary: Vocabulary, previous: tuple[Query, ...], first: Query | None, leader: str
) -> tuple[str, tuple[Query, ...]]:
    """The question and the query before, of the first of a ranking where "it" or "that" is this one.

    Args:
        first: the query of the first group; None: there is none.
        leader: its name, as a question can have it; empty: none.
    """
    if len(previous) != 1:
        return question, previous
    (before,) = previous
    are_some = (before.top or 1) > 1 or any(one.dimension in before.by and one.values[1:] for one in before.filters)
    if are_some and asks_of_first(question, before):  # of all that are shown
        question = _WAS_THAT.sub("did they bring", question, count=1)
    return (
        (question, (first,))
        if first and asks_of_first(question, previous[0])
        else (about_leader(question, vocabulary, leader), previous)
    )


def of_those_shown(question: str, previous: tuple[Query, ...], ranked: tuple[str, ...]) -> tuple[Query, ...]:
    """The queries before, of a ranking of a few with these as a filter, where the question asks more of them."""
    if len(previous) != 1 or not ranked or not _OF_THEM.search(question.lower()):
        return previous
    (query,) = previous
    if (
        len(query.by) != 1
        or (not DIMENSIONS[query.by[0]].is_searched and query.by[0] not in _SHOWN_PAGES)
        or query.limits
    ):
        return previous
    filters = tuple(one for one in query.filters if one.dimension != query.by[0])
    return (replace(query, top=None, filters=(*filters, Filter(query.by[0], ranked))),)


def may_complete(question: str, answer_understood: bool, reading: Reading | None, before: Before) -> bool:
    """Whether a question can be a part of the one before, which was not answered: it is short, or a bare measure."""
    if before.understood or before.reading is None or len(question.split()) > _SHORT + 2:
        return False
    is_bare = bool(reading and reading.query and reading.query == Query(reading.query.metric))
    asks_measure = is_bare and not (before.reading.metrics or before.reading.unknown)
    return is_part(question, reading) or not answer_understood or asks_measure


def is_of_same_people(question: str, query: Query, before: Before) -> bool:
    """Whether a follow-up asks who other people of the same kind are: "and in march?" after "who are our buyers"."""
    if not before.shown.is_profile:
        return False
    (old,) = before.shown.queries
    is_plain = not (query.by or query.versus or query.is_share) and query.metric == old.metric
    return is_plain and not re.search(r"\b(?:how many|number)\b", question.lower())


def asks_why(query: Query, reading: Reading, before: Before) -> bool:
    """Whether it asks why, or for another group of a question that did: "why is instagram so bad", "and facebook?"."""
    goes_on = query.against_rest and CONTINUES in reading.notes and before.reading is not None
    return reading.asks_cause or bool(goes_on and before.reading and before.reading.asks_cause)


def continuing(question: str, vocabulary: Vocabulary, before: Query) -> Query | None:
    """The query that a follow-up makes of another; None where it does not continue it."""
    reading = read_question(question, vocabulary, before, is_first=False)
    return reading.query if CONTINUES in reading.notes and not reading.more else None


def completed(question: str, alone: Reading | None, before: Before) -> Iterator[str]:
    """The question before, which was not answered, with what a follow-up adds or puts in place of unknown words.

    Args:
        alone: the follow-up as it is read without the question before.
    """
    said = re.sub(rf"^{LEAD}|{TAIL}$", "", question.strip(), flags=re.IGNORECASE).strip(" ?.!,")
    reading, asked = before.reading, before.question.strip(" ?.!")
    is_long = len(said.split()) > _SHORT or _ASKS.search(said.lower())
    if before.understood or reading is None or reading.is_follow_up or not said or is_long or alone is None:
        return
    if reading.unknown:
        if not alone.filters or alone.metrics or alone.by or alone.period:
            return  # no value that could take their place
        bare = re.sub(rf"^{_PREPOSITION} (?:the )?", "", said, flags=re.IGNORECASE)
        words = r"\W+".join(map(re.escape, reading.unknown))
        for found in re.finditer(rf"\b({_PREPOSITION}) (?:(?:the|our) )?{words}\b", asked, re.IGNORECASE):
            if bare == said or said.lower().startswith(f"{found[1].lower()} "):
                yield f"{asked[: found.start()]}{found[1]} {bare}{asked[found.end() :]}"
        return
    if alone.metrics:
        yield f"{said} {re.sub(rf'^{LEAD}', '', asked, flags=re.IGNORECASE)}"
    elif alone.filters or alone.by or alone.period:
        yield f"{asked} {said}"
        is_open = reading.is_measured and not (reading.is_topic or reading.asks_cause or reading.period)
        if alone.filters and is_open:  # of the same measures, or of the usual ones
            labels = " and ".join(METRICS[name].label for name in reading.metrics)
            yield from (f"{what} of {said}" for what in (labels, "performance") if what)


def nothing_to_continue(before: Before) -> str:
    """Why a follow-up is not understood, in sentences: what was asked before has no answer that goes on so."""
    if not before.question:
        return NOTHING_BEFORE
    asked = clean_text(before.question.strip(), limit=80)
    why = "is not a question about numbers that I can narrow or change" if before.understood else "was not answered"
    head, _, tail = NOTHING_BEFORE.partition(".")
    return f"{head}: “{asked}” {why}.{tail}"
