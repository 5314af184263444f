"""A small published shop for the explorer's tests: real facts and insights, planted groups, hostile texts everywhere.

Users of group 0 read articles, of group 1 buy backpacks, of group 2 need help; a few are too little known. Group g has
users ``g<g>-<number>`` and lies around ``CENTERS[g]`` on the map. The shop's money is in euro.
"""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pandas as pd

from beha2vec_core.explorer.published import Published
from beha2vec_core.insights import write_insights
from beha2vec_core.predictions import store as prediction_store
from beha2vec_core.predictions.backtest import BASE_RATE, RFM, Backtest
from beha2vec_core.predictions.calibration import Curve, Spread
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.gate import MODEL
from beha2vec_core.predictions.model import Cells, KindModel, PredictionModel, TargetModel, deciles, sorted_places
from beha2vec_core.profiles import WAREHOUSE, build_profiles, cluster_paths, cluster_transitions
from beha2vec_core.store.publish import publish
from beha2vec_core.store.tables import create_tables
from tests.helpers.hostile_text import HOSTILE_TEXTS

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST, DAYS = date(2026, 1, 5), 14
LAST = FIRST + timedelta(days=DAYS - 1)
SIZES = {0: 120, 1: 80, 2: 60, -1: 20}
_ENDS = ("value", "low", "high")
CENTERS = {0: (-10.0, 0.0), 1: (10.0, 0.0), 2: (0.0, 12.0), -1: (0.0, 0.0)}
# (theme, page type) a page of which each group views most
LIKES = {0: ("travel", "article"), 1: ("backpacks", "product"), 2: ("returns", "support"), -1: ("general", "home")}
HOSTILE_NAME = "<script>document.title='HACKED'</script> [free](javascript:alert(1)) :material/delete: $x^2$"


def make_serving(path: Path, *, without: tuple[str, ...] = ()) -> Path:
    """Publish the shop; ``without`` names tables to drop from the publication, as if never materialized."""
    path.write_bytes(_shop())
    if without:
        with duckdb.connect(str(path)) as connection:
            for table in without:
                connection.execute(f"drop table {table}")
    return path


