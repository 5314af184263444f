"""Who allowed personal ads is read from GA4's tables of users, and nothing else of them is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beha2vec_core.ga4.sources import find_export
from beha2vec_core.ga4.user_tables import UserTablesReport, ingest_user_tables, users_file
from beha2vec_core.privacy.forgetting.retention import apply_retention
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.settings import Settings
from tests.ga4.ingest_world import DAY, NEXT, event, ndjson, write
from tests.ga4.test_ingest_parquet import HOW, damaged


class World:
    """An export with tables of users, and a data folder."""

    def __init__(self, folder: Path) -> None:
        self.export, self.data = folder / "export", folder / "data"
        self.users = self.data / "raw_ga4_users"
        self.write("events_20240301.ndjson", [event()])

    def write(self, name: str, rows: bytes | Iterable[dict[str, Any] | str]) -> None:
        write(self.export / name, rows)

    def ingest(self, *days: date, since: date | None = None) -> UserTablesReport:
        return ingest_user_tables(find_export(str(self.export), "p").user_tables, days, self.users, since)

    def rows(self) -> list[tuple[Any, ...]]:
        return duckdb.execute(
            f"""select property_id, event_date, coalesce(user_pseudo_id, user_id), is_allowed
            from read_parquet('{self.users}/*/*/*.parquet', hive_partitioning = true,
                hive_types = {{'property_id': varchar, 'event_date': date}}) order by all"""
        ).fetchall()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def device(name: str, allowed: str | bool | None) -> dict[str, Any]:
    return {
        "pseudo_user_id": name,
        "privacy_info": {"is_limited_ad_tracking": "false", "is_ads_personalization_allowed": allowed},
        "user_properties": [{"key": "secret", "value": {"string_value": "jane@example.com"}}],
    }


def login(name: str, allowed: str) -> dict[str, Any]:
    return {"user_id": name, "privacy_info": {"is_ads_personalization_allowed": allowed}}


def test_what_is_known_is_stored_in_every_form(world: World) -> None:
    world.write("pseudonymous_users_20240301.ndjson.gz", [device("1.1", "true"), device("2.2", "(not set)")])
    world.write("analytics_7/pseudonymous_users_20240301/000.json", json.dumps([device("1.1", False)]).encode())
    world.write("users_20240301 [1].ndjson", [login("anna", "FALSE"), login("jane@example.com", "true")])
    (world.export / "pseudonymous_users_20240302").mkdir()
    duckdb.sql(
        f"""copy (select '3.3' as pseudo_user_id, {{is_ads_personalization_allowed: 'false'}} as privacy_info)
        to '{world.export}/pseudonymous_users_20240302/a.parquet'"""
    )
    report = world.ingest(DAY, NEXT)
    hashed = LoginIds(world.data).judged("jane@example.com")
    assert world.rows() == sorted(
        [
            ("7", DAY, "1.1", False),
            ("p", DAY, "1.1", True),
            ("p", DAY, "anna", False),
            ("p", DAY, hashed, True),
            ("p", NEXT, "3.3", False),
        ]
    )
    assert (report.users, report.denied, report.problems) == (5, 3, [])
    assert not any(b"jane@" in path.read_bytes() for path in world.users.rglob("*.parquet"))


def test_days_that_were_never_read_are_read_with_the_next_one(world: World) -> None:
    """Of warehouses of earlier releases, as far back as the retention."""
    for n in range(4):
        world.write(f"pseudonymous_users_{DAY + timedelta(days=n):%Y%m%d}.ndjson", [device(f"{n}.{n}", "true")])
    assert world.ingest(DAY + timedelta(days=2), since=NEXT).days == [NEXT, DAY + timedelta(days=2)]
    world.write(f"pseudonymous_users_{NEXT:%Y%m%d}.ndjson", [device("1.1", "false")])
    assert world.ingest(DAY + timedelta(days=2), since=NEXT).days == [DAY + timedelta(days=2)]
    assert world.ingest(NEXT).days == [DAY, NEXT], "a day that is asked for is read again"
    assert [row[1:] for row in world.rows()] == [
        (DAY, "0.0", True),
        (NEXT, "1.1", False),
        (DAY + timedelta(days=2), "2.2", True),
    ]


def test_what_cannot_be_read_is_reported_and_changes_nothing(world: World) -> None:
    world.write("pseudonymous_users_20240301.ndjson", [device("1.1", "false")])
    world.ingest(DAY)
    before = world.rows()
    world.write("pseudonymous_users_20240301.parquet", b"PAR1 jane@example.com")
    world.write("pseudonymous_users_20240229_20240301.ndjson", [device("1.1", "true")])
    report = world.ingest(DAY)
    assert world.rows() == before and report.days == []
    assert [problem.partition(" ")[0] for problem in report.problems] == [
        "pseudonymous_users_20240229_20240301.ndjson",
        "pseudonymous_users_20240301.parquet",
    ]
    assert "jane" not in str(report)
    world.write("pseudonymous_users_20240302.csv", b"pseudo_user_id\njane\n")
    (problem,) = [one for one in world.ingest(NEXT).problems if "csv" in one]
    assert problem.endswith("cannot be read (it is neither JSON nor parquet), so its day stays as it was")


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_footer_costs_its_day_only(how: str, world: World) -> None:
    path = world.export / "pseudonymous_users_20240301.parquet"
    duckdb.sql(
        f"""copy (select '1.1' as pseudo_user_id, 'page_view' as event_name, 'x' as string_value,
            {{is_ads_personalization_allowed: 'false', string_value: 'x'}} as privacy_info) to '{path}'"""
    )
    path.write_bytes(damaged(path.read_bytes(), how))
    world.write("pseudonymous_users_20240302.ndjson", [device("2.2", "false")])
    report = world.ingest(DAY, NEXT)
    assert (DAY in report.days) != any(path.name in problem for problem in report.problems)
    assert NEXT in report.days and "2.2" in [row[2] for row in world.rows()]


def test_broken_lines_are_counted(world: World) -> None:
    lines = ndjson([device("1.1", "false"), device("2.2", "true")])
    world.write("pseudonymous_users_20240301.ndjson", lines + b'{"pseudo_us\n[]\n' + lines[:20])
    report = world.ingest(DAY)
    assert [row[2:] for row in world.rows()] == [("1.1", False), ("2.2", True)]
    assert len(report.problems) == 1 and "pseudonymous_users_20240301.ndjson" in report.problems[0]


def test_forgotten_people_are_left_out(world: World) -> None:
    Forgotten(world.data).add(["1.1", "jane@example.com"], DAY)
    world.write("pseudonymous_users_20240301.ndjson", [device("1.1", "true"), device("2.2", "true")])
    world.write("users_20240301.ndjson", [login("jane@example.com", "true")])
    report = world.ingest(DAY)
    assert [row[2] for row in world.rows()] == ["2.2"] and report.forgotten == 2


def test_it_is_kept_as_long_as_events(world: World) -> None:
    """A denial that went earlier would let people into lists for ads who are still there."""
    for day in (DAY, NEXT):
        world.write(f"pseudonymous_users_{day:%Y%m%d}.ndjson", [device("1.1", "false")])
    world.ingest(DAY, NEXT)
    settings = Settings(data_dir=world.data, retention_days_raw=130, retention_days_events=200, timezone="UTC")
    with duckdb.connect(str(settings.storage.warehouse_path)) as warehouse:  # no session of theirs is left
        warehouse.execute(
            """create schema ga4;
            create table ga4.int_ga4__sessions
                (property_id text, user_pseudo_id text, user_id text, session_date date)"""
        )
    now = datetime(2024, 3, 2, 8, tzinfo=UTC)
    apply_retention(settings, now + timedelta(days=199))
    assert [row[1] for row in world.rows()] == [DAY, NEXT]
    apply_retention(settings, now + timedelta(days=200))
    assert not users_file(world.users, "p", DAY).exists() and users_file(world.users, "p", NEXT).exists()
