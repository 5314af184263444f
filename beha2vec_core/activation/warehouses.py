"""A table of a warehouse, kept by dlt: PostgreSQL, Redshift, Snowflake or DuckDB.

dlt loads the changes into a staging table and merges it by audience and user in one transaction, so that sending again
changes nothing. Source: https://dlthub.com/docs/general-usage/merge-loading (delete-insert, hard_delete).
"""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from pydantic import SecretStr

from beha2vec_core.activation.destination import (
    COLUMNS,
    KEYS,
    ActivationError,
    Change,
    Destination,
    Kind,
    Member,
    Outcome,
    hash_of,
    row_of,
)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")
_EXTRAS = {"postgresql": "dlt", "redshift": "dlt", "duckdb": "dlt", "snowflake": "dlt]' 'dlt[snowflake"}
_LOCAL = ("localhost", "127.0.0.1", "::1")
# of libpq: personal data does not travel unencrypted
_TLS = ("require", "verify-ca", "verify-full")
_SETTINGS = {
    "runtime.dlthub_telemetry": False,  # by default dlt reports to its makers that something is loaded
    "runtime.log_level": "CRITICAL",  # its messages may hold rows
    "load.truncate_staging_dataset": True,
    "load.workers": 1,
}


_FAILED = {
    False: "the connection to the database failed: check its address, the user's rights and the secret",
    True: "the file of DuckDB cannot be opened: close the programs that have it open, or check its folder and rights",
}


@dataclass(eq=False, repr=False, kw_only=True)
class Dlt(Destination):
    """A table of a warehouse; it is made where it is not there."""

    kind = "dlt"
    batch = 50_000

    # where it is, without a password: ``postgresql://user@host/database``, ``redshift://...``,
    # ``snowflake://user@account/database?warehouse=...&role=...`` or ``duckdb:file``
    database: str
    dataset: str  # the schema
    table: str
    secret: SecretStr | None  # the password; DuckDB needs none
    work: Path  # a folder for what is loaded; it is empty before and after
    beside: Path  # the folder that a relative file of DuckDB counts from
    # called with the file of DuckDB, so that `beha2vec forget` looks there
    note: Callable[[Path], None] = lambda path: None

    @property
    def address(self) -> tuple[object, ...]:
        """Without the user and options, such as a role: what was sent is still there when they change."""
        try:
            parts = urlsplit(self.database)
            where = [parts.scheme, parts.hostname, parts.port, parts.path]
        except ValueError:  # see `validate`
            where = [self.database]
        return *where, self.dataset, self.table

    def validate(self, called: str) -> list[str]:
        """The address, and the names."""
        found = []
        try:
            parts = urlsplit(self.database)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return ["database cannot be read: write it as postgresql://user@host:5432/database"]
        if parts.scheme not in _EXTRAS:
            return [f"database begins with one of {', '.join(f'{one}:' for one in _EXTRAS)}"]
        if parts.scheme == "duckdb":
            if not parts.path or parts.netloc:
                found.append("database: write duckdb: and the path of the file")
            if Path(parts.path).stem == self.dataset:
                found.append(f"dataset: DuckDB calls the file {self.dataset} too; give another name to one of them")
        elif not (host and parts.username and parts.path.strip("/")):
            found.append(f"database is not complete: write it as {parts.scheme}://user@host/database")
        secrets = {"password", "token", "private_key", "private_key_passphrase"}
        if parts.password or secrets & parse_qs(parts.query).keys():
            found.append("database holds a password: use the destination's secret")
        if parts.scheme in ("postgresql", "redshift") and host not in _LOCAL:
            mode = parse_qs(parts.query).get("sslmode", ["require"])[-1]
            if mode not in _TLS:
                found.append(f"sslmode={mode}: personal data would travel unencrypted")
        for key, value in (("dataset", self.dataset), ("table", self.table)):
            if not _NAME.fullmatch(value):
                found.append(f"{key}: use lowercase letters, digits and _, beginning with a letter")
        return found

    def missing(self) -> list[str]:
        """The password, and dlt."""
        scheme = urlsplit(self.database).scheme
        found = []
        if self.secret is None and scheme != "duckdb":
            found.append(f"there is no secret: set BEHA2VEC_SECRET_{self.name.upper()} to the password of the database")
        try:
            import dlt  # noqa: F401
        except ImportError:
            found.append(f"dlt is not installed: pip install 'beha2vec[{_EXTRAS[scheme]}]'")
        return found

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The row of a user."""
        row = row_of(member, called)
        return row, hash_of(row)

    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """One load: all or nothing of it."""
        import dlt
        from dlt.common.exceptions import MissingDependencyException
        from dlt.pipeline.exceptions import PipelineStepFailed

        for name, value in _SETTINGS.items():
            dlt.config[name] = value
        columns: dict[str, Any] = {
            name: {"data_type": "text" if is_text else "bool"} for name, is_text in COLUMNS.items()
        }
        columns["leaves"] = {"data_type": "bool", "hard_delete": True}
        # what a process that was killed left would be loaded by the next one
        shutil.rmtree(self.work, ignore_errors=True)
        try:
            pipeline = dlt.pipeline(
                f"beha2vec_{self.name}",
                pipelines_dir=str(self.work),
                destination=self._warehouse(),
                dataset_name=self.dataset,
            )
            pipeline.run(
                [{**change.payload, "leaves": change.kind == "leave"} for change in changes],
                table_name=self.table,
                write_disposition="merge",
                primary_key=list(KEYS),
                columns=columns,
            )
        except MissingDependencyException:
            raise ActivationError("its driver is not installed: pip install 'beha2vec[dlt]' 'dlt[snowflake]'") from None
        except PipelineStepFailed as problem:  # its words may hold rows
            if problem.step == "load":
                return [Outcome("unknown", "the load was not finished")] * len(changes)
            raise ActivationError(_FAILED[urlsplit(self.database).scheme == "duckdb"]) from None
        finally:
            shutil.rmtree(self.work, ignore_errors=True)
        return [Outcome("accepted")] * len(changes)

    def _warehouse(self) -> Any:
        """dlt's destination."""
        import dlt.destinations

        parts = urlsplit(self.database)
        if parts.scheme == "duckdb":
            file = self.beside / parts.path
            self.note(file)
            return dlt.destinations.duckdb(str(file))
        password = quote(self.secret.get_secret_value() if self.secret else "", safe="")
        query = parts.query
        if parts.scheme != "snowflake" and "sslmode=" not in query and parts.hostname not in _LOCAL:
            query = f"{query}&sslmode=require".lstrip("&")
        host = parts.netloc.rpartition("@")[2]
        url = parts._replace(
            netloc=f"{quote(unquote(parts.username or ''), safe='')}:{password}@{host}", query=query
        ).geturl()
        build = {
            "postgresql": dlt.destinations.postgres,
            "redshift": dlt.destinations.redshift,
            "snowflake": dlt.destinations.snowflake,
        }[parts.scheme]
        return build(credentials=url)
