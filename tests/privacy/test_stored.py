"""What earlier releases stored is cleaned by `beha2vec migrate`: partitions, sequences, quarantine; no bytes stay."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.cli.doctor.storage import check_personal_data
from beha2vec_core.events.user_sequences import sequence_file
from beha2vec_core.ga4.ingest import partition_file
from beha2vec_core.privacy.forgetting import stored
from beha2vec_core.privacy.partitions import ORIGINALS, uncleaned_partitions
from beha2vec_core.settings import Settings
from beha2vec_core.store.tables import create_tables
from tests.cli.commands import run_migrate
from tests.ga4.ingest_world import DAY, World, event, world

__all__ = ["world"]
JANE = "jane.doe@example.com"


@pytest.fixture
def old(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A data folder with a partition and a day of sequences as earlier releases wrote them; the command finds it."""
    for name in [name for name in os.environ if name.startswith("BEHA2VEC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(world.raw.parent))
    address = {"key": "page_location", "value": {"string_value": f"https://shop.example/u/{JANE}"}}
    world.write("events_20240301.ndjson", [event(n, event_params=[address]) for n in range(3)])
    world.ingest(keep_originals_days=1)
    partition_file(world.raw.parent / ORIGINALS, "p1", DAY).replace(partition_file(world.raw, "p1", DAY))
    sequences = sequence_file(world.raw.parent / "user_sequences", DAY)
    sequences.parent.mkdir(parents=True)
    pages = f"['shop.example/u/{JANE}', 'shop.example/', 'screen:Home', null]"
    duckdb.sql(f"copy (select 'u' as user_key, {pages} as page, 4 as n_events) to '{sequences}' (format parquet)")
    return world


def quarantine(path: Path, contents: list[str]) -> None:
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        connection.executemany(
            "insert into raw.ga4_quarantine (property_id, event_date, reason, content) values ('p1', ?, 'broken', ?)",
            [[DAY, content] for content in contents],
        )


def pages(world: World) -> list[str]:
    file = sequence_file(world.raw.parent / "user_sequences", DAY)
    ((found,),) = duckdb.sql(f"select page from '{file}'").fetchall()
    return list(found)


def test_without_a_warehouse_partitions_and_sequences_are_cleaned_too(old: World) -> None:
    assert run_migrate("--check")[0] == 1
    assert JANE in str(old.rows()) + str(pages(old))
    assert run_migrate()[0] == 0
    assert uncleaned_partitions(old.raw) == [] and JANE not in str(old.rows())
    assert pages(old) == ["shop.example/u/[redacted]", "shop.example/", "screen:Home", None]
    assert run_migrate("--check")[0] == 0


def test_sequences_are_cleaned_where_no_raw_partition_has_to_be(old: World) -> None:
    """The raw partitions of an earlier release may be gone, and those that are there new."""
    partition_file(old.raw, "p1", DAY).unlink()
    assert JANE in str(pages(old))
    code, said = run_migrate("--check")
    assert code == 1 and "1 day of user_sequences to clean" in said
    personal = check_personal_data(Settings.load())
    assert personal.status == "warn" and "1 day of user_sequences to clean" in personal.message
    assert run_migrate()[0] == 0
    assert pages(old) == ["shop.example/u/[redacted]", "shop.example/", "screen:Home", None]
    assert run_migrate("--check")[0] == 0 and check_personal_data(Settings.load()).status == "ok"


@pytest.mark.slow
def test_no_bytes_of_a_cleaned_row_are_left(old: World) -> None:
    path = old.raw.parent / "warehouse.duckdb"
    quarantine(path, [f'{{"user_id": "{JANE}", "n": {n}, broken' for n in range(2_000)] + ["harmless"])
    assert JANE.encode() in path.read_bytes()
    assert run_migrate("--no-backup")[0] == 0
    for file in old.raw.parent.iterdir():
        assert not file.is_file() or JANE.encode() not in file.read_bytes(), file
    with duckdb.connect(str(path), read_only=True) as connection:
        ((rows, versions),) = connection.execute(
            "select count(*), count(distinct privacy_rules) from raw.ga4_quarantine where content like '%[redacted]%'"
        ).fetchall()
        assert (rows, versions) == (2_000, 1)
        assert ("harmless",) in connection.execute("select content from raw.ga4_quarantine").fetchall()
    assert run_migrate("--check")[0] == 0


@pytest.mark.slow
def test_a_killed_call_leaves_the_file_whole_and_is_done_again(old: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = old.raw.parent / "warehouse.duckdb"
    quarantine(path, [f"broken {JANE}"] * 1_000)
    cleaned = stored.clean_row

    def killed(text: str, longest: int) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(stored, "clean_row", killed)
    assert CliRunner().invoke(app, ["migrate", "--no-backup"]).exit_code != 0
    monkeypatch.setattr(stored, "clean_row", cleaned)
    monkeypatch.setattr(stored, "clean_partitions", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert CliRunner().invoke(app, ["migrate", "--no-backup"]).exit_code != 0
    assert JANE.encode() not in path.read_bytes() and run_migrate("--check")[0] == 1
    monkeypatch.undo()
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(old.raw.parent))
    assert run_migrate("--no-backup")[0] == 0 and JANE not in str(old.rows())
