"""SQL of others: what only reads our tables runs, all else is refused or bounded, and says why."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.data import sql_child
from beha2vec_core.chat.data.sql import SqlFailed, SqlLimits, SqlRefused, run_sql
from beha2vec_core.chat.data.sql_rules import MODEL
from tests.chat.hostile_sql import BOUNDED, FILE, NOT_FOR_MODELS, REFUSED
from tests.helpers.cases import few_fast

SECRET = "the secret of the file"
TIGHT = SqlLimits(memory_mb=200, rows=50, cell_characters=500, characters=20_000)
ENDLESS = "select count(*) from range(10000000000000000)"  # needs no memory: its time is the limit it meets


@pytest.fixture
def secret_file() -> Iterator[Path]:
    path = Path(FILE)
    path.write_text(f"a,b\n{SECRET},1\n")
    yield path
    path.unlink(missing_ok=True)


def test_the_corpus_is_large() -> None:
    assert len(set(REFUSED) | set(BOUNDED)) >= 200


def test_hostile_statements_are_refused_with_a_reason(serving: Path, secret_file: Path) -> None:
    before, folder = serving.read_bytes(), sorted(p.name for p in serving.parent.iterdir())
    for statement in REFUSED:
        with pytest.raises((SqlRefused, SqlFailed)) as refusal:
            answer = run_sql(serving, statement, TIGHT)
            pytest.fail(f"{statement!r} was answered: {answer.rows[:3]}")
        message = str(refusal.value)
        assert 20 < len(message) < 500 and SECRET not in message, statement
        assert message.startswith(("Not run: ", "DuckDB: ")), (statement, message)
        assert "\x1b" not in message
    assert not list(secret_file.parent.glob(f"{secret_file.name}.*")), "a file was written"
    assert serving.read_bytes() == before and sorted(p.name for p in serving.parent.iterdir()) == folder


@pytest.mark.parametrize(
    "statement",
    [
        "select " + "case when true then " * 400 + "1" + " end" * 400,
        "select 1" + " from (select 1" * 600 + ")" * 600,
    ],
    ids=["case", "from"],
)
def test_a_statement_nested_as_deeply_as_its_length_allows_does_no_harm(serving: Path, statement: str) -> None:
    try:
        answer = run_sql(serving, statement, TIGHT)
    except SqlFailed as error:
        assert "recursion" in str(error), "Python 3.11 cannot read its syntax tree"
    else:
        assert answer.rows == [[1]]


def test_what_the_parser_lets_through_duckdb_itself_would_refuse(serving: Path, secret_file: Path) -> None:
    """The second and third gates alone: the child's own check, and a database that has no files and no settings."""
    from beha2vec_core.chat.data import sql

    passed = []
    for statement in (
        f"select * from '{FILE}'",
        f"select * from read_text('{FILE}')",
        "set threads = 9",
        "select 1; select 2",
    ):
        request = {"path": str(serving), "statement": statement, "schemas": ["beha2vec", "ga4"], "operators": []}
        request |= {"functions": ["read_text"], "table_functions": ["read_text"], **vars(TIGHT)}
        passed.append(sql._ask_child(request, TIGHT))
    assert all("refused" in answer or "failed" in answer for answer in passed), passed
    assert "file system operations are disabled" in str(passed[1])


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_heavy_statements_end_within_their_limits(serving: Path, every: int) -> None:
    # a process of its own: what the kernel counts for children includes those of other tests of this process
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        largest = pool.submit(_run_heavy_statements, serving, BOUNDED[::every]).result()
    assert largest < TIGHT.memory_mb * 1_000_000 + 1_600_000_000


