"""The whole graph on a demo export: what a user finds after `beha2vec materialize`."""

import re
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from filelock import FileLock

from tests.dagster.project import DAYS, Project, definitions, latest_metadata

pytestmark = pytest.mark.xdist_group("graph")

ASSETS = {
    "raw_ga4_events", "stg_ga4__events", "int_ga4__events_sessionized", "fct_ga4__page_views", "fct_ga4__sessions",
    "dim_ga4__pages", "dim_ga4__users", "ml_ga4__sequence_events", "enriched_pages", "user_sequences",
    "encoder_candidate", "encoder_evaluation", "trained_encoder", "user_embeddings", "cluster_model", "user_clusters",
    "cluster_members", "cluster_profiles", "cluster_insights", "serving_database",
}  # fmt: skip
VIEWS = {"fct_ga4__page_views", "fct_ga4__sessions", "ml_ga4__sequence_events"}


def test_every_asset_is_materialized_with_rows_schema_and_preview(instance: dg.DagsterInstance) -> None:
    assert {key.to_user_string() for key in instance.all_asset_keys()} >= ASSETS
    for view in VIEWS:  # whose rows are not computed for it
        metadata = latest_metadata(instance, view)
        assert "dagster/column_schema" in metadata and not {"dagster/row_count", "preview"} & metadata.keys(), view
    for asset in ASSETS - VIEWS:
        metadata = latest_metadata(instance, asset)
        assert {"dagster/row_count", "dagster/column_schema", "preview"} <= metadata.keys(), asset
        assert metadata["dagster/row_count"].value > 0, asset


def test_pictures_are_there_and_small(instance: dg.DagsterInstance) -> None:
    pictures = {
        "raw_ga4_events": "events_per_day", "user_sequences": "sequence_length", "encoder_candidate": "loss_curve",
        "cluster_model": "user_map", "user_clusters": "cluster_sizes", "cluster_profiles": "over_represented_pages",
    }  # fmt: skip
    for asset, name in pictures.items():
        text = latest_metadata(instance, asset)[name].value
        assert text.startswith("![") and "data:image/png;base64," in text
        assert len(text) < 50_000, f"{asset}: {len(text)} bytes"


def test_an_encoder_says_how_it_was_made(materialized: Project) -> None:
    rows = materialized.query("select config ->> 'dim', train_config ->> 'learning_rate' from beha2vec.encoders")
    assert rows == [("96", "0.003")]


@pytest.mark.slow
def test_the_encoder_is_judged_on_users_it_never_learned_from(
    instance: dg.DagsterInstance, materialized: Project, tmp_path: Path
) -> None:
    rows = "select * exclude (evaluated_at) from beha2vec.encoder_evaluation order by all"
    judged = materialized.query(
        """select count(*), count(distinct method), any_value(judged), any_value(model_version) from
        beha2vec.encoder_evaluation semi join beha2vec.encoder_newest using (model_version)"""
    )[0]
    metadata = latest_metadata(instance, "encoder_evaluation")
    assert metadata["dagster/row_count"].value == judged[0] > 100 and judged[1] > 5
    assert metadata["judged"].value == judged[2] and 10 < judged[2] < 100, "a tenth of 500"
    assert "2026-01-10" in metadata["data_until"].value
    assert metadata["not_judged"].value == [], "six days have enough users for each task"
    for name in ("figures", "versions"):
        assert "halves MRR" in metadata[name].value and len(metadata[name].value.splitlines()) > 2
    assert judged[3] in metadata["versions"].value and "tf-idf" in metadata["figures"].value

    told = materialized.query(rows)
    assert materialized.query(rows, "serving") == told, "published"
    project = materialized.copy(tmp_path / "p")
    project.materialize("encoder_evaluation")
    assert project.query(rows) == told, "judged again, the rows are replaced by the same"


