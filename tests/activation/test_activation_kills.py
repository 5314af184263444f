"""Processes that are killed at random moments: nobody without consent is sent, and the ledger stays true."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import sqlite3
import time
from collections import defaultdict
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.activation.ledger import read_ledger
from beha2vec_core.activation.run import plan_and_send
from beha2vec_core.settings import Settings
from tests.activation.activation_world import change, client_id, in_file, make_folder, may_be_contacted, new_device
from tests.activation.sender import CONSENTED, LIST, destination, send
from tests.activation.services import Reply, Request, Service, hashes_of, in_list, received, served

_PROCESSES = multiprocessing.get_context("forkserver")
_USERS = {"webhook": 1400}  # the limit is 500 users: after any number of nights more than those differ
_MANY = 120
# so long takes an answer: a kill is likely to come before it
_HANG = {"ga4": 0.02, "webhook": 0.3, "data_manager": 0.3}
_ANSWER = json.dumps({"requestId": "r-1", "requestStatusPerDestination": [{"requestStatus": "SUCCESS"}]}).encode()


def _email(n: int) -> str:
    return f"u{n:04}@example.com"


_HASHES = {hashlib.sha256(_email(n).encode()).hexdigest(): f"u{n:04}" for n in range(_MANY)}


def _flip(settings: Settings, dice: random.Random, number: int, users: int) -> None:
    """Some users give their consent, others withdraw it, and three come with a new device; then comes a night."""
    for n in dice.sample(range(users), 3):
        new_device(settings, f"u{n:04}", f"1000{n}.{number}")
    some = ", ".join(f"'u{n:04}'" for n in dice.sample(range(users), 25 if users == _MANY else users // 2))
    change(
        settings,
        f"update ga4.dim_ga4__users set is_ads_consented = not is_ads_consented where user_key in ({some})",
        CONSENTED,
    )


def _sends(folder: Path) -> int:
    """How many sends have begun."""
    path = folder / "data" / "activation.sqlite"
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
        return int(ledger.execute("select count(*) from sends").fetchone()[0])
    return 0  # it is not made yet


def _killed(folder: Path, kind: str, address: str, seconds: float, *, after_the_plan: bool) -> bool:
    """Start to send, and end it so long after its start or its plan; whether it was in the middle of it."""
    before = _sends(folder)
    process = _PROCESSES.Process(target=send, args=(str(folder), kind, address))
    process.start()
    while after_the_plan and process.is_alive() and _sends(folder) == before:
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    process.join()
    with read_ledger(folder / "data" / "activation.sqlite") as ledger:
        query = "select 1 from changes where state in ('planned', 'sending') limit 1"
        return bool(ledger._connection.execute(query).fetchall())


def _owner(device: str) -> str:
    """The user of a device; see `client_id`."""
    return f"u{int(device.partition('.')[0].removeprefix('1000')):04}"


def _entered(request: Request) -> set[str]:
    body = request.body
    if "users" in body:
        return {row["user_key"] for row in body["users"] if row["change"] != "leave"}
    if "audienceMembers" in body:
        return set() if request.path.endswith(":remove") else {_HASHES[one] for one in hashes_of(request)}
    is_in = body["user_properties"]["b2v_consented"]["value"] == "in"
    return {_owner(body["client_id"])} if is_in else set()


def _there(kind: str, folder: Path, service: Service) -> set[str]:
    """The users at a destination that is a set."""
    if kind == "webhook":
        return received(service).members
    if kind == "data_manager":
        return {_HASHES[one] for one in in_list(service)}
    if kind == "files":
        return in_file(folder / "lists" / "consented.csv")
    if kind == "ads_file":
        uploaded = (folder / "lists" / f"{LIST}.csv").read_text().split()[1:]
        users = in_file(folder / "lists" / f"{LIST}.members.csv")
        assert {_HASHES[row.rstrip(",")] for row in uploaded} == users
        return users
    query = "select user_key from crm.members where audience = 'consented'"
    with duckdb.connect(str(folder / f"{kind}.duckdb"), read_only=True) as connection:
        return {key for (key,) in connection.execute(query).fetchall()}


def _allowed(settings: Settings, kind: str) -> set[str]:
    allowed = may_be_contacted(settings, "consented")
    has_contact = kind not in ("data_manager", "ads_file")
    return {key for key in allowed if has_contact or int(key[1:]) % 3 == 0}  # who logged in


def _assert_kills_lose_and_repeat_nothing(tmp_path: Path, kind: str, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    _PROCESSES.set_forkserver_preload(["tests.activation.sender"])
    users = _USERS.get(kind, _MANY)
    settings = make_folder(tmp_path, CONSENTED, users=users)
    contacts = [f"login-u{n:04},{_email(n)}" for n in range(0, users, 3)]
    (tmp_path / "contacts.csv").write_text("\n".join(["user_id,email", *contacts]))
    in_the_middle = 0
    with served(usual=Reply(200, body=_ANSWER, hang=_HANG.get(kind, 0))) as service:
        for number in range(kills + 1):
            if number:
                _flip(settings, dice, number, users)
            allowed = _allowed(settings, kind)
            before = len(service.taken)
            if number < kills:
                anchored = number % 2 == 1
                seconds = dice.uniform(0, 0.15) if anchored else dice.uniform(0.1, 0.8)
                in_the_middle += _killed(tmp_path, kind, service.address, seconds, after_the_plan=anchored)
                service.read_all()
            else:
                _, report = plan_and_send(settings, CONSENTED, destination(kind, service.address, tmp_path))
                assert report.is_complete
            requests = (one for one in service.taken[before:] if one.method == "POST")
            assert set().union(*map(_entered, requests)) <= allowed, "no consent, or in the hold-out"
        assert in_the_middle
        assert len(allowed) > 10
        if kind == "ga4":
            _check_ga4(settings, service, kills)
        else:
            assert _there(kind, tmp_path, service) == allowed
        if kind == "webhook":
            assert max(len(request.body["users"]) for request in service.requests) == 500


def _check_ga4(settings: Settings, service: Service, kills: int) -> None:
    """Each state once: what the server took is what the ledger says, without some of those whose answer was lost."""
    allowed = may_be_contacted(settings, "consented")
    states: dict[str, list[str]] = defaultdict(list)
    for request in service.taken:
        states[request.body["client_id"]].append(request.body["user_properties"]["b2v_consented"]["value"])
    last = {client: said[-1] for client, said in states.items()}
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
    settings = make_folder(tmp_path, CONSENTED, users=_MANY)
    allowed = {client_id(int(key[1:])) for key in may_be_contacted(settings, "consented")}
    with served(replies=[Reply(), Reply(), Reply(hang=600)]) as service:
        process = _PROCESSES.Process(target=send, args=(str(tmp_path), "ga4", service.address))
        process.start()
        while len(service.requests) < 3:
            assert process.is_alive(), "the send ended by itself"
            time.sleep(0.01)
        process.kill()
        process.join()
        plan, report = plan_and_send(settings, CONSENTED, destination("ga4", service.address, tmp_path))
        assert report.is_complete and plan.unchanged == 3 and len(plan.changes) == len(allowed) - 3
        assert sorted(request.body["client_id"] for request in service.taken) == sorted(allowed), "each of them once"
    outcomes = [outcome for said in _written(settings).values() for _, outcome in said]
    assert outcomes.count("unknown") == 1


@pytest.mark.parametrize("kind", ["ga4", "files"])
def test_kills(tmp_path: Path, kind: str) -> None:
    _assert_kills_lose_and_repeat_nothing(tmp_path, kind, kills=8 if kind == "ga4" else 4, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ga4", "webhook", "files", "data_manager", "ads_file", "bigquery", "dlt"])
def test_many_kills(tmp_path: Path, kind: str) -> None:
    _assert_kills_lose_and_repeat_nothing(tmp_path, kind, kills=25, seed=2)
