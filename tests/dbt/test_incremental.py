"""Building day by day gives the rows of a full build, whatever arrives when."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.dbt.conftest import BUILT_AT_FULL_REFRESH, INCREMENTAL_MODELS, Warehouse, event

DAYS = [(date(2024, 1, 1) + timedelta(days=n)).isoformat() for n in range(10)]
# no table of users is exported here
FEW_ROWS = (*BUILT_AT_FULL_REFRESH, "dim_ga4__properties", "stg_ga4__ads_personalization")
DAY, MINUTE = 86_400_000_000, 60_000_000
VARIABLES = {"user_properties": ["plan"]}
# the second has some of the page views and is the site's own, too
HOSTS = [*["https://shop.example.com/"] * 4, "https://pay.example.net/"]
REFERRERS = [
    "https://shop.example.com/",
    "https://www.google.de/",
    "https://chatgpt.com/",
    "https://blog.example.org/x",
    "https://pay.example.net/done",
]


def micros(day: str) -> int:
    """Midnight of a day, microseconds since 1970, UTC."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


def hostile_day(day: str, chance: random.Random) -> list[dict[str, Any]]:
    """Many coincidences: chains of events over midnights, session ids that stick for days, late and mad clocks."""
    events = []
    # a user who comes on some days only: each delivery may begin, bridge or cut a chain of days
    users = [None, *chance.sample(["a", "b", "c", "d", "e", "f"], 4)]
    for _ in range(50):
        timestamp = micros(day) + chance.choice([0, 0, 0, -1, -2, -3, 1]) * DAY
        # every 20 minutes, mostly: chains without a pause, now and then with one
        timestamp += chance.randrange(72) * 20 * MINUTE
        if chance.random() < 0.05:
            timestamp += chance.choice([-400, -30, 3, 400]) * DAY
        user = chance.choice(users)
        params: dict[str, Any] = {
            "page_location": chance.choice(HOSTS)
            + str(chance.randrange(4))
            + chance.choice(["", "", "", "?gclid=x", "?srsltid=x"]),
            "page_referrer": chance.choice(REFERRERS),
            "engagement_time_msec": 1000,
        }
        # Measurement Protocol sends none
        if user in ("a", "b", "c") and chance.random() < 0.7:
            params |= {"ga_session_id": 7, "ga_session_number": 1}
        if chance.random() < 0.05:
            params |= {"source": chance.choice(["mail", "google", "(data deleted)"]), "medium": "organic"}
        if chance.random() < 0.05:
            params |= chance.choice([{"ignore_referrer": "true"}, {"medium": "email"}, {"campaign": "may"}])
        name = chance.choice(["page_view", "page_view", "scroll", "session_start", "purchase", "view_item", "refund"])
        events.append(event(timestamp, name, user, params=params, **_rare_fields(name, chance)))
    return events + chance.sample(events, 5)


def _rare_fields(name: str, chance: random.Random) -> dict[str, Any]:
    """What few events have. Amounts are sums of halves: exact in any order."""
    plan = {"key": "plan", "value": {"string_value": chance.choice(["free", "pro"])}}
    fields: dict[str, Any] = {"user_properties": [plan]}
    if chance.random() < 0.2:
        fields["user_id"] = chance.choice(["anna", "bert"])
    if chance.random() < 0.05:
        source = chance.choice(["bing", "chatgpt.com", "(direct)", "<Other>"])
        campaign = {"source": source, "medium": "referral", "default_channel_group": "Referral"}
        fields["session_traffic_source_last_click"] = {"cross_channel_campaign": campaign}
    if chance.random() < 0.05:
        fields["traffic_source"] = {"source": chance.choice(["baidu", "(direct)"]), "medium": "organic"}
    if name in ("purchase", "refund"):
        transaction = chance.choice([None, "(not set)", *"ABCDEFGH"])  # which come back on other days
        amount = "purchase_revenue" if name == "purchase" else "refund_value"
        fields["ecommerce"] = {"transaction_id": transaction, amount: chance.choice([1.5, 2.5])}
    if chance.random() < 0.02:
        fields["user_id"], fields["user_pseudo_id"] = "anna", None
        fields["privacy_info"] = {"analytics_storage": "Yes"}
    if name in ("purchase", "view_item"):
        fields["items"] = [
            {"item_name": item, "item_category": "hats", "price": 0.5, "quantity": 3}
            for item in chance.sample("xyz", 2)
        ]
    return fields


