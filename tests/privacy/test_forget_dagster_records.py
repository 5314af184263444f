"""A person leaves Dagster's records in PostgreSQL, where a server keeps them."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from beha2vec_core.privacy.forgetting.dagster_records import find_in_records
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.privacy.people import People
from tests.explorer.browsing import free_port
from tests.ga4.ingest_world import event
from tests.helpers.postgres_server import POSTGRES, postgres
from tests.privacy.privacy_world import DAN, DAYS, PHONE
from tests.privacy.test_forget_strangers import raw_world

SERVER = Path(__file__).resolve().parents[2] / "deploy" / "dagster.yaml"


@dg.job
def previews() -> None:
    """A job of older releases, whose runs showed people."""


@dg.op(tags={"asked": PHONE})
def step_for_her() -> None:
    """Her name is in the plan of the job, and in that of its steps."""


@dg.job
def planned_for_her() -> None:
    """A job of a site's own."""
    step_for_her()


@pytest.mark.slow
@pytest.mark.skipif(POSTGRES is None, reason="PostgreSQL is not installed (apt-get install postgresql)")
def test_a_person_is_removed_from_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg2

    port = free_port()
    address = {"HOST": "127.0.0.1", "PORT": str(port), "USER": "dagster", "PASSWORD": "p@ss/w:rd", "DB": "postgres"}
    for name, value in address.items():
        monkeypatch.setenv(f"DAGSTER_PG_{name}", value)
    world = raw_world(tmp_path, [event(n, DAYS[0], user_pseudo_id=one) for n, one in enumerate((PHONE, DAN))])
    world.home.mkdir()
    shutil.copy(SERVER, world.home)
    with pytest.raises(PrivacyError, match="PostgreSQL cannot be read"):
        list(find_in_records(world.home, People(devices=frozenset([PHONE]))))
    with postgres(port, "dagster", address["PASSWORD"]):
        with dg.DagsterInstance.from_config(str(world.home)) as instance:
            run = instance.create_run_for_job(previews, tags={"asked": PHONE})
            for one in (PHONE, DAN):
                instance.report_engine_event(f"| {one} |", run)
            planned = instance.create_run_for_job(planned_for_her)
        assert {one.table for one in world.find(PHONE)} >= {"event_logs", "runs", "run_tags"}
        with (
            closing(
                psycopg2.connect(
                    host="127.0.0.1", port=port, user="dagster", password=address["PASSWORD"], dbname="postgres"
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("select from event_logs")  # who reads a table keeps it from being rewritten
            with monkeypatch.context() as patch:
                patch.setenv("PGOPTIONS", "-c lock_timeout=100")
                with pytest.raises(PrivacyError, match="lock timeout"):
                    world.forget(PHONE)
            connection.rollback()
            (left,) = world.forget(PHONE).left
            assert left["place"] == "PostgreSQL snapshots snapshot_body" and "delete that job's runs" in left["why"]
            with dg.DagsterInstance.from_config(str(world.home)) as instance:
                instance.delete_run(planned.run_id)
            certificate = world.forget(PHONE)
            assert certificate.left == [] and "PostgreSQL snapshots: 2 rows" in certificate.as_text()
            assert world.find(PHONE) == []
            cursor.execute("checkpoint")
            cursor.execute("select pg_read_binary_file(pg_relation_filepath('event_logs'))")
            assert PHONE.encode() not in bytes(cursor.fetchone()[0]), "rows from before the change"
            cursor.execute("select event from event_logs order by id")
            events = str(cursor.fetchall())
        assert PHONE not in events and "| [removed] |" in events and f"| {DAN} |" in events
        with dg.DagsterInstance.from_config(str(world.home)) as instance:
            assert len(instance.all_logs(run.run_id)) == 2, "Dagster still reads what is left"
