"""What comes next: by hand, whatever the data, and beside each part alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from beha2vec_core.encoder.next_step.counts import PRIOR, Followers, popularity
from beha2vec_core.encoder.next_step.features import PageTree
from beha2vec_core.encoder.next_step.loglinear import Choices, fit_weights, log_probabilities
from beha2vec_core.encoder.next_step.model import BLEND, PRODUCT, Head, NextStep, first_largest
from beha2vec_core.encoder.next_step.moments import Moments, last_moments, past_moments
from beha2vec_core.encoder.next_step.unknown import share_seen_before, unknown_values, with_unknown
from beha2vec_core.encoder.vocabulary import Vocabulary
from beha2vec_core.events.sequences import Sequences, build_sequences

PAGES = ("shop/a", "shop/b", "shop/c", "help")
NAMES = ("page_view", "click")
VOCABULARIES = {"page": Vocabulary(PAGES, 4), "event_name": Vocabulary(NAMES, 4)}
OTHER = len(PAGES)

Events = list[tuple[str, int, str, str]]


def read(events: Events) -> Sequences:
    return build_sequences(pd.DataFrame(events, columns=["user_key", "event_timestamp", "event_name", "page"]))


def visits(histories: list[list[str]]) -> Sequences:
    """A page view a second."""
    return read(
        [(f"u{u:05d}", s, "page_view", page) for u, pages in enumerate(histories) for s, page in enumerate(pages)]
    )


def past(sequences: Sequences) -> Moments:
    return past_moments(sequences, VOCABULARIES, "page")


def last(sequences: Sequences) -> Moments:
    return last_moments(sequences, VOCABULARIES, "page")


def even(moments: Moments) -> npt.NDArray[np.float32]:
    """What a network says that knows nothing."""
    return np.full((len(moments), moments.size + 1), 1 / (moments.size + 1), dtype=np.float32)


KNOWS_NOTHING = Head(torch.clone, torch.zeros(OTHER + 1, 1), torch.zeros(OTHER + 1), 1)


def fit(sequences: Sequences, held_out: Sequences) -> NextStep:
    judged = past(held_out)
    return NextStep.fit(past(sequences), judged, even(judged), PAGES)


@pytest.fixture(scope="module")
def model() -> NextStep:
    return fit(visits(planted(200, seed=0)), visits(planted(40, seed=1)))


def planted(users: int, seed: int) -> list[list[str]]:
    """After a mostly b, after b mostly c, and each user has a page of his own that he comes back to."""
    rng = np.random.default_rng(seed)
    follows = {"shop/a": "shop/b", "shop/b": "shop/c"}
    found = []
    for _ in range(users):
        own = str(rng.choice(PAGES))
        pages = [own]
        for _ in range(int(rng.integers(1, 8))):
            pages.append(follows.get(pages[-1], own) if rng.random() < 0.8 else str(rng.choice(PAGES)))
        found.append(pages)
    return found


def test_moments_by_hand() -> None:
    sequences = read([
        ("x", 1, "page_view", "shop/a"), ("x", 1, "click", "shop/a"), ("x", 2, "click", "shop/b"),
        ("x", 3, "page_view", "new"), ("x", 4, "page_view", "help"), ("x", 5, "click", "help"),
        ("y", 1, "click", "help"),
    ])  # fmt: skip
    moments = past(sequences)
    # after instant 1, after 2 (both wait for the view of 3), after 3; nothing is viewed after 4, 5 and by y
    assert moments.truth.tolist() == [OTHER, OTHER, 3] and moments.user.tolist() == [0, 0, 0]
    assert moments.row.tolist() == [1, 2, 3]
    histories = [moments.values[a:b].tolist() for a, b in zip(moments.starts, moments.ends, strict=True)]
    assert histories == [[0], [0], [0, OTHER]]
    assert moments.back(1).tolist() == [0, 0, OTHER] and moments.back(2).tolist() == [OTHER + 1, OTHER + 1, 0]
    assert moments.event_page.tolist() == [OTHER, 1, OTHER]

    ends = last(sequences)
    assert ends.row.tolist() == [5, 6] and ends.back(1).tolist() == [3, OTHER + 1] and len(ends.truth) == 0

    names = past_moments(sequences, VOCABULARIES, "event_name")
    # of an instant's events the first in order of their names comes; after it all of them are known
    assert names.row.tolist() == [1, 2, 3, 4] and names.truth.tolist() == [1, 0, 0, 1]


def test_unknown_values_by_hand() -> None:
    histories = visits([["new", "shop/a", "newer", "new"], ["help"], ["shop/b", "newer"]])
    unknown = unknown_values(histories, VOCABULARIES["page"], "page")
    names = [histories.text["page"].values[code] for code in unknown.code]
    assert list(zip(unknown.user.tolist(), names, strict=True)) == [(0, "new"), (0, "newer"), (2, "newer")]
    np.testing.assert_allclose(unknown.share, [1.25 / 1.75, 0.5 / 1.75, 1])
    known = np.array([[0, 1], [3, 2], [1, 0]]), np.array([[0.3, 0.2], [0.6, 0.1], [0.5, 0.1]])
    places, likely = with_unknown(*known, np.array([0.35, 0.3, 0.4]), unknown, OTHER)
    new, newer = (OTHER + code for code in unknown.code[:2].tolist())
    assert places.tolist() == [[0, new], [3, 2], [1, newer]]
    np.testing.assert_allclose(likely, [[0.3, 0.25], [0.6, 0.1], [0.5, 0.4]])
    # of one user only are a, b (twice each) and c: after the first of them b, a, a and b came, three of them again
    seen = visits([["a", "b", "both", "a", "a", "b"], ["c", "both"]])
    assert share_seen_before(seen, "page") == pytest.approx((3 + 1) / (4 + 2))


def test_followers_and_lift_by_hand() -> None:
    states, truth = np.array([7, 5, 7, 7]), np.array([2, 0, 2, 1])
    followers = Followers.count(states, truth)
    assert followers.states.tolist() == [5, 7] and followers.starts.tolist() == [0, 1, 3]
    assert followers.values.tolist() == [0, 1, 2] and followers.counts.tolist() == [1, 1, 2]
    shares = popularity(truth, 2)
    np.testing.assert_allclose(shares, np.array([1.5, 1.5, 2.5]) / 5.5)
    rows, values, amounts = followers.lift(np.array([6, 7, 5]), shares).written_out()
    assert rows.tolist() == [1, 1, 2] and values.tolist() == [1, 2, 0]
    np.testing.assert_allclose(amounts[1], np.log(1 + 2 / (PRIOR * 2.5 / 5.5)))
    # at weight 1 beside log popularity: the share after the state, smoothed by popularity
    lifted = np.log(shares)[None] + np.array([[0, amounts[0], amounts[1]]])
    smoothed = (np.array([0, 1, 2]) + PRIOR * shares) / (3 + PRIOR)
    np.testing.assert_allclose(np.exp(lifted[0]) / np.exp(lifted[0]).sum(), smoothed)


def test_page_tree_by_hand() -> None:
    tree = PageTree.of(["h/x", "h/x/one", "h/x/two", "h/x/one/deep"])
    found = tree.relations(np.array([1, 4]))
    pairs = {
        name: sorted(zip(*(part.tolist() for part in listed.written_out()[:2]), strict=True))
        for name, listed in found.items()
    }
    assert pairs["below"] == [(0, 3)] and pairs["above"] == [(0, 0)] and pairs["beside"] == [(0, 1), (0, 2)]
    assert pairs["same section"] == [(0, 1), (0, 3)]


def test_weights_are_those_of_most_likelihood() -> None:
    """One feature, 1 at the first of two values: chosen 300 of 400 times, it weighs log 3, less by the prior."""
    truth = np.repeat([0, 1], [300, 100])
    choices = Choices([np.array([1.0, 0.0])], truth, np.ones(400), 2)
    (weight,) = fit_weights([choices], np.zeros(1))
    assert weight == pytest.approx(np.log(3), abs=0.05)
    gradient = 300 - 400 / (1 + np.exp(-weight)) - 2 * weight
    assert abs(gradient) < 0.01
    assert fit_weights([], np.array([0.7])).tolist() == [0.7]


pages = st.sampled_from([*PAGES, "new", "newer"])
journeys = st.lists(
    st.lists(st.tuples(st.sampled_from([*NAMES, "scroll"]), pages, st.integers(0, 2)), min_size=1, max_size=6),
    min_size=1,
    max_size=6,
)


def journey_sequences(found: list[list[tuple[str, str, int]]]) -> Sequences:
    events = []
    for user, journey in enumerate(found):
        times = np.cumsum([gap for *_, gap in journey]).tolist()
        events += [(f"u{user}", time, name, page) for (name, page, _), time in zip(journey, times, strict=True)]
    return read(events)


@given(journeys)
@settings(max_examples=60)
def test_probabilities_hold_for_any_history_and_do_not_depend_on_other_users(
    model: NextStep, found: list[list[tuple[str, str, int]]]
) -> None:
    sequences = journey_sequences(found)
    moments = last(sequences)
    p = model.probabilities(moments, even(moments))
    assert p.shape == (len(sequences), OTHER + 1) and ((p > 0) & (p < 1)).all()
    np.testing.assert_allclose(p.sum(1), 1)
    for user in range(len(sequences)):
        alone = last(sequences.select(np.array([user])))
        np.testing.assert_array_equal(model.probabilities(alone, even(alone))[0], p[user])
    values, likely, other = model.most_likely(moments, torch.zeros(len(moments), 1), KNOWS_NOTHING, 3)
    np.testing.assert_allclose(other, model.seen_before * p[:, -1], rtol=1e-4)
    np.testing.assert_allclose(likely, np.take_along_axis(p, values, axis=1), rtol=1e-4)
    np.testing.assert_allclose(likely, -np.sort(-p[:, :-1], axis=1)[:, :3], rtol=1e-4)
    assert values.max() < OTHER


@pytest.mark.parametrize("months", [1, 30], ids=["one month", "many months"])
def test_of_many_pages_the_most_likely_are_found_as_if_all_were_compared(months: int) -> None:
    rng = np.random.default_rng(0)
    many = tuple(f"shop/{i % 9}/{i}" for i in range(PRODUCT + 77))
    pages = rng.choice(len(many), (100, 4), p=(share := 1 / np.arange(1, len(many) + 1)) / share.sum())
    start = rng.integers(0, months, 100) * 31 * 86_400_000_000
    events = [
        (f"u{user:05d}", int(start[user]) + second, "page_view", many[page])
        for user, viewed in enumerate(pages)
        for second, page in enumerate(viewed)
    ]
    sequences, vocabularies = read(events), VOCABULARIES | {"page": Vocabulary(many, 4)}
    states = torch.from_numpy(rng.normal(size=(100, 8)).astype(np.float32))
    weight, bias = (torch.from_numpy(rng.normal(size=(4 + len(many), n)).astype(np.float32)) for n in (8, 1))
    head = Head(torch.tanh, weight, bias[:, 0], 4)
    logits = torch.tanh(states) @ head.weight.T + head.bias
    network = logits.softmax(1).numpy()
    network = np.concatenate((network[:, 4:], network[:, :4].sum(1, keepdims=True)), axis=1)

    past = past_moments(sequences, vocabularies, "page")
    fitted = NextStep.fit(past, past.select(np.arange(0)), network[:0], many)
    moments = last_moments(sequences, vocabularies, "page")
    wanted = fitted.probabilities(moments, network)[:, :-1]
    values, likely, _ = fitted.most_likely(moments, states, head, 10)
    np.testing.assert_allclose(likely, -np.sort(-wanted, axis=1)[:, :10], rtol=1e-4)
    np.testing.assert_allclose(np.take_along_axis(wanted, values, axis=1), likely, rtol=1e-4)
    assert all(len(set(found)) == 10 for found in values.tolist())


def test_of_equally_likely_values_the_first_stands_first() -> None:
    scores = torch.tensor([[0.0, 2, 1, 1, 1, 2], [3, 3, 3, 3, 3, 3], [0, torch.nan, 0, 0, 1, 0]])
    assert first_largest(scores, 3).tolist() == [[1, 5, 2], [0, 1, 2], [4, 0, 2]]


@given(journeys)
@settings(max_examples=30)
def test_any_journeys_can_be_learned_from(found: list[list[tuple[str, str, int]]]) -> None:
    sequences = journey_sequences(found)
    for target, values in (("page", PAGES), ("event_name", None)):
        moments = past_moments(sequences, VOCABULARIES, target)  # type: ignore[arg-type]
        fitted = NextStep.fit(moments, moments, even(moments), values)
        ends = last_moments(sequences, VOCABULARIES, target)  # type: ignore[arg-type]
        assert np.isfinite(fitted.probabilities(ends, even(ends))).all()


def test_saved_and_loaded_it_gives_the_same_bits_and_so_does_a_second_fit(model: NextStep) -> None:
    moments = last(visits(planted(20, seed=3)))
    wanted = model.probabilities(moments, even(moments))
    arrays = model.to_arrays()
    again = NextStep.from_arrays(dict(reversed(arrays.items())), PAGES)
    np.testing.assert_array_equal(again.probabilities(moments, even(moments)), wanted)
    assert all(np.array_equal(value, arrays[name]) for name, value in again.to_arrays().items())
    twice = fit(visits(planted(200, seed=0)), visits(planted(40, seed=1)))
    np.testing.assert_array_equal(twice.probabilities(moments, even(moments)), wanted)


def test_nobody_held_out_leaves_the_blend_as_it_is(model: NextStep) -> None:
    nobody = past(visits([["shop/a"]]))
    assert len(nobody) == 0
    fitted = NextStep.fit(past(visits(planted(50, seed=0))), nobody, even(nobody), PAGES)
    assert fitted.blend.tolist() == BLEND.tolist()


def test_together_the_parts_do_better_than_each_alone(model: NextStep) -> None:
    """A network that knows what nobody counted: here, the truth in six of ten cases."""
    rng = np.random.default_rng(5)

    def hints(moments: Moments) -> npt.NDArray[np.float32]:
        told = np.where(rng.random(len(moments)) < 0.6, moments.truth, rng.integers(0, len(PAGES), len(moments)))
        p = np.full((len(moments), OTHER + 1), 0.08, dtype=np.float32)
        p[np.arange(len(moments)), told] = 0.68
        return p

    held_out, judged = past(visits(planted(60, seed=6))), past(visits(planted(300, seed=7)))
    fitted = NextStep.fit(past(visits(planted(200, seed=0))), held_out, hints(held_out), PAGES)
    network = hints(judged)

    def log_likelihood(p: npt.NDArray[np.floating]) -> float:
        return float(np.log(p[np.arange(len(judged)), judged.truth]).mean())

    together = log_likelihood(fitted.probabilities(judged, network))
    counts = log_likelihood(fitted.probabilities(judged))
    assert together > max(counts, log_likelihood(network)) + 0.1
    assert counts > log_likelihood(np.tile(fitted.popularity, (len(judged), 1))) + 0.3


def test_probabilities_are_what_comes_true() -> None:
    """Of a chain with one step of memory every probability is known."""
    rng = np.random.default_rng(4)
    chain = np.array([[0.1, 0.7, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25], [0.45, 0.05, 0.45, 0.05], [0.1, 0.2, 0.3, 0.4]])

    def walks(users: int) -> Sequences:
        found = [[int(rng.integers(4))] for _ in range(users)]
        for walk in found:
            for _ in range(int(rng.integers(1, 8))):
                walk.append(int(rng.choice(4, p=chain[walk[-1]])))
        return visits([[PAGES[page] for page in walk] for walk in found])

    fitted, judged = fit(walks(1_000), walks(150)), past(walks(200))
    error = np.abs(fitted.probabilities(judged, even(judged))[:, :-1] - chain[judged.back(1)])
    assert error.mean() < 0.04 and np.quantile(error, 0.95) < 0.15


def test_a_log_softmax_by_hand() -> None:
    sparse = (np.array([0]), np.array([1]), np.array([2.0]))
    found = log_probabilities([np.array([1.0, 0.0]), sparse], np.array([1.0, 0.5]), (2, 2))
    np.testing.assert_allclose(np.exp(found), [[0.5, 0.5], [np.e / (1 + np.e), 1 / (1 + np.e)]])
