"""Take people out of one file: their rows go; what names them in other people's rows goes from the text.

A row is theirs if an identifier column has one of their ids; in a table without such columns, if a text in it names
them. Files are replaced by rename. Doing it again changes nothing.
"""

import gzip
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.files import replacing
from beha2vec_core.privacy.forgetting.find import columns_of, open_sqlite, relations_of, sqlite_columns
from beha2vec_core.privacy.forgetting.places import Kind, kind_of, read_lines
from beha2vec_core.privacy.partitions import cleaned_parquet, is_clean
from beha2vec_core.privacy.people import (
    People,
    by_column,
    has_any,
    load,
    may_hold_text,
    named_in_sql,
    owned_by,
    taken_out_sql,
)
from beha2vec_core.store.compact import changed_copy
from beha2vec_core.store.sample import discard_numbers
from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import IDENTIFIERS, PEOPLE
from beha2vec_core.store.warehouse import transaction


class Removed(NamedTuple):
    """What was taken out of a file, or of a table in it: rows, and texts of other rows that named them."""

    file: Path
    table: str
    rows: int
    texts: int = 0


def remove_from_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    people: People,
    *,
    made_from_events: bool = False,
    whole: bool = False,
) -> list[Removed]:
    """Take people out of a file of any kind but those that only a new training replaces.

    Args:
        connection: reads the file; the people were loaded into it (`people.load`).
        people: from `identities.resolve`.
        made_from_events: of a parquet file, see `store.tables.HoldsPeople`.
        whole: delete a file that names one of the people (a fetched page).
    """
    kind = kind_of(path)
    if kind is Kind.DUCKDB:
        return _from_duckdb(connection, path, people)
    if kind is Kind.PARQUET:
        return _from_parquet(connection, path, people, made_from_events)
    if kind is Kind.SQLITE:
        return _from_sqlite(path, people)
    if kind is Kind.OTHER:
        return []
    if not any(people.named_in(line) for line in read_lines(path, kind)):
        return []
    if whole:
        path.unlink()
        return [Removed(path, "", 1)]
    return _from_text(path, kind, people)


class _Plan(NamedTuple):
    """What changes in a table: which rows belong to the people, as SQL, and the types of columns with texts."""

    theirs: str
    texts: dict[str, str]


def _plan(columns: dict[str, str], people: People, with_shared: bool) -> _Plan:
    tests = [owned_by(identifier(one), kind, IDENTIFIERS[one]) for one, kind in columns.items() if one in IDENTIFIERS]
    if with_shared:
        keys = [one for one in ("user_key", "client_key") if one in columns]
        tests += [owned_by(identifier(one), columns[one], "shared") for one in keys]
    texts = {one: kind for one, kind in columns.items() if may_hold_text(kind)}
    if not tests:
        return _Plan(" or ".join(named_in_sql(identifier(one), people) for one in texts) or "false", {})
    return _Plan(" or ".join(tests), texts)


def _look(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str], people: People, with_shared: bool
) -> tuple[int, _Plan]:
    """How many rows go, and what is left to do: in other rows, the columns that name the people."""
    plan = _plan(columns, people, with_shared)
    first = f"{has_any(columns, people)} or {plan.theirs}" if with_shared else has_any(columns, people)
    if not connection.execute(f"select 1 from {relation} where {first} limit 1").fetchall():
        return 0, _Plan("false", {})
    ((theirs,),) = connection.execute(f"select count(*) from {relation} where {plan.theirs}").fetchall()
    named = set()
    if plan.texts:
        counted = by_column(relation, columns, people, f"not ({plan.theirs})")
        named = {column for column, _ in connection.execute(counted).fetchall()}
    texts = {one: kind for one, kind in plan.texts.items() if one in named}
    # a value that is no longer one of its type without the identifier: the row goes
    lost = [
        f"({named_in_sql(identifier(one), people)} and {taken_out_sql(identifier(one), kind, people)} is null)"
        for one, kind in texts.items()
        if kind != "VARCHAR"
    ]
    return int(theirs), _Plan(" or ".join([plan.theirs, *lost]), texts)


def _from_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, people: People, made_from_events: bool
) -> list[Removed]:
    relation = f"read_parquet({quote(path)}, hive_partitioning = false)"
    columns = columns_of(connection, relation)
    theirs, plan = _look(connection, relation, columns, people, made_from_events)
    if not theirs and not plan.texts:
        return []
    selected = [
        f"case when {named_in_sql(name, people)} then {taken_out_sql(name, plan.texts[one], people)} else {name} "
        f"end as {name}"
        if one in plan.texts
        else name
        for one in columns
        for name in [identifier(one)]
    ]
    named = " or ".join(named_in_sql(identifier(one), people) for one in plan.texts) or "false"
    ((rows, texts),) = connection.execute(
        f"select count(*), count(*) filter (where not ({plan.theirs}) and ({named})) from {relation}"
    ).fetchall()
    options = cleaned_parquet() if is_clean(path) else "format parquet, compression zstd"
    with replacing(path) as temporary:
        ((kept,),) = connection.execute(
            f"copy (select {', '.join(selected)} from {relation} where not ({plan.theirs})) "
            f"to {quote(temporary)} ({options})"
        ).fetchall()
        shutil.copystat(path, temporary)  # originals are kept by their age
    return [Removed(path, "", int(rows) - int(kept), int(texts))]


