"""User histories as ragged arrays: flat values and offsets, built from events or from list columns.

What belongs here: reading a table, checking it, ordering it, cutting it at ``as_of`` and to the last L events.
What does not: vocabularies and tensors (see :mod:`beha2vec_core.encoder`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beha2vec_core.dbt_vars import PAGE_VIEW_EVENTS
from beha2vec_core.words import counted

IntArray = npt.NDArray[np.int64]
AsOf = datetime | int | None

DAY = 86_400_000_000  # microseconds
REQUIRED_TEXT = ("event_name", "page")
# what an event table may say besides: the order within one microsecond, what views a page, which session it is
OPTIONAL_INPUTS = ("event_index", "is_page_view", "session_key")


class SequenceError(ValueError):
    """The table given cannot be read as user histories; the message names the remedy."""


@dataclass(frozen=True)
class TextColumn:
    """A text column of events: ``values[codes[i]]`` is event i's text, code -1 is null. Values are distinct, sorted."""

    codes: npt.NDArray[np.int32]
    values: list[str]

    def take(self, rows: npt.NDArray[Any]) -> TextColumn:
        """The same column for other rows."""
        return TextColumn(self.codes[rows], self.values)


@dataclass(frozen=True)
class Sequences:
    """The histories of n users with m events in all; user i owns events ``offsets[i]:offsets[i + 1]``, oldest first.

    Users are in order of ``user_key``, each has at least one event, and equal events are in one order whatever the
    order of the rows they came from. ``as_of`` [n] and ``event_timestamp`` [m] are microseconds since 1970, UTC.
    ``page_view`` says which events view a page or a screen [m]; None: the event name says it. ``session`` has the same
    number for events of one session [m], -1 where the session is not known; None: it is known of no event.
    """

    user_key: list[str]
    as_of: IntArray
    offsets: IntArray
    event_timestamp: IntArray
    text: dict[str, TextColumn]
    number: dict[str, npt.NDArray[np.float64]]
    page_view: npt.NDArray[np.bool_] | None = None
    session: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        """Number of users."""
        return len(self.user_key)

    @property
    def n_events(self) -> IntArray:
        """Events of each user [n]."""
        return np.diff(self.offsets)

    @property
    def is_page_view(self) -> npt.NDArray[np.bool_]:
        """Whether each event views a page or a screen [m]."""
        return _views_by_name(self.text["event_name"]) if self.page_view is None else self.page_view

    def select(self, users: npt.NDArray[Any]) -> Sequences:
        """The histories of the users at these positions, in this order."""
        lengths = self.n_events[users]
        return self._take(users, self.as_of[users], lengths, ragged_range(self.offsets[users], lengths))

    def split_at(self, moment: int) -> tuple[Sequences, Sequences]:
        """The parts of the histories before ``moment`` (microseconds UTC) and from it on.

        Each part holds the users who have an event in it. ``as_of`` of the earlier part ends before ``moment``.
        """
        earlier = self.event_timestamp < moment
        return self._part(earlier, np.minimum(self.as_of, moment - 1)), self._part(~earlier, self.as_of)

    def _part(self, inside: npt.NDArray[np.bool_], as_of: IntArray) -> Sequences:
        """The events marked, of the users who have one."""
        lengths = np.diff(np.append(0, np.cumsum(inside))[self.offsets])
        users = np.flatnonzero(lengths)
        return self._take(users, as_of[users], lengths[users], np.flatnonzero(inside))

    def _take(self, users: npt.NDArray[Any], as_of: IntArray, lengths: IntArray, rows: npt.NDArray[Any]) -> Sequences:
        """These users, with these numbers of the events ``rows``."""
        return Sequences(
            user_key=[self.user_key[i] for i in users],
            as_of=as_of,
            offsets=_offsets(lengths),
            event_timestamp=self.event_timestamp[rows],
            text={name: column.take(rows) for name, column in self.text.items()},
            number={name: column[rows] for name, column in self.number.items()},
            page_view=None if self.page_view is None else self.page_view[rows],
            session=None if self.session is None else self.session[rows],
        )


