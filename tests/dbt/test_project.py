"""The project as a whole: its own tests run green, everything is documented, schemas agree."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from beha2vec_core.ga4.schema import EVENT_SCHEMA, PROVENANCE_SCHEMA, duckdb_type
from beha2vec_core.ga4.sources import find_export
from beha2vec_core.ga4.user_tables import ingest_user_tables
from tests.dbt.conftest import BUILT_AT_FULL_REFRESH, INCREMENTAL_MODELS, PROJECT, Warehouse, event

MODELS = (
    *BUILT_AT_FULL_REFRESH,
    *INCREMENTAL_MODELS,
    "stg_ga4__ads_personalization",
    "int_ga4__first_user_sources",
    "int_ga4__identities_as_of",
    "int_ga4__identity_map",
    "int_ga4__purchases",
    "fct_ga4__conversions",
    "fct_ga4__funnel_sessions",
    "fct_ga4__page_views",
    "fct_ga4__purchase_items",
    "fct_ga4__purchases",
    "fct_ga4__sessions",
    "fct_ga4__user_days",
    "dim_ga4__pages",
    "dim_ga4__properties",
    "dim_ga4__sessions",
    "dim_ga4__users",
    "ml_ga4__sequence_events",
    "ml_ga4__user_features",
)
NOON = 1_704_110_400_000_000  # 2024-01-01 12:00 UTC


def test_data_tests_pass(warehouse: Warehouse) -> None:
    """Two properties with the same device ids; one user denied consent; one event is delivered twice."""
    params = {"page_location": "https://shop.example.com/hats", "page_title": "Hats", "ga_session_id": 1}
    for property_id in ("1", "2"):
        view = event(NOON, "page_view", "u", params=params)
        denied = event(NOON + 1, "page_view", None, params=params)
        warehouse.write_day(
            "2024-01-01", [view, view, denied, event(NOON + 2, "scroll", "v", params=params)], property_id
        )

    results = warehouse.dbt("build", "--exclude-resource-type", "unit_test")

    kinds = [str(result.node.resource_type) for result in results]
    assert (kinds.count("model"), kinds.count("test") >= 70) == (len(MODELS), True)
    assert warehouse.query(
        "select property_id, raw_events, events, duplicates_dropped, events_without_user, users"
        " from ga4.ga4_quality__daily order by 1"
    ) == [("1", 4, 3, 1, 1, 2), ("2", 4, 3, 1, 1, 2)]
    assert warehouse.query(
        "select property_id, count(*), count(user_key) from ga4.fct_ga4__page_views group by 1 order by 1"
    ) == [
        ("1", 2, 1),
        ("2", 2, 1),
    ]
    assert warehouse.query("select count(*), count(distinct user_key) from ga4.dim_ga4__users") == [(4, 4)]
    assert warehouse.query("select property_id, page_views, users from ga4.dim_ga4__pages order by 1") == [
        ("1", 2, 2),
        ("2", 2, 2),
    ]
    assert warehouse.query("select count(*) from ga4.ml_ga4__sequence_events where user_key is null") == [(0,)]

    # a column that no one described, or a described one that is not there
    for result in results:
        if str(result.node.resource_type) in ("model", "seed"):
            described = {name for name, column in result.node.columns.items() if column.description}
            assert result.node.description
            assert described == _columns(warehouse, result.node.name), result.node.name

    warehouse.query("update ga4.int_ga4__client_days set occurred_on = null where property_id = '2'")
    with pytest.raises(RuntimeError, match="int_ga4__client_days_never_null: Got 2 results"):
        warehouse.dbt("test", "--select", "int_ga4__client_days_never_null")


@pytest.mark.slow
def test_unit_tests_pass(warehouse: Warehouse) -> None:
    """They take the columns of the models' tables, which may be empty."""
    warehouse.dbt("run", min_date="2024-01-01", max_date="2024-01-01")
    assert len(warehouse.dbt("test", "--select", "test_type:unit")) >= 19


def test_no_raw_partition_at_all_is_empty_tables(warehouse: Warehouse) -> None:
    warehouse.dbt("run", min_date="2024-01-01", max_date="2024-01-01")
    assert [warehouse.query(f"select count(*) from ga4.{model}")[0][0] for model in MODELS] == [0] * len(MODELS)