def _run_heavy_statements(serving: Path, statements: list[str]) -> int:
    """The memory in bytes of the statement that needs most."""
    for statement in statements:
        try:
            answer = run_sql(serving, statement, replace(TIGHT, seconds=0.8))
        except SqlFailed as error:
            assert "Stopped" in str(error) or "DuckDB: " in str(error), statement
        else:
            assert len(answer.rows) <= TIGHT.rows, statement
            assert len(str(answer.rows)) < 4 * TIGHT.characters, statement
            assert answer.seconds < 20, statement
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def test_limits_are_reported(serving: Path) -> None:
    with pytest.raises(SqlFailed, match=r"Stopped after 0\.5 s: ask for less"):
        run_sql(serving, ENDLESS, SqlLimits(seconds=0.5))
    with pytest.raises(SqlFailed, match="needs more than 200 MB"):
        run_sql(serving, "select len(list_sort(range(100000000)))", SqlLimits(memory_mb=200))
    cut = run_sql(serving, "select * from range(1000)", SqlLimits(rows=10))
    assert (len(cut.rows), cut.truncated) == (10, True)
    assert len(run_sql(serving, "select repeat('x', 10000)", SqlLimits(cell_characters=100)).rows[0][0]) == 100
    with pytest.raises(SqlRefused, match=r"named without its schema, such as \S+ or beha2vec\.cluster_profiles"):
        run_sql(serving, "select * from cluster_profiles")
    with pytest.raises(SqlFailed, match="materialize first"):
        run_sql(serving.with_name("none.duckdb"), "select 1")


def test_statements_of_all_conversations_share_a_limit(serving: Path) -> None:
    limits = SqlLimits(seconds=1)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(run_sql, serving, ENDLESS, limits) for _ in range(3)]
        reasons = sorted(str(answer.exception()) for answer in answers)
    assert reasons[0].startswith("Not run: other statements are running")
    assert all(reason.startswith("Stopped after 1 s") for reason in reasons[1:])
    assert run_sql(serving, "select 1").rows == [[1]]


INNOCENT = [
    "select cluster_key, count(*) as n from beha2vec.user_clusters_current group by all order by n desc",
    "from beha2vec.cluster_insights select name, summary where cluster_key = 0",
    "with big as (select cluster_key, count(*) n from beha2vec.user_clusters_current group by 1 having n > "
    "20) from big",
    "with a as (from beha2vec.cluster_profiles), b as (select distinct metric from a) select count(*) from b",
    "select *, rank() over (partition by metric order by value desc) as place from beha2vec.cluster_profiles "
    "qualify place = 1",
    "select user_key, lag(page_views) over (order by user_key rows between 1 preceding and current row) from "
    "ga4.dim_ga4__users",
    "select list_transform([1, 2, 3], lambda x: x * 2), list_filter([1, 2], lambda x: x > 1), [x + 1 for x in [1, 2]]",
    "select unnest(evidence) as fact_id, cluster_key from beha2vec.cluster_insights",
    "select date_trunc('week', first_seen_at) as week, count(distinct user_key) from ga4.dim_ga4__users group by 1",
    "select extract(year from first_seen_at), first_seen_at + interval 3 days, date_diff('day', "
    "first_seen_at, now()::timestamp) from ga4.dim_ga4__users limit 1",
    "select strftime(first_seen_at, '%Y-%m'), dayname(first_seen_at) from ga4.dim_ga4__users limit 1",
    "select * from beha2vec.user_clusters_as_of('2026-01-30') limit 3",
    "select count(*) from beha2vec.user_embeddings_as_of(date '2026-01-30') as e",
    "select c.cluster_key, avg(u.page_views), median(u.revenue), stddev(u.sessions) "
    "from beha2vec.user_clusters_current c "
    "join ga4.dim_ga4__users u using (user_key) group by 1 order by 1",
    "select count(*) filter (where purchases > 0) / count(*) as rate, sum(revenue)::decimal(18, 2) from "
    "ga4.dim_ga4__users",
    "select quantile_cont(page_views, [0.25, 0.5, 0.75]), approx_count_distinct(country) from ga4.dim_ga4__users",
    "select country, browser, count(*) from ga4.dim_ga4__users group by rollup (country, browser) order by all",
    "select case when page_views > 5 then 'many' else 'few' end as activity, count(*) from ga4.dim_ga4__users "
    "group by 1",
    "select coalesce(first_medium, '(none)'), string_agg(distinct country, ', ' order by country) from "
    "ga4.dim_ga4__users group by 1",
    "select page_key, regexp_extract(page_key, '/([a-z]+)', 1), split_part(page_key, '/', 2), page_key ilike "
    "'%cart%' from ga4.dim_ga4__pages",
    "select * exclude (page_title), upper(page_title) as title from ga4.dim_ga4__pages where page_key like "
    "'shop%' limit 5",
    "select * replace (round(value, 2) as value) from beha2vec.cluster_profiles where metric in ('users', "
    "'purchase_rate')",
    "select columns('.*_share') from (select 1 as a_share, 2 as b)",
    "select cluster_key from beha2vec.user_clusters_current union select -1 except select 0 order by 1",
    "select i.name, p.value from beha2vec.cluster_insights i asof join beha2vec.cluster_profiles p on "
    "i.cluster_key >= p.cluster_key limit 1",
    "select name, (select max(value) from beha2vec.cluster_profiles p where p.cluster_key = i.cluster_key) "
    "from beha2vec.cluster_insights i",
    "select user_key from beha2vec.user_clusters_current where cluster_key in (select cluster_key from "
    "beha2vec.cluster_insights) limit 2",
    "select list_cosine_similarity(a.behavior, b.behavior) from beha2vec.user_embeddings_current a, "
    "beha2vec.user_embeddings_current b limit 1",
    "with recursive days(d) as (select date '2026-01-01' union all select d + 1 from days where d < date '2026-01-31') "
    "select count(*) from days",
    "select d::date from generate_series(date '2026-01-01', date '2026-01-10', interval 1 day) t(d)",
    "select distinct on (cluster_key) cluster_key, user_key, distance from beha2vec.user_clusters_current "
    "order by cluster_key, distance",
    "select f.dropped_after, t.event_name, count(*) from ga4.fct_ga4__funnel_sessions f "
    "left join ga4.ga4_event_taxonomy t "
    "on t.funnel_step = f.dropped_after group by all order by all",
    "select {'a': 1, 'b': [1, 2]}.b[1], map {'x': 1}['x'], 10 // 3, 2 ** 3, 'a' || 'b', not true, 5 between 1 and 9",
    "(select 1 as a) union all (select 2) order by a limit 1 offset 1; -- the second",
]


