"""Processes that are killed at random moments: nobody without consent is sent, and the ledger stays true."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import time
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from beha2vec_core.activation.ga4 import problems_of
from beha2vec_core.activation.ledger import read_ledger
from beha2vec_core.activation.run import plan_and_send
from beha2vec_core.settings import Settings
from tests.activation.activation_world import change, client_id, in_file, make_folder, may_be_contacted, new_device
from tests.activation.sender import CONSENTED, destination, send
from tests.activation.services import Reply, Service, received, served

_PROCESSES = multiprocessing.get_context("forkserver")
_USERS = 120
# so long takes an answer: a kill is likely to come before it
_HANG = {"ga4": 0.02, "webhook": 0.3, "files": 0}


def _flip(settings: Settings, dice: random.Random, number: int) -> None:
    """Some users give their consent, others withdraw it, and three come with a new device; then comes a night."""
    for n in dice.sample(range(_USERS), 3):
        new_device(settings, f"u{n:04}", f"1000{n}.{number}")
    users = ", ".join(f"'u{n:04}'" for n in dice.sample(range(_USERS), 25))
    change(
        settings,
        f"update ga4.dim_ga4__users set is_ads_consented = not is_ads_consented where user_key in ({users})",
        CONSENTED,
    )


def _killed(folder: Path, kind: str, service: Service, seconds: float, *, after_a_request: bool) -> bool:
    """Start to send, and end it so long after its start or its first request; whether it was in the middle of it."""
    before = len(service.requests)
    process = _PROCESSES.Process(target=send, args=(str(folder), kind, service.address))
    process.start()
    while after_a_request and process.is_alive() and len(service.requests) == before:
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    process.join()
    with read_ledger(folder / "data" / "activation.sqlite") as ledger:
        return ledger.is_unfinished()


def _owner(device: str) -> str:
    """The user of a device; see `client_id`."""
    return f"u{int(device.partition('.')[0].removeprefix('1000')):04}"


def _entered(kind: str, request: object) -> set[str]:
    body = request.body  # type: ignore[attr-defined]
    if kind == "ga4":
        return {body["client_id"]} if body["user_properties"]["b2v_consented"]["value"] == "in" else set()
    return {row["client_id"] for row in body["users"] if row["change"] != "leave"}


def _assert_kills_lose_and_repeat_nothing(tmp_path: Path, kind: str, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    _PROCESSES.set_forkserver_preload(["tests.activation.sender"])
    settings = make_folder(tmp_path, CONSENTED, users=_USERS)
    in_the_middle = 0
    with served(usual=Reply(hang=_HANG[kind])) as service:
        for number in range(kills + 1):
            if number:
                _flip(settings, dice, number)
            allowed = may_be_contacted(settings, "consented")
            before = len(service.taken)
            if number < kills:
                anchored = number % 2 == 1 and kind != "files"
                seconds = dice.uniform(0, 0.15) if anchored else dice.uniform(0.1, 0.8)
                in_the_middle += _killed(tmp_path, kind, service, seconds, after_a_request=anchored)
                time.sleep(0.05)  # the server may still read what the process wrote
            else:
                _, report = plan_and_send(settings, CONSENTED, destination(kind, service.address, tmp_path))
                assert report.is_complete
            entered = set().union(*(_entered(kind, request) for request in service.taken[before:]))
            assert {_owner(device) for device in entered} <= allowed, "no consent, or in the hold-out"
        assert kind == "files" or in_the_middle
        _check_the_end(tmp_path, settings, kind, service, kills)


def _check_the_end(folder: Path, settings: Settings, kind: str, service: Service, kills: int) -> None:
    allowed = may_be_contacted(settings, "consented")
    assert len(allowed) > 20
    if kind == "files":
        assert in_file(folder / "lists" / "consented.csv") == allowed
        return
    if kind == "webhook":
        assert all(len(request.body["users"]) <= 500 for request in service.requests)
        assert received(service).members == allowed
        return
    assert all(problems_of(request.body) == [] for request in service.requests)
    states: dict[str, list[str]] = defaultdict(list)
    for request in service.taken:
        states[request.body["client_id"]].append(request.body["user_properties"]["b2v_consented"]["value"])
    last = {client: said[-1] for client, said in states.items()}
    # each state once: what the server took is what the ledger says, without some of those whose answer was lost
    for client, written in _written(settings).items():
        assert all(one != other for (one, _), (other, _) in pairwise(written)), f"{client} twice: {written}"
        taken = states.pop(client, [])
        # how many of those taken are accounted for: a lost answer was for one of them, or for none
        accounted = {0}
        for state, outcome in written:
            matched = {place + 1 for place in accounted if taken[place : place + 1] == [state]}
            accounted = matched | (accounted if outcome == "unknown" else set())
        assert len(taken) in accounted, f"{client} received {taken}, and the ledger says {written}"
    assert not states, "the ledger knows everybody who was sent"
    with read_ledger(settings.storage.ledger_path) as ledger:
        known = ledger.believed("ga4", "consented")
    unsure = {device for device, one in known.items() if not one.is_certain}
    assert len(unsure) <= kills
    there = {client for client, said in last.items() if said == "in"}
    assert {_owner(device) for device in there - unsure} <= allowed, "with every device"
    assert allowed <= {_owner(device) for device in there | unsure}


def _written(settings: Settings) -> dict[str, list[tuple[str, str]]]:
    """What the ledger says was sent of each device, in order: the state, and the outcome."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with closing(sqlite3.connect(settings.storage.ledger_path)) as ledger:
        for client, kind, outcome in ledger.execute(
            "select user_pseudo_id, kind, state from changes order by change_id"
        ).fetchall():
            found[client].append(("out" if kind == "leave" else "in", outcome))
    return found


def test_a_kill_between_a_request_and_its_answer(tmp_path: Path) -> None:
    _PROCESSES.set_forkserver_preload(["tests.activation.sender"])
    settings = make_folder(tmp_path, CONSENTED, users=_USERS)
    allowed = {client_id(int(key[1:])) for key in may_be_contacted(settings, "consented")}
    with served(replies=[Reply(), Reply(), Reply(hang=3)]) as service:
        process = _PROCESSES.Process(target=send, args=(str(tmp_path), "ga4", service.address))
        process.start()
        while len(service.requests) < 3:
            time.sleep(0.01)
        process.kill()
        process.join()
        plan, report = plan_and_send(settings, CONSENTED, destination("ga4", service.address, tmp_path))
        assert report.is_complete and plan.unchanged == 3 and len(plan.changes) == len(allowed) - 3
        assert sorted(request.body["client_id"] for request in service.taken) == sorted(allowed), "each of them once"
    outcomes = [outcome for said in _written(settings).values() for _, outcome in said]
    assert outcomes.count("unknown") == 1


@pytest.mark.parametrize("kind", ["ga4", "webhook", "files"])
def test_kills(tmp_path: Path, kind: str) -> None:
    _assert_kills_lose_and_repeat_nothing(tmp_path, kind, kills=8 if kind == "ga4" else 4, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ga4", "webhook", "files"])
def test_many_kills(tmp_path: Path, kind: str) -> None:
    _assert_kills_lose_and_repeat_nothing(tmp_path, kind, kills=50, seed=2)
