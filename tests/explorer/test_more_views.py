"""Look-alikes, pages and model in Streamlit, without a browser."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from streamlit.elements.lib import policies
from streamlit.testing.v1 import AppTest

from beha2vec_core.explorer import page
from beha2vec_core.explorer.data import lookalikes, model
from beha2vec_core.explorer.data import pages as data
from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.pages.overrides import Overrides
from beha2vec_core.quality.check import Look
from beha2vec_core.quality.encoder import vectors_are_distributed_as_before
from beha2vec_core.settings import Settings
from tests.explorer.test_views import text_of, view


@pytest.fixture(autouse=True)
def shop(more_serving: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(more_serving.parent))
    page.settings.clear()


@pytest.fixture(scope="module")
def more(more_serving: Path) -> Published:
    return Published(more_serving)


def look_for(*ids: str, converted: bool = False, length: int = 50) -> AppTest:
    app = view("lookalikes")
    app.text_area(key="look_ids").set_value("\n".join(ids))
    app.checkbox(key="look_converted").set_value(converted)
    app.number_input(key="look_length").set_value(length)
    return app.button[0].click().run()


def test_look_alikes_of_a_list_are_of_its_group_and_unknown_ids_are_reported() -> None:
    app = look_for(*(f"d.g1-{n}" for n in range(20)), "C21", "<b>nobody</b>", converted=True, length=30)
    assert not app.exception
    text = text_of(app)
    assert "21 seed users" in text and "&lt;b&gt;nobody&lt;/b&gt;" in text and "<b>nobody" not in text
    assert [expander.label for expander in app.expander] == ["Unknown ids: 1"]
    # of 80 in the group 59 are no seeds, and 29 of these have not bought
    metrics = {metric.label: metric.value for metric in app.metric}
    assert 75 <= int(metrics["Precision of the list"].rstrip("%")) <= 100
    assert metrics["Better than chance"].endswith("times")
    assert '<td class="number">30</td>' not in text, "the first 20 are shown"
    assert "g1-" in text and "The list (n = 30 users)" in text


def test_the_list_for_ads_leaves_out_who_did_not_consent() -> None:
    app = look_for(*(f"d.g1-{n}" for n in range(20)))
    (label,) = [button.proto.label for button in app.get("download_button") if "Customer" in button.proto.label]
    # the 60 users of the group who are no seeds come first; of the 50 in the list a fifth did not consent
    denied = int(
        text_of(app).partition(" users left out: no consent to ads")[0].rsplit(maxsplit=1)[-1].rpartition(">")[2]
    )
    assert 5 < denied < 15 and label == f"Customer Match: {50 - denied} ids"


@pytest.mark.parametrize("name", ["lookalikes", "map", "clusters"])
def test_no_kept_widget_has_a_default_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit warns of it, once a process."""
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)
    code = f"from beha2vec_core.explorer import page, views\npage.keep_choices()\nviews.render({name!r})"
    app = AppTest.from_string(code, default_timeout=600).run().run()
    assert not app.exception and not policies._shown_default_value_warning


def test_few_seeds_get_a_list_but_no_estimate_and_no_seeds_neither() -> None:
    app = look_for("g1-0", "g1-2")
    assert "At least 10 seed users are needed" in text_of(app) and "The list (n = 50 users)" in text_of(app)
    app = look_for("nobody")
    assert "None of these ids" in text_of(app) and "The list" not in text_of(app)
    assert not view("lookalikes").metric, "nothing is asked yet"


def test_look_alikes_of_a_cluster_are_others() -> None:
    app = view("lookalikes")
    app.segmented_control(key="look_source").set_value("A cluster").run()
    app.selectbox(key="look_cluster").set_value(2)
    app.button[0].click().run()
    assert not app.exception and "60 seed users" in text_of(app)
    assert ">g2-" not in text_of(app)


def test_the_list_of_the_view_is_that_of_the_core(more: Published) -> None:
    seeds = lookalikes.find(more, ("g0-1", "d.g0-2"))
    assert seeds.user_keys == ("g0-1", "g0-2")
    found = lookalikes.best(more, seeds, "nearest", 500, False)
    assert len(found) == 258 and found["user_key"].head(60).str.startswith("g0-").all()
    assert lookalikes.estimate_holdout(more, seeds, 100, False) is None
    assert not found["user_key"].str.startswith("g-1-").any(), "of whom too little is known"


