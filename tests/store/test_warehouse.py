"""The warehouse's door: held from other processes, raised through, killed, shared by threads."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError, replace_partition

HOLD = """
import sys, time
from pathlib import Path
from beha2vec_core.store.warehouse import Warehouse
with Warehouse(Path(sys.argv[1])).connect("a long load") as connection:
    connection.execute(sys.argv[2])
    print("held", flush=True)
    time.sleep(60)
"""
OUTSIDER = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@contextmanager
def process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs ``code`` until it says that it holds the file; killed at the end."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        try:
            assert other.stdout.readline() == "held\n"
            yield other
        finally:
            other.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Warehouse(tmp_path / "data" / "warehouse.duckdb").connect("set up") as connection:
        connection.execute("create table t as select range as n, 'old' as age from range(10)")
    return tmp_path / "data" / "warehouse.duckdb"


def count(path: Path, where: str = "true") -> int:
    with Warehouse(path, lock_timeout=5).connect("count") as connection:
        ((rows,),) = connection.execute(f"select count(*) from t where {where}").fetchall()
    return int(rows)


def test_the_wait_is_bounded_and_the_error_names_holder_and_remedy(path: Path) -> None:
    with process(HOLD, path, "select 1") as other:
        start = time.monotonic()
        with pytest.raises(WarehouseBusyError) as caught, Warehouse(path, lock_timeout=0.5).connect("me"):
            pass
        assert time.monotonic() - start > 0.4 and other.poll() is None, "it still holds the file"
        message = str(caught.value)
        for part in (f"process {other.pid}", "a long load", "me:", "0.5 s", "BEHA2VEC_LOCK_TIMEOUT_SECONDS"):
            assert part in message
        assert not Warehouse(path).is_free()
        assert Warehouse(path).holder().startswith(f"process {other.pid} on ")


def test_a_killed_holder_frees_the_lock_at_once_and_loses_only_what_it_had_not_committed(path: Path) -> None:
    with process(HOLD, path, "begin; delete from t") as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert count(path) == 10
    assert Path(f"{path}.lock").exists()
    assert Warehouse(path).is_free()


def test_a_raise_releases_lock_and_connection(path: Path) -> None:
    warehouse = Warehouse(path, lock_timeout=1)
    with pytest.raises(ZeroDivisionError), warehouse.connect("fails") as connection:
        connection.execute("begin; delete from t")
        _ = 1 / 0
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("select 1")
    assert not Path(f"{path}.lock.holder").exists()
    # another process gets in
    with process(HOLD, path, "select 1"):
        pass
    assert count(path) == 10


def test_an_error_while_opening_releases_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"no database at all" * 1000)
    for _ in range(2):
        with pytest.raises(duckdb.IOException, match="not a valid DuckDB"), Warehouse(path, 1).connect("opens"):
            pass
    assert Warehouse(path).is_free()


def test_exclusive_leaves_the_file_to_another_process(path: Path) -> None:
    with Warehouse(path).exclusive("dbt"):
        query = f"import duckdb; print(duckdb.connect({str(path)!r}).sql('select count(*) from t').fetchall())"
        done = subprocess.run([sys.executable, "-c", query], capture_output=True, text=True, check=True)
        assert done.stdout == "[(10,)]\n"


def test_threads_take_turns(path: Path) -> None:
    warehouse = Warehouse(path, lock_timeout=30)
    inside, most = 0, 0

    def add(number: int) -> None:
        nonlocal inside, most
        with warehouse.connect(f"thread {number}") as connection:
            inside += 1
            most = max(most, inside)
            ((n,),) = connection.execute("select max(n) from t").fetchall()
            time.sleep(0.01)
            connection.execute("insert into t values (?, 'new')", [n + 1])
            inside -= 1

    threads = [threading.Thread(target=add, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert count(path, "n = 17") == 1  # no lost update


def test_two_objects_of_one_process_exclude_each_other(path: Path) -> None:
    with (
        Warehouse(path).connect("first"),
        pytest.raises(WarehouseBusyError, match=f"process {os.getpid()} on .*first"),
        Warehouse(path, lock_timeout=0.2).connect("second"),
    ):
        pass


def test_a_thread_that_would_wait_for_itself_is_reported_at_once(path: Path) -> None:
    warehouse = Warehouse(path, lock_timeout=60)
    refused = pytest.raises(RuntimeError, match="inner: this thread holds")  # a wait ends in another error
    with warehouse.connect("outer"), refused, warehouse.connect("inner"):
        pass
    assert count(path) == 10


def test_a_waiting_thread_is_refused_in_time(path: Path) -> None:
    warehouse = Warehouse(path, lock_timeout=0.3)
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            with warehouse.connect("impatient"):
                pass
        except WarehouseBusyError as error:
            errors.append(error)

    with warehouse.connect("patient"):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert len(errors) == 1
    assert "patient" in str(errors[0])
    assert count(path) == 10


def test_an_outsider_that_reads_is_named(path: Path) -> None:
    with process(OUTSIDER, path, 60) as other:
        with pytest.raises(WarehouseBusyError) as caught, Warehouse(path, lock_timeout=0.5).connect("me"):
            pass
        for part in ("does not take its lock", str(other.pid), "serving.duckdb", "Close it"):
            assert part in str(caught.value)
    assert Warehouse(path).is_free()


def test_an_outsider_that_leaves_in_time_is_waited_for(path: Path) -> None:
    with process(OUTSIDER, path, 0.5):
        assert count(path) == 10


def test_a_connection_past_the_door_is_reported_apart(path: Path) -> None:
    sneaked = duckdb.connect(str(path), read_only=True)
    with pytest.raises(WarehouseBusyError, match="in this process with other settings"), Warehouse(path).connect("me"):
        pass
    sneaked.close()


def test_leftovers_of_a_dead_holder_are_harmless(path: Path) -> None:
    Path(f"{path}.lock").touch()
    Path(f"{path}.lock.holder").write_text("{broken")
    assert Warehouse(path).holder() == "an unknown process"
    assert Warehouse(path).is_free()
    assert count(path) == 10


def test_a_note_that_cannot_be_written_costs_nothing(path: Path) -> None:
    holder = Path(f"{path}.lock.holder")
    holder.mkdir()  # stands for a full disk
    assert count(path) == 10
    assert count(path) == 10


def test_replace_partition_makes_the_table_and_replaces_only_its_keys(path: Path) -> None:
    with Warehouse(path).connect("load") as connection:
        rows = "select 1::bigint as day, range::int as n from range(3)"
        assert replace_partition(connection, "p", rows, "day = 1") == 3
        assert replace_partition(connection, "p", "select 2 as day, 7 as n", "day = 2") == 1
        assert replace_partition(connection, "p", "select 9 as n, 1 as day", "day = 1") == 1
        assert connection.execute("select day, n from p order by day").fetchall() == [(1, 9), (2, 7)]
        # an empty day leaves nothing behind
        assert replace_partition(connection, "p", "select 0 as n, 1 as day limit 0", "day = 1") == 0
        assert connection.execute("select day, n from p").fetchall() == [(2, 7)]


def test_replace_partition_rolls_back(path: Path) -> None:
    with Warehouse(path).connect("load") as connection:
        with pytest.raises(duckdb.Error, match="boom"):
            replace_partition(
                connection, "t", "select range as n, if(range = 5, error('boom'), 'new') as age from range(9)", "true"
            )
        assert connection.execute("select age, count(*) from t group by age").fetchall() == [("old", 10)]
        assert replace_partition(connection, "t", "select 1 as n, 'new' as age", "true") == 1


def test_replace_partition_killed_midway_leaves_the_old_rows(path: Path) -> None:
    code = """
import sys
from pathlib import Path
from beha2vec_core.store.warehouse import Warehouse, replace_partition
import os, time, threading
def say():
    print("held", flush=True)
with Warehouse(Path(sys.argv[1])).connect("a load") as connection:
    threading.Timer(0.5, say).start()
    replace_partition(connection, "t", "select range as n, 'new' as age from range(100000000000)", "true")
"""
    with process(code, path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert count(path, "age = 'old'") == 10
        assert count(path) == 10
