"""Warehouses of other releases: what only adds comes by itself, the rest by ``beha2vec migrate``, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

from beha2vec_core.cli.doctor import storage
from beha2vec_core.settings import Settings
from beha2vec_core.store import migrate, tables
from beha2vec_core.store.migrate import MigrationError, Step
from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.warehouse import Warehouse, WarehouseVersionError
from tests.activation.activation_world import ledger_outlives
from tests.cli.commands import run_migrate

NEWEST = migrate._newest_storage()


@pytest.fixture(autouse=True)
def default_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("BEHA2VEC_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse as releases wrote it before versions were recorded, in DuckDB 1's format, with a view of dbt's."""
    path = tmp_path / "data" / "warehouse.duckdb"
    path.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as warehouse (storage_version 'v1.0.0')")
        connection.execute("use warehouse")
        for schema in ("raw", "beha2vec", "ga4"):
            connection.execute(f"create schema {schema}")
        connection.execute("create view beha2vec.schema_version as select 1 as version")
        connection.execute("create table beha2vec.encoders (model_version varchar primary key, trained_at timestamp)")
        connection.execute("insert into beha2vec.encoders values ('a', '2026-01-01')")
        connection.execute("create table ga4.pages as select 'p' || range as page_key from range(1000)")
        connection.execute("create view ga4.page_count as select count(*) as pages from ga4.pages")
        connection.execute("create macro ga4.twice(x) as 2 * x")
    return path


@pytest.fixture
def next_release(monkeypatch: pytest.MonkeyPatch) -> tuple[Step, ...]:
    """This code as it will be after two changes that are more than additions."""
    steps = (
        Step(2, "trained_at in seconds", ("alter table beha2vec.encoders alter trained_at type bigint using 7",)),
        Step(3, "words apart", ("create table raw.words as select 'w' as word", "drop view ga4.page_count")),
    )
    monkeypatch.setattr(migrate, "STEPS", steps)
    monkeypatch.setattr(tables, "SCHEMA_VERSION", 3)
    return steps


def state(path: Path) -> tuple[int | None, str]:
    """Schema and storage of a file, looked at from outside."""
    with duckdb.connect(str(path), read_only=True) as connection:
        plan = migrate.make_plan(connection)
        return plan.schema, plan.storage


