"""Checks of the ingested data: every row accounted for, every day there and in time, as much of it as usual."""

import math
from datetime import date, datetime, timedelta
from statistics import median
from typing import NamedTuple

from beha2vec_core.ga4.arrivals import due_day
from beha2vec_core.ga4.sources import find_source_files
from beha2vec_core.quality.check import CheckOutcome, Look
from beha2vec_core.quality.statistics import robust_z

_SHOWN = 20
_WATCHED_DAYS = 7
# the same weekday of eight weeks: long enough to be robust, short enough to follow growth
WEEKS = 8
LEAST_WEEKS = 4
# with a spread of a tenth, fewer than a third less or half as much again is nothing unusual
MAX_Z = 4.0


def rows_are_accounted_for(look: Look) -> CheckOutcome:
    """Error where a partition has other rows than the log says, or a day's rows do not add up."""
    if look.settings.storage.warehouse == "bigquery":
        return CheckOutcome(True, {"stored": "in BigQuery, without a copy"})
    partitions = (
        f"read_parquet('{look.settings.storage.raw_path}/*/*/*.parquet', hive_partitioning = true, "
        "hive_types_autocast = false, allow_empty = true)"
    )
    with look.connect("rows_are_accounted_for") as connection:
        days = connection.execute(
            f"""
            with partitions as (
                select property_id::varchar as property_id, event_date::date as event_date, count(*) as rows
                from {partitions} where event_date between $first and $last group by all
            )
            select log.event_date::varchar, rows, accepted, quarantined, coalesce(forgotten, 0), rows_in
            from raw.ga4_ingest_log as log left join partitions using (property_id, event_date)
            where event_date between $first::date and $last::date and (
                rows_in <> accepted + quarantined + coalesce(forgotten, 0)
                or status = 'ingested' and coalesce(rows, 0) <> accepted)
            order by all
            """,
            {"first": look.first.isoformat(), "last": look.last.isoformat()},
        ).fetchall()
    messages = [
        f"{day}: {rows} rows in the partition, {accepted} accepted, {quarantined} quarantined and {forgotten} "
        f"forgotten of {rows_in}"
        for day, rows, accepted, quarantined, forgotten, rows_in in days
    ]
    return CheckOutcome(not days, {"days": len(days), "days_that_differ": messages[:_SHOWN]}, "; ".join(messages[:3]))


def no_property_is_left_over(look: Look) -> CheckOutcome:
    """Warn of partitions of a property that the source no longer has: the same events under another id count twice."""
    export, raw = look.settings.export, look.settings.storage.raw_path
    present = {file.property_id for file in find_source_files(export.source, export.property_id)}
    stored = {folder.name.removeprefix("property_id=") for folder in raw.glob("property_id=*")}
    left = sorted(stored - present)
    return CheckOutcome(not left, {"properties": left}, f"no longer in the export: {', '.join(left)}" if left else "")


def no_day_is_missing(look: Look) -> CheckOutcome:
    """Warn of days of the run without data (later days go on, with a gap), and of days whose files are gone."""
    with look.connect("no_day_is_missing") as connection:
        rows = connection.execute(
            """select event_date, status, problem from raw.ga4_ingest_log
            where status in ('missing', 'unreadable', 'kept') order by event_date"""
        ).fetchall()
    of_run = [row for row in rows if look.first <= row[0] <= look.last]
    messages = [f"{day}: {status}{f' ({problem})' if problem else ''}" for day, status, problem in of_run]
    figures = {"missing": len(of_run), "days": messages[:_SHOWN], "in_all_history": len(rows)}
    return CheckOutcome(not of_run, figures, "; ".join(messages[:3]))


def exports_arrive_in_time(look: Look) -> CheckOutcome:
    """Error where a day of the last week is due and has no events."""
    settings = look.settings
    due = due_day(datetime.now(settings.export.tz), settings.dagster.export_deadline_hour)
    last = min(due, settings.export.end_date or due)
    first = max(settings.export.start_date, due - timedelta(days=_WATCHED_DAYS - 1))
    with look.connect("exports_arrive_in_time") as connection:
        days = connection.execute(
            """select day::date::varchar from generate_series(?::date, ?::date, interval 1 day) as days(day)
            where day::date not in (
                select event_date from raw.ga4_ingest_log where status in ('ingested', 'kept')) order by day""",
            [first, last],
        ).fetchall()
    late = [day for (day,) in days]
    message = f"due by {settings.dagster.export_deadline_hour}:00 of the day after and not there: {', '.join(late)}"
    return CheckOutcome(not late, {"late": len(late), "days": late}, message if late else "")


class _Volume(NamedTuple):
    property_id: str
    day: date
    events: int
    users: int
    events_before: list[int]
    users_before: list[int]


def volume_is_as_usual(look: Look) -> CheckOutcome:
    """Warn where a day has far more or fewer events or users than the same weekday of the weeks before.

    By the robust z of `statistics.robust_z`, once four such weekdays are there; a day without any event after days with
    some is reported at once. Days that did not come are another check's.
    """
    with look.connect("volume_is_as_usual") as connection:
        days = [
            _Volume(*row)
            for row in connection.execute(
                f"""with log as (
                    select * from raw.ga4_ingest_log where status in ('ingested', 'kept')
                        and event_date between $first::date - {7 * WEEKS} and $last::date)
                select day.property_id, day.event_date, day.accepted, day.users,
                    list(before.accepted) filter (before.event_date is not null),
                    list(before.users) filter (before.event_date is not null)
                from log as day left join log as before
                    on before.property_id = day.property_id
                    and before.event_date >= day.event_date - {7 * WEEKS} and before.event_date < day.event_date
                    and date_diff('day', before.event_date, day.event_date) % 7 = 0
                where day.event_date between $first::date and $last::date
                group by all order by all""",
                {"first": look.first, "last": look.last},
            ).fetchall()
        ]
    unusual, largest, judged = [], {"events": 0.0, "users": 0.0}, 0
    for day in days:
        # events are a sum over users who differ: with exponential sizes, chance changes it by sqrt(2 / users)
        by_chance = math.sqrt(2 / max(1, median(day.users_before))) if day.users_before else 0.0
        for what, now, before, least_sd in (
            ("events", day.events, day.events_before or [], by_chance),
            ("users", day.users, day.users_before or [], 0.0),
        ):
            if len(before) < LEAST_WEEKS:
                if now == 0:
                    unusual.append(f"{day.day} ({day.property_id}): no {what}")
                continue
            judged += 1
            z = robust_z(now, before, least_sd=least_sd)
            largest[what] = max(largest[what], z, key=abs)
            if abs(z) > MAX_Z:
                usual = sorted(before)[len(before) // 2]
                unusual.append(f"{day.day} ({day.property_id}): {now:,} {what}, usually {usual:,} (z {z:+.1f})")
    figures = {
        "events_z": largest["events"],
        "users_z": largest["users"],
        "judged": judged,
        "events": sum(day.events for day in days),
        "users": sum(day.users for day in days),
        "unusual": unusual[:_SHOWN],
    }
    return CheckOutcome(not unusual, figures, "; ".join(unusual[:3]))