def all_rows(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every model; tables and views are built on what the incremental models hold."""
    warehouse.dbt("run", "--exclude", "config.materialized:incremental", **VARIABLES)
    return warehouse.rows(warehouse.models())


def full_build(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every model after a full refresh; the window given with it must not narrow it."""
    incremental = ["--select", "config.materialized:incremental"]
    warehouse.dbt("run", *incremental, "--full-refresh", **VARIABLES, min_date=DAYS[0], max_date=DAYS[0])
    return all_rows(warehouse)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_day_by_day_equals_full_refresh(warehouse: Warehouse, seed: int) -> None:
    chance = random.Random(seed)
    properties = ("p", "q") if seed == 1 else ("p",)
    deliver = {day: {name: hostile_day(day, chance) for name in properties} for day in DAYS}
    order = DAYS if seed == 1 else chance.sample(DAYS, len(DAYS))

    def build(first: str, last: str) -> None:
        warehouse.dbt("run", "--select", "config.materialized:incremental", **VARIABLES, min_date=first, max_date=last)

    for day in order:
        for name, events in deliver[day].items():
            warehouse.write_day(day, events, name)
        build(day, day)

    # delivered again: with fewer rows, with none, not at all, and two days with other rows in one run
    warehouse.write_day(DAYS[4], deliver[DAYS[4]]["p"][:10])
    build(DAYS[4], DAYS[4])
    warehouse.write_day(DAYS[6], [])
    build(DAYS[6], DAYS[6])
    warehouse.remove_day(DAYS[2])
    build(DAYS[2], DAYS[2])
    for day in DAYS[7:9]:
        warehouse.write_day(day, hostile_day(day, chance))
    build(DAYS[7], DAYS[8])

    by_day = all_rows(warehouse)
    at_once = full_build(warehouse)
    for model in warehouse.models():
        assert model in FEW_ROWS or len(at_once[model]) > 3, model
        assert by_day[model] == at_once[model], model
    # the rows put the rules to the test
    assert warehouse.query("select count(*) > 0 from ga4.int_ga4__events_sessionized where session_date < occurred_on")[
        0
    ][0]
    assert warehouse.query("select sum(duplicates_dropped) > 0 and sum(late_events) > 0 from ga4.ga4_quality__daily")[
        0
    ][0]
    assert warehouse.query("select count(distinct session_method) from ga4.int_ga4__sessions") == [(2,)]
    methods = warehouse.query("select source_method, count(*) from ga4.int_ga4__session_traffic_sources group by all")
    assert {"last_click", "click", "event", "referrer", "user", "none"} <= dict(methods).keys()
    assert "pay.example.net" in dict(warehouse.query("select hostname, 1 from ga4.base_ga4__own_hosts"))
    assert "pay.example.net" not in dict(warehouse.query("select referrer_hostname, 1 from ga4.stg_ga4__events"))
    owed = "last_non_direct_session_key <> session_key"
    assert warehouse.query(f"select count(*) > 3 from ga4.int_ga4__session_traffic_sources where {owed}") == [(True,)]
    purchases = "select max(purchase_events) > 1, count(*) filter (not has_transaction_id) > 1, sum(refund) > 0"
    assert warehouse.query(f"{purchases} from ga4.int_ga4__purchases") == [(True, True, True)]


@pytest.mark.slow
def test_each_window_is_as_wide_as_a_day_reaches(warehouse: Warehouse) -> None:
    """One day is delivered again, empty; each user below is wrong if one of the windows is a day too small."""

    def view(user: str, day: int, session: int | None = None, minute: int = 0, **params: Any) -> dict[str, Any]:
        params["page_location"] = "https://shop.example.com/"
        if session:
            params["ga_session_id"] = session
        # days are counted from 2023-12-31 on
        return event(micros("2023-12-31") + day * DAY + (600 + minute) * MINUTE, "page_view", user, params=params)

    mail = {"source": "mail", "medium": "email"}
    deliveries = {
        # without its event of day 11, what was two days becomes one session: seen by a late event of day 13, and by
        # the direct session to which day 13, but not day 12, is within the lookback
        10: [
            view("joins", 11, 7, 835),
            view("after", 11, 7),
            view("before", 7),
            view("longer", 7, 7),
            view("owing", 11, 7),
            view("owed", 7, 7),
        ],
        12: [view("after", 12, 7), view("owing", 12, 7), view("joins", 12, None, -590)],
        16: [view("after", 13, 7), view("owing", 13, 7, **mail)],
        43: [view("owing", 43)],
        # the event without id of day 12 belongs to the session of the evening before, while that is there; that makes
        # days 13 and 14 two sessions, and the direct session of day 44 is owed to the second
        44: [view("joins", 44)],
        # the session of day 6, which ends with the late event of day 10, is owed to the first day of its lookback
        -24: [view("owed", -24, **mail)],
        # the pause before an event of day 7, exported early, begins with the late event of day 10
        6: [view("before", 7, minute=10), view("longer", 6, 7), view("owed", 6, 7)],
        # day 7 is a session of its own only because of days 5 and 6
        4: [view("earlier", 5, 7), view("joined", 4, 7, 835)],
        # that of day 5 belongs to the session of the evening before, so that day 7 is a session of its own
        5: [view("earlier", 6, 7), view("joined", 5, None, -590)],
        7: [view("earlier", 7, 7), view("stays", 7, 7), view("joined", 6, 7), view("joined", 7, 7)],
        # the page of day 13 has its next on the day after
        13: [view("on", 13, 7), view("joins", 13, 7)],
        14: [view("on", 14, 7), view("joins", 14, 7, **mail)],
    }
    deliveries[6].append(view("stays", 6, 7))
    # the source of the session of day 6 is told by a late event
    deliveries[6].append(view("told", 6, 7))
    deliveries[10].append(view("told", 7, 7, **mail))
    plan = {"key": "plan", "value": {"string_value": "pro"}}
    deliveries[10].append({**view("rich", 10), "items": [{"item_name": "hat"}], "user_properties": [plan]})
    for day, events in deliveries.items():
        warehouse.write_day(str(date(2023, 12, 31) + timedelta(days=day)), events)
    incremental = ["--select", "config.materialized:incremental"]
    warehouse.dbt("run", *incremental, **VARIABLES)
    before = warehouse.rows(INCREMENTAL_MODELS)

    warehouse.write_day("2024-01-10", [])
    warehouse.dbt("run", *incremental, **VARIABLES, min_date="2024-01-10", max_date="2024-01-10")
    by_day = warehouse.rows(INCREMENTAL_MODELS)
    # what the rewritten rows refer to is found among the days near them, and missed if it is gone
    of_day = {**VARIABLES, "min_date": "2024-01-10", "max_date": "2024-01-10"}
    assert len(warehouse.dbt("test", "--select", "test_name:relationships", **of_day)) == 4
    warehouse.query("delete from ga4.int_ga4__sessions where session_date = '2024-01-13'")
    with pytest.raises(RuntimeError, match="relationships_int_ga4__page_views_session_key"):
        warehouse.dbt("test", "--select", "test_name:relationships", **of_day)
    warehouse.dbt("run", *incremental, "--full-refresh", **VARIABLES)
    at_once = warehouse.rows(INCREMENTAL_MODELS)
    for model in INCREMENTAL_MODELS:
        assert by_day[model] == at_once[model], model
        assert by_day[model] != before[model], model
