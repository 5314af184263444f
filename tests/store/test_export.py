"""What is published, written for other tools, and read back by them."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from google.cloud.bigquery import SchemaField
from typer.testing import CliRunner

from beha2vec_core.cli import app
from beha2vec_core.store.export import ExportError, Format, What, export, parse_dataset
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import create_tables

USERS = 50
DIM = 3
NAMES = ["=HYPERLINK(1)", 'says "hi", twice\nover', None]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty users in three clusters, the last without a name; as the graph publishes them."""
    path = tmp_path_factory.mktemp("published") / "serving.duckdb"
    with duckdb.connect() as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        connection.execute(
            """insert into beha2vec.cluster_models (cluster_model_version, model_version, promoted_at)
            values ('c1', 'm1', '2026-01-03')"""
        )
        connection.execute(
            f"""insert into beha2vec.user_embeddings by name
            select date '2026-01-02' as event_date, 'm1' as model_version, 'u' || range as user_key,
                timestamp '2026-01-02 22:59:59.999999' as as_of, range + 1 as n_events, range < 5 as low_evidence,
                [range / 7, -0.25, 1e-9]::float[{DIM}] as behavior, [range, 0, 0.1]::float[{DIM}] as identity
            from range({USERS})"""
        )
        connection.execute(
            """insert into beha2vec.user_clusters by name
            select event_date, 'c1' as cluster_model_version, model_version, user_key, n_events % 3 as cluster_key,
                0.5 as distance, 0.25 as margin from beha2vec.user_embeddings"""
        )
        connection.execute(
            """insert into beha2vec.cluster_insights (cluster_key, name, evidence, actions)
            values (0, ?, ['f1', 'f2'], ['a, "b"']), (1, ?, null, [])""",
            NAMES[:2],
        )
        connection.execute(
            """insert into beha2vec.cluster_profiles (cluster_key, fact_id, feature, value, z)
            values (0, 'f1', ' +49 30', -1.5, 'inf'), (0, 'f2', '@SUM(A1)', 2, null), (1, 'f1', 'a; -x', 3, 4)"""
        )
        connection.execute(
            """update beha2vec.cluster_profiles set effect_size = 0.25, q_value = 0.01, significant = true, unit = 'EUR'
            where cluster_key = 1"""
        )
        connection.execute(
            f"""create table ga4.int_ga4__identity_map as
            select 'u' || range as user_key, 'client ' || range as client_key, 'p' as property_id,
                '12.' || range as user_pseudo_id, range % 2 = 0 as is_ads_consented from range({USERS - 1})
            union all values ('u0', 'phone', 'p', '99.0', false), ('not in clusters', 'x', 'p', '77.7', true)"""
        )
        connection.execute(
            """insert into beha2vec.prediction_models by name
                select 'p1' as prediction_version, timestamp '2026-01-03' as promoted_at"""
        )
        connection.execute(
            """insert into beha2vec.user_predictions by name
            select date '2026-01-02' as event_date, date '2026-01-03' as as_of, 'p' as property_id, user_key,
                'purchase' as target, 28 as horizon, 0.25 as probability, ['visits'] as reasons,
                'p1' as prediction_version from beha2vec.user_embeddings"""
        )
        connection.execute(
            """insert into beha2vec.audience_members
                (event_date, audience, property_id, user_key, state, why, step) values
            ('2026-01-02', 'buyers', 'p', 'u0', 'entered', '=purchases', 'holdout'),
            ('2026-01-02', 'buyers', 'p', 'u1', 'left', '', null)"""
        )
        publish(connection, path, secret=b"secret")
    return path


