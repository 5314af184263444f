"""A data folder with users whom a night has put into audiences."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow.parquet as pq
from pydantic import SecretStr

from beha2vec_core.activation.destination import Change, Member, Outcome
from beha2vec_core.activation.ga4 import GA4
from beha2vec_core.activation.http import Client
from beha2vec_core.activation.ledger import open_ledger
from beha2vec_core.activation.webhook import Webhook
from beha2vec_core.audiences.file import Audience
from beha2vec_core.audiences.members import write_members
from beha2vec_core.pages.fetching.addresses import AddressGuard
from beha2vec_core.settings import Settings
from tests.activation.limits import SECRET
from tests.activation.services import LOCAL
from tests.audiences.audience_world import make_world

KEY = b"h" * 32
# users n with n % 10 = 1: one purchase, no consent; n % 10 = 6: one purchase, consent
BUYERS = Audience(name="buyers", rule="purchases = 1", purpose="ads", exclude="cluster = 3", holdout=0.2)
EVERYONE = Audience(name="everyone", rule="true")


def client_id(n: int) -> str:
    return f"1000{n}.1767818244"


def make_folder(folder: Path, *audiences: Audience, users: int = 1000) -> Settings:
    """A data folder with a warehouse; the members of the audiences are written for today."""
    settings = Settings(
        data_dir=str(folder / "data"),
        audiences_file=str(folder / "audiences.yml"),
        destinations_file=str(folder / "destinations.yml"),
    )
    settings.storage.data_dir.mkdir(parents=True)
    settings.storage.warehouse_path.write_bytes(_warehouse(audiences, users))
    return settings


@cache
def _warehouse(audiences: tuple[Audience, ...], users: int) -> bytes:
    with TemporaryDirectory() as folder, duckdb.connect(f"{folder}/warehouse.duckdb") as connection:
        make_world(connection)
        connection.execute(
            f"""delete from ga4.dim_ga4__users where right(user_key, 4)::int >= {users};
            alter table ga4.dim_ga4__users add column user_id varchar;
            alter table ga4.dim_ga4__users add column devices bigint default 2;
            update ga4.dim_ga4__users set last_seen_at = now()::timestamp,
                user_pseudo_id = '1000' || right(user_key, 4)::int || '.1767818244',
                user_id = case when right(user_key, 4)::int % 3 = 0 then 'login-' || user_key end;
            create or replace table ga4.int_ga4__identity_map as select user_key, property_id, user_pseudo_id,
                current_date as last_seen, user_id, current_date - 9 as first_seen from ga4.dim_ga4__users;
            insert into ga4.int_ga4__identity_map select user_key, property_id, 'old.' || user_pseudo_id,
                current_date - 9, user_id, current_date - 30 from ga4.dim_ga4__users"""
        ).fetchall()
        night(connection, *audiences)
        connection.execute("checkpoint")
        return Path(f"{folder}/warehouse.duckdb").read_bytes()


def night(connection: duckdb.DuckDBPyConnection, *audiences: Audience) -> None:
    """Write who is in the audiences now, as the nightly run does."""
    _, problems = write_members(connection, audiences, datetime.now(UTC).date(), KEY)
    assert not problems


def change(settings: Settings, sql: str, *audiences: Audience) -> None:
    """Something happens to users, and then a night."""
    with duckdb.connect(str(settings.storage.warehouse_path)) as connection:
        connection.execute(sql).fetchall()
        if audiences:
            night(connection, *audiences)


def new_device(settings: Settings, user: str, device: str) -> None:
    """A user comes with another device, which becomes the last one they used."""
    change(
        settings,
        f"""insert into ga4.int_ga4__identity_map by name select user_key, property_id, user_id,
            '{device}' as user_pseudo_id, current_date as first_seen, current_date + 1 as last_seen
        from ga4.dim_ga4__users where user_key = '{user}'""",
    )


def log_in(settings: Settings, *audiences: Audience) -> None:
    """All users log in, and so get other keys; then comes a night."""
    change(
        settings,
        """update ga4.int_ga4__identity_map set user_id = 'me-' || user_key, user_key = 'k' || user_key;
        update ga4.dim_ga4__users set user_id = 'me-' || user_key, user_key = 'k' || user_key""",
        *audiences,
    )


def may_be_contacted(settings: Settings, audience: str) -> set[str]:
    query = "select user_key from beha2vec.audience_members_current where audience = ? and step is null"
    with duckdb.connect(str(settings.storage.warehouse_path), read_only=True) as connection:
        return {key for (key,) in connection.execute(query, [audience]).fetchall()}


def quick_client(seconds: float = 5) -> Client:
    return Client(AddressGuard.of([LOCAL]), seconds=seconds, max_wait=2, backoff=0.01)


def ga4(address: str, seconds: float = 5, name: str = "ga4", **options: object) -> GA4:
    return GA4(
        name, measurement_id="G-ABC1234", secret=SecretStr(SECRET), client=quick_client(seconds), host=address,
        **options,  # type: ignore[arg-type]
    )  # fmt: skip


def webhook(address: str, seconds: float = 5, name: str = "crm") -> Webhook:
    return Webhook(name, url=f"{address}/hook", secret=SecretStr(SECRET), client=quick_client(seconds))


@contextmanager
def ledger_outlives(data_dir: Path) -> Iterator[None]:
    """Whatever happens to the warehouse, the ledger stays as it is."""
    path = Settings(data_dir=str(data_dir)).storage.ledger_path
    sent = Change("enter", Member("u0001", "p", client_id(1)), {}, "hash", client_id(1))
    with open_ledger(path) as ledger:
        ids = ledger.begin("ga4", "buyers", {"members": 1}, [sent], called="buyers", place="place")
        ledger.answered(ids, [Outcome("accepted")])
    before = path.read_bytes()
    yield
    assert path.read_bytes() == before


def in_file(path: Path) -> set[str]:
    """The users in a file of the destination `files`."""
    if path.suffix == ".parquet":
        return set(pq.read_table(path).column("user_key").to_pylist())
    with path.open(newline="") as file:
        return {row["user_key"] for row in csv.DictReader(file)}
