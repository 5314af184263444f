"""Who may be contacted, and who entered, stayed and left, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.audiences import members
from beha2vec_core.audiences.file import Audience, AudienceError, load_audiences
from beha2vec_core.audiences.members import audiences_of_night, counts, write_members
from beha2vec_core.audiences.rule import audience_table
from beha2vec_core.audiences.selection import selection_sql, steps
from tests.audiences.audience_world import make_world

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
DAY = date(2026, 3, 29)
BUYERS = Audience(name="buyers", rule="purchases > 0", purpose="ads", exclude="purchases = 4", holdout=0.2)


@pytest.fixture
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        make_world(connection)
        yield connection


def _selection(world: duckdb.DuckDBPyConnection, audience: Audience, key: bytes = KEY) -> str:
    return selection_sql(audience, audience_table(world, audience), key)


def _step(world: duckdb.DuckDBPyConnection, audience: Audience, step: str | None, key: bytes = KEY) -> set[str]:
    query = _selection(world, audience, key)
    found = world.execute(f"select user_key from ({query}) where step is not distinct from ?", [step]).fetchall()
    return {user for (user,) in found}


def test_consent_exclusion_and_hold_out_leave_users_out_one_after_the_other(world: duckdb.DuckDBPyConnection) -> None:
    numbers = range(1000)
    assert _step(world, BUYERS, "consent") == {f"u{n:04}" for n in numbers if n % 5 and n % 2}
    assert _step(world, BUYERS, "exclude") == {f"u{n:04}" for n in numbers if n % 5 == 4 and n % 2 == 0}
    left = {f"u{n:04}" for n in numbers if n % 5 in (1, 2, 3) and n % 2 == 0}
    held = _step(world, BUYERS, "holdout")
    assert held < left and _step(world, BUYERS, None) == left - held
    found = steps(world, BUYERS, _selection(world, BUYERS))
    assert [(step.left_out, step.users) for step in found] == [
        (0, 800), (400, 400), (100, 300), (len(held), 300 - len(held)),
    ]  # fmt: skip


def test_the_hold_out_has_its_share_stays_the_same_and_needs_the_key(world: duckdb.DuckDBPyConnection) -> None:
    everyone = Audience(name="everyone", rule="true", holdout=0.3)
    held = _step(world, everyone, "holdout")
    assert 240 < len(held) < 360, "300 expected, standard deviation 14"
    assert held == _step(world, everyone, "holdout")
    larger = everyone.model_copy(update={"holdout": 0.5})
    assert held < _step(world, larger, "holdout"), "a larger share adds users and releases none"
    for other in (
        _step(world, everyone, "holdout", OTHER_KEY),
        _step(world, everyone.model_copy(update={"name": "e"}), "holdout"),
    ):
        assert 50 < len(held & other) < 130, "as two independent draws: 90 expected"


def test_a_login_leaves_a_user_in_the_hold_out(world: duckdb.DuckDBPyConnection) -> None:
    everyone = Audience(name="everyone", rule="true", holdout=0.3)
    held = _step(world, everyone, "holdout")
    world.execute(
        """update ga4.dim_ga4__users set user_key = 'k' || user_key;
        update ga4.int_ga4__identity_map set user_key = 'k' || user_key, user_id = user_key;
        insert into ga4.int_ga4__identity_map by name
            select user_key, property_id, user_id, 'new.' || user_pseudo_id as user_pseudo_id, last_seen as first_seen,
                last_seen
            from ga4.int_ga4__identity_map"""
    ).fetchall()
    assert _step(world, everyone, "holdout") == {f"k{key}" for key in held}


def test_the_cap_takes_the_highest_rank(world: duckdb.DuckDBPyConnection) -> None:
    ranked = Audience(name="top", rule="cluster = 0", cap=10, rank_by="probability('purchase', 28)")
    assert _step(world, ranked, None) == {f"u{n:04}" for n in range(960, 1000, 4)}
    assert len(_step(world, ranked, "cap")) == 240


def test_the_hold_out_is_like_those_who_are_contacted(world: duckdb.DuckDBPyConnection) -> None:
    ranked = Audience(name="top", rule="true", cap=200, rank_by="probability('purchase', 28)", holdout=0.3)
    held, contacted = _step(world, ranked, "holdout"), _step(world, ranked, None)
    assert held | contacted == {f"u{n:04}" for n in range(800, 1000)} and 35 < len(held) < 85


def test_purpose_analytics_needs_no_consent_for_ads(world: duckdb.DuckDBPyConnection) -> None:
    everyone = Audience(name="everyone", rule="true")
    assert len(_step(world, everyone, None)) == 1000
    assert [step.users for step in steps(world, everyone, _selection(world, everyone))] == [1000]


def _states(world: duckdb.DuckDBPyConnection, day: date) -> set[tuple[str, str, str]]:
    query = "select audience, state, user_key from beha2vec.audience_members where event_date = ?"
    return set(world.execute(query, [day]).fetchall())


def test_members_enter_stay_and_leave(world: duckdb.DuckDBPyConnection) -> None:
    audience = Audience(name="top", rule="purchases >= 4")
    assert write_members(world, [audience], DAY, KEY) == ({"top": {"entered": 200}}, [])
    world.execute("update ga4.dim_ga4__users set purchases = 9 where user_key = 'u0000'").fetchall()
    world.execute("update ga4.dim_ga4__users set purchases = 0 where user_key = 'u0004'").fetchall()
    for _ in range(2):  # again gives the same rows
        found, _ = write_members(world, [audience], DAY + timedelta(days=2), KEY)
        assert found == {"top": {"entered": 1, "left": 1, "stayed": 198 + 1}}
    states = _states(world, DAY + timedelta(days=2))
    assert {("top", "entered", "u0000"), ("top", "left", "u0004"), ("top", "stayed", "u0009")} <= states
    current = world.execute("select count(*) from beha2vec.audience_members_current").fetchall()
    assert current == [(200,)]
    found, _ = write_members(world, [audience], DAY + timedelta(days=3), KEY)
    assert found == {"top": {"stayed": 200}}, "a user who left has one row that says so"
    assert counts(world, DAY) == {"top": {"entered": 200}}, "earlier days stay as they were"


def test_an_audience_that_is_taken_out_of_the_file_is_left(world: duckdb.DuckDBPyConnection) -> None:
    write_members(world, [Audience(name="a", rule="purchases = 4"), Audience(name="b", rule="purchases = 3")], DAY, KEY)
    found, _ = write_members(world, [Audience(name="b", rule="purchases = 3")], DAY + timedelta(days=1), KEY)
    assert found == {"a": {"left": 200}, "b": {"stayed": 200}}
    reason = world.execute("select distinct why from beha2vec.audience_members where state = 'left'").fetchall()
    assert reason == [("the audience is no longer in the file",)]


def test_a_rule_that_no_longer_works_keeps_its_members(world: duckdb.DuckDBPyConnection) -> None:
    write_members(world, [Audience(name="a", rule="purchases = 4"), Audience(name="b", rule="purchases = 3")], DAY, KEY)
    changed = [Audience(name="a", rule="purchase = 4"), Audience(name="b", rule="purchases = 3")]
    found, problems = write_members(world, changed, DAY + timedelta(days=1), KEY)
    assert found == {"a": {"stayed": 200}, "b": {"stayed": 200}}
    assert len(problems) == 1 and "did you mean purchases" in problems[0]


def test_members_are_found_anew_every_so_many_days(world: duckdb.DuckDBPyConnection) -> None:
    weekly = Audience(name="weekly", rule="purchases = 4", refresh=7)
    daily = Audience(name="daily", rule="purchases = 4")
    day = date(2026, 3, 25)  # a Wednesday
    sizes = []
    for number in (0, 1, 4, 6, 6, 7):  # Sunday is written, Monday is missed, Tuesday is written twice
        world.execute(f"update ga4.dim_ga4__users set purchases = 4 where user_key < 'u00{number}'").fetchall()
        counts, problems = write_members(world, [weekly, daily], day + timedelta(days=number), KEY)
        assert problems == []
        sizes.append(tuple(sum(counts[name].values()) for name in ("weekly", "daily")))
    assert [daily for _, daily in sizes] == [200, 208, 232, 248, 248, 256]
    assert [weekly for weekly, _ in sizes] == [200, 200, 200, 248, 248, 248]


def test_members_who_wait_are_selected_every_night(world: duckdb.DuckDBPyConnection) -> None:
    weekly = Audience(
        name="weekly", rule="purchases = 4", exclude="revenue > 99", purpose="ads", refresh=7, cap=90, rank_by="revenue"
    )
    monday = date(2026, 3, 30)

    def night(days: int, audience: Audience) -> dict[str | None, int]:
        assert write_members(world, [audience], monday + timedelta(days=days), KEY)[1] == []
        rows = world.execute("select step, count(*) from beha2vec.audience_members_current group by 1").fetchall()
        return dict(rows)

    assert night(0, weekly) == {"consent": 100, "cap": 10, None: 90}
    world.execute("update ga4.dim_ga4__users set purchases = 0, revenue = 100 where user_key < 'u0100'").fetchall()
    world.execute("update ga4.dim_ga4__users set is_ads_consented = false where user_key > 'u0900'").fetchall()
    assert night(1, weekly) == {"consent": 110, "exclude": 10, None: 80}, "who no longer fits the rule waits"
    assert night(2, weekly.model_copy(update={"cap": 50})) == {"consent": 110, "exclude": 10, "cap": 30, None: 50}
    everybody = night(3, weekly.model_copy(update={"holdout": 0.5}))
    assert everybody["consent"] == 110 and 25 < everybody["holdout"] < 55
    reasons = world.execute("select distinct why from beha2vec.audience_members").fetchall()
    assert reasons == [("purchases = 4",)], "as the rule found them"
    assert night(7, weekly) == {"consent": 100, None: 80}


def test_a_rule_that_fails_on_its_day_finds_its_members_on_the_next(world: duckdb.DuckDBPyConnection) -> None:
    weekly = Audience(name="weekly", rule="purchases = 4", refresh=7)
    broken = weekly.model_copy(update={"rule": "purchase = 4"})
    monday = date(2026, 3, 30)
    sizes = []
    for number, audience in ((0, weekly), (5, weekly), (7, broken), (8, broken), (9, weekly), (10, weekly)):
        world.execute(f"update ga4.dim_ga4__users set purchases = 4 where user_key < 'u0{number:02}0'").fetchall()
        found, problems = write_members(world, [audience], monday + timedelta(days=number), KEY)
        assert bool(problems) == (audience is broken)
        sizes.append(sum(found["weekly"].values()))
    assert sizes == [200, 200, 200, 200, 272, 272]


def test_an_audience_that_comes_back_does_not_wait_for_its_day(world: duckdb.DuckDBPyConnection) -> None:
    weekly = Audience(name="weekly", rule="purchases = 4", refresh=7)
    monday = date(2026, 3, 30)
    members = write_members(world, [weekly], monday, KEY)[0]["weekly"]["entered"]
    write_members(world, [], monday + timedelta(days=1), KEY)
    counts, _ = write_members(world, [weekly], monday + timedelta(days=2), KEY)
    assert counts == {"weekly": {"entered": members}}


def test_a_write_that_is_stopped_leaves_the_day_as_it_was(
    world: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience = Audience(name="top", rule="purchases >= 4")
    write_members(world, [audience], DAY, KEY)
    before = _states(world, DAY)
    broken = {"top": "nowhere"}
    monkeypatch.setattr(members, "usable", lambda *_, **__: (broken, []))
    with pytest.raises(duckdb.CatalogException):
        write_members(world, [audience], DAY, KEY)
    assert _states(world, DAY) == before


def test_who_has_left_leaves_once(world: duckdb.DuckDBPyConnection) -> None:
    days = [DAY + timedelta(days=n) for n in range(4)]
    top = [Audience(name="top", rule="purchases >= 4")]
    write_members(world, top, days[0], KEY)
    nobody = [Audience(name="top", rule="purchases >= 400")]
    assert write_members(world, nobody, days[1], KEY)[0] == {"top": {"left": 200}}
    assert write_members(world, nobody, days[2], KEY)[0] == {}
    assert write_members(world, top, days[3], KEY)[0] == {"top": {"entered": 200}}


def test_a_day_before_the_last_one_is_left_as_it_is(world: duckdb.DuckDBPyConnection) -> None:
    audience = Audience(name="top", rule="purchases >= 4")
    write_members(world, [audience], DAY, KEY)
    found, problems = write_members(world, [audience], DAY - timedelta(days=1), KEY)
    assert found == {} and "there are members of 2026-03-29 already" in problems[0]
    assert _states(world, DAY - timedelta(days=1)) == set()


def test_a_rule_that_breaks_keeps_the_members_of_the_same_day(world: duckdb.DuckDBPyConnection) -> None:
    write_members(world, [Audience(name="top", rule="purchases >= 4")], DAY, KEY)
    before = _states(world, DAY)
    write_members(world, [Audience(name="top", rule="purchase >= 4")], DAY, KEY)
    assert _states(world, DAY) == before
    world.execute("delete from ga4.dim_ga4__users where user_key = 'u0004'").fetchall()
    found, _ = write_members(world, [Audience(name="top", rule="purchase >= 4")], DAY + timedelta(days=1), KEY)
    assert found == {"top": {"stayed": 199}}, "who is no user any more is no member either"


def test_members_know_whether_they_may_be_contacted(world: duckdb.DuckDBPyConnection) -> None:
    write_members(world, [BUYERS], DAY, KEY)
    query = "select user_key from beha2vec.audience_members_current where step is null"
    assert {user for (user,) in world.execute(query).fetchall()} == _step(world, BUYERS, None)


def test_a_file_that_is_gone_ends_no_audience(world: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "audiences.yml"
    assert audiences_of_night(world, path) == []
    write_members(world, [BUYERS], DAY, KEY)
    with pytest.raises(AudienceError, match="is not there, and there are audiences with members"):
        audiences_of_night(world, path)
    path.write_text("[]")
    assert audiences_of_night(world, path) == []


FILE = """
- name: buyers
  description: who bought
  rule: purchases > 0
  purpose: ads
  holdout: 0.1
  cap: 500
