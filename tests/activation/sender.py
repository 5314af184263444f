"""What a killed process was doing: one send, as the command line does it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import sqlglot
from pydantic import SecretStr

from beha2vec_core.activation.bigquery import BigQuery
from beha2vec_core.activation.contacts import load_contacts
from beha2vec_core.activation.data_manager import AdsFile, DataManager
from beha2vec_core.activation.destination import Destination
from beha2vec_core.activation.files import Files
from beha2vec_core.activation.folders import LocalFolder
from beha2vec_core.activation.run import plan_and_send
from beha2vec_core.activation.warehouses import Dlt
from beha2vec_core.audiences.file import Activation, Audience
from beha2vec_core.settings import Settings
from tests.activation.activation_world import ga4, quick_client, webhook
from tests.activation.limits import SECRET

LIST = "4711"
CONSENTED = Audience(
    name="consented", rule="true", purpose="ads", holdout=0.2,
    activate=tuple(Activation.model_validate({"to": to, "as": LIST}) for to in ("data_manager", "ads_file")),
)  # fmt: skip
# so long a killed process takes before it writes a file or runs a statement, and after it
_SLOW = 0.2


class _Folder(LocalFolder):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__(path)
        self._seconds = seconds

    def write(self, name: str, content: bytes) -> None:
        time.sleep(self._seconds)
        super().write(name, content)
        time.sleep(self._seconds)


def _in_duckdb(path: Path, seconds: float, statement: str) -> None:
    """DuckDB in the place of BigQuery."""
    (here,) = sqlglot.transpile(statement, read="bigquery", write="duckdb")
    time.sleep(seconds)
    with duckdb.connect() as connection:
        connection.execute(f"""attach '{path}' as "my-project"; create schema if not exists "my-project".crm; {here}""")
    time.sleep(seconds)


def destination(kind: str, address: str, folder: Path, seconds: float = 0) -> Destination:
    contacts = partial(load_contacts, folder / "contacts.csv", folder / "data")
    made: dict[str, Callable[[], Destination]] = {
        "ga4": lambda: ga4(address),
        "webhook": lambda: webhook(address),
        "files": lambda: Files(kind, folder=_Folder(folder / "lists", seconds)),
        "ads_file": lambda: AdsFile(kind, folder=_Folder(folder / "lists", seconds), contacts=contacts),
        "data_manager": lambda: DataManager(
            kind, account_id="1", secret=SecretStr(SECRET), client=quick_client(), contacts=contacts, host=address
        ),
        "bigquery": lambda: BigQuery(
            kind, table="my-project.crm.members", run=partial(_in_duckdb, folder / "bigquery.duckdb", seconds)
        ),
        "dlt": lambda: Dlt(
            kind, database="duckdb:dlt.duckdb", dataset="crm", table="members", secret=None,
            work=folder / "data" / ".dlt", beside=folder,
        ),
    }  # fmt: skip
    return made[kind]()


def send(folder: str, kind: str, address: str) -> None:
    settings = Settings(data_dir=f"{folder}/data")
    plan_and_send(settings, CONSENTED, destination(kind, address, Path(folder), _SLOW))
