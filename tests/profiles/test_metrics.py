"""The metric registry: an entry is all that a metric takes."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published as ChatData
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.explorer.data import profile
from beha2vec_core.explorer.published import Published
from beha2vec_core.insights.sheet import FactSheet, fact_sheets
from beha2vec_core.insights.template.clauses import sentence
from beha2vec_core.insights.wording import label
from beha2vec_core.profiles import build_profiles
from beha2vec_core.profiles.metric import Metric, Number, Question, Share
from beha2vec_core.profiles.metrics import METRICS
from tests.chat.chat_world import make_serving
from tests.profiles.profile_world import make_world

OFTEN = Metric(
    "three_sessions_share",
    Share("coalesce(users.sessions, 0) >= 3"),
    did="came for three sessions or more",
    better=1,
    asked=(Question("regulars?", 1),),
)
ORDERS = Metric("purchases_mean", Number("coalesce(users.purchases, 0)::double"), "orders", statement="orders per user")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A published database without them: later tests get a copy of it."""
    return make_serving(tmp_path / "serving.duckdb")


@pytest.fixture
def facts(shop: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The facts of a small shop with two metrics more."""
    for metric in (OFTEN, ORDERS):
        monkeypatch.setitem(METRICS, metric.name, metric)
    return build_profiles(make_world())


@pytest.fixture
def serving(facts: pd.DataFrame, shop: Path) -> Path:
    with duckdb.connect(shop) as connection:
        connection.register("facts", facts)
        connection.execute(f"insert into beha2vec.cluster_profiles by name from facts where metric = '{OFTEN.name}'")
    return shop


def sheet(facts: pd.DataFrame, key: int) -> FactSheet:
    return next(one for one in fact_sheets(facts) if one.cluster_key == key)


def test_it_is_measured(facts: pd.DataFrame) -> None:
    users = make_world().sql("from dim_ga4__users join users_in_clusters using (user_key)").df()
    for key, own in users.groupby("cluster_key"):
        of_cluster = facts[facts["cluster_key"] == key].set_index("metric")
        assert of_cluster.at[OFTEN.name, "value"] == pytest.approx((own["sessions"] >= 3).mean())
        assert of_cluster.at[OFTEN.name, "population_value"] == pytest.approx((users["sessions"] >= 3).mean())
        assert of_cluster.at["purchases_mean", "value"] == pytest.approx(own["purchases"].mean())
        assert of_cluster.at["purchases_mean", "unit"] == "orders"
    assert facts["fact_id"].is_unique


def test_it_is_written_in_sentences(facts: pd.DataFrame) -> None:
    fact = sheet(facts, 1).number(OFTEN.name)
    assert fact is not None
    assert fact.sentence.startswith(f"{fact.shown_value} of users came for three sessions or more (all users ")
    assert sentence(fact).startswith("{c1.three_sessions_share} of them came for")


def test_the_explorer_labels_it(serving: Path) -> None:
    shown = profile.facts(Published(serving), 1)
    own = shown[shown["metric"] == OFTEN.name]
    assert own["label"].tolist() == ["users who came for three sessions or more"] == [label(OFTEN.name, None)]
    assert OFTEN.name in profile.pick(shown, "Numbers", top=99)["metric"].tolist()


def test_the_chat_finds_it(serving: Path) -> None:
    answer = Lookup(ChatData(serving), Aliases(serving)).ask("which cluster has the most regulars?")
    assert {fact.metric for fact in answer.facts} == {OFTEN.name}
    assert "came for three sessions or more" in answer.text


def test_the_worst_is_the_highest_where_less_is_better(serving: Path) -> None:
    lookup = Lookup(ChatData(serving), Aliases(serving))
    for question, is_highest_first in (
        ("which cluster has the worst errors?", True),
        ("which cluster has the best churn?", False),
        ("which cluster is worst at buying?", False),
        ("which cluster is best at buying?", True),
    ):
        values = [fact.value for fact in lookup.ask(question).facts]
        assert values == sorted(values, reverse=is_highest_first) and len(set(values)) > 1, question


def test_entries_name_only_metrics_that_there_are() -> None:
    assert {name for metric in METRICS.values() for asked in metric.asked for name in asked.beside} <= METRICS.keys()
    assert all(name == metric.name and metric.statement and metric.label for name, metric in METRICS.items())
