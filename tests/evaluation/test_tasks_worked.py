"""Each task's figures against cases worked by hand."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from beha2vec_core.clusters.unit import normalise
from beha2vec_core.evaluation.splits import DAY, Split
from beha2vec_core.evaluation.statistics import auroc
from beha2vec_core.evaluation.tasks import content, geometry, intent, next_step, retrieval
from beha2vec_core.evaluation.tasks.inputs import encode, halves
from beha2vec_core.evaluation.tasks.probe import probe
from tests.benchmarks.encoders import ceiling
from tests.benchmarks.tasks import TASKS, horizon, personas, refits
from tests.evaluation.task_world import (
    Encoder,
    Ranker,
    Step,
    constant,
    figures,
    length,
    log,
    outcomes,
    section_counts,
    shop,
    trial,
    views,
)

CART = "add_to_cart"


def test_every_task_has_its_own_name_and_asks_for_what_it_needs() -> None:
    assert [(task.name, task.split, task.needs) for task in TASKS] == [
        ("intent", "users", "encode"),
        ("horizon", "time", "encode"),
        ("next page", "users", "rank_next"),
        ("next event", "users", "rank_next"),
        ("retrieval", "users", "encode"),
        ("personas", "users", "encode"),
        ("content", "users", "encode"),
        ("stability", "users", "encode"),
        ("geometry", "users", "encode"),
        ("determinism", "users", "encode"),
    ]


def test_vectors_that_are_not_one_a_user_or_not_finite_are_refused() -> None:
    events = log({"a": views("xy"), "b": views("x")})
    with pytest.raises(ValueError, match="2 users"):
        encode(Encoder(lambda user, journey: [math.nan]), events)

    class Short:
        def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
            return np.ones((1, 2), dtype=np.float32)

    for wrong in (Short(), Encoder(lambda user, journey: [])):
        with pytest.raises(ValueError, match="2 users"):
            encode(wrong, events)


def test_intent_population_prefix_and_label() -> None:
    events = log(
        {
            "buys": [*views("abcdef"), (400, CART, "f")],
            "does not": views("abcdefg"),
            "early": [*views("ab"), (70, CART, "b"), *views("cdef", start=120)],
            "at the fifth": [*views("abcde"), (240, CART, "e"), (300, CART, "e")],
            "short": [*views("abcd"), (200, CART, "d")],
        }
    )
    prefix, label = intent.prefixes(events)
    assert prefix["user_key"].unique().tolist() == ["buys", "does not"]
    assert label.tolist() == [True, False]
    assert prefix["page"].tolist() == list("abcde") * 2


def intent_world(places: dict[str, tuple[float, bool]]) -> pd.DataFrame:
    """A user of five pages for each place, which is told by the first page's name; some put into the cart."""
    return log(
        {
            user: [*views([str(place), *"bcde"]), *([(999.0, CART, "e")] if buys else [])]
            for user, (place, buys) in places.items()
        }
    )


def test_intent_worked() -> None:
    fit = intent_world({f"f{n}": (n % 2 * 2 - 1, n % 2 == 1) for n in range(40)})
    judged = intent_world({"a": (2, True), "b": (0, True), "c": (1, False), "d": (-1, False)})
    first_page = Encoder(lambda user, journey: [float(journey["page"].iloc[0])])
    found = figures(intent.TASK, trial(judged, first_page, fit=fit))
    # the score rises with the place; pairs 2>1, 2>-1, 0>-1 are right, 0>1 is wrong: 3 of 4
    assert found["auroc"] == 0.75
    # by score: 2 (cart), 1, 0 (cart), -1: precision 1 at the first cart, 2/3 at the second
    assert found["average precision"] == pytest.approx((1 + 2 / 3) / 2)


def test_intent_says_nothing_where_a_side_lacks_a_kind() -> None:
    some = intent_world({f"f{n}": (n % 2, n % 2 == 1) for n in range(40)})
    none = intent_world({f"f{n}": (n % 2, False) for n in range(40)})
    few = intent_world({f"f{n}": (n % 2, n < 4) for n in range(40)})
    for fit, judged in ((some, none), (none, some), (few, some)):
        assert intent.TASK.run(trial(judged, constant(), fit=fit)) == []


def horizon_world() -> pd.DataFrame:
    """A third comes on the third day after T, a third buys at the end of the seventh, a third stays away."""
    day = 86_400.0
    journeys: dict[str, list[Step]] = {"dormant": [(71 * day, "page_view", "0"), (101 * day, "page_view", "x")]}
    for number in range(60):
        journeys[f"u{number}"] = [(80 * day, "page_view", "012"[number % 3])]
        if number % 3 < 2:
            journeys[f"u{number}"].append(((103, 107)[number % 3] * day, ("page_view", "purchase")[number % 3], "x"))
    return log(journeys)