@pytest.mark.slow
def test_without_an_encoder_the_evaluation_says_what_to_do(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("delete from beha2vec.encoders")
    done = project.materialize("encoder_evaluation", check=False)
    assert done.returncode != 0 and "materialize encoder_candidate first" in done.stderr


def test_pages_are_shown_by_label_method_and_doubt(instance: dg.DagsterInstance, materialized: Project) -> None:
    metadata = latest_metadata(instance, "enriched_pages")
    pages = materialized.query("select count(*) from beha2vec.enriched_pages")[0][0]
    assert metadata["classified"].value == pages and metadata["reused"].value == 0
    assert "footwear" in metadata["pages_by_theme"].value and "product" in metadata["pages_by_page_type"].value
    assert "embedding" in metadata["coverage_of_theme_by_method"].value
    assert len(metadata["pages_to_review"].value.splitlines()) > 5
    left = materialized.query("select count(*) from cache.enriched_pages_unpublished")[0][0]
    kept = materialized.query("select count(*) from cache.text_vectors")[0][0]
    assert left == 0 and kept > 0


def test_audiences_have_their_members(instance: dg.DagsterInstance, materialized: Project) -> None:
    expected = materialized.query("select user_key from ga4.dim_ga4__users where sessions >= 2 order by all")
    members = "select user_key from beha2vec.audience_members_current where audience = 'active' order by all"
    assert materialized.query(members) == expected and len(expected) > 10
    metadata = latest_metadata(instance, "audience_members")
    assert f"| active | {len(expected)} | 0 | 0 |" in metadata["audiences"].value
    assert "problems" not in metadata


def test_overrides_win_and_are_compared(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    page = project.query("select page_key from beha2vec.enriched_pages where page_type = 'cart' limit 1")[0][0]
    (project.folder / "overrides.csv").write_text(f"page_key,theme,page_type\n{page},offers,\nnever.example/x,,cart\n")
    done = project.materialize("enriched_pages", recorded=True, BEHA2VEC_PAGE_OVERRIDES_FILE="overrides.csv")
    assert "never.example/x" in done.stdout
    row = project.query(f"select theme, theme_method, page_type from beha2vec.enriched_pages where page_key = '{page}'")
    assert row == [("offers", "override", "cart")]
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        metadata = latest_metadata(instance, "enriched_pages")
    assert metadata["classified"].value == 1
    assert "purchase" in metadata["confusion_with_overrides"].value


def test_all_checks_passed(instance: dg.DagsterInstance, materialized: Project) -> None:
    records = [
        record
        for run in instance.get_runs()
        for record in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    evaluations = [r.dagster_event.event_specific_data for r in records if r.dagster_event]
    assert len(evaluations) > 30
    failed = [f"{e.asset_key.to_user_string()}: {e.check_name}" for e in evaluations if not e.passed]
    assert not failed


def test_rows_in_are_accepted_or_quarantined(instance: dg.DagsterInstance, materialized: Project) -> None:
    rows = materialized.query("select sum(rows_in), sum(accepted), sum(quarantined) from raw.ga4_ingest_log")[0]
    lines = sum(_lines(file) for file in (materialized.folder / "data" / "demo_export").glob("*.gz"))
    assert rows[0] == lines == rows[1] + rows[2]
    told = [0, 0, 0]
    for record in instance.fetch_materializations(dg.AssetKey("raw_ga4_events"), limit=len(DAYS)).records:
        metadata = record.asset_materialization.metadata
        for place, name in enumerate(("rows_in", "accepted", "quarantined")):
            told[place] += metadata[name].value
    assert tuple(told) == rows


def _lines(file: Path) -> int:
    import gzip

    with gzip.open(file) as stream:
        return sum(1 for _ in stream)


def test_duplicates_dropped_by_staging_are_counted(materialized: Project) -> None:
    raw, staged, dropped = materialized.query(
        """select (select sum(accepted) from raw.ga4_ingest_log), (select count(*) from ga4.stg_ga4__events),
        (select sum(duplicates_dropped) from ga4.ga4_quality__daily)"""
    )[0]
    assert dropped > 0 and staged == raw - dropped


def test_embeddings_are_exactly_of_the_users_active_that_day(materialized: Project) -> None:
    for day in DAYS:
        expected = materialized.query(
            f"""select distinct user_key from ga4.ml_ga4__sequence_events
            where event_date = '{day}' and user_key in (select user_key from ga4.ml_ga4__sequence_events
                where is_page_view and event_date <= '{day}') order by 1"""
        )
        found = materialized.query(
            f"select user_key from beha2vec.user_embeddings where event_date = '{day}' order by 1"
        )
        assert found == expected and found, day


def test_every_user_has_one_current_cluster_of_one_version(materialized: Project) -> None:
    users, rows, versions = materialized.query(
        "select count(distinct user_key), count(*), count(distinct model_version) from beha2vec.user_clusters_current"
    )[0]
    assert users == rows and versions == 1
    assert users == materialized.query("select count(distinct user_key) from beha2vec.user_embeddings")[0][0]


def test_users_with_too_little_evidence_are_in_a_cluster_of_their_own(
    instance: dg.DagsterInstance, materialized: Project
) -> None:
    wrong, low, others = materialized.query(
        """select count(*) filter (low_evidence <> (cluster_key = -1)
                or low_evidence <> (distance is null) or low_evidence <> (margin is null)),
            count(distinct user_key) filter (low_evidence), count(distinct user_key) filter (not low_evidence)
        from beha2vec.user_clusters join beha2vec.user_embeddings using (event_date, model_version, user_key)"""
    )[0]
    assert wrong == 0 and low > 20 and others > 200
    assert materialized.query("select count(*) from beha2vec.cluster_lineage where cluster_key < 0") == [(0,)]
    fitted, now = (
        materialized.query(query)[0][0]
        for query in (
            "select users from beha2vec.cluster_models",
            "select count(*) from beha2vec.user_clusters_current where cluster_key >= 0",
        )
    )
    metadata = latest_metadata(instance, "cluster_model")
    assert fitted == now == metadata["users"].value
    k = metadata["k"].value
    assert metadata["why"].value.startswith(f"k = {k}: ") and metadata["why"].value in materialized.output
    assert metadata["outcome"].value in ("purchase", "return")
    assert "outcome\\_epsilon2" in metadata["curve"].value and "dense_groups" not in metadata


def test_members_are_those_of_the_clusters_that_readers_see(materialized: Project) -> None:
    wrong, rows, clusters = materialized.query(
        """select count(*) filter (seen.cluster_key is distinct from members.cluster_key
                or seen.distance <> members.distance or seen.margin <> members.margin
                or other_key = members.cluster_key or other_key is null), count(*), count(distinct members.cluster_key)
        from beha2vec.cluster_members as members left join beha2vec.user_clusters_current as seen using (user_key)""",
        "serving",
    )[0]
    assert wrong == 0 and rows == 10 * clusters
    assert clusters == materialized.query("select k from beha2vec.cluster_model_current")[0][0]


def test_insights_name_every_cluster_and_say_who_wrote_them(materialized: Project) -> None:
    rows = materialized.query("select cluster_key, name, summary, written_by, evidence from beha2vec.cluster_insights")
    clusters = {key for (key,) in materialized.query("select distinct cluster_key from beha2vec.user_clusters_current")}
    assert {row[0] for row in rows} == clusters | {None}
    assert {row[3] for row in rows} == {"template"}
    facts = {fact for (fact,) in materialized.query("select fact_id from beha2vec.cluster_profiles")}
    assert all(set(row[4]) <= facts and row[4] for row in rows)
    assert len({row[1] for row in rows}) == len(rows), "names are distinct"


def test_facts_flows_and_paths_are_published(materialized: Project, instance: dg.DagsterInstance) -> None:
    clusters = {key for (key,) in materialized.query("select distinct cluster_key from beha2vec.user_clusters_current")}
    tested, significant = materialized.query(
        "select count(q_value), count(*) filter (significant) from beha2vec.cluster_profiles", "serving"
    )[0]
    assert tested > significant > 50
    sums = "select from_cluster, sum(share) from beha2vec.cluster_transitions group by all"
    of_clusters = dict(materialized.query(sums, "serving"))
    assert None in of_clusters and all(abs(total - 1) < 1e-9 for total in of_clusters.values())
    ways = materialized.query("select cluster_key, from_step, to_step from beha2vec.cluster_paths", "serving")
    assert {key for key, *_ in ways} == clusters
    assert {"(entrance)"} <= {step for _, step, _ in ways} and {"(exit)"} <= {step for *_, step in ways}
    assert materialized.query("from beha2vec.buying_paths", "serving") == []
    assert "too few to compare" in latest_metadata(instance, "cluster_profiles")["buying_paths"].value


def test_serving_database_stands_alone(materialized: Project, tmp_path: Path) -> None:
    alone = tmp_path / "data"
    alone.mkdir()
    (alone / "serving.duckdb").write_bytes((materialized.folder / "data" / "serving.duckdb").read_bytes())
    project = Project(tmp_path, {})
    kinds = project.query("select distinct table_type from information_schema.tables", "serving")
    assert kinds == [("BASE TABLE",)]
    same = "select count(*), sum(hash(user_key, cluster_key)) from beha2vec.user_clusters_current"
    assert project.query(same, "serving") == materialized.query(same)


def test_of_dbts_working_tables_only_what_no_mart_has_is_published(materialized: Project) -> None:
    working = "from duckdb_tables() where regexp_matches(table_name, '^(base|stg|int)_') order by table_name"
    published = materialized.query(f"select table_name {working}", "serving")
    assert published == [("int_ga4__identity_map",), ("stg_ga4__event_items",)]
    for left_out, mart in {
        "int_ga4__page_views": "fct_ga4__page_views", "int_ga4__sequence_events": "ml_ga4__sequence_events"
    }.items():  # fmt: skip
        rows = f"select count(*), sum(event_timestamp) from ga4.{left_out}"
        assert materialized.query(rows) == materialized.query(rows.replace(left_out, mart), "serving")
        names = {name for name, *_ in materialized.query(f"describe ga4.{left_out}")} - {"client_key"}
        assert names <= {name for name, *_ in materialized.query(f"describe ga4.{mart}", "serving")}


def test_output_is_brief_and_summary_says_where_to_look(materialized: Project) -> None:
    output = materialized.output
    assert "\x1b" not in output, "a log has no colors"
    assert "Finished execution of step" in output and "base64" not in output
    assert "OK created sql incremental model ga4.base_ga4__events" in output and " PASS " not in output
    # of progress, a slow machine prints more
    assert len([line for line in output.splitlines() if not re.search(r": [\d,]+ of [\d,]+ .* left$", line)]) < 180
    said = materialized.run("beha2vec", "summary").stdout
    assert all(f"  {n}. " in said for n in (1, 2, 3)) and "beha2vec ui" in said
    asked = materialized.run("beha2vec", "query", "select count(*) as n from beha2vec.user_embeddings_current").stdout
    users = materialized.query("select count(*) from beha2vec.user_embeddings_current")[0][0]
    assert str(users) in asked
    raw = materialized.run("beha2vec", "query", "--warehouse", "select status from raw.ga4_ingest_log").stdout
    assert "ingested" in raw, "what is not published can be read too"
    with FileLock(str(materialized.warehouse) + ".lock"):
        busy = materialized.run(
            "beha2vec", "query", "--warehouse", "from raw.ga4_ingest_log",
            check=False, BEHA2VEC_LOCK_TIMEOUT_SECONDS="2",
        )  # fmt: skip
    assert busy.returncode == 1 and "Traceback" not in busy.stderr
    assert "waits for warehouse.duckdb" in busy.stderr and "stayed locked for 2 s" in busy.stderr


def test_secrets_never_reach_metadata_or_logs(materialized: Project, tmp_path: Path) -> None:
    project = materialized.copy(tmp_path / "p")
    secret = "sk-test-4f9a1c"
    done = project.materialize("cluster_insights",
        BEHA2VEC_LLM_API_KEY=secret, BEHA2VEC_LLM_BASE_URL="http://127.0.0.1:9/v1", BEHA2VEC_LLM_TIMEOUT_SECONDS="2",
    )  # fmt: skip
    assert secret not in done.stdout + done.stderr
    assert "the rest is written by the template" in done.stdout, "the endpoint's failure is told"
    for file in (project.folder / "dagster_home").rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file.name
    assert {r[0] for r in project.query("select written_by from beha2vec.cluster_insights")} == {"template"}


def test_truth_file_is_read_by_no_asset(materialized: Project) -> None:
    persona = materialized.query(
        """select table_name, column_name from information_schema.columns
        where column_name ilike '%persona%' and column_name not ilike '%personalization%'"""
    )
    assert persona == [("cluster_insights", "persona")]  # the narrator's text, not the generator's label


def test_run_config_is_described(tmp_path: Path) -> None:
    job = definitions(tmp_path).resolve_job_def("materialize_everything")
    fields = job.run_config_schema.config_type.fields["ops"].config_type.fields
    configs = {op: field.config_type.fields["config"].config_type for op, field in fields.items()}
    described = {
        op: {name: field.description for name, field in config.fields.items()}
        for op, config in configs.items()
        if hasattr(config, "fields")
    }
    for op in (
        "raw_ga4_events",
        "enriched_pages",
        "encoder_candidate",
        "encoder_evaluation",
        "trained_encoder",
        "cluster_model",
        "cluster_insights",
    ):
        assert described[op] and all(described[op].values()), op


def test_whole_numbers_are_of_64_bits(materialized: Project) -> None:
    """Arrow and pandas read DuckDB's 128-bit sums as decimals and floats."""
    wide = materialized.query(
        "select table_name, column_name from information_schema.columns where data_type = 'HUGEINT'"
    )
    assert wide == []
