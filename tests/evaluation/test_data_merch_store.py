"""The merchandise store as evaluation data, counted a second way from the flat form of the same events."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from beha2vec_core.dbt_vars import SEQUENCE_EXCLUDED_EVENTS
from tests.benchmarks.data_sets import EvaluationData, load

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
pytestmark = [
    pytest.mark.skipif(not (DATA / "merch_store_2016_2017").is_dir(), reason="the real data are not on this machine"),
    pytest.mark.xdist_group("merch_store_evaluation"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> EvaluationData:
    return load("merch_store", folder=DATA, cache=tmp_path_factory.mktemp("cache"))


def test_every_event_of_the_store_is_there_or_accounted_for(store: EvaluationData) -> None:
    flat = pd.read_csv(DATA / "merch_store_2016_2017/ga4_data.csv", dtype=str)
    assert (len(flat), flat["user_pseudo_id"].nunique()) == (25_302, 2_685)
    kept = flat[~flat["event_name"].isin(SEQUENCE_EXCLUDED_EVENTS)]
    assert len(flat) - len(kept) == 4_577
    same = ["user_pseudo_id", "event_timestamp", "event_name", "page_location", "page_title", "ga_session_id"]
    distinct = kept.drop_duplicates(same)
    viewers = distinct.loc[distinct["event_name"] == "page_view", "user_pseudo_id"].unique()
    expected = distinct[distinct["user_pseudo_id"].isin(viewers)]
    assert "Of 25,302 events of 2,685 users 20,699 of 2,679 stay; left out: 4,577 session_start" in store.about

    events = store.events
    assert len(events) == len(expected) == 20_699
    assert events["user_key"].nunique() == len(viewers) == 2_679
    assert events["event_name"].value_counts().to_dict() == expected["event_name"].value_counts().to_dict()
    assert events["session"].nunique() == len(expected[["user_pseudo_id", "ga_session_id"]].drop_duplicates())
    assert not store.temporal


def test_the_store_has_sections_conversions_and_purchases(store: EvaluationData) -> None:
    events = store.events
    views = events[events["is_page_view"]]
    assert set(views["section"].value_counts().index[:10]) == {
        *("apparel", "home", "bags", "electronics", "basket", "shop+by+brand", "accessories", "office"),
        *("store", "drinkware"),
    }
    assert not views["section"].str.contains("redesign").any()
    assert set(events.loc[events["is_conversion"], "event_name"]) == {"add_to_cart", "begin_checkout", "purchase"}
    assert events.loc[events["is_purchase"], "user_key"].nunique() == 67
    # the population of the intent task
    place = events["is_page_view"].groupby(events["user_key"]).cumsum()
    pages = views.groupby("user_key").size()
    early = events["is_conversion"] & (place <= 5)
    open_users = pages.index[(pages >= 5) & ~early.groupby(events["user_key"]).any()]
    later = (events["is_conversion"] & (place > 5)).groupby(events["user_key"]).any()[open_users]
    assert (len(open_users), int(later.sum())) == (740, 166)
    assert (pages >= 6).sum() == 900


def test_pages_of_the_store_are_labelled_by_rules_alone(store: EvaluationData) -> None:
    labels = store.events.drop_duplicates("page").set_index("page")
    shop = "shop.googlemerchandisestore.com"
    assert labels.at[f"{shop}/basket.html", "page_type"] == "cart"
    assert labels.at[f"{shop}/google+redesign/drinkware", "theme"] == "drinkware"
    assert (store.events["page_type"] == "unknown").mean() < 0.01
