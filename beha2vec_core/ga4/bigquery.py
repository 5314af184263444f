"""The export where GA4 writes it: the day tables of a BigQuery data set, read as Arrow by the Storage Read API.

A source is ``bigquery://project/analytics_123456789``, with the options ``?billing_project=`` (the project that pays;
default: the data set's) and, for another server than Google's, ``endpoint=`` (REST) and ``storage_endpoint=`` (gRPC
without encryption, host and port). A table is fetched into a parquet file just before it is read, so that all that
holds for files holds for tables. Never tried on the real service: docs/bigquery.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa

from beha2vec_core.ga4.reading import UnreadableFileError
from beha2vec_core.ga4.report import DayReport, DayStatus
from beha2vec_core.ga4.schema import EVENT_SCHEMA
from beha2vec_core.ga4.source_files import Origin, SourceFile, SourceNotReachedError
from beha2vec_core.words import counted

if TYPE_CHECKING:
    from google.cloud import bigquery
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient

# US dollars for a TiB that the Storage Read API reads, in the US, as of 2025; the first 300 TiB of a month are free.
# https://cloud.google.com/bigquery/pricing
PRICE_PER_TIB = 1.10
TIB = 2**40

_ADDRESS = re.compile(r"bigquery://([a-z][a-z0-9.:-]{4,60}[a-z0-9])/([A-Za-z0-9_]{1,1024})/?(?:\?.*)?")
_PREFIXES = ("events_", "pseudonymous_users_", "users_")
_TABLE = re.compile(rf"(?:{'|'.join(_PREFIXES)})(?:intraday_|fresh_)?\d{{8}}")
# what is read of events, and of GA4's tables of users (`user_tables`, `predictions.ga4_scores`)
_EVENT_COLUMNS = ("event_date", *EVENT_SCHEMA)
_USER_COLUMNS = ("pseudo_user_id", "user_id", "privacy_info", "predictions")
_LABELS = {"application": "beha2vec"}
# how long a request is tried again, and how long one may take; a job may take longer
_RETRY_SECONDS, _TIMEOUT_SECONDS = 60.0, 120.0
_ROW_GROUP = 100_000


class TooManyBytesError(RuntimeError):
    """The tables of a run have more bytes than one run may read."""


@dataclass(frozen=True)
class DataSet:
    """A data set with an export of GA4."""

    project: str
    name: str
    payer: str
    endpoint: str | None = None
    storage_endpoint: str | None = None
    maximum_bytes: int | None = None  # BigQuery refuses a query that would read more, and bills nothing for it

    @classmethod
    def of(cls, address: str) -> DataSet:
        """The data set of an address.

        Raises:
            SourceNotReachedError: it is none.
        """
        found = _ADDRESS.fullmatch(address)
        options = {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}
        wrong = sorted(options.keys() - {"billing_project", "endpoint", "storage_endpoint"})
        if not found or wrong:
            raise SourceNotReachedError(
                f"BEHA2VEC_SOURCE names no data set of BigQuery{f' ({wrong[0]} is no option)' if wrong else ''}. Write "
                "it as bigquery://my-project/analytics_123456789, with ?billing_project= if another project pays"
            )
        project = found[1]
        return cls(
            project,
            found[2],
            options.get("billing_project", project),
            options.get("endpoint"),
            options.get("storage_endpoint"),
        )

    def __str__(self) -> str:
        """As SQL names it."""
        return f"{self.project}.{self.name}"

    @cached_property
    def client(self) -> bigquery.Client:
        """Google's client, with the credentials of the environment; another server gets none."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        if self.endpoint is None:
            return bigquery.Client(project=self.payer)
        return bigquery.Client(
            project=self.payer,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.endpoint},
        )

    @cached_property
    def storage(self) -> BigQueryReadClient:
        """Google's client of the Storage Read API."""
        from google.cloud.bigquery_storage_v1 import BigQueryReadClient

        if self.storage_endpoint is None:
            return BigQueryReadClient()  # type: ignore[no-untyped-call]
        import grpc
        from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

        channel = grpc.insecure_channel(self.storage_endpoint)
        return BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))  # type: ignore[no-untyped-call]

    def query(
        self, sql: str, *, dry_run: bool = False, parameters: Mapping[str, str | list[str]] | None = None
    ) -> bigquery.QueryJob:
        """Start a query, or ask how many bytes it would read. Its parameters (``@name``) are texts or lists of them."""
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            dry_run=dry_run,
            use_query_cache=False,
            labels=_LABELS,
            maximum_bytes_billed=self.maximum_bytes,
            query_parameters=[
                bigquery.ScalarQueryParameter(name, "STRING", value)
                if isinstance(value, str)
                else bigquery.ArrayQueryParameter(name, "STRING", value)
                for name, value in (parameters or {}).items()
            ],
        )
        return self.client.query(sql, job_config=config, retry=_retry(), job_retry=None, timeout=_TIMEOUT_SECONDS)

    def read(
        self, table: str, columns: Sequence[str] = (), condition: str = ""
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The rows of a table by the Storage Read API, as they arrive; which asks again where a stream breaks.

        Args:
            table: its name; not one of a view. With ``projects/.../datasets/.../tables/...`` it is elsewhere.
            columns: which ones; default: all.
            condition: SQL of the rows that are wanted, which compares columns with literals.
        """
        from google.cloud.bigquery_storage_v1 import types

        options = types.ReadSession.TableReadOptions(selected_fields=columns, row_restriction=condition)
        session = self.storage.create_read_session(
            parent=f"projects/{self.payer}",
            read_session=types.ReadSession(
                table=table if "/" in table else f"projects/{self.project}/datasets/{self.name}/tables/{table}",
                data_format=types.DataFormat.ARROW,
                read_options=options,
            ),
            max_stream_count=1,  # rows keep one order
            timeout=_TIMEOUT_SECONDS,
        )
        schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        read: Any = self.storage.read_rows
        # a table without rows has no stream
        parts = (part for stream in session.streams for part in read(stream.name))
        return schema, (
            pa.ipc.read_record_batch(pa.py_buffer(part.arrow_record_batch.serialized_record_batch), schema)
            for part in parts
        )

    def read_view(self, view: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The rows of a view, by a query, whose result is a table that lives for a day."""
        job = self.query(f"select * from `{self}.{view}`")
        job.result(retry=_retry())
        result = job.destination
        return self.read(f"projects/{result.project}/datasets/{result.dataset_id}/tables/{result.table_id}")

    def load(self, file: Path, table: str) -> None:
        """Replace a table by a parquet file, with a load job, which costs nothing."""
        from google.cloud import bigquery
        from google.cloud.bigquery.format_options import ParquetOptions

        options = ParquetOptions()  # type: ignore[no-untyped-call]
        options.enable_list_inference = True
        config = bigquery.LoadJobConfig(
            source_format="PARQUET", write_disposition="WRITE_TRUNCATE", labels=_LABELS, parquet_options=options
        )
        with file.open("rb") as content:
            job = self.client.load_table_from_file(content, f"{self}.{table}", job_config=config)
        job.result(retry=_retry())

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Turn what Google's clients raise into one sentence with a remedy.

        Raises:
            SourceNotReachedError: for all of the source, not for one of its tables.
        """
        try:
            from google.api_core.exceptions import GoogleAPIError
            from google.auth.exceptions import GoogleAuthError
            from requests import RequestException
        except ImportError:
            raise SourceNotReachedError(
                "BigQuery needs Google's clients. Install them: pip install 'beha2vec[bigquery]'"
            ) from None
        try:
            yield
        except (GoogleAPIError, GoogleAuthError, RequestException, TimeoutError) as error:
            raise SourceNotReachedError(self._explained(error)) from None

    def _explained(self, error: Exception) -> str:
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError, TransportError

        if isinstance(error, exceptions.RetryError) and error.cause:
            error = error.cause
        match error:
            case exceptions.Unauthorized() | GoogleAuthError() if not isinstance(error, TransportError):
                return (
                    "there are no valid credentials for Google. Run gcloud auth application-default login, or set "
                    "GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account"
                )
            case exceptions.TooManyRequests() | exceptions.Forbidden() if _is_quota(error):
                return (
                    f"a quota of BigQuery is used up in {self.payer}. Start the run again later, which goes on where "
                    "this one ended, or raise the quota in Google's console (IAM, Quotas)"
                )
            case exceptions.Forbidden():
                return (
                    f"this account may not read {self}. Give it the roles BigQuery Job User and BigQuery Read Session "
                    f"User in {self.payer}, and BigQuery Data Viewer on the data set"
                )
            case exceptions.NotFound():
                return (
                    f"BigQuery has no data set {self}. Set BEHA2VEC_SOURCE to the project and the data set that GA4 "
                    "shows (Admin, BigQuery links)"
                )
            case exceptions.ClientError():
                said = error.errors[0] if error.errors else None
                what = said.get("message") if isinstance(said, dict) else error.message
                return f"BigQuery refused the request ({what}). Check BEHA2VEC_SOURCE"
        return (
            f"BigQuery does not answer ({type(error).__name__}). Check the network, and start the run again, which "
            "goes on where this one ended"
        )


@dataclass(frozen=True)
class DayTable(Origin):
    """A table of a day."""

    data_set: DataSet
    name: str
    rows: int
    size: int  # bytes before compression, as BigQuery counts them
    modified: float  # when it was last written to, in seconds since 1970
    created: float = field(compare=False)

    @property
    def path(self) -> PurePosixPath:
        """What a file of it would be called."""
        return PurePosixPath(self.data_set.name, f"{self.name}.parquet")

    @property
    def prefix(self) -> str:
        """How the names of its kind begin."""
        return next(prefix for prefix in _PREFIXES if self.name.startswith(prefix))

    def columns(self) -> list[bigquery.SchemaField]:
        """The columns that are read: known ones that this table has; older tables have fewer."""
        reference, known = f"{self.data_set}.{self.name}", _EVENT_COLUMNS if self.prefix == "events_" else _USER_COLUMNS
        table = self.data_set.client.get_table(reference, retry=_retry(), timeout=_TIMEOUT_SECONDS)
        return [column for column in table.schema if column.name.lower() in known]

    def fetch(self, target: Path, rows: int | None = None) -> None:
        """Write the table to a parquet file; the first ``rows`` rows cost nothing.

        Raises:
            UnreadableFileError: the table is gone.
            SourceNotReachedError: BigQuery does not give it.
        """
        import pyarrow.parquet as pq

        with self.data_set.asked():
            from google.api_core.exceptions import NotFound

            try:
                schema, batches = self._sample(rows) if rows else self._whole()
                with pq.ParquetWriter(target, schema) as file:
                    for table in _gathered(schema, batches):
                        file.write_table(table)
            except NotFound:
                raise UnreadableFileError(
                    f"{self.name}: the table is not there any more; GA4 replaces the tables of a day as it completes "
                    "them. Read the day again"
                ) from None

    def _whole(self) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
        return self.data_set.read(self.name, [column.name for column in self.columns()])

    def _sample(self, rows: int) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
        found = self.data_set.client.list_rows(
            f"{self.data_set}.{self.name}", selected_fields=self.columns(), max_results=rows, retry=_retry()
        )
        read = found.to_arrow(create_bqstorage_client=False)
        return read.schema, read.to_batches()


def find_tables(address: str) -> list[DayTable]:
    """The tables of an export: events, and GA4's tables of users; by one query, which reads no table.

    Raises:
        SourceNotReachedError: the data set cannot be asked.
    """
    data_set = DataSet.of(address)
    sql = (
        "select table_id, row_count, size_bytes, creation_time, last_modified_time "
        f"from `{data_set}.__TABLES__` where type = 1 order by table_id"
    )
    with data_set.asked():
        rows = list(data_set.query(sql).result(retry=_retry()))
    return [
        DayTable(
            data_set, row.table_id, row.row_count, row.size_bytes, row.last_modified_time / 1e3, row.creation_time / 1e3
        )
        for row in rows
        if _TABLE.fullmatch(row.table_id)
    ]


def table_reports(files: Sequence[SourceFile], days: Sequence[date], maximum_bytes: int) -> list[DayReport]:
    """What is there of each property and day, as ingest reports it; for models that read the tables themselves.

    Users are counted by a query that reads one column, of at most ``maximum_bytes``.

    Raises:
        SourceNotReachedError: BigQuery does not say.
    """
    reports, users = [], _users([file.origin for file in files if file.day in days], maximum_bytes)
    for property_id in sorted({file.property_id for file in files}):
        for day in days:
            of_day = [file for file in files if (file.property_id, file.day) == (property_id, day)]
            rows = sum(file.origin.rows for file in of_day if isinstance(file.origin, DayTable))
            names = [file.name for file in of_day]
            status: DayStatus = "ingested" if rows else "missing"
            devices = sum(users.get(name, 0) for name in names)
            reports.append(DayReport(property_id, day, status, rows, rows, users=devices, files=names))
    return reports


def _users(origins: Sequence[Origin | None], maximum_bytes: int) -> dict[str, int]:
    """The devices of tables of events, by the table's name."""
    tables = [one for one in origins if isinstance(one, DayTable)]
    if not tables:
        return {}
    data_set = replace(tables[0].data_set, maximum_bytes=maximum_bytes)
    suffixes = ", ".join(f"'{table.name.removeprefix('events_')}'" for table in tables)
    sql = (
        f"select _table_suffix as suffix, count(distinct user_pseudo_id) as users from `{data_set}.events_*` "
        f"where _table_suffix in ({suffixes}) group by _table_suffix"
    )
    with data_set.asked():
        found = list(data_set.query(sql).result(retry=_retry()))
    return {f"events_{row.suffix}": row.users for row in found}


@dataclass(frozen=True)
class Price:
    """What reading some tables costs."""

    tables: int
    bytes: int

    @property
    def dollars(self) -> float:
        """At list price, without what is free each month."""
        return self.bytes / TIB * PRICE_PER_TIB

    @property
    def summary(self) -> str:
        """In one line."""
        return (
            f"{counted(self.tables, 'table')} of BigQuery, {self.bytes / 1e9:,.2f} GB to read: at most "
            f"{self.dollars:,.2f} US dollars at list price ({PRICE_PER_TIB:.2f} a TiB; 300 TiB of a month are free)"
        )


def price_of(files: Iterable[SourceFile]) -> Price | None:
    """What reading tables of BigQuery costs, by dry runs, which are free; None if there are none among the files.

    Raises:
        SourceNotReachedError: BigQuery does not say.
    """
    tables = [file.origin for file in files if isinstance(file.origin, DayTable)]
    if not tables:
        return None
    alike: defaultdict[tuple[DataSet, str], list[DayTable]] = defaultdict(list)
    for table in tables:
        alike[table.data_set, table.prefix].append(table)
    total = 0
    for (data_set, prefix), found in alike.items():
        # a wildcard table has the columns of the one that was created last
        with data_set.asked():
            newest = max(found, key=lambda table: table.created)
            columns = ", ".join(f"`{column.name}`" for column in newest.columns())
            suffixes = ", ".join(f"'{table.name.removeprefix(prefix)}'" for table in found)
            sql = f"select {columns} from `{data_set}.{prefix}*` where _table_suffix in ({suffixes})"
            total += int(data_set.query(sql, dry_run=True).total_bytes_processed or 0)
    return Price(len(tables), total)


def require_affordable(price: Price, maximum_bytes: int) -> None:
    """Refuse to read more than a run may read.

    Raises:
        TooManyBytesError: with the remedy.
    """
    if price.bytes > maximum_bytes:
        raise TooManyBytesError(
            f"{price.summary}; a run may read {maximum_bytes / 1e9:,.2f} GB. Ask for fewer days, or raise "
            f"BEHA2VEC_BIGQUERY_MAXIMUM_BYTES to at least {price.bytes}"
        )


def _gathered(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of as many rows as a group of a parquet file should have."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= _ROW_GROUP:
            yield pa.Table.from_batches(held, schema)
            held = []
    yield pa.Table.from_batches(held, schema)


def _retry() -> Any:
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(_RETRY_SECONDS)


def _is_quota(error: Any) -> bool:
    """Whether it is a quota that is used up, and not a missing right."""
    reasons = {str(one.get("reason", "")) for one in error.errors if isinstance(one, dict)}
    return error.code == 429 or bool(reasons & {"quotaExceeded", "rateLimitExceeded"})
