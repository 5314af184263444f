"""BigQuery's SQL of the models without BigQuery: compiled by dbt, transpiled by sqlglot, run by DuckDB."""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self

import duckdb
import pytest
import yaml
from duckdb.func import FunctionNullHandling

pytest.importorskip("dbt.adapters.bigquery", reason="dbt-bigquery is not installed: pip install -e '.[dev]'")
pytest.importorskip("sqlglot")

import sqlglot
from sqlglot import exp

from beha2vec_core.ga4.schema import EVENT_SCHEMA, duckdb_type
from tests.dbt.conftest import BUILT_AT_FULL_REFRESH, PROJECT

Nodes = dict[str, Any]
Compile = Callable[..., Nodes]
PROPERTY = "123456789"
SEEDS = ("ga4_click_ids", "ga4_event_taxonomy", "ga4_source_categories", "ga4_url_routes")


@pytest.fixture(scope="session")
def compile_for_bigquery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compile]:
    """A function of arguments, days and vars: the compiled nodes by name. Whatever opens a socket fails.

    The days are environment variables: with other vars dbt would parse the whole project again, for seconds.
    """
    from dbt.cli.main import dbtRunner

    folder = tmp_path_factory.mktemp("bigquery")
    # dbt-bigquery makes a client, which wants credentials, even where it asks nothing of it
    credentials = folder / "credentials.json"
    secrets = dict.fromkeys(("client_id", "client_secret", "refresh_token"), "none")
    credentials.write_text(json.dumps({"type": "authorized_user", **secrets}))
    flags = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target", "bigquery", "--no-write-json"]
    offline = ["--no-populate-cache", "--no-introspect", "--exclude", "resource_type:unit_test"]

    def refuse(*_: Any) -> None:
        raise AssertionError("dbt opens a connection")

    def run(*arguments: str, days: tuple[str, str] = ("", ""), **variables: Any) -> Nodes:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
            patch.setenv("GOOGLE_CLOUD_PROJECT", "project")
            patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
            patch.setenv("DBT_LOG_PATH", str(folder / "logs"))
            patch.setenv("GA4_MIN_DATE", days[0])
            patch.setenv("GA4_MAX_DATE", days[1])
            patch.setattr(socket.socket, "connect", refuse)
            given = ["--vars", json.dumps(variables)] if variables else []
            outcome: Any = dbtRunner().invoke(["--quiet", "compile", *arguments, *given, *flags, *offline])
        assert outcome.success, outcome.exception or [result.message for result in outcome.result]
        return {result.node.name: result.node for result in outcome.result}

    yield run


