"""Plain questions about a year of real visits, answered without a language model."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.profiles.settings import WAREHOUSE
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import create_tables
from tests.benchmarks.chat_questions import given
from tests.dbt.conftest import Warehouse
from tests.dbt.test_merch_store import MERCH_STORE, nested_export, write_raw
from tests.semantic.same_facts import assert_facts_equal_metrics

pytestmark = pytest.mark.skipif(not MERCH_STORE.exists(), reason="the merch store export is not on this machine")

CART_ON = "step=2 cart;3 checkout;4 shipping step;5 payment step;6 order"
ASKED = {  # the query, and words of the answer; 67 orders and buyers, 2,738 sessions (counted from the files)
    "Channel with most buyers?": ("buyers | by channel", ["highest for Referral, 28; then Direct, 27"]),
    "Source with most buyers?": ("buyers | by source", ["highest for mall.googleplex.com, 28; then (direct), 27"]),
    "Revenue last week?": ("revenue | 2017-07-24..2017-07-30", ["24 Jul to 30 Jul 2017: 197.80 USD (n = 6 orders)"]),
    "Is mobile worse than desktop?": (
        "conversion_rate | by device | device=desktop;mobile",
        ["desktop, 3.4%", "64 of 1,860 sessions", "mobile, 0.4%", "3 of 777 sessions", "no measure is named"],
    ),
    "How many buyers do we have?": ("buyers", ["67"]),
    "How many orders did we have last year?": ("orders | 2016-01-01..2016-12-31", ["The data begin on 1 Aug 2016."]),
    "What is the average order value?": ("aov", ["USD (n = 67 orders)"]),
    "What share of sessions is from mobile?": ("sessions | device=mobile | share", ["777 of 2,738 sessions"]),
    "Top 3 countries by sessions": ("sessions | by country | top 3", ["highest for United States, 1,246"]),
    "Why did revenue rise in July?": (
        "revenue | 2017-07-01..2017-07-31 | vs 2017-06-01..2017-06-30 | why",
        ["680.45 USD (n = 12 orders)", "Channel: rose most in Referral", "but not why"],
    ),
    "Where do people leave between cart and order?": (f"funnel | by step | {CART_ON}", ["lost after the cart"]),
    "How do users find us?": ("users | by channel", ["highest for Organic Search, 1,331"]),
}


@pytest.mark.slow
def test_the_chat_answers_questions_about_the_real_year(warehouse: Warehouse, tmp_path: Path) -> None:
    write_raw(warehouse, nested_export(), "store")
    warehouse.dbt("run")
    with duckdb.connect(str(warehouse.data_dir / "warehouse.duckdb")) as connection:
        create_tables(connection)
        connection.execute(
            """insert into beha2vec.cluster_models (cluster_model_version, model_version, k, promoted_at)
            values ('c1', 'm1', 3, '2017-08-02');
            insert into beha2vec.user_clusters by name
            select date '2017-08-01' as event_date, 'c1' as cluster_model_version, 'm1' as model_version, user_key,
                (hash(user_key) % 3)::int as cluster_key, 0.5 as distance, 0.5 as margin
            from ga4.dim_ga4__users where sessions > 0"""
        )
        assert_facts_equal_metrics(connection, WAREHOUSE, has_nights=True)
        publish(connection, tmp_path / "serving.duckdb", secret=b"secret")
    lookup = Lookup(Published(tmp_path / "serving.duckdb"), Aliases(tmp_path / "serving.duckdb"))
    for question, (expected, words) in ASKED.items():
        query, answer = given(lookup, question)
        assert query == expected, question
        assert all(word in answer.text for word in words), answer.text
