"""Tables of warehouses by dlt, in a real DuckDB and a real PostgreSQL: they have the members of the plan."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from beha2vec_core.activation.config import build, load_destinations
from beha2vec_core.activation.destination import ActivationError, Destination
from beha2vec_core.activation.run import plan_and_send, plan_only
from beha2vec_core.activation.warehouses import Dlt
from beha2vec_core.audiences.file import Activation
from beha2vec_core.settings import Settings
from beha2vec_core.store.written import written_elsewhere
from tests.activation.activation_world import BUYERS, EVERYONE, change, make_folder, may_be_contacted
from tests.explorer.browsing import free_port
from tests.helpers.postgres_server import POSTGRES, postgres

pytest.importorskip("dlt", reason="dlt is not installed: pip install -e '.[dev]'")
PASSWORD = "p@ss/w:rd of the loader"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = make_folder(tmp_path, BUYERS, EVERYONE, users=200)
    settings.activation.file.write_text("- {name: dwh, type: dlt, database: 'duckdb:shop.duckdb', dataset: crm}")
    return settings


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that are connected to."""
    found: list[Any] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        found.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    return found


def _dwh(settings: Settings) -> Destination:
    (config,) = load_destinations(settings.activation.file)
    return build(config, settings)


def _ids(rows: list[tuple[Any, ...]]) -> set[str]:
    return {key for (key,) in rows}