def build_sequences(
    events: Any,
    *,
    optional_text: Sequence[str] = ("theme", "page_type"),
    extra_text: Sequence[str] = (),
    extra_number: Sequence[str] = (),
    as_of: AsOf = None,
    max_length: int | None = None,
    first: int | None = None,
) -> Sequences:
    """Read events (one row an event, any order) or sequences (one row a user, lists) into :class:`Sequences`.

    ``events`` is a pandas DataFrame, an Arrow table or a DuckDB relation with ``user_key`` (text),
    ``event_timestamp`` (int64, microseconds UTC), ``event_name``, ``page`` (text), the optional columns where they
    exist, and the extra ones. Three more are read where the table has them: ``event_index`` (int, the order of a user's
    events of one microsecond), ``is_page_view`` (bool, whether it views a page or a screen), ``session_key`` (text).
    A null in them is as if there were no column: then the event name says what is a view, and pauses end sessions.

    Order: user, then event_timestamp, event_index, event_name, page, then the remaining columns. Events after ``as_of``
    do not count; of the others the last ``max_length`` stay, never the first. Without ``as_of`` a row's own ``as_of``
    (sequences form) counts, else the time of the user's last event. Users with no event left are left out.

    With ``first`` the result has only the first ``first`` events of users who have more. Their ``as_of`` is earlier by
    whole days, less than a day after the last of these events, as if the user had been read at the end of that day.

    Raises :class:`SequenceError` for missing columns, wrong types, nulls in required columns, lists of unequal length.
    """
    for name, events_kept in (("max_length", max_length), ("first", first)):
        if events_kept is not None and events_kept < 1:
            raise SequenceError(f"{name} must be at least 1, not {events_kept}")
    table = as_arrow(events)
    text_names = [*REQUIRED_TEXT, *(n for n in optional_text if n in table.column_names), *extra_text]
    _require(table, ["user_key", "event_timestamp", *text_names, *extra_number])
    optional = [name for name in OPTIONAL_INPUTS if name in table.column_names]
    if _is_list(table.schema.field("event_timestamp").type):
        table, user, limit = _flatten(table, [*text_names, *extra_number, *optional])
    else:
        user, limit = _text(table, "user_key", nullable=False), None

    time = _int64(table, "event_timestamp")
    text = {name: _text(table, name, nullable=name not in REQUIRED_TEXT) for name in text_names}
    number = {name: _float64(table, name) for name in extra_number}
    index = _int64(table, "event_index", null=0) if "event_index" in optional else None
    page_view = _page_views(table, text["event_name"]) if "is_page_view" in optional else None
    session = _text(table, "session_key", nullable=True).codes if "session_key" in optional else None

    if as_of is not None:
        limit = np.full(len(time), to_microseconds(as_of), dtype=np.int64)
    # the most significant key is the last one for lexsort
    ties: list[npt.NDArray[Any]] = [c.codes for name, c in text.items() if name not in REQUIRED_TEXT]
    ties += [*number.values(), *(column for column in (page_view, session) if column is not None)]
    keys = [*ties[::-1], text["page"].codes, text["event_name"].codes]
    keys += [time, user.codes] if index is None else [index, time, user.codes]
    order = _order(keys)
    if limit is not None:
        order = order[time[order] <= limit[order]]

    owners = user.codes[order]
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    lengths = np.diff(starts, append=len(order))
    if first is not None:
        longer = lengths > first
        starts, lengths = starts[longer], np.full(int(longer.sum()), first)
    kept = lengths if max_length is None else np.minimum(lengths, max_length)
    order = order[ragged_range(starts + lengths - kept, kept)]
    offsets = _offsets(kept)
    last = order[offsets[1:] - 1]
    seen = time[last] if limit is None else limit[last]
    return Sequences(
        user_key=[user.values[code] for code in owners[starts]],
        as_of=seen if first is None else time[last] + (seen - time[last]) % DAY,
        offsets=offsets,
        event_timestamp=time[order],
        text={name: column.take(order) for name, column in text.items()},
        number={name: column[order] for name, column in number.items()},
        page_view=None if page_view is None else page_view[order],
        session=None if session is None else session[order],
    )


