"""A year of real visits: what comes in comes out, from either form of the export."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.ga4.schema import EVENT_PARAM_COLUMNS, EVENT_SCHEMA, PROVENANCE_SCHEMA, duckdb_type
from beha2vec_core.semantic.highlights.find import find_highlights, read_marts
from tests.dbt.conftest import INCREMENTAL_MODELS, Warehouse

MERCH_STORE = Path(__file__).resolve().parents[2] / "../shared/data/merch_store_2016_2017"

pytestmark = pytest.mark.skipif(not MERCH_STORE.exists(), reason="the merch store export is not on this machine")


def write_raw(warehouse: Warehouse, rows: str, property_id: str) -> None:
    """Write a relation of canonical rows as one raw partition a day."""
    target = warehouse.data_dir / "raw_ga4_events"
    target.mkdir(exist_ok=True)
    duckdb.execute(f"""
        copy (
            select * replace (strptime(event_date, '%Y%m%d')::date as event_date), '{property_id}' as property_id
            from ({rows})
        )
        to '{target}' (format parquet, partition_by (property_id, event_date), overwrite_or_ignore)""")


def nested_export() -> str:
    columns = {
        "event_date": "VARCHAR",
        **{name: duckdb_type(field) for name, field in {**EVENT_SCHEMA, **PROVENANCE_SCHEMA}.items()},
    }
    spelled = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    return f"from read_json('{MERCH_STORE}/export/*.ndjson.gz', format = 'newline_delimited', columns = {{{spelled}}})"


def flat_export() -> str:
    """The CSV in canonical columns, as far as its columns go; the models read the rest as null."""
    source = f"read_csv('{MERCH_STORE}/ga4_data.csv', all_varchar = true)"
    have = [row[0] for row in duckdb.execute(f"describe from {source}").fetchall()]
    value = EVENT_SCHEMA["event_params"][0]["value"]
    params = []
    for name, member in EVENT_PARAM_COLUMNS.items():
        if name in have:
            members = ", ".join(f"{m} := {name if m == member else 'null'}::{kind}" for m, kind in value.items())
            params.append(f"case when {name} is not null then {{'key': '{name}', 'value': struct_pack({members})}} end")
    return f"""
        select event_date, event_timestamp::bigint as event_timestamp, event_name, user_pseudo_id,
            list_filter([{", ".join(params)}], lambda p: p is not null) as event_params,
            {{'category': device_category, 'operating_system': device_operating_system,
              'browser': device_browser}} as device,
            {{'country': geo_country}} as geo,
            {{'source': traffic_source_source, 'medium': traffic_source_medium,
              'name': traffic_source_name}} as traffic_source,
            {{'transaction_id': ecommerce_transaction_id,
              'purchase_revenue_in_usd': ecommerce_purchase_revenue_in_usd::double}} as ecommerce
        from {source}"""


@pytest.mark.slow
def test_merch_store(warehouse: Warehouse) -> None:
    write_raw(warehouse, nested_export(), "nested")
    write_raw(warehouse, flat_export(), "flat")
    warehouse.dbt("run")

    # 25,302 events of 2,685 users, 2,679 of whom viewed a page (counted from the files). All are distinct in the nested
    # form; the flat one lacks items and bundle numbers, without which four pairs are equal.
    accounted = warehouse.query(
        "select property_id, sum(raw_events)::int, sum(events)::int, sum(duplicates_dropped)::int"
        " from ga4.ga4_quality__daily group by 1 order by 1"
    )
    assert accounted == [("flat", 25_302, 25_298, 4), ("nested", 25_302, 25_302, 0)]
    users = (
        "select property_id, count(*), count(*) filter (page_views > 0) from ga4.dim_ga4__users group by 1 order by 1"
    )
    assert warehouse.query(users) == [("flat", 2_685, 2_679), ("nested", 2_685, 2_679)]

    # no real session is cut: as many as there are pairs of user and ga_session_id
    sessions = warehouse.query(
        "select count(*), count(distinct (user_pseudo_id, ga_session_id)) from ga4.int_ga4__sessions"
    )
    assert sessions[0][0] // 2 == sessions[0][0] / 2 == sessions[0][1]

    # 134 purchase events report 67 transactions (counted from the files); the flat form has no items
    purchases = warehouse.query(
        "select property_id, count(*), sum(purchase_events)::int, count(item_revenue), count(session_key)"
        " from ga4.fct_ga4__purchases group by 1 order by 1"
    )
    assert purchases == [("flat", 67, 134, 0, 67), ("nested", 67, 134, 67, 67)]

    # either form gives the same rows; keys differ by property, so the device id stands in for them
    same = (
        "select e.* exclude (property_id, user_key, session_key), s.user_pseudo_id, s.session_started_at"
        " from ga4.ml_ga4__sequence_events e join ga4.fct_ga4__sessions s using (session_key)"
        " where e.property_id = '{}' order by all"
    )
    nested, flat = warehouse.query(same.format("nested")), warehouse.query(same.format("flat"))
    assert len(nested) > 20_000
    assert nested == flat

    # every page and session that a sequence names is known
    assert warehouse.query(
        "select count(*) from ga4.ml_ga4__sequence_events anti join ga4.dim_ga4__pages using (property_id, page_key)"
    ) == [(0,)]

    # what a person would say of the year: a partner site brings two fifths of the buyers, phones bring hardly any
    with duckdb.connect(str(warehouse.data_dir / "warehouse.duckdb")) as connection:
        found = find_highlights(read_marts(connection)).rows
        known = {(row["metric"], row["segment"]): row["effect"] for row in found[:3]}
    assert known["conversion_rate", "mall.googleplex.com"] > 0 > known["conversion_rate", "mobile"]

    # days built again change nothing
    at_once = warehouse.rows(INCREMENTAL_MODELS)
    for first, last in (("2016-08-01", "2016-08-01"), ("2016-12-30", "2017-01-05"), ("2017-08-01", "2017-08-01")):
        warehouse.dbt("run", "--select", "config.materialized:incremental", min_date=first, max_date=last)
    for model, rows in warehouse.rows(INCREMENTAL_MODELS).items():
        assert rows == at_once[model], model
