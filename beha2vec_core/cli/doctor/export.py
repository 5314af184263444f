"""Checks of the export and of what describes it: days, time zone, labels of pages."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import duckdb

from beha2vec_core.cli.doctor.check import Check, fail, not_set, ok, refused, warn
from beha2vec_core.ga4.bigquery import price_of
from beha2vec_core.ga4.readers import require_beginning, require_readable
from beha2vec_core.ga4.reading import UnreadableFileError
from beha2vec_core.ga4.sampling import sample_times
from beha2vec_core.ga4.source_files import SourceFile, SourceNotFoundError, SourceNotReachedError, source_days
from beha2vec_core.ga4.sources import find_export, find_source_files
from beha2vec_core.settings import Settings
from beha2vec_core.store.chunks import days_between
from beha2vec_core.words import counted

_SAMPLED_FILES = 3
_LOOKED_AT = 10  # files at most that are judged by their rows, or named


def check_export(settings: Settings) -> Check:
    """The export is found, each of its days once, and no day is missing in the middle."""
    if settings.export.source is None:
        return not_set("BEHA2VEC_SOURCE")
    try:
        export = find_export(settings.export.source, settings.export.property_id)
    except SourceNotFoundError as error:
        return refused(error)
    files = export.files
    ours = [file for file in files if file.lies_in(settings.storage.raw_path)]
    if ours:
        return fail(f"the source holds our own partitions ({ours[0].name})", "set BEHA2VEC_SOURCE to the export only")
    # days of a file without a day in its name are not known: they would lack its events, and nothing would say so
    asked = [file for file in files if _may_be_asked(file, settings)]
    try:
        bad = _unreadable(asked + [file for file in files if not _may_be_asked(file, settings)])
    except SourceNotReachedError as error:
        return refused(error)
    if any(file.day is None for file in bad) or all(file in bad for file in asked or files):
        return fail(_named(bad), "export these files again, or set BEHA2VEC_SOURCE to the export (docs/export.md)")
    try:
        # nothing is read if the models are there too
        price = None if settings.storage.warehouse == "bigquery" else price_of(files)
    except SourceNotReachedError as error:
        return refused(error)
    days = source_days(files)
    found = (
        f"{counted(len(files), 'file')} ({_counted(Counter(file.format for file in files))}), "
        f"{_counted(Counter(file.property_id for file in files), 'property ')}, "
        + (f"{days[0]} to {days[-1]}" if days else "no dates in file names: each file is read whole to find its days")
        + (f"; {export.notice}" if export.notice else "")
        + (f"; {price.summary}" if price else "")
    )
    if bad:
        return warn(
            f"{found}; {_named(bad)}",
            "export these files again (docs/export.md); until then their days are recorded as unreadable or missing",
        )
    twice = _delivered_twice(files)
    if twice:
        return warn(f"{found}; {twice}", "keep one format per day, otherwise its events are read twice")
    missing = sorted({*days_between(days[0], days[-1])} - {*days}) if days else []
    if missing:
        return warn(
            f"{found}; {counted(len(missing), 'missing day')} inside: {_spans(missing)}",
            "export them again (docs/export.md), or accept them: they are recorded as missing",
        )
    return ok(found)


def _may_be_asked(file: SourceFile, settings: Settings) -> bool:
    """Whether the settings ask for its day, or for all, or it names no day."""
    export = settings.export
    return file.day is None or (export.start_date or file.day) <= file.day <= (export.end_date or file.day)


def _unreadable(files: list[SourceFile]) -> dict[SourceFile, str]:
    """Files that cannot be read, and why: of this machine all that are empty or cut short at their beginning.

    Of each format rows are read too, until a file has events. If ten have none, the others are taken to be like them.

    Raises:
        SourceNotReachedError: the source cannot be asked.
    """
    bad: dict[SourceFile, str] = {}

    def is_bad(file: SourceFile, require: Callable[[SourceFile], None]) -> bool:
        try:
            require(file)
        except SourceNotReachedError:
            raise
        except (UnreadableFileError, OSError, duckdb.Error) as error:
            bad[file] = str(error) if file.name in str(error) else f"{file.name}: {error}"
        return file in bad

    for file in files:
        if file.origin is None:
            is_bad(file, require_beginning)
    for kind in {file.format: None for file in files}:
        others = [file for file in files if file.format == kind and file not in bad]
        if all(is_bad(file, require_readable) for file in others[:: max(1, len(others) // _LOOKED_AT)][:_LOOKED_AT]):
            bad.update({file: "" for file in others if file not in bad})
    return bad


def _named(bad: Mapping[SourceFile, str]) -> str:
    """Which files cannot be read and why: the first ten, and how many there are."""
    texts = [text for text in bad.values() if text][:_LOOKED_AT]
    more = len(bad) - len(texts)
    return f"{counted(len(bad), 'file')} cannot be read: {'; '.join(texts)}" + (f"; and {more} more" if more else "")


def export_files(settings: Settings) -> list[SourceFile]:
    """The files of the export; none if there is no export."""
    export = settings.export
    try:
        return find_source_files(export.source, export.property_id) if export.source else []
    except SourceNotFoundError:
        return []  # reported by the check of the export


def _delivered_twice(files: list[SourceFile]) -> str:
    """Days that come in two forms, as NDJSON beside parquet or a file beside its compressed self."""
    forms: dict[tuple[str, date], set[str]] = {}
    for file in files:
        if file.day:
            form = f"{file.format}{file.compressed}"
            forms.setdefault((file.property_id, file.day), set()).add(form)
    twice = [(day, sorted(found)) for (_, day), found in sorted(forms.items()) if len(found) > 1]
    text = f"{counted(len(twice), 'day')} in several formats"
    return f"{text}, first {twice[0][0]}: {', '.join(twice[0][1])}" if twice else ""


def check_dates(settings: Settings) -> Check:
    """The days asked for are those of the export."""
    if settings.export.start_date is None:
        return not_set("BEHA2VEC_START_DATE")
    files = export_files(settings)
    days, undated = source_days(files), [file for file in files if file.day is None]
    if undated:
        days = sorted({*days, *(day for file in undated[:_SAMPLED_FILES] for day, _ in sample_times(file))})
    if not days:
        return warn("no event of the export names a day", "see the check of the export")
    first, last = days[0], days[-1]
    about = " (seen in a sample)" if undated else ""
    start, end = settings.export.start_date, settings.export.last_day
    until = f"{end}" + ("" if settings.export.end_date else " (yesterday)")
    asked = f"asked for {start} to {until}; the export has {first} to {last}{about}"
    remedy = f"set BEHA2VEC_START_DATE={first} and BEHA2VEC_END_DATE={last}"
    if start > end:
        return fail(f"{asked}; there is no data in between", remedy)
    if start > last or end < first:
        return fail(f"{asked}; they share no day", remedy)
    if start < first:
        return warn(f"{asked}; {counted((first - start).days, 'day')} before it will be missing", remedy)
    # an export arrives a day or two late; a day that is asked for by name should be there
    if (end - last).days > (0 if settings.export.end_date else 3):
        return warn(f"{asked}; {counted((end - last).days, 'day')} after it will be missing", remedy)
    left_out = [day for day in days if not start <= day <= end]
    return ok(f"{asked}" + (f"; {len(left_out)} of its days are left out" if left_out else ""))


def check_timezone(settings: Settings) -> Check:
    """Events happened on their ``event_date`` in the property's time zone."""
    own, others = settings.export.timezone, settings.export.property_timezones
    if own is None:
        return not_set("BEHA2VEC_TIMEZONE")
    by_zone: dict[str, list[SourceFile]] = {}
    for file in export_files(settings):
        by_zone.setdefault(others.get(file.property_id, own), []).append(file)
    checks = [_check_one_timezone(zone, files) for zone, files in by_zone.items()]
    if not checks:
        return warn("no readable event to compare with", "see the check of the export")
    worst = max(checks, key=lambda check: ("ok", "warn", "fail").index(check.status))
    return replace(worst, message="; ".join(check.message for check in checks))


