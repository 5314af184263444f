"""A day's user sequences: for each user active that day, the last events of the look-back, as list columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from beha2vec_core.events.query import ENCODER_INPUT, LATEST_FIRST
from beha2vec_core.events.sequences import OPTIONAL_INPUTS
from beha2vec_core.files import replacing
from beha2vec_core.privacy.partitions import cleaned_parquet
from beha2vec_core.store import limits
from beha2vec_core.store.sql import quote

_COLUMNS = ("event_timestamp", "event_name", "page", "theme", "page_type", *OPTIONAL_INPUTS)
_LISTS = ", ".join(f"list({name} order by recency desc) filter (recency <= $length) as {name}" for name in _COLUMNS)
_HISTORY = f"""
    with history as (
        select
            events.*,
            ends.as_of,
            row_number() over (partition by user_key order by {LATEST_FIRST}) as recency,
            bool_or(is_page_view) over (partition by user_key) as has_page_view
        from ({ENCODER_INPUT}) as events
        left join (select unnest($properties) as property_id, unnest($ends) as property_end) as own using (property_id)
        cross join lateral (select coalesce(own.property_end, $end)::timestamp as as_of) as ends
        where events.event_date between $first_day and $day
            and events.event_timestamp <= epoch_us(ends.as_of)
            and user_key in (select user_key from ga4.ml_ga4__sequence_events where event_date = $day)
    )
    select
        user_key,
        max(as_of) as as_of,
        max(recency) as n_events,
        {_LISTS}
    from history
    where has_page_view
    group by user_key
    order by user_key
"""


@dataclass(frozen=True)
class SequenceDay:
    """What one day's sequences hold: ``lengths`` maps a sequence's length to the number of users that have it."""

    event_date: date
    users: int
    events: int
    lengths: dict[int, int]


def sequence_file(sequences_path: Path, day: date) -> Path:
    """The file of the sequences of one day."""
    return sequences_path / f"event_date={day.isoformat()}" / "sequences.parquet"


def end_of_day(day: date, tz: ZoneInfo) -> datetime:
    """The last microsecond of a day in the property's time zone, as naive UTC."""
    midnight = datetime.combine(day + timedelta(days=1), time(), tz)
    return midnight.astimezone(UTC).replace(tzinfo=None) - timedelta(microseconds=1)


def write_day(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    sequences_path: Path,
    *,
    lookback_days: int,
    length: int,
    tz: ZoneInfo,
    property_tz: Mapping[str, ZoneInfo] = MappingProxyType({}),
    is_clean: bool = False,
) -> SequenceDay:
    """Replace the day's sequence file by what the warehouse holds now; a day without active users gives no rows.

    Reads ``ga4.ml_ga4__sequence_events`` and ``beha2vec.enriched_pages``. Users without any page or screen view in the
    look-back have no sequence. The day ends in the time zone ``tz``, for the properties of ``property_tz`` in theirs.
    ``is_clean``: the raw partitions are cleaned of personal data, so `beha2vec migrate` has nothing to clean here.
    """
    target = sequence_file(sequences_path, day)
    parameters = {
        "day": day,
        "first_day": day - timedelta(days=lookback_days - 1),
        "end": end_of_day(day, tz),
        "properties": list(property_tz),
        "ends": [end_of_day(day, zone) for zone in property_tz.values()],
        "length": length,
    }
    options = cleaned_parquet() if is_clean else "format parquet, compression zstd"
    connection.execute(f"create or replace temp table sequences as {_HISTORY}", parameters)
    with replacing(target) as temporary:
        connection.execute(f"copy sequences to {quote(temporary)} ({options})")
    rows = connection.execute("select len(page), count(*) from sequences group by all order by all").fetchall()
    lengths = {int(n): int(users) for n, users in rows}
    return SequenceDay(day, sum(lengths.values()), sum(n * users for n, users in lengths.items()), lengths)


def latest_sequences(folder: Path, max_users: int, users: pa.ChunkedArray | None = None) -> pa.Table:
    """Each user's latest sequence, as an Arrow table.

    Args:
        max_users: the limit; of more users the same ones are always chosen.
        users: user_keys to choose from; None: all.
    """
    files = [str(file) for file in folder.glob("*/*.parquet")]  # DuckDB would expand a [ in the folder's name
    with limits.connect() as connection:
        if users is not None:
            connection.register("chosen", pa.table({"user_key": users}))
        read = "read_parquet($files, hive_partitioning = true, union_by_name = true)"
        # the rows are wide and each user has one for each day: only those of the chosen users are read whole
        return connection.sql(
            f"""
            with latest as (
                select user_key, max(event_date) as event_date from {read}
                {"" if users is None else "semi join chosen using (user_key)"}
                group by user_key order by md5(user_key) limit {int(max_users)})
            select * exclude (event_date) from {read} semi join latest using (user_key, event_date)
            order by md5(user_key)
            """,
            params={"files": files},
        ).to_arrow_table()