@pytest.mark.parametrize("statement", few_fast(INNOCENT, every=5))
def test_statements_of_analysts_run(serving: Path, statement: str) -> None:
    answer = run_sql(serving, statement)
    with duckdb.connect(str(serving), read_only=True) as connection:
        expected = connection.execute(statement)
        assert answer.columns == [column[0] for column in expected.description]
        assert len(answer.rows) == min(len(expected.fetchall()), SqlLimits().rows)


def test_a_model_reads_only_the_anonymous_schema(serving: Path) -> None:
    answer = run_sql(serving, "select users from anonymous.users_by_country order by country", reader=MODEL)
    assert answer.columns == ["users"] and len(answer.rows) == 2, "Malta has five users"
    for statement in NOT_FOR_MODELS:
        with pytest.raises(SqlRefused, match=r"^Not run: .*anonymous"):
            run_sql(serving, statement, reader=MODEL)


def test_the_childs_own_check_keeps_a_model_in_its_schema(serving: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beha2vec_core.chat.data.sql.check", lambda *_: None)
    for statement in ("from ga4.dim_ga4__users", "from beha2vec.user_clusters_as_of('2026-01-30')"):
        with pytest.raises(SqlRefused):
            run_sql(serving, statement, reader=MODEL)


@pytest.mark.parametrize(
    "statement",
    [
        "with leak as (from leak) from leak",
        "with a as (from leak), leak as (select 1) from a",
        "select * from leak where exists (with leak as (select 1) from leak)",
        "from anonymous.users_by_country order by (with leak as (select 1) select 1), (select x from leak)",
    ],
)
def test_a_part_of_a_statement_hides_no_table_that_has_no_schema(serving: Path, tmp_path: Path, statement: str) -> None:
    """Its name is allowed without a schema, and is a table's where the part is not in scope."""
    path = Path(shutil.copy(serving, tmp_path))
    with duckdb.connect(str(path)) as connection:
        connection.execute("create view main.leak as select min(user_key) as x from ga4.dim_ga4__users")
    with pytest.raises(SqlRefused, match="'leak' is the name of a table"):
        run_sql(path, statement, reader=MODEL)


def test_the_process_reads_the_package_that_it_is_part_of(serving: Path) -> None:
    """Whatever version is installed beside it: without installed packages only DuckDB is missing."""
    request = {"seconds": 5, "memory_mb": 200, "path": str(serving), "statement": "select 1"}
    command = [sys.executable, "-I", "-S", sql_child.__file__]
    done = subprocess.run(command, input=json.dumps(request).encode(), stdout=subprocess.PIPE, check=True)
    assert json.loads(done.stdout) == {"failed": "No module named 'duckdb'"}