def test_a_raw_file_without_newer_fields_reads_as_null(warehouse: Warehouse) -> None:
    """An older partition lacks whole columns and members of records."""
    import duckdb

    warehouse.write_day("2024-01-01", [])
    path = next((warehouse.data_dir / "raw_ga4_events").rglob("*.parquet"))
    duckdb.execute(f"""
        copy (select {NOON} as event_timestamp, 'page_view' as event_name, 'u' as user_pseudo_id,
            [{{'key': 'page_location', 'value': {{'string_value': 'https://shop.example.com/'}}}}] as event_params,
            {{'category': 'mobile'}} as device) to '{path}'""")
    warehouse.dbt("run", "--select", "+stg_ga4__events", min_date="2024-01-01", max_date="2024-01-01")
    assert warehouse.query("select page_key, device_category, browser, batch_page_id from ga4.stg_ga4__events") == [
        ("shop.example.com/", "mobile", None, None)
    ]


def test_a_wrong_date_names_the_remedy(warehouse: Warehouse) -> None:
    with pytest.raises(RuntimeError, match="give an ISO date"):
        warehouse.dbt("run", "--select", "stg_ga4__events", min_date="20240101")


def test_days_can_come_from_the_environment(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("2024-01-01", "2024-01-02", "2024-01-03"):
        warehouse.write_day(day, [event(NOON, "page_view", "u")])

    def built(**variables: str) -> list[str]:
        warehouse.query("drop table if exists ga4.base_ga4__events")
        warehouse.dbt("run", "--select", "+base_ga4__events", **variables)
        return [day for (day,) in warehouse.query("select event_date::varchar from ga4.base_ga4__events order by 1")]

    monkeypatch.setenv("GA4_MIN_DATE", "2024-01-02")
    assert built() == ["2024-01-02", "2024-01-03"]
    monkeypatch.setenv("GA4_MAX_DATE", "2024-01-02")
    assert built() == ["2024-01-02"]
    assert built(max_date="2024-01-01") == ["2024-01-01"], "one var, and no environment variable counts"
    monkeypatch.setenv("GA4_MIN_DATE", "")
    assert built() == ["2024-01-01", "2024-01-02"]


def test_another_day_needs_no_new_parse(warehouse: Warehouse) -> None:
    """By the file that dbt compares; a run adds variables to the parse in memory."""
    from dbt.parser.manifest import extended_mashumuro_decoder

    parsed = extended_mashumuro_decoder((warehouse.target / "partial_parse.msgpack").read_bytes())
    read = {name for file in parsed["files"].values() for name in str(file.get("env_vars")).split("'")[1::2]}
    assert "BEHA2VEC_DATA_DIR" in read and not read & {"GA4_MIN_DATE", "GA4_MAX_DATE"}, "dbt parses such files again"


def test_raw_schema_is_the_ingest_schema(manifest: Any) -> None:
    from jinja2 import Environment, FileSystemLoader

    declared: dict[str, str] = {}
    source = (PROJECT / "macros/cross_db/raw_schema.sql").read_text().split("{# The fields by which")[0]
    macros = Environment(loader=FileSystemLoader(PROJECT)).from_string(source, globals={"return": declared.update})
    macros.module.ga4_raw_columns()  # type: ignore[attr-defined]
    ingested = {
        name: duckdb_type(field).replace('"', "").lower()
        for name, field in {**EVENT_SCHEMA, **PROVENANCE_SCHEMA}.items()
    }
    assert declared == {"property_id": "varchar", "event_date": "date", **ingested}

    raw = manifest.sources["source.dbt_ga4.ga4.raw_ga4_events"]
    assert list(raw.columns) == list(declared)
    assert all(column.description for column in raw.columns.values())
    assert raw.config.meta["dagster"]["asset_key"] == ["raw_ga4_events"]


def test_incremental_models_stand_on_incremental_models(manifest: Any) -> None:
    """So that two dbt calls build all: the incremental models, then the tables."""
    models = {key: node for key, node in manifest.nodes.items() if str(node.resource_type) == "model"}
    kinds = {key: node.config.materialized for key, node in models.items()}
    assert sorted(set(kinds.values())) == ["incremental", "table", "view"]
    for key, node in models.items():
        if kinds[key] == "incremental":
            assert {kinds.get(parent, "incremental") for parent in node.depends_on.nodes} == {"incremental"}
            window = set(node.config.meta.get("window", ()))
            assert window == (set() if node.name in BUILT_AT_FULL_REFRESH else {"column", "days_before", "days_after"})


def _columns(warehouse: Warehouse, model: str) -> set[str]:
    return {row[0] for row in warehouse.query(f"describe ga4.{model}")}


def test_own_hosts_stay_until_a_full_refresh(warehouse: Warehouse) -> None:
    """So that days are not built by other hosts than those before them, and no night reads all history."""

    def views(host: str, count: int, day: int) -> list[dict[str, Any]]:
        params = {"page_location": f"https://{host}/"}
        return [event(NOON + day * 86_400_000_000 + n, "page_view", "u", params=params) for n in range(count)]

    def own_hosts(*arguments: str, day: str) -> list[tuple[Any, ...]]:
        warehouse.dbt("run", "--select", "base_ga4__own_hosts", *arguments, min_date=day, max_date=day)
        return warehouse.query("select hostname from ga4.base_ga4__own_hosts order by 1")

    warehouse.write_day("2024-01-01", views("www.shop.example.com", 97, 0) + views("pay.example.net", 3, 0))
    # of all history, not of the days that are asked for
    assert own_hosts(day="2024-01-03") == [("shop.example.com",)]
    warehouse.write_day("2024-01-02", views("pay.example.net", 100, 1))
    assert own_hosts(day="2024-01-02") == [("shop.example.com",)]
    assert own_hosts("--full-refresh", day="2024-01-02") == [("pay.example.net",), ("shop.example.com",)]


SHOP, PAY, BLOG = "https://shop.example.com/", "https://pay.example.net/done", "https://blog.example.org/x"
ADS = {"customer_id": "1", "campaign_name": "spring"}
LANDINGS: dict[str, tuple[dict[str, Any], tuple[str | None, ...]]] = {
    # page_location, page_referrer and other parameters, records; source, medium, campaign, channel
    "foreign": ({"page_referrer": BLOG}, ("blog.example.org", "referral", None, "Referral")),
    "ignored": ({"page_referrer": BLOG, "ignore_referrer": "true"}, ("(direct)", "(none)", None, "Direct")),
    "own": ({"page_referrer": PAY}, ("(direct)", "(none)", None, "Direct")),
    "own linked": ({"page_referrer": PAY, "page_location": f"{SHOP}?_gl=1*x"}, ("(direct)", "(none)", None, "Direct")),
    "foreign linked": (
        {"page_referrer": BLOG, "page_location": f"{SHOP}?_gl=1*x"},
        ("blog.example.org", "referral", None, "Referral"),
    ),
    "own reported": (
        {"source": "pay.example.net", "medium": "referral"},
        ("(direct)", "(none)", None, "Direct"),
    ),
    "google ads": (
        {"session_traffic_source_last_click": {"google_ads_campaign": ADS, "manual_campaign": {"source": "google"}}},
        ("google", "cpc", "spring", "Paid Search"),
    ),
    "free listing": (
        {"page_location": f"{SHOP}?srsltid=A1", "page_referrer": "https://www.google.fr/"},
        ("google", "organic", "Shopping Free Listings", "Organic Shopping"),
    ),
    "passed on": (
        {"page_location": f"{SHOP}?fbclid=A1", "page_referrer": BLOG},
        ("blog.example.org", "referral", None, "Referral"),
    ),
    "mail": ({"page_location": f"{SHOP}?utm_medium=email"}, (None, "email", None, "Email")),
    "mail collected": ({"collected_traffic_source": {"manual_medium": "email"}}, (None, "email", None, "Email")),
    "mail as parameter": ({"medium": "email", "page_referrer": BLOG}, (None, "email", None, "Email")),
    "assistant": (
        {"source": "new.example.ai", "medium": "ai-assistant"},
        ("new.example.ai", "ai-assistant", None, "AI Assistant"),
    ),
}


def test_raw_landings_are_in_their_channel(warehouse: Warehouse) -> None:
    """From the log to the session; two hosts have the page views."""
    events = []
    for user, (told, _) in LANDINGS.items():
        records = {name: told[name] for name in told if name in EVENT_SCHEMA}
        params = {"page_location": SHOP} | {name: told[name] for name in told if name not in EVENT_SCHEMA}
        events.append(event(NOON, "page_view", user, params=params, **records))
    events.append(event(NOON, "page_view", "payer", params={"page_location": PAY}))
    warehouse.write_day("2024-01-01", events)
    warehouse.dbt("run", "--select", "+int_ga4__session_traffic_sources")
    found = warehouse.query("""
        select user_pseudo_id, t.source, t.medium, t.campaign, t.default_channel_group
        from ga4.int_ga4__session_traffic_sources t join ga4.int_ga4__sessions using (session_key)
        where user_pseudo_id <> 'payer'""")
    assert {user: tuple(told) for user, *told in found} == {user: told for user, (_, told) in LANDINGS.items()}


def test_every_listed_source_is_in_its_channel(warehouse: Warehouse) -> None:
    """Told by an event or by the referrer; Google's list is whole."""
    channels = {
        "ai_assistant": "AI Assistant",
        "search": "Organic Search",
        "shopping": "Organic Shopping",
        "social": "Organic Social",
        "video": "Organic Video",
    }
    with (PROJECT / "seeds/ga4_source_categories.csv").open() as file:
        listed = list(csv.DictReader(file))
    counts = Counter(row["source_category"] for row in listed if row["read_on"])
    assert counts == {"search": 129, "social": 592, "shopping": 52, "video": 46}

    events, expected = [], {}
    for row in listed:
        source = row["source"]
        told = {"told": {"source": source, "medium": "referral"}}
        if "." in source:
            told["www"] = {"source": f"www.{source.title()}", "medium": "referral"}
            told["referrer"] = {"page_referrer": f"https://{source}/x", "page_location": "https://shop.example.com/"}
        for kind, params in told.items():
            user = f"{kind} {source}"
            events.append(event(NOON, "page_view", user, params=params))
            expected[user] = channels[row["source_category"]]
    warehouse.write_day("2024-01-01", events)
    warehouse.dbt("run", "--select", "+dim_ga4__sessions")
    found = warehouse.query("""
        select user_pseudo_id, t.default_channel_group
        from ga4.int_ga4__session_traffic_sources t join ga4.int_ga4__sessions using (session_key)""")
    assert len(found) == len(expected) > 2000
    assert [(user, channel) for user, channel in found if channel != expected[user]] == []


def test_every_click_id_is_kept_out_of_addresses() -> None:
    with (PROJECT / "seeds/ga4_click_ids.csv").open() as file:
        click_ids = {row["click_id"] for row in csv.DictReader(file)}
    excluded = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["query_parameter_exclusions"]
    assert len(click_ids) > 15
    assert click_ids <= set(excluded)


def test_who_did_not_allow_personal_ads_may_not_be_in_a_list_for_ads(warehouse: Warehouse, tmp_path: Path) -> None:
    """From the export's tables of users to the people's table; the newest day counts.

    Dora denied on a device that Emil uses as well: she denied on her own, too.
    """
    params = {"page_location": "https://shop.example.com/hats", "ga_session_id": 1}
    granted = {"analytics_storage": "Yes", "ads_storage": "Yes"}
    views = [
        event(NOON + n, "page_view", user, user_id=login, params=params, privacy_info=granted)
        for n, (user, login) in enumerate(
            [
                ("1.1", None),
                ("2.2", None),
                ("3.3", "anna"),
                ("4.4", None),
                ("5.5", "emil"),
                ("6.6", "dora"),
                ("7.7", "emil"),
            ]
        )
    ]
    denied = granted | {"ads_storage": "No"}
    params = params | {"ga_session_id": 2}
    views.append(event(NOON + 5000, "page_view", "5.5", user_id="dora", params=params, privacy_info=denied))
    warehouse.write_day("2024-01-01", views)
    (tmp_path / "events_20240101.ndjson").touch()
    for day, allowed in {
        "20240101": {"1.1": "true", "2.2": "false"},
        "20240102": {"1.1": "false", "2.2": "true"},
    }.items():
        rows = [
            {"pseudo_user_id": u, "privacy_info": {"is_ads_personalization_allowed": a}} for u, a in allowed.items()
        ]
        (tmp_path / f"pseudonymous_users_{day}.ndjson").write_text("\n".join(map(json.dumps, rows)))
    login = {"user_id": "anna", "privacy_info": {"is_ads_personalization_allowed": "false"}}
    (tmp_path / "users_20240102.ndjson").write_text(json.dumps(login))
    users_path = warehouse.data_dir / "raw_ga4_users"
    ingest_user_tables(find_export(str(tmp_path), "p").user_tables, [date(2024, 1, 2)], users_path)
    try:
        warehouse.dbt("run", "--select", "+dim_ga4__users", identity_stitching="user_id")
    finally:
        shutil.rmtree(users_path)
    states = "user_pseudo_id, ads_consent_state, ads_personalization_state, is_ads_consented"
    assert warehouse.query(f"select {states} from ga4.dim_ga4__users order by all") == [
        ("1.1", "granted", "denied", False),
        ("2.2", "granted", "granted", True),
        ("3.3", "granted", "denied", False),
        ("4.4", "granted", "unknown", True),
        ("5.5", "denied", "unknown", False),
        ("6.6", "denied", "unknown", False),
        ("7.7", "granted", "unknown", True),
    ]
