"""BigQuery's statements, run by DuckDB in its dialect: the table has the members of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from beha2vec_core.activation.bigquery import BigQuery, Lost, create_sql, merge_sql
from beha2vec_core.activation.destination import ActivationError, Change, Member
from beha2vec_core.activation.run import plan_and_send, plan_only
from beha2vec_core.audiences.file import Activation
from beha2vec_core.settings import Settings
from tests.activation.activation_world import BUYERS, EVERYONE, change, make_folder, may_be_contacted

TABLE = "my-project.crm.members"


class Service:
    """DuckDB in the place of BigQuery; it may lose the answer after it has run a statement."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("""attach ':memory:' as "my-project"; create schema "my-project".crm""").fetchall()
        self.lose = 0

    def run(self, statement: str) -> None:
        assert len(statement.encode()) < 1_000_000
        (here,) = sqlglot.transpile(statement, read="bigquery", write="duckdb")
        self.connection.execute(here).fetchall()
        if self.lose:
            self.lose -= 1
            raise Lost("no answer of BigQuery")

    def members(self, audience: str) -> list[str]:
        query = """select user_key from "my-project".crm.members where audience = ? order by 1"""
        return [key for (key,) in self.connection.execute(query, [audience]).fetchall()]


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.connection.close()


def _destination(service: Service) -> BigQuery:
    return BigQuery("bq", table=TABLE, run=service.run)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_folder(tmp_path, BUYERS, EVERYONE, users=200)


def test_the_table_has_the_members_of_now(settings: Settings, service: Service) -> None:
    for audience in (BUYERS, EVERYONE, BUYERS):
        assert plan_and_send(settings, audience, _destination(service))[1].is_complete
        assert service.members(audience.name) == sorted(may_be_contacted(settings, audience.name))
    change(settings, "update ga4.dim_ga4__users set is_ads_consented = not is_ads_consented", BUYERS, EVERYONE)
    plan, _ = plan_and_send(settings, BUYERS, _destination(service))
    assert plan.of_kind("leave") and plan.of_kind("enter")
    assert service.members("buyers") == sorted(may_be_contacted(settings, "buyers"))
    plan, _ = plan_and_send(settings, EVERYONE, _destination(service))
    assert plan.of_kind("update") == 200 and len(service.members("everyone")) == 200


def test_a_statement_without_an_answer_is_run_again(settings: Settings, service: Service) -> None:
    service.lose = 2
    assert plan_and_send(settings, BUYERS, _destination(service))[1].outcomes.keys() == {"unknown"}
    service.lose = 0
    assert plan_and_send(settings, BUYERS, _destination(service))[1].is_complete
    assert service.members("buyers") == sorted(may_be_contacted(settings, "buyers"))


@pytest.mark.parametrize("size", [100, 1500, pytest.param(150_000, marks=pytest.mark.slow)])
def test_no_statement_is_too_long(settings: Settings, service: Service, size: int) -> None:
    change(settings, f"update ga4.dim_ga4__users set country = repeat('''', {size}) where user_key < 'u0190'")
    to = Activation.model_validate({"to": "bq", "attributes": ["country"]})
    audience = EVERYONE.model_copy(update={"activate": (to,)})
    plan, report = plan_and_send(settings, audience, _destination(service))
    too_many = 190 if size == 150_000 else 0
    assert report.outcomes == {"accepted": 200 - too_many} and sum(plan.reasons.values()) == too_many
    assert len(service.members("everyone")) == 200 - too_many


@given(st.text(max_size=50), st.text(max_size=50), st.one_of(st.none(), st.text(max_size=50)))
def test_any_id_stays_a_value(key: str, device: str, login: str | None) -> None:
    row, hashed = BigQuery("bq", table=TABLE).plan("enter", Member(key, "p", device, login), "audience")
    statement = merge_sql(TABLE, [Change("enter", Member(key), row, hashed)])
    (tree,) = sqlglot.parse(statement, read="bigquery")
    assert isinstance(tree, exp.Merge)
    found = {
        one.alias: one.this.this if isinstance(one.this, exp.Literal) else None
        for one in tree.args["using"].find(exp.Select).selects
    }
    assert (found["user_key"], found["user_pseudo_id"], found["user_id"]) == (key, device, login)


def test_a_table_that_is_none_is_refused(settings: Settings) -> None:
    with pytest.raises(ActivationError, match=r"give it as project\.dataset\.table"):
        plan_only(settings, BUYERS, BigQuery("bq", table="members`; drop table x; --"))
    assert create_sql(TABLE).startswith("CREATE TABLE IF NOT EXISTS `my-project`.`crm`.`members` (audience STRING")
