"""Splits: fixed for good, disjoint, the same in any process, and blind to what comes after T."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from beha2vec_core.evaluation.splits import DAY, user_hash
from tests.benchmarks.splits import is_locked, locked_split, repeated_splits, temporal_split
from tests.benchmarks.tasks import horizon
from tests.evaluation.task_world import constant, log, trial


def world(users: int = 200, days: int = 90, visits: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    journeys = {}
    for number in range(users):
        at = np.sort(rng.uniform(0, days * 86_400, visits))
        journeys[f"u{number}"] = [(float(moment), "page_view", f"p/{step}") for step, moment in enumerate(at)]
    return log(journeys)


def test_hashes_never_change() -> None:
    # sha256 of "\x1fu0" begins c1aaaa6c; whoever changes these moves the locked fifth, and all tables with it
    assert [user_hash(user) for user in ("u0", "u1", "u2", "u3")] == [3249187436, 2989032471, 2329715168, 1590386444]
    assert user_hash("u0", "repeat 0") == 3896950206
    users = pd.Series([f"u{number}" for number in range(20)])
    assert users[is_locked(users)].tolist() == ["u7", "u13", "u14", "u19"]


def test_a_fifth_is_locked_and_no_tuning_split_touches_it() -> None:
    events = world(1000, visits=1)
    locked = set(events.loc[is_locked(events["user_key"]), "user_key"])
    assert 0.17 < len(locked) / 1000 < 0.23
    splits = repeated_splits(events)
    assert [split.repeat for split in splits] == list(range(20))
    for split in splits:
        fit, judged = set(split.fit["user_key"]), set(split.judged["user_key"])
        assert not fit & judged and not (fit | judged) & locked
        assert len(fit | judged) == 1000 - len(locked)
        assert 0.65 < len(fit) / (1000 - len(locked)) < 0.75
    assert len({frozenset(split.fit["user_key"]) for split in splits}) == 20
    final = locked_split(events)
    assert set(final.judged["user_key"]) == locked and not set(final.fit["user_key"]) & locked


def test_splits_are_the_same_in_another_process() -> None:
    script = (
        "from beha2vec_core.evaluation.splits import user_hash; "
        "print([user_hash(f'u{n}', f'repeat {n}') for n in range(50)])"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1] == f"{[user_hash(f'u{n}', f'repeat {n}') for n in range(50)]}\n"


@pytest.mark.parametrize("locked", [False, True])
def test_a_split_in_time_is_fitted_on_what_was_before(locked: bool) -> None:
    events = world()
    split = temporal_split(events, locked=locked)
    assert split.cut == events["event_timestamp"].max() + 1 - 28 * DAY
    assert (split.fit["event_timestamp"] < split.cut).all()
    assert not is_locked(split.fit["user_key"]).any()
    assert (is_locked(split.judged["user_key"]) == locked).all()
    before = split.judged[split.judged["event_timestamp"] < split.cut]
    assert set(before["user_key"]) == set(split.judged["user_key"])  # nobody is judged who was not there yet


def test_what_happens_after_t_reaches_neither_fit_nor_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizon, "PROBES", 1)
    events = world()
    split = temporal_split(events)
    assert split.cut is not None
    later = events["event_timestamp"] >= split.cut
    last = events["event_timestamp"].idxmax()  # T hangs on the last moment of the log alone
    changed = events.assign(
        page=events["page"].mask(later, "changed"),
        event_name=events["event_name"].mask(later, "purchase"),
        is_purchase=later,
        is_conversion=later,
    ).drop(index=events.index[later & (np.arange(len(events)) % 2 == 0) & (events.index != last)])
    other = temporal_split(changed)
    assert other.cut == split.cut
    pd.testing.assert_frame_equal(split.fit, other.fit)
    seen = []
    for which in (split, other):
        encoder = constant()
        horizon.TASK.run(trial(which.judged, encoder, cut=which.cut))
        seen.append(encoder.seen)
    assert len(seen[0]) == len(seen[1]) == 1
    pd.testing.assert_frame_equal(seen[0][0], seen[1][0])
    assert (seen[0][0]["event_timestamp"] < split.cut).all()


def test_too_short_a_log_has_no_split_in_time() -> None:
    with pytest.raises(ValueError, match="56 days"):
        temporal_split(world(days=40))