@cache
def _shop() -> bytes:
    """The same each time: made once a process."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        create_tables(connection)
        connection.execute("create schema ga4")
        _pages(connection)
        _users(connection)
        _models(connection)
        _predictions(connection)
        _facts(connection)
        _highlights(connection)
        path = Path(folder) / "serving.duckdb"
        publish(connection, path, secret=b"secret")
        return path.read_bytes()


@contextmanager
def opened(path: Path) -> Iterator[Published]:
    yield Published(path)


def _pages(connection: duckdb.DuckDBPyConnection) -> None:
    rows = []
    for number, title in enumerate(HOSTILE_TEXTS):
        theme, page_type = list(LIKES.values())[number % len(LIKES)]
        rows.append((f"shop.example/{page_type}/{number}", title, theme, page_type))
    frame = pd.DataFrame(rows, columns=["page_key", "page_title", "theme", "page_type"])  # noqa: F841
    connection.execute("insert into beha2vec.enriched_pages by name select page_key, theme, page_type from frame")
    connection.execute(
        """create table ga4.dim_ga4__pages as
        select page_key, page_title, 0::bigint as page_views, 0::bigint as users from frame"""
    )


def _users(connection: duckdb.DuckDBPyConnection) -> None:
    """Users, sessions, page views and events; sessions of group g go on for g + 1 page views or more."""
    rng, of_identity = np.random.default_rng(3), np.random.default_rng(4)
    pages = connection.execute("select page_key, theme from beha2vec.enriched_pages order by page_key").df()
    titles = dict(connection.execute("select page_key, page_title from ga4.dim_ga4__pages").fetchall())
    users, sessions, events, clusters, vectors = [], [], [], [], []
    for group, size in SIZES.items():
        liked = pages.loc[pages["theme"] == LIKES[group][0], "page_key"].tolist()
        for number in range(size):
            user = f"g{group}-{number}"
            days = sorted(int(day) for day in rng.choice(DAYS, size=int(rng.integers(1, 5)), replace=False))
            bought = group == 1 and number % 2 == 0
            for visit, day in enumerate(days):
                began = datetime(2026, 1, 5, 9) + timedelta(days=day, minutes=number)
                seen = [
                    str(rng.choice(liked if rng.random() < 0.8 else pages["page_key"]))
                    for _ in range(int(rng.integers(1, 5)))
                ]
                names = ["page_view"] * len(seen) + (["purchase"] if bought and visit == len(days) - 1 else [])
                for index, (page, name) in enumerate(zip([*seen, seen[-1]], names, strict=False)):
                    events.append((user, f"{user}.{visit}", began + timedelta(minutes=index), index, name, page))
                sessions.append((user, f"{user}.{visit}", began, len(seen), seen[0], int("purchase" in names)))
                # half of group 2 was in group 0 first
                earlier = 0 if group == 2 and number % 2 == 0 and visit < len(days) - 1 else group
                x, y = np.array(CENTERS[group]) + rng.normal(size=2)
                clusters.append((FIRST + timedelta(days=day), user, earlier, 0.4, 0.2, x, y))
                vector = np.eye(4)[group] + 0.1 * rng.normal(size=4)
                identity = np.eye(4)[group] + 0.3 * of_identity.normal(size=4)
                vectors.append((FIRST + timedelta(days=day), user, group < 0, vector.tolist(), identity.tolist()))
            users.append((user, number, len(days), int(bought), 50.0 * bought, _text(number)))
    _load(connection, users, sessions, events, titles)
    frame = pd.DataFrame(  # noqa: F841
        clusters, columns=["event_date", "user_key", "cluster_key", "distance", "margin", "map_x", "map_y"]
    )
    connection.execute(
        """insert into beha2vec.user_clusters by name
        select 'c1' as cluster_model_version, 'e1' as model_version, * from frame"""
    )
    embedded = pd.DataFrame(vectors, columns=["event_date", "user_key", "low_evidence", "behavior", "identity"])  # noqa: F841
    connection.execute(
        """insert into beha2vec.user_embeddings by name select 'e1' as model_version, 5 as n_events,
        event_date + interval 1 day as as_of, * from embedded"""
    )


def _load(
    connection: duckdb.DuckDBPyConnection,
    users: list[tuple[object, ...]],
    sessions: list[tuple[object, ...]],
    events: list[tuple[object, ...]],
    titles: dict[str, str],
) -> None:
    visits = pd.DataFrame(  # noqa: F841
        sessions,
        columns=["user_key", "session_key", "session_started_at", "page_views", "landing_page_key", "purchases"],
    )
    seen = pd.DataFrame(events, columns=["user_key", "session_key", "moment", "event_index", "event_name", "page_key"])
    seen["page_title"] = seen["page_key"].map(titles)
    people = pd.DataFrame(  # noqa: F841
        users, columns=["user_key", "number", "sessions", "purchases", "revenue", "first_source"]
    )
    connection.execute(
        """create table ga4.fct_ga4__sessions as select *, session_started_at::date as session_date,
            0::bigint as error_page_views, false as is_direct,
            row_number() over (partition by user_key order by session_started_at) as ga_session_number,
            60000::bigint as engagement_time_msec, 'Organic Search' as default_channel_group,
            50.0 * purchases as revenue, 50.0 * purchases as net_revenue, 'EUR' as currency
        from visits"""
    )
    connection.execute(
        """create table ga4.ml_ga4__sequence_events as select user_key, moment::date as event_date,
            epoch_us(moment)::bigint as event_timestamp, hour(moment)::integer as hour_of_day,
            event_index::integer as event_index, event_name, page_key, page_title,
            session_key, event_name = 'page_view' as is_page_view from seen"""
    )
    connection.execute(
        """create table ga4.fct_ga4__page_views as
        select user_key, session_key, page_key, event_timestamp, event_date, lead(page_key) over visit as next_page_key,
            lag(page_key) over visit is null as is_entrance, lead(page_key) over visit is null as is_exit
        from ga4.ml_ga4__sequence_events where is_page_view
        window visit as (partition by session_key order by event_timestamp)"""
    )
    connection.execute(
        """create table ga4.fct_ga4__funnel_sessions as select session_key, user_key, session_date, 6 as furthest_step
        from ga4.fct_ga4__sessions where purchases > 0;
        create table ga4.fct_ga4__purchases as
        select user_key, event_date, false as is_refund_without_purchase from ga4.ml_ga4__sequence_events
        where event_name = 'purchase';
        create table ga4.int_ga4__identity_map as select distinct user_key, user_key as client_key,
            'd.' || user_key as user_pseudo_id, null::varchar as user_id, 'shop' as property_id,
            date '2026-01-01' as first_seen from visits;
        create table ga4.stg_ga4__event_items as select user_key as client_key, 'view_item' as event_name,
            'i1' as item_id, page_title as item_name, 'bags' as item_category, event_date, event_timestamp, session_key
        from ga4.ml_ga4__sequence_events where false"""
    )
    connection.execute("create table ga4.ga4_event_taxonomy as select 'purchase' as event_name, 6 as funnel_step")
    connection.execute(
        """create table ga4.dim_ga4__users as
        select people.* exclude (number), min(session_started_at) as first_seen_at,
            max(session_started_at) as last_seen_at, sum(page_views)::bigint as page_views,
            60000::bigint as engagement_time_msec, 'organic' as first_medium, 'desktop' as device_category,
            'Chrome' as browser, 'Linux' as operating_system, 'Germany' as country, 'shop' as property_id,
            revenue as net_revenue, 'EUR' as currency, 'newsletter' as first_user_source, 'email' as first_user_medium,
            first_source as first_seen_source, 'organic' as first_seen_medium, true as is_ads_consented
        from people join visits using (user_key) group by all"""
    )
    connection.execute(
        """create table ga4.dim_ga4__properties as select 'shop' as property_id, 'EUR' as reporting_currency,
            ['EUR'] as currencies, 40::bigint as purchases, 0::bigint as purchases_not_expressed,
            'Europe/Berlin' as timezone, date '2026-01-18' as last_day"""
    )
    connection.execute(
        """update ga4.dim_ga4__pages set page_views = found.views, users = found.users from (
            select page_key, count(*) as views, count(distinct user_key) as users from ga4.fct_ga4__page_views
            group by 1) as found
        where found.page_key = dim_ga4__pages.page_key"""
    )


def _models(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """insert into beha2vec.encoders (model_version, trained_at, accepted_at)
        values ('e1', timestamp '2026-01-19 01:00:00', timestamp '2026-01-19 01:05:00');
        insert into beha2vec.cluster_models (cluster_model_version, model_version, k, users, fitted_at, promoted_at)
        values ('c1', 'e1', 3, 260, timestamp '2026-01-19 01:30:00', timestamp '2026-01-19 02:00:00');
        insert into beha2vec.cluster_lineage values ('c1', 'c0', 2, 'split', 0, 60, 40)"""
    )


def _facts(connection: duckdb.DuckDBPyConnection) -> None:
    profiles = build_profiles(connection, WAREHOUSE)
    made = {
        "cluster_profiles": profiles,
        "cluster_paths": cluster_paths(connection, WAREHOUSE),
        "cluster_transitions": cluster_transitions(connection, WAREHOUSE),
    }
    for table, rows in made.items():
        connection.register("rows", rows)
        connection.execute(f"insert into beha2vec.{table} by name select * from rows")
        connection.unregister("rows")
    titles = dict(connection.execute("select page_key, page_title from ga4.dim_ga4__pages").fetchall())
    insights, _ = write_insights(profiles, page_titles=titles, progress=False)
    connection.register("insights", insights)
    connection.execute("insert into beha2vec.cluster_insights by name select * from insights")
    # as a model might, told to by a title
    connection.execute("update beha2vec.cluster_insights set name = ? where cluster_key = 1", [HOSTILE_NAME])
    connection.execute("update beha2vec.cluster_insights set name = 'Article readers' where cluster_key = 0")


def _highlights(connection: duckdb.DuckDBPyConnection) -> None:
    """Four, the first about a campaign with a hostile name; the second is what the sessions say."""
    for rank, (dimension, value) in enumerate(
        (("campaign", HOSTILE_NAME), ("device", "mobile"), ("country", "Malta"), ("source", "news")), start=1
    ):
        connection.execute(
            """insert into beha2vec.highlights by name select ? as rank, 'id' || ? as highlight_id,
            'difference' as kind, 'conversion_rate' as metric, ? as dimension, ? as segment, ?::date as first_day,
            ?::date as last_day, 0.1 as value, 0.2 as other_value, -0.1 as effect, 90 as n, 80 as users,
            30 as fewest_users, 'Sessions of ' || ? || ' end with an order less often than others' as headline,
            '10% of them had an order, against 20% of the others.' as sentence""",
            [rank, rank, dimension, value, FIRST, LAST, value],
        )


def _predictions(connection: duckdb.DuckDBPyConnection) -> None:
    """Scores of all but those who are too little known: group 1 probably buys and comes back; hostile reasons."""
    known = "where user_key not like 'g-1%'"
    users = connection.execute(f"select user_key from ga4.dim_ga4__users {known} order by user_key").df()
    groups = users["user_key"].str.extract(r"g(-?\d+)-")[0].astype(int)
    own = np.random.default_rng(6).beta(2, 3, len(users))
    tables = []
    for target, rates in {"purchase": (0.02, 0.4), "return": (0.2, 0.5), "add_to_cart": (0.05, 0.5)}.items():
        for horizon, part in ((7, 0.4), (14, 0.7), (28, 1.0)):
            probability = np.where(groups == 1, rates[1], rates[0]) * (0.5 + own) * part
            tables.append(
                users.assign(
                    property_id="shop", as_of=LAST + timedelta(days=1), target=target, horizon=horizon,
                    probability=probability, low=0.7 * probability, high=np.minimum(1.5 * probability, 1),
                    decile=deciles(probability, sorted_places(users["user_key"])),
                    value=60.0 * probability if target == "purchase" else np.nan,
                    method="ridge logistic",
                )
            )  # fmt: skip
    scored = pd.concat(tables, ignore_index=True)
    reasons = [[f"{HOSTILE_TEXTS[n % len(HOSTILE_TEXTS)]} (+0.51)", "page views (+0.20)"] for n in range(len(scored))]
    scored["reasons"] = pd.Series(reasons, dtype=object).where(scored["decile"] == 1, None)
    parts = tuple(TargetModel(name, (7, 14, 28), {"all": _kind()}) for name in ("purchase", "return"))
    targets = {one.target: one for one in parts}
    model = PredictionModel(date(2026, 1, 5), FitConfig(), targets, (f"note: {HOSTILE_NAME}",))
    prediction_store.write_model(connection, model)
    prediction_store.write_evaluation(connection, model.version, _backtest())
    connection.register("scored", scored)
    prediction_store.write_predictions(connection, LAST, model, "scored")
    connection.unregister("scored")
    prediction_store.promote(connection, model.version)


def _kind() -> KindModel:
    cells = Cells(np.full((4, 3, 3), 0.1), np.full((4, 3, 3), 50.0))
    curves = (Curve(), Curve(), Curve())
    return KindModel("ridge logistic", 120, curves, Spread((0.5,), (0.1,), 0.0), cells=cells)


def _backtest() -> Backtest:
    """Two dates: in each tenth 100 users, of whom about as many did it as predicted."""
    tenth = np.arange(1, 11)
    predicted = 0.4 * 0.6 ** (tenth - 1)
    positives = np.round(100 * predicted * np.where(tenth % 2, 1.1, 0.9)).astype(int)
    curves, rows = [], []
    for target in ("purchase", "return"):
        for horizon in (7, 14, 28):
            money = 50.0 * positives * (target == "purchase")
            curves.append(
                pd.DataFrame(
                    {
                        "decile": tenth, "predicted": predicted, "observed": positives / 100, "users": 100,
                        "positives": positives, "revenue": money, "gain": positives.cumsum() / positives.sum(),
                        "revenue_gain": money.cumsum() / max(money.sum(), 1), "target": target, "horizon": horizon,
                    }
                )
            )  # fmt: skip
            about = {"target": target, "horizon": horizon, "n": 1000}
            for method, found in {
                MODEL: {
                    "auroc": (0.781, 0.76, 0.80), "lift_10pct": 4.1, "calibration_error": (0.012, 0.006, 0.02),
                    "brier_skill": 0.21, "observed_over_expected": 0.98, "auroc_less_rfm": (0.008, -0.003, 0.017),
                    "revenue_in_top_decile": 0.39, "revenue_in_best_decile": 0.93,
                },
                RFM: {"auroc": (0.773, 0.75, 0.79), "lift_10pct": 3.9, "brier_skill": 0.20},
                BASE_RATE: {"auroc": (0.5, 0.5, 0.5), "brier_skill": 0.0},
            }.items():  # fmt: skip
                for metric, value in found.items():
                    ends = value if isinstance(value, tuple) else (value, np.nan, np.nan)
                    rows.append(about | {"method": method, "metric": metric} | dict(zip(_ENDS, ends, strict=True)))
    return Backtest(pd.DataFrame(rows), pd.concat(curves), [FIRST, FIRST + timedelta(days=7)], [])


def _text(number: int) -> str:
    return HOSTILE_TEXTS[number % len(HOSTILE_TEXTS)] if number % 3 == 0 else "google"


@contextmanager
def serve(folder: Path, port: int, *under: str, code: Path = REPOSITORY, **settings: str) -> Iterator[str]:
    """The explorer's own command on a project folder whose ``data`` has the published database; gives the address.

    With ``under``, another program runs it.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("BEHA2VEC_", "STREAMLIT_"))}
    environment |= {"PYTHONPATH": str(code), **settings}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*under, sys.executable, "-m", "beha2vec_core", "explore", "--port", str(port)],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_healthy(address, server)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=30)


@contextmanager
def proxy(address: str, header: str) -> Iterator[str]:
    """A reverse proxy that adds a header to each request, WebSockets too; gives its own address."""
    target = ("127.0.0.1", int(address.rsplit(":", 1)[1]))

    class Connection(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n") and (line := self.rfile.readline()):
                head += line
            # a connection a request, so that each one has the header
            head = head.replace(b"Connection: keep-alive", b"Connection: close")
            with socket.create_connection(target) as server:
                server.sendall(head[:-2] + header.encode() + b"\r\n\r\n")
                back = threading.Thread(target=_copy, args=(server.recv, self.connection.sendall))
                back.start()
                _copy(self.rfile.read1, server.sendall)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _copy(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    with suppress(OSError):
        while some := read(65536):
            write(some)


def _wait_until_healthy(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(900):
        assert server.poll() is None, "the explorer stopped"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the explorer did not start in 90 s")
