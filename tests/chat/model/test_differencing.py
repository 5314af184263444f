"""What is left out cannot be computed from what is sent: all users less those of the other clusters, in any form.

The attacker calls every tool, knows how numbers are rounded, but not the secret.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import duckdb
import pandas as pd
import pytest

from beha2vec_core.chat.model.tools import Toolbox
from beha2vec_core.insights.prompts import fact_as_data
from beha2vec_core.insights.sheet import fact_sheets
from beha2vec_core.mcp.server import make_toolbox
from beha2vec_core.profiles.facts import Part, combine, number_facts
from beha2vec_core.store.anonymous import MIN_USERS, Rounding
from tests.chat.chat_world import make_serving
from tests.helpers.publications import published_anew

SECRETS = ("one", "two", "three", "four")
CLUSTERS = range(4)
COUNTED = ("users", "users_behind", "with_a_vector", "buyers", "movers")
SEARCHES = (None, "users", "page views theme", "came source device event")


class Sent(NamedTuple):
    """What the attacker collects of one database."""

    sizes: dict[int, float]
    everybody: float
    facts: dict[str, dict[int, dict[str, Any]]]  # by what they say, then by cluster
    counts: list[float]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clusters, and one of five users."""
    return make_serving(tmp_path_factory.mktemp("differences") / "serving.duckdb")


@pytest.fixture(scope="module")
def hidden(path: Path) -> dict[str, tuple[list[int], int]]:
    """Of each fact that is a share of users: the clusters that are left out, and how many of their users have it.

    Only where these are fewer than 20, or all but fewer than 20.
    """
    by_name: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    with duckdb.connect(str(path), read_only=True) as connection:
        for fact_id, cluster, base, users in connection.execute(
            """select fact_id, cluster_key, base, contributors from beha2vec.cluster_profiles
            where unit = 'share' and metric <> 'user_share' and abs(value * base - contributors) < 0.001"""
        ).fetchall():
            by_name[fact_id.partition(".")[2]].append((cluster, base, users))
    found = {}
    for name, rows in by_name.items():
        few = [row for row in rows if any(0 < n < MIN_USERS for n in (row[1], row[2], row[1] - row[2]))]
        users, base = sum(row[2] for row in few), sum(row[1] for row in few)
        if 0 < users < MIN_USERS or 0 < base - users < MIN_USERS:
            found[name] = [row[0] for row in few], users
    assert len(found) > 20
    return found


def collect(path: Path) -> Sent:
    box = make_toolbox(path)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_clusters", {}),
        ("checkout_funnel", {}),
        ("moves_between_clusters", {}),
        ("before_buying", {}),
        *(("cluster_facts", {"cluster": key} | ({"search": s} if s else {})) for key, s in product(CLUSTERS, SEARCHES)),
        *(("compare_clusters", {"first": 0, "second": key}) for key in (1, 2, 3)),
        *(("paths_in_cluster", {"cluster": key}) for key in CLUSTERS),
    ]
    answers = [json.loads(_answer(box, *call)) for call in calls]
    facts: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for part in _parts(answers):
        if "id" in part:
            cluster, _, name = part["id"].partition(".")
            facts[name][int(cluster[1:])] = part
    sizes = {one["cluster"]: _number(one["users"]) for one in answers[0]["clusters"]}
    counts = [
        _number(part[name]) for part in _parts(answers) for name in COUNTED if re.match(r"\d", str(part.get(name)))
    ]
    return Sent(sizes, _number(answers[0]["all_users"]["with_a_vector"]), facts, counts)


def _answer(box: Toolbox, name: str, arguments: dict[str, Any]) -> str:
    return box.call(name, json.dumps(arguments)).message


def _parts(document: Any) -> Iterator[dict[str, Any]]:
    """All objects of a JSON document."""
    if isinstance(document, dict):
        yield document
    for one in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _parts(one)


def _number(text: object) -> float:
    return float(str(text).replace(",", "").rstrip("%")) / (100 if str(text).endswith("%") else 1)


