"""What the views ask: compared with brute force on the planted shop."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from beha2vec_core import BehaviorEncoder, EncoderConfig, TrainConfig
from beha2vec_core.audiences.area import simplified
from beha2vec_core.chat.data.published import Published as ChatPublished
from beha2vec_core.encoder.encoder import EncoderFormatError
from beha2vec_core.explorer.data import clusters, groups, overview, profile, user
from beha2vec_core.explorer.data import map as user_map
from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.explorer.server import load_encoder, prepare
from beha2vec_core.explorer.text import shown
from beha2vec_core.insights.placeholders import PLACEHOLDER
from beha2vec_core.insights.sheet import fact_sheets
from beha2vec_core.profiles.metrics import STANDS_OUT
from beha2vec_core.settings import Settings
from tests.explorer.explorer_world import CENTERS, DAYS, FIRST, HOSTILE_NAME, LAST, SIZES


def around(group: int, radius: float = 6.0) -> tuple[list[float], list[float]]:
    """A square around a planted group."""
    x, y = CENTERS[group]
    return [x - radius, x + radius, x + radius, x - radius], [y - radius, y - radius, y + radius, y + radius]


def test_totals_are_those_of_the_tables(published: Published) -> None:
    found = published.ask(overview.totals)
    assert (found.users, found.days, found.buyers) == (280, DAYS, 40)
    assert (found.first_day, found.last_day, found.model_version) == (FIRST, LAST, "e1")


def test_sizes_and_names(published: Published) -> None:
    found = published.ask(clusters.sizes).set_index("cluster_key")
    assert found["users"].to_dict() == SIZES
    assert found["share"].sum() == pytest.approx(1)
    assert clusters.names(published)[1] == HOSTILE_NAME


def test_without_insights_clusters_have_plain_names(published: Published, tmp_path: Path) -> None:
    from tests.explorer.explorer_world import make_serving

    path = make_serving(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from beha2vec.cluster_insights")
    bare = Published(path)
    assert clusters.names(bare) == {0: "Cluster 0", 1: "Cluster 1", 2: "Cluster 2", -1: "Too little evidence yet"}
    assert bare.ask(clusters.insight, 0) is None


def test_facts_older_than_the_sizes_are_said_to_be(published: Published, serving: Path, tmp_path: Path) -> None:
    assert clusters.older_facts(published) == ""
    newer = Path(shutil.copy(serving, tmp_path))
    with duckdb.connect(str(newer)) as connection:
        connection.execute("update beha2vec.cluster_profiles set value = value - 3 where fact_id = 'c0.users'")
    assert "(277 users then, 280 now)" in clusters.older_facts(Published(newer))


def test_weekly_change_counts_each_user_once_a_week(published: Published) -> None:
    history = published.query("select * from beha2vec.cluster_history").sort_values("event_date")
    days = pd.to_datetime(history["event_date"])
    middle = pd.Timestamp(LAST) - pd.Timedelta(days=7)
    expected = {
        name: history[part].groupby("user_key")["cluster_key"].last().value_counts().to_dict()
        for name, part in (
            ("now", days > middle),
            ("before", (days <= middle) & (days > middle - pd.Timedelta(days=7))),
        )
    }
    found = published.ask(overview.weekly_change).set_index("cluster_key")
    assert found["now"].to_dict() == expected["now"] and found["before"].to_dict() == expected["before"]


def test_moves_are_the_planted_ones(published: Published) -> None:
    moved = published.ask(clusters.flows, 28)
    changed = moved[moved["from_cluster"] != moved["to_cluster"]]
    assert changed[["from_cluster", "to_cluster"]].values.tolist() == [[0, 2]]
    assert 0 < changed["users"].iloc[0] <= SIZES[2] / 2
    assert published.ask(overview.lineage)["change"].tolist() == ["split"]


def test_size_over_time_adds_up(published: Published) -> None:
    found = published.ask(clusters.size_over_time)
    expected = published.query("select count(*) as n from beha2vec.cluster_history")["n"][0]
    assert found["users"].sum() == expected
    assert pd.to_datetime(found["period"]).dt.date.between(FIRST, LAST).all()


@pytest.mark.parametrize("group", [0, 1, 2])
def test_a_drawn_group_is_the_planted_one(published: Published, group: int) -> None:
    found = user_map.inside(published, simplified(*around(group)))
    assert found == sorted(f"g{group}-{number}" for number in range(SIZES[group]))
    facts = published.ask(user_map.group_profile, tuple(found)).set_index("metric")
    whole = published.ask(profile.facts, group).set_index("metric")
    assert facts.loc["users", "value"] == SIZES[group]
    for metric in ("purchase_rate", "page_views_mean", "return_share"):
        for column in ("value", "population_value"):
            assert facts.loc[metric, column] == pytest.approx(whole.loc[metric, column])


def test_of_a_large_group_a_sample_is_compared(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_COMPARED", 60)
    group = tuple(f"g0-{number}" for number in range(SIZES[0]))
    facts = user_map.group_profile(published, group).set_index(["metric", "feature"])
    whole = published.ask(profile.facts, 0).set_index(["metric", "feature"])
    assert facts.xs("users", level="metric")["value"].item() == 60
    liked = ("theme_view_share", "travel")
    assert facts.loc[liked, "value"] == pytest.approx(whole.loc[liked, "value"], abs=0.1)
    assert facts.loc[liked, "population_value"] == pytest.approx(whole.loc[liked, "population_value"])
    assert facts.loc[liked, "lift"] == pytest.approx(facts.loc[liked, "value"] / whole.loc[liked, "population_value"])


def test_a_drawn_line_holds_nobody(published: Published) -> None:
    assert user_map.inside(published, [(0.0, 0.0), (1.0, 1.0)]) == []
    assert user_map.inside(published, [(900.0, 900.0), (901.0, 900.0), (901.0, 901.0)]) == []


def test_points_and_their_colors(published: Published) -> None:
    points = published.ask(user_map.points)
    assert len(points) == published.ask(user_map.users_on_map) == 280
    assert points["x"].dtype == np.float32, "what is sent to the browser is small"
    assert points.groupby("cluster_key")["bought"].sum().to_dict() == {-1: 0, 0: 0, 1: 40, 2: 0}
    assert min(points["days_ago"]) == 0 and max(points["days_ago"]) < DAYS
    share = published.ask(user_map.theme_share, "travel")
    views = published.query(
        """select user_key, avg((theme = 'travel')::integer) as share from ga4.fct_ga4__page_views
        join beha2vec.enriched_pages using (page_key) group by 1"""
    ).set_index("user_key")["share"]
    assert share.to_numpy() == pytest.approx(points["user_key"].map(views).to_numpy())
    assert set(published.ask(user_map.themes)) == {"travel", "backpacks", "returns", "general"}


def test_a_sample_is_the_same_every_time_and_grows(published: Published) -> None:
    first, second = user_map.points(published, 50), user_map.points(published, 50)
    assert len(first) == 50 and first.equals(second)
    assert set(first["user_key"]) < set(user_map.points(published, 90)["user_key"])


def test_the_file_of_a_group(published: Published) -> None:
    content = user_map.export(published, ("g1-0", "g0-1"), {0: "=HYPERLINK(1)", 1: "a;＋1"})
    rows = pd.read_csv(io.BytesIO(content))
    assert rows["user_key"].tolist() == ["g0-1", "g1-0"] and rows["purchases"].tolist() == [0, 1]
    assert rows["revenue"].tolist() == [0, 50] and rows["currency"].tolist() == ["EUR", "EUR"]
    assert rows["cluster"].tolist() == ["'=HYPERLINK(1)", "a;'＋1"], "a spreadsheet takes none for a formula"


def test_nearest_users_are_those_of_brute_force(published: Published) -> None:
    table = published.query("select user_key, low_evidence, identity from beha2vec.user_embeddings_current")
    vectors = np.stack(table["identity"].to_list()).astype(np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for key in ("g0-3", "g1-7", "g2-11"):
        place = table.index[table["user_key"] == key][0]
        cosine = pd.Series(unit @ unit[place], index=table["user_key"])
        known = cosine[~table.set_index("user_key")["low_evidence"]].drop(key).sort_values(ascending=False)[:10]
        found = published.ask(user.nearest, key)
        chat = ChatPublished(published.path).similar_users(key, limit=10)
        assert [one.user_key for one in chat] == known.index.tolist(), "the chat's are the same"
        assert found["user_key"].tolist() == known.index.tolist()
        assert found["similarity"].to_numpy() == pytest.approx(known.to_numpy(), abs=1e-5)
        views = published.query("select distinct user_key, page_key from ga4.fct_ga4__page_views")
        own = set(views.loc[views["user_key"] == key, "page_key"])
        for other, shared in zip(found["user_key"], found["shared_pages"], strict=True):
            assert shared == len(own & set(views.loc[views["user_key"] == other, "page_key"]))


def test_a_user_and_his_journey(published: Published) -> None:
    found = published.ask(user.about, "g1-0")
    assert found is not None and (found["cluster_key"], found["purchases"]) == (1, 1)
    assert user.cluster(found, {1: "Cooks"}) == "Cooks"
    little = dict(found) | {"cluster_key": -1, "likely_cluster": 2, "probability": 0.625}
    assert user.cluster(little, {-1: "Too little", 2: "Readers"}) == "Too little; likely Readers (62%)"
    assert user.cluster(little | {"likely_cluster": -1}, {-1: "Too little"}) == "Too little"
    assert published.ask(user.about, "' or 1=1 --") is None
    sessions, events = published.ask(user.sessions, "g1-0"), published.ask(user.events, "g1-0")
    assert sessions["started_at"].is_monotonic_decreasing and len(sessions) == found["sessions"]
    assert set(events["session_key"]) == set(sessions["session_key"])
    assert (events["event_name"] == "purchase").sum() == 1
    assert events.groupby("session_key")["step"].min().eq(1).all()
    days = published.ask(user.cluster_days, "g2-0")["cluster_key"].tolist()
    assert days[-1] == 2 and set(days[:-1]) <= {0}


def test_what_comes_next_without_the_encoders_files(published: Published, tmp_path: Path) -> None:
    with pytest.raises(NothingYet, match="trained_encoder here"):
        published.ask(user.next_pages, "g0-0", tmp_path / "encoders")


@pytest.fixture(scope="module")
def encoders(published: Published, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the encoder in use, trained for a moment on the shop's events."""
    events = published.query(
        """select user_key, event_timestamp, event_name, page_key as page, theme, page_type
        from ga4.ml_ga4__sequence_events left join beha2vec.enriched_pages using (page_key)"""
    )
    folder = tmp_path_factory.mktemp("encoders")
    config = TrainConfig(epochs=1, seed=0, device="cpu", progress=False, objectives={"next_event": 1.0})
    BehaviorEncoder.fit(events, EncoderConfig(dim=16, layers=1, min_count=1), config).save(folder / "e1")
    yield folder


