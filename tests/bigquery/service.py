"""A local server that plays BigQuery over DuckDB: the REST calls and the Storage Read API (gRPC, Arrow) that we use.

Its SQL is BigQuery's, transpiled by `tests.dbt.bigquery_world`. Sizes in bytes are those of the values as JSON. What it
cannot show: BigQuery's own checks of types and limits, prices, and rights (docs/bigquery.md).
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import RLock, Thread
from typing import Any, Self
from urllib.parse import unquote
from uuid import uuid4

import duckdb
import grpc
import pyarrow as pa
import sqlglot
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud.bigquery_storage_v1 import types
from sqlglot import exp

from beha2vec_core.ga4.schema import EVENT_SCHEMA, duckdb_type
from tests.bigquery.rest import fields_of, page_of, parameter, paths_of, reference_of
from tests.bigquery.transport import ApiError, handler_of, storage_of
from tests.dbt.bigquery_world import as_duckdb, connect

_API = re.compile(r"/bigquery/v2/projects/(?P<project>[^/]+)/(?P<rest>.*)")
_STORED = re.compile(r"projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)")
_ROWS_AT_ONCE = 1_000
USER_COLUMNS = {
    "pseudo_user_id": "VARCHAR",
    "privacy_info": "STRUCT(is_ads_personalization_allowed VARCHAR)",
    "predictions": "STRUCT(purchase_score_7d DOUBLE, churn_score_7d DOUBLE)",
    "user_ltv": "STRUCT(revenue DOUBLE)",
}


@dataclass
class BigQueryService:
    """The server, and what it holds.

    Attributes:
        jobs: the configurations of all jobs, in order.
        reads: the sessions of the Storage Read API: table and columns.
        refuse: called with each REST path; may raise `ApiError`.
        breaks: by table, the gRPC status that ends its reading after the first rows.
    """

    connection: duckdb.DuckDBPyConnection = field(default_factory=connect)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    reads: list[tuple[str, list[str]]] = field(default_factory=list)
    refuse: Callable[[str], None] = lambda path: None
    breaks: dict[str, grpc.StatusCode] = field(default_factory=dict)
    _changed: int = 0
    _results: dict[str, pa.Table] = field(default_factory=dict)
    _written: dict[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    _answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    _uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    _sessions: dict[str, pa.Table] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def __enter__(self) -> Self:
        self._rest = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        Thread(target=self._rest.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self._grpc = grpc.server(ThreadPoolExecutor(4))
        self._grpc.add_generic_rpc_handlers([storage_of(self)])
        port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._grpc.start()
        self.endpoint, self.storage_endpoint = f"http://127.0.0.1:{self._rest.server_port}", f"127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._rest.shutdown()
        self._rest.server_close()
        self._grpc.stop(None).wait()

    def credentials(self, folder: Path) -> Path:
        """The key file of a service account, whose tokens this server gives."""
        key = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        about = {
            "type": "service_account",
            "project_id": "my-project",
            "private_key": key.decode(),
            "client_email": "test@my-project.iam.gserviceaccount.com",
            "token_uri": f"{self.endpoint}/token",
        }
        file = folder / "credentials.json"
        file.write_text(json.dumps(about))
        return file

    def source(self, project: str = "my-project", data_set: str = "analytics_123456789") -> str:
        """The address of a data set, as BEHA2VEC_SOURCE has it."""
        return (
            f"bigquery://{project}/{data_set}?endpoint={self.endpoint}&storage_endpoint={self.storage_endpoint}"
            "&billing_project=who-pays"
        )

    # --- what it holds

    def load(
        self,
        files: Iterable[Path],
        *,
        project: str = "my-project",
        data_set: str = "analytics_123456789",
        fields: dict[str, Any] = EVENT_SCHEMA,
        at: int = 1_700_000_000_000,
    ) -> None:
        """Make a table of each NDJSON file, named as the file; event_date is text, as GA4 has it.

        ``at`` is when it was written, in milliseconds.
        """
        for file in files:
            name = file.name.partition(".")[0]
            columns = (
                {"event_date": "VARCHAR"} | {one: duckdb_type(kind) for one, kind in fields.items()}
                if name.startswith("events_")
                else USER_COLUMNS
            )
            given = "{" + ", ".join(f"'{one}': '{kind}'" for one, kind in columns.items()) + "}"
            read = f"read_json('{file}', format = 'newline_delimited', columns = {given})"
            self.write((project, data_set, name), read, at)

    def write(self, table: tuple[str, str, str], source: str, at: int = 1_700_000_000_000) -> None:
        """Replace a table by what SQL of DuckDB selects from."""
        self.make_data_set(*table[:2])
        self.connection.execute(f"create or replace table {_quoted(table)} as from {source}")
        self._note(table, at)

    def make_data_set(self, project: str, data_set: str) -> None:
        """Make a data set where it is not there."""
        if not self._rows(f"select 1 from duckdb_databases() where database_name = '{project}'"):
            self.connection.execute(f"attach ':memory:' as \"{project}\"")
        self.connection.execute(f'create schema if not exists "{project}"."{data_set}"')

    def drop(self, name: str, project: str = "my-project", data_set: str = "analytics_123456789") -> None:
        """Delete a table."""
        self.connection.execute(f"drop table {_quoted((project, data_set, name))}")
        del self._written[project, data_set, name]

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def _tables(self, project: str, data_set: str) -> list[str]:
        if not self._rows(
            f"select 1 from duckdb_schemas() where database_name = '{project}' and schema_name = '{data_set}'"
        ):
            raise ApiError(404, "notFound", f"Not found: Dataset {project}:{data_set}")
        of = f"database_name = '{project}' and schema_name = '{data_set}'"
        return [name for (name,) in self._rows(f"select table_name from duckdb_tables() where {of} order by all")]

    def _arrow(self, table: tuple[str, str, str], columns: list[str] | None = None, condition: str = "") -> pa.Table:
        self._require(table)
        selected = ", ".join(f'"{name}"' for name in columns) if columns else "*"
        where = f" where {condition}" if condition else ""
        return self.connection.sql(f"select {selected} from {_quoted(table)}{where}").to_arrow_table()

    def _require(self, table: tuple[str, str, str]) -> None:
        if table[2] not in self._tables(*table[:2]):
            raise ApiError(404, "notFound", f"Not found: Table {table[0]}:{table[1]}.{table[2]}")

    def _bytes(self, table: tuple[str, str, str], columns: Iterable[str] | None = None) -> int:
        values = " + ".join(f'coalesce(length(to_json("{name}")), 0)' for name in columns or ()) or "0"
        if columns is None:
            values = "coalesce(length(to_json(one)::varchar), 0)"
        ((found,),) = self._rows(f"select coalesce(sum({values}), 0) from {_quoted(table)} as one")
        return int(found)

    def _columns(self, table: tuple[str, str, str]) -> set[str]:
        self._require(table)
        return {str(name).lower() for name, *_ in self._rows(f"describe {_quoted(table)}")}

    def _count(self, table: tuple[str, str, str]) -> int:
        ((found,),) = self._rows(f"select count(*) from {_quoted(table)}")
        return int(found)

    # --- SQL

    def run(self, configuration: dict[str, Any]) -> tuple[pa.Table, int]:
        """Run a query; its result, and how many bytes it reads."""
        default = configuration["query"].get("defaultDataset", {})
        result, size = pa.table({}), 0
        parameters = {one["name"]: parameter(one) for one in configuration["query"].get("queryParameters", [])}
        try:
            for tree in sqlglot.parse(configuration["query"]["query"], dialect="bigquery"):
                if tree is None or isinstance(tree, exp.Semicolon):
                    continue
                wanted = {part.name.lower() for column in tree.find_all(exp.Column) for part in column.parts}
                read = self._resolve(tree, default)
                if configuration.get("dryRun"):
                    size += sum(self._bytes(table, self._columns(table) & wanted) for table in read)
                elif isinstance(tree, exp.Query):
                    sql, given = _with(as_duckdb(tree), parameters)
                    result = self.connection.sql(sql, params=given or None).to_arrow_table()
                else:
                    self._changed = self._change(tree, default, parameters)
        except (duckdb.Error, sqlglot.ParseError) as error:
            raise ApiError(400, "invalidQuery", str(error)) from None
        return result, size

    def _change(self, tree: exp.Expr, default: dict[str, str], parameters: dict[str, Any]) -> int:
        """Run what makes, changes or deletes a table, its rows or a data set; the number of rows."""
        if tree.find(exp.AlterSet):
            return 0  # descriptions and labels
        named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        if isinstance(tree, exp.Create):
            tree.set("properties", None)  # partitions, clusters, labels: DuckDB has none
            if tree.expression:
                tree.set("this", named)  # DuckDB takes no types beside a select
        done = self.connection.execute(*_with(as_duckdb(tree), parameters)).fetchall()
        if isinstance(named, exp.Table):
            table = self._name(named, default)
            if isinstance(tree, exp.Drop):
                self._written.pop(table, None)
            else:
                self._note(table)
        return int(done[0][0]) if isinstance(tree, exp.DML) and done else 0

    def _note(self, table: tuple[str, str, str], at: int | None = None) -> None:
        at = at or int(time.time() * 1000)
        self._written[table] = (self._written.get(table, (at, at))[0], at)

    def _name(self, table: exp.Table, default: dict[str, str]) -> tuple[str, str, str]:
        parts = [part.name for part in table.parts]
        if len(parts) == 1 and "." in parts[0]:
            parts = parts[0].split(".")
        project, data_set, name = (default.get("projectId", ""), default.get("datasetId", ""), *parts)[-3:]
        return project, data_set, name

    def _resolve(self, tree: exp.Expression, default: dict[str, str]) -> list[tuple[str, str, str]]:
        """Put selects in the place of wildcard and meta tables; the tables that are read."""
        read: list[tuple[str, str, str]] = []
        own = {one.alias for one in tree.find_all(exp.CTE)}
        for table in list(tree.find_all(exp.Table)):
            if len(table.parts) == 1 and table.name in own:
                continue
            project, data_set, name = self._name(table, default)
            if name == "__TABLES__":
                columns = ("size_bytes", "row_count", "creation_time", "last_modified_time", "type")
                about = {
                    one: (self._bytes((project, data_set, one)), self._count((project, data_set, one)), *written, 1)
                    for one in self._tables(project, data_set)
                    for written in [self._written[project, data_set, one]]
                } or {"": (0,) * len(columns)}
                rows = [
                    f"select '{one}' as table_id, "
                    + ", ".join(f"{value} as {column}" for column, value in zip(columns, values, strict=True))
                    for one, values in about.items()
                ]
                select = " union all ".join(rows)
            elif name == "INFORMATION_SCHEMA.COLUMN_FIELD_PATHS":
                values = [
                    f"select '{one}' as table_name, '{path}' as field_path, '{kind}' as data_type"
                    for one in self._tables(project, data_set)
                    for path, kind in paths_of(fields_of(self._of(project, data_set, one).schema))
                ]
                select = " union all ".join(values)
            elif name == "INFORMATION_SCHEMA.TABLES":
                found_tables = self._tables(project, data_set)
                select = " union all ".join(
                    f"select '{one}' as table_name, timestamp_millis({self._written[project, data_set, one][0]}) as "
                    "creation_time"
                    for one in found_tables
                )
            elif name.endswith("*"):
                prefix = name[:-1]
                found = [one for one in self._tables(project, data_set) if one.startswith(prefix)]
                read += [(project, data_set, one) for one in found if self._is_asked(table, one.removeprefix(prefix))]
                select = " union all by name ".join(
                    f"select *, '{one.removeprefix(prefix)}' as _table_suffix from `{project}`.`{data_set}`.`{one}`"
                    for one in found
                )
            else:
                read.append((project, data_set, name))
                continue
            inner = sqlglot.parse_one(select, dialect="bigquery")
            assert isinstance(inner, exp.Query)
            table.replace(inner.subquery(table.alias or None))
        return read

    def _is_asked(self, table: exp.Table, suffix: str) -> bool:
        """Whether the conditions on _table_suffix leave this one of a wildcard table's tables."""
        select = table.find_ancestor(exp.Select)
        where = select and select.args.get("where")
        for condition in where.this.flatten() if where and isinstance(where.this, exp.And) else [where and where.this]:
            names = {column.name for column in condition.find_all(exp.Column)} if condition else set()
            if names == {"_table_suffix"}:
                one = f"select {condition.sql('bigquery')} from (select '{suffix}' as _table_suffix)"
                given = sqlglot.parse_one(one, dialect="bigquery")
                if not self._rows(as_duckdb(given))[0][0]:
                    return False
        return True

    # --- REST

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        """The answer to a request."""
        with self._lock:
            self.refuse(path)
            if path == "/token":
                return {"access_token": "none", "token_type": "Bearer", "expires_in": 3600}
            if not (found := _API.fullmatch(path)):
                raise ApiError(404, "notFound")
            project, rest = found["project"], unquote(found["rest"]).split("/")
            match method, rest:
                case "POST", ["jobs"]:
                    return self._job(project, json.loads(body))
                case "GET", ["jobs", job]:
                    return self._answers[job]
                case "GET", ["queries", job]:
                    result = self._results[job]
                    about = {"jobReference": self._answers[job]["jobReference"], "jobComplete": True}
                    return about | {"schema": {"fields": fields_of(result.schema)}} | page_of(result, query)
                case "GET", ["datasets"]:
                    names = self._rows(f"select schema_name from duckdb_schemas() where database_name = '{project}'")
                    return {"datasets": [{"datasetReference": reference_of(project, name)} for (name,) in names]}
                case "POST", ["datasets"]:
                    made = json.loads(body)
                    self.make_data_set(project, made["datasetReference"]["datasetId"])
                    return dict(made)
                case "GET", ["datasets", data_set]:
                    self._tables(project, data_set)
                    return {"datasetReference": reference_of(project, data_set), "location": "US"}
                case "GET", ["datasets", data_set, "tables"]:
                    found_tables = [self._about(project, data_set, name) for name in self._tables(project, data_set)]
                    return {"tables": found_tables, "totalItems": len(found_tables)}
                case "GET" | "PATCH" | "PUT", ["datasets", data_set, "tables", name]:
                    return self._about(project, data_set, name)
                case "GET", ["datasets", _, "routines"]:
                    return {"routines": []}
                case "DELETE", ["datasets", data_set, "tables", name]:
                    self._require((project, data_set, name))
                    self.drop(name, project, data_set)
                    return {}
                case "GET", ["datasets", data_set, "tables", name, "data"]:
                    columns = query.get("selectedFields", "").split(",") if query.get("selectedFields") else None
                    return page_of(self._of(project, data_set, name, columns), query)
            raise ApiError(404, "notFound", f"the stand-in does not know {method} {path}")

    def _of(
        self, project: str, data_set: str, name: str, columns: list[str] | None = None, condition: str = ""
    ) -> pa.Table:
        if data_set == "_results":
            return self._results[name]
        return self._arrow((project, data_set, name), columns, condition)

    def _about(self, project: str, data_set: str, name: str) -> dict[str, Any]:
        schema = self._of(project, data_set, name).schema
        reference = reference_of(project, data_set) | {"tableId": name}
        return {"tableReference": reference, "schema": {"fields": fields_of(schema)}, "type": "TABLE"}

    def _job(self, project: str, job: dict[str, Any], content: bytes = b"") -> dict[str, Any]:
        configuration = job["configuration"]
        self.jobs.append(configuration)
        reference = {"location": "US"} | job["jobReference"] | {"projectId": project}
        result, size = self._load(configuration["load"], content) if content else self.run(configuration)
        self._results[reference["jobId"]] = result
        if not content:
            table = reference_of(project, "_results") | {"tableId": reference["jobId"]}
            configuration = configuration | {"query": configuration["query"] | {"destinationTable": table}}
        self._answers[reference["jobId"]] = {
            "jobReference": reference,
            "configuration": configuration,
            "status": {"state": "DONE"},
            "statistics": {
                "totalBytesProcessed": str(size),
                "query": {
                    "totalBytesProcessed": str(size),
                    "statementType": "SELECT" if result.schema else "SCRIPT",
                    "numDmlAffectedRows": str(self._changed),
                },
            },
        }
        return self._answers[reference["jobId"]]

    def _load(self, load: dict[str, Any], content: bytes) -> tuple[pa.Table, int]:
        """A load job: a file of CSV or parquet becomes a table."""
        target = load["destinationTable"]
        table = (target["projectId"], target["datasetId"], target["tableId"])
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            if load.get("sourceFormat") == "PARQUET":
                read = f"read_parquet('{file.name}')"
            else:
                kinds = {"STRING": "VARCHAR", "INT64": "BIGINT", "INTEGER": "BIGINT", "FLOAT64": "DOUBLE"}
                columns = {one["name"]: kinds.get(one["type"], one["type"]) for one in load["schema"]["fields"]}
                given = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"
                read = f"read_csv('{file.name}', header = true, columns = {given})"
            if load.get("writeDisposition") == "WRITE_APPEND" and table[2] in self._tables(*table[:2]):
                self.connection.execute(f"insert into {_quoted(table)} by name from {read}")
                self._note(table)
            else:
                self.write(table, read)
        return pa.table({}), 0

    def upload(self, path: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[dict[str, Any], str | None]:
        """The two requests of a load job: its configuration, then the file. Answers where to send the file."""
        project = str(_API.fullmatch(path.removeprefix("/upload"))["project"])  # type: ignore[index]
        with self._lock:
            if query.get("upload_id"):
                return self._job(project, self._uploads.pop(query["upload_id"]), body), None
            if query.get("uploadType") == "resumable":
                name = str(uuid4())
                self._uploads[name] = json.loads(body)
                return {}, f"{self.endpoint}{path}?uploadType=resumable&upload_id={name}"
            boundary = headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
            first, second = body.split(b"--" + boundary)[1:3]
            job = json.loads(first.partition(b"\r\n\r\n")[2])
            return self._job(project, job, second.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")), None

    # --- the Storage Read API

    def open_session(self, request: Any) -> Any:
        """A session with one stream, or none for a table without rows."""
        wanted = request.read_session
        found = _STORED.fullmatch(wanted.table)
        assert found is not None and request.max_stream_count == 1
        columns = list(wanted.read_options.selected_fields)
        with self._lock:
            restriction = wanted.read_options.row_restriction
            rows = self._of(found[1], found[2], found[3], columns or None, restriction)
            self.reads.append((found[3], columns))
            name = f"{request.parent}/locations/us/sessions/s{len(self.reads)}/streams/{found[3]}"
            self._sessions[name] = rows
        return types.ReadSession(
            name=name.partition("/streams/")[0],
            arrow_schema=types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes()),
            streams=[types.ReadStream(name=name)] if rows.num_rows else [],
        )

    def read(self, request: Any, context: grpc.ServicerContext) -> Iterable[Any]:
        """The rows of a stream from an offset on."""
        table = request.read_stream.rpartition("/")[2]
        rows = self._sessions[request.read_stream].slice(request.offset)
        for batch in rows.to_batches(max_chunksize=_ROWS_AT_ONCE):
            yield types.ReadRowsResponse(
                row_count=batch.num_rows,
                arrow_schema=types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes()),
                arrow_record_batch=types.ArrowRecordBatch(
                    serialized_record_batch=batch.serialize().to_pybytes(), row_count=batch.num_rows
                ),
            )
            if table in self.breaks:
                status = self.breaks[table]
                if status is grpc.StatusCode.UNAVAILABLE:  # Google's client asks again by itself
                    del self.breaks[table]
                context.abort(status, "broken by the test")


def _quoted(table: Iterable[str]) -> str:
    return ".".join(f'"{part}"' for part in table)


def _with(sql: str, parameters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """SQL with those of the parameters that it has: DuckDB refuses others."""
    return sql, {name: value for name, value in parameters.items() if re.search(rf"\${name}\b", sql)}
