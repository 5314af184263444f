"""A person is forgotten in the whole product: files, databases, Dagster's records; later runs go on without them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from beha2vec_core.privacy.forgetting.find import find_person
from beha2vec_core.privacy.forgetting.identities import resolve
from beha2vec_core.settings import Settings
from tests.dagster.project import DAYS, Project, definitions, latest_metadata

pytestmark = pytest.mark.xdist_group("graph")


@pytest.mark.slow
def test_a_person_is_forgotten_everywhere_and_the_next_night_does_not_bring_them_back(
    materialized: Project, tmp_path: Path
) -> None:
    project = materialized.copy(tmp_path / "p")
    data = project.folder / "data"
    # logged in, and active on the day that is read again
    ((login,),) = project.query(
        f"""select user_id from ga4.int_ga4__identity_map
        where user_id is not null and last_seen >= date '{DAYS[-1]}' order by 1 limit 1"""
    )
    settings = Settings(data_dir=data, source=str(data / "demo_export"), property_id="northfold")
    people = resolve(settings, [login]).people
    assert {login} < people.named and people.sessions and people.events

    def found() -> set[str]:
        return {one.table or one.file.name for one in find_person(settings, people, project.folder / "dagster_home")}

    places = found()
    assert places >= {
        "events.parquet", "sequences.parquet", "beha2vec.user_embeddings", "beha2vec.user_clusters",
        "ga4.base_ga4__events", "ga4.stg_ga4__events", "ga4.int_ga4__sessions", "ga4.int_ga4__identity_map",
        "ga4.dim_ga4__users", "ga4.ml_ga4__user_features", "ga4.fct_ga4__sessions",
    }  # fmt: skip
    assert "event_logs" not in places, "previews name nobody"
    users = "select count(*) from ga4.dim_ga4__users"
    ((before,),) = project.query(users)
    done = project.run("beha2vec", "forget", "--user", login, "--quiet")
    assert "nothing left" in done.stdout and found() == set()
    assert project.query(users) == [(before - len(people.keys),)] == project.query(users, "serving")
    night = "raw_ga4_events,group:dbt_ga4,user_sequences,serving_database"
    done = project.materialize(night, "--start", DAYS[-1], "--end", DAYS[-1])
    assert "rows_are_accounted_for" not in done.stdout + done.stderr
    assert found() == set() and project.query(users) == [(before - len(people.keys),)]
    log = "select accepted + quarantined + forgotten = rows_in, forgotten > 0 from raw.ga4_ingest_log"
    assert project.query(f"{log} where event_date = '{DAYS[-1]}'") == [(True, True)]
    assert project.run("beha2vec", "find-person", "--user", login, check=False).returncode == 3


def test_previews_hide_identifiers(instance: dg.DagsterInstance) -> None:
    for asset in ("raw_ga4_events", "user_sequences", "user_embeddings", "user_clusters", "dim_ga4__users"):
        assert "(hidden)" in str(latest_metadata(instance, asset)["preview"].value), asset


def test_the_nightly_job_removes_old_days_and_says_so(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    days = (date.today() - date.fromisoformat(DAYS[2])).days
    defs = definitions(project.folder, retention_days_embeddings=days, end_date=date.fromisoformat(DAYS[-1]))
    job = defs.resolve_job_def("apply_retention")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
        observed = instance.fetch_observations(dg.AssetKey("user_embeddings"), limit=1).records
    assert result.success
    metadata = observed[0].asset_observation.metadata
    assert (metadata["retention_layer"].value, metadata["retention_days"].value) == ("embeddings", days)
    assert metadata["days_removed"].value in (1, 2, 3) and metadata["rows_removed"].value > 0
    ((first,),) = project.query("select min(event_date) from beha2vec.user_embeddings")
    assert first == date.fromisoformat(metadata["removed_before"].value)


def test_a_day_beyond_the_retention_is_refused(tmp_path: Path) -> None:
    start = date.today() - timedelta(days=300)
    defs = definitions(tmp_path, start_date=start, retention_days_raw=200)
    job = defs.resolve_job_def("materialize_everything")
    with dg.DagsterInstance.ephemeral() as instance:
        for selection in ("raw_ga4_events", "stg_ga4__events", "user_sequences"):
            limits = {"retention_days_raw": 200, "retention_days_events": 200}
            job = definitions(tmp_path, start_date=start, **limits).resolve_job_def("materialize_everything")
            result = job.execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey(selection)],
                partition_key=start.isoformat(),
                raise_on_error=False,
            )
            (failed,) = result.filter_events(lambda event: event.is_step_failure)[:1]
            assert "keeps: begin with" in failed.step_failure_data.error.message, selection


def test_the_schedule_is_on_where_a_limit_is_set(tmp_path: Path) -> None:
    statuses = []
    for limits in ({}, {"retention_days_quarantine": 30}):
        schedule = definitions(tmp_path, nightly_hour=23, **limits).resolve_schedule_def("nightly_retention")
        statuses.append((schedule.cron_schedule, schedule.default_status.value))
    assert statuses == [("30 0 * * *", "STOPPED"), ("30 0 * * *", "RUNNING")]
