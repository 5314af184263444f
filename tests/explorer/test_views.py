"""Each view in Streamlit, without a browser: what it shows, its empty states, who may see it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from beha2vec_core.activation.destination import Change, Member, Outcome
from beha2vec_core.activation.ledger import open_ledger
from beha2vec_core.explorer import access, page
from beha2vec_core.explorer.data import user
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.report import write_report
from beha2vec_core.explorer.views import VIEWS
from tests.explorer.explorer_world import make_serving
from tests.helpers.cases import few_fast

APP = Path(page.__file__).with_name("app.py")
CARDS = "Details"
PATIENCE = 600  # seconds; on a slow machine a view takes many


@pytest.fixture(autouse=True)
def _settings_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No .env of the folder the tests run in, and settings read by each test."""
    monkeypatch.chdir(tmp_path)
    page.settings.clear()


@pytest.fixture
def shop(serving: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(serving.parent))
    monkeypatch.setenv("BEHA2VEC_TIMEZONE", "Europe/Berlin")


def view(name: str, **query: str) -> AppTest:
    """The view after one run."""
    code = f"from beha2vec_core.explorer.views import render\nrender({name!r})"
    app = AppTest.from_string(code, default_timeout=PATIENCE)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def whole_app() -> AppTest:
    return AppTest.from_file(str(APP), default_timeout=PATIENCE)


def text_of(app: AppTest) -> str:
    """All that it says, HTML included."""
    said = [
        element.value for kind in (app.title, app.header, app.subheader, app.markdown, app.caption) for element in kind
    ]
    said += [element.value for kind in (app.info, app.warning, app.error) for element in kind]
    said += [element.proto.body for element in app.get("html")]
    return "\n".join(said)


def test_a_sample_of_the_users_is_named(serving: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sampled = Path(shutil.copy(serving, tmp_path / "serving.duckdb"))
    with duckdb.connect(str(sampled)) as connection:
        connection.execute("create or replace table beha2vec.published_sample as select 4 one_in, 'null'::json numbers")
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    app = whole_app().run()
    assert not app.exception and "about 1 user in 4" in app.warning[0].value
    write_report(Published(sampled), tmp_path / "report.html", ZoneInfo("UTC"))
    assert "about 1 user in 4" in (tmp_path / "report.html").read_text()


def test_the_first_page_is_the_overview(shop: None) -> None:
    app = whole_app().run()
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric} == {
        "Users": "280", "Days with data": "14", "Sessions": "680", "Page views": "1,648", "Buyers": "40",
    }  # fmt: skip
    text = text_of(app)
    assert "5 Jan to 18 Jan 2026" in text and "trained 19 Jan 2026, 02:00" in text, "UTC plus one in Berlin"
    assert "&lt;script&gt;" in text and "<script" not in text
    assert "split off from Article readers" in text
    assert [button.label for button in app.button] == [*["Compare"] * 4, *[CARDS] * 4]
    assert text.index("Three things to know") < text.index("5 Jan to 18 Jan 2026"), "shown first"
    assert "10% of them had an order" in text and app.expander[0].label == "1 more"


@pytest.mark.parametrize("name", [view.name for view in VIEWS])
def test_no_markup_of_others_and_no_error(shop: None, name: str) -> None:
    app = view(name, **({"user": "g1-0"} if name == "user" else {}))
    assert not app.exception
    text = text_of(app).lower()
    for markup in ("<script", "<img", "<iframe", "<svg", 'href="javascript'):
        assert markup not in text


def test_a_cluster_in_words_with_its_facts(shop: None) -> None:
    app = view("clusters", cluster="2")
    text = text_of(app)
    assert "60 users, 21% of all" in text
    assert 'title="views about returns: 84%, all users 23%" class="b2v-fact">84%' in text
    assert 'title="views of support pages: 84%, all users 23%" class="b2v-fact">84%' in text
    assert re.search(r"<details><summary>The \d+ facts behind it</summary><table>", text)
    linked = set(re.findall(r'href="#(fact-2-\d+)"', text))
    assert linked and linked <= set(re.findall(r'<tr id="([^"]+)"', text)), "each number leads to a row"
    app.selectbox(key="beside").set_value(0).run()
    assert not app.exception and "120 users, 43% of all" in text_of(app)
    assert "2" in app.query_params["cluster"]
    app.selectbox(key="cluster").set_value(1).run()
    assert app.selectbox(key="cluster").value == 1 and "1" in app.query_params["cluster"]
    app.segmented_control(key="period").set_value("Last 7 days").run()
    assert not app.exception


