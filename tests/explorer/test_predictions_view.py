"""The page Predictions and scores on other pages, in Streamlit without a browser."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import pytest

from beha2vec_core.explorer import page
from beha2vec_core.explorer.charts import map as map_charts
from beha2vec_core.explorer.charts import predictions as charts
from beha2vec_core.explorer.data import predictions as data
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.report import write_report
from beha2vec_core.explorer.views import parts
from beha2vec_core.predictions.calibration import Curve, Spread
from beha2vec_core.predictions.config import FitConfig
from beha2vec_core.predictions.features import COLUMNS, FEATURES, Encoding
from beha2vec_core.predictions.model import KindModel, PredictionModel, TargetModel
from tests.explorer.explorer_world import HOSTILE_NAME, SIZES
from tests.explorer.test_views import text_of, view

SCORED = sum(SIZES.values()) - SIZES[-1]
SCORES = "beha2vec.user_predictions_current"


@pytest.fixture(autouse=True)
def _settings_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    page.settings.clear()


@pytest.fixture
def shop(serving: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(serving.parent))


@pytest.fixture
def own(serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to change."""
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    return Path(shutil.copy(serving, tmp_path / "serving.duckdb"))


def test_who_will_buy_and_how_right_it_was(shop: None) -> None:
    app = view("predictions")
    assert not app.exception
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Users"] == f"{SCORED}" and metrics["Expected revenue in 28 days"].endswith(" EUR")
    text = text_of(app)
    assert "fitted as of 5 Jan 2026" in text and f"Scores of {SCORED} users" in text and "as of 19 Jan 2026" in text
    assert "in 78% (76% to 80%) of all pairs" in text
    assert "there is no clear difference: +0.008 AUROC (-0.003 to +0.017)" in text
    assert "differ by 1.2 percentage points (0.6 to 2.0) on average" in text
    assert "Recency, frequency, money" in text and "Same for all users" in text
    assert "The first 20 of 26 users with the highest probability" in text
    assert "&lt;script&gt;" in text and "<script" not in text, "reasons and notes are text"
    assert len(app.get("plotly_chart")) == 3


@pytest.mark.parametrize(
    ("positives", "said"), [(0, "No user bought within 28 days of the test dates"), (1, "these results say little")]
)
def test_nothing_is_compared_where_no_method_could_be_measured(own: Path, positives: int, said: str) -> None:
    with duckdb.connect(str(own)) as connection:
        connection.execute(f"update beha2vec.prediction_curves set positives = {positives}, observed = 0.01")
        connection.execute("update beha2vec.prediction_evaluation set metric = 'prevalence', value = 0")
    app = view("predictions")
    assert not app.exception and said in text_of(app) and "Compared with simple rules" not in text_of(app)


def test_another_target_and_horizon(shop: None) -> None:
    app = view("predictions")
    app.selectbox(key="prediction_target").set_value("return").run()
    app.segmented_control(key="prediction_horizon").set_value(7).run()
    assert not app.exception
    assert any("Expected to come back in 7 days" in metric.label for metric in app.metric)
    text = text_of(app)
    assert "When does contacting" not in text and "Expected revenue" not in text, "money is of purchases only"
    app.selectbox(key="prediction_target").set_value("add_to_cart").run()
    assert not app.exception and "Predictions for 7 days were not tested" in text_of(app)