def _check_one_timezone(zone: str, files: list[SourceFile]) -> Check:
    step = max(1, (len(files) - 1) // (_SAMPLED_FILES - 1) if len(files) > 1 else 1)
    sample = [pair for file in files[::step][:_SAMPLED_FILES] for pair in sample_times(file)]
    if not sample:
        return warn("no readable event to compare with", "see the check of the export")
    fitting = _share_on_their_day(sample, ZoneInfo(zone))
    offsets = {hours: _share_on_their_day(sample, _offset(hours)) for hours in range(-12, 15)}
    best = max(offsets.values())
    found = f"{fitting:.1%} of {len(sample):,} sampled events happened on their event_date in {zone}"
    if best < 0.5:
        return fail(
            f"{found}, and at most {best:.1%} in any other zone: event_date or event_timestamp is wrong",
            "export again: event_date is the day in the property's time zone, event_timestamp microseconds since 1970",
        )
    if fitting >= best - 0.01:
        return ok(found)
    hours = [offset for offset, share in offsets.items() if share == best]
    span = f"UTC{hours[0]:+d}" + (f" to UTC{hours[-1]:+d}" if len(hours) > 1 else "")
    summary = f"{found}, {best:.1%} at {span}: the time zone is probably wrong"
    remedy = (
        "set BEHA2VEC_TIMEZONE to the property's zone (GA4: Admin, Property details, Reporting time zone), or "
        "BEHA2VEC_PROPERTY_TIMEZONES where properties differ"
    )
    return fail(summary, remedy) if fitting < 0.5 else warn(summary, remedy)


def _offset(hours: int) -> ZoneInfo:
    return ZoneInfo(f"Etc/GMT{-hours:+d}")  # the sign is POSIX's: Etc/GMT-1 lies east of Greenwich


def _share_on_their_day(sample: list[tuple[date, int]], zone: ZoneInfo) -> float:
    hits = sum(datetime.fromtimestamp(micros / 1e6, UTC).astimezone(zone).date() == day for day, micros in sample)
    return hits / len(sample)


def check_pages(settings: Settings) -> Check:
    """The settings of pages, and the files of labels, rules and overrides that they name, can be read."""
    from beha2vec_core.pages import load_labels, load_rules, overrides_of, require_valid_settings

    try:
        require_valid_settings(settings)
        labels = load_labels(settings.pages.labels_file)
        rules = load_rules(settings.pages.rules_file, settings.pages.rule_packs).for_labels(labels)
        overrides = overrides_of(settings, labels)
    except ValueError as error:
        return fail(str(error), "correct the setting, or the file that it names (docs/pages.md)")
    return ok(
        f"{len(labels.themes)} themes, {len(labels.page_types)} page types, "
        f"{counted(len(rules.themes) + len(rules.page_types), 'rule')}, "
        f"{counted(len(overrides.page_keys), 'page')} labeled by hand"
    )


def _counted(counts: Counter[str], before: str = "") -> str:
    return ", ".join(f"{before}{name} {number:,}" for name, number in counts.most_common(5))


def _spans(days: list[date]) -> str:
    """``2026-01-03, 2026-01-07 to 2026-01-09``; the first few."""
    runs = [[day for _, day in run] for _, run in groupby(enumerate(days), lambda p: p[1] - timedelta(p[0]))]
    texts = [f"{run[0]}" + (f" to {run[-1]}" if len(run) > 1 else "") for run in runs]
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")
