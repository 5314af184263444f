"""Plain questions read as semantic queries, without a language model.

Every word that can limit has to be understood: a question with such a word left over is not answered, as the answer
would be to another question. What was read, what was assumed and which words were not understood is part of the
reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from beha2vec_core.chat.parts.conditions import Conditions
from beha2vec_core.chat.parts.parts import OF_SESSIONS, Parts, find_parts
from beha2vec_core.chat.parts.sequences import from_first_in_data, window_in_words
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.queries.asked import breakdown_of, filters_of, metrics_of
from beha2vec_core.chat.queries.compared import by_month, funnels_of, in_each_period
from beha2vec_core.chat.queries.implied_measures import NOT_MEASURED, RATES_OF_STEPS, SEARCHES, NotRead, likely
from beha2vec_core.chat.queries.nearest import nearest_queries, some_of
from beha2vec_core.chat.queries.of_parts import queries_of, sides_of
from beha2vec_core.chat.queries.one_query import NOT_WHY, OFTEN
from beha2vec_core.chat.queries.ratios import each_last
from beha2vec_core.chat.queries.refusals import NO_QUERY
from beha2vec_core.chat.reading import sentences
from beha2vec_core.chat.reading.contrasts import Contrast, contrast_of
from beha2vec_core.chat.reading.follow_ups import LEADS, continued, due_to, is_asked_of_them, pointer
from beha2vec_core.chat.reading.fragments import with_lead
from beha2vec_core.chat.reading.of_those_before import OF_ALL, is_wider, with_subject, within, without_who
from beha2vec_core.chat.reading.other_groups import CANNOT, NotContinued, of_those_without
from beha2vec_core.chat.rewrites.named_pages import ITS
from beha2vec_core.chat.rewrites.rules import spelled_out
from beha2vec_core.chat.words.numbers import count_of
from beha2vec_core.chat.words.topics import no_such_name, not_in_data
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.compiler import place
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, PEOPLE_COUNTED, SOURCES, Metric
from beha2vec_core.semantic.layer import Contents
from beha2vec_core.semantic.query import Filter, Period, Query
from beha2vec_core.words import listed

# advice, and causes from outside: no data here can answer these
_ADVICE = re.compile(
    r"\b(because|due to|impact|effect|influence|how (?:can|could|should|do) (?:we|i) (?:increase|improve|grow|"
    r"reduce|lower|raise|get)|"
    r"should (?:we|i)|what (?:should|can|could) (?:we|i)|what (?:would|if)|what happens if|recommend\w*|advice)\b"
)
# verbs whose subject is a cause: "did the campaign increase conversion" is no question about numbers
_DID = re.compile(
    r"\b(?:did|does|do|has|have|will)\b.*\b(?:increase|decrease|improve|boost|raise|reduce|lower|hurt|"
    r"help(?! (?:pages?|section|articles?|cent))|affect|cause)\b\s+"
    r"(?!in|on|last|this|since|from|for|over|during|compared|vs|versus|by|at|after|between|to|week|month|yesterday)\w"
)
# people who did something are counted, not what they did: "users who viewed the cart by week"
_PEOPLE_WHO = re.compile(
    r"(?i)(?:.*\bamong\b)?\W*(?:(?:how many|number of|count of|share of|percent(?:age)? of|% of|proportion of|what|"
    r"daily|weekly|monthly|show|give|me|the|our|all|unique|and|for|from|among) )*"
    rf"(?:(?:new|returning) )?(?:{PEOPLE}) (?:(?:from|via|on|in|through|using|of) (?:[\w./-]+ ){{1,4}}?)?"
    r"(?:(?:who|that) (?!are\b|were\b)|(?:view|viewed|saw|visited|opened|read|looked at|used) )"
)
_SESSIONS_OF_STEPS = {*RATES_OF_STEPS, *RATES_OF_STEPS.values()}
_VISITS_THAT = re.compile(
    r"(?i)\W*(?:(?:how many|number of|share of) )*(?:sessions|visits) (?:that|which) (?:viewed|saw|read|opened)\b"
)
# that measures or groups are named one after the other
_SEVERAL = re.compile(r"(?i)[,;&+/?](?=.*\w)|\b(?:and|or|vs|versus|than|compared|plus|with their)\b")
_WHAT_ABOUT = re.compile(r"\W*(?:what|how) about\b")
_POINTED = re.compile(r"\b(?:they|them|these|those|their)\b")
_THAT_DAY = re.compile(r"\bthat (?:same )?(?:day|week|month|weekend|hour|quarter)\b|\bthen\W*$")
_DOES_IT = re.compile(r"(?i),? and (?P<asked>(?:is|are|was|were|has|have|does|do|did) (?:it|they|that)\b.*)$")
_SEPARATELY = "Please ask it separately."
_ANOTHER = ", and I do not want to guess"
NOTHING_BEFORE = "This sounds like a follow-up, but there is no answer to build on. Please ask the full question."
CONTINUES = "This builds on your previous question."
_SHARE_OF_EACH = "I can give this share of one group at a time, such as the share of mobile in Germany."
_UNKNOWN_SHOWN = 8  # words that were not understood


@dataclass(frozen=True)
class Reading:
    """A question as it was read."""

    query: Query | None = None  # None where the question cannot be answered
    problem: str = ""  # why not, in a sentence
    unknown: tuple[str, ...] = ()  # words that were not understood
    notes: tuple[str, ...] = ()  # what was assumed, in sentences
    filters: tuple[Filter, ...] = ()  # what was understood of filters, also without a query
    period: Period | None = None  # the same of the period
    metrics: tuple[str, ...] = ()  # names of metrics in the question
    by: tuple[str, ...] = ()  # names of dimensions that the question asks a breakdown by
    asks_cause: bool = False  # whether it asks for causes or advice
    is_follow_up: bool = False  # whether it begins as a follow-up ("and ...") that continues no question
    top: int | None = None  # how many are asked for ("top 20")
    # of its words: share, compare, trend ...; currency, where it names another than the data have
    kinds: tuple[str, ...] = ()
    nearest: tuple[Query, ...] = ()  # queries that can be answered
    more: tuple[Query, ...] = ()  # further queries, where several measures are asked for
    goes_down: bool | None = None  # whether it is about a decrease; None: it does not say
    is_measured: bool = True  # whether it is not about something that is known not to be in the data
    mean_of: str = ""  # day or week, where the mean of these is asked for
    contrast: Contrast | None = None  # two groups that are compared in all respects
    left_out: tuple[str, ...] = ()  # words and sentences that limit nothing, and were left out
    not_understood: str = ""  # the verb that the question is answered without
    is_topic: bool = False  # whether it is about something that is known not to be in the data
    not_answered: tuple[str, ...] = ()  # sentences about the parts of the question that the query does not answer
    beside: tuple[str, ...] = ()  # metrics that are shown beside the first: of a question that names none


def read_question(
    question: str, vocabulary: Vocabulary, previous: Query | None = None, *, is_first: bool = True, typed: str = ""
) -> Reading:
    """The question as a semantic query.

    Args:
        previous: the query before, which it may continue.
        is_first: whether nothing was asked before.
        typed: the question before it was rewritten; empty: it was not.
    """
    if previous and (its := ITS.search(question)) and not _names_value(question[: its.start()], vocabulary):
        alone = vocabulary.pages.of_its(question, _things_of(previous))
        if alone == question and its["its"].lower() == "its":
            return Reading(problem=CANNOT, is_follow_up=True)
        if alone != question:
            found = read_question(alone, vocabulary)
            is_timed = found.query is None or found.query.period or found.query.versus
            return found if is_timed else _in_period(found, previous.period)
    question, spelled = vocabulary.speller.corrected(vocabulary.pages.as_addresses(question, vocabulary.known))
    question, talk = sentences.without_talk(question)
    question, gloss = sentences.without_gloss(each_last(sentences.as_one_sentence(sentences.without_opinion(question))))
    reader = _Reader(vocabulary, previous, is_first, typed)
    found = reader.whole(question)
    if found.query is None and found.is_measured and not found.is_topic:
        shorter, verb = sentences.without_verb(question, found.unknown)
        if verb and (without := reader.whole(shorter)).query:
            found = replace(without, not_understood=verb)
        shorter, judgment = sentences.without_judgment(question)
        if judgment and (without := reader.whole(shorter)).query:
            found = replace(without, left_out=(*without.left_out, judgment))
    gloss_notes = [f"“{clean_text(gloss)}” was read as an explanation."] if gloss else []
    left_out = (*found.left_out, *(clean_text(one.strip(" .!?"), limit=120) for one in talk))
    return replace(found, notes=(*spelled, *found.notes, *gloss_notes), left_out=left_out)


def _things_of(query: Query) -> tuple[str, ...]:
    """The names of items, or of their kinds, that a query is about."""
    return tuple(
        name for one in query.filters if one.dimension.startswith("item") and not one.is_excluded for name in one.values
    )


def _names_value(text: str, vocabulary: Vocabulary) -> bool:
    return any(word and word.kind == "value" for word, *_ in vocabulary.read(text.lower()))


def _in_period(found: Reading, period: Period | None) -> Reading:
    """The reading in the period of the question before."""
    queries = [replace(query, period=period) for query in (found.query, *found.more) if query]
    return replace(found, query=queries[0], more=tuple(queries[1:]))


@dataclass(frozen=True)
class _Reader:
    """Reads questions that may continue another one."""

    vocabulary: Vocabulary
    previous: Query | None = None
    is_first: bool = True
    typed: str = ""

    @property
    def alone(self) -> _Reader:
        """Reads questions that continue none."""
        return _Reader(self.vocabulary)

    def whole(self, question: str) -> Reading:
        """The question as two groups, as its parts, or without statements that limit nothing."""
        if contrast := contrast_of(spelled_out(question.lower()), lambda asked: self.alone.one(asked).query):
            return Reading(query=contrast.group, filters=contrast.group.filters, contrast=contrast)
        found = self.by_parts(question)
        if alone := sentences.only_question(question):
            without = self.by_parts(alone[0])
            statement = clean_text(alone[1].strip(" ."), limit=120)
            if without.query and _narrows(self.alone.one(alone[1]), without.query):
                problem = f"I do not know whether “{statement}” is meant as a condition: ask it in one sentence."
                found = replace(without, query=None, more=(), problem=problem)
            elif without.query:
                found = replace(without, left_out=(*without.left_out, statement))
        return found

    def by_parts(self, question: str) -> Reading:
        """The question as one, or each of its parts; none of them where one is not understood and may limit others."""
        parts = sentences.parts_of(question)
        whole = self.one(question)
        if len(parts) == 1 and parts[0] != question and whole.query is None:  # without "which is best" at its end
            return self.one(parts[0])
        if whole.query and whole.query.versus and (does_it := _DOES_IT.search(question)):
            alone = self.one(question[: does_it.start()])  # which channel has most orders, and is it growing
            lists = alone.query and (alone.query.ascending is not None or alone.query.counts_groups)
            if alone.query and alone.query.by and lists and not alone.query.versus:
                said = clean_text(does_it["asked"].strip(" ?."), limit=80)
                return replace(alone, not_answered=(f"I did not answer “{said}”. {_SEPARATELY}",))
        has_all = len(whole.more) + 1 >= len(parts) and not sentences.goes_on_since(parts)
        has_all &= _THAT_DAY.search(question.lower()) is None
        # a share: of those who did this, those who also did that
        is_of_those = bool(whole.query and whole.query.is_share and whole.query.filters and whole.query.filters[0].did)
        if is_of_those and whole.query and is_asked_of_them(parts[-1]):
            is_of_those = all(
                one.did for one in whole.query.filters
            )  # not what share did this, and are they from there
        if len(parts) == 1 or (whole.query and has_all) or is_of_those:
            return whole
        readings: list[Reading] = []
        left: list[tuple[str, str, Reading]] = []  # parts that are not understood, and why
        for part in parts:
            first = readings[0].query if readings else None
            if first and first.by and (biggest := sentences.BIGGEST.fullmatch(part.lower())):
                top = count_of(biggest["top"]) if biggest["top"] else first.top
                readings[0] = replace(readings[0], query=replace(first, ascending=False, top=top))
                continue
            if first is None:
                one = self.one(part)
            elif sentences.continues(part):
                one = _Reader(self.vocabulary, first, is_first=False).one(f"and {part}")
            else:
                one = self.alone.one(part)
                if one.query and first.period and not (one.query.period or one.query.versus):
                    one = replace(one, query=replace(one.query, period=first.period))
                if one.query and first.filters and not one.query.filters:  # of these, or of all
                    one = replace(one, query=None, problem="Of these, or of all? Please ask this separately.")
            if not readings and whole.query and not (sentences.asks(part) or one.metrics):
                return whole  # weekend or weekday, when do we sell more
            why = "" if one.problem == CANNOT else one.problem  # nothing was asked before
            if one.query and first and _is_of_a_list(part, first, one.query):
                if one.query.metric == first.metric and not one.query.by:
                    continue  # which day was best, and how much was it
                one, why = replace(one, query=None), "I cannot say more about the first of a list in the same question."
            if first and first.ascending is not None and sentences.is_why(part):
                readings[0] = replace(readings[0], asks_cause=True, notes=(*readings[0].notes, NOT_WHY))
                continue
            if one.query is None or (left and readings and sentences.continues(part)):
                left.append((part, why, one))
                continue
            same = first and replace(first, top=None, ascending=None) == replace(one.query, top=None, ascending=None)
            if first and same and {first.ascending, one.query.ascending} != {True, False}:
                readings.pop()  # the same in another order, or fewer
            readings.append(one)
        if left and not _can_leave(left, parts, readings):
            part, why, one = left[0]
            problem = f"I did not understand this part of the question: “{clean_text(part, limit=80)}”."
            nearest = tuple(query for one in readings if (query := one.query)) or one.nearest
            return replace(whole, query=None, more=(), nearest=nearest, problem=f"{problem} {why}".strip())
        queries = [query for one in readings for query in (one.query, *one.more) if query]
        notes = tuple(dict.fromkeys(note for one in readings for note in one.notes if note != CONTINUES))
        left_out = tuple(dict.fromkeys(word for one in readings for word in one.left_out))
        not_answered = tuple(
            f"I did not answer “{clean_text(part, limit=80)}”. {why.replace(_ANOTHER, '') or _SEPARATELY}"
            for part, why, _ in left
        )
        more = tuple(dict.fromkeys(queries[1:]))
        return replace(readings[0], more=more, notes=notes, left_out=left_out, not_answered=not_answered)

    def one(self, question: str) -> Reading:
        """The question as it stands, or without its conditions where it is not understood with them."""
        try:
            if self.previous and (others := of_those_without(question, self.previous)):
                return Reading(others, filters=others.filters, notes=(CONTINUES,), metrics=(others.metric,))
        except NotContinued as error:
            return Reading(problem=str(error), is_follow_up=True)
        found, conditions = self._read(question, with_conditions=False)
        other = found.query.metric if found.query else "sessions"
        is_of_people = _PEOPLE_WHO.match(question) and found.query and other not in (*PEOPLE_COUNTED, "buyer_share")
        is_of_people = is_of_people or (_VISITS_THAT.match(question) and other != "sessions")
        if conditions and found.query and other in _SESSIONS_OF_STEPS and not found.query.by:
            named = {word.name for word, *_ in self.vocabulary.read(conditions.text) if word and word.kind == "metric"}
            is_of_people = is_of_people or bool(named and named <= {*PEOPLE_COUNTED})  # and not of their carts
        if conditions and found.more and not _SEVERAL.search(question):  # sessions with a cart converted
            with_them, _ = self._read(question, with_conditions=True)
            return with_them if with_them.query else found
        if is_of_people and not conditions:
            why = "I did not understand what was done: ask for one thing at a time, without “or”."
            return replace(found, query=None, more=(), problem=why, nearest=found.nearest or (Query("users"),))
        if conditions and (conditions.is_forced or is_of_people or found.query is None):
            with_them, _ = self._read(question, with_conditions=True)
            found = with_them if conditions.is_forced or is_of_people or with_them.query else found
        return found

    def _read(self, question: str, *, with_conditions: bool) -> tuple[Reading, Conditions | None]:
        """The question as a query, and the clauses that it can be read without."""
        vocabulary, previous, contents = self.vocabulary, self.previous, self.vocabulary.contents
        question = with_subject(question, previous) if previous else question
        parts = find_parts(question, vocabulary, with_conditions=with_conditions)
        sides = sides_of(parts) if with_conditions and parts.conditions else [parts]
        parts = sides[0]
        metrics = metrics_of(parts)
        filters = filters_of(parts, next(iter(metrics), None))
        period = parts.times.periods[0] if parts.times.periods else None
        if previous:
            question = with_lead(question, metrics, bool(filters or parts.times.periods or breakdown_of(parts)))
        advice = bool(_ADVICE.search(question.lower()) or _DID.search(question.lower()))
        leads = LEADS.search(question.lower()) is not None
        leads &= not (previous is None and metrics and self.is_first and _WHAT_ABOUT.match(question.lower()))
        is_of_people = metrics == ["users"] and filters and parts.comparatives  # is it better for email visitors
        pointed = pointer(question, vocabulary, bool(metrics) and not is_of_people)
        is_several = pointed in ("them", "these", "those", "one", "ones")
        is_lost = previous is None and (is_several or bool(pointed and not self.is_first) or _points_at_group(parts))
        asked = parts.conditions.text if with_conditions and parts.conditions else question.lower()
        missing = next((why for what, why in (*NOT_MEASURED, *NO_QUERY) if re.search(what, question.lower())), "")
        missing = SEARCHES[1] if re.search(SEARCHES[0], asked) else missing
        known = Reading(
            unknown=tuple(dict.fromkeys(parts.unknown)), notes=tuple(parts.notes), filters=filters, period=period,
            metrics=tuple(metrics), by=tuple(dict.fromkeys(word.name for word in parts.words if word.kind == "by")),
            asks_cause=advice or parts.has("cause"),
            is_follow_up=leads or is_lost or bool(pointed and previous), top=parts.top,
            kinds=(*dict.fromkeys(word.kind for word in parts.words), *(["currency"] if parts.currency else [])),
            goes_down=parts.falls(metrics[0]) if metrics else parts.goes_down, is_measured=not missing,
            mean_of=parts.mean_of, left_out=tuple(dict.fromkeys(parts.left_out)),
        )  # fmt: skip
        try:
            if missing or parts.problem:
                raise NotRead(missing or parts.problem)
            if parts.currency and not parts.unknown:
                known_as = " and ".join(contents.currencies)
                raise NotRead(f"Amounts are in {known_as}, and I do not convert them: “{parts.currency}”.")
            if parts.unknown and (unanswerable := not_in_data(question.lower(), parts.unknown, contents)):
                known = replace(known, is_topic=True)
                raise NotRead(unanswerable)
            if advice:
                raise NotRead("The data show what happened, but not why, or what would happen.")
            if parts.unknown:
                words = [clean_text(window_in_words(word), limit=40) for word in known.unknown[:_UNKNOWN_SHOWN]]
                more = [f"{rest} more words"] if (rest := len(known.unknown) - _UNKNOWN_SHOWN) > 0 else []
                shown = listed([*(f"“{word}”" for word in words), *more])
                why = no_such_name(question.lower(), known.unknown)
                raise NotRead(f"I did not understand {shown}{f': {why}' if why else _ANOTHER}.")
            if (leads or is_lost) and previous is None:
                raise NotRead(NOTHING_BEFORE)
            of_it = [] if is_of_people and pointed else metrics
            if previous and (query := continued(question, parts, of_it, previous, pointed, contents.days)):
                _require_visits(query, contents)
                queries, notes = funnels_of(query), [*dict.fromkeys(parts.notes), CONTINUES]
                parts.beside = tuple(due_to(question, parts, previous)[1:]) if query.versus or query.by else ()
            elif leads:
                raise NotRead(CANNOT)
            else:
                queries, notes = queries_of(parts, metrics, contents)
                for other in sides[1:]:
                    queries += queries_of(other, metrics, contents)[0]
                if len(sides) > 1 and OFTEN.search(question.lower()):
                    _check_sides(queries)
                if previous:
                    said = without_who(question, self.typed)
                    of_those = [one for query in queries if (one := within(said, query, previous))]
                    queries, more = (of_those, [CONTINUES]) if of_those else (queries, [])
                    notes += more or [OF_ALL] * is_wider(said, queries[0], previous)
            is_of_each = any(
                one.is_share and one.filters[1:] and (one.by or queries[1:]) and not one.of_each for one in queries
            )
            if is_of_each and parts.comparatives and _is_share_of_value(parts):
                raise NotRead(_SHARE_OF_EACH)
            if twin := from_first_in_data(queries):
                queries.append(twin)
                notes.append(
                    "The first visit is a user's first session as GA4 counts it; below, the first one in the data."
                )
            queries = [in_each_period(one) for query in queries for one in funnels_of(query)]
            if len(queries) == 1 and (each := by_month(question, queries[0])):
                queries.append(each)
            notes += _without_visits(queries, contents)
            for number, query in enumerate(queries):
                _check(query, contents)
                metric = place(query)[0]
                if query.metric == "buyers" and any(one.dimension == "new_or_returning" for one in query.filters):
                    notes.append(OF_SESSIONS)
                if metric.name != query.metric and query.per is None:
                    notes.append(_of_items(metric, METRICS[query.metric]))
                    queries[number] = replace(query, metric=metric.name)
        except ValueError as error:
            problem = str(error)
            problem = f"{problem[:1].upper()}{problem[1:]}" + ("" if problem.endswith((".", "?")) else ".")
            asked_for = known.metrics or likely(parts, {*known.by, *(one.dimension for one in known.filters)})
            nearest = nearest_queries(asked_for, known.by, known.filters, known.period, contents)
            is_follow_up = known.is_follow_up or isinstance(error, NotContinued)
            return replace(known, problem=problem, nearest=nearest, is_follow_up=is_follow_up), parts.conditions
        first, *others = queries
        known = replace(known, query=first, more=tuple(others), notes=tuple(dict.fromkeys(notes)), is_follow_up=False)
        return replace(known, beside=parts.beside), parts.conditions


def _points_at_group(parts: Parts) -> bool:
    """Whether a group is meant that was named before: "that code", "this channel"."""
    return any(
        one.text in ("that", "this") and other.kind == "by" and DIMENSIONS[other.name].kind != "time"
        for one, other in pairwise(parts.words)
    )


def _of_items(shown: Metric, asked: Metric) -> str:
    means = f" ({shown.means})" if shown.means else ""
    return f"The answer shows {shown.label}{means} instead of {asked.label}, as it is counted by item."


def _narrows(statement: Reading, query: Query) -> bool:
    """Whether a statement names days or values of which the query has none: "I only care about mobile."."""
    known = {*query.by, *(one.dimension for one in query.filters)}
    known |= {*SOURCES} if known & {*SOURCES} else set()
    return bool((statement.period and not query.period) or {one.dimension for one in statement.filters} - known)


def _is_of_a_list(part: str, first: Query, asked: Query) -> bool:
    """Whether a part asks for more of the first of a list that the part before asks for."""
    is_pointed = _POINTED.search(part.lower()) is not None and bool(first.by) and asked.by != first.by
    is_pointed |= _THAT_DAY.search(part.lower()) is not None and bool(first.by)
    return is_pointed or (first.ascending is not None and not asked.by)


def _can_leave(left: Sequence[tuple[str, str, Reading]], parts: Sequence[str], readings: Sequence[Reading]) -> bool:
    """Whether the parts that are answered say the same without those that are not."""
    queries = [one.query for one in readings if one.query]
    if not queries:
        return False
    for part, _, one in left:
        if part == parts[0]:
            is_opinion = sentences.is_judgment(part, one.unknown)
            if not is_opinion or any(map(sentences.points, parts[1:])):
                return False
        elif not sentences.stands_alone(part):
            return False
        if not is_asked_of_them(part) and any(_narrows(one, query) for query in queries):
            return False
    return True


def _check_sides(queries: Sequence[Query]) -> None:
    """Raise where two groups of people cannot be compared by how often they do something."""
    done = {sum(len(one.did) for one in query.filters) for query in queries}
    if len(done) > 1 or any(query.metric in PEOPLE_COUNTED and not query.is_share for query in queries):
        raise NotRead("I can compare how often people do something by device, channel, country or what they viewed.")


def _without_visits(queries: Sequence[Query], contents: Contents) -> list[str]:
    """Which of the channels that are asked for have no visit."""
    named = [name for query in queries for one in query.filters if one.dimension == "channel" for name in one.values]
    absent = [name for name in dict.fromkeys(named) if name not in contents.values.get("channel", [])]
    return [f"No session in the data has the channel {some_of(tuple(absent))}."] if absent else []


def _is_share_of_value(parts: Parts) -> bool:
    """Whether a value stands after "share of", such as "mobile" or "new users": not the whole, such as "sessions"."""
    words = [word for word in parts.words if word.kind != "filler"]
    after = next((two for one, two in pairwise(words) if one.kind == "share"), None)
    return after is not None and (after.kind == "value" or after.name in ("new_users", "returning_users"))


def _require_visits(query: Query, contents: Contents) -> None:
    """Raise where no visit is of all that a question names and of what it keeps of the one before: Email, of google."""
    named = [(one.dimension, one.values) for one in query.filters if one.dimension in SOURCES and not one.is_excluded]
    if not all(contents.go_together(one, other) for one, other in combinations(named, 2)):
        raise NotRead(CANNOT)


def _check(query: Query, contents: Contents) -> None:
    """Raise where the data cannot answer."""
    place(query)
    if step := contents.never_recorded(query):
        raise NotRead(f"The site does not record the {step}.")
    for period in (query.period, query.versus):
        days = contents.days
        if period and (period.last < max(days.first, period.first) or period.first > days.last):
            raise NotRead(f"The data cover {contents.days.in_words} and have nothing for {period.in_words}.")