class BigQueryServer:
    """A local HTTP server with the REST calls that dbt makes. It keeps the jobs and answers with an export's fields.

    ``fields`` are of the newest day table: {path: type}, as in {"device.web_info": "STRUCT<...>"}.
    """

    def __init__(self, fields: dict[str, str]) -> None:
        self.jobs: list[dict[str, Any]] = []
        rows = [{"f": [{"v": path}, {"v": kind}]} for path, kind in fields.items()]
        schema = {"fields": [{"name": name, "type": "STRING"} for name in ("field_path", "data_type")]}
        found = {"rows": rows, "totalRows": str(len(rows))}
        result = {"projectId": "project", "datasetId": "_results", "tableId": "result"}
        jobs = self.jobs

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                jobs.append(copy.deepcopy(job))
                job["configuration"]["query"]["destinationTable"] = result
                self._answer(job | {"status": {"state": "DONE"}, "statistics": {"query": {"statementType": "SELECT"}}})

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if "/queries/" in path:
                    reference = {"projectId": "project", "jobId": path.rpartition("/")[2], "location": "US"}
                    self._answer(found | {"jobComplete": True, "schema": schema, "jobReference": reference})
                elif path.endswith("/_results/tables/result"):
                    self._answer({"tableReference": result, "schema": schema})
                elif path.endswith("/_results/tables/result/data"):
                    self._answer(found)
                else:  # no target table is there yet
                    self._answer({"error": {"code": 404, "message": "Not found"}}, status=404)

            def _answer(self, body: dict[str, Any], status: int = 200) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """No lines in the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def compile(self, folder: Path, *arguments: str, **environment: str) -> Any:
        """Compile with a connection to this server; dbt's result. The profile is ours, but for the credentials."""
        from dbt.cli.main import dbtRunner

        profiles = yaml.safe_load((PROJECT / "profiles.yml").read_text())
        profiles["dbt_ga4"]["outputs"]["bigquery"] |= {
            "method": "oauth-secrets",
            "token": "none",
            "api_endpoint": self.url,
        }
        (folder / "profiles.yml").write_text(yaml.safe_dump(profiles))
        flags = ["--project-dir", str(PROJECT), "--profiles-dir", str(folder), "--target", "bigquery"]
        quiet = ["--no-write-json", "--no-populate-cache", "--exclude", "resource_type:unit_test"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
            patch.setenv("DBT_LOG_PATH", str(folder / "logs"))
            for name, value in environment.items():
                patch.setenv(name, value)
            return dbtRunner().invoke(["--quiet", "compile", *arguments, *flags, *quiet])


def is_model(node: Any) -> bool:
    """Is a compiled node a model, not a test or seed?"""
    return str(node.resource_type) == "model"


@cache
def to_duckdb(sql: str) -> str:
    """BigQuery's SQL as DuckDB's: sqlglot's, with a rule for each function that it transpiles to something else."""
    return as_duckdb(sqlglot.parse_one(sql, dialect="bigquery"))


def as_duckdb(tree: exp.Expr) -> str:
    """As `to_duckdb`, of SQL that is parsed."""
    for node in reversed(list(tree.walk(bfs=False))):  # the inner ones first
        for rule in RULES:
            changed = rule(node)
            if changed is not None:
                node.replace(changed)
                break
    return tree.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _joined_bytes(node: exp.Expr) -> exp.Expr | None:
    """STRING_AGG of bytes: DuckDB's joins only text, so their hexadecimal digits are joined."""
    if not isinstance(node, exp.GroupConcat) or not isinstance(node.args.get("separator"), exp.ByteString):
        return None
    joined = node.copy()
    joined.this.set("this", _call("hex", joined.this.this))
    joined.set("separator", exp.Literal.string(""))
    return _call("unhex", joined)


def _bytes_as_text(node: exp.Expr) -> exp.Expr | None:
    """SAFE_CAST of bytes to STRING reads UTF-8; DuckDB's cast writes escapes, and its TRY takes no aggregate."""
    is_bytes = isinstance(node, exp.TryCast) and isinstance(node.this, exp.Anonymous) and node.this.name == "unhex"
    return _call("utf8_or_null", node.this) if is_bytes else None


def _text_as_bytes(node: exp.Expr) -> exp.Expr | None:
    """CAST of STRING to BYTES writes UTF-8; DuckDB's reads escapes."""
    is_text = type(node) is exp.Cast and node.to.is_type(exp.DataType.Type.BINARY, exp.DataType.Type.VARBINARY)
    return _call("encode", node.this) if is_text else None


def _row_hash(node: exp.Expr) -> exp.Expr | None:
    """FARM_FINGERPRINT, which DuckDB lacks: its own hash of the same columns, so that keys can be compared."""
    if not isinstance(node, exp.FarmFingerprint):
        return None
    columns = node.find(exp.Struct)
    assert columns is not None
    return _call("hash", *columns.expressions)


def _first_of_array(node: exp.Expr) -> exp.Expr | None:
    """A LIMIT in ARRAY_AGG, which DuckDB lacks; only its first element is read."""
    if not isinstance(node, exp.Limit) or not isinstance(node.parent, exp.ArrayAgg):
        return None
    read = node.find_ancestor(exp.Bracket)
    assert read is not None and [index.name for index in read.expressions] == ["0"]
    return node.this


def _composed(node: exp.Expr) -> exp.Expr | None:
    """NORMALIZE, whose default form is NFC."""
    return _call("nfc_normalize", node.this) if isinstance(node, exp.Normalize) else None


def _date_later(node: exp.Expr) -> exp.Expr | None:
    """DATE_ADD of a date is a date; DuckDB's sum of date and interval is a timestamp."""
    is_inner = isinstance(node.parent, exp.Cast)
    return exp.cast(node.copy(), "date") if isinstance(node, exp.DateAdd) and not is_inner else None


def _local_time(node: exp.Expr) -> exp.Expr | None:
    """AT TIME ZONE of a TIMESTAMP_MICROS, which is a moment; DuckDB's make_timestamp is a clock's time, in UTC."""
    if not isinstance(node, exp.AtTimeZone) or not isinstance(node.this, exp.UnixToTime):
        return None
    node.this.replace(exp.AtTimeZone(this=node.this.copy(), zone=exp.Literal.string("UTC")))
    return None


def _offset(node: exp.Expr) -> exp.Expr | None:
    """WITH OFFSET counts from 0, DuckDB's WITH ORDINALITY from 1."""
    if not isinstance(node, exp.Column) or node.table or isinstance(node.parent, exp.Paren):
        return None
    select = node.find_ancestor(exp.Select)
    if select is None:
        return None
    sources = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]
    offsets = {
        source.args["offset"].name for source in sources if isinstance(source, exp.Unnest) and source.args["offset"]
    }
    return exp.paren(exp.Sub(this=node.copy(), expression=exp.Literal.number(1))) if node.name in offsets else None


