"""Clusters that a question names, by their name or size: their keys take the place of the words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from beha2vec_core.chat.clusters.questions import EMPTY_WORDS, PREDICTED
from beha2vec_core.chat.data.published import Cluster, Overview
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.parts.conditions import find_conditions
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.profiles.text import clean_text
from beha2vec_core.semantic.definitions import PEOPLE_COUNTED
from beha2vec_core.semantic.query import Query
from beha2vec_core.words import counted

_BIGGEST = re.compile(
    r"(?i)\b(?:(?P<size>biggest|largest|smallest)\s+(?:cluster|segment|group|persona)|"
    r"(?:(?:two|2)\s+(?P<two>biggest|largest|smallest)|(?P<of_two>biggest|largest|smallest)\s+(?:two|2))\s+"
    r"(?:cluster|segment|group|persona)s)\b(?!\s+(?:by|for|with|of|in terms)\b)"
)
OF_CLUSTERS = (("cluster",), ("cluster_then",))  # breakdowns
_THEY = r"(?:they|them|these|those)"
_DESCRIBED = re.compile(
    r"(?i)\W*(?:(?:and|please|can you|could you) )*(?:describe|tell me (?:more |something )?about|who are|what do we "
    r"know about|(?:the )?profile of|(?P<what>what are|how do)) (?:(?:the|our|all) )*(?P<name>[a-z][a-z -]{2,40}?)"
    r"(?: (?:clusters?|segments?|groups?))?(?(what) (?:like|behave|into|interested in))"
    rf"(?:\W+(?:and )?(?:what (?:makes|sets) {_THEY}|what(?:'s| is) (?:different|special|unusual) about {_THEY}|how "
    rf"(?:are|do) {_THEY} (?:differ\w*|behave)|who are {_THEY}|what are {_THEY} like)"
    r"(?:[\w ]*(?:else|others?|rest|apart|different|special|unusual|from))?)?\W*"
)
_NOUNS = re.compile(  # which say that people are meant, and not which
    r"\b(?:hunters?|seekers?|lovers?|fans?|crowd|folks?|people|users?|visitors?|shoppers?|browsers?|viewers?|readers?|"
    r"who|that|are|comes?|coming|looking|for|after|the)\b"
)
# what people call those whose names have a word
_ALSO_CALLED = {"deal": "bargain discount sale offer saver", "footwear": "shoe", "camping": "camper outdoor",
                "help": "support service", "article": "content blog", "searchers": "search"}  # fmt: skip
_BESIDE = r"(?:\b(?:or|and|vs|versus|than|against|compared)\b|[,&/])"
_GROUP_NAMED = re.compile(r"\bthe ([\w-]+) (?:group|segment|cluster)\b(?! \d)", re.IGNORECASE)


def with_keys(question: str, overview: Overview) -> tuple[str, str]:
    """The question with keys in place of names and sizes of clusters, and what was taken for what."""
    question = with_members(question, overview) if PREDICTED.search(question) else question
    return _with_key(_with_group(_with_number(question, overview), overview), overview)


def with_described(question: str, overview: Overview) -> str:
    """The question with the key of the only cluster that it asks to describe, by its name or other words for it."""
    found = _DESCRIBED.fullmatch(question)
    key = _key_of(found["name"].lower(), overview) if found else None
    return question if key is None else f"describe cluster {key}"


def _key_of(name: str, overview: Overview) -> int | None:
    """The key of the only cluster that has a name, or that other words for it mean."""
    named = [one.key for one in overview.clusters if name in (one.name.lower(), f"cluster {one.key}")]
    words = {word.removesuffix("s") for word in re.findall(r"[a-z]+", _NOUNS.sub(" ", name))}
    if not named and words and _NOUNS.search(name):
        named = [one.key for one in overview.clusters if words <= _words_for(one.name.lower())]
    return named[0] if len(named) == 1 else None


def _words_for(name: str) -> set[str]:
    """The words of a cluster's name, and those that people use for it."""
    words = re.findall(r"[a-z]+", name)
    return {word.removesuffix("s") for one in words for word in (one, *_ALSO_CALLED.get(one, "").split())}


def named_in_plain_words(question: str, overview: Overview, vocabulary: Vocabulary) -> list[Cluster]:
    """Clusters whose names in the question can be read as values and people: "desktop visitors".

    None, where one cluster stands beside another one: "Article readers or Searchers".
    """
    found, all_values = [], True
    for one in overview.clusters:
        if one.name and one.name.lower() in question.lower():
            name, words = one.name.lower(), [word for word, *_ in vocabulary.read(one.name.lower())]
            kinds = {word.name if word.kind == "metric" else word.kind for word in words if word}
            is_value = all(words) and "value" in kinds and kinds <= {"value", *PEOPLE_COUNTED}
            if is_value or ((done := find_conditions(name, vocabulary)) and done.text == "users"):
                found.append(one)
            all_values &= is_value
    return [] if not all_values and _names_several(question, overview) else found


def with_members(question: str, overview: Overview, *, as_groups: bool = False) -> str:
    """The question with "users of cluster 5" in place of a name: of predictions, and where no values are meant.

    Args:
        as_groups: with "cluster 5", which no word for people stands beside.
    """
    users = "" if as_groups else "users of "
    for one in sorted(overview.clusters, key=lambda one: -len(one.name)):
        name = one.name.lower().removesuffix("s")
        if name and not re.fullmatch(PEOPLE, f"{name}s"):
            members = (
                rf"\b(?:(?:an?|the|our|typical|average) )*{re.escape(name)}s?\b(?! (?:clusters?|segments?|groups?)\b)"
            )
            question = re.sub(rf"(?i)^\W*{members}(?=\s*[:,]|\s[-\u2013\u2014])", f"cluster {one.key}", question)
            question = re.sub(rf"(?i)\bper {members}", f"per user of cluster {one.key}", question)
            question = re.sub(rf"(?i){members}", f"{users}cluster {one.key}", question)
    return question


