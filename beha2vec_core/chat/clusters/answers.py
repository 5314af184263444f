"""Answers from clusters, facts, funnels of clusters, paths and predictions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from beha2vec_core.chat.answers.answer import MORE, LookupAnswer
from beha2vec_core.chat.clusters import questions
from beha2vec_core.chat.clusters.facts import MAIN, differences, most_telling, of_metric, search_facts
from beha2vec_core.chat.clusters.predictions import PredictionAnswers
from beha2vec_core.chat.clusters.text import (
    cluster_line,
    count_lines,
    fact_line,
    funnel_text,
)
from beha2vec_core.chat.data.database import NotInData
from beha2vec_core.chat.data.funnels import FUNNEL_SQL
from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Cluster, Fact, FactSheet, Overview, Published
from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.insights.wording import statement
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.words import between, counted, listed, number

_OF_FACTS = (
    rf"{questions.SUPERLATIVE.pattern}|why|not|reads?|favou?rite|main|popular|typical\w*|usual\w*|prefer\w*|likes?|"
    r"average|mean"
)
_OF_RANKINGS = (
    questions.SUPERLATIVE.pattern,
    r"reads?|reading|about|views?|interest\w*|prefers?|likes?|visits?|pages?|meets?",
)
_HEADINGS = {"interpretation": "The model's reading of these facts"}


class ClusterAnswers(PredictionAnswers):
    """Answers from the published database that are about clusters and known users."""

    def __init__(self, published: Published, aliases: Aliases) -> None:
        """Read nothing yet."""
        super().__init__(published)
        self._aliases = aliases

    def answer(self, question: str, keys: list[int], overview: Overview) -> LookupAnswer:
        """Answers from clusters, facts, funnels, paths and predictions; of which every word has to be known."""
        # "apparel buyers" names a cluster, and asks for no purchases
        unnamed = questions.without_names(question, overview)
        metrics = questions.metrics_named(unnamed)
        found: Callable[[], LookupAnswer]
        if questions.SIMILAR.search(question):
            return self._similar(question, overview)
        if questions.PREDICTED.search(question) and (target := questions.target_asked(unnamed, self._data.predicted())):
            return self.predictions(target, question, keys, overview)
        known, counts = questions.words_of(metrics), True
        if len(keys) >= 2 and (questions.COMPARE.search(question) or " than " in question or not metrics):
            found = partial(self.compare, keys[0], keys[1])
            known = questions.OF_COMPARISONS
        elif questions.FUNNEL.search(question):
            found, known = partial(self._funnel, keys, overview), questions.OF_FUNNELS
        elif questions.COMPARE.search(question) and not keys and not metrics:
            found, known = partial(_compared, overview), questions.OF_COMPARISONS
        elif questions.BEFORE.search(question):
            return self.before_buying(unnamed)
        elif keys and questions.PATHS.search(question) and not questions.NEXT.search(question):
            found, known, counts = partial(self._paths, keys[0], overview), questions.OF_PATHS, False
        elif questions.MOVES.search(question):
            found, known = partial(self._moves, keys[0] if keys else None, overview), questions.OF_MOVES
        elif len(keys) > 1:
            return LookupAnswer("I can describe one cluster or compare two.", understood=False)
        elif keys:
            found, known = self._of_one(question, unnamed, keys[0], metrics, overview)
        else:
            specific = [metric for metric in metrics if metric[0] not in ("users", "user_share")]
            if specific or (metrics and questions.SUPERLATIVE.search(question)):
                chosen = specific or metrics
                found = partial(self._ranking, question, chosen, overview)
                known = rf"{questions.words_of(chosen[:1])}|{'|'.join(_OF_RANKINGS)}|best|worst|never|rates?|shares?"
            elif re.search(r"\bclusters?\b.*\bmost\b|\bwhich cluster\b", question, re.IGNORECASE):
                return self._feature_ranking(question, overview)
            elif metrics or questions.LIST.search(question):
                found, known = self.clusters, rf"{known}|{questions.OF_LISTS}"
            else:
                return LookupAnswer(f"I did not understand this.\n\n{MORE}", understood=False)
        return _unless_left_over(questions.left_over(unnamed, known, counts=counts)) or found()

    def _of_one(
        self, question: str, unnamed: str, key: int, metrics: list[tuple[str, str | None]], overview: Overview
    ) -> tuple[Callable[[], LookupAnswer], str]:
        """What is asked of one cluster, and the words that it knows."""
        asks_size = re.search(r"\bhow (?:many|big|large)\b|\bsize\b", question, re.IGNORECASE)
        wanted = [m for m in metrics if asks_size or m[0] not in ("users", "user_share")]
        is_advice = re.search(r"\b(?:should|recommend)", question, re.IGNORECASE)
        if wanted and not is_advice and not re.search(r"\bpersona\b", question, re.IGNORECASE):
            return partial(self._facts_of, key, wanted, overview), rf"{questions.words_of(metrics)}|{_OF_FACTS}"
        if questions.NEXT.search(question):
            return partial(self._actions, key), questions.OF_ACTIONS
        words = questions.left_over(unnamed, questions.OF_PERSONAS, questions.words_of(metrics))
        known = [word for word in words if any(questions.hits(fact, [word]) for fact in self._data.sheet(key).facts)]
        if known:
            return partial(self.facts, key, " ".join(known)), "|".join([questions.OF_PERSONAS, *map(re.escape, known)])
        return partial(self.cluster, key), rf"{questions.OF_PERSONAS}|{questions.words_of(metrics)}"

    def clusters(self, *, with_steps: bool = False) -> LookupAnswer:
        """All clusters: key, name, users, share; ``with_steps``: also what is lost on the way from events to them."""
        overview = self._data.overview()
        lines = [f"{overview.in_words}:"]
        lines += [cluster_line(cluster) for cluster in overview.clusters]
        totals, steps = self._data.how_many()
        lines += ["", *count_lines(totals, steps if with_steps else ())]
        sheets = self._data.sheets()
        facts = [fact for c in overview.clusters if c.key in sheets and (fact := sheets[c.key].number("users"))]
        return LookupAnswer("\n".join(lines), facts, lists_clusters=True)

    def cluster(self, key: int) -> LookupAnswer:
        """What is written about a cluster, and its main facts."""
        cluster = one_of(self._data.overview(), key)
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
        return LookupAnswer("\n".join(lines), list(dict.fromkeys([*main, *telling, *cited])), cluster=key)

    def _actions(self, key: int) -> LookupAnswer:
        cluster, sheet = one_of(self._data.overview(), key), self._data.sheet(key)
        if not cluster.actions:
            raise NotInData(f"cluster {key} has no recommendations: materialize cluster_insights")
        lines = [f"Cluster {key} ({cluster.name}), next steps:", *(f"  - {action}" for action in cluster.actions)]
        return LookupAnswer(
            "\n".join(lines),
            [sheet.by_id[fact_id] for fact_id in cluster.evidence if fact_id in sheet.by_id],
            cluster=key,
        )

    def facts(self, key: int, words: str = "", *, limit: int = 12) -> LookupAnswer:
        """Facts of a cluster, those with the words first; without words, the most telling."""
        sheet = self._data.sheet(key)
        found = (
            search_facts(sheet, words)
            if words
            else [*(f for m in MAIN if (f := sheet.number(m))), *most_telling(sheet, limit)]
        )
        if not found:
            return LookupAnswer(f"No fact of cluster {key} matches “{words}”.")
        head = f"Facts of cluster {key}" + (f" with “{words}”:" if words else ", the most distinctive:")
        more = [f"  ... and {len(found) - limit} more: narrow it down"] if words and len(found) > limit else []
        return LookupAnswer("\n".join([head, *map(fact_line, found[:limit]), *more]), found[:limit], cluster=key)

    def compare(self, first: int, second: int, *, limit: int = 12) -> LookupAnswer:
        """The facts in which two clusters differ most."""
        overview = self._data.overview()
        one, two = one_of(overview, first), one_of(overview, second)
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

    def _similar(self, question: str, overview: Overview) -> LookupAnswer:
        words = re.findall(r"[\w.@+-]+", question)
        found = None
        for word in sorted(words, key=len, reverse=True)[:8]:
            if (
                len(word.strip(".")) >= 2
                and word.lower() not in questions.EMPTY_WORDS
                and (found := self._aliases.key(word.strip(".")))
            ):
                break
        if found is None:
            return LookupAnswer(
                "The question names no known user: give a user_key, a device id (user_pseudo_id) or a login id "
                "(user_id) of the published database."
            )
        own = self._data.cluster_of(found)
        lines = [f"User {found}" + (f" is in cluster {own[0]} ({overview.names.get(own[0])})." if own else ".")]
        if likely := self._data.likely_cluster_of(found):
            name = overview.names.get(likely[0])
            lines += [f"Likely, not certain: cluster {likely[0]} ({name}), with probability {likely[1]:.2f}."]
        lines += ["Most similar by identity vector (1 = identical):"]
        for other in self._data.similar_users(found):
            key = other.cluster_key
            where = "" if key is None else f"cluster {key} ({overview.names.get(key)})"
            lines.append(f"  - {other.similarity:.2f}  {other.user_key}  {where}")
        source = "select * from beha2vec.user_embeddings_current -- cosine of the column identity"
        return LookupAnswer("\n".join(lines), [], [source], ("similar_users", {"user": self._aliases.of(found)}))

    def _funnel(self, keys: list[int], overview: Overview) -> LookupAnswer:
        funnels = [
            funnel
            for funnel in self._data.funnels()
            if (funnel.cluster_key in keys if keys else funnel.cluster_key != TOO_LITTLE_EVIDENCE)
        ]
        if not funnels:
            raise NotInData("no session of this cluster has a funnel step")
        text = funnel_text(funnels, overview.names, self._data.checkout_exits)
        if not keys and TOO_LITTLE_EVIDENCE in overview.names:
            text += "\n\nUsers with too few events are left out."
        return LookupAnswer(text, [], [FUNNEL_SQL], ("checkout_funnel", {}))

    def _moves(self, key: int | None, overview: Overview) -> LookupAnswer:
        where, parameters = ("from_cluster = ? or to_cluster = ?", [key, key]) if key is not None else ("true", [])
        rows = self._data.table(
            "cluster_transitions", f"({where}) and from_cluster <> to_cluster", list(parameters), "users desc limit 12"
        )
        if not rows:
            return LookupAnswer("No moves between clusters have been recorded yet.")
        lines = ["Moves between clusters, the most frequent first:"]
        for row in rows:
            origin, target = (f"{row[c]} ({overview.names.get(row[c], '?')})" for c in ("from_cluster", "to_cluster"))
            share = f", {number(row['share'], 'share')} of them" if row.get("share") is not None else ""
            lines.append(f"  - from {origin} to {target}: {counted(row['users'], 'user')}{share}")
        tool = "moves_between_clusters", {"cluster": key}
        return LookupAnswer("\n".join(lines), [], ["from beha2vec.cluster_transitions"], tool)

    def _paths(self, key: int, overview: Overview) -> LookupAnswer:
        rows = self._data.table("cluster_paths", "cluster_key = ?", [key], "lift desc nulls last, users desc limit 12")
        if not rows:
            raise NotInData(f"no steps of cluster {key} are recorded")
        lines = [f"Steps that cluster {key} ({one_of(overview, key).name}) takes more often than others:"]
        lines += [
            f"  - {number(row['share'], 'share')} of users (all users {number(row['population_share'], 'share')}): "
            f"{clean_text(str(row['from_step']))} -> {clean_text(str(row['to_step']))}"
            for row in rows
        ]
        source = f"from beha2vec.cluster_paths where cluster_key = {key}"
        return LookupAnswer("\n".join(lines), [], [source], ("paths_in_cluster", {"cluster": key}))

    def before_buying(self, question: str = "") -> LookupAnswer:
        """What was more frequent before users became buyers than among others."""
        left = questions.left_over(question, questions.OF_BUYING, counts=False)
        if not questions.asks_before_buying(question) and (unknown := _unless_left_over(left)):
            return unknown
        every = "significant and lift > 1"
        wheres = [f"{every} and kind <> 'event'", every] if re.search(r"(?i)\bpages?\b", question) else [every]
        for where in wheres:  # where no page is, what else they did
            source = f"from beha2vec.buying_paths where {where} order by z desc"
            if rows := self._data.table("buying_paths", where, [], "z desc limit 12"):
                break
        if not rows and not self._data.table("buying_paths", "true", [], "z limit 1"):
            raise NotInData(
                "what users did before they became buyers was not measured, as too few users became buyers, or "
                "cluster_profiles was not materialized"
            )
        if not rows:
            return LookupAnswer("Nothing was clearly more frequent before users became buyers.", statements=[source])
        lines = ["More frequent before users became buyers than among matched users who did not:"]
        lines += [
            f"  - {number(row['movers_share'], 'share')} and {number(row['matched_share'], 'share')}: "
            f"{clean_text(str(row['kind'])).replace('_', ' ')} {clean_text(str(row['feature']))}"
            for row in rows
        ]
        lines += ["", "This is an association: it does not mean that doing so makes users buy."]
        if re.search(r"(?i)\b(?:right|just|immediately|directly|straight) before\b", question):
            lines += ["They did so at some time before, not only right before."]
        return LookupAnswer("\n".join(lines), [], [source], ("before_buying", {}))

    def _facts_of(self, key: int, metrics: list[tuple[str, str | None]], overview: Overview) -> LookupAnswer:
        sheet = self._data.sheet(key)
        found = [fact for metric, feature in metrics for fact in of_metric(sheet, metric, feature)[:6]]
        if not found:
            raise NotInData(f"cluster {key} has no fact of this kind")
        lines = [f"Cluster {key} ({one_of(overview, key).name}):", *map(fact_line, found)]
        return LookupAnswer("\n".join(lines), found, cluster=key)

    def _ranking(self, question: str, metrics: list[tuple[str, str | None]], overview: Overview) -> LookupAnswer:
        """Clusters by the metric; of a metric with features, the top features of each."""
        sheets = self._comparable()
        metric, feature = metrics[0]
        single = any(sheet.number(metric) for sheet in sheets.values()) or feature is not None
        if not single:
            shown = [(sheet, of_metric(sheet, metric, None)[:3]) for sheet in sheets.values()]
            if not any(found for _, found in shown):
                raise NotInData(f"there are no facts about {metric.replace('_', ' ')}")
            lines = [
                f"{one_of(overview, s.cluster_key).name} (cluster {s.cluster_key}):\n" + "\n".join(map(fact_line, f))
                for s, f in shown
            ]
            return LookupAnswer("\n".join(lines), [fact for _, found in shown for fact in found])
        rows = [(s.cluster_key, found[0]) for s in sheets.values() if (found := of_metric(s, metric, feature))]
        return _ranked(rows, overview.names, least=questions.asks_least(question, metric))

    def _feature_ranking(self, question: str, overview: Overview) -> LookupAnswer:
        """Clusters by a page, theme, channel ... that the question names."""
        sheets = self._comparable()
        words = questions.content_words(question)
        scored = [
            (len(questions.hits(fact, words)), abs(fact.z or 0), fact)
            for s in sheets.values()
            for fact in s.facts
            if fact.feature
        ]
        best = max(scored, key=lambda item: item[:2], default=None)
        if best and (
            unknown := _unless_left_over(questions.left_over(question, *questions.hits(best[2], words), *_OF_RANKINGS))
        ):
            return unknown
        if not words or best is None or best[0] < 1:
            return LookupAnswer(f"I did not understand this.\n\n{MORE}", understood=False)
        metric, feature = best[2].metric, best[2].feature
        rows = [
            (s.cluster_key, fact) for s in sheets.values() for fact in s.features(metric) if fact.feature == feature
        ]
        return _ranked(rows, overview.names, least=questions.asks_least(question, metric))

    def _comparable(self) -> dict[int, FactSheet]:
        """Facts of the clusters whose behavior can be compared."""
        return {key: sheet for key, sheet in self._data.sheets().items() if key != TOO_LITTLE_EVIDENCE}


def _unless_left_over(words: list[str]) -> LookupAnswer | None:
    """That words were not understood; None where there are none."""
    if not words:
        return None
    named = listed([f"“{clean_text(word, limit=40)}”" for word in dict.fromkeys(words[:8])])
    return LookupAnswer(f"I did not understand {named}, and I do not want to guess.", understood=False)


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
        lines.append("In brackets: 95% intervals. Where they overlap, the ranking may be due to chance.")
    return LookupAnswer("\n".join(lines), [fact for _, fact in rows], cluster=rows[0][0])


def _compared(overview: Overview) -> LookupAnswer:
    if not overview.compared:
        raise NotInData("there is no comparison of all clusters: materialize cluster_insights, or name two clusters")
    lines = [f"{title.replace('_', ' ').capitalize()}: {text}" for title, text in overview.compared.items()]
    return LookupAnswer("\n\n".join(lines), statements=["from beha2vec.cluster_insights where cluster_key is null"])


def one_of(overview: Overview, key: int) -> Cluster:
    """The cluster with this key."""
    for cluster in overview.clusters:
        if cluster.key == key:
            return cluster
    keys = ", ".join(str(cluster.key) for cluster in sorted(overview.clusters, key=lambda c: c.key))
    raise NotInData(f"there is no cluster {key}; there are {keys}")
