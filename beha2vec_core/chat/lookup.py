"""Answers without a language model: a question's words are looked up among clusters, metrics and facts.

It answers what it understands and says what it does not; it never guesses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from beha2vec_core.chat.privacy import Aliases
from beha2vec_core.chat.published import (
    FUNNEL_SQL,
    Cluster,
    Fact,
    FactSheet,
    Funnel,
    NotInData,
    Overview,
    Published,
)
from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.insights.wording import number, statement
from beha2vec_core.profiles.text import clean_text

CAN_DO = """Without a language model I look things up. You can ask
  which clusters are there?                     who they are, how many
  build a persona for cluster 0                 what is written about it, and its main facts
  compare 1 and 4                               the facts that differ most
  which cluster buys most? / uses mobile most?  clusters by purchases, errors, devices, channels, pages ...
  which cluster leaks at checkout, and where?   how far each gets in buying
  errors in cluster 3                           facts of one cluster by their words
  where do users of cluster 2 move?             moves between clusters
  which paths does cluster 2 take?              steps that are more frequent than elsewhere
  what do users do before they buy?             beside matched users who did not
  who resembles user <user_key>?                the nearest users
  /sql select ...                               anything else, in SQL"""

_KEYS = r"(-?\d+)"
_CLUSTER = re.compile(rf"\bcluster\s*#?\s*{_KEYS}", re.IGNORECASE)
_TWO = re.compile(
    rf"(?:\bclusters?\s*#?\s*)?{_KEYS}\s*(?:and|with|to|vs\.?|versus|against|or|,|&)\s*(?:cluster\s*#?\s*)?{_KEYS}(?!\d)",
    re.IGNORECASE,
)
_COMPARE = re.compile(r"\b(compare|comparison|differ\w*|vs\.?|versus|against)\b", re.IGNORECASE)
_FUNNEL = re.compile(
    r"\b(leak\w*|checkouts?|funnel|abandon\w*|drop\w*|(?:lose|lost) (?:at|in|before))\b", re.IGNORECASE
)
_SIMILAR = re.compile(r"\b(resembl\w*|similar|look-?alikes?|like user|nearest|closest)\b", re.IGNORECASE)
_MOVES = re.compile(r"\b(move\w*|transition\w*|migrat\w*|flow\w*|becomes?|became)\b", re.IGNORECASE)
_PATHS = re.compile(r"\b(paths?|steps?|journeys?|walk)\b", re.IGNORECASE)
_BEFORE = re.compile(
    r"\b(before|lead\w* to|precede\w*|on the way to)\b.*\b(buy\w*|purchas\w*|order\w*|active)\b", re.IGNORECASE
)
_LIST = re.compile(
    r"\bclusters\b|\b(overview|summary|everything)\b|\bwhich (groups|clusters)\b|\bwho are (our|the|my)\b",
    re.IGNORECASE,
)
_LEAST = re.compile(r"\b(least|fewest|lowest|smallest|worst|less|never)\b", re.IGNORECASE)
_SUPERLATIVE = re.compile(r"\b(most|least|\w+est)\b", re.IGNORECASE)
_NEXT = re.compile(r"\b(should|next|actions?|recommend\w*|advi[cs]e|ideas?)\b", re.IGNORECASE)
_PERSONA = re.compile(
    r"\b(persona|describe|who|tell|about|profile|what (is|are)|explain|summar\w*|show|build)\b", re.IGNORECASE
)
# words of a question: (metric, feature or None for any)
_METRICS: tuple[tuple[str, tuple[str, ...], str | None], ...] = (
    (r"buy\w*|bought|purchas\w*|convert\w*|conver\w*|orders?|customers?", ("purchase_rate", "revenue_mean"), None),
    (r"revenue|spend\w*|spent|money|value", ("revenue_mean", "purchase_rate"), None),
    (
        r"return(?!s)\w*|come back|came back|comes back|loyal\w*|retention|again",
        ("return_share", "sessions_mean"),
        None,
    ),
    (r"errors?|broken|404|technical|problems?", ("error_page_user_share", "error_page_share"), None),
    (r"mobile|phones?|smartphones?", ("device_share",), "mobile"),
    (r"desktop|computers?", ("device_share",), "desktop"),
    (r"tablets?", ("device_share",), "tablet"),
    (r"devices?", ("device_share",), None),
    (r"browsers?", ("browser_share",), None),
    (r"countr\w*|geograph\w*|where from|live", ("country_share",), None),
    (
        r"channels?|sources?|traffic|com(?:e|es|ing) from|came from|campaigns?|acqui\w*|arriv\w*|referr\w*",
        ("channel_share", "direct_share"),
        None,
    ),
    (r"direct\w*", ("direct_share",), None),
    (r"land\w*|entrance\w*|entry", ("landing_page_share",), None),
    (r"page types?", ("page_type_view_share", "page_type_share"), None),
    (r"themes?|topics?|interest\w*|products?|categor\w*", ("theme_view_share", "theme_share"), None),
    (r"churn\w*|leav(?:e|es|ing)|stay(?:s|ed)? away", ("churn_rate", "recency_median"), None),
    (r"hours?|time of (?:the )?day|mornings?|evenings?|nights?", ("hour_block_share",), None),
    (r"events?|actions?", ("event_share",), None),
    (r"items?", ("item_viewed_share", "item_category_share"), None),
    (r"engage\w*|time|seconds|minutes|long", ("engagement_time_mean", "no_engagement_share"), None),
    (r"bounc\w*|one page|single page", ("one_page_share",), None),
    (r"sessions?|visits?", ("sessions_mean",), None),
    (r"page views?|views?|active|activity", ("page_views_mean", "page_views_median"), None),
    (r"pages?|urls?", ("page_share",), None),
    (r"big\w*|large\w*|size\w*|small\w*|users|many|share", ("users", "user_share"), None),
)
_NO_CONTENT = """
    the a an of in on at for to and or is are was were do does did which who what where when how cluster
    clusters most least more less than with by from user users show me tell about many much their they it its
    this that compare give list all get my our us we i any there
