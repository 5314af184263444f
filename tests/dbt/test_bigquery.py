"""Every model and data test compiles to BigQuery's SQL, without a connection."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise

import pytest

from tests.dbt.bigquery_world import (
    Compile,
    Nodes,
    compared_with_literals,
    compile_for_bigquery,
    is_model,
    tables_read,
)

# after bigquery_world, which skips these tests where sqlglot is not installed
import sqlglot  # isort: skip
from sqlglot import exp  # isort: skip

from tests.dbt.conftest import BUILT_AT_FULL_REFRESH, INCREMENTAL_MODELS

__all__ = ["compile_for_bigquery"]

# What may stand before a parenthesis. Parsers let any name pass as a function; this list does not.
KEYWORDS = {
    "and", "array", "as", "except", "from", "in", "join", "not", "on", "or", "over", "select", "then", "using", "when",
    "where",
}  # fmt: skip
FUNCTIONS = """
abs array_agg array_length array_to_string avg cast coalesce concat count date date_add date_diff ends_with exists exp
extract farm_fingerprint first_value from_hex greatest if lag last_value lead least lower max md5 min mod normalize
nullif parse_date regexp_contains regexp_extract regexp_extract_all regexp_replace replace row_number safe_cast
safe_offset sha256 split sqrt string_agg strpos struct substr sum timestamp_micros to_hex to_json_string trim
unnest upper
"""


DAYS = ("2024-02-28", "2024-03-01")


pytestmark = pytest.mark.slow  # dbt parses and compiles the project for BigQuery


@pytest.fixture(scope="module")
def nodes(compile_for_bigquery: Compile) -> Nodes:
    """The nodes for some days."""
    return compile_for_bigquery(days=DAYS)


def assert_is_bigquery(name: str, sql: str) -> None:
    """It parses, and each function that it names is BigQuery's."""
    from sqlglot.tokens import TokenType

    assert sqlglot.parse_one(sql, dialect="bigquery") is not None
    tokens = sqlglot.tokenize(sql, dialect="bigquery")
    called = {
        token.text.lower()
        for token, following in pairwise(tokens)
        if following.token_type == TokenType.L_PAREN and token.text[:1].isalpha()
    }
    assert called <= KEYWORDS | set(FUNCTIONS.split()), name
    # BigQuery partitions by no float
    partitions = re.findall(r"partition\s+by(.*?)(?:order\s+by|\))", re.sub(r"cast\([^()]*\)", "", sql), re.DOTALL)
    assert not any(re.search(r"\b\w*(_value|revenue|price)\w*\b", partition) for partition in partitions), name


def test_all_history(compile_for_bigquery: Compile) -> None:
    nodes = compile_for_bigquery()
    for name, node in nodes.items():
        if str(node.resource_type) != "seed":
            assert_is_bigquery(name, node.compiled_code)
    models = {name: node for name, node in nodes.items() if str(node.resource_type) == "model"}
    assert set(models) >= {*INCREMENTAL_MODELS, "dim_ga4__pages", "dim_ga4__users"}
    # no partition is asked for: what is there is built anew, so that nothing stale stays
    assert all(models[name].config.full_refresh for name in (*INCREMENTAL_MODELS, *BUILT_AT_FULL_REFRESH))
    assert "_table_suffix between" not in models["base_ga4__events"].compiled_code


def test_days(nodes: Nodes) -> None:
    for name in INCREMENTAL_MODELS:  # all else is as for all history
        assert_is_bigquery(name, nodes[name].compiled_code)
    base = nodes["base_ga4__events"]
    for kind in ("", "fresh_", "intraday_"):
        assert f"_table_suffix between '{kind}20240228' and '{kind}20240301'" in base.compiled_code
    assert "`events_*`" in base.compiled_code
    for name in INCREMENTAL_MODELS:
        config = nodes[name].config
        assert (config.incremental_strategy, config.full_refresh) == ("insert_overwrite", None)
        # the partitions that are replaced are the days of the model's window, which it selects too
        partitions, window = config.extra["partitions"], config.meta["window"]
        assert len(partitions) == 3 + window["days_before"] + window["days_after"]
        assert config.extra["partition_by"] == {"field": window["column"], "data_type": "date"}
        assert f"{window['column']} between {partitions[0]} and {partitions[-1]}" in nodes[name].compiled_code
    for name in BUILT_AT_FULL_REFRESH:
        # the first run reads all history; the next ones add nothing
        assert "_table_suffix between" not in nodes[name].compiled_code
        assert (nodes[name].config.incremental_strategy, nodes[name].config.full_refresh) == ("merge", None)
        assert "partition_by" not in nodes[name].config.extra
    assert nodes["stg_ga4__events"].config.extra["partitions"] == [
        "date '2024-02-28'",
        "date '2024-02-29'",
        "date '2024-03-01'",
    ]


def test_a_full_refresh_leaves_the_days_in_the_config(compile_for_bigquery: Compile) -> None:
    """dbt keeps the config for the next call, which does not parse; a window's rows must not become the whole table."""
    at_once, by_day = compile_for_bigquery("--full-refresh", days=DAYS), compile_for_bigquery(days=DAYS)
    for name in INCREMENTAL_MODELS:
        assert at_once[name].config == by_day[name].config
        assert at_once[name].compiled_code != by_day[name].compiled_code


@pytest.mark.parametrize("days", [(DAYS[0], ""), ("", DAYS[0])])
def test_half_open_days_name_the_remedy(compile_for_bigquery: Compile, days: tuple[str, str]) -> None:
    with pytest.raises(AssertionError, match="give both min_date and max_date"):
        compile_for_bigquery(days=days)


