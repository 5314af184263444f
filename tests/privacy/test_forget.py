"""A person is found in every kind of place before, in none after, and does not come back; others stay as they were."""

from __future__ import annotations

import hmac
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from beha2vec_core.cli import app, project
from beha2vec_core.cli import privacy as privacy_commands
from beha2vec_core.privacy.forgetting import forget as forget_module
from beha2vec_core.privacy.forgetting.find import Found
from beha2vec_core.privacy.forgetting.forget import Certificate, forget, on_the_list
from beha2vec_core.privacy.forgetting.identities import resolve
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.key import PrivacyError, key
from beha2vec_core.privacy.partitions import is_clean
from beha2vec_core.settings import Settings
from beha2vec_core.store import limits, vectors
from beha2vec_core.store.export import Format, What, export
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import _TABLES, IDENTIFIERS, PEOPLE
from tests.ga4.ingest_world import event, write
from tests.privacy.privacy_world import (
    ANN,
    BEN,
    CORA,
    DAN,
    DAYS,
    LAPTOP,
    PHONE,
    TABLET,
    PrivacyWorld,
    client_key,
    copy_world,
    world_in,
)

IDS = (ANN, PHONE, LAPTOP, client_key(PHONE), client_key(LAPTOP))
SHARED = "event_params[1].value.string_value like '%ref=%'"
OTHERS = f"user_pseudo_id not in ('{PHONE}', '{LAPTOP}') and not {SHARED}"


class Gone(NamedTuple):
    """A world without Ann, and how it was before."""

    world: PrivacyWorld
    certificate: Certificate
    places: list[Found]
    contents: str
    raw: list[tuple[object, ...]]
    tables: dict[str, list[tuple[object, ...]]]
    comments: list[tuple[str]]


