"""BigQuery: a table with a row for each member, kept by MERGE, so that sending again changes nothing.

The statements are tested on DuckDB, in its dialect; they have not been tried on the service.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from beha2vec_core.activation.destination import (
    COLUMNS,
    KEYS,
    ActivationError,
    Change,
    Destination,
    Kind,
    Member,
    NotReachable,
    Outcome,
    hash_of,
    row_of,
)

_DIALECT = "bigquery"
_TABLE = re.compile(r"([a-z][a-z0-9-]{4,28}[a-z0-9])\.([A-Za-z0-9_]{1,1024})\.([A-Za-z0-9_]{1,1024})")
_TYPES = {name: "STRING" if is_text else "BOOL" for name, is_text in COLUMNS.items()}
_VALUES = tuple(name for name in _TYPES if name not in KEYS)
# statements have at most 1 MB; this leaves room for what surrounds the rows
_MOST_BYTES = 900_000
_MOST_BYTES_OF_A_USER = 100_000
_BETWEEN = " UNION ALL "
# runs a statement; raises `Lost` or ActivationError
Run = Callable[[str], None]


class Lost(Exception):
    """There is no answer: the statement may have run."""


@dataclass(eq=False, repr=False, kw_only=True)
class BigQuery(Destination):
    """A table; it is made where it is not there."""

    kind = "bigquery"
    batch = 1000
    located_by = ("table",)

    table: str  # ``project.dataset.table``
    # runs a statement; default: Google's client, with its application default credentials
    run: Run | None = None
    is_made: bool = field(default=False, init=False)

    def validate(self, called: str) -> list[str]:
        """The name of the table."""
        if _TABLE.fullmatch(self.table):
            return []
        return ["table is not a table of BigQuery: give it as project.dataset.table"]

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The row of a user."""
        row = row_of(member, called)
        if len(_row_sql(Change(kind, member, row, "")).encode()) > _MOST_BYTES_OF_A_USER:
            raise NotReachable(f"more than {_MOST_BYTES_OF_A_USER // 1000} kB of attributes")
        return row, hash_of(row)

    def batches(self, changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
        """The changes of each statement: at most 1,000, and at most 1 MB."""
        some: list[Change] = []
        size = 0
        for change in changes:
            more = len(f"{_row_sql(change)}{_BETWEEN}".encode())
            if some and (len(some) == self.batch or size + more > _MOST_BYTES):
                yield some
                some, size = [], 0
            some.append(change)
            size += more
        if some:
            yield some

    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """One MERGE: all or nothing of it."""
        try:
            run = self.run or _by_google
            if not self.is_made:
                run(create_sql(self.table))
                self.is_made = True
            run(merge_sql(self.table, changes))
        except Lost as problem:
            return [Outcome("unknown", str(problem))] * len(changes)
        return [Outcome("accepted")] * len(changes)


def create_sql(table: str) -> str:
    """The statement that makes the table where it is not there."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())
    return f"CREATE TABLE IF NOT EXISTS {_quoted(table)} ({columns})"


def merge_sql(table: str, changes: Sequence[Change]) -> str:
    """The statement that brings the changes into the table. Values are literals that sqlglot writes."""
    source = _BETWEEN.join(_row_sql(change) for change in changes)
    same = " AND ".join(f"there.{name} = changes.{name}" for name in KEYS)
    return f"""MERGE INTO {_quoted(table)} AS there USING ({source}) AS changes ON {same}
        WHEN MATCHED AND changes.leaves THEN DELETE
        WHEN MATCHED THEN UPDATE SET {", ".join(f"{name} = changes.{name}" for name in _VALUES)}
        WHEN NOT MATCHED AND NOT changes.leaves THEN
            INSERT ({", ".join(_TYPES)}) VALUES ({", ".join(f"changes.{name}" for name in _TYPES)})"""


def _row_sql(change: Change) -> str:
    from sqlglot import exp

    values = {
        name: exp.convert(value if isinstance(value, bool) else str(value))
        if (value := change.payload[name]) is not None
        else exp.cast(exp.Null(), kind, dialect=_DIALECT)
        for name, kind in _TYPES.items()
    }
    values["leaves"] = exp.convert(change.kind == "leave")
    return exp.select(*(exp.alias_(value, name) for name, value in values.items())).sql(_DIALECT)


def _quoted(table: str) -> str:
    return ".".join(f"`{part}`" for part in table.split("."))


def _by_google(statement: str) -> None:
    try:
        from google.api_core.exceptions import ClientError, Forbidden, GoogleAPIError, NotFound
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import bigquery
    except ImportError:
        raise ActivationError("BigQuery needs Google's clients: pip install 'beha2vec[bigquery]'") from None
    try:
        bigquery.Client().query(statement).result(timeout=120)
    except GoogleAuthError:
        raise ActivationError(
            "there are no credentials for Google: run gcloud auth application-default login"
        ) from None
    except (Forbidden, NotFound) as error:
        raise ActivationError(
            f"BigQuery answered {error.code}: check the project, the dataset and the rights"
        ) from None
    except ClientError as error:
        raise ActivationError(f"BigQuery did not take the statement ({error.code})") from None
    except (GoogleAPIError, OSError):
        raise Lost("no answer of BigQuery") from None
