"""SQL written by a model or a person: read only, of our tables only, within limits.

Three gates. sqlglot reads the statement and says clearly what is not allowed. A process of its own (``sql_child``)
reads it again by DuckDB's parser and runs it on a read-only connection without files, network, extensions or settings.
That process has little memory and time, and is killed when they are used up.
"""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import sqlglot
from sqlglot import exp

from beha2vec_core.chat.data.sql_rules import FUNCTIONS, OPERATORS, PERSON, Reader

DIALECT = "duckdb"
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it cannot read is refused, not logged on stderr
_CHILD = Path(__file__).with_name("sql_child.py")
_MAX_CHARACTERS = 10_000
# statements that run at once, of all conversations of this process: each may use the memory of its limits
_AT_ONCE = BoundedSemaphore(2)
_START_SECONDS = 10.0  # for the process itself, on a busy machine; from then on it watches its time itself
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SYSTEM_NAME = re.compile(r"duckdb_|pg_|sqlite_|pragma_|information_schema", re.IGNORECASE)
_ALLOWED = "Allowed is one SELECT (WITH and UNION too) over tables of {schemas}, with functions that only compute"
# parts of a statement that do more than read
_FORBIDDEN: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.Into, "INTO writes a table"),
    (exp.DML, "INSERT, UPDATE, DELETE and MERGE write"),
    (exp.DDL, "CREATE, COPY and similar statements are not queries"),
    (exp.Command, "commands are not queries"),
    (exp.Lock, "FOR UPDATE locks rows"),
    (exp.Describe, "DESCRIBE is not a SELECT"),
    (exp.Summarize, "SUMMARIZE is not a SELECT"),
    (exp.Placeholder, "there are no parameters to fill in"),
    (exp.Parameter, "there are no parameters to fill in"),
)


class SqlError(RuntimeError):
    """There is no answer; the message says why and what to do."""


class SqlRefused(SqlError):
    """The statement is not allowed, and was not run."""


class SqlFailed(SqlError):
    """The statement was run, and failed or used up its time or memory."""


@dataclass(frozen=True)
class SqlLimits:
    """How much one statement may use."""

    seconds: float = 10.0
    memory_mb: int = 1000
    rows: int = 200
    cell_characters: int = 2000
    characters: int = 500_000  # of the whole answer


@dataclass(frozen=True)
class SqlAnswer:
    """Rows as JSON knows them: numbers, text (dates too), lists, null."""

    statement: str
    columns: list[str]
    numbers: list[bool]  # which columns hold numbers
    rows: list[list[Any]]
    truncated: bool = False  # there are more rows
    seconds: float = 0.0


def run_sql(path: Path, statement: str, limits: SqlLimits | None = None, reader: Reader = PERSON) -> SqlAnswer:
    """The statement's answer from the published database, of the tables that the reader may see.

    Raises:
        SqlRefused: it is not one SELECT of what is allowed.
        SqlFailed: it has an error, or needs more time or memory than the limits give.
    """
    limits = limits or SqlLimits()
    check(statement, reader)
    if not path.exists():
        raise SqlFailed("there are no results yet: run beha2vec materialize first")
    request = {
        "path": str(path.absolute()),
        "statement": statement,
        "functions": sorted(FUNCTIONS),
        "operators": sorted(OPERATORS),
        "table_functions": sorted(reader.table_functions),
        "schemas": sorted(reader.schemas),
        **vars(limits),
    }
    started = time.monotonic()
    answer = _ask_child(request, limits)
    if "refused" in answer:
        raise SqlRefused(_not_run(answer["refused"], reader))
    if "failed" in answer:
        # models read it: where the file lies is of no use to them
        raise SqlFailed(_why(str(answer["failed"]).replace(str(request["path"]), path.name), limits))
    return SqlAnswer(statement=statement, seconds=time.monotonic() - started, **answer)


def check(statement: str, reader: Reader = PERSON) -> exp.Query:
    """The parsed statement, if it is one SELECT of what is allowed.

    Raises:
        SqlRefused: it is not; the message says what is not allowed, and what is.
    """
    try:
        return _check(statement, reader)
    except SqlRefused as error:
        raise SqlRefused(_not_run(error, reader)) from None


def _not_run(reason: object, reader: Reader) -> str:
    return f"Not run: {reason}. {_ALLOWED.format(schemas=_schemas(reader))}."


def _schemas(reader: Reader) -> str:
    *others, last = sorted(reader.schemas)
    return f"the schemas {', '.join(others)} and {last}" if others else f"the schema {last}"