RULES = (
    _joined_bytes,
    _bytes_as_text,
    _text_as_bytes,
    _row_hash,
    _first_of_array,
    _composed,
    _date_later,
    _local_time,
    _offset,
)


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB that runs what `to_duckdb` makes."""
    connection = duckdb.connect()
    # it can give null for bytes that are no text
    connection.create_function(
        "utf8_or_null", _utf8_or_null, ["blob"], "varchar", null_handling=FunctionNullHandling.SPECIAL
    )
    connection.execute("""
        set timezone = 'UTC';
        -- long patterns are compiled for each thread, and wherever a common table expression is put
        set threads = 1;
        set disabled_optimizers = 'cte_inlining';
    """)
    return connection


class BigQuery:
    """Day tables as GA4 exports them and the models that BigQuery's SQL makes of them, in DuckDB."""

    def __init__(self, seeds_of: Path, fields: dict[str, Any] = EVENT_SCHEMA) -> None:
        """``fields`` are the columns of the day tables, beside event_date, as in `EVENT_SCHEMA`."""
        self.connection = connect()
        self.connection.execute(f"""
            attach ':memory:' as project;
            create schema project.ga4;
            create schema project.analytics_{PROPERTY};
            attach '{seeds_of}' as duckdb_models (read_only);
        """)
        for seed in SEEDS:
            self.connection.execute(f"create table project.ga4.{seed} as from duckdb_models.ga4.{seed}")
        # as BigQuery has them: the day is text, and there is no property, file or line
        columns = {"event_date": "VARCHAR"} | {name: duckdb_type(field) for name, field in fields.items()}
        self._columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"
        self._raw = f'project.analytics_{PROPERTY}."events_*"'
        spelled = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self.connection.execute(f"create table {self._raw} ({spelled}, _table_suffix varchar)")

    def load(self, files: Iterable[Path]) -> None:
        """Add day tables: NDJSON files named events_<suffix>.ndjson.gz."""
        for_duckdb = ", ".join(f"'{file}'" for file in files)
        self.connection.execute(f"""
            insert into {self._raw}
            select * exclude (filename), regexp_extract(filename, 'events_(\\w+)\\.', 1)
            from read_json([{for_duckdb}], format = 'newline_delimited', filename = true, columns = {self._columns})
        """)

    def build(self, nodes: Nodes) -> None:
        """Build all models from scratch."""
        for name in in_order(nodes):
            self.connection.execute(
                f"create or replace table project.ga4.{name} as {to_duckdb(nodes[name].compiled_code)}"
            )

    def build_days(self, nodes: Nodes) -> None:
        """Build the models of the nodes' days: partitions are replaced by name, as insert_overwrite does."""
        for name in in_order(nodes):
            config, table = nodes[name].config, f"project.ga4.{name}"
            select = to_duckdb(nodes[name].compiled_code)
            if config.materialized != "incremental":
                self.connection.execute(f"create or replace table {table} as {select}")
            elif name not in BUILT_AT_FULL_REFRESH:
                field, partitions = config.extra["partition_by"]["field"], ", ".join(config.extra["partitions"])
                self.connection.execute(f"create or replace temp table written as {select}")
                outside = f"select count(*) from written where {field} is null or {field} not in ({partitions})"
                assert self.connection.execute(outside).fetchone() == (0,), f"{name}: rows outside its partitions"
                self.connection.execute(f"delete from {table} where {field} in ({partitions})")
                self.connection.execute(f"insert into {table} by name from written")

    def columns(self, database: str, model: str) -> dict[str, str]:
        """A model's columns and types, of `project` or of `duckdb_models`."""
        return dict(
            self.connection.execute(
                f"select column_name, column_type from (describe {database}.ga4.{model})"
            ).fetchall()
        )


