"""Above a number of users a sample is published: the same users in all tables, numbers of all users as they are.

Numbers for models are estimates of all users.
"""

from __future__ import annotations

import math
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from beha2vec_core.chat.data.published import Published as ChatData
from beha2vec_core.chat.model.verify import Known, mark_unknown
from beha2vec_core.cli import app
from beha2vec_core.explorer.data.clusters import older_facts
from beha2vec_core.explorer.data.clusters import sizes as cluster_sizes
from beha2vec_core.explorer.data.predictions import by_cluster, deciles, model
from beha2vec_core.explorer.data.predictions import totals as prediction_totals
from beha2vec_core.explorer.published import Published
from beha2vec_core.mcp.server import make_toolbox
from beha2vec_core.privacy.forgetting.remove import remove_from_file
from beha2vec_core.privacy.forgetting.retention import apply_retention
from beha2vec_core.privacy.people import People, load
from beha2vec_core.profiles.counts import funnel, of_all_users, totals
from beha2vec_core.semantic.query import Query
from beha2vec_core.settings import Settings
from beha2vec_core.store.anonymous import MIN_USERS
from beha2vec_core.store.publish import publish
from beha2vec_core.store.published import open_published
from beha2vec_core.store.sample import about_estimates, sample_advice, sample_notice
from beha2vec_core.store.tables import create_tables