def test_horizon_population_and_labels() -> None:
    before, labels = horizon.population(horizon_world(), 100 * DAY)
    assert len(before) == before["user_key"].nunique() == 60 and "dormant" not in set(before["user_key"])
    # [T, T + 7 days) holds the third day, not the end of the seventh; nobody has bought before that
    assert {name: int(label.sum()) for name, label in labels.items()} == {
        "return 7 days": 20,
        "return 14 days": 40,
        "return 28 days": 40,
        "purchase 7 days": 0,
        "purchase 14 days": 20,
        "purchase 28 days": 20,
    }


def test_horizon_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizon, "PROBES", 3)
    first_page = Encoder(lambda user, journey: [journey["page"].iloc[0] == kind for kind in "012"])
    found = outcomes(horizon.TASK, trial(horizon_world(), first_page, cut=100 * DAY))
    assert len(found) == 5 and "purchase 7 days auroc" not in found
    for outcome in found.values():
        assert outcome.value == 1.0
        assert outcome.users is not None and len(outcome.users) == len(set(outcome.users)) == outcome.n
    assert set(figures(horizon.TASK, trial(horizon_world(), constant(), cut=100 * DAY)).values()) == {0.5}


def test_horizon_asks_as_of_t_where_a_method_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizon, "PROBES", 1)

    class Clock(Encoder):
        asked: ClassVar[list[int]] = []

        def encode_as_of(self, events: pd.DataFrame, moment: int) -> npt.NDArray[np.float32]:
            self.asked.append(moment)
            return self.encode(events)

    horizon.TASK.run(trial(horizon_world(), Clock(lambda user, journey: [1.0]), cut=100 * DAY))
    assert Clock.asked == [100 * DAY]


@pytest.mark.parametrize("useful", [False, True])
def test_vectors_behind_counts_are_used_only_if_they_help(useful: bool) -> None:
    rng = np.random.default_rng(0)
    label = rng.random(300) < 0.5
    counts, vectors = label[:, None] + rng.normal(size=(300, 1)), rng.normal(size=(300, 60))
    vectors[:, 0] += 2 * useful * label
    both = np.concatenate((counts, vectors), axis=1).astype(np.float32)
    train, test = both[:150], both[150:]
    alone = probe(train[:, :1], label[:150], test[:, :1], seed=0)
    found = probe(train, label[:150], test, seed=0, counts=1)
    assert alone is not None and found is not None
    if useful:
        assert auroc(found, label[150:]) > auroc(alone, label[150:]) + 0.05
    else:
        np.testing.assert_array_equal(found, alone)


def test_probes_of_other_scales_can_be_averaged() -> None:
    # 1 and 1 stand level below 5: half of themselves lower, (0 + 2) / 2 / 3 and (2 + 3) / 2 / 3
    assert horizon._rank_shares(np.array([5.0, 1.0, 1.0])).tolist() == pytest.approx([5 / 6, 1 / 3, 1 / 3])


def test_next_page_worked() -> None:
    judged = log({"u": views("aba"), "v": [(0, "page_view", "b"), (60, "session_start", "c"), (60, "page_view", "c")]})
    ranker = Ranker("a", "b")
    found = outcomes(next_step.NEXT_PAGE, trial(judged, ranker))
    # u: b is second (1/2), then a is first (1): mean 3/4; v: c is missing (0), although session_start had told of it
    assert found["mrr@10"].value == pytest.approx((3 / 4 + 0) / 2)
    assert found["recall@10"].value == pytest.approx((1 + 0) / 2)
    assert found["mrr@10, 1 known"].value == pytest.approx((1 / 2 + 0) / 2)
    assert found["mrr@10, 2-4 known"].value == 1.0 and found["mrr@10, 2-4 known"].n == 1
    assert "mrr@10, 5-9 known" not in found
    assert found["mrr@10"].users is not None and found["mrr@10"].users.tolist() == ["u", "v"]
    (seen,) = ranker.seen
    told = seen.groupby("user_key")["page"].agg("".join)
    assert told.to_dict() == {"u\x1f000001": "a", "u\x1f000002": "ab", "v\x1f000002": "b"}
    assert seen["user_key"].is_monotonic_increasing


def test_next_event_worked() -> None:
    judged = log({"u": [(0, "page_view", "a"), (0, "view_item", "a"), (60, CART, "a"), (90, "page_view", "b")]})
    ranker = Ranker("page_view", CART)
    found = figures(next_step.NEXT_EVENT, trial(judged, ranker))
    # after two events the cart is second, after three the page view is first; view_item shares an instant
    assert found["mrr@10"] == found["mrr@10, 2-4 known"] == pytest.approx((1 / 2 + 1) / 2)
    assert ranker.seen[0].groupby("user_key").size().tolist() == [2, 3]


