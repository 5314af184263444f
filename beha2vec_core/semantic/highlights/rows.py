"""The rows that are searched: metrics of the semantic layer, summed by user, day and all dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beha2vec_core.profiles.metrics import NOT_SET
from beha2vec_core.profiles.text import is_unfilled
from beha2vec_core.semantic.compiler import compile_sums
from beha2vec_core.semantic.query import Period
from beha2vec_core.store.anonymous import MIN_USERS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_ROW_BYTES = 512  # of memory that DuckDB needs for each row that it groups
_MOST_VALUES = 50  # of one dimension, those of most users
# what GA4 writes where it does not know: nobody can act on it
_NOT_KNOWN = frozenset({NOT_SET, "(data not available)", "(data deleted)", "(other)", "<Other>", ""})


@dataclass(frozen=True)
class Segments:
    """Which value of a dimension each row has."""

    dimension: str  # a name of `DIMENSIONS`
    names: list[str]  # the values with enough users
    codes: Ints  # place in ``names`` [rows]; -1 where the value is another


@dataclass(frozen=True)
class Rows:
    """Sums of one table of the semantic layer by user, day and dimensions; fastest where users' rows stand together."""

    table: str  # a name of `TABLES`
    period: Period  # the days that were read
    user: Ints  # a number for each user [rows]
    users: int  # how many there are
    age: Ints  # days before the last one of the period [rows]
    segments: dict[str, Segments]  # by dimension
    sums: dict[str, Floats]  # by metric: the value, or the numerator; as ``<metric>_n`` the denominator [rows]

    def chosen(self, dimension: str, value: str) -> NDArray[np.bool_] | None:
        """Which rows have the value; None if the table does not know it."""
        found = self.segments.get(dimension)
        if found is None or value not in found.names:
            return None
        chosen: NDArray[np.bool_] = found.codes == found.names.index(value)
        return chosen


def read_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    metrics: tuple[str, ...],
    dimensions: tuple[str, ...],
    period: Period,
) -> Rows:
    """The rows of a table in the period, in the order of the users' numbers."""
    found = _sums(connection, *compile_sums(table, metrics, dimensions, period))
    order = np.argsort(found["user"].to_numpy())
    people, user = grouped(found["user"].to_numpy()[order])
    last = np.datetime64(period.last, "D")
    age = (last - found["day"].to_numpy().astype("datetime64[D]")).astype(np.int64)[order]
    segments = {name: _segments(name, found[name], order, user) for name in dimensions}
    sums = {
        name: found[name].cast(pa.float64()).fill_null(0.0).to_numpy()[order]
        for name in found.column_names
        if name not in (*dimensions, "user", "day")
    }
    return Rows(table, period, user, len(people), age, segments, sums)


def _sums(connection: duckdb.DuckDBPyConnection, rows: str, sums: str) -> pa.Table:
    """The sums of the rows, of some users after others."""
    connection.execute(f"create temp table joined as {rows}")
    try:
        ((number, memory),) = connection.execute(
            "select count(*), parse_formatted_bytes(current_setting('memory_limit')) from joined"
        ).fetchall()
        parts = 1 + number * _ROW_BYTES // memory
        found = [connection.sql(sums, params={"part": part, "parts": parts}).to_arrow_table() for part in range(parts)]
    finally:
        connection.execute("drop table joined")
    return pa.concat_tables(found)


def grouped(keys: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """The keys that there are, ascending, and the place of each row's: as `numpy.unique`, and twice as fast."""
    order = np.argsort(keys, kind="stable")  # the fastest where users stand together
    ascending = keys[order]
    is_first = np.concatenate([[True], ascending[1:] != ascending[:-1]])[: len(keys)]
    place = np.empty(len(keys), dtype=np.int64)
    place[order] = np.cumsum(is_first) - 1
    return ascending[is_first], place


def added_up(rows: Rows, ages: Sequence[int]) -> Rows:
    """Rows that have the same values in all segments, and ages between the same two of ``ages``, as one; without users.

    The sum ``rows`` says of how many rows each is made. There are far fewer of them: what needs only sums takes less.
    """
    part = np.searchsorted(np.asarray(ages), rows.age, side="right")
    key, keys = part, len(ages) + 1
    for one in rows.segments.values():
        if keys * (len(one.names) + 1) > np.iinfo(np.int64).max:
            key = np.unique(key, return_inverse=True)[1]
            keys = len(key)
        key, keys = key * (len(one.names) + 1) + one.codes + 1, keys * (len(one.names) + 1)
    found, place = grouped(key)
    one_of = np.empty(len(found), dtype=np.int64)  # the rows that are added up: they have the same values
    one_of[place] = np.arange(len(place))
    values = rows.sums | {"rows": np.ones(len(place))}
    return replace(
        rows,
        user=np.zeros(len(found), dtype=np.int64),
        age=np.array([0, *ages])[part[one_of]],
        segments={name: replace(one, codes=one.codes[one_of]) for name, one in rows.segments.items()},
        sums={name: np.bincount(place, weights=of).astype(np.float64) for name, of in values.items()},
    )


def _segments(dimension: str, column: pa.ChunkedArray, order: Ints, user: Ints) -> Segments:
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(len(names)).to_numpy()[order].astype(np.int64)
    pairs = np.sort(user * (len(names) + 1) + codes)
    counts = np.bincount(pairs[np.diff(pairs, prepend=-1) > 0] % (len(names) + 1), minlength=len(names))
    by_users: Sequence[int] = sorted(range(len(names)), key=lambda place: (-counts[place], str(names[place])))
    kept = [
        place
        for place in by_users
        if counts[place] >= MIN_USERS and (name := names[place]) not in _NOT_KNOWN and not is_unfilled(str(name))
    ][:_MOST_VALUES]
    place_of = np.full(len(names) + 1, -1, dtype=np.int64)  # the last is where there is no value
    place_of[kept] = np.arange(len(kept))
    return Segments(dimension, [str(names[place]) for place in kept], place_of[codes])
