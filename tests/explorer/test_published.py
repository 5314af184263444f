"""The published file is read only, alone, and as it is now; the old one keeps answering."""

import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from beha2vec_core.explorer.published import NothingYet, Published, latest
from beha2vec_core.store.published import NotPublishedError, open_published

COUNT = "select count(*) as n from beha2vec.user_clusters_current"


@pytest.mark.parametrize(
    "statement",
    [
        "delete from beha2vec.user_clusters",
        "create table beha2vec.mine as select 1",
        "from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/beha2vec_explorer_test.csv'",
        "attach '/tmp/beha2vec_explorer_test.duckdb'",
        "set enable_external_access = true",
        "install httpfs",
    ],
)
def test_nothing_but_reading_of_this_file(serving: Path, statement: str) -> None:
    with open_published(serving) as connection, pytest.raises(duckdb.Error):
        connection.execute(statement)


def test_an_export_writes_to_its_own_folder_only(serving: Path, tmp_path: Path) -> None:
    with open_published(serving, written=tmp_path / "out") as connection:
        (tmp_path / "out").mkdir()
        connection.execute(f"copy (select 1) to '{tmp_path}/out/one.csv'")
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"copy (select 1) to '{tmp_path}/one.csv'")


def test_others_in_this_process_may_have_it_open_with_other_settings(serving: Path) -> None:
    with duckdb.connect(str(serving), read_only=True) as other, open_published(serving) as ours:
        assert other.execute(COUNT).fetchall() == ours.execute(COUNT).fetchall() == [(280,)]
        with open_published(serving) as third:
            assert third.execute(COUNT).fetchall() == [(280,)]


def test_after_a_new_publication_the_old_file_answers_and_the_new_one_is_given(serving: Path, tmp_path: Path) -> None:
    path, new = tmp_path / "serving.duckdb", tmp_path / "new.duckdb"
    shutil.copy(serving, path)
    before = latest(path)
    assert latest(path) is before, "one file is opened once"
    shutil.copy(serving, new)
    with duckdb.connect(str(new)) as connection:
        connection.execute("delete from beha2vec.user_clusters_current where cluster_key < 0")
    new.replace(path)
    after = latest(path)
    assert (before.query(COUNT)["n"][0], after.query(COUNT)["n"][0]) == (280, 260)
    assert before.ask(_users) == 280 and after.ask(_users) == 260, "what is remembered is of one file"


def test_answers_are_remembered_and_nobody_can_spoil_them(serving: Path) -> None:
    published, asked = Published(serving), []

    def question(published: Published, key: int) -> pd.DataFrame:
        asked.append(key)
        return published.query("select $key::integer as key", {"key": key})

    first = published.ask(question, 1)
    first["key"] = 99
    assert published.ask(question, 1)["key"].tolist() == [1] and published.ask(question, 2)["key"].tolist() == [2]
    assert asked == [1, 2]


def test_what_is_missing_is_reported_with_its_remedy(serving: Path, tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match="materialize serving_database"):
        Published(tmp_path / "none.duckdb")
    (tmp_path / "text.duckdb").write_text("this is no database")
    with pytest.raises(NotPublishedError, match="materialize serving_database again"):
        Published(tmp_path / "text.duckdb")
    published = Published(serving)
    assert published.has("beha2vec.user_clusters_current") and not published.has("beha2vec.no_such_table")
    with pytest.raises(NothingYet, match=r"no data for this view yet\. Materialize no_such_table"):
        published.query("select 1 from ga4.no_such_table")


def _users(published: Published) -> int:
    return int(published.query(COUNT)["n"][0])
