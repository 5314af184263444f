"""A data set of BigQuery as a source, served by a local stand-in: the same partitions as from files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.cloud.bigquery_storage_v1", reason="pip install -e '.[dev]'")

import grpc

from beha2vec_core.cli.doctor import storage
from beha2vec_core.cli.doctor.export import check_dates, check_export, check_timezone
from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.arrivals import changed_days, fingerprints
from beha2vec_core.ga4.bigquery import DataSet, TooManyBytesError, find_tables, price_of, require_affordable
from beha2vec_core.ga4.ingest import ingest_days, partition_file, require_usable
from beha2vec_core.ga4.report import IngestError, IngestReport
from beha2vec_core.ga4.schema import EVENT_SCHEMA
from beha2vec_core.ga4.source_files import SourceNotFoundError, SourceNotReachedError
from beha2vec_core.ga4.sources import find_export
from beha2vec_core.ga4.user_tables import ingest_user_tables, users_file
from beha2vec_core.predictions.ga4_scores import read_ga4_scores
from beha2vec_core.settings import Settings
from tests.bigquery.service import BigQueryService
from tests.bigquery.transport import ApiError
from tests.ga4.ingest_world import DAY, NEXT, event, write

PROPERTY = "123456789"


@pytest.fixture
def service() -> Iterator[BigQueryService]:
    with BigQueryService() as running:
        yield running


def ingest(service: BigQueryService, days: list[date], folder: Path, **options: Any) -> IngestReport:
    files = find_export(service.source(), "p1").files
    return ingest_days(files, days, folder / "raw", **options)


def rows(folder: Path, day: date = DAY) -> list[dict[str, Any]]:
    """The rows of a partition, without where they come from."""
    import pyarrow.parquet as pq

    found = pq.read_table(partition_file(folder / "raw", PROPERTY, day), partitioning=None).to_pylist()
    plain = [{name: value for name, value in row.items() if not name.startswith("_source")} for row in found]
    return sorted(plain, key=lambda row: json.dumps(row, default=str))


def day_table(folder: Path, day: date = DAY, kind: str = "", number: int = 5, **fields: Any) -> Path:
    return write(folder / f"events_{kind}{day:%Y%m%d}.ndjson", [event(n, day, **fields) for n in range(number)])


def test_the_partitions_are_those_of_files(service: BigQueryService, tmp_path: Path) -> None:
    """The demo shop, with personal data in its addresses, by both ways."""
    export = tmp_path / f"analytics_{PROPERTY}"
    write_demo_export(export, users=60, days=4, seed=1, progress=False)
    files = find_export(str(export), PROPERTY).files
    days = sorted({file.day for file in files if file.day})
    here = ingest_days(files, days, tmp_path / "files" / "raw")
    service.load(file.path for file in files)
    there = ingest(service, days, tmp_path / "tables")
    assert [(day.status, day.accepted, day.users) for day in there.days] == [
        (day.status, day.accepted, day.users) for day in here.days
    ]
    assert there.accepted > 500 and there.redacted == here.redacted
    for day in days:
        assert rows(tmp_path / "tables", day) == rows(tmp_path / "files", day)
    assert [table for table, _ in service.reads] == [f"events_{day:%Y%m%d}" for day in days]


def test_only_known_columns_are_read_and_older_tables_have_fewer(service: BigQueryService, tmp_path: Path) -> None:
    older = {name: kind for name, kind in EVENT_SCHEMA.items() if name not in ("collected_traffic_source", "items")}
    service.load([day_table(tmp_path)], fields=older | {"publisher": "VARCHAR"})
    service.load([day_table(tmp_path, NEXT)], at=1_700_000_900_000)
    report = ingest(service, [DAY, NEXT], tmp_path)
    assert [day.accepted for day in report.days] == [5, 5]
    columns = dict(service.reads)
    assert set(columns[f"events_{DAY:%Y%m%d}"]) == {"event_date", *older}
    assert set(columns[f"events_{NEXT:%Y%m%d}"]) == {"event_date", *EVENT_SCHEMA}
    assert {row["collected_traffic_source"] for row in rows(tmp_path)} == {None}


def test_bad_rows_and_personal_data_go_the_way_of_files(service: BigQueryService, tmp_path: Path) -> None:
    page = {"key": "page_location", "value": {"string_value": "https://shop.example/?email=anna@example.com"}}
    good = [event(n, event_params=[page]) for n in range(30)]
    service.load([write(tmp_path / f"events_{DAY:%Y%m%d}.ndjson", [*good, event(9, event_name=None)])])
    report = ingest(service, [DAY], tmp_path)
    assert (report.days[0].accepted, report.days[0].quarantined, report.redacted) == (30, 1, 30)
    assert "anna@example.com" not in str(rows(tmp_path))
    ((_, _, table, line, reason, _),) = report.quarantine
    assert (table, line, reason) == (f"events_{DAY:%Y%m%d}", 31, "event_name is missing")
    assert not list((tmp_path / "raw").glob(".*"))  # neither a copy nor a note stays


def test_an_intraday_table_counts_until_the_day_is_there(service: BigQueryService, tmp_path: Path) -> None:
    service.load([day_table(tmp_path, kind="intraday_", number=3)])
    assert ingest(service, [DAY], tmp_path).accepted == 3
    before = fingerprints(find_export(service.source(), "p").files, now=2e9)
    service.load([day_table(tmp_path)], at=1_700_000_100_000)
    after = fingerprints(find_export(service.source(), "p").files, now=2e9)
    assert changed_days(before, after) == [DAY]
    assert ingest(service, [DAY], tmp_path).accepted == 5


def test_a_table_that_is_late_is_read_when_it_is_there(service: BigQueryService, tmp_path: Path) -> None:
    service.load([day_table(tmp_path)])
    report = ingest(service, [DAY, NEXT], tmp_path)
    assert [day.status for day in report.days] == ["ingested", "missing"]
    with pytest.raises(IngestError, match=f"no events for {NEXT}.*that the export of this day has arrived"):
        require_usable(ingest(service, [NEXT], tmp_path), max_bad_share=0.05)
    before = fingerprints(find_export(service.source(), "p").files, now=2e9)
    service.load([day_table(tmp_path, NEXT)])
    assert changed_days(before, fingerprints(find_export(service.source(), "p").files, now=2e9)) == [NEXT]
    assert ingest(service, [NEXT], tmp_path).accepted == 5


def test_a_table_that_is_gone_leaves_the_day_as_it_was(service: BigQueryService, tmp_path: Path) -> None:
    service.load([day_table(tmp_path, kind="intraday_")])
    ingest(service, [DAY], tmp_path)
    files = find_export(service.source(), "p").files
    service.drop(f"events_intraday_{DAY:%Y%m%d}")
    report = ingest_days(files, [DAY], tmp_path / "raw")
    assert report.days[0].status == "unreadable" and "Read the day again" in str(report.days[0].problem)
    assert len(rows(tmp_path)) == 5


def test_a_run_goes_on_where_it_was_ended(service: BigQueryService, tmp_path: Path) -> None:
    last = date(2024, 3, 3)
    service.load(day_table(tmp_path, day) for day in (DAY, NEXT, last))
    service.breaks[f"events_{last:%Y%m%d}"] = grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(SourceNotReachedError, match="a quota of BigQuery is used up in who-pays"):
        ingest(service, [DAY, NEXT, last], tmp_path)
    service.breaks.clear()
    service.load([day_table(tmp_path, NEXT, number=7)], at=1_700_000_500_000)  # GA4 wrote it again
    service.reads.clear()
    said: list[str] = []
    report = ingest(service, [DAY, NEXT, last], tmp_path, progress=said.append)
    assert [table for table, _ in service.reads] == [f"events_{day:%Y%m%d}" for day in (NEXT, last)]
    assert sorted((day.event_date, day.accepted) for day in report.days) == [(DAY, 5), (NEXT, 7), (last, 5)]
    assert said[0] == "1 day that the run before this one had read"
    # a run that came to its end leaves no note: asked again, days are read again
    service.reads.clear()
    ingest(service, [DAY], tmp_path)
    assert len(service.reads) == 1


def test_a_stream_that_breaks_is_read_on(service: BigQueryService, tmp_path: Path) -> None:
    service.load([day_table(tmp_path, number=2_500)])
    service.breaks[f"events_{DAY:%Y%m%d}"] = grpc.StatusCode.UNAVAILABLE
    assert ingest(service, [DAY], tmp_path).accepted == 2_500


def test_the_price_is_known_before_anything_is_read(service: BigQueryService, tmp_path: Path) -> None:
    service.load([day_table(tmp_path), day_table(tmp_path, NEXT)], fields=EVENT_SCHEMA | {"publisher": "VARCHAR"})
    files = find_export(service.source(), "p").files
    price = price_of(files)
    assert price is not None and price.tables == 2 and price.bytes > 1_000
    assert not service.reads
    listed, asked = service.jobs
    assert asked["dryRun"] and not listed.get("dryRun") and "publisher" not in asked["query"]["query"]
    assert asked["labels"] == listed["labels"] == {"application": "beha2vec"}
    one = price_of(files[:1])
    assert one is not None and one.bytes < price.bytes
    require_affordable(price, price.bytes)
    with pytest.raises(TooManyBytesError, match=f"BEHA2VEC_BIGQUERY_MAXIMUM_BYTES to at least {price.bytes}"):
        require_affordable(price, price.bytes - 1)
    assert "2 tables of BigQuery, 0.00 GB to read: at most 0.00 US dollars at list price" in price.summary
    assert price_of([]) is None


def test_tables_of_users_are_read(service: BigQueryService, tmp_path: Path) -> None:
    users = [
        {
            "pseudo_user_id": f"{n}.1",
            "privacy_info": {"is_ads_personalization_allowed": "false" if n else "true"},
            "predictions": {"purchase_score_7d": 0.25, "churn_score_7d": 0.5},
        }
        for n in range(3)
    ]
    service.load([day_table(tmp_path), write(tmp_path / f"pseudonymous_users_{DAY:%Y%m%d}.ndjson", users)])
    export = find_export(service.source(), "p")
    report = ingest_user_tables(export.user_tables, [DAY], tmp_path / "users")
    assert (report.users, report.denied, report.problems) == (3, 2, [])
    assert users_file(tmp_path / "users", PROPERTY, DAY).exists()
    assert set(read_ga4_scores(export.user_tables, NEXT)["probability"]) == {0.25, 0.5}
    assert "user_ltv" not in str(service.reads)
    price = price_of([*export.files, *export.user_tables])
    assert price is not None and price.tables == 2


def test_doctor_reads_a_sample_that_is_free(service: BigQueryService, tmp_path: Path) -> None:
    service.load([day_table(tmp_path), day_table(tmp_path, NEXT)])
    settings = Settings(
        source=service.source(), start_date=DAY, end_date=NEXT, timezone="Europe/Berlin", data_dir=tmp_path / "data"
    )
    for check in (check_export(settings), check_dates(settings), check_timezone(settings)):
        assert check.status == "ok", check
    assert "property 123456789 2, 2024-03-01 to 2024-03-02; 2 tables of BigQuery" in check_export(settings).message
    assert not service.reads


def test_doctor_counts_what_is_copied(
    service: BigQueryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.load([day_table(tmp_path), day_table(tmp_path, NEXT, number=50)])
    day, *_ = (table.size for table in find_tables(service.source()))
    monkeypatch.setattr(storage, "_GIGABYTE", 1)

    def needed(**options: Any) -> str:
        options = {"source": service.source(), "start_date": DAY, "timezone": "UTC", "data_dir": tmp_path} | options
        return storage.check_disk(Settings(**options)).message.rpartition("has ")[2]

    assert needed(end_date=DAY) == f"{day / 10:,.2f} GB"
    assert needed(warehouse="bigquery") == "0.00 GB"
    settings = Settings(
        source=service.source(), start_date=DAY, timezone="Europe/Berlin", data_dir=tmp_path, warehouse="bigquery"
    )
    assert "price" not in check_export(settings).message and not [job for job in service.jobs if job.get("dryRun")]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ApiError(401, "authError"), "there are no valid credentials for Google. Run gcloud auth application-default"),
        (ApiError(403, "quotaExceeded"), r"a quota of BigQuery is used up in who-pays\. Start the run again later"),
        (ApiError(403, "accessDenied"), r"may not read my-project\.analytics_123456789\. Give it the roles BigQuery"),
        (ApiError(400, "invalid", "no such thing"), r"BigQuery refused the request \(no such thing\)\. Check"),
    ],
)
def test_errors_name_the_remedy(service: BigQueryService, error: ApiError, says: str) -> None:
    def refuse(path: str) -> None:
        raise error

    service.refuse = refuse
    with pytest.raises(SourceNotReachedError, match=says):
        find_export(service.source(), "p")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("bigquery://my-project", "names no data set of BigQuery.*Write it as bigquery://my-project/analytics"),
        ("bigquery://my-project/analytics_1?region=EU", "region is no option"),
    ],
)
def test_an_address_that_is_none_names_the_remedy(address: str, says: str) -> None:
    with pytest.raises(SourceNotReachedError, match=says):
        find_export(address, "p")


def test_a_missing_data_set_and_an_empty_one_name_the_remedy(service: BigQueryService) -> None:
    service.make_data_set("my-project", "analytics_123456789")
    with pytest.raises(SourceNotFoundError, match="or to a data set of BigQuery with tables events_YYYYMMDD"):
        find_export(service.source(), "p")
    with pytest.raises(SourceNotReachedError, match=r"no data set my-project\.analytics_1\. Set BEHA2VEC_SOURCE to"):
        find_export(service.source(data_set="analytics_1"), "p")


def test_a_request_that_takes_too_long_names_the_remedy(service: BigQueryService) -> None:
    with (
        pytest.raises(SourceNotReachedError, match=r"BigQuery does not answer \(TimeoutError\)\. Check the network"),
        DataSet.of(service.source()).asked(),
    ):
        raise TimeoutError


def test_missing_credentials_name_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(SourceNotReachedError, match="Run gcloud auth application-default login"):
        find_export("bigquery://my-project/analytics_1", "p")