def test_a_run_of_some_days_reads_only_their_tables_and_partitions(nodes: Nodes) -> None:
    for name in INCREMENTAL_MODELS:
        for table, conditions in tables_read(nodes[name].compiled_code):
            source = nodes.get(table.name)
            if table.name == "events_*":
                column, allowed = "_table_suffix", set(map(str, range(20240201, 20240401)))
            elif source is not None and "partition_by" in source.config.extra:
                column = source.config.extra["partition_by"]["field"]
                # a run rewrites 3 days, some before and after; attribution looks back and forward by 30
                start = date(2024, 2, 28) - timedelta(40)
                allowed = {str(start + timedelta(days)) for days in range(90)}
            else:
                continue  # seeds, and what is built at a full refresh: small tables
            compared = [found for condition in conditions for found in compared_with_literals(condition, column, table)]
            assert compared, f"{name} reads all of {table.name}"
            assert {literal.rpartition("_")[2] for ends in compared for literal in ends} <= allowed, name


def test_tables_are_stored_by_day_and_key(nodes: Nodes) -> None:
    for name, node in nodes.items():
        partition, clusters = node.config.extra.get("partition_by"), node.config.extra.get("cluster_by") or []
        if is_model(node) and (partition or clusters):
            tree = sqlglot.parse_one(node.compiled_code, dialect="bigquery")
            assert not tree.args.get("order"), f"{name}: an ordered result may not be partitioned or clustered"
            described = set(node.columns)
            assert {*clusters, *([partition["field"]] if partition else [])} <= described, name
            assert len(clusters) <= 4
    partitioned = {name for name, node in nodes.items() if node.config.extra.get("partition_by")}
    assert partitioned >= {*INCREMENTAL_MODELS, "fct_ga4__sessions", "ml_ga4__user_features"}


def test_the_row_hash_reads_each_column_of_the_export_once(nodes: Nodes) -> None:
    tree = sqlglot.parse_one(nodes["base_ga4__events"].compiled_code, dialect="bigquery")
    (row_hash,) = tree.find_all(exp.FarmFingerprint)
    row = row_hash.find(exp.Struct)
    assert row is not None
    columns = [column.name for column in row.expressions]
    assert len(columns) == len(set(columns))
    assert {"event_params", "items", "table_kind"} & set(columns) == {"event_params", "items"}
    # a common table expression may be computed for each reference: the rows with the hash are read by one
    readers = [
        cte.alias
        for cte in tree.find_all(exp.CTE)
        if any(table.name == "flat_events" and not table.db for table in cte.this.find_all(exp.Table))
    ]
    assert readers == ["distinct_events", "addresses"]


def test_the_sql_keeps_to_bigquery_s_limits(nodes: Nodes) -> None:
    for name, node in nodes.items():
        if str(node.resource_type) == "seed":
            continue
        # https://cloud.google.com/bigquery/quotas: 1 MB of SQL
        assert len(node.compiled_code.encode()) < 1_000_000, name
        tree = sqlglot.parse_one(node.compiled_code, dialect="bigquery")
        for division in tree.find_all(exp.Div):
            divisor = division.expression
            # BigQuery fails on a division by zero; a count of rows of a group is none
            is_count = isinstance(divisor, exp.Column) and divisor.name in ("sessions", "active_days")
            assert is_count or isinstance(divisor, (exp.Nullif, exp.Literal)), f"{name}: {division.sql()}"
        for extract in tree.find_all(exp.RegexpExtract, exp.RegexpExtractAll):
            pattern = re.sub(r"\\.|\[[^\]]*\]", "", extract.expression.name)
            assert len(re.findall(r"\((?!\?)", pattern)) <= 1, f"{name}: one group at most in {extract.expression.name}"


def test_consent_to_personal_ads_is_read_where_the_export_has_it(compile_for_bigquery: Compile) -> None:
    """With another var dbt parses the whole project again."""
    nodes = compile_for_bigquery("--select", "stg_ga4__ads_personalization", read_user_tables=True)
    tree = sqlglot.parse_one(nodes["stg_ga4__ads_personalization"].compiled_code, dialect="bigquery")
    read = {table.name for table in tree.find_all(exp.Table) if table.db}
    assert read == {"pseudonymous_users_*", "users_*"}
    assert {"pseudo_user_id", "user_id", "privacy_info"} <= {
        column.parts[0].name for column in tree.find_all(exp.Column)
    }


def test_personal_data_is_removed_in_staging(nodes: Nodes) -> None:
    """Texts that people can write into go through the patterns; rows with such texts are in the slow tests."""
    tree = sqlglot.parse_one(nodes["base_ga4__events"].compiled_code, dialect="bigquery")
    (events,) = [cte.this for cte in tree.find_all(exp.CTE) if cte.alias == "events"]
    (cleaned,) = [cte.this for cte in tree.find_all(exp.CTE) if cte.alias == "cleaned"]
    (flat,) = [cte.this for cte in tree.find_all(exp.CTE) if cte.alias == "flat_events"]
    sources = [
        f"{origin}_{part}" for origin in ("manual", "collected", "param", "user") for part in ("source", "campaign")
    ]
    for select, columns in (
        (events, ["page_title", "screen_name"]),
        (cleaned, ["url", "utm_source", "utm_medium", "utm_campaign"]),
        (flat, sources),
    ):
        made = {column.alias: column for column in select.expressions}
        for column in columns:
            markers = [node.args["replacement"].name for node in made[column].find_all(exp.RegexpReplace)]
            assert "[redacted]" in markers, column
    assert any(column.alias == "user_id" and column.find(exp.SHA2Digest) for column in tree.expressions)