def test_a_user_of_the_list_can_be_opened(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(parts, "open_view", lambda name, **asked: opened.append(asked["user"]))
    app = view("predictions")
    app.button(key="prediction_open").click().run()
    assert opened == [app.selectbox(key="prediction_user").value] and opened[0].startswith("g1-")


def test_break_even_needs_a_margin_and_a_cost(shop: None) -> None:
    app = view("predictions")
    assert "Enter a margin and the cost of a contact" in text_of(app)
    app.number_input(key="margin").set_value(30.0)
    app.number_input(key="contact_cost").set_value(0.9)
    app.number_input(key="budget").set_value(36.0).run()
    text = text_of(app)
    # 60 EUR of revenue per buyer, 18 of margin: 0.90 pays with 5 more buyers among 100 users
    assert text.count(">5.00<") == 10 and "60.00 EUR" in text
    assert "The budget reaches 40 users of 260, in the first 2 tenths." in text
    assert "profit" in text and not re.search(r"profit[^.]*\d", text), "a profit is never shown"
    app.number_input(key="contact_cost").set_value(18.5).run()
    assert text_of(app).count("cannot pay") == 10
    app.number_input(key="contact_cost").set_value(0.0).run()
    assert not app.exception and ">0.00<" in text_of(app)


def test_the_settings_are_the_defaults_of_the_page(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MARGIN", "0.3"), ("CONTACT_COST", "0.9"), ("BUDGET", "36")):
        monkeypatch.setenv(f"BEHA2VEC_PREDICTION_{name}", value)
    assert "The budget reaches 40 users of 260, in the first 2 tenths." in text_of(view("predictions"))


NO_MODEL = "There is no prediction model yet: run beha2vec materialize --job train_predictions."
NO_SCORES = "There are no predictions yet. Materialize user_predictions, then serving_database."


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("clusters", "delete from beha2vec.prediction_model_current", NO_MODEL),
        *(
            pytest.param(name, "delete from beha2vec.prediction_model_current", NO_MODEL, marks=pytest.mark.slow)
            for name in ("user", "map")
        ),
        ("predictions", "delete from beha2vec.prediction_model_current", NO_MODEL),
        ("predictions", f"delete from {SCORES}", NO_SCORES),
    ],
)
def test_without_a_model_or_scores(own: Path, name: str, change: str, said: str) -> None:
    with duckdb.connect(str(own)) as connection:
        connection.execute(change)
    app = view(name, **({"user": "g1-0"} if name == "user" else {}))
    if name == "map":
        app.selectbox(key="map_color").set_value("Prediction").run()
    assert not app.exception and said in text_of(app)


def test_several_currencies_are_not_added_up(own: Path) -> None:
    with duckdb.connect(str(own)) as connection:
        connection.execute(
            "insert into ga4.dim_ga4__properties by name select 'b' property_id, 'JPY' reporting_currency"
        )
    text = text_of(view("predictions"))
    assert "Your properties have different currencies" in text and " EUR" not in text


def test_scores_of_a_user_with_reasons_from_the_model(own: Path, tmp_path: Path) -> None:
    text = text_of(view("user", user="g1-0"))
    assert '<td class="">come back</td>' in text and ">regression<" in text
    assert "Materialize ml_ga4__user_features" in text
    version = _with_a_model(own, tmp_path / "prediction_models")
    app = view("user", user="g1-0")
    assert not app.exception
    assert "<li>buy: sessions (+" in text_of(app), version
    assert "They were not seen" not in text_of(app)
    shutil.rmtree(tmp_path / "prediction_models")
    data._model.cache_clear()
    assert "Materialize prediction_candidate here" in text_of(view("user", user="g1-2"))


def test_a_user_without_scores(shop: None) -> None:
    assert "There are no scores of this user: they were not seen in the 28 days" in text_of(view("user", user="g-1-0"))


def _with_a_model(path: Path, folder: Path) -> str:
    """Features of all users, of which the model's file reads one: sessions raise the probability."""
    names = [f"g{group}-{number}" for group, size in SIZES.items() for number in range(size)]
    frame = pd.DataFrame(0.0, index=range(len(names)), columns=list(COLUMNS))
    frame["sessions"] = [100.0 if name == "g1-0" else 1.0 for name in names]
    sessions = tuple(feature for feature in FEATURES if feature.name == "sessions")
    encoding, _ = Encoding.learn(frame, np.arange(len(frame)), sessions)
    kind = KindModel(
        "ridge logistic", 100, (Curve(),), Spread((0.5,), (0.1,), 0.0), encoding, np.array([0.5, 0.0, -2.0])
    )
    targets = {"purchase": TargetModel("purchase", (28,), {"all": kind})}
    model = PredictionModel(date(2026, 1, 5), FitConfig(), targets)
    model.save(folder / model.version)
    new = Path(shutil.copy(path, path.with_name("new.duckdb")))
    with duckdb.connect(str(new)) as connection:
        connection.register("frame", frame.assign(user_key=names, property_id="shop"))
        connection.execute(
            "create table ga4.ml_ga4__user_features as"
            " select date '2026-01-19' as as_of, 1 as sampling_weight, * from frame; "
            f"update beha2vec.prediction_model_current set prediction_version = '{model.version}'"
        )
    new.replace(path)
    return model.version