def with_secret(path: Path, folder: Path, secret: str) -> Path:
    copy = folder / f"{secret}.duckdb"
    copy.write_bytes(path.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update beha2vec.rounding set key = ?", [secret])
    return copy


def guesses(sent: Sent, name: str, left_out: list[int]) -> list[float] | None:
    """How many users of the clusters left out have it: each of all users, times each of the others."""
    seen = {key: fact for key, fact in sent.facts[name].items() if "users_behind" in fact and key not in left_out}
    if not seen or set(seen) | set(left_out) < set(sent.sizes) or not any("all_users" in f for f in seen.values()):
        return None
    share = next(_number(fact["all_users"]) for fact in seen.values() if "all_users" in fact)
    ways_of_all = share * sent.everybody, share * sum(sent.sizes.values())
    ways_of_seen = (
        sum(fact["users_behind"] for fact in seen.values()),
        sum(_number(fact["value"]) * sent.sizes[key] for key, fact in seen.items()),
    )
    return [of_all - of_seen for of_all, of_seen in product(ways_of_all, ways_of_seen)]


def learned(collected: list[Sent], hidden: dict[str, tuple[list[int], int]]) -> tuple[int, int, float]:
    """How many hidden numbers one way of guessing finds whatever the secret, of how many, and its usual error."""
    asked = right = 0
    errors: list[float] = []
    for name, (left_out, true) in hidden.items():
        ways = [found for sent in collected if (found := guesses(sent, name, left_out)) is not None]
        if len(ways) == len(collected):
            asked += 1
            right += any(all(abs(guess - true) <= 0.5 for guess in same_way) for same_way in zip(*ways, strict=True))
            errors += [abs(found[0] - true) for found in ways]
    return right, asked, median(errors)


@pytest.mark.slow
def test_no_difference_tells_how_many_were_left_out(
    path: Path,
    hidden: dict[str, tuple[list[int], int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    collected = [collect(with_secret(path, tmp_path, secret)) for secret in SECRETS]
    for sent in collected:
        assert len(sent.counts) > 100
        assert all(count % MIN_USERS == 0 for count in sent.counts), "so no sum or difference of them is of 1 to 19"
    right, asked, error = learned(collected, hidden)
    with monkeypatch.context() as exact:
        exact.setattr(Rounding, "total", lambda self, group, total, users: total)
        exactly, _, small_error = learned([collect(path)], hidden)
    with capsys.disabled():
        print(f"\nfound by difference: {right} of {asked}, median error {error:.1f} users; ", end="")
        print(f"without rounding {exactly}, {small_error:.1f}")
    assert asked >= 50 and exactly >= 15 and small_error < 5
    assert right == 0 and error > 10


def test_a_fact_is_judged_by_those_it_asks(path: Path, tmp_path: Path) -> None:
    """97 of the cluster's 120 users could churn, and 8 of them did not; five could come back, and none did."""
    copy = with_secret(path, tmp_path, "judged")
    with duckdb.connect(str(copy)) as connection:
        connection.execute(
            """update beha2vec.cluster_profiles set base = 97, contributors = 89, support = 89, value = 89 / 97
            where fact_id = 'c3.churn_rate';
            update beha2vec.cluster_profiles set base = 5, contributors = 0, support = 0, value = 0
            where fact_id = 'c3.first_week_return_rate';
            update beha2vec.cluster_profiles set contributors = 3 where fact_id = 'c3.revenue_mean';
            update beha2vec.cluster_profiles set base = null where fact_id = 'c3.page_views_mean'"""
        )
    answer = json.loads(_answer(make_toolbox(copy), "cluster_facts", {"cluster": 3}))
    facts = {fact["id"]: fact for fact in answer["facts"]}
    for name in ("churn_rate", "first_week_return_rate", "revenue_mean", "page_views_mean"):
        assert facts[f"c3.{name}"].keys() == {"id", "says", "value"} and "fewer than 20" in facts[f"c3.{name}"]["value"]
    assert "users_behind" in facts["c3.sessions_mean"]


def test_a_customer_with_most_of_a_sum_is_not_seen_in_it() -> None:
    """One of 20 buyers spent 95%: neither their cluster's mean nor that of all users is sent, those of others are."""
    spent = pd.DataFrame({"cluster_key": [0, 0, 0, 1], "value": [0.0, 10.0, 3610.0, 10.0], "users": [80, 19, 1, 300]})
    facts = combine([Part(number_facts("revenue", spent, unit="EUR", confidence=0.95))], false_discovery_rate=0.05)
    sent = {
        fact.fact_id: fact_as_data(fact, Rounding("key"))
        for sheet in fact_sheets(facts)
        for fact in sheet.facts
        if fact.metric == "revenue_mean"
    }
    assert "fewer than 20" in str(sent["c0.revenue_mean"]["value"]) and "all_users" not in sent["c0.revenue_mean"]
    assert sent["c1.revenue_mean"]["value"] != sent["c0.revenue_mean"]["value"]
    assert "all_users" not in sent["c1.revenue_mean"]


def test_one_user_with_many_checkouts_is_few(path: Path, tmp_path: Path) -> None:
    """All of 100 users bought; one of them also left 30 checkouts: neither that nor where it happened is sent."""
    copy = with_secret(path, tmp_path, "checkouts")
    sessions = """with theirs as (
            from beha2vec.user_clusters_current where cluster_key = 1 order by user_key limit {users})
        insert into ga4.fct_ga4__funnel_sessions by name
        select user_key || range as session_key, user_key, {step} as furthest_step, {dropped} as dropped_after
        from theirs, range({each})"""
    for_models = []
    with duckdb.connect(str(copy)) as connection:
        connection.execute("delete from ga4.fct_ga4__funnel_sessions")
        connection.execute(sessions.format(step=6, dropped="null", users=100, each=1))
    for users, each in ((1, 30), (30, 1)):
        with published_anew(copy) as connection:
            connection.execute("delete from ga4.fct_ga4__funnel_sessions where furthest_step = 3")
            connection.execute(sessions.format(step=3, dropped="3", users=users, each=each))
        (cluster,) = json.loads(_answer(make_toolbox(copy), "checkout_funnel", {}))["clusters"]
        for_models.append(cluster)
    one, many = for_models
    with published_anew(copy) as connection:
        connection.execute(sessions.format(step=1, dropped="1", users=1, each=9000))
    (cluster,) = json.loads(_answer(make_toolbox(copy), "checkout_funnel", {}))["clusters"]
    assert cluster["steps"][0]["sessions"] == "of fewer than 20 users", "nearly all are of one user"
    assert one["checkouts_without_order"] == "too few to judge"
    assert not any("stopped" in step for step in one["steps"])
    assert many["checkouts_without_order"]["of_checkouts"] > 0
    assert any("stopped" in step for step in many["steps"])


def test_lost_events_are_not_sent(path: Path, tmp_path: Path) -> None:
    """They may all be of one user."""
    copy = with_secret(path, tmp_path, "events")
    with duckdb.connect(str(copy)) as connection:
        connection.execute(
            """create or replace table ga4.ga4_quality__daily as select date '2026-01-30' as event_date,
            9000 as raw_events, 8000 as events, 1000 as duplicates_dropped, 30 as events_without_user"""
        )
    steps = json.loads(_answer(make_toolbox(copy), "list_clusters", {}))["all_users"]["steps"]
    assert steps[0]["step"] == "Events" and steps[0].keys() == {"step", "count"}