"""
_EMPTY_WORDS = frozenset(_NO_CONTENT.split())
_BUYING_SQL = "from beha2vec.buying_paths where significant and lift > 1 order by z desc"
_OF_ONE_METRIC = 3
_ENOUGH = 20
_MAIN = ("users", "purchase_rate", "return_share", "page_views_mean", "sessions_mean")


@dataclass(frozen=True)
class LookupAnswer:
    """Text for the person, and where it comes from."""

    text: str
    facts: list[Fact] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    understood: bool = True


class Lookup:
    """Answers from the published database."""

    def __init__(self, published: Published, aliases: Aliases) -> None:
        """Read nothing yet."""
        self._data = published
        self._aliases = aliases

    def ask(self, question: str) -> LookupAnswer:
        """The answer, or what can be asked; what the data lacks is said."""
        try:
            return self._ask(question)
        except NotInData as error:
            return LookupAnswer(f"Your data cannot answer this: {error}.")

    def _ask(self, question: str) -> LookupAnswer:
        overview = self._data.overview()
        keys = self._clusters_named(question, overview)
        # "apparel buyers" names a cluster, and asks for no purchases
        metrics = _metrics_named(_without_names(question, overview))
        if _SIMILAR.search(question):
            return self._similar(question, overview)
        if len(keys) >= 2 and (_COMPARE.search(question) or not metrics):
            return self.compare(keys[0], keys[1])
        if _FUNNEL.search(question):
            return self._funnel(keys, overview)
        if _COMPARE.search(question) and not keys and not metrics:
            return _compared(overview)
        if _BEFORE.search(question):
            return self._before_buying()
        if keys and _PATHS.search(question):
            return self._paths(keys[0], overview)
        if _MOVES.search(question):
            return self._moves(keys[0] if keys else None, overview)
        if keys:
            asks_size = re.search(r"\bhow (?:many|big|large)\b|\bsize\b", question, re.IGNORECASE)
            wanted = [m for m in metrics if asks_size or m[0] not in ("users", "user_share")]
            if wanted and not re.search(r"\bpersona\b", question, re.IGNORECASE):
                return self._facts_of(keys[0], wanted, overview)
            if _NEXT.search(question):
                return self._actions(keys[0])
            if words := self._words_of_facts(question, keys[0]):
                return self.facts(keys[0], words)
            return self.cluster(keys[0])
        told = [metric for metric in metrics if metric[0] not in ("users", "user_share")]
        if told or (metrics and _SUPERLATIVE.search(question)):
            return self._ranking(question, told or metrics, overview)
        if re.search(r"\bclusters?\b.*\bmost\b|\bwhich cluster\b", question, re.IGNORECASE):
            return self._feature_ranking(question, overview)
        if metrics or _LIST.search(question):
            return self.clusters()
        return LookupAnswer(f"I did not understand this.\n\n{CAN_DO}", understood=False)

    def clusters(self) -> LookupAnswer:
        """All clusters: key, name, users, share."""
        overview = self._data.overview()
        lines = [f"{overview.users:,} users in {len(overview.clusters)} clusters, data until {overview.until}:"]
        lines += [cluster_line(cluster) for cluster in overview.clusters]
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
            lines += ["", f"{title.capitalize()}: {text}"]
        if cluster.actions:
            lines += ["", "To do next:", *(f"  - {action}" for action in cluster.actions)]
        main = [fact for metric in _MAIN if (fact := sheet.number(metric))]
        telling = _most_telling(sheet, 6)
        lines += ["", "Main facts:", *(fact_line(fact) for fact in [*main, *telling])]
        cited = [sheet.by_id[fact_id] for fact_id in cluster.evidence if fact_id in sheet.by_id]
        return LookupAnswer("\n".join(lines), list(dict.fromkeys([*main, *telling, *cited])))

    def _actions(self, key: int) -> LookupAnswer:
        cluster, sheet = _one(self._data.overview(), key), self._data.sheet(key)
        if not cluster.actions:
            raise NotInData(f"nothing is recommended for cluster {key}: materialize cluster_insights")
        lines = [f"Cluster {key} ({cluster.name}), to do next:", *(f"  - {action}" for action in cluster.actions)]
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
                *(f for m in _MAIN if (f := sheet.number(m))),
                *_most_telling(sheet, limit),
            ]
        )
        if not found:
            return LookupAnswer(f"No fact of cluster {key} has the words “{words}”.")
        head = f"Facts of cluster {key}" + (f" with “{words}”:" if words else ", the most telling:")
        more = [f"  ... and {len(found) - limit} more: give more words"] if words and len(found) > limit else []
        return LookupAnswer("\n".join([head, *map(fact_line, found[:limit]), *more]), found[:limit])

    def compare(self, first: int, second: int, *, limit: int = 12) -> LookupAnswer:
        """The facts in which two clusters differ most."""
        overview = self._data.overview()
        one, two = _one(overview, first), _one(overview, second)
        if TOO_LITTLE_EVIDENCE in (first, second):
            raise NotInData(
                f"users of cluster {TOO_LITTLE_EVIDENCE} left too few events to compare their behaviour with others'"
            )
        pairs = differences(self._data.sheet(first), self._data.sheet(second))[:limit]
        lines = [f"Cluster {first} ({one.name}, {one.users:,} users) and cluster {second} ({two.name}, {two.users:,}):"]
        for a, b in pairs:
            words = statement(a.metric, a.shown_feature)
            lines.append(f"  {a.shown_value:>7} and {b.shown_value:>7}  {words} (all users {a.shown_population})")
        if not pairs:
            lines.append("  no fact differs by more than chance")
        lines += ["", "Differences are larger than chance gives; they say nothing of causes."] if pairs else []
        return LookupAnswer("\n".join(lines), [fact for pair in pairs for fact in pair])

    def _clusters_named(self, question: str, overview: Overview) -> list[int]:
        """Keys of the clusters in the question: by number, or by name."""
        keys: list[int] = []
        if _COMPARE.search(question) or re.search(r"\bclusters\b", question, re.IGNORECASE):
            keys += [int(key) for pair in _TWO.findall(question) for key in pair]
        keys += [int(key) for key in _CLUSTER.findall(question)]
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
                and word.lower() not in _EMPTY_WORDS
                and (found := self._aliases.key(word.strip(".")))
            ):
                break
        if found is None:
            return LookupAnswer(
                "I know no user of the question: give a user_key, a device id (user_pseudo_id) or a login id (user_id) "
                "of the published database."
            )
        names = {cluster.key: cluster.name for cluster in overview.clusters}
        own = self._data.cluster_of(found)
        lines = [f"User {found}" + (f" is in cluster {own[0]} ({names.get(own[0])})." if own else ".")]
        lines += ["Most alike by identity vector (1 is the same):"]
        for other in self._data.similar_users(found):
            where = (
                f"cluster {other.cluster_key} ({names.get(other.cluster_key)})" if other.cluster_key is not None else ""
            )
            lines.append(f"  {other.similarity:5.2f}  {other.user_key}  {where}")
        source = "select * from beha2vec.user_embeddings_current -- cosine of the column identity"
        return LookupAnswer("\n".join(lines), statements=[source])

    def _funnel(self, keys: list[int], overview: Overview) -> LookupAnswer:
        funnels = [
            funnel
            for funnel in self._data.funnels()
            if (funnel.cluster_key in keys if keys else funnel.cluster_key != TOO_LITTLE_EVIDENCE)
        ]
        names = {cluster.key: cluster.name for cluster in overview.clusters}
        if not funnels:
            raise NotInData("no session of this cluster has a step of buying")
        return LookupAnswer(funnel_text(funnels, names, self._data.checkout_exits), statements=[FUNNEL_SQL])

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
            share = f", {row['share']:.1%} of them" if row.get("share") is not None else ""
            lines.append(f"  from {origin} to {target}: {row['users']:,} users{share}")
        return LookupAnswer("\n".join(lines), statements=["from beha2vec.cluster_transitions"])

    def _paths(self, key: int, overview: Overview) -> LookupAnswer:
        rows = self._data.table("cluster_paths", "cluster_key = ?", [key], "lift desc nulls last, users desc limit 12")
        if not rows:
            raise NotInData(f"no steps of cluster {key} are recorded")
        lines = [f"Steps that cluster {key} ({_one(overview, key).name}) takes more than others:"]
        lines += [
            f"  {number(row['share'], 'share'):>6} of users (all users {number(row['population_share'], 'share')}): "
            f"{clean_text(str(row['from_step']))} -> {clean_text(str(row['to_step']))}"
            for row in rows
        ]
        return LookupAnswer("\n".join(lines), statements=[f"from beha2vec.cluster_paths where cluster_key = {key}"])

    def _before_buying(self) -> LookupAnswer:
        rows = self._data.table("buying_paths", "significant and lift > 1", [], "z desc limit 12")
        if not rows:
            return LookupAnswer(
                "Nothing was clearly more frequent before users became buyers.", statements=[_BUYING_SQL]
            )
        lines = ["More frequent before users became buyers than among matched users who did not:"]
        lines += [
            f"  {number(row['movers_share'], 'share'):>6} and {number(row['matched_share'], 'share'):>6}  "
            f"{clean_text(str(row['kind'])).replace('_', ' ')} {clean_text(str(row['feature']))}"
            for row in rows
        ]
        lines += ["", "This is association: it does not say that doing so makes anybody buy."]
        return LookupAnswer("\n".join(lines), statements=[_BUYING_SQL])

    def _facts_of(self, key: int, metrics: list[tuple[str, str | None]], overview: Overview) -> LookupAnswer:
        sheet = self._data.sheet(key)
        found = [fact for metric, feature in metrics for fact in _of_metric(sheet, metric, feature)[:6]]
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
            shown = [(sheet, _of_metric(sheet, metric, None)[:3]) for sheet in sheets.values()]
            if not any(found for _, found in shown):
                raise NotInData(f"there are no facts of {metric.replace('_', ' ')}")
            lines = [
                f"{_one(overview, s.cluster_key).name} (cluster {s.cluster_key}):\n" + "\n".join(map(fact_line, f))
                for s, f in shown
            ]
            return LookupAnswer("\n".join(lines), [fact for _, found in shown for fact in found])
        rows = [(s.cluster_key, found[0]) for s in sheets.values() if (found := _of_metric(s, metric, feature))]
        return _ranked(rows, names, least=bool(_LEAST.search(question)))

    def _feature_ranking(self, question: str, overview: Overview) -> LookupAnswer:
        """Clusters by a page, theme, channel ... that the question names."""
        sheets = self._comparable()
        words = _words(question)
        scored = [
            (len(_hits(fact, words)), abs(fact.z or 0), fact)
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
        return _ranked(rows, names, least=bool(_LEAST.search(question)))

    def _comparable(self) -> dict[int, FactSheet]:
        """Facts of the clusters whose behaviour can be compared."""
        return {key: sheet for key, sheet in self._data.sheets().items() if key != TOO_LITTLE_EVIDENCE}

    def _words_of_facts(self, question: str, key: int) -> str:
        """Words of the question that facts of the cluster have; none where it asks for the cluster itself."""
        rest = _CLUSTER.sub(" ", question)
        if _PERSONA.search(rest):
            return ""
        sheet = self._data.sheet(key)
        return " ".join(word for word in _words(rest) if any(_hits(fact, [word]) for fact in sheet.facts))


def cluster_line(cluster: Cluster) -> str:
    """One line: key, name, users, share."""
    return f"  {cluster.key:>3}  {cluster.name:<34} {cluster.users:>9,} users  {cluster.share:6.1%}"


def fact_line(fact: Fact) -> str:
    """One line: what the fact says, and how sure a difference is."""
    return f"  - {fact.sentence}{'; may be chance' if is_sure(fact) is False else ''}"


def is_sure(fact: Fact) -> bool | None:
    """Whether the difference to other users is beyond chance; None where that was not tested."""
    if fact.significant is not None:
        return fact.significant
    return None if fact.z is None else abs(fact.z) >= 3


def funnel_text(
    funnels: list[Funnel],
    names: dict[int, str],
    exits: Callable[[int], list[tuple[str, int, int]]],
    *,
    enough: int = _ENOUGH,
) -> str:
    """Where sessions stop on the way to an order, clusters with enough checkouts first, the leakiest on top."""
    judged = sorted((f for f in funnels if f.checkouts >= enough), key=lambda f: -(f.lost or 0))
    few = [f for f in funnels if f not in judged]
    lines: list[str] = []
    if judged:
        worst = judged[0]
        low, high = worst.interval or (0.0, 1.0)
        lines.append(
            f"Checkout leaks most in cluster {worst.cluster_key} ({names.get(worst.cluster_key)}): of "
            f"{worst.checkouts:,} sessions that began checkout, {number(worst.lost or 0, 'share')} ended without an "
            f"order (95 % interval {number(low, 'share')} to {number(high, 'share')})."
        )
        others = [f for f in judged[1:] if f.interval and f.interval[1] > low]
        if others:
            close = ", ".join(
                f"cluster {f.cluster_key} ({number(f.lost or 0, 'share')} of {f.checkouts:,})" for f in others
            )
            lines.append(f"The intervals overlap, so the order may be chance: {close}.")
        if places := [place for place in exits(worst.cluster_key) if place[1] > 1]:
            lines.append("Most of these sessions ended on:")
            lines += [f"  - {page}: {sessions:,} sessions" for page, sessions, _ in places[:4]]
    elif len(funnels) > 1:
        lines.append(f"No cluster has {enough} sessions that began checkout: too few to say which leaks.")
    lines += ["", "Sessions that came to each step, and the share that went on from there:"]
    for funnel in [*judged, *sorted(few, key=lambda f: -f.checkouts)]:
        steps = " -> ".join(
            f"{step.name} {step.sessions:,}" + (f" ({number(1 - step.lost, 'share')})" if step.lost is not None else "")
            for step in funnel.steps
        )
        note = f"; fewer than {enough} checkouts, too few to judge" if funnel in few else ""
        lines.append(f"  cluster {funnel.cluster_key} ({names.get(funnel.cluster_key)}): {steps}{note}")
    return "\n".join(lines).strip()


def search_facts(sheet: FactSheet, words: str) -> list[Fact]:
    """Facts with the words, those with most of them first, then the surest."""
    wanted = _words(words) or [words.lower()]
    metrics = {metric for metric, _ in _metrics_named(words)}
    scored = [
        (len(_hits(fact, wanted)) + (fact.metric in metrics and fact.feature is None), abs(fact.z or 0), fact)
        for fact in sheet.facts
    ]
    return [fact for score, _, fact in sorted(scored, key=lambda item: (-item[0], -item[1])) if score]


def differences(first: FactSheet, second: FactSheet) -> list[tuple[Fact, Fact]]:
    """Pairs of facts whose 95 % intervals do not overlap, the largest differences first; a few of each metric."""
    twins = {_twin(fact): fact for fact in second.facts}
    pairs = [
        (fact, twins[_twin(fact)])
        for fact in first.facts
        if _twin(fact) in twins
        and fact.metric not in ("users", "user_share", "page_share", "theme_share", "page_type_share")
        and fact.feature != "(direct) / (none)"  # `direct_share` says it
    ]
    pairs = [pair for pair in pairs if pair[0].feature not in ("unknown", "general")]  # of no label: tells nobody
    apart = sorted(
        ((a, b) for a, b in pairs if _apart(_interval(first, a), _interval(second, b))), key=lambda pair: -_gap(*pair)
    )
    taken: Counter[str] = Counter()
    varied = []
    for pair in apart:  # not the landing pages alone
        taken[pair[0].metric] += 1
        if taken[pair[0].metric] <= _OF_ONE_METRIC:
            varied.append(pair)
    return varied


def _twin(fact: Fact) -> tuple[str, str | None]:
    return fact.metric, fact.feature


def _apart(a: tuple[float, float] | None, b: tuple[float, float] | None) -> bool:
    return a is not None and b is not None and (a[0] > b[1] or b[0] > a[1])


def _interval(sheet: FactSheet, fact: Fact) -> tuple[float, float] | None:
    """The fact's interval; a mean of zeros has none, and of enough users is 0."""
    if fact.interval_low is not None and fact.interval_high is not None:
        return fact.interval_low, fact.interval_high
    return (0.0, 0.0) if fact.value == 0 and sheet.users >= _ENOUGH else None


