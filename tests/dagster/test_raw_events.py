"""The asset raw_ga4_events: beside events, who allowed personal ads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beha2vec_core.ga4.user_tables import users_file
from beha2vec_core.settings import ExportSettings
from beha2vec_dagster.defs.raw.assets import build_assets
from tests.dagster.project import export_settings, metadata_of
from tests.ga4.ingest_world import DAY, event, write


def read_events(settings: ExportSettings) -> dict[str, Any]:
    """Metadata of the asset of one day."""
    day = DAY.isoformat()
    return metadata_of("raw_ga4_events", build_assets(settings), settings.storage.warehouse_path, partition_key=day)


def test_tables_of_users_are_read_and_their_problems_named(tmp_path: Path) -> None:
    write(tmp_path / "export" / "events_20240301.ndjson", [event()])
    rows = [
        {"pseudo_user_id": f"{n}.{n}", "privacy_info": {"is_ads_personalization_allowed": allowed}}
        for n, allowed in enumerate(("true", "false", "(not set)"))
    ]
    (tmp_path / "export" / "pseudonymous_users_20240301.ndjson").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "export" / "analytics_7").mkdir()
    (tmp_path / "export" / "analytics_7" / "users_20240301.csv").write_text("user_id\nsecret\n")
    settings = export_settings(
        data_dir=tmp_path / "data", source=str(tmp_path / "export"), property_id="p", start_date=DAY
    )
    about = read_events(settings)
    assert about["users_asked_about_personal_ads"] == 2 and about["users_without_personal_ads"] == 1
    assert about["problems_of_tables_of_users"].startswith("analytics_7/users_20240301.csv cannot be read")
    assert "secret" not in str(about)
    assert users_file(settings.storage.users_path, "p", DAY).exists()


def test_bigquery_is_priced_and_refused_above_the_limit(tmp_path: Path) -> None:
    pytest.importorskip("google.cloud.bigquery_storage_v1", reason="pip install -e '.[dev]'")
    from beha2vec_core.ga4.bigquery import TooManyBytesError
    from tests.bigquery.service import BigQueryService

    with BigQueryService() as service:
        service.load([write(tmp_path / "events_20240301.ndjson", [event(n) for n in range(3)])])

        def run(maximum: int) -> dict[str, Any]:
            data = tmp_path / "data"
            return read_events(
                export_settings(data_dir=data, source=service.source(), start_date=DAY, bigquery_maximum_bytes=maximum)
            )

        with pytest.raises(TooManyBytesError, match="raise BEHA2VEC_BIGQUERY_MAXIMUM_BYTES"):
            run(1)
        assert not service.reads
        about = run(2**40)
    assert about["dagster/row_count"] == 3 and about["bytes_read"] > 0
    assert "1 table of BigQuery" in about["price"] and "US dollars at list price" in about["price"]


def test_the_log_and_the_quarantine_of_a_day_are_replaced(tmp_path: Path) -> None:
    settings = export_settings(
        data_dir=tmp_path / "data", source=str(tmp_path / "export"), property_id="p", start_date=DAY
    )
    for broken in (["{broken"], ["{broken"], []):
        write(tmp_path / "export" / "events_20240301.ndjson", [*[event()] * 60, *broken])
        read_events(settings)
        with duckdb.connect(str(settings.storage.warehouse_path)) as connection:
            log = connection.execute("select event_date, rows_in, accepted, quarantined from raw.ga4_ingest_log")
            assert log.fetchall() == [(DAY, 60 + len(broken), 60, len(broken))]
            bad = connection.execute("select source_line, reason, privacy_rules > 0 from raw.ga4_quarantine")
            assert bad.fetchall() == [(61, "not valid JSON", True)] * len(broken)
