"""Counts, weights and ranks against cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from beha2vec_core.evaluation.floors.bags import MAX_TERMS, page_and_words
from beha2vec_core.evaluation.floors.counts import RecencyFrequencyMonetary, RichCounts
from beha2vec_core.evaluation.floors.ranking import Markov, mix, own_history
from tests.benchmarks.rivals import METHODS
from tests.benchmarks.rivals.v_sknn import NEIGHBOURS, SessionNeighbours
from tests.evaluation.methods_world import log, views

DAY = 24 * 60  # minutes


def test_length_is_an_angle() -> None:
    events = log(("u", 0, "a"), ("u", 1, "b"), ("u", 2, None, "purchase"), ("v", 0, "a"))
    angle = np.pi * np.log([3, 2]) / np.log(1001)  # of two page views and of one
    found = METHODS["length"].fit(events, 0).encode(events)
    np.testing.assert_allclose(found, np.stack((np.cos(angle), np.sin(angle)), axis=1), rtol=1e-6)


def test_bag_counts_page_views_of_known_pages() -> None:
    bag = METHODS["bag of pages"].fit(views(u="a a b", v="a"), 0)
    events = log(("w", 0, "b"), ("w", 1, "b"), ("w", 2, "new"), ("w", 3, "a", "add_to_cart"), ("x", 0, None))
    assert bag.encode(events).tolist() == [[0, 2], [0, 0]]  # a, seen by two users, comes first


def test_tfidf_weighs_rare_pages_more() -> None:
    tfidf = METHODS["tf-idf of pages"].fit(views(u="a a b", v="a", w="a"), 0)
    rare = math.log((1 + 3) / (1 + 1)) + 1
    np.testing.assert_allclose(tfidf.encode(views(x="a b b")), [[1, 2 * rare]], rtol=1e-6)


def test_words_of_paths_are_terms_beside_the_page() -> None:
    assert page_and_words("https://shop.example/Men++s/men++s+shirts.html?q=mugs#top") == [
        "https://shop.example/Men++s/men++s+shirts.html?q=mugs#top", "word:html", "word:men", "word:s", "word:shirts",
    ]  # fmt: skip
    tfidf = METHODS["tf-idf of pages and words"].fit(views(u="s.example/mugs/red", v="s.example/mugs/blue"), 0)
    unseen = tfidf.encode(views(x="s.example/mugs/green"))
    assert np.count_nonzero(unseen) == 1, "the word mugs is known"


def test_vocabulary_is_bounded_by_users_of_a_page_not_by_views() -> None:
    one_user = " ".join(f"p{page:04d} p{page:04d}" for page in range(MAX_TERMS))
    bag = METHODS["bag of pages"].fit(views(u=one_user, v="x", w="x"), 0)
    assert list(bag.places)[:2] == ["x", "p0000"] and len(bag.places) == MAX_TERMS


def test_recency_frequency_monetary() -> None:
    events = log(
        ("u", 0, "a"), ("u", 29, "a"), ("u", 60, "a"), ("u", 3 * DAY, "a", "purchase"),
        ("v", 3 * DAY - 1, "a"), ("v", 7 * DAY, "a", "add_to_cart"),
    )  # fmt: skip
    end = int(events["event_timestamp"].max())
    found = RecencyFrequencyMonetary(end)(events)
    np.testing.assert_allclose(found, np.log1p([[4, 3, 1], [0, 2, 0]]))
    assert RecencyFrequencyMonetary(end - 1)(events)[1, 0] == 0, "after the end of the log is no recency below none"
    scaled = METHODS["recency-frequency-monetary"].fit(events, 0).encode(events)
    np.testing.assert_allclose(scaled, [[1, 1, 1], [-1, -1, -1]], atol=1e-6)


def test_rich_counts() -> None:
    events = log(
        ("u", 0, "s.example/mugs/red"), ("u", 2, "s.example/mugs/red"), ("u", 40, "s.example/hats", "add_to_cart"),
        ("v", 0, None, "app_open"),
    )  # fmt: skip
    counts = RichCounts.fit(events)
    assert counts.values == {
        "event_name": ["page_view", "add_to_cart", "app_open"], "page_type": ["any"], "theme": ["any"],
        "section": ["/mugs", "/hats"],
    }  # fmt: skip
    found = np.expm1(counts(events)).round(6)
    #         names    type theme  sections  quarters of the day; sessions, pages, days, events, span, middle gap
    assert found[0, :-1].tolist() == [2, 1, 0, 3, 3, 2, 1, 0, 0, 0, 3, 2, 2, 1, 3, 2400, 1200]
    assert found[1, :-1].tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0]
    assert np.isnan(found[:, -1]).all(), "without a moment there is no recency"
    later = 40 * 60 * 1_000_000 + 2 * DAY * 60 * 1_000_000
    assert np.expm1(counts(events, later + int(events["event_timestamp"].min())))[:, -1].round(2).tolist() == [2, 2.03]


def test_popular_is_the_same_for_all_and_breaks_ties_by_name() -> None:
    popular = METHODS["popular"].fit(views(u="c c b", v="a b"), 0)
    assert popular.rank_next(views(x="a", y="q"), "page", 5) == [["b", "c", "a"], ["b", "c", "a"]]
    assert popular.rank_next(views(x="a"), "event_name", 5) == [["page_view"]]


def test_own_history_weighs_often_and_of_late() -> None:
    assert own_history(["a", "b", "a", "c"]) == pytest.approx({"a": 1 / 2 + 1 / 4, "b": 1 / 3, "c": 1})
    own = METHODS["own history"].fit(views(u="p p q"), 0)
    assert own.rank_next(views(x="a b a c"), "page", 4) == [["c", "a", "b", "p"]]
    assert own.rank_next(log(("x", 0, None, "app_open")), "page", 4) == [["p", "q"]]


def test_markov_gives_shares_and_falls_back_on_the_popular() -> None:
    past = {"u": ["a", "b", "a", "c"], "v": ["a", "b"]}
    assert Markov(past, 1)(["z", "a"]) == {"b": 2 / 3, "c": 1 / 3}
    assert Markov(past, 2)(["a", "b"]) == {"a": 1} and Markov(past, 2)(["a"]) == {} == Markov(past, 1)(["c"])
    markov = METHODS["Markov"].fit(views(u="a b a c", v="a b d d d d"), 0)
    assert markov.rank_next(views(x="d a", y="nowhere"), "page", 3) == [["b", "c", "d"], ["d", "a", "b"]]


def test_markov_mix_adds_equal_shares() -> None:
    past = {"u": ["a", "b", "a", "c"], "v": ["a", "b"]}
    mixed = mix(Markov(past, 1), Markov(past, 2), own_history)(["a", "b"])
    #        order 1: a 1     order 2: a 1     own: b 1, a 1/2, made 2/3 and 1/3
    assert mixed == pytest.approx({"a": 2 + 1 / 3, "b": 2 / 3})
    assert mix(Markov(past, 1), own_history)([]) == {}


def test_v_sknn_scores_as_the_paper_s_code() -> None:
    past = [frozenset("ax"), frozenset("aby"), frozenset("cz")]
    neighbours = SessionNeighbours(past, {"a": [0, 1], "b": [1], "c": [2], "x": [0], "y": [1], "z": [2]})
    # the session a b has weights a 1/2, b 1; past session 0 shares a, two steps back; session 1 both, one step back
    near, far = (1 / 2 + 1) / 2 / 1, (1 / 2) / 2 / 2
    assert neighbours(["a", "b"]) == pytest.approx({"x": far, "a": far + near, "b": near, "y": near})
    assert neighbours(["new"]) == {}


def test_v_sknn_asks_the_likest_sessions_only() -> None:
    past = [frozenset(("a", f"old {number}")) for number in range(50)]
    past += [frozenset(("a", "b", f"new {number}")) for number in range(NEIGHBOURS)]
    having = {"a": list(range(len(past))), "b": list(range(50, len(past)))}
    scores = SessionNeighbours(past, having)(["a", "b"])
    assert not any(value.startswith("old") for value in scores) and len(scores) == NEIGHBOURS + 2


def test_v_sknn_goes_by_the_last_session() -> None:
    method = METHODS["V-SkNN"].fit(views(u="a x", v="b y"), 0)
    events = log(("w", 0, "a"), ("w", 31, "b"), ("z", 0, "b"), ("z", 30, "a"))
    ranked = method.rank_next(events, "page", 2)
    assert ranked == [["b", "y"], ["a", "x"]]
