"""The labels that dbt builds of the demo edition of customers are what was drawn for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from tests.benchmarks.data_sets.customers import BROWSE, CUSTOMERS, PURCHASE, customers
from tests.benchmarks.data_sets.customers_export import write_customers
from tests.dbt.conftest import Warehouse


@pytest.mark.slow
def test_labels_are_what_was_drawn(warehouse: Warehouse, tmp_path: Path) -> None:
    """Local days, late and doubled rows included."""
    edition, day = replace(CUSTOMERS, users=600, days=70), 49  # a Monday
    write_customers(edition, tmp_path / "export", progress=False)
    days = [edition.start + timedelta(days=number) for number in range(edition.days)]
    files = find_source_files(str(tmp_path / "export"), "demo")
    assert ingest_days(files, days, warehouse.data_dir / "raw_ga4_events").quarantined == 0
    settings = {"feature_as_of_dates": [str(days[day])], "timezone": edition.timezone}
    warehouse.dbt("run", "--full-refresh", "--select", "+ml_ga4__user_features", **settings)

    everyone = customers(edition)
    drawn = {
        str(user): (
            *((steps[day : day + horizon] >= reached).any() for horizon in (7, 14) for reached in (BROWSE, PURCHASE)),
            pytest.approx(values[day : day + 14].sum()),
        )
        for user, steps, values in zip(everyone.user_pseudo_id, everyone.steps, everyone.values, strict=True)
        if (steps[:day] >= BROWSE).any()
    }
    labels = warehouse.query("""
        select user_pseudo_id, will_return_7d, will_purchase_7d, will_return_14d, will_purchase_14d, revenue_14d
        from ga4.ml_ga4__user_features
        join (select distinct client_key as user_key, user_pseudo_id from ga4.stg_ga4__events) using (user_key)""")
    assert {user: tuple(of_user) for user, *of_user in labels} == drawn
    assert len(drawn) > 400 and sum(buys for _, _, _, _, buys, _ in labels) >= 5