def test_a_long_journey_is_asked_at_ten_moments_and_nobody_counts_twice() -> None:
    events = log({"long": views("a" * 300), "short": views("ab")})
    asked = next_step.positions(events, "page")
    assert (asked.users == "long").sum() == 10 and (asked.users == "short").sum() == 1
    again = next_step.positions(events, "page")
    assert again.known.tolist() == asked.known.tolist()
    found = figures(next_step.NEXT_PAGE, trial(events, Ranker("a")))
    assert found["recall@10"] == 0.5  # ten hits of long are one user's, as is the one miss of short


def test_only_the_first_ten_guesses_count() -> None:
    truth = np.array(["x", "x"], dtype=object)
    ranks = next_step.reciprocal_ranks([[*"abcdefghix"], [*"abcdefghijx"]], truth)
    assert ranks.tolist() == [0.1, 0]


def test_halves_are_cut_at_the_middle_page_view_and_know_no_date() -> None:
    hits = [*views("abcdefg", start=5_000), (5_180, "session_start", "d"), (5_190, "scroll", "d")]
    events = log({"u": sorted(hits), "v": views("abcdef", start=9_000), "short": views("abcde")})
    first, second = halves(events)
    assert first.groupby("user_key")["page"].agg("".join).to_dict() == {"u": "abc", "v": "abc"}
    # the session_start of the very instant of the cut goes with the second half
    assert second.groupby("user_key")["page"].agg("".join).to_dict() == {"u": "dddefg", "v": "def"}
    for half in (first, second):
        assert half.groupby("user_key")["event_timestamp"].min().nunique() == 1
    assert np.diff(first.loc[first["user_key"] == "u", "event_timestamp"]).tolist() == [60_000_000] * 2


def test_retrieval_worked() -> None:
    # query 0 = (1, 0): own cosine 0, one above it, two level with it (places 2 and 3): 2.5
    # query 1 = (1, 1): all cosines equal: places 1 to 3: 2; query 2 = (0, 3): own is 1, as is the first: 1.5
    queries = np.array([[1, 0], [1, 1], [0, 3]], dtype=np.float32)
    gallery = np.array([[0, 2], [5, 0], [0, 1]], dtype=np.float32)
    assert retrieval.own_ranks(queries, gallery).tolist() == [2.5, 2.0, 1.5]

    events = log({user: views(pages) for user, pages in {"u": "aabaaa", "v": "bbbbbb", "w": "bbbaaa"}.items()})
    found = figures(retrieval.TASK, trial(events, section_counts("ab")))
    # u: aab nearest to aaa, which u and w have: 1.5; v: bbb is only its own: 1; w: bbb has cosine 0 with aaa: 2.5
    assert found["mrr"] == pytest.approx((1 / 1.5 + 1 + 1 / 2.5) / 3)
    assert found["recall@10"] == 1.0


@hypothesis_settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 1)), min_size=2, max_size=12), st.integers(0, 9))
def test_ties_get_their_mean_rank(rows: list[tuple[int, int]], seed: int) -> None:
    gallery = np.array(rows, dtype=np.float32)
    queries = np.random.default_rng(seed).permutation(gallery)
    cosine = normalise(queries).astype(float) @ normalise(gallery).astype(float).T
    expected = [rankdata(-line.round(5))[place] for place, line in enumerate(cosine)]
    assert retrieval.own_ranks(queries, gallery).tolist() == expected


def test_personas_worked() -> None:
    events = log({"a1": views("xx"), "a2": views("xx"), "b1": views("yy"), "b2": views("y"), "unknown": views("y")})
    persona = pd.Series({"a1": "A", "a2": "A", "b1": "B", "b2": "B"})
    oracle = pd.Series({"a1": "A", "a2": "A", "b1": "A", "b2": "B"})
    found = figures(personas.TASK, trial(events, section_counts("xy"), personas=persona, oracle=oracle))
    assert found["ari"] == found["nmi"] == 1.0
    assert found["one-page users"] == 0.25
    # pairs together in both: 1 (a1, a2); in personas 2, in the oracle's 3, of 6: expected 1; (1 - 1) / (2.5 - 1) = 0
    assert found["oracle ari"] == pytest.approx(0)
    # entropies ln 2 and -(3/4 ln 3/4 + 1/4 ln 1/4) = .5623; information ln 2 - 3/4 * .6365 = .2158; over their mean
    assert found["oracle nmi"] == pytest.approx(0.2158 / ((0.6931 + 0.5623) / 2), abs=1e-3)
    assert personas.TASK.run(trial(events, constant())) == []


