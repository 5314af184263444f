"""The retention removes the days of each layer that are beyond its limit, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.privacy.forgetting.retention import apply_retention
from beha2vec_core.quality.check import Look
from beha2vec_core.quality.export import rows_are_accounted_for
from beha2vec_core.settings import ExportSettings, Settings, SettingsError
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import DAY_COLUMNS, IDENTIFIERS
from beha2vec_core.store.warehouse import Warehouse
from tests.helpers.cases import few_fast
from tests.privacy.privacy_world import ANN, BEN, DAN, DAYS, LAPTOP, PHONE, TABLET, PrivacyWorld

LAYERS = ("raw", "quarantine", "events", "sequences", "embeddings")
# the first of three days is beyond a limit of 130 days
NOW = datetime.combine(DAYS[1] + timedelta(days=130), datetime.min.time(), UTC) + timedelta(hours=8)


def with_limits(world: PrivacyWorld, **days: int) -> Settings:
    privacy = world.settings.privacy.model_copy(update={f"retention_days_{layer}": n for layer, n in days.items()})
    return world.settings.model_copy(update={"privacy": privacy})


def days_by_layer(world: PrivacyWorld, database: str = "warehouse") -> dict[str, set[date]]:
    settings = world.settings
    folders = {"raw": settings.storage.raw_path / "property_id=p1", "sequences": settings.storage.sequences_path}
    found = {
        layer: {date.fromisoformat(path.name.removeprefix("event_date=")) for path in folder.iterdir()}
        for layer, folder in folders.items()
    }
    tables = {"quarantine": "raw.ga4_quarantine", "events": "ga4.base_ga4__events"} if database == "warehouse" else {}
    tables["embeddings"] = "beha2vec.user_embeddings"
    with duckdb.connect(str(settings.storage.data_dir / f"{database}.duckdb"), read_only=True) as connection:
        for layer, table in tables.items():
            rows = connection.execute(f"select distinct event_date from {table}").fetchall()
            found[layer] = {day for (day,) in rows}
    return found


@pytest.mark.parametrize("layer", few_fast(LAYERS, every=2))
def test_only_old_days_of_the_layer_go(layer: str, world: PrivacyWorld) -> None:
    everything = set(DAYS)
    assert days_by_layer(world) == dict.fromkeys(LAYERS, everything)
    (removed,) = apply_retention(with_limits(world, **{layer: 130}), NOW)
    assert (removed.layer, removed.before, removed.days) == (layer, DAYS[1], 1) and removed.rows > 0
    assert days_by_layer(world) == dict.fromkeys(LAYERS, everything) | {layer: everything - {DAYS[0]}}
    if layer == "embeddings":
        assert days_by_layer(world, "serving")["embeddings"] == everything - {DAYS[0]}
    (again,) = apply_retention(with_limits(world, **{layer: 130}), NOW)
    assert (again.days, again.rows) == (0, 0)


def test_no_table_with_people_keeps_an_old_day(world: PrivacyWorld) -> None:
    """Also none that is a view in the warehouse, and a table in the copy."""
    storage, days = (
        world.settings.storage,
        """
        select client_key as user_key, event_date::varchar as property_id, event_date as {day}
        from ga4.base_ga4__events""",
    )
    with duckdb.connect(str(storage.warehouse_path)) as connection:
        connection.execute(f"create view ga4.fct_ga4__user_days as {days.format(day='user_date')}")
        connection.execute(f"create table ga4.ml_ga4__user_features as {days.format(day='as_of')}")
        publish(connection, storage.serving_path, secret=b"k" * 32)
    old = {name for name, day in first_days(storage.serving_path).items() if day == DAYS[0]}
    assert {"beha2vec.cluster_history", "ga4.fct_ga4__user_days", "ga4.ml_ga4__user_features"} <= old
    apply_retention(with_limits(world, events=130, embeddings=130), NOW)
    for database in (storage.warehouse_path, storage.serving_path):
        assert {name: day for name, day in first_days(database).items() if day < DAYS[1]} == {}


def first_days(database: Path) -> dict[str, date]:
    """The first day in each table or view with people, of those that have days at all."""
    found = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        catalog = connection.execute(
            """select schema_name || '.' || table_name,
                list(column_name order by column_index) filter (data_type = 'DATE') as days
            from duckdb_columns() where not internal group by all
            having bool_or(list_contains(?::varchar[], column_name)) and days is not null""",
            [list(IDENTIFIERS)],
        ).fetchall()
        for name, days in catalog:
            ((first,),) = connection.execute(f"select min(least({', '.join(days)})) from {name}").fetchall()
            if first:
                found[name] = first
    return found


def test_a_limit_reaches_every_model_with_people() -> None:
    """Those without a day are of persons, and are built again from what is left."""
    without_day = set()
    for file in Path("dbt_ga4/models").rglob("*.yml"):
        for model in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader).get("models", ()):
            columns = {column["name"] for column in model.get("columns", ())}
            if columns & IDENTIFIERS.keys() and not columns.intersection(DAY_COLUMNS):
                without_day.add(model["name"])
    assert without_day == {"int_ga4__first_user_sources", "int_ga4__identity_map", "dim_ga4__users"}


def test_without_limits_nothing_is_opened(world: PrivacyWorld) -> None:
    before = {path: path.stat().st_mtime_ns for path in world.settings.storage.data_dir.rglob("*")}
    assert apply_retention(world.settings, NOW) == []
    assert {path: path.stat().st_mtime_ns for path in world.settings.storage.data_dir.rglob("*")} == before


def test_the_rows_that_stay_are_the_same(world: PrivacyWorld) -> None:
    left = world.raw_rows(f"event_date >= date '{DAYS[1]}'")
    apply_retention(with_limits(world, **dict.fromkeys(LAYERS, 130)), NOW)
    assert world.raw_rows() == left


def denied(world: PrivacyWorld) -> set[str]:
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""select coalesce(user_pseudo_id, user_id)
            from read_parquet('{world.settings.storage.users_path}/*/*/*.parquet') where not is_allowed"""
        ).fetchall()
    return {one for (one,) in rows}


