"""Questions that have an answer and are like one that has none, by the words they share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from beha2vec_core.chat.parts.grammar import OF_ITEMS
from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.queries.nearest import days_asked, filter_asked
from beha2vec_core.chat.reading.question import Reading, read_question
from beha2vec_core.chat.rewrites.idioms import in_plain_words
from beha2vec_core.chat.words.lemmas import normal_of, tokens
from beha2vec_core.semantic.query import Filter, Period, Query, is_by_time

_FILE = "example_questions.txt"
_AS_IT_STANDS = "= "  # of a question that is not about measures
_PLACE = re.compile(r"\{(thing|page|group)\}")
_ENOUGH, _SHOWN, _TRIED = 0.35, 3, 12  # the least similarity; how many are shown, and tried for it
_GROUPS = ("channel", "source", "medium", "source_medium", "campaign", "device", "os", "country", "browser", "cluster")
_NOT_ADDED = ("weekday", "weekend", "hour")
_TWICE = re.compile(r"\b(\w+) \1\b|\bfor .* for \b")
_FRAME = re.compile(  # words of any question
    r"\b(?:how|many|much|what|which|who|is|are|was|were|be|do|does|did|have|has|had|we|our|us|i|they|the|an?|of|to|in|on|"
    r"at|for|with|and|that|get|got|there|than|better|worse|more|less)\b"
)


def similar_questions(question: str, reading: Reading, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Up to three questions that can be answered, the most similar first, with the groups and days of this one.

    Similar is what shares rare words, whole and in parts (TF-IDF, cosine).
    """
    found: dict[Query | str, str] = {}
    if any(one.did or one.is_excluded or one.dimension in _NOT_ADDED for one in reading.filters):
        return ()  # the queries that are offered too can have these
    for example in _by_similarity(question):
        text, rest = _with_values(example.removeprefix(_AS_IT_STANDS), reading.filters)
        if text is None:
            continue
        if example.startswith(_AS_IT_STANDS):
            if not rest and not reading.period:
                found.setdefault(text, text)
        elif (asked := _within(text, rest, reading.period, vocabulary)) is not None:
            found.setdefault(*asked)
        if len(found) == _SHOWN:
            break
    return tuple(found.values())


def _within(
    example: str, filters: Sequence[Filter], period: Period | None, vocabulary: Vocabulary
) -> tuple[Query, str] | None:
    """The example with groups and days of a question; None if it has others, or is not understood with them."""
    if (own := _read(example, vocabulary)) is None:
        return None
    if period and (own.period not in (None, period) or is_by_time(own.by)):
        return None
    named = {one.dimension for one in own.filters} | {*own.by}
    added = [one for one in filters if one.dimension not in named]
    words = [filter_asked(one) for one in added] + ([days_asked(period)] if period and not own.period else [])
    if not words:
        return own, example
    text = f"{example.rstrip('?')} {' '.join(words)}{'?' * example.endswith('?')}"
    query = _read(text, vocabulary)
    if _TWICE.search(text) or query is None or query.period != (period or own.period) or query.metric != own.metric:
        return None
    has = {one.dimension for one in query.filters}
    return (query, text) if all(one.dimension in has for one in added) else None


@lru_cache(maxsize=1000)
def _read(question: str, vocabulary: Vocabulary) -> Query | None:
    return read_question(in_plain_words(question), vocabulary).query


class _Bank(NamedTuple):
    examples: tuple[str, ...]
    vectorizer: Any
    vectors: Any  # of the examples, each of length 1 by its words and by its parts of words


@cache
def _bank() -> _Bank:
    from sklearn.feature_extraction.text import TfidfVectorizer  # half a second
    from sklearn.pipeline import FeatureUnion

    lines = files(__package__).joinpath(_FILE).read_text(encoding="utf-8").splitlines()
    examples = tuple(line for line in lines if line and not line.startswith("#"))
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+", ngram_range=(1, 2))
    parts = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 5))
    vectorizer = FeatureUnion([("words", words), ("parts", parts)])
    return _Bank(examples, vectorizer, vectorizer.fit_transform(list(map(_normal, examples))))


def _by_similarity(question: str) -> Iterator[str]:
    examples, vectorizer, vectors = _bank()
    similarity = (vectors @ vectorizer.transform([_normal(question)]).T).toarray()[:, 0] / 2
    for place in (-similarity).argsort(kind="stable")[:_TRIED]:
        if similarity[place] < _ENOUGH:
            return
        yield examples[place]


def _normal(question: str) -> str:
    """Its words as they stand and in the words of our measures, each in its base form."""
    text = _PLACE.sub(" ", question.removeprefix(_AS_IT_STANDS)).lower()
    texts = (_FRAME.sub(" ", one) for one in (in_plain_words(text), text))
    return " ".join(normal_of(tokens(one)) for one in texts)


def _with_values(example: str, filters: tuple[Filter, ...]) -> tuple[str | None, list[Filter]]:
    """The example with a value of the question in its place, and the other groups; None if the question has none."""
    values = [one for one in filters if len(one.values) == 1]
    groups = [one for one in filters if one.dimension in (*_GROUPS, *OF_ITEMS)]
    if not (place := _PLACE.search(example)):
        return example, groups
    kinds = {"thing": OF_ITEMS, "group": _GROUPS, "page": ("page",)}
    one = next((one for one in values if one.dimension in kinds[place[1]]), None)
    if one is None:
        return None, groups
    return example.replace(place[0], one.values[0]), [group for group in groups if group != one]
