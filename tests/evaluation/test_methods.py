"""What every method must keep to, whatever it is."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from beha2vec_core import EncoderConfig, TrainConfig
from beha2vec_core.evaluation.methods import Encodes, RanksNext
from tests.benchmarks.rivals import METHODS, coles, ours
from tests.benchmarks.rivals.ours import _fits, untrained
from tests.evaluation.methods_world import log, only, small_log

SMALL = EncoderConfig(dim=16, layers=1, heads=2, max_length=16)
QUICK = TrainConfig(epochs=1, device="cpu")
FAST = {**METHODS, **ours(SMALL, QUICK), "ours, untrained": untrained(SMALL)}
RANKING = ("popular", "own history", "Markov", "Markov mix", "V-SkNN", "ours")
# fits are shared by the tests of a process
pytestmark = pytest.mark.xdist_group("methods")


@cache
def fitted(name: str, seed: int = 0) -> Any:
    try:
        return FAST[name].fit(small_log(30), seed)
    except coles.MethodUnavailable as reason:
        pytest.skip(str(reason))


def vector_methods() -> list[Any]:
    names = [name for name in FAST if name not in RANKING or name == "ours"]
    # what is like another one, and takes long
    slow = {"CoLES", "RFM, then ours, fine-tuned", "prototype", "prototype, untrained", "Doc2Vec"}
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ()) for name in names]


each_vector_method = pytest.mark.parametrize("name", vector_methods())
each_ranking = pytest.mark.parametrize("name", RANKING)


def test_methods_are_named_as_they_say() -> None:
    assert all(name == method.name for name, method in METHODS.items())
    assert next(iter(METHODS)) == "length"
    assert {method.group for method in METHODS.values()} == {"floor", "peer", "ours"}


def test_naming_the_methods_loads_nothing_heavy() -> None:
    code = "import sys, tests.benchmarks.rivals; print({'torch', 'gensim', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@each_vector_method
def test_a_row_a_user_in_sorted_order_whatever_the_order_of_the_rows(name: str) -> None:
    method, events = fitted(name), small_log(30, seed=1)
    vectors = method.encode(events)
    assert isinstance(method, Encodes)
    assert vectors.dtype == np.float32 and vectors.ndim == 2 and np.isfinite(vectors).all()
    assert len(vectors) == events["user_key"].nunique()
    shuffled = events.sample(frac=1, random_state=0).sort_values("event_timestamp", kind="stable")
    np.testing.assert_array_equal(method.encode(shuffled), vectors)
    assert len(np.unique(vectors.round(4), axis=0)) > 3, "users differ"


@each_vector_method
def test_a_user_has_the_same_vector_alone(name: str) -> None:
    method, events = fitted(name), small_log(30, seed=1)
    together = dict(zip(sorted(events["user_key"].unique()), method.encode(events), strict=True))
    for users in (["u000"], ["u007", "u009"], ["u003", "u004", "u005", "u020"]):
        alone = method.encode(only(events, users))
        np.testing.assert_allclose(alone, np.stack([together[user] for user in users]), atol=1e-5)


@each_vector_method
def test_the_same_seed_gives_the_same_vectors(name: str) -> None:
    events = small_log(30, seed=1)
    first = fitted(name).encode(events)
    _fits.clear()
    again = FAST[name].fit(small_log(30), 0)
    np.testing.assert_array_equal(again.encode(events), first)


@each_vector_method
def test_strange_users_have_vectors(name: str) -> None:
    events = log(
        ("one event", 0, "shop.example/hats/a"),
        ("unknown page", 0, "else.example/nowhere"),
        ("unknown page", 1, "else.example/never"),
        ("no page", 0, None, "app_open"),
        ("unknown event", 0, "shop.example/hats/a", "levitate"),
        ("view of no page", 0, None),
    )
    vectors = fitted(name).encode(events)
    assert vectors.shape[0] == 5 and np.isfinite(vectors).all()


@each_vector_method
def test_labels_are_not_read(name: str) -> None:
    events = small_log(20, seed=1)
    labelled = events.assign(session="s", section="x", is_page_view=True, is_conversion=True, is_purchase=True)
    np.testing.assert_array_equal(fitted(name).encode(labelled), fitted(name).encode(events))


@each_ranking
def test_ranks_are_distinct_known_values_best_first(name: str) -> None:
    method, events = fitted(name), small_log(30, seed=1)
    assert isinstance(method, RanksNext)
    known = small_log(30)
    for target in ("page", "event_name"):
        ranked = method.rank_next(events, target, 3)
        assert len(ranked) == events["user_key"].nunique()
        assert all(len(values) == len(set(values)) == 3 for values in ranked)
        values_of_user = events.groupby("user_key")[target].agg(set)
        for user, values in zip(sorted(events["user_key"].unique()), ranked, strict=True):
            assert set(values) <= set(known[target].dropna()) | values_of_user[user], user
        for user in ("u000", "u009"):
            assert method.rank_next(only(events, [user]), target, 3) == [ranked[int(user[1:])]]


@each_ranking
def test_ranks_of_strange_users(name: str) -> None:
    events = log(
        ("a", 0, "else.example/nowhere"), ("b", 0, None, "app_open"), ("c", 0, "shop.example/hats/a", "levitate")
    )
    for target in ("page", "event_name"):
        ranked = fitted(name).rank_next(events, target, 2)
        assert [len(values) for values in ranked] == [2, 2, 2]


@pytest.mark.parametrize(
    "name",
    [
        "recency-frequency-monetary",
        "rich counts",
        "mine",
        "RFM, then mine",
        pytest.param("RFM, then mine, fine-tuned", marks=pytest.mark.slow),
    ],
)
def test_vectors_as_of_a_moment_know_how_long_ago_things_happened(name: str) -> None:
    events = small_log(20)
    method = (METHODS | ours(SMALL, QUICK, "mine"))[name].fit(events, 0)
    last = int(events["event_timestamp"].max())
    soon, late = (method.encode_as_of(events, last + days * 86_400_000_000) for days in (0, 20))
    assert np.abs(late - soon).max(axis=1).min() > 1e-3


def test_rich_counts_without_a_moment_say_nothing_of_recency() -> None:
    """A constant beside the other columns would turn all rows of unit length to one side."""
    events = small_log(20)
    encoded = METHODS["rich counts"].fit(events, 0).encode(events)
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-5)


@pytest.mark.slow
def test_kinds_of_vectors_of_one_configuration_share_a_fit() -> None:
    _fits.clear()
    events = small_log(20)
    methods = list(ours(SMALL, QUICK, "mine").values())
    assert [method.name for method in methods] == [
        "mine",
        "mine, identity",
        "[mine ‖ rich counts]",
        "RFM, then mine",
        "RFM, then mine, fine-tuned",
    ]
    assert not any(method.has_fit(events, 0) for method in methods)
    behavior, identity, both, after_counts, tuned = (method.fit(events, 0) for method in methods)
    assert all(method.has_fit(events, 0) for method in methods), "the time of the next one says nothing"
    assert not methods[0].has_fit(events, 1)
    assert len(_fits) == 1 and behavior.encoder is identity.encoder
    assert both.encode(events).shape[1] > behavior.encode(events).shape[1]
    assert after_counts.counts == 3 and after_counts.encode(events).shape[1] == 3 + behavior.encode(events).shape[1]
    assert tuned.counts == 3 and tuned.encode(events).shape[1] == 3 + 6, "return and purchase in three horizons"
    methods[0].fit(events, 1)
    methods[0].fit(events.assign(page="another"), 0)
    assert len(_fits) == 3, "another seed or other events are another fit"


def test_the_untrained_encoder_has_not_moved() -> None:
    events = small_log(20)
    network = untrained(SMALL).fit(events, 0).encoder.network
    faster = replace(QUICK, learning_rate=1e-9, objectives={"next_event": 1.0})
    other = ours(SMALL, faster)["ours"].fit(events, 0).encoder.network
    for one, two in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_doc2vec_is_the_same_in_any_process() -> None:
    code = (
        "from tests.evaluation.methods_world import small_log; from tests.benchmarks.rivals import METHODS; "
        "print(METHODS['Doc2Vec'].fit(small_log(20), 0).encode(small_log(5, 1)).tobytes().hex())"
    )
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def test_coles_names_the_remedy_where_its_environment_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(coles.PYTHON_VARIABLE, "/nowhere/python")
    with pytest.raises(coles.MethodUnavailable, match=r"make \.venv-coles"):
        METHODS["CoLES"].fit(small_log(5), 0)


def test_coles_tells_what_its_process_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(coles.PYTHON_VARIABLE, sys.executable)
    with pytest.raises(coles.ColesError, match="No module named 'pytorch_lightning'"):
        METHODS["CoLES"].fit(small_log(5), 0)


@pytest.mark.slow
def test_coles_goes_on_after_a_failed_request() -> None:
    model: coles.Coles = fitted("CoLES")
    with pytest.raises(coles.ColesError, match="event_timestamp"):
        coles.Coles(model.folder).encode(small_log(5).assign(event_timestamp="soon"))
    assert np.isfinite(model.encode(small_log(5))).all()