def require_lists(table: pa.Table) -> None:
    """Raise :class:`SequenceError` where the table is not of sequences (one row a user, lists)."""
    _require(table, ["event_timestamp"])
    kind = table.schema.field("event_timestamp").type
    if not _is_list(kind):
        raise SequenceError(f"a stream has one row a user, events in lists, but event_timestamp is {kind}")


def as_arrow(events: Any) -> pa.Table:
    """A pandas DataFrame, Arrow table, record batch (reader) or DuckDB relation as an Arrow table."""
    if isinstance(events, pa.Table):
        return events
    if isinstance(events, pa.RecordBatch):
        return pa.Table.from_batches([events])
    if isinstance(events, pa.RecordBatchReader):
        return events.read_all()
    if hasattr(events, "to_arrow_table"):  # DuckDB relation
        return events.to_arrow_table()
    if hasattr(events, "iloc"):
        try:
            return pa.Table.from_pandas(events, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise SequenceError(
                f"a column mixes types; give each column one type, e.g. astype(str): {error}"
            ) from error
    raise SequenceError(
        f"cannot read events from {type(events).__name__}; give a pandas DataFrame, an Arrow table or a DuckDB relation"
    )


def to_microseconds(moment: datetime | int) -> int:
    """Microseconds since 1970 of a datetime (naive means UTC) or of an int, which is taken as microseconds."""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    if isinstance(moment, int | np.integer) and not isinstance(moment, bool):
        return int(moment)
    raise SequenceError(f"as_of must be a datetime or int64 microseconds (UTC), not {type(moment).__name__}")


def ragged_range(starts: npt.NDArray[Any], lengths: npt.NDArray[Any]) -> IntArray:
    """The indices ``starts[i] .. starts[i] + lengths[i] - 1`` of every i, end to end."""
    total = int(lengths.sum())
    shift = (starts - (np.cumsum(lengths) - lengths)).astype(np.int64)
    ranges: IntArray = np.arange(total, dtype=np.int64) + np.repeat(shift, lengths)
    return ranges


def _order(keys: list[npt.NDArray[Any]]) -> IntArray:
    """``np.lexsort``, which sorts rows that are in order of the last two keys only where these tie."""
    second, first = keys[-2:]
    rise, step = np.diff(first), np.diff(second)
    same = rise == 0
    if not ((rise > 0) | (same & (step >= 0))).all():
        everything: IntArray = np.lexsort(keys)
        return everything
    ties = same & (step == 0)
    tied = np.flatnonzero(np.append(ties, False) | np.append(False, ties))
    order = np.arange(len(first))
    order[tied] = tied[np.lexsort([key[tied] for key in keys])]
    return order


def _offsets(lengths: npt.NDArray[Any]) -> IntArray:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _require(table: pa.Table, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise SequenceError(
            f"missing columns {missing}; there are {table.column_names}. Rename or add them "
            "(required: user_key, event_timestamp, event_name, page, and what the encoder was fitted on)"
        )


def _flatten(table: pa.Table, names: Sequence[str]) -> tuple[pa.Table, TextColumn, IntArray | None]:
    """One row a user to one row an event; each event's user; and its ``as_of`` where the table has that column."""
    users = _text(table, "user_key", nullable=False)
    if len(users.values) < table.num_rows:
        raise SequenceError("a user_key has several rows of sequences; keep one row a user (e.g. the latest as_of)")
    lists = {name: _chunk(table[name]) for name in dict.fromkeys(["event_timestamp", *names])}
    lengths: IntArray | None = None
    flat: dict[str, pa.Array] = {}
    for name, column in lists.items():
        if not _is_list(column.type):
            raise SequenceError(f"{name} is {column.type} but event_timestamp holds lists; give lists for both")
        these = np.asarray(pc.fill_null(pc.list_value_length(column), 0), dtype=np.int64)
        given = np.asarray(column.is_valid()) | (name not in OPTIONAL_INPUTS)
        if lengths is None:
            lengths = these
        these = np.where(given, these, lengths)
        if not np.array_equal(lengths, these):
            user = table["user_key"][int(np.flatnonzero(lengths != these)[0])]
            raise SequenceError(
                f"the lists {name} and event_timestamp of user {user} differ in length; make them equal"
            )
        flat[name] = pc.list_flatten(column)
        if not given.all():
            known = np.repeat(given, lengths)
            flat[name] = flat[name].take(pa.array(np.cumsum(known) - 1, mask=~known))
    assert lengths is not None
    rows = np.repeat(np.arange(table.num_rows), lengths)
    limit = _as_of_column(table)[rows] if "as_of" in table.column_names else None
    return pa.table(flat), users.take(rows), limit


def _as_of_column(table: pa.Table) -> IntArray:
    column = _chunk(table["as_of"])
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.int64())
    return _int64(pa.table({"as_of": column}), "as_of")


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        return pa.concat_arrays(combined.chunks) if combined.num_chunks else pa.array([], type=combined.type)
    return combined


def _text(table: pa.Table, name: str, *, nullable: bool) -> TextColumn:
    column = _chunk(table[name])
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_null(kind) or (len(column) == 0 and not pa.types.is_nested(kind)):
        column = column.cast(pa.string()) if pa.types.is_null(kind) else pa.array([], type=pa.string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise SequenceError(f"{name} must be text, not {kind}; cast it, e.g. astype(str) or CAST({name} AS VARCHAR)")
    if not nullable and column.null_count:
        raise SequenceError(f"{name} is null in {counted(column.null_count, 'row')}; drop or fill these rows first")
    if pa.types.is_dictionary(column.type):  # decoded, since a dictionary may repeat or keep unused values
        column = column.cast(kind)
    encoded = column.cast(pa.large_string()).dictionary_encode()
    dictionary = encoded.dictionary
    ascending = np.asarray(pc.sort_indices(dictionary), dtype=np.int64)
    rank = np.empty(len(ascending) + 1, dtype=np.int32)
    rank[ascending] = np.arange(len(ascending), dtype=np.int32)
    rank[-1] = -1  # null
    codes = np.asarray(pc.fill_null(encoded.indices, -1), dtype=np.int64)
    return TextColumn(rank[codes], dictionary.take(pa.array(ascending)).to_pylist())


def _views_by_name(names: TextColumn) -> npt.NDArray[np.bool_]:
    viewed = np.array([name in PAGE_VIEW_EVENTS for name in names.values], dtype=bool)
    is_view: npt.NDArray[np.bool_] = viewed[names.codes]
    return is_view


def _page_views(table: pa.Table, names: TextColumn) -> npt.NDArray[np.bool_]:
    """What ``is_page_view`` says; where it is null, the event name does."""
    column = _chunk(table["is_page_view"])
    by_name = _views_by_name(names)
    if len(column) == 0 or column.null_count == len(column):
        return by_name
    if not pa.types.is_boolean(column.type):
        raise SequenceError(f"is_page_view must be boolean, not {column.type}; cast it, e.g. CAST(x AS BOOLEAN)")
    return np.where(np.asarray(column.is_valid()), np.asarray(pc.fill_null(column, False)), by_name)


def _int64(table: pa.Table, name: str, null: int | None = None) -> IntArray:
    column = _chunk(table[name])
    if len(column) == 0:
        return np.empty(0, dtype=np.int64)
    if null is not None and column.null_count:
        column = pc.fill_null(column.cast(pa.int64()) if pa.types.is_null(column.type) else column, null)
    if not pa.types.is_integer(column.type):
        raise SequenceError(
            f"{name} must be int64 (microseconds since 1970, UTC, for times), not {column.type}; "
            "cast it, e.g. epoch_us(t) in DuckDB or t.astype('datetime64[us]').astype('int64') in pandas"
        )
    if column.null_count:
        raise SequenceError(f"{name} is null in {counted(column.null_count, 'row')}; drop or fill these rows first")
    return np.asarray(column.cast(pa.int64()), dtype=np.int64)


def _float64(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    column = _chunk(table[name])
    if len(column) == 0:
        return np.empty(0, dtype=np.float64)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise SequenceError(f"{name} was declared a number but is {kind}; cast it to DOUBLE")
    return np.asarray(pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")), dtype=np.float64)