def test_expected_purchases_of_each_cluster(shop: None, published: Published) -> None:
    found = published.ask(data.by_cluster, "purchase", 28).set_index("cluster_key")
    assert list(found.index[:1]) == [1] and set(found.index) == {0, 1, 2}
    own = published.query(
        f"select probability as p from {SCORES} where user_key like 'g1-%' and target = 'purchase' and horizon = 28"
    )["p"]
    half = 1.96 * np.sqrt((own * (1 - own)).sum())
    assert found.loc[1, "expected"] == pytest.approx(own.sum())
    assert found.loc[1, "high"] == pytest.approx(own.sum() + half)
    # every buyer has spent 50, so only chance is left: 60 EUR each
    assert found.loc[1, "value_high"] == pytest.approx(60 * (own.sum() + half))
    text = text_of(view("clusters"))
    assert "Expected to buy in 28 days" in text and f'<td class="number">{own.sum():,.0f}</td>' in text


def test_the_longest_horizon_that_was_tested_is_shown(own: Path, tmp_path: Path) -> None:
    untested = Path(shutil.copy(own, tmp_path / "untested.duckdb"))
    for path, rows in ((own, "horizon = 28 and target = 'purchase'"), (untested, "true")):
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"delete from beha2vec.prediction_evaluation where {rows}")
    published = Published(own)
    assert published.ask(data.choices)["purchase"] == ([7, 14, 28], [7, 14], 14)
    columns, note = data.expected_purchases(published)
    assert "Expected to buy in 14 days" in columns and "not tested" not in note
    write_report(published, tmp_path / "report.html", ZoneInfo("Europe/Berlin"))
    read = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "are expected to buy within 14 days" in read
    assert (
        "are expected to add to their cart within 28 days" in read and "Predictions for 28 days were not tested" in read
    )
    columns, note = data.expected_purchases(Published(untested))
    assert "Expected to buy in 28 days" in columns and note.startswith("Predictions for 28 days were not tested")


def test_revenue_that_differs_between_buyers_widens_the_interval(own: Path) -> None:
    before = data.by_cluster(Published(own), "purchase", 28)
    with duckdb.connect(str(own)) as connection:
        connection.execute("update ga4.dim_ga4__users set revenue = 500 where user_key = 'g1-0'")
    after = data.by_cluster(Published(own), "purchase", 28)
    assert (after["value_high"] > before["value_high"]).all() and after["high"].equals(before["high"])


def test_the_interval_of_an_expected_number_holds_what_happens(published: Published) -> None:
    found = published.ask(data.totals, "purchase", 28)
    p = published.query(f"select probability as p from {SCORES} where target = 'purchase' and horizon = 28")[
        "p"
    ].to_numpy()
    happened = (np.random.default_rng(0).random((4000, len(p))) < p).sum(axis=1)
    assert ((happened >= found["low"]) & (happened <= found["high"])).mean() == pytest.approx(0.95, abs=0.02)


def test_the_map_by_probability(shop: None, published: Published) -> None:
    app = view("map")
    app.selectbox(key="map_color").set_value("Prediction").run()
    assert not app.exception and "Users without a score are grey" in text_of(app)
    users = pd.DataFrame({"user_key": ["g-1-0", "g1-0", "g0-0", "nobody"]})
    found = data.probability(published, "purchase", 28, users)
    assert found.isna().tolist() == [True, False, False, True] and found[1] > found[2]
    layers = map_charts.by_number(found, "p", share=True)
    assert [layer.rows.tolist() for layer in layers] == [[0, 3], [2, 1]], "the highest is drawn last"
    figure = map_charts.user_map(
        users.assign(x=0.0, y=0.0, sessions=1, page_views=1, days_ago=1), layers, 4, dark=False
    )
    assert [trace.showlegend for trace in figure.data] == [True, False]


def test_figures_show_what_is_in_the_tables(published: Published) -> None:
    curves = published.ask(data.curves, "purchase", 28)
    points = charts.reliability(curves, "bought", dark=False).data[1]
    assert points.x[0] == pytest.approx(40.0) and points.y[0] == pytest.approx(44.0)
    assert 0 < points.error_y.arrayminus[0] < points.y[0]
    figure = charts.gains(curves, "bought", dark=True)
    assert [trace.name for trace in figure.data] == ["users in random order", "users who bought", "revenue"]
    assert figure.data[1].y[-1] == pytest.approx(100) and figure.data[1].x[1] == pytest.approx(10)
    assert len(charts.gains(published.ask(data.curves, "return", 7), "came back", dark=False).data) == 2
    bins = published.ask(data.distribution, "purchase", 28)
    assert bins["users"].sum() == SCORED and (bins["low"] < bins["high"]).all()


def test_notes_and_methods_are_read(published: Published) -> None:
    found = published.ask(data.model)
    assert found["notes"] == [f"note: {HOSTILE_NAME}"] and found["methods"]["purchase"] == {"all": "ridge logistic"}