def test_coverage_is_weighted_by_views(more: Published) -> None:
    pages = more.query("from beha2vec.enriched_pages join ga4.dim_ga4__pages using (page_key)")
    found = more.ask(data.coverage).set_index(["kind", "level"])
    doubtful = pages["theme_confidence"] < data.SURE
    overridden = pages["theme_method"] == "override"
    likely = pages.loc[doubtful & ~overridden, "page_views"].sum()
    assert found.loc[("theme", "likely"), "views"] == likely
    assert found.loc[("theme", "sure"), "share"] == pytest.approx(1 - likely / pages["page_views"].sum())
    assert more.ask(data.by_label, "theme")["views"].sum() == pages["page_views"].sum()
    first, second = more.ask(data.to_review)["page_key"][:2]
    assert first == "shop.example/article/0", "as the run has ranked them, then by views"
    unranked = pages[pages["page_key"] != first]
    assert pages.set_index("page_key").loc[second, "page_views"] == unranked["page_views"].max()
    assert more.ask(data.to_review, "ARTICLE/4")["page_key"].str.contains("article/4").all()


def test_page_views_are_the_overviews_and_a_difference_is_reported(
    more_serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(more_serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """insert into ga4.fct_ga4__page_views (page_key) select null from range(134);
            insert into ga4.dim_ga4__pages by name select 'new' as page_key, 7 as page_views, 1 as users;
            insert into ga4.fct_ga4__page_views (page_key) select 'new' from range(7)"""
        )
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(tmp_path))
    page.settings.clear()
    overview = {metric.label: metric.value for metric in view("overview").metric}
    app = view("site")
    assert not app.exception and overview["Page views"] == "1,789"
    assert "Of 1,789 page views in all, 134 have no page, and so no label." in text_of(app)
    assert "n = 1,655 page views" in text_of(app), "also of the page that has no label yet"
    labels = Published(path).ask(data.by_label, "theme").set_index("label")["views"]
    assert labels["unknown"] == 7 and labels.sum() == 1_655
    page.settings.clear()
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(more_serving.parent))
    assert "have no page" not in text_of(view("site")), "where there is no difference"


def test_what_is_pending_is_what_differs(more: Published) -> None:
    overrides = Overrides({"shop.example/article/4": "travel", "shop.example/article/0": "offers", "new": "offers"}, {})
    found = more.ask(lambda published: data.pending(published, overrides))
    assert found[["page_key", "kind", "now", "next", "known"]].fillna("").values.tolist() == [
        ["new", "theme", "", "offers", False],
        ["shop.example/article/0", "theme", "travel", "offers", True],
    ]
    taken_back = data.pending(more, Overrides())
    assert taken_back["page_key"].tolist() == ["shop.example/article/4"] and taken_back["next"].isna().all()


def test_many_corrections_are_saved_at_once_wait_and_are_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "overrides.csv"
    monkeypatch.setenv("BEHA2VEC_PAGE_OVERRIDES_FILE", str(file))
    app = view("site")
    rows = app.data_editor[0].value
    assert not app.exception and rows["Address"][0] == "/article/0" and len(rows) > 10
    app.session_state[str(app.data_editor[0].key)] = {
        "edited_rows": {0: {"theme": "footwear"}, 7: {"page_type": "support"}}
    }
    next(one for one in app.button if one.label == "Save").click().run()
    assert not app.exception
    assert "Saved for 2 pages. It applies from the next run" in app.success[0].value
    other = f"shop.example{rows['Address'][7]}"
    assert file.read_text() == f"page_key,theme,page_type\nshop.example/article/0,footwear,\n{other},,support\n"
    assert '<td class="">travel</td><td class="">footwear</td>' in text_of(app)
    assert app.data_editor[0].value["theme"][0] == "footwear"
    app.selectbox(key="take_back").set_value("shop.example/article/0")
    app.button(key="take_back_now").click().run()
    assert not app.exception and file.read_text() == f"page_key,theme,page_type\n{other},,support\n"