"""


def test_a_file_is_read_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "audiences.yml"
    assert load_audiences(path) == []
    path.write_text(FILE + "- {name: all, rule: 'true'}\n")
    found = load_audiences(path)
    assert [one.name for one in found] == ["buyers", "all"] and found[0].holdout == 0.1
    path.write_text("# nothing yet\n")
    assert load_audiences(path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("buyers: 1", "write a list of audiences, each beginning with '- name:'"),
        ("- name: [", "cannot be read"),
        ("- {name: a, rule: 'true', holduot: 0.1}", "holduot is not a key of an audience; did you mean holdout?"),
        ("- {name: a}", "audience a: rule is missing"),
        ("- {rule: 'true'}", "audience 1: name is missing"),
        ("- {name: A b, rule: 'true'}", "use at most 40 lowercase letters"),
        ("- {name: a, rule: 'true', holdout: 2}", "audience a: holdout: "),
        ("- {name: a, rule: 'true', purpose: spam}", "audience a: purpose: "),
        ("- {name: a, rule: 'true', rank_by: purchases}", "audience a: rank_by needs a cap"),
        ("- {name: a, rule: 'true'}\n- {name: a, rule: 'true'}", "there are two audiences of this name"),
        ("- {name: a, rule: 'true', activate: [{to: x}, {to: x, send: true}]}", "destination x is there twice"),
        ("- just text", "write it as a mapping of keys to values"),
        ("- !!python/object/apply:os.system ['true']", "cannot be read"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "audiences.yml"
    path.write_text(text)
    with pytest.raises(AudienceError) as error:
        load_audiences(path)
    assert message in str(error.value) and str(path) in str(error.value)