def test_what_comes_next(published: Published, encoders: Path) -> None:
    found = user.next_pages(published, "g0-0", encoders)
    titles = set(published.query("select page_title from ga4.dim_ga4__pages")["page_title"])
    assert len(found) == 5 and set(found["title"]) <= titles
    assert found["probability"].between(0, 1).all() and found["probability"].is_monotonic_decreasing
    assert found["probability"].sum() <= 1
    assert user.next_pages(published, "nobody", encoders).empty


def test_the_server_loads_the_encoder_before_it_answers(serving: Path, encoders: Path, tmp_path: Path) -> None:
    (tmp_path / "serving.duckdb").symlink_to(serving)
    (tmp_path / "encoders").symlink_to(encoders)
    user._encoder.cache_clear()
    load_encoder(Settings(data_dir=tmp_path))
    assert user._encoder.cache_info().currsize == 1


@pytest.mark.parametrize("problem", [PermissionError("no"), EncoderFormatError("damaged")])
def test_an_encoder_that_cannot_be_read_stops_nothing(
    serving: Path, encoders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def load(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(BehaviorEncoder, "load", load)
    user._encoder.cache_clear()
    with pytest.raises(NothingYet, match="Materialize trained_encoder"):
        user.next_pages(Published(serving), "g0-0", encoders)
    (tmp_path / "serving.duckdb").symlink_to(serving)
    (tmp_path / "encoders").symlink_to(encoders)
    prepare(Settings(data_dir=tmp_path))


def test_every_number_of_a_fact_is_linked_to_it(published: Published) -> None:
    written = published.ask(clusters.insight, 2)
    assert written is not None
    facts = published.ask(profile.facts, 2)
    values = facts.set_index("fact_id")[["shown_value", "shown_population"]].T.to_dict()
    (sheet,) = fact_sheets(facts)
    texts = [(text, written.drafts[name]) for name, text in written.texts.items()]
    for text, draft in [*texts, *zip(written.actions, written.drafts["actions"], strict=True)]:
        pieces = clusters.linked(text, draft, sheet.by_id)
        assert "".join(piece.text for piece in pieces) == text
        numbers = [piece for piece in pieces if piece.fact_id]
        for piece, (fact_id, form) in zip(numbers, PLACEHOLDER.findall(draft), strict=True):
            assert piece.fact_id == fact_id
            columns = {"": "shown_value", "all": "shown_population"}
            assert form not in columns or piece.text == values[fact_id][columns[form]]
    summary = clusters.linked(written.texts["summary"], written.drafts["summary"], sheet.by_id)
    assert len([piece for piece in summary if piece.fact_id]) > 8


def test_a_text_without_draft_or_with_other_facts_has_no_links(published: Published) -> None:
    written = published.ask(clusters.insight, 2)
    assert written is not None
    text, draft = written.texts["summary"], written.drafts["summary"]
    facts = published.ask(profile.facts, 2)
    (sheet,), (rebuilt,) = fact_sheets(facts), fact_sheets(facts.assign(value=facts["value"] * 1.5))
    assert len(clusters.linked(text, draft, sheet.by_id)) > 8
    for unsure in (clusters.linked(text, None, sheet.by_id), clusters.linked(text, draft, {})):
        assert unsure == [(text, None)]
    assert clusters.linked(text, draft, rebuilt.by_id) == [(text, None)], "never a number beside another value"


def test_a_text_that_is_cleaned_to_be_shown_keeps_its_links(published: Published) -> None:
    """Of a text with a slash in it, what looks like the query of an address is not shown."""
    (sheet,) = fact_sheets(published.ask(profile.facts, 2))
    fact = next(fact for fact in sheet.facts if fact.metric == "page_views_mean")
    draft = f"{{{fact.fact_id}}} page views; from google / cpc to “Which bag fits me?” and on."
    text = draft.replace(f"{{{fact.fact_id}}}", fact.shown_value)
    pieces = clusters.linked(shown(text, 3_000), shown(draft, 3_000), sheet.by_id)
    assert [piece.text for piece in pieces if piece.fact_id] == [fact.shown_value]


def test_what_stands_out_is_clear(published: Published) -> None:
    chosen = profile.pick(published.ask(profile.facts, 2), STANDS_OUT)
    assert chosen.iloc[0]["feature"] in {"returns", "support"} and chosen["lift"].is_monotonic_decreasing
    assert (chosen["z"].abs() >= 3).all() and len(chosen) <= 12
    assert {"label", "shown_value", "shown_population"} <= set(chosen.columns)


def test_one_sentence_says_what_stands_out(published: Published) -> None:
    text = "A group of 976 of 2,963 users, 33% of all. What is unusual: 29% did this; 44% did that. They buy."
    assert clusters.one_sentence(text) == "29% did this; 44% did that."
    assert clusters.one_sentence(text, limit=15) == "29% did this."
    assert clusters.one_sentence("29% did this (all users 4.1%). 44% did that.") == "29% did this (all users 4.1%)."
    assert clusters.one_sentence("They view approx. 12 pages. They buy.") == "They view approx. 12 pages."
    assert clusters.one_sentence(None) == ""
    written = published.ask(clusters.sizes).set_index("cluster_key")["summary"].map(clusters.one_sentence)
    assert "returns" in written[2] and not written.str.contains("A group of").any(), "of what is really written"
