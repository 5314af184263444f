"""GA4's numbers counted a second time, from the raw JSON by Google's definitions, beside what the models say.

`recount/README.md` says how the SQL files count. Where the models follow a rule of their own, it is one of `RULES`:
a switch of the recount. With all switches on nothing may differ; with one off, something must.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from beha2vec_core.demo_shop import write_demo_export
from beha2vec_core.ga4.ingest import ingest_days
from beha2vec_core.ga4.sources import find_source_files
from tests.dbt.conftest import Warehouse, event
from tests.dbt.test_merch_store import nested_export, write_raw

RECOUNT = Path(__file__).with_name("recount")
DATA = Path(__file__).resolve().parents[2] / "../shared/data"

# What the models do beyond Google's words, or where Google says nothing; README.md of dbt_ga4 says each.
RULES = {
    "exact_copies_are_one": "rows equal in every field are one event",
    "denied_belongs_to_no_one": "events of denied consent are counted, but are no user's",
    "events_without_session_id_have_a_session": "events without ga_session_id belong to the session 30 minutes around "
    "them, else to one of their own",
    "a_new_session_begins_after_a_second_midnight": "a session goes on over one midnight; on each further day a "
    "new one begins",
    "a_refund_makes_no_session": "a refund changes no session, and has the one it names, if seen that day",
    "a_transaction_counts_once_a_user_and_web_stream": "a transaction id counts once within a user and web stream, by "
    "the event with revenue, then with items, then the earliest",
    "placeholders_are_no_transaction_id": "undefined, null, 0 and (not set) are no transaction ids; without one each "
    "event counts",
    "a_refund_stands_with_its_purchase": "refunds of one value and the same items within a day are one, together "
    "they are at most the revenue, and they stand on the day of the purchase",
    "search_sites_that_google_s_list_lacks_count": "some hosts of search engines are search sites, though Google lists "
    "only the engines' names",
    "the_site_refers_nothing_to_itself": "a referral by the site's own domain is no source",
    "a_wrong_clock_stays_near_its_export_day": "an event is of a day from three before to one after its export day",
}

# A recount's name and the models' numbers in the same columns: what they are of, then the numbers.
MODELS = {
    "events": """
        select occurred_on as day, event_name as name, count(*) as events
        from ga4.int_ga4__events_sessionized group by all""",
    "page_views": """
        select occurred_on as day, page_key as page, count(*) as views from ga4.fct_ga4__page_views group by all""",
    "users": """
        select user_date as day, count(*) as users, count(*) filter (is_new) as new_users,
            count(*) filter (is_returning) as returning_users, count(*) filter (is_active) as active_users,
            sum(events) as events, sum(sessions) as sessions
        from ga4.fct_ga4__user_days group by all""",
    "users_in_total": """
        select count(distinct user_key) as users, count(distinct user_key) filter (is_new) as new_users,
            count(distinct user_key) filter (is_returning) as returning_users,
            count(distinct user_key) filter (is_active) as active_users,
            (select sum(revenue) from ga4.dim_ga4__users) as revenue
        from ga4.fct_ga4__user_days""",
    "sessions": """
        select session_date as day, count(*) as sessions, count(*) filter (is_engaged) as engaged_sessions,
            count(distinct user_key) as users
        from ga4.fct_ga4__sessions group by all""",
    "landing_pages": """
        select session_date as day, landing_page_key as landing_page, count(*) as sessions,
            count(*) filter (is_engaged) as engaged_sessions
        from ga4.fct_ga4__sessions group by all""",
    "channels": """
        select session_date as day, default_channel_group as channel, source, medium, count(*) as sessions,
            sum(purchases) as purchases, sum(revenue) as revenue, sum(net_revenue) as net_revenue
        from ga4.fct_ga4__sessions group by all""",
    "first_user_channels": """
        select first_user_default_channel_group as channel, first_user_source as source, first_user_medium as medium,
            count(*) as users
        from ga4.dim_ga4__users group by all""",
    "purchases": """
        select occurred_on as day, currency, count(*) filter (not is_refund_without_purchase) as purchases,
            sum(revenue) as revenue, sum(net_revenue) as net_revenue
        from ga4.fct_ga4__purchases group by all""",
    "items": """
        select occurred_on as day, item_id, count(*) as items, sum(quantity) as quantity,
            sum(item_revenue) as item_revenue
        from ga4.fct_ga4__purchase_items group by all""",
}
BUILT = sorted({f"+{table}" for sql in MODELS.values() for table in re.findall(r"from ga4\.(\w+)", sql)})
DIMENSIONS = ("day", "name", "page", "landing_page", "channel", "source", "medium", "currency", "item_id")

Numbers = dict[tuple[Any, ...], float]


class Recount:
    """An export's files, counted by the SQL of `recount/`."""

    def __init__(self, files: str, timezone: str) -> None:
        self._connection = duckdb.connect()
        self._connection.execute(f"set variable files = '{files}'; set variable timezone = '{timezone}'")
        self._run("raw")
        self.switch_off(None)

    def switch_off(self, which: str | None) -> None:
        """Follow all of `RULES` but one."""
        for rule in RULES:
            self._connection.execute(f"set variable {rule} = {rule != which}")
        for definitions in ("event", "page", "session", "user", "purchase", "channel"):
            self._run(definitions)

    def numbers(self, name: str) -> Numbers:
        """The numbers of one file."""
        return _numbers(self._connection, (RECOUNT / f"{name}.sql").read_text())

    def _run(self, name: str) -> None:
        self._connection.execute((RECOUNT / f"{name}.sql").read_text())


