"""Numbers from end to end: hostile values, twins of one microsecond, refunds, and ids in paths."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dbt.conftest import Warehouse, event

NOON = 1_704_110_400_000_000  # 2024-01-01 12:00 UTC
DAY = 86_400_000_000
HUGE = 2**63 - 1
PAGES = ("--select", "+int_ga4__page_views", "+dim_ga4__pages")


def purchase(number: int, transaction: str | None, revenue: float | None, **more: Any) -> dict[str, Any]:
    items = more.pop("items", [])
    money = {"transaction_id": transaction, "purchase_revenue": revenue, **more.pop("money", {})}
    params = {"currency": "EUR", "ga_session_id": 1, "page_location": "https://shop.example.com/thanks"}
    return event(NOON + number, "purchase", "u", params=params, ecommerce=money, items=items, **more)


def test_no_event_can_stop_a_run(warehouse: Warehouse) -> None:
    """Numbers at the ends of their types, more than once, so that their sums overflow."""
    item = {"item_id": "hat", "quantity": HUGE, "price": 1.7e308, "item_revenue": -1.7e308, "item_refund": 1.7e308}
    params = {"engagement_time_msec": HUGE, "ga_session_number": HUGE, "session_engaged": HUGE, "ga_session_id": HUGE}
    params["page_location"] = "https://shop.example.com/"
    hostile = [
        *(event(NOON + n, "page_view", "u", params=params, batch_page_id=HUGE) for n in range(3)),
        *(purchase(10 + n, f"T{n}", 1.7e308, items=[item] * 3, event_value_in_usd=-1.7e308) for n in range(3)),
        *(
            event(NOON + 20 + n, "refund", "u", ecommerce={"transaction_id": "T0", "refund_value": 1.7e308 - n * 1e300})
            for n in range(3)
        ),
        purchase(30, "T9", 5),
        # a login that is known without a device
        event(NOON + 40, "generate_lead", None, user_id="anna", privacy_info={"analytics_storage": "Yes"}),
    ]
    warehouse.write_day("2024-01-01", hostile)
    warehouse.write_day("2024-01-02", [purchase(DAY, "T10", 7)])

    warehouse.dbt("run")
    warehouse.dbt("test", "--exclude-resource-type", "unit_test")
    assert warehouse.query("select sum(revenue), min(currency) from ga4.fct_ga4__purchases") == [(12, "EUR")]
    assert warehouse.query("select values_out_of_range from ga4.ga4_quality__daily order by event_date") == [
        (6 + 6 + 3 + 9 * 4,),
        (0,),
    ]


@pytest.mark.slow
def test_twins_of_one_microsecond_count_by_what_they_hold(warehouse: Warehouse) -> None:
    """And so whatever the property is called."""
    hat = [{"item_id": "hat", "quantity": 1}]
    twins = [
        *(purchase(0, f"T{n}", revenue) for n in range(30) for revenue in (0.0, 10.0 + n)),
        *(purchase(0, f"I{n}", 1, items=items) for n in range(30) for items in ([], hat)),
        # these agree in both
        *(purchase(0, f"S{n}", 2, money={"shipping_value": s}) for n in range(30) for s in (3.0, 4.0)),
    ]
    for name in ("p", "another property"):
        warehouse.write_day("2024-01-01", twins, name)
    warehouse.dbt("run")
    numbers = "count(*), sum(revenue), sum(item_quantity), sum(shipping)"
    one, other = warehouse.query(f"select {numbers} from ga4.fct_ga4__purchases group by property_id")
    assert one == other
    assert one[:3] == (90, 30 * 10 + sum(range(30)) + 30 + 60, 30)


def view(user: str, day: int, path: str) -> dict[str, Any]:
    params = {"page_location": f"https://shop.example.com{path}", "ga_session_id": 1}
    return event(NOON + day * DAY, "page_view", user, params=params)


@pytest.mark.slow
def test_ids_of_products_stay_in_paths_and_tokens_go(warehouse: Warehouse) -> None:
    """The first run decides from all history, so that building day by day equals a full build; new days only warn."""
    product = "/p/550e8400-e29b-41d4-a716-44665544000{}"
    days = {
        day: [
            *(view(user, day, product.format(n)) for n, user in enumerate(("u", "v"))),
            *(view(user, day, product.format(n)) for n, user in enumerate(("w", "u"))),
            view("u", day, f"/reset/123456789012345{day}"),
        ]
        for day in (0, 1)
    }
    for day, events in days.items():
        warehouse.write_day(f"2024-01-0{day + 1}", events)
    for day in (1, 0):
        name = f"2024-01-0{day + 1}"
        built = warehouse.dbt("run", min_date=name, max_date=name)
    models = [result.node.name for result in built]
    by_day = warehouse.rows(models)
    warehouse.dbt("run", "--full-refresh")
    assert warehouse.rows(models) == by_day
    pages = [
        ("shop.example.com/p/550e8400-e29b-41d4-a716-446655440000",),
        ("shop.example.com/p/550e8400-e29b-41d4-a716-446655440001",),
        ("shop.example.com/reset/[redacted]",),
    ]
    assert warehouse.query("select page_key from ga4.dim_ga4__pages order by 1") == pages

    # another template of shared pages, after the decision
    warehouse.write_day(
        "2024-01-03", [view(user, 2, f"/q/123456789012345{n}") for n in range(3) for user in ("u", "v", "w")]
    )
    dates = {"min_date": "2024-01-03", "max_date": "2024-01-03"}
    buildable = ("--indirect-selection", "buildable", "--exclude-resource-type", "unit_test")
    results = warehouse.dbt("build", *PAGES, *buildable, **dates)
    warned = [result.node.name for result in results if str(result.status) == "warn"]
    assert warned == ["url_templates_hold_what_was_decided"]
    assert ("shop.example.com/q/[redacted]",) in warehouse.query("select page_key from ga4.int_ga4__page_views")
    warehouse.dbt("run", "--full-refresh", *PAGES)
    assert warehouse.query("select count(*) from ga4.dim_ga4__pages where page_path like '/q/%'") == [(3,)]
