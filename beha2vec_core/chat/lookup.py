"""Answers without a language model: which of them a question asks for.

Questions about numbers are read as semantic queries, others are looked up among clusters and facts. It answers what it
understands and says what it does not; it never guesses.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from itertools import chain

from beha2vec_core.chat.answers.against_average import against_average
from beha2vec_core.chat.answers.answer import LookupAnswer, Prediction
from beha2vec_core.chat.answers.baskets import bought_with
from beha2vec_core.chat.answers.broken_days import broken_days
from beha2vec_core.chat.answers.changes import DIMENSIONS_OF_CHANGES
from beha2vec_core.chat.answers.contrasts import contrasted
from beha2vec_core.chat.answers.findings import findings, query_of
from beha2vec_core.chat.answers.jumps import ONLY_LARGEST, asks_other_jump, largest_jump
from beha2vec_core.chat.answers.measured import measured, numbers_of, preface
from beha2vec_core.chat.answers.per_day import by_weekday, in_currency
from beha2vec_core.chat.answers.phrases import in_everyday_words, without_host
from beha2vec_core.chat.answers.profiles import BESIDE_BUYERS, beside_it, of_people, profile, rate_of, spread
from beha2vec_core.chat.answers.ranking import first_of, has_leader, leader_of, rows_of
from beha2vec_core.chat.answers.rate_of_largest import of_largest
from beha2vec_core.chat.answers.refused import nearest_of, not_answered
from beha2vec_core.chat.answers.several_measures import as_one_answer, of_same_groups, one_table, said_once
from beha2vec_core.chat.answers.unusual_days import unusual_days
from beha2vec_core.chat.answers.yes_no import yes_or_no
from beha2vec_core.chat.clusters import names, questions
from beha2vec_core.chat.clusters.answers import ClusterAnswers, one_of
from beha2vec_core.chat.clusters.predicted_follow_ups import (
    as_prediction,
    asked_of_past,
    asks_to_trust,
    of_cluster,
    of_listed,
)
from beha2vec_core.chat.clusters.sums import asks_total, is_plain
from beha2vec_core.chat.data.database import NotInData
from beha2vec_core.chat.data.predictions import BOUGHT_BEFORE
from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Overview, Published
from beha2vec_core.chat.days.periods import find_times
from beha2vec_core.chat.parts.vocabulary import Vocabulary, vocabulary_of
from beha2vec_core.chat.queries.nearest import reaches_all
from beha2vec_core.chat.queries.no_measure import BESIDE_PEOPLE
from beha2vec_core.chat.queries.of_parts import as_one
from beha2vec_core.chat.queries.one_query import NOT_WHY
from beha2vec_core.chat.reading import answer_before
from beha2vec_core.chat.reading.contrasts import Contrast, contrast_again, groups_said
from beha2vec_core.chat.reading.follow_ups import OF_REVENUE
from beha2vec_core.chat.reading.grew_most import grew_most
from beha2vec_core.chat.reading.question import CONTINUES, NOTHING_BEFORE, Reading, read_question
from beha2vec_core.chat.reading.sentences import without_talk
from beha2vec_core.chat.reading.several import read_after
from beha2vec_core.chat.reading.shown_again import Again, Before, Shown, in_data, of_end, shown_again
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS, OF_STEPS, PEOPLE_COUNTED
from beha2vec_core.semantic.layer import Result
from beha2vec_core.semantic.query import Filter, Period, Query
from beha2vec_core.semantic.rows import NotAnswerable

_CLUSTERS = re.compile(r"\b(clusters?|personas?)\b", re.IGNORECASE)
_WHO = re.compile(r"^\W*who\b", re.IGNORECASE)
_WHO_ARE = re.compile(r"^\W*who (?:are|were|is|was)\b", re.IGNORECASE)
_NO_CAUSE = "The data do not show why."
_OF_PEOPLE = re.compile(rf"\b(?:{PEOPLE}|groups?)\b", re.IGNORECASE)
_SO_FAR = "Purchases are not predicted here: these are the shares of users who have bought so far."
_OF_CLUSTERS = ("cluster", "page_type", "theme", "step")  # filters that answers from clusters and facts know
_MORE_LIKELY = re.compile(r"(?i)\b(?:more|less) likely to\b.*\bthan\b|^\W*(?:are|is)\b.*\b(?:more|less) likely to\b")
_OF_ONE_STEP = (  # of the funnel, and not in its text
    "cart_abandonment", "unfinished_carts", "cart_users", "cart_rate", "checkout_rate", "checkout_completion",
    "cart_sessions", "checkout_sessions", "unfinished_checkouts",
)  # fmt: skip
# what is not about one measure, though a word such as users or conversion stands in it
_ABOUT_STEPS = re.compile(
    r"(?i)\b(funnel|leak\w*|drop[\s-]*offs?|drop|abandon\w*|before|lead\w* to|move|become\w*|loyal)\b"
)


class Lookup:
    """Answers from the published database."""

    def __init__(self, published: Published, aliases: Aliases) -> None:
        """Read nothing yet."""
        self._data = published
        self.about_clusters = ClusterAnswers(published, aliases)
        self._previous: tuple[Query, ...] = ()  # that a question may continue: "and on mobile?"
        self._predicted: Prediction | None = None  # the prediction that one may continue
        self._ranked: tuple[str, ...] = ()  # the first groups of a ranking of which only some were asked for
        self._shown: Shown | None = None  # by the answer to this question
        self._before = Before()  # the question before, and its answer
        self._limitation: tuple[str, tuple[str, ...]] | None = None  # of a measure, what was said not to be counted
        self._asked = ""  # the question as it was typed
        self._leader = ""  # of the groups that it put in an order
        self._first: Query | None = None  # the same as a query
        self._is_first = True
        self._cluster: int | None = None  # of the last answer, that "they" are in
        self._lists_clusters = False  # the last answer, so that "which of them" is which cluster

    def ask(self, question: str) -> LookupAnswer:
        """The answer, or what can be asked; what the data lacks is said."""
        self._asked = question
        try:
            named = names.with_members(question, self._data.overview()) if self._predicted else question
            whole = as_prediction(named, self._predicted, self._data.predicted)
            keys = [one.key for one in self._data.overview().clusters] if self._lists_clusters and not whole else []
            of_them = of_cluster(question, self._cluster, is_predicted=self._predicted is not None)
            whole = whole or of_listed(question, keys) or (None if self._previous else of_them)
            again, self._shown = None if whole else shown_again(question, self._before), None
            self._previous = () if whole else self._previous
            if of_past := None if whole else asked_of_past(question, self._predicted):
                answer = self.about_clusters.predictions_by(BOUGHT_BEFORE, *of_past)
            else:
                answer = self._again(again) if again else self._completed(question, self._ask(whole or question))
            if of_them and not (answer.understood or whole):
                found = self._ask(of_them)
                answer = found if found.understood else answer
            is_lost = answer.understood or not (answer.reading and answer.reading.is_follow_up)
            if is_lost or not (self._previous or self._before.shown.queries):  # else it can be asked in other words
                shown, old = self._shown or Shown(), self._before
                listed = old.listed if again and again.of_list else shown
                self._before = Before(question, answer.understood, answer.reading, shown, old.shown, listed)
            # a prediction stays the one that was asked about
            if is_lost and not (whole and (asks_to_trust(question) or not answer.understood)):
                self._predicted = answer.predicted
            self._lists_clusters = answer.lists_clusters or bool(keys and whole)
            of_it = [one for one in (answer.reading.filters if answer.reading else ()) if one.dimension == "cluster"]
            is_same = not answer.understood or [one.values for one in of_it] == [(str(self._cluster),)]
            self._cluster = self._cluster if answer.cluster is None and is_same else answer.cluster
            return replace(answer, text=in_everyday_words(answer.text))
        except (NotInData, NotAnswerable) as error:
            self._before = Before(question, understood=False)
            return LookupAnswer(f"Your data cannot answer this: {error}.")

    def forget(self) -> None:
        """The next question continues none."""
        self._previous, self._predicted, self._is_first = (), None, True
        self._lists_clusters, self._cluster, self._before = False, None, Before()

    def _again(self, again: Again) -> LookupAnswer:
        """The answer before in another way."""
        if again.question:
            return self._ask(again.question)
        if not again.queries:
            return self._refused(Reading(problem=again.problem, notes=(CONTINUES,), is_follow_up=True))
        first, *more = in_data(again.queries, self._data.contents())
        notes = (CONTINUES, *[NOT_WHY] * again.asks_cause)
        return self._measure(first, Reading(first, more=tuple(more), notes=notes, asks_cause=again.asks_cause))

    def _completed(self, question: str, answer: LookupAnswer) -> LookupAnswer:
        """The answer, or where the question is part of one: that to the question before with it, which had none."""
        before, reading = self._before, answer.reading
        if answer.predicted or not answer_before.may_complete(question, answer.understood, reading, before):
            return answer
        for whole in answer_before.completed(question, reading, before):
            if (found := self._ask(whole)).understood and found.reading:
                return replace(found, text=f"Read as “{clean_text(whole, limit=120)}”.\n{found.text}")
        if not answer_before.is_part(question, reading):
            return answer
        return self._refused(replace(reading or Reading(None), problem=NOTHING_BEFORE, is_follow_up=True))

    def _ask(self, question: str) -> LookupAnswer:
        self._shown = None
        if known := findings(question, self._data.highlights):
            self._shown = Shown(findings=tuple(map(query_of, self._data.highlights())))
        words = vocabulary_of(contents) if (contents := self._data.contents()) else None
        if not known and words:
            known = broken_days(question, words.contents.days, self._data.daily_events)
            for answered in (unusual_days, against_average):
                known = known or answered(question, words, self._data.measure)
        if known:
            self._previous = ()
            return known
        overview = self._data.overview()
        question = in_plain_words(names.with_described(question, overview), continues=bool(self._previous))
        asks_who = questions.DESCRIBE.match(question) and not _CLUSTERS.search(question)
        if asks_who and (answer := self._described(question, overview)):
            return answer
        if not questions.KINDS_OF_USERS.search(question):
            question = questions.GROUP.sub(lambda m: f"{m[1]} cluster{'s' if any(m.groups()[1:]) else ''}", question)
        plain = names.named_in_plain_words(question, overview, words) if words else []
        asked, groups = question, [*groups_said(question)]
        others = replace(overview, clusters=[one for one in overview.clusters if one not in plain])
        question, members = names.with_groups(names.with_compared(asked, groups, overview, plain), overview, others)
        question, note = names.with_keys(question, overview)
        answer = self._answer(question, overview)
        compared = names.with_compared(asked, groups, overview)
        for other in (members, compared, names.with_members(question, overview)):
            found = answer if answer.understood or other in (asked, question) else self._answer(other, overview)
            answer = found if found.understood else answer
        return replace(answer, text=f"{answer.text}\n\n{note}") if note and answer.understood else answer

    def _answer(self, question: str, overview: Overview) -> LookupAnswer:
        question = questions.of_clusters(question)
        contents = self._data.contents()
        if contents is None:
            return self.about_clusters.answer(question, self._clusters_named(question, overview), overview)
        vocabulary = vocabulary_of(contents)
        if with_it := bought_with(question, vocabulary, self._data.measure):
            return self._measure(*with_it)
        if jump := largest_jump(question, vocabulary, self._data.measure):
            self._previous = ()
            return jump
        if len(self._previous) == 1 and (grew := grew_most(question, self._previous[0], self._ranked, contents.days)):
            notes = (CONTINUES, f"Compared with the period before: {grew.versus.in_words}.") if grew.versus else ()
            return self._measure(grew, Reading(query=grew, notes=notes))
        leader = self._first, self._leader
        question, self._previous = answer_before.about_one(question, vocabulary, self._previous, *leader)
        also = names.named_in_plain_words(question, overview, vocabulary)
        plain = replace(overview, clusters=[one for one in overview.clusters if one not in also])
        unnamed = questions.without_names(question, plain)
        reading = self._read(unnamed, vocabulary)
        if also and not (reading.query and reading.filters):
            plain, also, unnamed = overview, [], questions.without_names(question, overview)
            reading = self._read(unnamed, vocabulary)
        if contrast := contrast_again(
            self._before.shown.contrast, partial(answer_before.continuing, question, vocabulary)
        ):
            return self._contrast(contrast, replace(reading, notes=(CONTINUES,)))
        asks_other = asks_other_jump(question)
        if reading.query and (asks_other or (reading := of_largest(question, reading)).problem):
            self._previous = ()
            return self._refused(reading, ONLY_LARGEST if asks_other else "")
        overview, keys = plain, self._clusters_named(question, plain)
        if keys and not _CLUSTERS.search(question) and (whole := self._read(question, vocabulary)).contrast:
            also, keys, reading = [one_of(overview, key) for key in keys], [], whole  # "desktop visitors"
        for one in also:
            note = f"“{one.name}” is also the name of cluster {one.key}: ask for it by its number."
            reading = replace(reading, notes=(*reading.notes, note))
        query, self._is_first = reading.query, False
        # asked in other words, it can still continue the question before; another refusal leaves nothing to continue
        self._previous = self._previous if reading.is_follow_up else ()
        if reading.is_follow_up or "currency" in reading.kinds:
            return self._refused(reading)
        if reading.contrast and not keys:
            return self._contrast(reading.contrast, reading)
        if questions.KINDS_OF_USERS.search(question) and not reading.filters and not reading.period:
            return self.about_clusters.clusters()
        if questions.asks_before_buying(question) and all(one.did for one in reading.filters) and not reading.period:
            found = self.about_clusters.before_buying(question)
            return found if found.understood else self._refused(reading, _why_not(found, reading))
        if questions.SIMILAR.search(question):
            return self.about_clusters.answer(question, keys, overview)
        is_of_members = query is None or not reading.metrics
        if (keys or _CLUSTERS.search(question)) and is_of_members and questions.GROWS.search(unnamed):
            return self._growth(keys, reading, unnamed)
        if questions.LIKELY_GROUP.search(question) and questions.target_asked(unnamed) not in self._data.predicted():
            found = self.about_clusters.answer(questions.LIKELY_GROUP.sub("buys most", question), keys, overview)
            return replace(found, text=f"{found.text}\n\n{_SO_FAR}") if found.understood else found
        is_predicted = questions.PREDICTED.search(without_talk(question)[0]) and not (
            query is not None and _MORE_LIKELY.search(question)
        )
        predicted = self.about_clusters.asked(question, unnamed, reading, keys, overview) if is_predicted else None
        if predicted is not None:
            return self._refused(reading, predicted) if isinstance(predicted, str) else predicted
        if query is not None and (query.metric in _OF_ONE_STEP or query.metric in OF_STEPS):
            if unnamed != question and "cluster" not in {one.dimension for one in query.filters}:
                return self._refused(reading, f"Do you mean cluster {keys[0]}? Then ask with its number.")
            if re.search(r"\bwho\b", question, re.IGNORECASE) and not query.by:
                reading = replace(reading, notes=(*reading.notes, "I give their number, but do not list these users."))
            return self._measure(query, reading)
        if not reading.is_measured:
            return self._refused(reading)
        if query is None and questions.of_carts(question):  # the funnel of clusters is about checkout
            return self._refused(reading)
        if keys or _CLUSTERS.search(question):
            named_in = {*query.by, *(one.dimension for one in query.filters)} if query else set()
            in_query = bool(named_in & {"cluster", "cluster_then"})
            by_others = [name for name in reading.by if name not in _OF_CLUSTERS]
            narrows = any(one.did or one.dimension not in _OF_CLUSTERS for one in reading.filters)
            narrowed = reading.period or narrows or by_others or is_plain(unnamed, query, reading)
            if (
                query is not None
                and in_query
                and (narrowed or asks_total(unnamed, query) or query.is_share or query.metric == "aov")
            ):
                return self._measure(query, reading)
            if reading.period:
                return self._refused(reading, "Facts about clusters cover all days, not single periods.")
            if query is not None and by_others:
                label = DIMENSIONS[by_others[0]].label
                return self._refused(reading, f"Facts about clusters cover all their users, not by {label}.")
            kinds = {feature is None for _, feature in questions.metrics_named(unnamed)}
            if narrowed and len(kinds) > 1:  # "which cluster buys most on mobile?" has a fact of buying, one of phones
                return self._refused(reading, "Facts about clusters cover all their users, not some of them.")
            found = self.about_clusters.answer(question, keys, overview)
            if not found.understood and query is not None and in_query and not query.versus:
                return self._measure(query, reading)
            if not found.understood:
                return self._refused(reading, _why_not(found, reading))
            return replace(found, text=f"{found.text}\n\n{_NO_CAUSE}") if reading.asks_cause else found
        asked_by = {name for one in (query, *reading.more) if one for name in one.by}
        lists_none = bool(_WHO_ARE.search(question)) and not asked_by & {"user", "cluster"}
        lists_none |= bool(_WHO.search(question)) and not (asked_by or reading.more)
        if query is not None and answer_before.is_of_same_people(question, query, self._before):
            return self._profile(query, reading)
        if query is not None and not lists_none:
            return self._measure(query, reading)
        is_ranked = {"high", "low", "judged"} & {*reading.kinds}
        if query is not None and not (reading.more or is_ranked) and (people := of_people(query)):
            return self._profile(people, reading)
        listed = "I give numbers, but do not list who they are." if query is not None else ""
        if (
            [one for one in reading.filters if one.dimension not in _OF_CLUSTERS]
            or reading.period
            or reading.by
            or not all(" " not in word and questions.explained(word) for word in reading.unknown)
            or re.search(r"\d", question)  # "spent over 1000": these answers know no numbers
            or questions.FUNNEL.search(question)  # the look-ups of funnels and differences are of clusters
            or (questions.COMPARE.search(question) and not re.search(r"\bgroups?\b", question, re.IGNORECASE))
            or (query is None and reading.asks_cause and not questions.BEFORE.search(question))
            or ("share" in reading.kinds and not _OF_PEOPLE.search(question))  # "as a share": of which numbers
            or (query is None and reading.metrics and not self._is_of_steps(question, reading))
        ):
            return self._refused(reading, listed)
        found = self.about_clusters.answer(question, keys, overview)
        return found if found.understood else self._refused(reading, listed or _why_not(found, reading))

    def _read(self, question: str, vocabulary: Vocabulary) -> Reading:
        asked = answer_before.of_those_shown(question, self._previous, self._ranked)
        return read_after(question, vocabulary, asked, is_first=self._is_first, typed=self._asked)

    def _refused(self, reading: Reading, problem: str = "") -> LookupAnswer:
        """What was not understood, and the nearest questions."""
        contents = self._data.contents()
        assert contents is not None
        if reading.asks_cause and (none := self._none(reading)):
            return none
        if reading.problem == NOTHING_BEFORE and not problem:
            problem = answer_before.nothing_to_continue(self._before)
        problem = problem or reading.problem or "I did not understand the question."
        reading = replace(reading, query=None, problem=problem, nearest=nearest_of(reading, self._previous, contents))
        text = not_answered(self._asked, reading, vocabulary_of(contents))
        return LookupAnswer(text, understood=False, reading=reading)

    def _contrast(self, contrast: Contrast, reading: Reading) -> LookupAnswer:
        """What is different about a group."""
        contents = self._data.contents()
        assert contents is not None
        results: list[Result] = []

        def measure(query: Query) -> Result:
            results.append(self._data.measure(query))
            return results[-1]

        self._shown = Shown(contrast=contrast)
        text, table = contrasted(contrast, measure, contents.days)
        text = "\n".join((text, *(note for note in reading.notes if note != CONTINUES)))
        return LookupAnswer(text, statements=[one.statement for one in results], reading=reading, table=table)

    def _none(self, reading: Reading) -> LookupAnswer | None:
        """That there are none of what a "why" supposes; None where there are some."""
        if reading.unknown or len(reading.metrics) != 1 or METRICS[reading.metrics[0]].unit != "count":
            return None
        query = Query(reading.metrics[0], (), reading.filters, reading.period)
        if not reaches_all(query) or any(row["value"] for row in self._data.measure(query).rows):
            return None
        return self._measure(query, replace(reading, query=query, more=()))

    def _growth(self, keys: list[int], reading: Reading, question: str) -> LookupAnswer:
        """The users of each week who were in the cluster then; or which cluster grew most."""
        contents, which = self._data.contents(), re.sub(r"(?i)\bclusters?\b ?", "", question)
        assert contents is not None
        notes: tuple[str, ...] = ("The users who were in the cluster at that time are counted.",)
        every = Query("users", ("cluster_then",))
        if not (keys or reading.filters) and (grew := grew_most(which, every, (), contents.days)):
            return self._measure(grew, replace(reading, query=grew, unknown=(), more=(), notes=notes))
        if len(keys) != 1 or any(one.dimension != "cluster" for one in reading.filters):
            return self._refused(reading, "I can show the growth of one cluster at a time: is cluster 2 growing?")
        query = Query("users", ("week",), (Filter("cluster_then", (str(keys[0]),)),), reading.period)
        notes = (*notes, _NO_CAUSE) if reading.asks_cause else notes
        return self._measure(query, replace(reading, query=query, unknown=(), more=(), notes=notes))

    def _is_of_steps(self, question: str, reading: Reading) -> bool:
        """Whether the question is about steps of users, though a word such as users stands in it."""
        steps = (*_OF_ONE_STEP, "checkout_abandonment")
        others = [one for one in reading.metrics if one not in steps and not METRICS[one].is_weak]
        if re.search(r"\bfunnel", question, re.IGNORECASE) or questions.BEFORE.search(question):
            return True
        return not others and _ABOUT_STEPS.search(question) is not None

    def _measure(self, query: Query, reading: Reading) -> LookupAnswer:
        """The answer to a semantic query; the next question may continue it."""
        contents = self._data.contents()
        assert contents is not None
        reading = self._with_limitation(query, reading)
        results = [self._data.measure(query if query.by != ("weekday",) else replace(query, top=None))]
        results += [self._data.measure(of_same_groups(one, results[0])) for one in reading.more]
        results = [by_weekday(in_currency(one, contents.currencies), contents.days) for one in results]
        parts = [self._parts(one) for one in (query, *reading.more)]
        one = as_one((query, *reading.more))
        self._previous, self._leader = (one,) if one else (query, *reading.more), leader_of(results[0])
        self._ranked, self._shown = first_of(results[0]), Shown((query, *reading.more), rows_of(results[0]))
        self._first = answer_before.of_first(query, self._shown) if one and has_leader(results[0]) else None
        readings = [reading, *(replace(reading, notes=()) for _ in reading.more)]  # what was assumed is said once
        first, *others = [
            measured(result, one, contents.days, some)
            for result, one, some in zip(results, readings, parts, strict=True)
        ]
        first, *others = as_one_answer(results, (first, *said_once(first, others)))
        said = yes_or_no(self._asked, reading, results, contents.days)
        first = replace(first, text=f"{said} ".lstrip() + first.text)
        if together := one_table(results):
            first = replace(first, table=together, bars=None)
            others = [replace(one, table=None, bars=None) for one in others]
        beside = beside_it(query, reading.beside, self._data.measure, contents.days)
        beside += self._beside(query, contents.days) if reading.asks_cause and not reading.beside else []
        if reading.asks_cause and not reading.more and (rate := rate_of(query)):
            lines, table = spread(rate, contents, self._data.measure)
            beside += ["\n".join((f"The {METRICS[rate.metric].label} by group:", *lines))] * bool(lines)
            first = replace(first, table=first.table or table)
        beside += names.cluster_names(first.table, query, self._data.overview())
        if query.by in names.OF_CLUSTERS:
            sentence, end, rest = first.text.partition("\n")
            first = replace(first, text=names.named(sentence, self._data.overview()) + end + rest)
        first = replace(first, text="\n".join((*preface(reading), first.text)))
        is_of_clusters = query.by in names.OF_CLUSTERS and query.ascending is not None and self._shown.groups
        return LookupAnswer(
            without_host("\n\n".join([*(answer.text for answer in (first, *others)), *beside])),
            statements=list(dict.fromkeys(one.statement for one in chain(results, *parts))),
            reading=reading, table=first.table, bars=first.bars, more=tuple(others),
            cluster=int(str(self._shown.groups[0][0])) if is_of_clusters else None,
        )  # fmt: skip

    def _with_limitation(self, query: Query, reading: Reading) -> Reading:
        """The reading with what was said of the same measure before: that sessions are counted, not how often."""
        same = CONTINUES in reading.notes and self._limitation and self._limitation[0] == query.metric
        kept = self._limitation[1] if same and self._limitation else ()
        asks_why = answer_before.asks_why(query, reading, self._before)
        reading = replace(reading, notes=tuple(dict.fromkeys((*kept, *reading.notes))), asks_cause=asks_why)
        self._limitation = query.metric, tuple(one for one in reading.notes if "counted, not " in one)
        return reading

    def _described(self, question: str, overview: Overview) -> LookupAnswer | None:
        """The profile of people that the question asks to describe; None where it names none, or a cluster."""
        contents = self._data.contents()
        if contents is None or any(one.name and one.name.lower() in question.lower() for one in overview.clusters):
            return None
        reading = read_question(questions.DESCRIBE.sub("who ", question), vocabulary_of(contents), None)
        if {*reading.metrics} - {*PEOPLE_COUNTED}:
            return None
        if reading.query is None or reading.more or {"high", "low", "judged"} & {*reading.kinds}:
            return None
        people = Query("users") if questions.TYPICAL.search(question) else of_people(reading.query)
        return self._profile(people, reading) if people else None

    def _profile(self, query: Query, reading: Reading) -> LookupAnswer:
        """Who the people of a query are: how many, their largest groups, and what they did."""
        answer = self._measure(replace(query, by=()), replace(reading, more=(), query=replace(query, by=())))
        contents = self._data.contents()
        assert contents is not None
        besides = BESIDE_BUYERS if query.metric == "buyers" else BESIDE_PEOPLE
        lines, table = profile(query, self._data.measure)
        beside = beside_it(query, besides, self._data.measure, contents.days)
        self._shown = Shown((replace(query, by=()),), is_profile=True)
        return replace(answer, text="\n\n".join([answer.text, "\n".join(lines), *beside]), table=table)

    def _beside(self, query: Query, days: Period) -> list[str]:
        """What else differs where a "why" is asked: the steps before an order, or what a sum is the product of."""
        if query.ascending is not None and self._shown:  # which channel is worst, and why
            query = of_end(query, self._shown.groups, "first") or query
        if query.metric == "revenue" and query.explains:
            one_by_one = (replace(query, metric=name, explains=False) for name in OF_REVENUE)
            results = [self._data.measure(one) for one in one_by_one if reaches_all(one)]
        elif query.metric == "conversion_rate" and len(query.by) == 1 and query.filters and not query.versus:
            results = self._data.rates(query, ("engaged_rate", "product_view_rate", "cart_rate", "checkout_rate"))
        else:
            return []
        return ["\n".join(("Also:", *(f"- {numbers_of(result, days)}" for result in results)))] if results else []

    def _parts(self, query: Query) -> list[Result]:
        """Where a change lies that the query asks for, by dimensions that it does not choose from."""
        chosen = {one.dimension for one in query.filters}
        others = [name for name in DIMENSIONS_OF_CHANGES if name not in chosen]
        return self._data.measure_parts(query, others) if query.explains else []

    def _clusters_named(self, question: str, overview: Overview) -> list[int]:
        """Keys of the clusters in the question: by number, or by name."""
        keys: list[int] = []
        if questions.COMPARE.search(question) or re.search(r"\bclusters\b", question, re.IGNORECASE):
            contents = self._data.contents()
            undated = find_times(question.lower(), contents.days).text if contents else question  # "5 and 9 March"
            keys += [int(key) for pair in questions.TWO.findall(undated) for key in pair]
        keys += [int(key) for key in questions.CLUSTER.findall(question)]
        keys += [c.key for c in overview.clusters if len(c.name) > 5 and c.name.lower() in question.lower()]
        for key in keys:
            one_of(overview, key)
        return list(dict.fromkeys(keys))


def _why_not(found: LookupAnswer, reading: Reading) -> str:
    """Which words a look-up did not understand; the reading says the rest."""
    first = found.text.partition("\n")[0]
    return first if "“" in first and not reading.is_topic else ""