def _check(statement: str, reader: Reader) -> exp.Query:
    if len(statement) > _MAX_CHARACTERS:
        raise SqlRefused(f"the statement is longer than {_MAX_CHARACTERS:,} characters")
    if any(not char.isprintable() and char not in "\n\t\r" for char in statement):
        raise SqlRefused("the statement has control or invisible characters")
    try:
        parsed = sqlglot.parse(statement, dialect=DIALECT)
    except RecursionError:
        raise SqlRefused("the statement is nested too deeply") from None
    except sqlglot.errors.SqlglotError as error:
        raise SqlRefused(f"it cannot be read as SQL ({_first_line(error)})") from None
    trees = [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(trees) != 1:
        raise SqlRefused("give one statement, not several" if trees else "there is no statement")
    tree = trees[0]
    if not isinstance(tree.unnest(), exp.Select | exp.SetOperation):
        raise SqlRefused(f"{type(tree).__name__.upper()} is not a SELECT")
    for kind, reason in _FORBIDDEN:
        if tree.find(kind):
            raise SqlRefused(reason)
    ctes = {name.lower() for name in _cte_names(tree)}
    for table in tree.find_all(exp.Table):
        _check_table(table, ctes, reader)
    for function in tree.find_all(exp.Func):
        _check_function(function, reader)
    assert isinstance(tree, exp.Query)
    return tree


def _cte_names(tree: exp.Expr) -> Iterator[str]:
    for cte in tree.find_all(exp.CTE):
        if not _PLAIN_NAME.fullmatch(cte.alias) or _SYSTEM_NAME.match(cte.alias):
            raise SqlRefused(f"{cte.alias!r} is not a valid name for a part of the statement: use letters, digits, _")
        yield cte.alias


def _check_table(table: exp.Table, ctes: set[str], reader: Reader) -> None:
    schema = table.db.lower()
    if isinstance(table.this, exp.Func):
        name = _name(table.this)
        if name not in reader.table_functions or (schema and schema not in reader.schemas) or table.catalog:
            raise SqlRefused(
                f"the table function {name} is not allowed; allowed are {', '.join(sorted(reader.table_functions))}"
            )
        return
    if not isinstance(table.this, exp.Identifier):
        raise SqlRefused("a table is given by its name")
    name = table.name
    if table.catalog:
        raise SqlRefused("other databases cannot be read")
    if not schema and name.lower() in ctes:
        return
    if not schema:
        qualified = " or ".join(f"{schema}.{name}" for schema in sorted(reader.schemas))
        hint = f", such as {qualified}" if _PLAIN_NAME.fullmatch(name) else ""
        raise SqlRefused(f"the table {name!r} is named without its schema{hint}")
    if schema not in reader.schemas:
        raise SqlRefused(f"the schema {table.db!r} is not allowed")


def _check_function(function: exp.Func, reader: Reader) -> None:
    """Only names that sqlglot does not know itself, or that reach files; all names are checked by the child."""
    if isinstance(function, exp.Anonymous | exp.AnonymousAggFunc | exp.ReadCSV | exp.ReadParquet):
        name = _name(function)
        if name not in FUNCTIONS and name not in reader.table_functions:
            raise SqlRefused(f"the function {name} is not allowed")


def _name(function: exp.Func) -> str:
    if isinstance(function, exp.GenerateSeries):
        return "range"
    return str(function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()


def _ask_child(request: dict[str, Any], limits: SqlLimits) -> dict[str, Any]:
    """Start the process, wait for it, kill it at the end of its time."""
    if not _AT_ONCE.acquire(timeout=limits.seconds / 2):
        return {"failed": "busy"}
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_CHILD)],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.seconds + _START_SECONDS,
            env={},  # nothing for a statement to find
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"failed": "time"}
    finally:
        _AT_ONCE.release()
    try:
        answer = json.loads(done.stdout)
    except ValueError:  # the system ended it: at the end of its time, or of its memory
        return {"failed": "time" if -done.returncode in (signal.SIGALRM, signal.SIGXCPU) else "memory"}
    assert isinstance(answer, dict)
    return answer


def _why(reason: str, limits: SqlLimits) -> str:
    if reason == "time":
        return f"Stopped after {limits.seconds:g} s: ask for less, for example by WHERE, or with fewer joined rows."
    if reason == "busy":
        return "Not run: other statements are running. Ask again in a moment."
    if reason == "memory":
        return f"Stopped: it needs more than {limits.memory_mb:,} MB. Ask for less, or aggregate first."
    return f"DuckDB: {_first_line(reason)}"


def _first_line(error: object) -> str:
    """The first lines of an error, without terminal colors."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    return " ".join(text.split("\n\n")[0].split())[:300]