def field_paths(fields: dict[str, Any]) -> dict[str, str]:
    """Paths and BigQuery types of all fields, as INFORMATION_SCHEMA.COLUMN_FIELD_PATHS lists them."""
    paths: dict[str, str] = {}
    for name, field in fields.items():
        is_list = isinstance(field, list)
        members = field[0] if is_list else field
        if isinstance(members, dict):
            paths[name] = "ARRAY<STRUCT<...>>" if is_list else "STRUCT<...>"
            paths |= {f"{name}.{path}": kind for path, kind in field_paths(members).items()}
        else:
            paths[name] = {"VARCHAR": "STRING", "BIGINT": "INT64", "DOUBLE": "FLOAT64", "BOOLEAN": "BOOL"}[members]
    return paths


def in_order(nodes: Nodes) -> list[str]:
    """The models, each after those that it reads."""
    models = {node.unique_id: node for node in nodes.values() if is_model(node)}
    graph = {key: [parent for parent in node.depends_on.nodes if parent in models] for key, node in models.items()}
    return [models[key].name for key in TopologicalSorter(graph).static_order()]


def _utf8_or_null(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None


def tables_read(sql: str) -> list[tuple[exp.Table, list[exp.Expr]]]:
    """Each table that the SQL reads, with the conditions of the SELECT that names it in its FROM or JOIN."""
    found: list[tuple[exp.Table, list[exp.Expr]]] = []
    for table in sqlglot.parse_one(sql, dialect="bigquery").find_all(exp.Table):
        select = table.find_ancestor(exp.Select)
        if table.db and select is not None:
            conditions = [select.args.get("where"), *(join.args.get("on") for join in select.args.get("joins") or [])]
            found.append((table, [condition for condition in conditions if condition is not None]))
    return found


def compared_with_literals(condition: exp.Expr, column: str, table: exp.Table) -> list[list[str]]:
    """The literals that the column is compared with in the condition; a column of another table does not count."""
    owners = {"", table.alias_or_name}
    found = []
    for comparison in condition.find_all(exp.Between, exp.LTE, exp.GTE, exp.EQ):
        left = comparison.this
        if isinstance(left, exp.Column) and left.name == column and left.table in owners:
            sides = [comparison.args[side] for side in ("low", "high", "expression") if comparison.args.get(side)]
            literals = [side.this if isinstance(side, exp.Cast) else side for side in sides]
            if all(isinstance(literal, exp.Literal) for literal in literals):
                found.append([literal.name for literal in literals])
    return found