def with_groups(question: str, overview: Overview, others: Overview) -> tuple[str, str]:
    """Two readings of a question: as groups that are compared ("cluster 5"), and as people ("users of cluster 5").

    They are the same where no two clusters stand beside each other.

    Args:
        overview: all clusters.
        others: those whose names do not also mean other people.
    """
    members = with_members(question, others)
    return with_members(question, others, as_groups=True) if _names_several(question, overview) else members, members


def with_compared(
    question: str, groups: Iterable[tuple[str, str]], overview: Overview, plain: Collection[Cluster] | None = None
) -> str:
    """The question in words that clusters are asked for with, where it compares one with another one, or with all.

    Args:
        groups: what it compares, as it says it; the other one is empty for all others.
        plain: clusters whose names are read as other people, beside all others; None: other words for names count too.
    """
    names = {name for one in overview.clusters for name in (one.name.lower(), f"cluster {one.key}")}
    for both in groups:
        group, other = (re.sub(r"\bcluster (?=\D)| (?:cluster|segment|group)$", "", one) for one in both)
        is_plain = not other and group in {one.name.lower() for one in plain or ()}
        if plain is not None and (is_plain or not {group, other or group} <= names):
            continue
        key, key_of_other = _key_of(group, overview), _key_of(other, overview) if other else None
        if key is not None and not (other and key_of_other is None):
            return f"compare cluster {key} and cluster {key_of_other}" if other else f"describe cluster {key}"
    return question


def cluster_names(table: SqlAnswer | None, query: Query, overview: Overview) -> list[str]:
    """The names of the clusters that are in the table, or that the query is about."""
    shown = {str(row[0]) for row in table.rows} if table and query.by[:1] in OF_CLUSTERS else set()
    shown |= {key for one in query.filters if one.dimension == "cluster" for key in one.values}
    names = [f"{one.key} {one.name}" for one in overview.clusters if str(one.key) in shown and one.name]
    return [f"Clusters: {', '.join(names)}."] if names else []


def named(text: str, overview: Overview) -> str:
    """The text with the name of each cluster after its number."""
    for one in overview.clusters:
        if one.name:
            text = re.sub(rf"\bcluster {one.key}\b(?! \()", f"cluster {one.key} ({clean_text(one.name)})", text)
    return text


def _names_several(question: str, overview: Overview) -> bool:
    """Whether one cluster stands beside another one, by name or number: "Article readers or Searchers"."""
    names = [re.escape(one.name.removesuffix("s")) for one in overview.clusters if one.name]
    named = rf"\b(?:{'|'.join((*names, 'clusters? -?[0-9]+'))})s?\b"
    found = {one.lower().removesuffix("s") for one in re.findall(rf"(?i){named}", question)}
    return len(found) > 1 and re.search(rf"(?i){named}.*?{_BESIDE}.*?{named}", question) is not None


def _with_number(question: str, overview: Overview) -> str:
    """The question with the keys of clusters in place of their names: "the Account users cluster"."""
    for one in overview.clusters:
        if one.name:
            name, kind = re.escape(one.name), r"(?:clusters?|segments?|groups?|personas?)"
            named = re.compile(rf"(?:\bthe )?(?:\b{kind} {name}(?!\w)|\b{name} {kind}\b)", re.IGNORECASE)
            question = named.sub(f"cluster {one.key}", question)
    return question


def _with_group(question: str, overview: Overview) -> str:
    """The question with the key of the only cluster whose name has the word: "the drinkware group"."""

    def key_of(found: re.Match[str]) -> str:
        word = found[1].lower().removesuffix("s")
        named = [one.key for one in overview.clusters if word in re.findall(r"\S+?(?=s?(?:\s|$))", one.name.lower())]
        return f"cluster {named[0]}" if len(named) == 1 and word not in EMPTY_WORDS else found[0]

    return _GROUP_NAMED.sub(key_of, question)


def _with_key(question: str, overview: Overview) -> tuple[str, str]:
    """The question with the keys of the biggest or smallest clusters in place of these words, and which they are."""
    clusters = [cluster for cluster in overview.clusters if cluster.key != TOO_LITTLE_EVIDENCE]
    if not clusters or not _BIGGEST.search(question):
        return question, ""
    by_size = sorted(clusters, key=lambda cluster: cluster.users)
    notes = []

    def keys_of(found: re.Match[str]) -> str:
        size = next(filter(None, found.groups())).lower()
        first, *others = (cluster.key for cluster in (by_size if size == "smallest" else reversed(by_size)))
        if found["size"] or not others:
            notes.append(f"The {size} cluster is cluster {first}.")
            return f"cluster {first}"
        notes.append(f"The two {size} clusters are {first} and {others[0]}.")
        return f"clusters {first} and {others[0]}"

    question = _BIGGEST.sub(keys_of, question)
    if few := sum(cluster.users for cluster in overview.clusters if cluster.key == TOO_LITTLE_EVIDENCE):
        notes.append(f"The {counted(few, 'user')} with too few events are left out.")
    return question, " ".join(dict.fromkeys(notes))
