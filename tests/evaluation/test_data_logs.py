"""Logs of real customers as exports: each order and post arrives, with its day, session and value."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.report import IngestReport
from beha2vec_core.ga4.sources import find_source_files
from tests.benchmarks.data_sets import DataNotFoundError, cache_folder, data_folder, load
from tests.benchmarks.data_sets.logs_export import ExportSummary, write_export


def written(name: str, out: Path) -> ExportSummary:
    try:
        return write_export(name, out, folder=data_folder(), cache=cache_folder())
    except DataNotFoundError as error:
        pytest.skip(str(error))


def ingested(out: Path, raw: Path, first: date, days: int) -> IngestReport:
    wanted = [first + timedelta(days=day) for day in range(days)]
    return ingest_days(find_source_files(str(out), property_id="shop"), wanted, raw)


@pytest.mark.slow
def test_online_retail_arrives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = written("online_retail_2010_11", tmp_path / "export")
    assert (summary.first, summary.last) == (date(2010, 12, 1), date(2011, 12, 9))
    assert summary.users == 4_338 and summary.rows == 2 * 18_532
    said = capsys.readouterr().out
    assert "writing 18,532 events of 4,338 users" in said and "135,080 lines without a customer" in said
    report = ingested(tmp_path / "export", tmp_path / "raw", date(2011, 11, 1), 7)
    assert report.quarantined == 0 and not report.unknown_fields and report.accepted > 500
    orders, days, revenue, currencies, own = duckdb.sql(
        f"""
        select
            count(distinct ecommerce.transaction_id),
            count(distinct to_timestamp(event_timestamp // 1000000)::date),
            sum(ecommerce.purchase_revenue),
            count(distinct list_filter(event_params, lambda p: p.key = 'currency')[1].value.string_value),
            bool_and(strftime(make_timestamp(event_timestamp), '%Y-%m-%d') = event_date::varchar)
        from read_parquet('{tmp_path}/raw/**/*.parquet', hive_partitioning = true)
        where event_name = 'purchase'
        """
    ).fetchall()[0]
    assert 2 * orders == report.accepted and revenue > 100_000 and currencies == 1 and days <= 7 and own


@pytest.mark.parametrize(("name", "purchases"), [("online_retail_2010_11", 18_532), ("cdnow", 69_579)])
def test_orders_are_a_data_set(name: str, purchases: int) -> None:
    try:
        data = load(name)
    except DataNotFoundError as error:
        pytest.skip(str(error))
    events = data.events
    assert data.temporal and len(events) == 2 * purchases and events["is_purchase"].sum() == purchases
    first, second = events.iloc[0], events.iloc[1]
    assert first["is_page_view"] and second["is_purchase"] and first["page"] == second["page"]
    assert first["session"] == second["session"] and (events["is_purchase"] == events["is_conversion"]).all()


@pytest.mark.slow
def test_cdnow_arrives(tmp_path: Path) -> None:
    summary = written("cdnow", tmp_path / "export")
    assert (summary.first, summary.last) == (date(2014, 1, 1), date(2015, 6, 30))
    assert summary.rows == 2 * 69_579 and summary.left_out == "80 purchases of the value 0 left out."
    report = ingested(tmp_path / "export", tmp_path / "raw", date(2014, 1, 1), 5)
    assert report.quarantined == 0 and report.accepted > 1_000


@pytest.mark.slow
def test_mathoverflow_arrives(tmp_path: Path) -> None:
    summary = written("mathoverflow_2009_16", tmp_path / "export")
    assert (summary.rows, summary.users) == (506_550, 19_774)
    assert (summary.first.year, summary.last) == (2009, date(2016, 3, 6))
    report = ingested(tmp_path / "export", tmp_path / "raw", date(2012, 3, 1), 5)
    assert report.quarantined == 0 and report.accepted > 500


def test_wrong_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no log 'books'"):
        write_export("books", tmp_path, folder=tmp_path, cache=tmp_path)
    with pytest.raises(DataNotFoundError, match="BEHA2VEC_EVALUATION_DATA"):
        write_export("mathoverflow_2009_16", tmp_path, folder=tmp_path, cache=tmp_path)
    (tmp_path / "events_20200101.ndjson.gz").touch()
    with pytest.raises(FileExistsError, match="choose an empty folder"):
        write_export("cdnow", tmp_path, folder=tmp_path, cache=tmp_path)