def _in_duckdb(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.activation.file.parent / "shop.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_table_has_the_members_of_now(settings: Settings, connected: list[Any]) -> None:
    scored = Activation.model_validate({"to": "dwh", "attributes": ["cluster"]})
    buyers = BUYERS.model_copy(update={"activate": (scored,)})
    plan_and_send(settings, EVERYONE, _dwh(settings))
    plan_and_send(settings, buyers, _dwh(settings))
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = user_key < 'u0100'", BUYERS, EVERYONE)
    plan, report = plan_and_send(settings, buyers, _dwh(settings))
    assert report.is_complete and plan.of_kind("leave") and plan.of_kind("enter")
    for audience in ("buyers", "everyone"):
        rows = _in_duckdb(settings, f"select user_key from crm.audience_members where audience = '{audience}'")
        assert len(rows) == len(_ids(rows)) and _ids(rows) == may_be_contacted(settings, audience)
    (row,) = _in_duckdb(
        settings,
        "select property_id, user_pseudo_id, user_id, is_ads_consented, attributes, leaves from crm.audience_members "
        "where audience = 'buyers' and user_key = 'u0006'",
    )
    assert row == ("p", "10006.1767818244", "login-u0006", True, '{"cluster": 2}', False)
    assert _in_duckdb(settings, "from crm_staging.audience_members") == [], "nobody stays behind"
    assert connected == [], "dlt reports to nobody"
    assert not (settings.storage.data_dir / ".dlt").exists()
    assert written_elsewhere(settings) == [settings.activation.file.parent / "shop.duckdb"]


def test_what_a_killed_load_left_is_not_loaded_later(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import dlt

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dlt.Pipeline, "load", killed)
    with pytest.raises(KeyboardInterrupt):
        plan_and_send(settings, BUYERS, _dwh(settings))
    monkeypatch.undo()
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = user_key < 'u0100'", BUYERS)
    assert plan_and_send(settings, BUYERS, _dwh(settings))[1].is_complete
    rows = _in_duckdb(settings, "select user_key from crm.audience_members")
    assert _ids(rows) == may_be_contacted(settings, "buyers")


@pytest.mark.parametrize(
    ("database", "problem"),
    [
        ("mysql://me@host/crm", "database begins with one of postgresql:"),
        ("postgresql://me:secret@host/crm", "database holds a password: use the destination's secret"),
        ("snowflake://me@account/crm?token=secret", "database holds a password"),
        ("postgresql://host/crm", "write it as postgresql://user@host/database"),
        ("postgresql://me@db.example/crm?sslmode=disable", "sslmode=disable: personal data would travel unencrypted"),
        ("postgresql://me@host:99999/crm", "database cannot be read"),
        ("duckdb:", "write duckdb: and the path of the file"),
        ("duckdb:/srv/crm.duckdb", "DuckDB calls the file crm too"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(settings: Settings, database: str, problem: str) -> None:
    destination = _at(settings, database)
    with pytest.raises(ActivationError, match=problem) as refused:
        plan_only(settings, BUYERS, destination)
    assert "secret@" not in str(refused.value) and "=secret" not in str(refused.value)


def _dlt(settings: Settings, database: str) -> Dlt:
    return Dlt(
        "dwh", database=database, dataset="crm", table="members", secret=None,
        work=settings.storage.data_dir / ".dlt", beside=settings.storage.data_dir.parent,
    )  # fmt: skip


def test_what_was_sent_is_there_for_another_user_and_role(settings: Settings) -> None:
    one = _dlt(settings, "snowflake://loader@account/CRM?warehouse=WH&role=LOADER")
    assert one.place == _dlt(settings, "snowflake://other@account/CRM?role=OTHER").place
    for other in ("snowflake://loader@account/DWH", "snowflake://loader@second/CRM", "redshift://loader@account/CRM"):
        assert one.place != _dlt(settings, other).place


def test_a_file_that_another_program_has_open_is_named(settings: Settings) -> None:
    path = settings.storage.data_dir.parent / "lists.duckdb"
    script = f"import duckdb; c = duckdb.connect('{path}'); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline()
        _, report = plan_and_send(settings, EVERYONE, _dlt(settings, "duckdb:lists.duckdb"))
        other.communicate(b"\n")
    assert report.stopped.startswith("the file of DuckDB cannot be opened: close the programs that have it open")


def test_names_are_checked_and_the_secret_is_asked_for(settings: Settings) -> None:
    wrong = _at(settings, "postgresql://me@localhost/crm", dataset="crm; drop table x", secret=None)
    assert wrong.validate("buyers") == ["dataset: use lowercase letters, digits and _, beginning with a letter"]
    assert wrong.missing() == ["there is no secret: set BEHA2VEC_SECRET_DWH to the password of the database"]


def _at(settings: Settings, database: str, dataset: str = "crm", secret: str | None = PASSWORD) -> Dlt:
    return Dlt(
        "dwh", database=database, dataset=dataset, table="audience_members",
        secret=SecretStr(secret) if secret else None, work=settings.storage.data_dir / ".dlt", beside=Path(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    port = free_port()
    with postgres(port, "loader", PASSWORD):
        yield f"postgresql://loader@127.0.0.1:{port}/postgres"


@pytest.mark.slow
@pytest.mark.skipif(POSTGRES is None, reason="PostgreSQL is not installed (apt-get install postgresql)")
def test_a_table_of_postgresql(settings: Settings, server: str) -> None:
    import psycopg2

    for wanted in ("true", "user_key < 'u0100'", "user_key > 'u0050'"):
        change(settings, f"update ga4.dim_ga4__users set is_ads_consented = {wanted}", BUYERS)
        assert plan_and_send(settings, BUYERS, _at(settings, server))[1].is_complete
        with psycopg2.connect(server, password=PASSWORD) as connection, connection.cursor() as cursor:
            cursor.execute("select user_key from crm.audience_members where audience = 'buyers' and not leaves")
            rows = cursor.fetchall()
            cursor.execute("select count(*) from crm_staging.audience_members")
            assert cursor.fetchone() == (0,)
        assert len(rows) == len(_ids(rows)) and _ids(rows) == may_be_contacted(settings, "buyers")


@pytest.mark.slow
@pytest.mark.skipif(POSTGRES is None, reason="PostgreSQL is not installed (apt-get install postgresql)")
def test_a_wrong_password_is_named_and_shown_nowhere(
    settings: Settings, server: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "an0ther-p@ssword"
    _, report = plan_and_send(settings, BUYERS, _at(settings, server, secret=wrong))
    assert (
        report.stopped == "the connection to the database failed: check its address, the user's rights and the secret"
    )
    assert wrong not in "".join([*capfd.readouterr(), caplog.text, repr(report)])
    assert plan_only(settings, BUYERS, _at(settings, server)).of_kind("enter"), "nobody counts as sent"


def test_the_name_of_a_user_is_quoted_once(settings: Settings) -> None:
    built = _at(settings, "postgresql://loader%40shop@localhost/crm")._warehouse()
    assert "//loader%40shop:" in str(built.config_params["credentials"])
