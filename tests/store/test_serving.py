"""The published database holds what readers see, as tables, and what they ask of a past day."""

import base64
import hashlib
import hmac
import re
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb
import pytest

from beha2vec_core import progress
from beha2vec_core.store.columns import column_descriptions
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import create_tables
from tests.store.test_versions import add_version


def test_of_several_versions_only_that_of_readers_is_published(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        add_version(connection, "old", "old1", datetime(2026, 1, 1))
        add_version(connection, "new", "new1", datetime(2026, 1, 8))
        counts = publish(connection, tmp_path / "serving.duckdb", secret=b"secret")
    assert counts["beha2vec.user_embeddings"] == counts["beha2vec.user_clusters"] == 1
    assert counts["beha2vec.encoders"] == 2
    with duckdb.connect(str(tmp_path / "serving.duckdb"), read_only=True) as served:
        assert served.execute("select model_version from beha2vec.user_embeddings").fetchall() == [("new",)]
        for table in ("user_embeddings", "user_clusters"):
            of_day = f"select count(*) from beha2vec.{table}_as_of('{{}}')"
            assert served.execute(of_day.format("2026-01-01")).fetchall() == [(1,)]
            assert served.execute(of_day.format("2025-12-31")).fetchall() == [(0,)]
        assert served.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]