@pytest.fixture(scope="module")
def gone(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Gone:
    """Tests only read it. The raw partitions are on another disk, and another process reads a database."""
    folder = tmp_path_factory.mktemp("gone")
    world = copy_world(built, folder)
    storage = world.settings.storage
    shutil.move(storage.raw_path, folder / "larger_disk")
    storage.raw_path.symlink_to(folder / "larger_disk")
    before = (
        world.find(ANN), read_otherwise(world), world.raw_rows(OTHERS),
        world.tables(storage.warehouse_path, client_key(PHONE)), _comments(storage.serving_path),
    )  # fmt: skip
    left_behind = storage.data_dir / f".{limits.SPILL}-a.machine.that.is.gone-1-x" / vectors.FILE_NAME
    left_behind.parent.mkdir()
    left_behind.write_bytes(b"\0" * 16)
    with read_by_another_process(storage.serving_path):
        certificate = world.forget(ANN)
    return Gone(world, certificate, *before)


@pytest.fixture
def without_ann(gone: Gone, tmp_path: Path) -> PrivacyWorld:
    """A world without Ann, to be changed."""
    return copy_world(gone.world.home.parent, tmp_path)


@contextmanager
def read_by_another_process(path: Path) -> Iterator[None]:
    """As the explorer does, which keeps serving.duckdb open."""
    reader = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
        "c.sql('from beha2vec.cluster_models').fetchall(); print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", reader, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        yield
        process.communicate("")


def read_otherwise(world: PrivacyWorld) -> str:
    """All contents of parquet files and databases, not read by the product's own search."""
    contents = []
    for folder in (world.settings.storage.data_dir, world.exported):
        contents += [str(pq.read_table(path, partitioning=None).to_pylist()) for path in folder.rglob("*.parquet")]
    for path in world.settings.storage.data_dir.glob("*.duckdb*"):
        if not path.name.endswith(".lock"):
            contents += [str(rows) for rows in world.tables(path, "").values()]
    return "".join(contents)


def test_a_person_is_everywhere_before_and_nowhere_after(gone: Gone) -> None:
    world = gone.world
    places = {one.file.name for one in gone.places}
    assert places == {
        "events.parquet", "users.parquet", "sequences.parquet", "warehouse.duckdb", "warehouse.duckdb.bak-1",
        "serving.duckdb", "user_vectors.parquet", "user_clusters.parquet", "user_vectors.csv", "user_clusters.csv",
        "user_vectors.json.gz", "user_clusters.json.gz", "chat_history", "index.db", "step.err.gz",
        *{one.file.name for one in gone.places if "page_cache" in one.file.parts},
    }  # fmt: skip
    tables = {one.table for one in gone.places if one.file.name == "warehouse.duckdb"}
    assert tables >= {
        "raw.ga4_quarantine", "beha2vec.user_embeddings", "beha2vec.user_clusters", "beha2vec.cluster_members",
        "beha2vec.enriched_pages", "beha2vec.cluster_profiles", "ga4.base_ga4__events", "ga4.stg_ga4__event_items",
        "ga4.int_ga4__page_titles", "ga4.int_ga4__identity_map", "ga4.dim_ga4__pages",
    }  # fmt: skip
    assert all(one in gone.contents for one in IDS)
    assert not list(world.settings.storage.data_dir.glob(f".{limits.SPILL}-*")), "vectors of users, though without ids"
    assert gone.certificate.left == [] and gone.certificate.not_found == []
    assert all(is_clean(path) for path in world.settings.storage.raw_path.glob("property_id=*/*/*.parquet"))
    assert world.settings.storage.raw_path.is_symlink()
    named = {str(place["place"]) for place in gone.certificate.removed}
    assert any(name.endswith(" beha2vec.cluster_profiles") for name in named), "tables by their names"
    assert not any('"' in name for name in named)
    left = read_otherwise(world)
    assert not any(one in left for one in IDS)
    assert world.find(*IDS) == []
    # nor as plain bytes in what is not compressed
    for folder in (world.settings.storage.data_dir, world.home, world.exported):
        for path in folder.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            assert not any(one.encode() in content for one in IDS), path


def test_others_stay_as_they_were(gone: Gone) -> None:
    world, settings, tables = gone.world, gone.world.settings, gone.tables
    assert world.raw_rows(OTHERS) == gone.raw
    assert len(world.raw_rows(SHARED)) == len(DAYS), "the row that links to the person stays, without the name"
    after = world.tables(settings.storage.warehouse_path, client_key(PHONE))
    for table in ("beha2vec.user_embeddings", "beha2vec.user_clusters", "ga4.int_ga4__identity_map"):
        assert after[table] == [row for row in tables[table] if client_key(LAPTOP) not in row], table
    assert after["beha2vec.cluster_models"] == tables["beha2vec.cluster_models"]
    assert [row[0] for row in after["beha2vec.enriched_pages"]] == ["shop.example.com/p/1"]
    assert _comments(settings.storage.serving_path) == gone.comments and gone.comments
    assert "+how many users" in (settings.storage.data_dir / "chat_history").read_text()
    with sqlite3.connect(world.home / "history" / "index.db") as connection:
        events = [json.loads(text)["md_str"] for (text,) in connection.execute("select event from event_logs")]
    assert events == ["| [removed] | [removed] |", "| nobody |"]


def _comments(path: Path) -> list[tuple[str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select comment from duckdb_columns() where comment is not null order by 1"
        ).fetchall()


def test_each_id_of_a_person_leads_to_all_of_them(world: PrivacyWorld) -> None:
    for asked in (ANN, PHONE, LAPTOP, client_key(PHONE)):
        people = resolve(world.settings, [asked]).people
        assert (people.devices, people.keys) == ({PHONE, LAPTOP}, {client_key(PHONE), client_key(LAPTOP)}), asked
        assert ANN in people.logins and not people.shared
    dan = resolve(world.settings, [DAN]).people
    assert (dan.devices, dan.logins) == ({DAN}, frozenset())


@pytest.mark.slow
def test_a_shared_device_keeps_the_rows_of_the_others(world: PrivacyWorld) -> None:
    bens = resolve(world.settings, [BEN]).people
    assert (bens.devices, bens.keys, bens.shared) == (frozenset(), frozenset(), {client_key(TABLET)})
    everything = resolve(world.settings, [TABLET]).people
    assert everything.devices == {TABLET} and not everything.logins
    left = world.raw_rows(f"user_id is distinct from '{BEN}'")
    certificate = world.forget(BEN)
    assert world.raw_rows() == left and world.find(BEN) == []
    assert {row[0] for row in world.tables(world.settings.storage.serving_path, "")["beha2vec.user_embeddings"]}
    assert any("1 device" in remark for remark in certificate.remarks)
    assert world.find(CORA), "who shares the tablet is still there"


def test_no_backfill_brings_a_person_back(built: Path, without_ann: PrivacyWorld) -> None:
    left = without_ann.raw_rows()
    with duckdb.connect(str(world_in(built).settings.storage.warehouse_path), read_only=True) as connection:
        first = dict(connection.execute("select event_date, accepted from raw.ga4_ingest_log").fetchall())
    report = without_ann.ingest()
    assert without_ann.raw_rows() == left and without_ann.find(ANN) == []
    for day in report.days:
        assert day.rows_in == day.accepted + day.quarantined + day.forgotten
        # three visits, and the broken row that names her
        assert (day.status, first[day.event_date] - day.accepted, day.forgotten, day.quarantined) == (
            "ingested",
            3,
            4,
            0,
        )
    assert not any(ANN in str(row) for row in report.quarantine)


def test_the_ingest_log_adds_up_after_a_removal(gone: Gone) -> None:
    with duckdb.connect(str(gone.world.settings.storage.warehouse_path), read_only=True) as connection:
        log = connection.execute("select accepted, forgotten, users from raw.ga4_ingest_log").fetchall()
    assert log == [(65, 3, 62)] * 3
    assert len(gone.world.raw_rows()) == 65 * 3


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, 1, 2, 9, 14, 20, 25])
def test_a_killed_removal_is_finished_by_the_next_one(
    step: int, world: PrivacyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    remove, compact = forget_module.remove_from_file, forget_module.compact

    def killed(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls > step:
            raise KeyboardInterrupt
        return (compact if len(arguments) == 1 else remove)(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(forget_module, "remove_from_file", killed)
        patch.setattr(forget_module, "compact", killed)
        with pytest.raises(KeyboardInterrupt):
            world.forget(ANN)
    assert Forgotten(world.settings.storage.data_dir).hashes(), "the list comes first"
    # by another person's request, or by the same one, which may find fewer of her ids now
    certificate = world.forget(DAN if step % 2 else ANN)
    assert certificate.left == []
    assert world.find(*IDS) == []
    assert not list(world.settings.storage.data_dir.glob(".*"))


def test_forgetting_somebody_unknown_changes_nothing(world: PrivacyWorld) -> None:
    def contents() -> dict[Path, bytes]:
        folders = (world.settings.storage.data_dir, world.home, world.exported)
        return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}

    before = contents()
    certificate = world.forget("nobody-4799", "page_view")
    assert len(certificate.not_found) == 2 and certificate.rows == 0 and certificate.left == []
    added = {path.name for path in contents().keys() - before.keys()}
    assert certificate.path is not None
    assert added == {"forgotten.csv", "warehouse.duckdb.lock", certificate.path.name}
    assert {path: content for path, content in contents().items() if path in before} == before


@pytest.mark.slow
def test_a_restored_backup_is_cleaned_by_the_list(built: Path, without_ann: PrivacyWorld) -> None:
    world, storage = without_ann, without_ann.settings.storage
    for path in (storage.raw_path, storage.sequences_path):
        shutil.rmtree(path)
        shutil.copytree(built / "data" / path.name, path)
    found = on_the_list(world.settings, world.home)
    assert {PHONE, LAPTOP, ANN} <= found and DAN not in found
    assert forget(world.settings, found, world.home).left == []
    assert world.find(ANN) == [] and world.find(DAN)


@pytest.mark.slow
def test_what_could_not_be_changed_is_removed_by_the_next_run(world: PrivacyWorld) -> None:
    pickled = world.home / "storage" / "result"
    pickled.write_bytes(b"\x80\x04" + LAPTOP.encode() + b"\x00.")
    broken = world.settings.storage.data_dir / "broken.parquet"
    broken.write_bytes(b"PAR1 cut off")
    certificate = world.forget(ANN)
    assert [Path(place["place"]).name for place in certificate.left] == ["broken.parquet", "result"]
    assert "delete" in certificate.as_text()
    pickled.write_text(LAPTOP)
    broken.unlink()
    # her laptop is no longer known as hers, but the note says so
    assert world.forget(PHONE).left == [] and world.find(LAPTOP) == []
    assert not list(world.settings.storage.data_dir.glob(".*"))


def test_the_certificate_names_nobody(gone: Gone) -> None:
    certificate = gone.certificate
    assert certificate.path is not None
    for text in (certificate.as_text(), certificate.path.read_text()):
        assert not any(one in text for one in IDS)
        assert Forgotten(gone.world.settings.storage.data_dir).digest(ANN) in text
    assert "BEHA2VEC_SOURCE" in certificate.as_text()
    assert certificate.path.stat().st_mode & 0o777 == 0o600


def test_nobody_joins_the_list_while_a_partition_is_written(tmp_path: Path) -> None:
    forgotten, joined = Forgotten(tmp_path), threading.Event()

    def join() -> None:
        Forgotten(tmp_path).add([ANN], DAYS[0])
        joined.set()

    with forgotten.held(), Forgotten(tmp_path).held():  # two ingests at once
        thread = threading.Thread(target=join)
        thread.start()
        assert not joined.wait(0.3)
    assert joined.wait(10) and len(forgotten.hashes()) == 1
    thread.join()


def test_another_key_is_refused(without_ann: PrivacyWorld) -> None:
    (without_ann.settings.storage.data_dir / "privacy.key").write_text("00" * 32)
    with pytest.raises(PrivacyError, match="Put the key"):
        without_ann.ingest()
    with pytest.raises(PrivacyError, match="Put the key"):
        without_ann.forget(DAN)
    assert without_ann.find(DAN)


def test_the_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    made = key(tmp_path)
    assert key(tmp_path) == made and len(made) == 32
    assert (tmp_path / "privacy.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "privacy.key").write_text("short")
    with pytest.raises(PrivacyError, match="not a key"):
        key(tmp_path)


def test_every_table_with_an_identifier_column_is_registered() -> None:
    for table, columns in _TABLES.items():
        names = [part.split()[0] for part in columns.split(",") if part.split()]
        found = tuple(one for one in names if one in IDENTIFIERS)
        registered = PEOPLE.get(table)
        assert registered or not found, f"register {table} in store/tables.py: PEOPLE"
        if registered:
            assert registered.columns == found and (registered.day is None or registered.day in names), table
    assert PEOPLE.keys() <= _TABLES.keys()


def test_docs_have_every_place(gone: Gone) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "privacy.md").read_text()
    for table in PEOPLE:
        assert f"`{table}`" in text, table
    for path in gone.world.settings.storage.data_dir.iterdir():
        name = path.name.split(".bak-")[0].removesuffix(".lock")
        assert f"`{name}" in text, name


@pytest.mark.slow
def test_the_command_line(world: PrivacyWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(world.settings.storage.data_dir))
    monkeypatch.setattr(privacy_commands, "_runs_in_progress", lambda home: [])  # tests/dagster has runs
    run = CliRunner().invoke
    found = run(app, ["find-person", "--user", ANN])
    assert found.exit_code == 0 and "base_ga4__events" in found.stdout
    assert run(app, ["forget", "--dry-run", "--user", PHONE]).stdout == found.stdout
    (tmp_path / "who.txt").write_text(f"\ufeff{ANN}\n\nnobody-4799\n")
    done = run(app, ["forget", "--file", "who.txt", "--quiet"])
    assert done.exit_code == 3 and "nothing left" in done.stdout and "1 identifier not found" in done.stderr
    assert run(app, ["find-person", "--user", ANN]).exit_code == 3
    assert run(app, ["forget"]).exit_code == 2
    assert "no one on the list" in run(app, ["forget", "--again"]).stdout


@pytest.mark.parametrize("command", ["find-person --user 5.5", "forget --user 5.5", "forget --again"])
def test_a_folder_without_data_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """It may be the wrong one: "not found" would count as proof."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, command.split())
    assert (done.exit_code, list(tmp_path.iterdir())) == (1, []) and "go to the project's folder" in done.stderr


def test_a_person_is_kept_out_before_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.init(tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setattr(privacy_commands, "_runs_in_progress", lambda home: [])
    assert CliRunner().invoke(app, ["forget", "--user", "5.5"]).exit_code == 3
    forgotten = Forgotten(tmp_path / "shop" / "data")
    assert forgotten.those_of({"5.5", "6.6"}, forgotten.hashes()) == {"5.5"}


@pytest.mark.parametrize("asked", ["eve@example.com", "5.5"])
def test_a_login_that_is_stored_as_a_hash_is_found_and_kept_out(tmp_path: Path, asked: str) -> None:
    """The export has the address, spelled in two ways; what is stored has its keyed hash."""
    settings = Settings(data_dir=tmp_path / "data", source=str(tmp_path / "export"), property_id="p1")
    world = PrivacyWorld(settings, tmp_path / "home", tmp_path / "exported")
    logins = [("5.5", "eve@example.com"), ("6.6", "EVE@example.com"), ("6.6", None), ("7.7", "dan@example.com")]
    rows = [event(n, DAYS[0], user_pseudo_id=device, user_id=login) for n, (device, login) in enumerate(logins)]
    write(tmp_path / "export" / f"events_{DAYS[0]:%Y%m%d}.json.gz", rows)
    world.ingest()
    assert len(world.raw_rows()) == 4 and not world.raw_rows("user_id like '%@%'")
    world.forget(asked)
    assert [len(world.raw_rows()), len(world.raw_rows("user_pseudo_id = '7.7'"))] == [1, 1]
    assert sum(day.forgotten for day in world.ingest().days) == 3
    assert len(world.raw_rows()) == 1


@pytest.mark.slow
def test_a_person_is_found_in_keyed_copies_and_by_the_ids_that_they_have(world: PrivacyWorld) -> None:
    """The explorer and exports then have keyed hashes; someone may copy one of them into the command."""
    storage = world.settings.storage
    secret = key(storage.data_dir)
    with duckdb.connect(str(storage.warehouse_path)) as connection:
        publish(connection, storage.serving_path, secret=secret, identifiers="keyed")
    export(storage.serving_path, world.exported, Format.CSV, (What.USER_VECTORS,))
    anns = hmac.digest(secret, client_key(PHONE).encode(), "sha256").hex()[:32]
    assert anns in read_otherwise(world) and anns in (world.exported / "user_vectors.csv").read_text()
    for asked in (anns, hmac.digest(secret, PHONE.encode(), "sha256").hex()):
        assert resolve(world.settings, [asked]).people.devices == {PHONE, LAPTOP}
    assert {storage.serving_path.name, "user_vectors.csv"} <= {one.file.name for one in world.find(ANN)}
    certificate = world.forget(anns)
    assert certificate.left == [] and certificate.not_found == []
    assert anns not in read_otherwise(world) and anns not in (world.exported / "user_vectors.csv").read_text()
    assert world.find(anns, ANN) == []