def _gap(a: Fact, b: Fact) -> float:
    """Size of a difference: of shares in points, of other numbers beside the population's value."""
    difference = abs(a.value - b.value)
    return (
        difference if a.unit == "share" else difference / (abs(a.population_value) + abs(a.value) + abs(b.value) or 1.0)
    )


def _ranked(rows: list[tuple[int, Fact]], names: dict[int, str], *, least: bool) -> LookupAnswer:
    if not rows:
        raise NotInData("there are no such facts")
    rows = sorted(rows, key=lambda row: row[1].value, reverse=not least)
    first = rows[0][1]
    what = statement(first.metric, first.shown_feature)
    lines = [f"Clusters by “{what}” (all users {first.shown_population}):"]
    for key, fact in rows:
        interval = ""
        if fact.interval_low is not None and fact.interval_high is not None:
            interval = f"  ({number(fact.interval_low, fact.unit)} to {number(fact.interval_high, fact.unit)})"
        lines.append(f"  {fact.shown_value:>8}  cluster {key}, {names.get(key)}{interval}")
    if any(fact.interval_low is not None for _, fact in rows):
        lines.append("In brackets: 95 % intervals. Where they overlap, the order may be chance.")
    return LookupAnswer("\n".join(lines), [fact for _, fact in rows])


