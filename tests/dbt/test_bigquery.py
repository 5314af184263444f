"""Every model and data test compiles to BigQuery's SQL, without a connection."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from tests.dbt.bigquery_world import Compile, Nodes, compile_for_bigquery
from tests.dbt.conftest import BUILT_AT_FULL_REFRESH, INCREMENTAL_MODELS

__all__ = ["compile_for_bigquery"]

# What may stand before a parenthesis. Parsers let any name pass as a function; this list does not.
KEYWORDS = {
    "and", "array", "as", "except", "from", "in", "join", "not", "on", "or", "over", "select", "then", "when", "where",
}  # fmt: skip
FUNCTIONS = """
abs array_agg array_length array_to_string avg cast coalesce count date date_add date_diff ends_with exists
extract farm_fingerprint first_value from_hex greatest if lag last_value lead least lower max md5 min mod normalize
nullif parse_date regexp_contains regexp_extract regexp_extract_all regexp_replace replace row_number safe_cast
safe_offset sha256 split string_agg strpos struct substr sum timestamp_micros to_hex to_json_string trim
unnest upper
"""


DAYS = ("2024-02-28", "2024-03-01")


@pytest.fixture(scope="module")
def at_once_and_by_day(compile_for_bigquery: Compile) -> tuple[Nodes, Nodes]:
    """The nodes for some days, parsed for a full refresh; then those of the next call, which does not parse again."""
    return compile_for_bigquery("--full-refresh", days=DAYS), compile_for_bigquery(days=DAYS)


def assert_is_bigquery(name: str, sql: str) -> None:
    """It parses, and each function that it names is BigQuery's."""
    import sqlglot
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


def test_days(at_once_and_by_day: tuple[Nodes, Nodes]) -> None:
    nodes = at_once_and_by_day[1]
    for name, node in nodes.items():
        if str(node.resource_type) != "seed":
            assert_is_bigquery(name, node.compiled_code)
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


def test_a_full_refresh_leaves_the_days_in_the_config(at_once_and_by_day: tuple[Nodes, Nodes]) -> None:
    """dbt keeps the config for the next call; there, a window's rows must not become the whole table."""
    at_once, by_day = at_once_and_by_day
    for name in INCREMENTAL_MODELS:
        assert at_once[name].config == by_day[name].config
        assert at_once[name].compiled_code != by_day[name].compiled_code


@pytest.mark.parametrize("days", [(DAYS[0], ""), ("", DAYS[0])])
def test_half_open_days_name_the_remedy(compile_for_bigquery: Compile, days: tuple[str, str]) -> None:
    with pytest.raises(AssertionError, match="give both min_date and max_date"):
        compile_for_bigquery(days=days)