USERS = 4_000
TYPICAL = 200  # users who are always there
NOTICE = "Only about 1 user in 4 is published (BEHA2VEC_PUBLISH_USERS)."


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users of two devices, who have sessions; some have left no row in one of the tables."""
    path = tmp_path_factory.mktemp("sample") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        connection.execute(
            f"""create schema ga4;
            create table ga4.dim_ga4__users as
                select 'u' || n as user_key, 'p' as property_id, ['NO', 'SE'][n % 2 + 1] as country,
                    2 as sessions, n % 2 as purchases, 20.0 * (n % 2) as revenue
                from range({USERS}) as numbers(n);
            create table ga4.int_ga4__identity_map as
                select 'c' || n as client_key, 'u' || n // 2 as user_key from range(2 * {USERS}) as numbers(n);
            create table ga4.int_ga4__sessions as
                select 's' || n as session_key, 'c' || n % 5000 as client_key from range(9000) as numbers(n);
            create table ga4.stg_ga4__event_items as select session_key, client_key from ga4.int_ga4__sessions;
            create view ga4.fct_ga4__sessions as
                select session_key, user_key, date '2026-01-05' as session_date, true as is_engaged
                from ga4.int_ga4__sessions join ga4.int_ga4__identity_map using (client_key);
            create table ga4.ga4_quality__daily as select date '2026-01-05' as event_date, {USERS} as users,
                    9000 as events, 9100 as raw_events, 100 as duplicates_dropped, 0 as events_without_user;
            insert into beha2vec.cluster_members (cluster_key, user_key)
                select n % 2, 'u' || n from range({TYPICAL}) as numbers(n);
            insert into beha2vec.cluster_models (cluster_model_version, model_version, k, promoted_at)
                values ('c1', 'm1', 2, timestamp '2026-01-06');
            insert into beha2vec.user_clusters (event_date, cluster_model_version, model_version, user_key, cluster_key)
                select date '2026-01-05', 'c1', 'm1', 'u' || n, if(n % 10 = 0, -1, n % 2)
                from range({USERS}) as numbers(n);
            insert into beha2vec.cluster_profiles (cluster_key, fact_id, metric, value)
                select cluster_key, 'c' || cluster_key || '.users', 'users', count(*)
                from beha2vec.user_clusters group by cluster_key;
            insert into beha2vec.prediction_models (prediction_version, promoted_at)
                values ('p1', timestamp '2026-01-06');
            insert into beha2vec.user_predictions
                    (event_date, prediction_version, user_key, target, horizon, probability, value, decile)
                select date '2026-01-05', 'p1', 'u' || n, 'purchase', 28, 0.1, 2.0, n % 10 + 1
                from range({USERS}) as numbers(n)
                -- users whose key is another since
                union all select date '2026-01-04', 'p1', 'old' || n, 'purchase', 28, 0.1, 2.0, 1
                from range({USERS}) as numbers(n)"""
        )
    return path


def published(warehouse: Path, folder: Path, most_users: int | None) -> Path:
    file = folder / f"{most_users}" / "serving.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        publish(connection, file, secret=b"secret", most_users=most_users, identifiers="keyed", numbers=of_all_users)
    return file


@pytest.fixture(scope="module")
def whole(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(warehouse, tmp_path_factory.mktemp("whole"), USERS)


@pytest.fixture(scope="module")
def sampled(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(warehouse, tmp_path_factory.mktemp("sampled"), 1_000)


def users_of(connection: duckdb.DuckDBPyConnection, relation: str) -> set[str]:
    return {user for (user,) in connection.execute(f"select distinct user_key from {relation}").fetchall()}


def test_all_tables_have_the_same_users(sampled: Path, whole: Path) -> None:
    with open_published(sampled) as connection, open_published(whole) as everyone:
        users = users_of(connection, "ga4.dim_ga4__users")
        assert 850 < len(users) - 3 / 4 * TYPICAL < 1_150
        assert users < users_of(everyone, "ga4.dim_ga4__users")
        for relation in (
            "ga4.int_ga4__identity_map",
            "beha2vec.cluster_members",
            "ga4.stg_ga4__event_items join ga4.int_ga4__identity_map using (client_key)",
        ):
            assert users_of(connection, relation) <= users, relation
        assert users_of(connection, "ga4.fct_ga4__sessions") == users & users_of(everyone, "ga4.fct_ga4__sessions")
        # each with all of their rows, and who is shown by name is always there
        of_users = "select user_key, count(*) from ga4.fct_ga4__sessions group by 1 order by 1"
        assert set(connection.execute(of_users).fetchall()) < set(everyone.execute(of_users).fetchall())
        assert len(users_of(connection, "beha2vec.cluster_members")) == TYPICAL
        scored, known = users_of(connection, "beha2vec.user_predictions"), users_of(everyone, "ga4.dim_ga4__users")
        assert scored & known == users and 850 < len(scored - known) < 1_150


def test_numbers_of_all_users_stay(sampled: Path, whole: Path) -> None:
    with open_published(sampled) as connection, open_published(whole) as everyone:
        assert connection.execute("select users from ga4.ga4_quality__daily").fetchall() == [(USERS,)]
        assert connection.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]
        assert sample_notice(everyone) is None
        assert totals(connection) == totals(everyone) and totals(connection).users == USERS
        assert funnel(connection) == funnel(everyone) and len(funnel(connection)) >= 2
    sizes, of_all = (Published(path).ask(cluster_sizes).to_dict("records") for path in (sampled, whole))
    assert sizes == of_all and [row["users"] for row in sizes] == [2_000, 1_600, 400]
    assert older_facts(Published(sampled)) == older_facts(Published(whole)) == ""


def test_numbers_for_models_are_estimates_of_all_users(sampled: Path, whole: Path) -> None:
    """Within four standard errors and what rounding adds, though typical users are always published."""
    checked = 0
    with open_published(sampled) as connection, open_published(whole) as everyone:
        tables = everyone.execute(
            "select table_name from duckdb_tables() where schema_name = 'anonymous' order by all"
        ).fetchall()
        for (table,) in tables:
            estimated, of_all = (
                one.sql(f"select * from anonymous.{table} order by all").fetchall() for one in (connection, everyone)
            )
            assert len(estimated) == len(of_all), table
            for few, exact in zip(estimated, of_all, strict=True):
                names = [name for name, *_ in connection.execute(f"describe anonymous.{table}").fetchall()]
                row, other = dict(zip(names, few, strict=True)), dict(zip(names, exact, strict=True))
                if other["users"] < 400:
                    continue
                users = other["users"]
                error = 4 * math.sqrt(3 / users) + 4 * 20 / users  # of one user in 4, and of rounding
                for name in {"users", "sessions", "buyers", "purchases", "revenue", "expected"} & set(names):
                    assert row[name] == pytest.approx(other[name], rel=error), (table, name)
                    assert row["users"] % 80 == 0  # 20 users of the sample
                    checked += 1
    assert checked > 50
    (estimate,), (exactly,) = (ChatData(path).anonymous_measure(Query("users")) for path in (sampled, whole))
    assert exactly["value"] == 2_500 and estimate["value"] == pytest.approx(2_500, rel=0.15)


def test_numbers_are_those_that_are_counted_again(whole: Path, tmp_path: Path) -> None:
    of_an_earlier_release = Path(shutil.copy(whole, tmp_path / "serving.duckdb"))
    with duckdb.connect(str(of_an_earlier_release)) as connection:
        connection.execute("drop table beha2vec.published_sample")
    with open_published(of_an_earlier_release) as connection, open_published(whole) as everyone:
        assert totals(connection) == totals(everyone)
        assert funnel(connection) == funnel(everyone)


def test_numbers_are_counted_again_once_rows_were_removed(whole: Path, sampled: Path, tmp_path: Path) -> None:
    """A person who is forgotten, and days beyond a limit, are in no total until the next publication."""
    for source, users in ((whole, USERS - 1), (sampled, USERS)):
        path = Path(shutil.copy(source, tmp_path / "serving.duckdb"))
        with open_published(path) as connection:
            person = min(users_of(connection, "ga4.dim_ga4__users"))
        with duckdb.connect() as connection:
            load(connection, people := People(keys=frozenset([person])))
            assert remove_from_file(connection, path, people)
        with open_published(path) as connection:
            assert (totals(connection).users, funnel(connection)[1].count) == (users, users)
    path = Path(shutil.copy(whole, tmp_path / "serving.duckdb"))
    apply_retention(Settings(data_dir=tmp_path, retention_days_embeddings=30), datetime(2026, 6, 1, tzinfo=UTC))
    with open_published(path) as connection:
        assert (totals(connection).users, totals(connection).clustered_users) == (USERS, 0)


def test_a_larger_sample_has_the_users_of_a_smaller_one(warehouse: Path, sampled: Path, tmp_path: Path) -> None:
    with open_published(sampled) as connection, open_published(published(warehouse, tmp_path, 2_500)) as larger:
        users = "ga4.dim_ga4__users"
        assert users_of(connection, users) < users_of(larger, users)


def test_readers_say_so(sampled: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(Published(sampled).sample).startswith(NOTICE) and Published(whole).sample is None
    for path, found in ((sampled, True), (whole, False)):
        assert ("estimates" in make_toolbox(path).call("tables", "{}").data) == found
        monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(path.parent))
        done = CliRunner().invoke(app, ["query", "select count(*) from ga4.dim_ga4__users"])
        assert done.exit_code == 0 and (NOTICE in done.stderr) == found and NOTICE not in done.stdout
        done = CliRunner().invoke(app, ["summary"])
        assert "3,600 users in 2 clusters, and 400 with too few events:" in done.stdout
        for size in ("400 users   10.0%", "1,600 users   40.0%", "2,000 users   50.0%"):
            assert size in done.stdout


@pytest.mark.parametrize(
    ("one_in", "errors"),
    [
        # sqrt(3 users + 80^2 / 6)
        (4, {1_000: "6.4%", 10_000: "1.8%", 100_000: "0.5%", 1_000_000: "0.2%"}),
        # sqrt(127 users + 2560^2 / 6); there is no group of 1,000
        (128, {10_000: "15.4%", 100_000: "3.7%", 1_000_000: "1.1%"}),
    ],
)
def test_a_model_learns_how_far_estimates_are_off(one_in: int, errors: dict[int, str]) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"create schema beha2vec; create table beha2vec.published_sample as select {one_in} as one_in"
        )
        found = about_estimates(connection, MIN_USERS)
    assert found and found["one_user_in"] == one_in
    assert {row["users"]: row["standard_error"] for row in found["errors"]} == errors
    known = Known()
    known.add(found)
    users, error = next(iter(errors.items()))
    text = f"Estimated from 1 user in {one_in}: of {users:,} users, the standard error is {error}."
    assert mark_unknown(text, known) == (text, [])


def test_a_sample_is_recommended_where_readers_are_slow(whole: Path) -> None:
    with open_published(whole) as connection:
        assert sample_advice(totals(connection).users) is None
    advice = sample_advice(890_000)
    assert advice and "All 890,000 users" in advice and "BEHA2VEC_PUBLISH_USERS=200000" in advice


def test_expected_purchases_of_tenths_and_in_total_are_of_all_users(sampled: Path, whole: Path) -> None:
    few, everyone = Published(sampled), Published(whole)
    assert few.ask(model)["users"] == everyone.ask(model)["users"] > USERS / 2
    assert few.ask(prediction_totals, "purchase", 28) == everyone.ask(prediction_totals, "purchase", 28)
    assert few.ask(deciles, "purchase", 28).equals(everyone.ask(deciles, "purchase", 28))


def test_intervals_are_of_all_users_as_their_values_are(sampled: Path, whole: Path) -> None:
    few, everyone = (by_cluster(Published(path), "purchase", 28) for path in (sampled, whole))
    assert list(few["value"]) == list(everyone["value"]) and len(few) == 3
    assert list(few["value_low"]) == pytest.approx(list(everyone["value_low"]))