def rows(path: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def left_over(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir() if ".lock" not in p.name)


def test_the_steps_lead_to_the_version_of_this_release() -> None:
    assert [step.version for step in migrate.STEPS] == list(range(2, tables.SCHEMA_VERSION + 1))


def test_an_old_file_goes_on_working_and_gets_its_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this release has only added to it."""
    monkeypatch.setattr(tables, "SCHEMA_VERSION", 1)
    for _ in range(2):
        with Warehouse(path).connect("a run") as connection:
            create_tables(connection)
    assert rows(path, "from beha2vec.schema_version") == [(1,)]
    assert rows(path, "select version, change from beha2vec.schema_history") == [
        (1, "the tables as this release makes them")
    ]
    assert rows(path, "select model_version, refused from beha2vec.encoders") == [("a", None)]


def test_a_new_file_has_the_version_of_its_release(tmp_path: Path, next_release: tuple[Step, ...]) -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        create_tables(connection)
        assert connection.execute("from beha2vec.schema_version").fetchall() == [(3,)]


def test_schema_2_drops_the_facts_and_asks_for_a_full_refresh(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table ga4.stg_ga4__events as select 1 as event_key")
        connection.execute("create table beha2vec.cluster_profiles as select 'funnel_rate' as metric")
    assert run_migrate()[0] == 0
    assert rows(path, "from beha2vec.cluster_profiles") == []
    with Warehouse(path).connect("a run") as connection:
        create_tables(connection)
        assert tables.pending_full_refresh(connection, "dbt_incremental_models")
        tables.full_refresh_done(connection, "dbt_incremental_models")
        assert tables.pending_full_refresh(connection, "dbt_incremental_models") is None


def test_a_warehouse_without_dbt_models_needs_no_full_refresh(path: Path) -> None:
    assert run_migrate()[0] == 0
    with Warehouse(path).connect("a run") as connection:
        create_tables(connection)
        assert tables.pending_full_refresh(connection, "dbt_incremental_models") is None


def test_tables_and_version_come_together_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tables._VIEWS, "beha2vec.broken", "select nothing from nowhere")
    with duckdb.connect() as connection:
        with pytest.raises(duckdb.CatalogException):
            create_tables(connection)
        assert tables.schema_version(connection) is None


def test_an_old_file_is_migrated_whole(path: Path, next_release: tuple[Step, ...]) -> None:
    old = path.read_bytes()
    with (
        pytest.raises(WarehouseVersionError, match=r"has schema 1, .* needs 3\. Run beha2vec migrate"),
        Warehouse(path).connect("a run") as connection,
    ):
        create_tables(connection)

    code, output = run_migrate("--check")
    assert code == 1
    assert "schema 1 and storage v1.0.0+" in output
    for part in ("to do: schema 2: trained_at in seconds", "schema 3: words apart", f"storage v1.0.0+ to {NEWEST}"):
        assert part in output
    assert path.read_bytes() == old, "a check changes nothing"

    code, output = run_migrate()
    assert code == 0 and "warehouse.duckdb.bak-1-v1.0.0" in output
    assert state(path) == (3, NEWEST)
    assert rows(path, "select version from beha2vec.schema_history order by 1") == [(1,), (2,), (3,)]
    assert rows(path, "from beha2vec.schema_version") == [(3,)]
    assert rows(path, "select model_version, trained_at from beha2vec.encoders") == [("a", 7)]
    assert rows(path, "select word, ga4.twice(21) from raw.words") == [("w", 42)]
    with pytest.raises(duckdb.ConstraintException), Warehouse(path).connect("a run") as connection:
        create_tables(connection)
        connection.execute("insert into beha2vec.encoders (model_version) values ('a')")

    backup = path.with_name("warehouse.duckdb.bak-1-v1.0.0")
    assert backup.read_bytes() == old
    assert left_over(path) == [path.name, backup.name]


def test_twice_is_a_no_op(path: Path) -> None:
    assert run_migrate("--no-backup")[0] == 0
    new = path.stat().st_ino
    assert state(path) == (tables.SCHEMA_VERSION, NEWEST)
    for arguments in (["--check"], []):
        code, output = run_migrate(*arguments)
        assert (code, "nothing to migrate" in output) == (0, True)
    assert path.stat().st_ino == new, "no copy was made"
    assert left_over(path) == [path.name]


def test_no_warehouse_is_nothing_to_do() -> None:
    code, output = run_migrate("--check")
    assert (code, "the first run creates it" in output) == (0, True)


def test_a_newer_schema_is_refused(path: Path) -> None:
    with Warehouse(path).connect("a newer release") as connection:
        tables.record_version(connection, 7, "of tomorrow")
    with (
        pytest.raises(WarehouseVersionError, match=r"newer release.*schema 7.*Upgrade beha2vec"),
        Warehouse(path).connect("a run") as connection,
    ):
        create_tables(connection)
    for arguments in (["--check"], []):
        code, output = run_migrate(*arguments)
        assert (code, "Upgrade beha2vec" in output) == (1, True)
    check = storage.check_warehouse(Settings(data_dir=path.parent))
    assert (check.status, check.remedy.startswith("Upgrade beha2vec")) == ("fail", True)


def test_a_newer_duckdb_is_refused(path: Path) -> None:
    """A file whose header says a storage version that this DuckDB does not know, sealed by its checksum."""
    header = bytearray(path.read_bytes())
    header[12:20] = (1000).to_bytes(8, "little")
    with np.errstate(over="ignore"):
        words = np.frombuffer(bytes(header[8:4096]), dtype="<u8") * np.uint64(0xBF58476D1CE4E5B9)
    header[:8] = int(np.bitwise_xor.reduce(words) ^ np.uint64(5381)).to_bytes(8, "little")
    path.write_bytes(header)
    with (
        pytest.raises(WarehouseVersionError, match=r"newer DuckDB than .*Upgrade beha2vec"),
        Warehouse(path).connect("a run"),
    ):
        pass
    assert run_migrate()[0] == 1


def test_the_log_of_a_killed_run_is_in_the_new_file_and_the_backup(path: Path) -> None:
    code = "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute(sys.argv[2]); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(path), "insert into ga4.pages values ('late')"], check=False)
    assert path.with_name("warehouse.duckdb.wal").exists()
    done = migrate.migrate(Warehouse(path))
    assert done.rows["ga4.pages"] == 1001
    assert left_over(path) == [path.name, "warehouse.duckdb.bak-1-v1.0.0"]
    assert done.backup and rows(done.backup, "select count(*) from ga4.pages") == [(1001,)]


def test_what_cannot_be_done_leaves_the_file_alone(
    path: Path, next_release: tuple[Step, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = path.read_bytes()
    monkeypatch.setattr(migrate, "STEPS", (*next_release[:1], Step(3, "impossible", ("drop table nowhere",))))
    with pytest.raises(MigrationError, match="step to schema 3 fails"):
        migrate.migrate(Warehouse(path))
    path.with_name("warehouse.duckdb.bak-1-v1.0.0").touch()
    code, output = run_migrate()
    assert (code, "Move it away, or give --no-backup" in output) == (1, True)
    assert path.read_bytes() == old
    assert left_over(path) == [path.name, "warehouse.duckdb.bak-1-v1.0.0"]


def test_a_full_disk_leaves_the_old_file_whole(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table raw.bulk as select random() as x from range(1_000_000)")
    old = path.read_bytes()
    code = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6)); from beha2vec_core.cli import app; app()"
    done = subprocess.run([sys.executable, "-c", code, "migrate"], capture_output=True, text=True, check=False)
    assert (done.returncode, "could not be copied" in done.stderr) == (1, True), done.stderr
    assert path.read_bytes() == old and left_over(path) == [path.name]


def test_the_new_file_belongs_to_whom_the_old_one_belonged(path: Path) -> None:
    path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(path, 12345, 23456)
    old = path.stat()
    migrate.migrate(Warehouse(path), backup=False)
    new = path.stat()
    assert (new.st_mode, new.st_uid, new.st_gid) == (old.st_mode, old.st_uid, old.st_gid)
    assert new.st_ino != old.st_ino


def test_a_kill_with_the_copy_beside_it_leaves_the_old_file_whole(path: Path) -> None:
    old = path.read_bytes()
    copy = path.with_name(".warehouse.duckdb.migration")
    code = "import os, signal, sys; from pathlib import Path; from beha2vec_core.store import migrate; "
    code += "migrate._change = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
    code += "migrate.migrate(migrate.Warehouse(Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, str(path)])
    assert done.returncode == -signal.SIGKILL
    assert copy.exists() and path.read_bytes() == old
    assert state(path) == (1, "v1.0.0+")
    assert migrate.migrate(Warehouse(path)).rows["ga4.pages"] == 1_000
    assert state(path) == (tables.SCHEMA_VERSION, NEWEST) and not copy.exists()


def test_the_doctor_says_what_the_warehouse_has(
    path: Path, monkeypatch: pytest.MonkeyPatch, next_release: tuple[Step, ...]
) -> None:
    settings = Settings(data_dir=path.parent)
    check = storage.check_warehouse(settings)
    assert (check.status, check.remedy) == ("fail", "beha2vec migrate")
    assert "schema 1, storage v1.0.0+; pending: schema 2" in check.message
    monkeypatch.setattr(migrate, "STEPS", ())
    monkeypatch.setattr(tables, "SCHEMA_VERSION", 1)
    check = storage.check_warehouse(settings)
    assert (check.status, check.remedy, f"can write {NEWEST}" in check.message) == ("warn", "beha2vec migrate", True)
    migrate.migrate(Warehouse(path), backup=False)
    check = storage.check_warehouse(settings)
    assert (check.status, f"schema 1, storage {NEWEST}" in check.message) == ("ok", True)


def uncleaned(path: Path) -> Path:
    """A raw partition, a quarantined row and a dbt model as earlier releases left them, with personal data."""
    file = path.parent / "raw_ga4_events" / "property_id=p1" / "event_date=2024-03-01" / "events.parquet"
    file.parent.mkdir(parents=True)
    duckdb.execute(
        f"""copy (select 1::bigint as event_timestamp, 'jane@example.com' as user_id,
        [{{'key': 'page_location', 'value': {{'string_value': 'https://s.example/?email=jane@example.com'}}}}]
        as event_params)
        to '{file}' (format parquet)"""
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table ga4.stg_ga4__events as select 1 as event_key")
        connection.execute(
            """create table raw.ga4_quarantine (property_id varchar, event_date date, source_file varchar,
            source_line bigint, reason varchar, content varchar)"""
        )
        connection.execute(
            """insert into raw.ga4_quarantine values
            ('p1', '2024-03-01', 'f', 1, 'not valid JSON', '{"user_id": "jane@example.com"')"""
        )
    return file


def test_personal_data_of_earlier_releases_is_removed_once(path: Path) -> None:
    file = uncleaned(path)
    code, output = run_migrate("--check")
    assert code == 1
    assert "personal data: 1 raw partition to clean" in output
    assert "personal data: 1 quarantined row to clean" in output
    with ledger_outlives(path.parent):
        code, output = run_migrate("--no-backup")
    assert code == 0, output
    assert "personal data removed from 2 values" in output
    ((user_id, params),) = duckdb.execute(f"select user_id, event_params::varchar from '{file}'").fetchall()
    assert len(user_id) == 64
    assert "https://s.example/?email=[redacted]" in params
    assert rows(path, "select content from raw.ga4_quarantine") == [('{"user_id": "[redacted]"',)]
    assert rows(path, "select asset from cache.pending_full_refresh") == [("dbt_incremental_models",)]
    before = file.stat()
    code, output = run_migrate("--check")
    assert (code, "nothing to migrate" in output) == (0, True), output
    assert os.path.samestat(before, file.stat())
    assert not list(file.parent.glob(".*"))


def test_cleaning_goes_on_after_a_kill(path: Path) -> None:
    """What the killed call left beside a partition is replaced, and what it had cleaned is not read again."""
    file = uncleaned(path)
    other = file.parent.parent / "event_date=2024-03-02" / "events.parquet"
    other.parent.mkdir()
    other.write_bytes(file.read_bytes())
    assert run_migrate("--no-backup")[0] == 0
    other.with_name(f".{other.name}.cleaned").write_bytes(b"cut short")
    duckdb.execute(f"copy (select 1::bigint as event_timestamp, 'joe@example.com' as user_id) to '{other}'")
    done = file.stat()
    code, output = run_migrate()
    assert (code, "1 raw partition" in output) == (0, True), output
    assert os.path.samestat(done, file.stat())
    assert duckdb.execute(f"select length(user_id) from '{other}'").fetchall() == [(64,)]
