"""Look-alikes: ids are found, the ranking is that of brute force, hidden seeds tell the truth, files hold the list."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest

from beha2vec_core.lookalikes import (
    METHODS,
    Method,
    Seeds,
    customer_match,
    estimate_holdout,
    find_seeds,
    identifiers,
    rank,
    read_ids,
    seeds_of_cluster,
    to_csv,
)
from beha2vec_core.lookalikes import ranking as ranking_module

KIND, OTHERS, DIM = 300, 2_700, 16


def make_users(kind_spread: float = 0.25) -> pd.DataFrame:
    """300 users around one direction and 2,700 around eight others, some of which are near."""
    rng = np.random.default_rng(5)
    directions = rng.normal(size=(9, DIM))
    groups = np.concatenate([np.zeros(KIND, dtype=int), rng.integers(1, 9, OTHERS)])
    spread = np.where(groups == 0, kind_spread, 0.5)[:, None]
    vectors = (
        directions[groups]
        + spread * rng.normal(size=(len(groups), DIM)) * np.linalg.norm(directions, axis=1).mean() / 4
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return pd.DataFrame(
        {
            "user_key": [hashlib.md5(str(number).encode()).hexdigest() for number in range(len(groups))],
            "identity": [vector.astype(np.float32).tolist() for vector in vectors],
            "cluster_key": groups,
            "low_evidence": rng.random(len(groups)) < 0.1,
            "converted": rng.random(len(groups)) < 0.1,
            "number": range(len(groups)),
        }
    )


@pytest.fixture(scope="module")
def users() -> pd.DataFrame:
    return make_users()


def publish(connection: duckdb.DuckDBPyConnection, users: pd.DataFrame) -> None:
    connection.execute(
        """create schema beha2vec; create schema ga4;
        create table beha2vec.user_embeddings_current as
            select user_key, identity::float[] as identity, 7 as n_events, low_evidence from users;
        create table beha2vec.user_clusters_current as select user_key, cluster_key from users;
        create table ga4.dim_ga4__users as select user_key, 'device-' || number as user_pseudo_id,
            case when number % 2 = 0 then 'C' || number end as user_id,
            number % 3 > 0 as is_ads_consented from users
            union all select 'gone', 'device-gone', null, null;
        create table ga4.int_ga4__identity_map as
            select user_key as client_key, user_key, user_pseudo_id, user_id from ga4.dim_ga4__users
            union all select 'second', (select user_key from users where number = 4), 'device-4-phone', 'C4';
        create table ga4.fct_ga4__conversions as select user_key from users where converted"""
    )


@pytest.fixture(scope="module")
def connection(users: pd.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        publish(connection, users)
        yield connection


def brute_force(users: pd.DataFrame, seeds: list[str], method: Method, chosen: pd.DataFrame) -> pd.Series:
    """Scores by user_key, by plain loops."""
    known = users.set_index("user_key")["identity"].map(np.array)
    of_seeds = [known[key] for key in seeds]
    scores = {}
    for key in chosen["user_key"]:
        if key in seeds:
            continue
        cosines = [float(known[key] @ seed / np.linalg.norm(known[key]) / np.linalg.norm(seed)) for seed in of_seeds]
        mean = np.mean(of_seeds, axis=0)
        to_mean = float(known[key] @ mean / np.linalg.norm(known[key]) / np.linalg.norm(mean))
        scores[key] = to_mean if method == "centroid" else float(np.mean(sorted(cosines)[-10:]))
    return pd.Series(scores).sort_values(ascending=False)


@pytest.mark.parametrize("method", METHODS)
def test_the_ranking_is_that_of_brute_force(
    connection: duckdb.DuckDBPyConnection, users: pd.DataFrame, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_module, "CHUNK_ROWS", 200)  # in many pieces, most of it let go on the way
    seeds = users["user_key"].head(25).tolist()
    allowed = users[~users["converted"] & ~users["low_evidence"]]
    known = [key for key in seeds if key in set(users.loc[~users["low_evidence"], "user_key"])]
    assert len(known) < len(seeds)
    expected = brute_force(users, known, method, allowed).head(60)
    found = rank(connection, seeds, method, 60, without_converters=True)
    assert found["rank"].tolist() == list(range(1, 61))
    assert found["user_key"].tolist() == expected.index.tolist()
    assert found["score"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-5)
    assert not set(found["user_key"]) & set(seeds)
    assert found["cluster_key"].notna().all() and (found["n_events"] == 7).all()


def test_users_without_any_vector_among_the_seeds_are_an_error(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="no seed has a reliable vector"):
        rank(connection, ["gone", "nobody"])


def test_ids_of_every_kind_are_found_and_the_others_told(
    connection: duckdb.DuckDBPyConnection, users: pd.DataFrame
) -> None:
    keys = users["user_key"]
    enough, little = users.index[~users["low_evidence"]], users.index[users["low_evidence"]]
    one, two, even = enough[0], enough[1], next(n for n in enough if n % 2 == 0 and n > 4)
    assert not users["low_evidence"][4]
    ids = [keys[one], f"device-{two}", f"C{even}", "device-4-phone", "C4", "nobody", "device-gone", "'; --",
           f"device-{little[0]}"]  # fmt: skip
    assert find_seeds(connection, ids) == Seeds(
        tuple(sorted(keys[[one, two, even, 4]])),
        unknown=("nobody", "'; --"),
        without_vector=("device-gone",),
        too_little_evidence=(f"device-{little[0]}",),
    )
    assert seeds_of_cluster(connection, 0).user_keys == tuple(sorted(keys[:KIND]))
    assert find_seeds(connection, []) == Seeds(())


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("a\nb\r\n\n a \n", ["a", "b"]),
        ("a, b;c\td", ["a", "b", "c", "d"]),
        ('\ufeffuser_id,name\n"C1","x, y"\nC2,z\n', ["C1", "C2"]),
        ("user_pseudo_id\n1.2\n3.4", ["1.2", "3.4"]),
        ("user_key;score\nk1;0,5\nk2;0,4", ["k1", "k2"]),
        ("", []),
    ],
)
def test_ids_are_read_from_lists_and_tables(text: str, ids: list[str]) -> None:
    assert read_ids(text) == ids


def test_too_many_ids_are_refused_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="at most 200,000, for example a random sample"):
        read_ids("\n".join(map(str, range(200_001))))


@pytest.mark.parametrize("spread", [0.25, 1.0])
def test_hidden_seeds_estimate_precision_share_and_lift(spread: float) -> None:
    """Of tight and of loose kinds, over several draws: near the truth, and mostly inside the intervals."""
    users = make_users(spread)
    errors, inside, lifts = [], [], []
    with duckdb.connect() as connection:
        publish(connection, users)
        known = users[~users["low_evidence"]]
        kind = known.loc[known["number"] < KIND, "user_key"].to_numpy()
        for draw in range(6):
            seeds = list(np.random.default_rng(draw).choice(kind, 60, replace=False))
            holdout = estimate_holdout(connection, seeds, lengths=(100, 400), seed=draw)
            best = rank(connection, seeds, holdout.method, limit=400)
            right = best["user_key"].isin(kind).to_numpy()
            assert holdout.better_than_chance and holdout.candidates == len(known) - 60 and holdout.given == 60
            assert [estimate.users for estimate in holdout.estimates] == [100, 400]
            for estimate in holdout.estimates:
                true = right[: estimate.users].mean()
                errors.append(estimate.precision - true)
                inside.append(estimate.precision_low - 0.02 <= true <= estimate.precision_high + 0.02)
                lifts.append(estimate.lift / (true / ((len(kind) - 60) / holdout.candidates)))
    assert abs(np.mean(errors)) < 0.08 and np.abs(errors).mean() < 0.12
    assert np.mean(inside) >= 0.75
    assert np.mean(lifts) == pytest.approx(1, abs=0.12)


def test_seeds_with_nothing_in_common_are_no_better_than_chance(
    connection: duckdb.DuckDBPyConnection, users: pd.DataFrame
) -> None:
    samples = [users["user_key"].sample(60, random_state=draw).tolist() for draw in range(8)]
    holdout = [estimate_holdout(connection, keys, lengths=(100,)).better_than_chance for keys in samples]
    assert sum(holdout) <= 3


def test_the_estimate_is_the_same_each_time_and_refuses_few_seeds(
    connection: duckdb.DuckDBPyConnection, users: pd.DataFrame
) -> None:
    seeds = users.loc[~users["low_evidence"], "user_key"].head(40).tolist()
    assert estimate_holdout(connection, seeds) == estimate_holdout(connection, list(reversed(seeds)))
    with pytest.raises(ValueError, match="9 seeds have a vector; an estimate needs 10"):
        estimate_holdout(connection, seeds[:9])
    with pytest.raises(ValueError, match="no other users to rank"):
        estimate_holdout(connection, users["user_key"].tolist())


def test_users_with_too_little_evidence_are_neither_ranked_nor_hidden(
    connection: duckdb.DuckDBPyConnection, users: pd.DataFrame
) -> None:
    little = set(users.loc[users["low_evidence"], "user_key"])
    seeds = users["user_key"].head(40).tolist()
    for method in METHODS:
        assert not set(rank(connection, seeds, method, limit=5_000)["user_key"]) & little
    known = [key for key in seeds if key not in little]
    holdout = estimate_holdout(connection, seeds)
    assert holdout == estimate_holdout(connection, known), "a seed that is no candidate says nothing"
    assert holdout.seeds == len(known) < 40 and holdout.candidates == (~users["low_evidence"]).sum() - len(known)
    with pytest.raises(ValueError, match="no seed has a reliable vector"):
        rank(connection, sorted(little)[:20])


def test_the_precision_is_compared_with_chance(connection: duckdb.DuckDBPyConnection, users: pd.DataFrame) -> None:
    kind = users.loc[(users["number"] < KIND) & ~users["low_evidence"], "user_key"]
    holdout = estimate_holdout(connection, kind.head(60).tolist(), lengths=(100,))
    (estimate,) = holdout.estimates
    assert holdout.covered < 0.4 and "nearly all" not in holdout.in_words(estimate)
    found = re.fullmatch(
        r"About (\d+) of the 100 users in the list \((\d+)%\) would be similar to yours; of 100 users "
        r"drawn at random, about (\d+) \(([\d.]+)%\)\.",
        holdout.in_words(estimate),
    )
    assert found and int(found[1]) == round(100 * estimate.precision) and int(found[3]) == round(100 * holdout.share)


def test_of_a_kind_that_is_given_nearly_whole_hardly_any_are_left(
    connection: duckdb.DuckDBPyConnection, users: pd.DataFrame
) -> None:
    """All of a kind as seeds, as "all buyers" are: precision is next to nothing, and the words say why."""
    kind = users.loc[users["number"] < KIND, "user_key"].tolist()
    holdout = estimate_holdout(connection, kind, lengths=(100,))
    (estimate,) = holdout.estimates
    assert estimate.precision < 0.05 < 0.9 < holdout.covered and holdout.better_than_chance
    words = holdout.in_words(estimate)
    assert (
        f"Your {holdout.given} users seem to be nearly all users of their kind" in words
        and "“Better than chance”" in words
    )
    assert "about fewer" not in words and "0.0%" not in words


def test_customer_match_has_the_header_and_normalised_hashes() -> None:
    ids = [" T.est+shop@Gmail.com ", "test@gmail.com", None, "", "C7", "=1+1", float("nan"), "A" * 64]
    assert identifiers(ids) == {"user_id": 2, "email": 2, "hashed": 1}
    email = customer_match(ids, "email")
    digest = hashlib.sha256(b"test@gmail.com").hexdigest()
    assert email.content.decode() == f"Email\n{digest}\n"
    assert (email.rows, email.left_out) == (1, 6)
    assert customer_match(ids, "hashed").content.decode() == f"Email\n{'a' * 64}\n"
    by_id = list(csv.reader(io.StringIO(customer_match(ids, "user_id").content.decode())))
    assert by_id == [["User ID"], ["C7"], ["A" * 64]], "no address in plain text, no formula"


def test_files_hold_the_list(connection: duckdb.DuckDBPyConnection, users: pd.DataFrame) -> None:
    found = rank(connection, users["user_key"].head(5).tolist(), limit=20)
    found.loc[0, "user_pseudo_id"] = "=cmd()"
    read = pd.read_csv(io.BytesIO(to_csv(found)))
    assert read["is_ads_consented"].tolist() == [
        users.set_index("user_key")["number"][key] % 3 > 0 for key in found["user_key"]
    ]
    assert read["user_key"].tolist() == found["user_key"].tolist() and read["user_pseudo_id"][0] == "'=cmd()"