def _from_duckdb(connection: duckdb.DuckDBPyConnection, path: Path, people: People) -> list[Removed]:
    """A copy is changed and renamed over the file, which others may read meanwhile."""
    mode = "" if path.with_name(f"{path.name}.wal").exists() else "(read_only)"
    plans = {}
    with relations_of(connection, path, Kind.DUCKDB, mode) as relations:
        for name, relation in relations.items():
            registered = PEOPLE.get(name.removesuffix("_current"))
            with_shared = registered is not None and registered.made_from_events
            columns = columns_of(connection, relation)
            theirs, plan = _look(connection, relation, columns, people, with_shared)
            if theirs or plan.texts:
                plans[name] = relation.replace("found_in.", "copy.", 1), plan
    if not plans:
        return []
    done = []
    with changed_copy(path) as copy:
        load(copy, people)
        for name, (relation, plan) in plans.items():
            texts = 0
            with transaction(copy):
                ((rows,),) = copy.execute(f"delete from {relation} where {plan.theirs}").fetchall()
                for column, kind in plan.texts.items():
                    text = identifier(column)
                    ((changed,),) = copy.execute(
                        f"update {relation} set {text} = {taken_out_sql(text, kind, people)} "
                        f"where {named_in_sql(text, people)}"
                    ).fetchall()
                    texts += int(changed)
            done.append(Removed(path, name, int(rows), texts))
        discard_numbers(copy, "copy")
    return done


def _from_sqlite(path: Path, people: People) -> list[Removed]:
    """The ledger's rows go. Of Dagster's records the events stay, without the text that names the people."""
    done = []
    with closing(open_sqlite(path)) as connection:
        connection.execute("pragma secure_delete = on")
        for kind in set(IDENTIFIERS.values()):
            ids = people.of_kind(kind)
            connection.create_function(f"is_of_{kind}", 1, lambda value, ids=ids: value in ids)
        connection.create_function("has_person", 1, lambda value: isinstance(value, str) and people.named_in(value))
        connection.create_function("without_person", 1, people.taken_out_of)
        for table, columns in sqlite_columns(connection).items():
            rows = texts = 0
            for column in columns:
                if column in IDENTIFIERS:
                    theirs = f"is_of_{IDENTIFIERS[column]}({identifier(column)})"
                    rows += connection.execute(f"delete from {identifier(table)} where {theirs}").rowcount
            for column in columns:
                name = identifier(column)
                texts += connection.execute(
                    f"update {identifier(table)} set {name} = without_person({name}) where has_person({name})"
                ).rowcount
            if rows or texts:
                done.append(Removed(path, table, rows, texts))
        if done:
            connection.execute("vacuum")
        # where another process has the file open, its log keeps what was deleted long ago
        connection.execute("pragma wal_checkpoint(truncate)")
    return done


def _from_text(path: Path, kind: Kind, people: People) -> list[Removed]:
    """Of CSV and JSON with a record a line, the records go; of other texts, the identifiers."""
    by_record = _has_records(path, kind)
    records = _csv_records(path, kind) if by_record == "csv" else read_lines(path, kind)
    rows = texts = 0
    with replacing(path) as temporary:
        with (
            temporary.open("wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) if kind is Kind.GZIP else raw as file,
        ):
            for record in records:
                if people.named_in(record):
                    if by_record:
                        rows += 1
                        continue
                    texts += 1
                    record = people.taken_out_of(record)
                file.write(record.encode("utf-8", errors="surrogateescape"))
        temporary.chmod(path.stat().st_mode)
    return [Removed(path, "", rows, texts)]


def _has_records(path: Path, kind: Kind) -> str | None:
    name = path.name.removesuffix(".gz")
    if name.endswith(".csv"):
        return "csv"
    if name.endswith((".json", ".jsonl", ".ndjson")):
        try:
            if isinstance(json.loads(next(read_lines(path, kind), "")), dict):
                return "json" if sum(1 for _, _ in zip(read_lines(path, kind), range(2), strict=False)) > 1 else None
        except ValueError:
            return None
    return None


def _csv_records(path: Path, kind: Kind) -> Iterator[str]:
    """A record is as many lines as it takes to close its quotes."""
    record = ""
    for line in read_lines(path, kind):
        record += line
        if record.count('"') % 2 == 0:
            yield record
            record = ""
    if record:
        yield record