def _compared(overview: Overview) -> LookupAnswer:
    if not overview.compared:
        raise NotInData("no comparison of all clusters is written: materialize cluster_insights, or name two clusters")
    lines = [f"{title.replace('_', ' ').capitalize()}: {text}" for title, text in overview.compared.items()]
    return LookupAnswer("\n\n".join(lines), statements=["from beha2vec.cluster_insights where cluster_key is null"])


def _most_telling(sheet: FactSheet, limit: int) -> list[Fact]:
    """What is clearly more or less than elsewhere, the strongest first; views of types and themes before pages."""
    found = [fact for fact in sheet.facts if fact.is_over or fact.is_under]
    found = [
        fact for fact in found if fact.metric not in ("theme_share", "page_type_share") and fact.metric not in _MAIN
    ]
    return sorted(found, key=lambda fact: (-fact.strength, fact.fact_id))[:limit]


def _of_metric(sheet: FactSheet, metric: str, feature: str | None) -> list[Fact]:
    if (plain := sheet.number(metric)) is not None:
        return [plain]
    return [fact for fact in sheet.features(metric) if feature is None or (fact.feature or "").lower() == feature]


def _without_names(question: str, overview: Overview) -> str:
    for cluster in overview.clusters:
        question = re.sub(re.escape(cluster.name), " ", question, flags=re.IGNORECASE)
    return question


def _metrics_named(question: str) -> list[tuple[str, str | None]]:
    """Metrics that the question's words stand for, in the order of our list."""
    found = [
        (metric, feature)
        for pattern, metrics, feature in _METRICS
        if re.search(rf"\b(?:{pattern})\b", question, re.IGNORECASE)
        for metric in metrics
    ]
    # "where do buyers come from": of the two, the channel is what is asked for
    return sorted(dict.fromkeys(found), key=lambda metric: metric[0] in ("purchase_rate", "revenue_mean"))


def _one(overview: Overview, key: int) -> Cluster:
    for cluster in overview.clusters:
        if cluster.key == key:
            return cluster
    keys = ", ".join(str(cluster.key) for cluster in sorted(overview.clusters, key=lambda c: c.key))
    raise NotInData(f"there is no cluster {key}; there are {keys}")


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[\w-]{3,}", text.lower()) if word not in _EMPTY_WORDS]


def _hits(fact: Fact, words: Iterable[str]) -> list[str]:
    text = f"{fact.metric.replace('_', ' ')} {(fact.feature or '').replace('_', ' ')} {fact.title or ''}".lower()
    return [word for word in words if re.search(rf"(?<![a-z0-9]){re.escape(_stem(word))}", text)]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") else word