@dataclass
class World:
    """A real or made export, what the models say of it, and its recount."""

    warehouse: Path
    recount: Recount

    def models(self, name: str) -> Numbers:
        """The models' numbers beside the recount's of that name."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return _numbers(connection, MODELS[name])


def _numbers(connection: duckdb.DuckDBPyConnection, sql: str) -> Numbers:
    """Each number of a query by what it is of and its name; nothing and zero are the same."""
    relation = connection.sql(sql)
    found: Numbers = {}
    for row in relation.fetchall():
        of = tuple(value for name, value in zip(relation.columns, row, strict=True) if name in DIMENSIONS)
        for name, value in zip(relation.columns, row, strict=True):
            if name not in DIMENSIONS:
                assert (*of, name) not in found, f"two rows of {of}"
                found[(*of, name)] = float(value or 0)
    return found


def differences(recount: Numbers, models: Numbers) -> str:
    """What the two count differently, by more than a tenth of a cent, a line each."""
    pairs = {key: (recount.get(key, 0.0), models.get(key, 0.0)) for key in recount | models}
    return "\n".join(
        f"{' | '.join(map(str, key))}: {counted:g} counted, {modelled:g} in the models"
        for key, (counted, modelled) in sorted(pairs.items(), key=lambda pair: [str(of) for of in pair[0]])
        if abs(counted - modelled) > 0.001
    )


def make_export(folder: Path) -> None:
    """A few users for each rule, as NDJSON; times are Berlin's (UTC+1)."""
    folder.mkdir()
    rows: list[dict[str, Any]] = []

    def send(user: str | None, when: str, name: str, session: int | None = None, number: int = 1, **more: Any) -> None:
        """One event; ``more`` are parameters, or fields of the export where their name is one."""
        happened = datetime.fromisoformat(f"2026-01-{when}:00+01:00")
        fields = {field: more.pop(field) for field in FIELDS if field in more}
        params = {"page_location": f"https://shop.example{more.pop('page', '/')}"}
        if session:
            params |= {"ga_session_id": session, "ga_session_number": number}
        row = event(int(happened.timestamp()) * 1_000_000, name, user, params=params | more, **fields)
        rows.append({"event_date": f"{happened:%Y%m%d}", "stream_id": "1", "platform": "WEB", "items": []} | row)

    def pay(user: str, when: str, session: int, transaction: str, euro: float, *items: str, **more: Any) -> None:
        """A purchase, or with ``name`` another event about money; the dollar is worth half a euro."""
        name = more.pop("name", "purchase")
        kind = "refund_value" if name == "refund" else "purchase_revenue"
        money = {kind: euro, f"{kind}_in_usd": 2 * euro, "transaction_id": transaction}
        goods = [{"item_id": item, "quantity": 1, "price": 5.0, "price_in_usd": 10.0} for item in items]
        send(user, when, name, session, currency="EUR", ecommerce=money, items=goods, **more)

    # copies, engagement by views, by time, by a key event though GA4's word is no, by GA4's word, and none
    for _ in range(2):
        send("views", "10T10:00", "first_visit", 100, page="/a")
        send("views", "10T10:00", "page_view", 100, page="/a")
        send("views", "10T10:05", "page_view", 100, page="/B//?color=red")
    send("time", "10T10:00", "page_view", 200, 2, engagement_time_msec=12_000)
    send("key", "10T10:00", "page_view", 250)
    send("key", "10T10:01", "sign_up", 250, session_engaged="0")
    send("word", "10T10:00", "page_view", 260, session_engaged="0")
    send("word", "10T10:01", "scroll", 260, session_engaged=1)
    send("none", "10T10:00", "page_view", 300, 3, session_engaged="0")
    send("none", "11T10:00", "scroll", 301, 4)
    # a stuck session id, events without one, late events, denied consent
    for when in ("10T23:50", "11T00:10", "11T12:00", "12T12:00", "13T12:00"):
        send("stuck", when, "page_view", 400, page=f"/{when[:2]}")
    send("no_id", "10T10:00", "page_view", 500)
    send("no_id", "10T10:10", "scroll")
    send("no_id", "10T14:00", "page_view", page="/c")
    send("no_id", "10T14:10", "page_view")
    send("no_id", "10T15:00", "scroll")
    send("late", "10T10:00", "page_view", 550, event_date="20260112")
    send("clock", "02T10:00", "page_view", 555, event_date="20260112")
    denied = {"analytics_storage": "No"}
    send(None, "10T10:00", "page_view", privacy_info=denied)
    send("denied", "10T10:00", "page_view", 560, privacy_info=denied)
    send("denied", "10T10:00", "first_visit", 560, privacy_info=denied)
    # sources: reported, referrers of several kinds, the user's first, hidden, a referrer of the site's own
    send("mail", "10T10:00", "page_view", 600, 2, source="newsletter", medium="email", campaign="may")
    send("search", "10T10:00", "page_view", 610, 2, page_referrer="https://www.google.de/")
    send("blog", "10T10:00", "page_view", 620, 2, page_referrer="https://blog.example.org/x")
    send("first", "10T10:00", "page_view", 630, 1, traffic_source={"source": "facebook.com", "medium": "referral"})
    send("unlisted", "10T10:00", "page_view", 635, 2, source="duckduckgo.com", medium="referral")
    send("medium", "10T10:00", "page_view", 636, 2, source="<Other>", medium="referral", campaign="(referral)")
    send("hidden", "10T10:00", "page_view", 640, 2, traffic_source={"source": "<Other>", "medium": "<Other>"})
    send("own", "10T10:00", "page_view", 650, 2, page_referrer="https://www.shop.example/cart")
    send("own source", "10T10:00", "page_view", 651, 2, source="shop.example", medium="referral")
    own = {"source": "www.shop.example", "medium": "referral", "name": "(referral)"}
    send("own first", "10T10:00", "page_view", 652, 1, traffic_source=own)
    for place, (source, medium, campaign) in enumerate(TAGS):
        tags = {"source": source, "medium": medium, "campaign": campaign}
        send(f"tag {place}", "10T11:00", "page_view", 660, 2, **tags)
    # a transaction reported again (worth nothing first), by another user too; ids that are none
    pay("again", "11T10:00", 700, "t1", 0)
    pay("again", "11T10:01", 700, "t1", 50, "a", "b")
    pay("again", "11T10:02", 700, "t1", 50, "a", "b")
    pay("again", "11T10:03", 700, "t1", 50)
    pay("other", "11T10:00", 710, "t1", 20, "a")
    for when in ("11T10:00", "11T10:01"):
        pay("bad", when, 720, "undefined", 7, "c")
        pay("bad", when, 720, "(not set)", 8)
    # refunds: in part, sent twice and equal later, whole and twice, more than was paid, of a purchase not exported
    pay("refund", "11T11:00", 730, "t2", 80, "a", "b")
    pay("refund", "12T10:00", 731, "t2", 10, "a", name="refund")
    pay("refund", "12T10:01", 731, "t2", 10, "a", name="refund")
    pay("refund", "12T10:02", 731, "t2", 5, "b", name="refund")
    pay("refund", "13T10:02", 732, "t2", 10, "a", name="refund")
    pay("refund", "11T12:00", 730, "t3", 30, "c")
    pay("refund", "12T11:00", 731, "t3", 30, name="refund")
    pay("refund", "13T11:00", 732, "t3", 30, name="refund")
    pay("refund", "11T13:00", 730, "t4", 40, "c")
    pay("refund", "12T12:00", 731, "t4", 30, "c", name="refund")
    pay("refund", "12T12:10", 731, "t4", 20, "d", name="refund")
    pay("refund", "12T13:00", 731, "t9", 12, name="refund")
    # refunds of servers: before a visit, with its session id and without any; between two visits
    send("server", "11T10:00", "page_view", 770)
    pay("server", "11T19:00", 770, "t10", 5, name="refund")
    pay("server", "11T12:00", 771, "t10", 5, name="refund")
    send("server", "12T12:00", "page_view", 771)
    pay("no ids", "11T23:50", 0, "t11", 5, name="refund")
    for when in ("12T00:05", "12T10:00", "12T10:50"):
        send("no ids", when, "page_view")
    pay("no ids", "12T10:25", 0, "t11", 5, name="refund")
    # two users' purchases of one id, both given back
    for user in ("one", "two"):
        pay(user, "11T15:00", 760, "t6", 20, "c")
        pay(user, "12T15:00", 761, "t6", 20, "c", name="refund")
    # a second currency, so that money is in dollars
    pound = {"purchase_revenue": 4.0, "purchase_revenue_in_usd": 6.0, "transaction_id": "t5"}
    send("pound", "12T10:00", "purchase", 740, currency="gbp", ecommerce=pound)

    days = sorted({row["event_date"] for row in rows})
    for day in days:
        lines = "".join(json.dumps(row) + "\n" for row in rows if row["event_date"] == day)
        (folder / f"events_{day}.ndjson.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))


# a source, medium and campaign for each of Google's channel rules
TAGS = (
    ("google", "cpc", "brand"),
    ("Google", "CPC", "Spring Shopping"),
    ("google", "cpm", "brand"),
    ("facebook.com", "paid_social", "brand"),
    ("youtube.com", "cpv", "brand"),
    ("youtube.com", "cpc", "brand"),
    ("example.org", "banner", "brand"),
    ("example.org", "cpm", "brand"),
    ("example.org", "retargeting", "brand"),
    ("example.org", "ppc", "cross-network may"),
    ("example.org", "link", "winter shop"),
    ("example.org", "link", "workshop"),
    ("example.org", "sm", "brand"),
    ("t.co", "referral", "brand"),
    ("example.org", "video", "brand"),
    ("bing", "organic", "brand"),
    ("example.org", "app", "brand"),
    ("example.org", "e-mail", "brand"),
    ("e_mail", "may", "brand"),
    ("example.org", "affiliate", "brand"),
    ("example.org", "audio", "brand"),
    ("sms", "may", "brand"),
    ("example.org", "web_push", "brand"),
    ("(direct)", "(none)", "(direct)"),
    ("example.org", "may", "brand"),
)
FIELDS = ("event_date", "ecommerce", "items", "privacy_info", "traffic_source")


def _ingest(warehouse: Warehouse, export: str) -> None:
    """All days of an export as raw partitions; of a file of many days its rows say which."""
    files = find_source_files(export, "p")
    days = [file.day for file in files if file.day]
    if not days:
        said = f"select distinct event_date from read_json('{export}', columns = {{event_date: 'VARCHAR'}})"
        days = [datetime.strptime(day, "%Y%m%d").date() for (day,) in duckdb.sql(said).fetchall()]
    ingest_days(files, days, warehouse.data_dir / "raw_ga4_events")


REAL = ("sample", "year")
EXPORTS = [
    "made",
    pytest.param("demo", marks=pytest.mark.slow),
    *(pytest.param(name, marks=[pytest.mark.slow, pytest.mark.xdist_group(f"recount_{name}")]) for name in REAL),
]


@pytest.fixture(scope="module", params=EXPORTS)
def world(request: pytest.FixtureRequest, _shared_warehouse: Warehouse, tmp_path_factory: Any) -> World:
    """An export, built by dbt in its time zone. The built warehouse is copied, since other tests clear it."""
    folder = tmp_path_factory.mktemp(request.param)
    export, files, timezone = folder / "export", f"{folder}/export/*.gz", "Europe/Berlin"
    _shared_warehouse.clear()
    if request.param == "made":
        make_export(export)
    elif request.param == "demo":
        write_demo_export(export, users=500, days=28, seed=11, progress=False)
    elif request.param == "sample":
        export = DATA / "ga4_merch_sample/events_bigquery_style.ndjson.gz"
        files, timezone = str(export), "UTC"
    else:
        export, timezone = DATA / "merch_store_2016_2017/export", "America/Los_Angeles"
        files = f"{export}/*.gz"
    if not export.exists():
        pytest.skip(f"{export.name} of the real exports is not on this machine")
    if request.param == "year":
        write_raw(_shared_warehouse, nested_export(), "p")  # 366 files take ingest half a minute
    else:
        _ingest(_shared_warehouse, str(export))
    _shared_warehouse.dbt("run", "--select", *BUILT, timezone=timezone)
    _shared_warehouse.query("checkpoint")
    shutil.copy(_shared_warehouse.data_dir / "warehouse.duckdb", folder)
    return World(folder / "warehouse.duckdb", Recount(files, timezone))


@pytest.mark.parametrize("name", MODELS)
def test_models_count_as_google_does(world: World, name: str) -> None:
    found = differences(world.recount.numbers(name), world.models(name))
    assert not found, f"\n{found}"


@pytest.mark.slow
@pytest.mark.parametrize("world", EXPORTS[:1], indirect=True)
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_changes_numbers(world: World, rule: str) -> None:
    """Else the models could break it unseen."""
    by_the_rule = {name: world.recount.numbers(name) for name in MODELS}
    world.recount.switch_off(rule)
    try:
        assert any(differences(by_the_rule[name], world.recount.numbers(name)) for name in MODELS)
    finally:
        world.recount.switch_off(None)