def test_a_person_who_denied_personal_ads_stays_denied_while_they_are_seen(world: PrivacyWorld) -> None:
    """GA4's tables of users have each change once: the day of the denial may be older than all that is kept."""
    everyone = {PHONE, LAPTOP, TABLET, DAN, ANN, BEN}
    assert denied(world) == everyone
    with duckdb.connect(str(world.settings.storage.warehouse_path)) as connection:
        connection.execute("delete from ga4.int_ga4__sessions where user_pseudo_id <> ?", [DAN])
        connection.execute("update ga4.int_ga4__sessions set user_id = ?", [BEN])
    # every day but the last is beyond the limit, and Dan has a session on the last, with Ben's login
    late = NOW + timedelta(days=(DAYS[2] - DAYS[1]).days)
    apply_retention(with_limits(world, events=130), late)
    assert denied(world) == {DAN, BEN}
    apply_retention(with_limits(world, events=130), late + timedelta(days=1))
    assert not list(world.settings.storage.users_path.rglob("event_date=*"))


def test_before_dbt_has_made_sessions_denials_stay(world: PrivacyWorld) -> None:
    everyone = denied(world)
    with duckdb.connect(str(world.settings.storage.warehouse_path)) as connection:
        connection.execute("drop schema ga4 cascade")
    apply_retention(with_limits(world, events=130), NOW + timedelta(days=30))
    assert denied(world) == everyone


def test_removed_days_still_add_up(world: PrivacyWorld) -> None:
    apply_retention(with_limits(world, raw=130), NOW)
    settings = ExportSettings(source="x", start_date=DAYS[0], timezone="UTC", data_dir=world.settings.storage.data_dir)
    outcome = rows_are_accounted_for(
        Look(Warehouse(settings.storage.warehouse_path).connect, DAYS[0], DAYS[-1], settings)
    )
    assert outcome.passed, outcome.message
    with duckdb.connect(str(settings.storage.warehouse_path), read_only=True) as connection:
        log = connection.execute("select event_date, status from raw.ga4_ingest_log order by all").fetchall()
    assert log == [(DAYS[0], "removed"), (DAYS[1], "ingested"), (DAYS[2], "ingested")]


@pytest.mark.slow
def test_a_person_is_forgotten_after_old_days_are_gone(world: PrivacyWorld) -> None:
    apply_retention(with_limits(world, raw=130, events=130), NOW)
    assert world.forget(DAN).left == [] and world.find(DAN) == []


@pytest.mark.parametrize(
    ("variables", "parts"),
    [
        ({"RAW": "100"}, ["RETENTION_DAYS_RAW=100", "at least 120", "LOOKBACK_DAYS"]),
        ({"EVENTS": "119"}, ["RETENTION_DAYS_EVENTS=119", "at least 120"]),
        ({"SEQUENCES": "60"}, ["RETENTION_DAYS_SEQUENCES=60", "RETENTION_DAYS_EMBEDDINGS of at most 60"]),
        ({"SEQUENCES": "60", "EMBEDDINGS": "61"}, ["RETENTION_DAYS_EMBEDDINGS of at most 60"]),
        ({"QUARANTINE": "0"}, ["RETENTION_DAYS_QUARANTINE", "greater than or equal to 1"]),
    ],
)
def test_a_limit_that_takes_what_is_needed_is_refused(
    variables: dict[str, str], parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for layer, days in variables.items():
        monkeypatch.setenv(f"BEHA2VEC_RETENTION_DAYS_{layer}", days)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_limits_that_fit_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for layer, days in {"RAW": 40, "EVENTS": 40, "SEQUENCES": 60, "EMBEDDINGS": 60}.items():
        monkeypatch.setenv(f"BEHA2VEC_RETENTION_DAYS_{layer}", str(days))
    monkeypatch.setenv("BEHA2VEC_LOOKBACK_DAYS", "10")
    settings = Settings.load()
    assert settings.first_kept_day("raw", datetime(2026, 3, 1, tzinfo=UTC)) == date(2026, 1, 20)
    assert settings.first_kept_day("quarantine", datetime(2026, 3, 1, tzinfo=UTC)) is None


def test_the_command_line(world: PrivacyWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(world.settings.storage.data_dir))
    assert "kept forever" in CliRunner().invoke(app, ["apply-retention"]).stdout
    monkeypatch.setenv("BEHA2VEC_RETENTION_DAYS_QUARANTINE", "30")
    done = CliRunner().invoke(app, ["apply-retention"])
    assert done.exit_code == 0 and "3 rows of 3 days" in done.stdout


def test_materialize_refuses_days_that_are_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SOURCE": "x",
        "START_DATE": "2020-01-01",
        "TIMEZONE": "UTC",
        "RETENTION_DAYS_RAW": "200",
    }.items():
        monkeypatch.setenv(f"BEHA2VEC_{name}", value)
    done = CliRunner().invoke(app, ["materialize", "--start", "2020-02-01", "--end", "2020-02-02"])
    assert done.exit_code == 2 and "RETENTION_DAYS_RAW keeps" in done.stderr