def test_content_worked() -> None:
    labels = [0, 0, 1, 1]
    # 0, 2 | 4, 6: total 9 + 1 + 1 + 9 = 20, between 4 * 4 = 16; 0, 1 | 0, 1: total 1, between 0; together 16 / 21
    columns = np.array([[0, 0], [2, 1], [4, 0], [6, 1]], dtype=float)
    assert content.explained(labels, columns) == pytest.approx(16 / 21)
    assert content.explained(labels, np.ones((4, 2))) == 0.0
    proportions = content.section_proportions(log({"u": views(["x/1", "x/2", "y/1", "x/1"]), "v": views(["y/2"])}))
    assert proportions.tolist() == [[0.75, 0.25], [0.0, 1.0]]

    sections = "abcdef"
    events = log({f"{section}{n}": views(section * (n + 1)) for section in sections for n in range(3)})
    found = figures(content.TASK, trial(events, section_counts(sections)))
    # six sections, six clusters: all of content, none of length, three of eighteen each
    assert found["eta2 of content"] == pytest.approx(1.0)
    assert found["eta2 of length"] == pytest.approx(0.0)
    assert found["largest cluster"] == pytest.approx(1 / 6)
    assert ceiling(Split("tuning", 0, events, events)) == pytest.approx(
        {name: found[name] for name in ("eta2 of length", "eta2 of content", "largest cluster")}
    )


def test_stability_worked() -> None:
    sections = "abcdef"
    events = log({f"{section}{n}": views(section * (n + 1)) for section in sections for n in range(20)})
    first = section_counts(sections)

    class Warm:
        encode = staticmethod(first.encode)

        def warm_start(self, events: pd.DataFrame, seed: int) -> Any:
            assert seed == 1
            return first

    def lengths_instead(events: pd.DataFrame, seed: int) -> Encoder:
        assert seed == 1
        return length()

    found = figures(refits.STABILITY, trial(events, Warm(), method=lengths_instead))
    assert found["ari across seeds"] == found["ari across bootstraps"] == found["ari across warm retrains"] == 1.0
    assert abs(found["ari across cold retrains"]) < 0.1  # lengths are spread alike over the sections
    assert "ari across warm retrains" not in figures(refits.STABILITY, trial(events, first))


def test_geometry_worked() -> None:
    points = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], dtype=float)
    assert geometry.effective_dimension(points) == pytest.approx(2.0)
    assert geometry.effective_dimension(points[:2]) == pytest.approx(1.0)
    # six pairs: two opposite (-1, d2 = 4), four at right angles (0, d2 = 2)
    assert geometry.mean_cosine(points) == pytest.approx(-1 / 3)
    assert geometry.uniformity(points) == pytest.approx(math.log((2 * math.exp(-8) + 4 * math.exp(-4)) / 6))

    events = log({"same": views("aaaaaa"), "turns": views("aaabbb")})
    found = figures(geometry.TASK, trial(events, section_counts("ab")))
    assert found["alignment"] == pytest.approx((0 + 2) / 2)  # d2 of one vector, of two at right angles
    assert found["effective dimension"] == pytest.approx(1.0)  # two users lie on a line
    assert found["effective share of dimensions"] == pytest.approx(0.5)
    assert found["mean cosine"] == pytest.approx(math.sqrt(0.5))


def test_determinism_finds_what_depends_on_call_batch_name_and_fit() -> None:
    events = log({f"u{n}": views("ab" * (n % 3 + 1)) for n in range(30)})
    names = ("encoded twice", "encoded alone", "encoded in another order", "fitted twice")
    assert figures(refits.DETERMINISM, trial(events, length())) == dict.fromkeys(names, 0.0)

    calls = iter(range(1000))

    class Counting:
        def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
            return np.full((events["user_key"].nunique(), 2), next(calls), dtype=np.float32)

    class Batch:
        def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
            users = events["user_key"].nunique()
            return np.full((users, 2), users, dtype=np.float32)

    assert figures(refits.DETERMINISM, trial(events, Counting()))["encoded twice"] > 0
    batch = figures(refits.DETERMINISM, trial(events, Batch()))
    assert batch == {**dict.fromkeys(names, 0.0), "encoded alone": 29.0}
    named = figures(refits.DETERMINISM, trial(events, Encoder(lambda user, journey: [user.startswith("u")])))
    assert named == {**dict.fromkeys(names, 0.0), "encoded in another order": 1.0}

    fits = iter(range(1000))

    def fit(events: pd.DataFrame, seed: int) -> Encoder:
        number = next(fits)
        return Encoder(lambda user, journey: [number])

    assert figures(refits.DETERMINISM, trial(events, fit(events, 0), method=fit))["fitted twice"] == 1.0


def test_a_costly_method_is_fitted_again_on_few_users() -> None:
    events, _ = shop(300)
    fitted_on = []

    def fit(events: pd.DataFrame, seed: int) -> Encoder:
        fitted_on.append((events["user_key"].nunique(), seed))
        return constant()

    refits.DETERMINISM.run(trial(events, constant(), method=fit, costly=True))
    assert fitted_on == [(200, 0), (200, 0)]