def test_every_column_of_ours_says_what_it_holds(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        connection.execute("create table ga4.dim_ga4__users as select 'u' as user_key, 'it''s' as country")
        told = {"ga4.dim_ga4__users": {"country": "the user's last country"}}
        publish(connection, tmp_path / "serving.duckdb", told, secret=b"secret")
        kept = connection.execute(
            """select schema_name || '.' || table_name, column_name from duckdb_columns()
            where schema_name in ('raw', 'beha2vec')"""
        ).fetchall()
    assert [f"{table}.{column}" for table, column in kept if column not in column_descriptions(table)] == []
    with duckdb.connect(str(tmp_path / "serving.duckdb"), read_only=True) as served:
        comments = served.execute(
            "select schema_name, table_name, column_name, comment from duckdb_columns() where not internal"
        ).fetchall()
    without = [row for row in comments if not row[3]]
    assert without == [("ga4", "dim_ga4__users", "user_key", None)], "dbt's tables are described by dbt alone"
    assert ("ga4", "dim_ga4__users", "country", "the user's last country") in comments
    assert ("beha2vec", "cluster_models", "users", "users it was fitted on") in comments


def test_progress_counts_rows_because_tables_differ_in_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        for name, rows in (("a", 900), ("b", 100)):
            connection.execute(f"create table ga4.{name} as select range as user_key from range({rows})")
        publish(connection, tmp_path / "serving.duckdb", secret=b"secret")
    assert re.search(r"publishing: 9\d\d of 1,0\d\d rows, ", caplog.text), "ours have few"


@pytest.mark.parametrize(
    ("identifiers", "device"),
    [
        ("plain", "12.34"),
        ("keyed", hmac.new(b"secret", b"12.34", hashlib.sha256).hexdigest()),
        ("none", None),
    ],
)
def test_ids_of_ga4_are_published_as_set(
    tmp_path: Path, identifiers: Literal["plain", "keyed", "none"], device: str | None
) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        connection.execute(
            "create table ga4.dim_ga4__users as select 'u' as user_key, '12.34' as user_pseudo_id, null as user_id"
        )
        publish(connection, tmp_path / "serving.duckdb", secret=b"secret", identifiers=identifiers)
    key = "u" if identifiers == "plain" else hmac.new(b"secret", b"u", hashlib.sha256).hexdigest()[:32]
    with duckdb.connect(str(tmp_path / "serving.duckdb"), read_only=True) as served:
        assert served.execute("from ga4.dim_ga4__users").fetchall() == [(key, device, None)]


@pytest.mark.parametrize("identifiers", ["keyed", "none"])
def test_keyed_copies_have_nothing_that_a_guess_can_be_compared_with(
    tmp_path: Path, identifiers: Literal["keyed", "none"]
) -> None:
    """Our keys are hashes of ids without a key, and links carry client ids; tables still join."""
    device = "1087360520.1767818244"
    plain = {name: hashlib.md5(f"p|{name}|4711".encode()).hexdigest() for name in ("user", "client", "session")}
    encoded = f"x%3D{device.replace('.', '%2E')}%26y"
    links = f"u={encoded}&v={encoded.replace('%', '%25')}&w=_{device}_x"
    linker = f"_gl=1*1abc*_ga*{base64.b64encode(device.encode()).decode()}*_ga_X*MTcx"
    referrer = f"https://shop.example/?a=1&_ga=2.1.1.{device}&{linker}&b=2#c=GA1.2.{device},{device}&{links}"
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        connection.execute(
            f"create table ga4.dim_ga4__users as select '{plain['user']}' as user_key, '{device}' as user_pseudo_id"
        )
        connection.execute(
            f"""create table ga4.fct_ga4__page_views as select '{plain["user"]}' as user_key,
                '{plain["client"]}' as client_key, '{plain["session"]}' as session_key,
                '{plain["session"]}' as last_non_direct_session_key, 'shop.example/a' as page_key,
                'Title' as page_title, '{referrer}' as page_referrer"""
        )
        publish(connection, tmp_path / "serving.duckdb", secret=b"secret", identifiers=identifiers)
    with duckdb.connect(str(tmp_path / "serving.duckdb"), read_only=True) as served:
        (view,) = served.execute(
            "from ga4.fct_ga4__page_views semi join ga4.dim_ga4__users using (user_key)"
        ).fetchall()
        users = served.execute("from ga4.dim_ga4__users").fetchall()
    assert view[2] == view[3] and view[4:6] == ("shop.example/a", "Title")
    removed = "u=x%3D[removed]%26y&v=x%253D[removed]%2526y&w=_[removed]_x"
    assert view[6] == (
        f"https://shop.example/?a=1&_ga=[removed]&_gl=[removed]&b=2#c=GA1.2.[removed],[removed]&{removed}"
    )
    contents = str([view, users])
    assert not any(one in contents for one in (*plain.values(), *device.split(".")))


def test_of_features_the_dates_are_published_that_readers_ask_for(tmp_path: Path) -> None:
    """The newest of each property (audiences), and that of the scores in use (reasons); others are for learning."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        create_tables(connection)
        connection.execute(
            """create schema ga4;
            create table ga4.ml_ga4__user_features as select * from (values
                ('a', date '2026-01-05'), ('a', date '2026-01-12'), ('a', date '2026-01-13'), ('a', date '2026-01-14'),
                ('b', date '2026-01-05'), ('b', date '2026-01-12')) as features(property_id, as_of);
            insert into beha2vec.prediction_models (prediction_version, promoted_at)
                values ('p', '2026-01-06'), ('q', null);
            insert into beha2vec.user_predictions
                (event_date, as_of, property_id, prediction_version, user_key, target, horizon)
                values ('2026-01-11', '2026-01-12', 'a', 'p', 'u', 'purchase', 7),
                    ('2026-01-12', '2026-01-13', 'a', 'p', 'u', 'purchase', 7),
                    ('2026-01-13', '2026-01-14', 'a', 'q', 'u', 'purchase', 7)"""
        )
        publish(connection, tmp_path / "serving.duckdb", secret=b"secret")
    with duckdb.connect(str(tmp_path / "serving.duckdb"), read_only=True) as served:
        dates = served.execute(
            "select property_id, as_of::varchar from ga4.ml_ga4__user_features order by all"
        ).fetchall()
    assert dates == [("a", "2026-01-13"), ("a", "2026-01-14"), ("b", "2026-01-12")]