@pytest.fixture
def serving(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it in the data folder that commands read."""
    for name in [n for n in os.environ if n.startswith("BEHA2VEC_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data" / "serving.duckdb"
    path.parent.mkdir()
    shutil.copy(published, path)
    return path


def cli(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["export", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".export.lock")


def test_parquet_keeps_the_vectors_as_lists(serving: Path, tmp_path: Path) -> None:
    code, output = cli("--out", "out")
    assert code == 0
    assert files(tmp_path / "out") == [
        f"{what}.parquet"
        for what in (
            "audience_members", "cluster_insights", "cluster_profiles", "user_clusters", "user_predictions",
            "user_vectors",
        )
    ]  # fmt: skip
    assert "user_vectors               51 rows" in output, "one of 50 has two devices"
    vectors = pq.read_table(tmp_path / "out" / "user_vectors.parquet").sort_by("user_key").to_pylist()
    assert len(vectors) == USERS + 1
    assert [vector["user_pseudo_id"] for vector in vectors if vector["user_key"] == "u0"] == ["12.0", "99.0"]
    assert [vector["user_pseudo_id"] for vector in vectors if vector["user_key"] == f"u{USERS - 1}"] == [None]
    vectors = [vector for vector in vectors if vector["user_pseudo_id"] != "99.0"]
    assert vectors[0] | {"behavior": 0, "identity": 0} == {
        "user_key": "u0",
        "property_id": "p",
        "user_pseudo_id": "12.0",
        "event_date": date(2026, 1, 2),
        "as_of": datetime(2026, 1, 2, 22, 59, 59, 999999),
        "model_version": "m1",
        "n_events": 1,
        "low_evidence": True,
        "behavior": 0,
        "identity": 0,
        "is_ads_consented": True,
    }
    with duckdb.connect(str(serving), read_only=True) as connection:
        expected = connection.execute(
            "select behavior, identity from beha2vec.user_embeddings_current order by user_key"
        ).fetchall()
    assert [(row["behavior"], row["identity"]) for row in vectors] == expected
    clusters = pq.read_table(tmp_path / "out" / "user_clusters.parquet").to_pylist()
    assert {row["cluster_key"]: row["cluster_name"] for row in clusters} == dict(enumerate(NAMES))
    assert len(clusters) == USERS + 1
    consents = {row["user_pseudo_id"]: row["is_ads_consented"] for row in clusters if row["user_key"] == "u0"}
    assert consents == {"12.0": True, "99.0": False}, "consent is a device's"
    predictions = pq.read_table(tmp_path / "out" / "user_predictions.parquet").to_pylist()
    assert len(predictions) == USERS + 1 and predictions[0]["reasons"] == ["visits"]
    members = pq.read_table(tmp_path / "out" / "audience_members.parquet").to_pylist()
    assert [(row["user_pseudo_id"], row["step"]) for row in members] == [("12.0", "holdout"), ("99.0", "holdout")]


def test_csv_has_a_column_a_dimension_and_no_formula(serving: Path, tmp_path: Path) -> None:
    export(serving, tmp_path / "out", Format.CSV)

    def read(what: str) -> list[dict[str, str]]:
        with (tmp_path / "out" / f"{what}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    vectors = read("user_vectors")
    assert len(vectors) == USERS + 1
    assert list(vectors[0])[:3] == ["user_key", "property_id", "user_pseudo_id"]
    dimensions = [f"{kind}_{n}" for kind in ("behavior", "identity") for n in range(DIM)]
    assert list(vectors[0])[8:] == [*dimensions, "is_ads_consented"]
    by_user = {row["user_key"]: row for row in vectors}
    assert [float(by_user["u7"][f"behavior_{n}"]) for n in range(DIM)] == [1.0, -0.25, 1e-9], "numbers stay numbers"
    names = {row["cluster_key"]: row["cluster_name"] for row in read("user_clusters")}
    assert names == {"0": "'=HYPERLINK(1)", "1": NAMES[1], "2": ""}
    assert [(row["feature"], row["value"]) for row in read("cluster_profiles")] == [
        ("' +49 30", "-1.5"),
        ("'@SUM(A1)", "2.0"),
        ("a;' -x", "3.0"),
    ]
    sure = read("cluster_profiles")[-1]
    assert (sure["effect_size"], sure["q_value"], sure["significant"], sure["unit"]) == ("0.25", "0.01", "true", "EUR")
    assert json.loads(read("cluster_insights")[0]["actions"]) == ['a, "b"']


def test_bigquery_gets_rows_that_fit_the_schema(serving: Path, tmp_path: Path) -> None:
    code, output = cli("--format", "bigquery", "--dataset", "my-project.shop_1", "--out", "out")
    assert code == 0
    python_types = {"STRING": str, "INT64": int, "FLOAT64": (int, float), "BOOL": bool, "DATE": str, "TIMESTAMP": str}
    for what in What:
        with gzip.open(tmp_path / "out" / f"{what}.json.gz", "rt", encoding="utf-8") as file:
            rows = [json.loads(line, parse_constant=pytest.fail) for line in file]
        written = json.loads((tmp_path / "out" / f"{what}.schema.json").read_text())
        schema = {field.name: field for field in map(SchemaField.from_api_repr, written)}
        assert rows and all(row.keys() == schema.keys() for row in rows)
        for row in rows:
            for name, field in schema.items():
                values = row[name] if field.mode == "REPEATED" else [row[name]]
                assert isinstance(values, list), "a repeated field is never null"
                for value in values:
                    assert isinstance(value, python_types[field.field_type]) or (
                        value is None and field.mode == "NULLABLE"
                    )
                    if field.field_type == "DATE":
                        date.fromisoformat(value)
                    if field.field_type == "TIMESTAMP":
                        assert datetime.fromisoformat(value).replace(tzinfo=UTC).microsecond == 999999
        if what is What.USER_VECTORS:
            for name in ("behavior", "identity"):
                assert (schema[name].field_type, schema[name].mode) == ("FLOAT64", "REPEATED")
            assert [len(row["behavior"]) for row in rows] == [DIM] * (USERS + 1)
            assert schema["user_pseudo_id"].field_type == "STRING", "as GA4's own column, to join with"
        if what is What.CLUSTER_PROFILES:
            types = [schema[name].field_type for name in ("effect_size", "q_value", "significant")]
            assert types == ["FLOAT64", "FLOAT64", "BOOL"]
    assert "bq --project_id=my-project load" in output


def test_the_script_loads_every_table_from_its_own_folder(serving: Path, tmp_path: Path) -> None:
    out = tmp_path / "a folder"
    export(serving, out, Format.BIGQUERY, [What.USER_VECTORS, What.USER_CLUSTERS], "my-project.shop")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "bq").write_text('#!/bin/sh\necho "$PWD" "$@" >> "$CALLS"\n')
    (tools / "bq").chmod(0o755)
    calls = tmp_path / "calls"
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "CALLS": str(calls)}
    subprocess.run([str(out / "load.sh")], env=environment, cwd="/", check=True)
    options = "--project_id=my-project load --replace --source_format=NEWLINE_DELIMITED_JSON"
    assert calls.read_text().splitlines() == [
        f"{out} {options} my-project:shop.{what} {what}.json.gz {what}.schema.json"
        for what in ("user_vectors", "user_clusters")
    ]
    for line in calls.read_text().splitlines():
        for name in shlex.split(line)[-2:]:
            assert (out / name).exists()


@pytest.mark.parametrize(
    "text", ["shop", "my-project.shop; rm -rf .", "my-project.$(id)", "my-project.shop\n", "My-Project.shop", "a.b", ""]
)
def test_a_dataset_is_a_name_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"give it as project\.dataset"):
        parse_dataset(text)


def test_a_wrong_dataset_is_an_option_to_correct(serving: Path, tmp_path: Path) -> None:
    code, output = cli("--format", "bigquery", "--dataset", "my-project.$(id)", "--out", "out")
    assert (code, "--dataset: " in output) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_second_export_replaces_the_first(serving: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(serving, out, Format.PARQUET, [What.USER_VECTORS])
    with duckdb.connect(str(serving)) as connection:
        connection.execute("delete from beha2vec.user_embeddings_current where n_events > 10")
        connection.execute("drop table ga4.int_ga4__identity_map")
    (table,) = export(serving, out, Format.PARQUET, [What.USER_VECTORS])
    assert table == (What.USER_VECTORS, 10, out / "user_vectors.parquet")
    devices = pq.read_table(table.path).column("user_pseudo_id")
    assert devices.null_count == 10 and devices.type == "string", "none are published: still a column"
    assert pq.read_table(table.path).num_rows == 10
    assert files(out) == ["user_vectors.parquet"]


def test_no_results_and_a_busy_folder_are_reported(tmp_path: Path, serving: Path) -> None:
    with pytest.raises(ExportError, match=r"does not exist: materialize serving_database"):
        export(tmp_path / "none.duckdb", tmp_path / "out", Format.CSV)
    with duckdb.connect(str(serving)) as connection:
        connection.execute("delete from beha2vec.cluster_profiles")
        connection.execute("drop table beha2vec.cluster_insights")
    with pytest.raises(ExportError, match="no rows of these tables yet"):
        export(serving, tmp_path / "out", Format.CSV, [What.CLUSTER_PROFILES])
    with pytest.raises(ExportError, match="materialize serving_database again"):
        export(serving, tmp_path / "out", Format.CSV)
    with FileLock(tmp_path / "out" / ".export.lock"), pytest.raises(ExportError, match="another export"):
        export(serving, tmp_path / "out", Format.CSV)
    assert files(tmp_path / "out") == []
    serving.write_bytes(b"rubbish" * 10_000)
    code, output = cli("--out", "out")
    assert (code, "serving.duckdb cannot be read" in output) == (1, True)


def test_a_killed_export_leaves_the_last_one_whole(serving: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(serving, out, Format.CSV)
    before = {name: (out / name).read_bytes() for name in files(out)}
    with duckdb.connect(str(serving)) as connection:
        connection.execute("insert into beha2vec.cluster_profiles by name select range as value from range(9)")
    code = "import os, signal, sys; from pathlib import Path; from beha2vec_core.store.export import Format, export; "
    code += "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "  # before the first is put in its place
    code += "export(Path(sys.argv[1]), Path(sys.argv[2]), Format.CSV)"
    done = subprocess.run([sys.executable, "-c", code, str(serving), str(out)])
    assert done.returncode == -signal.SIGKILL and (out / ".export" / "cluster_profiles.csv").exists()
    assert {name: (out / name).read_bytes() for name in before} == before
    export(serving, out, Format.CSV, [What.USER_CLUSTERS])
    assert files(out) == sorted(before)