def test_corrections_from_a_file_are_checked_and_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "overrides.csv"
    file.write_text("page_key,theme,page_type\nshop.example/,travel,\n")
    monkeypatch.setenv("BEHA2VEC_PAGE_OVERRIDES_FILE", str(file))
    app = view("site")
    app.file_uploader(key="override_file").set_value(
        ("f.csv", b"page_key,theme,page_type\na,footwear,\nb,golf,\n", "text/csv")
    )
    next(one for one in app.button if one.label == "Add").click().run()
    assert not app.exception and "line 3" in app.error[0].value and "golf" in app.error[0].value
    assert "footwear" not in file.read_text()
    for broken, words in (
        (b"page_key,theme\na,footwear\n", "page_type"),
        (b"page_key,theme,page_type\n  ,travel,\n", "line 2"),
    ):
        app.file_uploader(key="override_file").set_value(("f.csv", broken, "text/csv"))
        next(one for one in app.button if one.label == "Add").click().run()
        said = app.error[0].value.replace("\\", "")
        assert not app.exception and words in said and "f.csv" in said
    app.file_uploader(key="override_file").set_value(
        ("f.csv", b"page_key,theme,page_type\na,footwear,\nb,offers,\n", "text/csv")
    )
    next(one for one in app.button if one.label == "Add").click().run()
    assert not app.exception and "Saved for 2 pages" in app.success[0].value
    assert file.read_text() == "page_key,theme,page_type\nshop.example/,travel,\na,footwear,\nb,offers,\n"


def test_a_wrong_overrides_file_is_reported_without_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "overrides.csv"
    file.write_text("page_key,theme,page_type\na,nonsense,\n")
    monkeypatch.setenv("BEHA2VEC_PAGE_OVERRIDES_FILE", str(file))
    text = text_of(view("site"))
    assert "nonsense" in text and "overrides" in text and str(tmp_path) not in text.replace("\\", "")


def test_the_model_with_curve_gains_drift_and_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHA2VEC_DAGSTER_URL", "https://dagster.example/")
    app = view("model")
    assert not app.exception
    text = text_of(app)
    assert {metric.label: metric.value for metric in app.metric}["Users (10% held out)"] == "280"
    assert "0.200 (Markov)" in text and "+0.100 (+0.050 to +0.150)" in text and "0.990" not in text
    assert "Training (n = 5 epochs, 280 users)" in text
    assert "&lt;script&gt;" in text and "2.0%" in text and "Purchase events" in text
    links = [element.proto.url for element in app.get("link_button")]
    assert "https://dagster.example/assets/user_embeddings" in links


def test_drift_is_the_stability_index_of_the_nightly_check(more: Published) -> None:
    found = more.ask(model.drift)
    assert len(found) == 14 and found["users"].sum() == more.query("from beha2vec.user_embeddings").shape[0]
    judged = found[found["stability_index"].notna()]
    assert len(judged) == 7 and (judged["stability_index"] < judged["limit"]).mean() > 0.8, "the shop stays the same"
    assert found["stability_index"].isna()[:7].all(), "before the first week there is nothing to compare with"
    with more.cursor() as cursor:
        settings = Settings(data_dir=more.path.parent)
        for row in judged.to_dict("records"):
            day = row["event_date"].date()
            look = Look(lambda _: nullcontext(cursor), day, day, settings)
            figures = vectors_are_distributed_as_before(look).figures
            assert (figures["stability_index"], figures["limit"]) == (row["stability_index"], row["limit"])


def test_vectors_that_move_are_seen(more_serving: Path, tmp_path: Path) -> None:
    moved = tmp_path / "serving.duckdb"
    moved.write_bytes(more_serving.read_bytes())
    with duckdb.connect(str(moved)) as connection:
        connection.execute(
            """update beha2vec.user_embeddings set behavior = list_transform(behavior, lambda x: x + 1.0)
            where event_date = date '2026-01-17'"""
        )
    found = Published(moved).ask(model.drift).set_index("event_date")
    day = found.loc[pd.Timestamp("2026-01-17")]
    assert day["stability_index"] > 2 * day["limit"]


@pytest.mark.parametrize(
    ("table", "question", "asset"),
    [
        ("beha2vec.enriched_pages", data.coverage, "enriched_pages"),
        ("beha2vec.encoder_evaluation", model.evaluation, "encoder_evaluation"),
        ("ga4.ga4_quality__daily", model.quality, "ga4_quality__daily"),
        ("ga4.fct_ga4__conversions", lambda published: lookalikes.of_cluster(published, 0), "fct_ga4__conversions"),
    ],
)
def test_empty_states_name_the_asset(
    more_serving: Path, tmp_path: Path, table: str, question: object, asset: str
) -> None:
    bare = tmp_path / "serving.duckdb"
    bare.write_bytes(more_serving.read_bytes())
    with duckdb.connect(str(bare)) as connection:
        connection.execute(f"drop table {table}")
    with pytest.raises(NothingYet, match=f"Materialize {asset}, then serving_database"):
        question(Published(bare))  # type: ignore[operator]