def test_the_first_choice_of_a_cluster_counts(shop: None) -> None:
    app = view("clusters")
    app.selectbox(key="cluster").set_value(2).run()
    assert app.selectbox(key="cluster").value == 2 and "60 users, 21% of all" in text_of(app)


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_each_family_of_facts_can_be_shown(shop: None, every: int) -> None:
    app = view("clusters", cluster="1")
    for family in app.selectbox(key="family").options[1::every]:
        app.selectbox(key="family").set_value(family).run()
        assert not app.exception, family


def test_times_are_utc_and_say_so_where_no_zone_is_set(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEHA2VEC_TIMEZONE")
    text = text_of(view("overview"))
    assert "(UTC)" in text and "trained 19 Jan 2026, 01:00" in text
    assert "Times in UTC" in text_of(view("user", user="g1-0"))


def test_a_user(shop: None) -> None:
    app = view("user", user="g1-0")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Purchases"] == "1" and shown["Revenue"] == "50.00 EUR"
    text = text_of(app)
    assert '<td class="">First user source / medium</td><td class="">newsletter / email</td>' in text, "GA4's record"
    assert "Times in Europe/Berlin" in text and "Similar users" in text
    assert "Materialize trained_encoder here" in text, "what comes next needs the encoder's files"
    app.text_input[0].set_value("d.g1-0").run()
    assert app.query_params["user"] in ("g1-0", ["g1-0"]), "found by GA4's id of the device"
    app.text_input[0].set_value("<b>nobody</b>").run()
    assert "No user has this id" in text_of(app) and "<b>" not in text_of(app)
    assert "user_pseudo_id" in app.text_input[0].label and "sample" not in text_of(app)


def test_a_user_who_cannot_be_found(serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(shutil.copy(serving, tmp_path / "serving.duckdb")) as connection:
        connection.execute("create or replace table beha2vec.published_sample as select 4 one_in, 'null'::json numbers")
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BEHA2VEC_PUBLISH_IDENTIFIERS", "keyed")
    app = view("user", user="d.nobody")
    assert "Or the user is not in the published sample." in text_of(app)
    assert app.text_input[0].label == "User key"


def test_what_was_sent_of_a_user_and_of_nobody_else(
    serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    shutil.copy(serving, tmp_path / "serving.duckdb")
    page.settings.clear()
    assert "Sent to" not in [one.value for one in view("user", user="g1-0").header], "nothing is sent anywhere"
    changes = [Change("enter", Member(user, "shop", user), {}, "hash", user) for user in ("g1-0", "g1-1")]
    with open_ledger(tmp_path / "activation.sqlite") as ledger:
        ids = ledger.begin("web", "buyers", {}, changes, called="buyers", place="place")
        ledger.answered(ids, [Outcome("unknown", "no answer in time"), Outcome("accepted")])
    app = view("user", user="g1-0")
    assert not app.exception and "Sent to" in [one.value for one in app.header]
    row = '<td class="">web</td><td class="">buyers</td><td class="">enter</td><td class="">{}</td>'
    assert text_of(app).count(row.format("unknown (no answer in time)")) == 1
    assert row.format("accepted") not in text_of(app) and row.format("accepted") in text_of(view("user", user="g1-1"))
    assert "Nothing was sent about this user." in text_of(view("user", user="g1-2"))
    monkeypatch.setenv("BEHA2VEC_PUBLISH_IDENTIFIERS", "keyed")
    page.settings.clear()
    assert "beha2vec sent --user g1-0 shows it." in text_of(view("user", user="g1-0"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("revenue = null, currency = null", "in several currencies"),
        ("currency = null", "50.00 EUR"),  # the property's
        ("currency = null, property_id = 'unknown'", "50.00 (currency unknown)"),
        ("currency = 'JPY', revenue = 1234.5", "1,234.50 JPY"),
        ("purchases = 0, revenue = null", "0.00 EUR"),
    ],
)
def test_money_is_never_without_its_currency(serving: Path, tmp_path: Path, change: str, told: str) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"update ga4.dim_ga4__users set {change} where user_key = 'g1-0'")
    found = user.about(Published(path), "g1-0")
    assert found is not None and user.revenue(found) == told


def test_the_overview_says_who_is_lost_on_the_way(
    serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """insert into ga4.dim_ga4__users by name select 'only-first-visit-' || range as user_key, 1 as sessions,
                0 as page_views, 0 as purchases from range(48);
            insert into ga4.fct_ga4__page_views (page_key) values ('shop.example/article/0'), (null)"""
        )
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    app = view("overview")
    metrics = {metric.label: metric.value for metric in app.metric}
    assert (metrics["Users"], metrics["Sessions"], metrics["Page views"]) == ("328", "728", "1,650")
    text = text_of(app)
    for step, count, why in (
        ("Users", "328", ""),
        ("Users with page views", "280", "48 users: only events without a page or not read (session_start, "
         "first_visit ...)"),
        ("Users in clusters", "260", "20 users: too little evidence"),
    ):  # fmt: skip
        assert f'<tr><td class="">{step}</td><td class="number">{count}</td><td class="">{why}</td></tr>' in text
    for name in ("overview", "clusters"):
        assert "260 users in 3 clusters, and 20 with too few events" in text_of(view(name))
    write_report(Published(path), tmp_path / "report.html", ZoneInfo("Europe/Berlin"))
    report = (tmp_path / "report.html").read_text("utf-8")
    assert "48 users: only events without a page or not read" in report and "<b>1,650</b>" in report
    assert "260 users in 3 clusters, and 20 with too few events" in report


@pytest.mark.parametrize("color", few_fast(["Cluster", "Theme", "Last visit", "Purchase", "First visit"], every=2))
def test_the_map_in_every_color(shop: None, color: str) -> None:
    app = view("map")
    app.selectbox(key="map_color").set_value(color).run()
    assert not app.exception and "n = 280 users" in text_of(app)


def test_empty_states_name_the_asset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    assert "Nothing is published yet. Materialize serving_database" in text_of(whole_app().run())
    missing = {
        "ga4.ml_ga4__sequence_events": "ml_ga4__sequence_events",
        "ga4.fct_ga4__page_views": "fct_ga4__page_views",
        "ga4.dim_ga4__users": "dim_ga4__users",
    }
    make_serving(tmp_path / "serving.duckdb", without=tuple(missing))
    told = ""
    for name in ("clusters", "map"):
        app = view(name)
        assert not app.exception, name
        told += text_of(app)
    app = view("user", user="g1-0")
    assert not app.exception
    told += text_of(app)
    for asset in missing.values():
        assert f"Materialize {asset}, then serving_database" in told


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_without_any_users_each_view_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    path = make_serving(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from beha2vec.user_clusters_current")
    for one in VIEWS[::every]:
        app = view(one.name, user="g1-0")
        assert not app.exception, one.name
        need_none = ("user", "predictions", "site", "chat", "model", "audiences")
        assert "Materialize user_clusters" in text_of(app) or one.name in need_none
        if one.name == "user":
            assert "none: no day of theirs is clustered" in text_of(app), "the facts of a user need no cluster"


@pytest.mark.slow
def test_a_password_is_asked_for_before_anything_is_shown(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_EXPLORER_PASSWORD", "s3cret-ä")
    monkeypatch.setattr(access, "_WAIT_SECONDS", 0.0)
    app = whole_app().run()
    assert not app.metric and "s3cret" not in str(app)
    app.text_input[0].set_value("wrong")
    app.button[0].click().run()
    assert not app.metric and app.error[0].value == "This is not the password."
    app.text_input[0].set_value("s3cret-ä")
    app.button[0].click().run()
    assert app.metric[0].value == "280"
    assert app.run().metric, "asked for once a session"
    assert not whole_app().run().metric, "and once for each"
