"""Answers without a language model: questions about numbers are read as semantic queries, others are looked up among
clusters and facts.

It answers what it understands and says what it does not; it never guesses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from beha2vec_core.chat.events import Bars
from beha2vec_core.chat.facts import MAIN, differences, most_telling, of_metric, search_facts
from beha2vec_core.chat.lines import cluster_line, count_lines, expected_line, fact_line, funnel_text, likely_line
from beha2vec_core.chat.measured import measured, not_answered
from beha2vec_core.chat.periods import find_times
from beha2vec_core.chat.privacy import Aliases
from beha2vec_core.chat.published import FUNNEL_SQL, Cluster, Fact, FactSheet, NotInData, Overview, Published
from beha2vec_core.chat.question import (
    BEFORE,
    CLUSTER,
    COMPARE,
    EMPTY_WORDS,
    FUNNEL,
    LIST,
    MOVES,
    NEXT,
    PATHS,
    PERSONA,
    PREDICTED,
    SIMILAR,
    SUPERLATIVE,
    TWO,
    asks_least,
    asks_unlikely,
    content_words,
    explained,
    hits,
    horizon_asked,
    metrics_named,
    not_predicted,
    of_carts,
    target_asked,
    users_asked,
    without_names,
)
from beha2vec_core.chat.reading import Reading, read_question
from beha2vec_core.chat.sql import SqlAnswer
from beha2vec_core.chat.vocabulary import Vocabulary
from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.insights.wording import number, statement
from beha2vec_core.predictions.targets import PURCHASE
from beha2vec_core.predictions.wording import does
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import DIMENSIONS, METRICS
from beha2vec_core.semantic.query import Query
from beha2vec_core.words import between, counted, day

CAN_DO = """Without a language model I look things up. You can ask
  revenue last week? / conversion rate by channel in March / sessions on mobile, month by month
  is mobile worse than desktop? / orders last month vs the month before / top 5 landing pages
  which clusters are there?                     who they are, how many
  build a persona for cluster 0                 its description and main facts
  compare 1 and 4                               the facts that differ most
  which cluster buys most? / uses mobile most?  clusters by purchases, errors, devices, channels, pages ...
  which cluster leaks at checkout, and where?   the funnel of each cluster
  errors in cluster 3                           the matching facts of a cluster
  where do users of cluster 2 move?             moves between clusters
  which paths does cluster 2 take?              steps that are more frequent than elsewhere
  who is likely to buy next week?               expected numbers by cluster, the most likely users
  what do users do before they buy?             compared with matched users who did not
  who resembles user <user_key>?                the nearest users
  /sql select ...                               anything else, in SQL"""
_BUYING_SQL = "from beha2vec.buying_paths where significant and lift > 1 order by z desc"
_CLUSTERS = re.compile(r"\b(clusters?|personas?)\b", re.IGNORECASE)
_BIGGEST = re.compile(
    r"\b(biggest|largest|smallest)\s+(?:cluster|segment|group|persona)\b(?!\s+(?:by|for|with|of|in terms)\b)",
    re.IGNORECASE,
)
_WHO = re.compile(r"^\W*who\b", re.IGNORECASE)
_OF_CLUSTERS = ("cluster", "page_type", "theme")  # filters that answers from clusters and facts know
_OF_ONE_STEP = (  # of the funnel, and not in its text
    "cart_abandonment", "checkout_rate", "cart_to_order", "checkout_completion", "cart_sessions", "checkout_sessions",
)  # fmt: skip
_FUNNEL_METRICS = (*_OF_ONE_STEP, "checkout_abandonment")
# what is not about one measure, though a word such as users or conversion stands in it
_OF_STEPS = re.compile(
    r"\b(funnel|leak\w*|drop[\s-]*offs?|drop|abandon\w*|before|lead\w* to|move|become\w*|loyal)\b", re.IGNORECASE
)
_HEADINGS = {"interpretation": "The model's reading of these facts"}


@dataclass(frozen=True)
class LookupAnswer:
    """Text for the person, and where it comes from."""

    text: str
    facts: list[Fact] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    tool: tuple[str, dict[str, Any]] | None = None  # that gives a model the same, and its arguments
    understood: bool = True
    reading: Reading | None = None  # of a question about metrics
    table: SqlAnswer | None = None  # rows below the text
    bars: Bars | None = None  # the same as a chart


class Lookup:
    """Answers from the published database."""

    def __init__(self, published: Published, aliases: Aliases) -> None:
        """Read nothing yet."""
        self._data = published
        self._aliases = aliases
        self._vocabulary: Vocabulary | None = None  # of the publication that was read last
        self._previous: Query | None = None  # that a question may continue: "and on mobile?"

    def ask(self, question: str) -> LookupAnswer:
        """The answer, or what can be asked; what the data lacks is said."""
        try:
            return self._ask(question)
        except NotInData as error:
            return LookupAnswer(f"Your data cannot answer this: {error}.")

    def forget(self) -> None:
        """The next question continues none."""
        self._previous = None

    def _ask(self, question: str) -> LookupAnswer:
        overview = self._data.overview()
        question, note = _with_key(question, overview)
        answer = self._answer(question, overview)
        return replace(answer, text=f"{answer.text}\n\n{note}") if note and answer.understood else answer

    def _answer(self, question: str, overview: Overview) -> LookupAnswer:
        keys = self._clusters_named(question, overview)
        unnamed = without_names(question, overview)
        contents = self._data.contents()
        if contents is None:
            return self._about_clusters(question, keys, overview)
        if self._vocabulary is None or self._vocabulary.contents is not contents:
            self._vocabulary = Vocabulary(contents)
        reading = read_question(unnamed, self._vocabulary, self._previous)
        query = reading.query
        self._previous = None  # but where a query is answered: a refusal leaves nothing to continue
        if reading.is_follow_up:
            return _refused(reading)
        if SIMILAR.search(question):
            return self._about_clusters(question, keys, overview)
        if PREDICTED.search(question) and target_asked(unnamed, self._data.predicted()):
            if others := [one.dimension for one in reading.filters if one.dimension not in ("cluster", "page_type")]:
                return _refused(reading, f"Predictions are known by cluster, not by {others[0].replace('_', ' ')}.")
            if by := [name for name in reading.by if name != "cluster" and DIMENSIONS[name].kind != "time"]:
                return _refused(reading, f"Predictions are known by cluster, not by {DIMENSIONS[by[0]].label}.")
            if reading.period:
                return _refused(reading, "Predictions are of the days after the last one in the data.")
            if problem := not_predicted(question, reading.unknown, reading.kinds, self._data.predicted()):
                return _refused(reading, "" if reading.asks_cause else problem)
            return self._about_clusters(question, keys, overview)
        if query is not None and query.metric in _OF_ONE_STEP:
            return self._measure(query, reading)
        if query is None and of_carts(question):  # the funnel of clusters is about checkout
            return _refused(reading)
        if keys or _CLUSTERS.search(question):
            in_query = query is not None and "cluster" in {*query.by, *(one.dimension for one in query.filters)}
            narrowed = reading.period or any(one.dimension not in _OF_CLUSTERS for one in reading.filters)
            if query is not None and in_query and narrowed:
                return self._measure(query, reading)
            if reading.period:
                return _refused(reading, "Facts of clusters are of all days, not of one period.")
            kinds = {feature is None for _, feature in metrics_named(unnamed)}
            if narrowed and len(kinds) > 1:  # "which cluster buys most on mobile?" has a fact of buying, one of phones
                return _refused(reading, "Facts of clusters are of all their users, not of some of them.")
            return self._about_clusters(question, keys, overview)
        if query is not None and not (_WHO.search(question) and not query.by):
            return self._measure(query, reading)
        if (
            [one for one in reading.filters if one.dimension not in _OF_CLUSTERS]
            or reading.period
            or reading.by
            or not all(" " not in word and explained(word) for word in reading.unknown)
            or (query is None and reading.asks_cause and not BEFORE.search(question))
            or (query is None and reading.metrics and not self._is_of_steps(question, reading))
        ):
            return _refused(reading)
        found = self._about_clusters(question, keys, overview)
        return found if found.understood else _refused(reading)

    def _is_of_steps(self, question: str, reading: Reading) -> bool:
        """Whether the question is about steps of users, though a word such as users stands in it."""
        others = [one for one in reading.metrics if one not in _FUNNEL_METRICS and not METRICS[one].is_weak]
        if re.search(r"\bfunnel", question, re.IGNORECASE) or BEFORE.search(question):
            return True
        return not others and _OF_STEPS.search(question) is not None

    def _measure(self, query: Query, reading: Reading) -> LookupAnswer:
        """The answer to a semantic query; the next question may continue it."""
        result, contents = self._data.measure(query), self._data.contents()
        assert contents is not None
        self._previous = query
        answer = measured(result, reading, contents.days)
        return LookupAnswer(
            answer.text, statements=[result.statement], reading=reading, table=answer.table, bars=answer.bars
        )

    def _about_clusters(self, question: str, keys: list[int], overview: Overview) -> LookupAnswer:
        """Answers from clusters, facts, funnels, paths and predictions."""
        # "apparel buyers" names a cluster, and asks for no purchases
        unnamed = without_names(question, overview)
        metrics = metrics_named(unnamed)
        if SIMILAR.search(question):
            return self._similar(question, overview)
        if PREDICTED.search(question) and (target := target_asked(unnamed, self._data.predicted())):
            return self._predictions(target, question, keys, overview)
        if len(keys) >= 2 and (COMPARE.search(question) or not metrics):
            return self.compare(keys[0], keys[1])
        if FUNNEL.search(question):
            return self._funnel(keys, overview)
        if COMPARE.search(question) and not keys and not metrics:
            return _compared(overview)
        if BEFORE.search(question):
            return self._before_buying()
        if keys and PATHS.search(question):
            return self._paths(keys[0], overview)
        if MOVES.search(question):
            return self._moves(keys[0] if keys else None, overview)
        if keys:
            asks_size = re.search(r"\bhow (?:many|big|large)\b|\bsize\b", question, re.IGNORECASE)
            wanted = [m for m in metrics if asks_size or m[0] not in ("users", "user_share")]
            if wanted and not re.search(r"\bpersona\b", question, re.IGNORECASE):
                return self._facts_of(keys[0], wanted, overview)
            if NEXT.search(question):
                return self._actions(keys[0])
            if words := self._words_of_facts(question, keys[0]):
                return self.facts(keys[0], words)
            return self.cluster(keys[0])
        specific = [metric for metric in metrics if metric[0] not in ("users", "user_share")]
        if specific or (metrics and SUPERLATIVE.search(question)):
            return self._ranking(question, specific or metrics, overview)
        if re.search(r"\bclusters?\b.*\bmost\b|\bwhich cluster\b", question, re.IGNORECASE):
            return self._feature_ranking(question, overview)
        if metrics or LIST.search(question):
            return self.clusters()
        return LookupAnswer(f"I did not understand this.\n\n{CAN_DO}", understood=False)

    def clusters(self) -> LookupAnswer:
        """All clusters: key, name, users, share."""
        overview = self._data.overview()
        lines = [f"{overview.in_words}:"]
        lines += [cluster_line(cluster) for cluster in overview.clusters]
        lines += ["", *count_lines(*self._data.how_many())]
        sheets = self._data.sheets()
        facts = [fact for c in overview.clusters if c.key in sheets and (fact := sheets[c.key].number("users"))]
        return LookupAnswer("\n".join(lines), facts)

    def cluster(self, key: int) -> LookupAnswer:
        """What is written about a cluster, and its main facts."""
        cluster = _one(self._data.overview(), key)
        sheet = self._data.sheet(key)
        lines = [f"Cluster {key}: {cluster.name}"]
        lines += ["", cluster.summary] if cluster.summary else []
        lines += ["", f"Persona: {cluster.persona}"] if cluster.persona else []
        for title, text in cluster.more.items():
            lines += ["", f"{_HEADINGS.get(title, title.capitalize())}: {text}"]
        if cluster.actions:
            lines += ["", "Next steps:", *(f"  - {action}" for action in cluster.actions)]
        main = [fact for metric in MAIN if (fact := sheet.number(metric))]
        telling = most_telling(sheet, 6)
        lines += ["", "Main facts:", *(fact_line(fact) for fact in [*main, *telling])]
        cited = [sheet.by_id[fact_id] for fact_id in cluster.evidence if fact_id in sheet.by_id]
        return LookupAnswer("\n".join(lines), list(dict.fromkeys([*main, *telling, *cited])))

    def _actions(self, key: int) -> LookupAnswer:
        cluster, sheet = _one(self._data.overview(), key), self._data.sheet(key)
        if not cluster.actions:
            raise NotInData(f"cluster {key} has no recommendations: materialize cluster_insights")
        lines = [f"Cluster {key} ({cluster.name}), next steps:", *(f"  - {action}" for action in cluster.actions)]
        return LookupAnswer(
            "\n".join(lines), [sheet.by_id[fact_id] for fact_id in cluster.evidence if fact_id in sheet.by_id]
        )

    def facts(self, key: int, words: str = "", *, limit: int = 12) -> LookupAnswer:
        """Facts of a cluster, those with the words first; without words, the most telling."""
        sheet = self._data.sheet(key)
        found = (
            search_facts(sheet, words)
            if words
            else [
                *(f for m in MAIN if (f := sheet.number(m))),
                *most_telling(sheet, limit),
            ]
        )
        if not found:
            return LookupAnswer(f"No fact of cluster {key} matches “{words}”.")
        head = f"Facts of cluster {key}" + (f" with “{words}”:" if words else ", the most distinctive:")
        more = [f"  ... and {len(found) - limit} more: narrow it down"] if words and len(found) > limit else []
        return LookupAnswer("\n".join([head, *map(fact_line, found[:limit]), *more]), found[:limit])

    def compare(self, first: int, second: int, *, limit: int = 12) -> LookupAnswer:
        """The facts in which two clusters differ most."""
        overview = self._data.overview()
        one, two = _one(overview, first), _one(overview, second)
        if TOO_LITTLE_EVIDENCE in (first, second):
            raise NotInData(f"users of cluster {TOO_LITTLE_EVIDENCE} have too few events for a comparison")
        pairs = differences(self._data.sheet(first), self._data.sheet(second))[:limit]
        sizes = [f"{cluster.name}, {counted(cluster.users, 'user')}" for cluster in (one, two)]
        lines = [f"Cluster {first} ({sizes[0]}) and cluster {second} ({sizes[1]}):"]
        for a, b in pairs:
            words = statement(a.metric, a.shown_feature)
            lines.append(f"  - {a.shown_value} and {b.shown_value} {words} (all users {a.shown_population})")
        if not pairs:
            lines.append("  no fact differs by more than chance")
        lines += ["", "The differences are larger than chance explains; they do not show causes."] if pairs else []
        return LookupAnswer("\n".join(lines), [fact for pair in pairs for fact in pair])

    def _clusters_named(self, question: str, overview: Overview) -> list[int]:
        """Keys of the clusters in the question: by number, or by name."""
        keys: list[int] = []
        if COMPARE.search(question) or re.search(r"\bclusters\b", question, re.IGNORECASE):
            contents = self._data.contents()
            undated = find_times(question.lower(), contents.days).text if contents else question  # "5 and 9 March"
            keys += [int(key) for pair in TWO.findall(undated) for key in pair]
        keys += [int(key) for key in CLUSTER.findall(question)]
        keys += [c.key for c in overview.clusters if len(c.name) > 5 and c.name.lower() in question.lower()]
        for key in keys:
            _one(overview, key)
        return list(dict.fromkeys(keys))

    def _similar(self, question: str, overview: Overview) -> LookupAnswer:
        words = re.findall(r"[\w.@+-]+", question)
        found = None
        for word in sorted(words, key=len, reverse=True)[:8]:
            if (
                len(word.strip(".")) >= 2
                and word.lower() not in EMPTY_WORDS
                and (found := self._aliases.key(word.strip(".")))
            ):
                break
        if found is None:
            return LookupAnswer(
                "No known user in the question: give a user_key, a device id (user_pseudo_id) or a login id (user_id) "
                "of the published database."
            )
        names = {cluster.key: cluster.name for cluster in overview.clusters}
        own = self._data.cluster_of(found)
        lines = [f"User {found}" + (f" is in cluster {own[0]} ({names.get(own[0])})." if own else ".")]
        if likely := self._data.likely_cluster_of(found):
            name = names.get(likely[0])
            lines += [f"Likely, not certain: cluster {likely[0]} ({name}), with probability {likely[1]:.2f}."]
        lines += ["Most similar by identity vector (1 = identical):"]
        for other in self._data.similar_users(found):
            where = (
                f"cluster {other.cluster_key} ({names.get(other.cluster_key)})" if other.cluster_key is not None else ""
            )
            lines.append(f"  - {other.similarity:.2f}  {other.user_key}  {where}")
        source = "select * from beha2vec.user_embeddings_current -- cosine of the column identity"
        return LookupAnswer("\n".join(lines), [], [source], ("similar_users", {"user": self._aliases.of(found)}))

    def _predictions(self, target: str, question: str, keys: list[int], overview: Overview) -> LookupAnswer:
        horizon = horizon_asked(question, self._data.horizons(target))
        least, limit = asks_unlikely(question, target), users_asked(question)
        names = {cluster.key: cluster.name for cluster in overview.clusters}
        expected = {key: one for key, one in self._data.expected(target, horizon).items() if not keys or key in keys}
        lines = [f"Expected to {does(target)} within {horizon} days, by cluster:"]
        lines += [expected_line(key, names.get(key, "?"), one) for key, one in expected.items()]
        cluster = keys[0] if len(keys) == 1 else None
        likely = self._data.likely_users(target, horizon, cluster=cluster, least=least, limit=limit)
        lines += ["", f"Users with the {'lowest' if least else 'highest'} probability to {does(target)}:"]
        lines += [likely_line(row) for row in likely]
        if likely:
            lines += ["", f"As of {day(likely[0]['as_of'])}."]
        lines += ["In brackets: 95 % intervals of numbers of users, 90 % intervals of a user's own probability."]
        lines += ["A high probability does not mean that contacting the user has an effect."]
        if target == PURCHASE and (money := self._data.money()):
            lines += [money]
        quoted = target.replace("'", "''")
        where = f"where target = '{quoted}' and horizon = {horizon} order by"
        return LookupAnswer(
            "\n".join(lines),
            statements=[
                f"from beha2vec.cluster_predictions {where} expected desc",
                f"from beha2vec.user_predictions_current {where} probability {'' if least else 'desc '}limit {limit}",
            ],
            tool=("predictions", {"target": target, "days": horizon}),
        )

    def _funnel(self, keys: list[int], overview: Overview) -> LookupAnswer:
        funnels = [
            funnel
            for funnel in self._data.funnels()
            if (funnel.cluster_key in keys if keys else funnel.cluster_key != TOO_LITTLE_EVIDENCE)
        ]
        names = {cluster.key: cluster.name for cluster in overview.clusters}
        if not funnels:
            raise NotInData("no session of this cluster has a funnel step")
        text = funnel_text(funnels, names, self._data.checkout_exits)
        if not keys and TOO_LITTLE_EVIDENCE in names:
            text += f"\n\nUsers with too few events (cluster {TOO_LITTLE_EVIDENCE}) are left out."
        return LookupAnswer(text, [], [FUNNEL_SQL], ("checkout_funnel", {}))

    def _moves(self, key: int | None, overview: Overview) -> LookupAnswer:
        where, parameters = ("from_cluster = ? or to_cluster = ?", [key, key]) if key is not None else ("true", [])
        rows = self._data.table(
            "cluster_transitions", f"({where}) and from_cluster <> to_cluster", list(parameters), "users desc limit 12"
        )
        names = {cluster.key: cluster.name for cluster in overview.clusters}
        if not rows:
            return LookupAnswer("No moves between clusters have been recorded yet.")
        lines = ["Moves between clusters, the most frequent first:"]
        for row in rows:
            origin, target = (f"{row[c]} ({names.get(row[c], '?')})" for c in ("from_cluster", "to_cluster"))
            share = f", {number(row['share'], 'share')} of them" if row.get("share") is not None else ""
            lines.append(f"  - from {origin} to {target}: {counted(row['users'], 'user')}{share}")
        tool = "moves_between_clusters", {"cluster": key}
        return LookupAnswer("\n".join(lines), [], ["from beha2vec.cluster_transitions"], tool)

    def _paths(self, key: int, overview: Overview) -> LookupAnswer:
        rows = self._data.table("cluster_paths", "cluster_key = ?", [key], "lift desc nulls last, users desc limit 12")
        if not rows:
            raise NotInData(f"no steps of cluster {key} are recorded")
        lines = [f"Steps that cluster {key} ({_one(overview, key).name}) takes more often than others:"]
        lines += [
            f"  - {number(row['share'], 'share')} of users (all users {number(row['population_share'], 'share')}): "
            f"{clean_text(str(row['from_step']))} -> {clean_text(str(row['to_step']))}"
            for row in rows
        ]
        source = f"from beha2vec.cluster_paths where cluster_key = {key}"
        return LookupAnswer("\n".join(lines), [], [source], ("paths_in_cluster", {"cluster": key}))

    def _before_buying(self) -> LookupAnswer:
        rows = self._data.table("buying_paths", "significant and lift > 1", [], "z desc limit 12")
        if not rows:
            return LookupAnswer(
                "Nothing was clearly more frequent before users became buyers.", statements=[_BUYING_SQL]
            )
        lines = ["More frequent before users became buyers than among matched users who did not:"]
        lines += [
            f"  - {number(row['movers_share'], 'share')} and {number(row['matched_share'], 'share')}: "
            f"{clean_text(str(row['kind'])).replace('_', ' ')} {clean_text(str(row['feature']))}"
            for row in rows
        ]
        lines += ["", "This is an association: it does not mean that doing so makes users buy."]
        return LookupAnswer("\n".join(lines), [], [_BUYING_SQL], ("before_buying", {}))

    def _facts_of(self, key: int, metrics: list[tuple[str, str | None]], overview: Overview) -> LookupAnswer:
        sheet = self._data.sheet(key)
        found = [fact for metric, feature in metrics for fact in of_metric(sheet, metric, feature)[:6]]
        if not found:
            raise NotInData(f"cluster {key} has no fact of this kind")
        lines = [f"Cluster {key} ({_one(overview, key).name}):", *map(fact_line, found)]
        return LookupAnswer("\n".join(lines), found)

    def _ranking(self, question: str, metrics: list[tuple[str, str | None]], overview: Overview) -> LookupAnswer:
        """Clusters by the metric; of a metric with features, the top features of each."""
        sheets = self._comparable()
        metric, feature = metrics[0]
        names = {cluster.key: cluster.name for cluster in overview.clusters}
        single = any(sheet.number(metric) for sheet in sheets.values()) or feature is not None
        if not single:
            shown = [(sheet, of_metric(sheet, metric, None)[:3]) for sheet in sheets.values()]
            if not any(found for _, found in shown):
                raise NotInData(f"there are no facts about {metric.replace('_', ' ')}")
            lines = [
                f"{_one(overview, s.cluster_key).name} (cluster {s.cluster_key}):\n" + "\n".join(map(fact_line, f))
                for s, f in shown
            ]
            return LookupAnswer("\n".join(lines), [fact for _, found in shown for fact in found])
        rows = [(s.cluster_key, found[0]) for s in sheets.values() if (found := of_metric(s, metric, feature))]
        return _ranked(rows, names, least=asks_least(question, metric))

    def _feature_ranking(self, question: str, overview: Overview) -> LookupAnswer:
        """Clusters by a page, theme, channel ... that the question names."""
        sheets = self._comparable()
        words = content_words(question)
        scored = [
            (len(hits(fact, words)), abs(fact.z or 0), fact)
            for s in sheets.values()
            for fact in s.facts
            if fact.feature
        ]
        best = max(scored, key=lambda item: item[:2], default=None)
        if not words or best is None or best[0] < 1:
            return LookupAnswer(f"I did not understand this.\n\n{CAN_DO}", understood=False)
        metric, feature = best[2].metric, best[2].feature
        rows = [
            (s.cluster_key, fact) for s in sheets.values() for fact in s.features(metric) if fact.feature == feature
        ]
        names = {cluster.key: cluster.name for cluster in overview.clusters}
        return _ranked(rows, names, least=asks_least(question, metric))

    def _comparable(self) -> dict[int, FactSheet]:
        """Facts of the clusters whose behaviour can be compared."""
        return {key: sheet for key, sheet in self._data.sheets().items() if key != TOO_LITTLE_EVIDENCE}

    def _words_of_facts(self, question: str, key: int) -> str:
        """Words of the question that facts of the cluster have; none where it asks for the cluster itself."""
        rest = CLUSTER.sub(" ", question)
        if PERSONA.search(rest):
            return ""
        sheet = self._data.sheet(key)
        return " ".join(word for word in content_words(rest) if any(hits(fact, [word]) for fact in sheet.facts))


def _with_key(question: str, overview: Overview) -> tuple[str, str]:
    """The question with the keys of the biggest and smallest cluster in place of these words, and which they are."""
    clusters = [cluster for cluster in overview.clusters if cluster.key != TOO_LITTLE_EVIDENCE]
    if not clusters or not _BIGGEST.search(question):
        return question, ""
    by_size = sorted(clusters, key=lambda cluster: cluster.users)
    keys = {word: by_size[0 if word == "smallest" else -1].key for word in map(str.lower, _BIGGEST.findall(question))}
    note = " ".join(f"The {word} cluster is cluster {key}." for word, key in keys.items())
    if few := sum(cluster.users for cluster in overview.clusters if cluster.key == TOO_LITTLE_EVIDENCE):
        note += f" The {counted(few, 'user')} with too few events (cluster {TOO_LITTLE_EVIDENCE}) are left out."
    return _BIGGEST.sub(lambda found: f"cluster {keys[found[1].lower()]}", question), note


def _refused(reading: Reading, problem: str = "") -> LookupAnswer:
    reading = replace(reading, query=None, problem=problem or reading.problem or "I did not understand the question.")
    return LookupAnswer(f"{not_answered(reading)}\n\n{CAN_DO}", understood=False, reading=reading)


def _ranked(rows: list[tuple[int, Fact]], names: dict[int, str], *, least: bool) -> LookupAnswer:
    if not rows:
        raise NotInData("there are no such facts")
    rows = sorted(rows, key=lambda row: row[1].value, reverse=not least)
    first = rows[0][1]
    what = statement(first.metric, first.shown_feature)
    lines = [f"All users: {first.shown_population} {what}. By cluster:"]
    for key, fact in rows:
        interval = ""
        if fact.interval_low is not None and fact.interval_high is not None:
            ends = number(fact.interval_low, fact.unit), number(fact.interval_high, fact.unit)
            interval = f" ({between(*ends)})"
        lines.append(f"  - cluster {key}, {names.get(key)}: {fact.shown_value}{interval}")
    if any(fact.interval_low is not None for _, fact in rows):
        lines.append("In brackets: 95 % intervals. Where they overlap, the order may be due to chance.")
    return LookupAnswer("\n".join(lines), [fact for _, fact in rows])


def _compared(overview: Overview) -> LookupAnswer:
    if not overview.compared:
        raise NotInData("there is no comparison of all clusters: materialize cluster_insights, or name two clusters")
    lines = [f"{title.replace('_', ' ').capitalize()}: {text}" for title, text in overview.compared.items()]
    return LookupAnswer("\n\n".join(lines), statements=["from beha2vec.cluster_insights where cluster_key is null"])


def _one(overview: Overview, key: int) -> Cluster:
    for cluster in overview.clusters:
        if cluster.key == key:
            return cluster
    keys = ", ".join(str(cluster.key) for cluster in sorted(overview.clusters, key=lambda c: c.key))
    raise NotInData(f"there is no cluster {key}; there are {keys}")
