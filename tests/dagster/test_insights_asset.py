"""The asset with a real warehouse and a real endpoint: what it asks, keeps, and tells."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beha2vec_core.profiles import build_profiles
from beha2vec_core.store.warehouse import replace_partition
from beha2vec_dagster.defs.insights import assets as insights
from beha2vec_dagster.lib.resources import LlmResource, WarehouseResource
from tests.dagster.project import export_settings, metadata_of
from tests.llm.llm_server import ScriptedLlm, completion, serving, truthful
from tests.profiles.profile_world import SITE, make_world

KEY = "sk-test-0a1b2c3d"


@pytest.fixture
def llm() -> Iterator[ScriptedLlm]:
    with serving(lambda request, _: completion(json.dumps(truthful(request)))) as server:
        yield server


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseResource:
    resource = WarehouseResource(database=str(tmp_path / "warehouse.duckdb"), lock_timeout_seconds=60)
    with resource.connect("test") as connection:
        facts = build_profiles(make_world())
        connection.register("facts", facts)
        replace_partition(connection, "beha2vec.cluster_profiles", "from facts", "true")
        connection.execute("create schema if not exists ga4")
        connection.execute(
            """create table ga4.fct_ga4__page_views as
            select 'u' || range as user_key, ? as page_key, '{c1.users} | Deals' as page_title from range(20)""",
            [f"{SITE}/deals"],
        )
    return resource


def materialize(
    warehouse: WarehouseResource, llm: ScriptedLlm, *, ask_again: bool = False, **more: str
) -> dict[str, Any]:
    settings = export_settings(llm_base_url=llm.url, llm_api_key=KEY, **more)
    return metadata_of(
        "cluster_insights",
        insights.build_assets(settings),
        Path(warehouse.database),
        {"llm": LlmResource(settings)},
        run_config={"ops": {"cluster_insights": {"config": {"ask_again": ask_again}}}},
    )


def rows(warehouse: WarehouseResource) -> list[tuple[Any, ...]]:
    with warehouse.connect("test") as connection:
        return connection.execute(
            "select cluster_key, name, written_by, reason from beha2vec.cluster_insights order by all"
        ).fetchall()


def test_a_second_run_asks_nothing_and_says_so(warehouse, llm) -> None:
    first = materialize(warehouse, llm)
    written = rows(warehouse)
    assert len(llm.requests) == 5 and {row[2] for row in written} == {"gpt-5-mini"}
    assert first["requests"] == 5 and first["from_cache"] == 0 and first["endpoint_host"] == "127.0.0.1"
    assert (first["prompt_tokens"], first["completion_tokens"]) == (500, 100)
    assert "BEHA2VEC_LLM_PRICE_IN" in first["cost"]  # unknown, and it says how to know it

    prices = {"llm_price_in": "2", "llm_price_out": "8"}
    second = materialize(warehouse, llm, **prices)
    assert len(llm.requests) == 5 and second["requests"] == 0 and second["from_cache"] == 5
    assert rows(warehouse) == written

    third = materialize(warehouse, llm, ask_again=True, **prices)
    assert len(llm.requests) == 10 and third["cost"] == pytest.approx((500 * 2 + 100 * 8) / 1e6)
    assert KEY not in str([first, second, third])


def test_a_spent_budget_and_what_was_not_asked_is_asked_later(warehouse, llm) -> None:
    metadata = materialize(warehouse, llm, llm_max_tokens="0")
    assert llm.requests == [] and metadata["written_by_template"] == 5
    assert {row[3] for row in rows(warehouse)} == {"not asked: the budget of 0 tokens a run is spent"}
    assert "budget" in str(metadata["problems"])

    assert materialize(warehouse, llm)["written_by_model"] == 5 == len(llm.requests)
