"""Checks of the data folder, the disk, the warehouse and the published database."""

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from beha2vec_core.bigquery.models import require_one_warehouse
from beha2vec_core.cli.doctor.check import Check, fail, ok, refused, warn
from beha2vec_core.cli.doctor.export import export_files
from beha2vec_core.estimate import COMPRESSED_BYTES, PLAIN_BYTES, estimate_run, existing_folder, free_bytes
from beha2vec_core.ga4.bigquery import DayTable
from beha2vec_core.privacy.forgetting.forget import is_unfinished
from beha2vec_core.privacy.forgetting.stored import find_uncleaned
from beha2vec_core.privacy.forgotten import WORD, Forgotten
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.privacy.rules import rules
from beha2vec_core.settings import Settings, SettingsError
from beha2vec_core.store import limits
from beha2vec_core.store.migrate import make_plan
from beha2vec_core.store.warehouse import Warehouse, WarehouseVersionError
from beha2vec_core.words import counted

_GIGABYTE = 10**9
_LEAST_FREE_BYTES = _GIGABYTE // 2
# The demo's gzipped export of 3.6 MB became 31 MB: partitions, warehouse, serving copy, encoder.
_BYTES_PER_EXPORT_BYTE = 10


def check_data_folder(settings: Settings) -> Check:
    """Files can be written to the data folder, and no other warehouse was used with it."""
    wanted = settings.storage.data_dir
    folder = existing_folder(wanted)
    remedy = f"give this user write access to {folder}, or set BEHA2VEC_DATA_DIR to another folder"
    if not folder.is_dir():
        return fail(f"{folder} is a file", "set BEHA2VEC_DATA_DIR to a folder")
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return fail(f"{folder} cannot be written to: {error}", remedy)
    try:
        require_one_warehouse(settings)
    except SettingsError as error:
        return refused(error)
    except PrivacyError:
        pass  # reported by the check of forgotten people
    return ok(f"{wanted} " + ("is writable" if folder == wanted else "can be created"))


def check_disk(settings: Settings) -> Check:
    """There is room for what the days asked for become; nothing is copied if BigQuery is the warehouse."""
    folder = settings.storage.data_dir
    free = free_bytes(folder)
    first, last = settings.export.start_date or date.min, settings.export.end_date or date.max
    stays = settings.storage.warehouse == "bigquery"
    files = [] if stays else [one for one in export_files(settings) if one.day is None or first <= one.day <= last]
    # a table's bytes are those before compression
    compressed = COMPRESSED_BYTES / PLAIN_BYTES
    export = sum(file.size * (compressed if isinstance(file.origin, DayTable) else 1) for file in files)
    summary = f"{free / _GIGABYTE:,.1f} GB free for {folder}; the export has {export / _GIGABYTE:,.2f} GB"
    remedy = "free some space, or set BEHA2VEC_DATA_DIR to a larger disk"
    if free < max(_LEAST_FREE_BYTES, export):
        return fail(summary, remedy)
    if free < export * _BYTES_PER_EXPORT_BYTE:
        return warn(f"{summary}; about {_BYTES_PER_EXPORT_BYTE} times that may be needed", remedy)
    return ok(summary)


def check_estimate(settings: Settings) -> Check:
    """What a run of all days takes, and whether it fits into the memory and on the disk."""
    first, last = settings.export.start_date, settings.export.last_day
    if first is None:
        return ok("not known: the first day is not set")
    if settings.storage.warehouse == "bigquery":
        return ok("not known: BigQuery builds the models")
    if last < first:
        return ok("no days yet")
    found = estimate_run(settings, first, last, export_files(settings))
    return fail(found.summary, found.remedy) if found.remedy else ok(found.summary)


def check_personal_data(settings: Settings) -> Check:
    """The raw partitions and sequences were cleaned of personal data with the rules of this release."""
    pending = find_uncleaned(None, settings.storage).pending
    summary = f"version {rules().version} of the rules"
    return warn(f"{summary}; {'; '.join(pending)}", "beha2vec migrate") if pending else ok(summary)


def check_warehouse(settings: Settings) -> Check:
    """The warehouse can be opened now: its lock is free, and it is a DuckDB file."""
    path = settings.storage.warehouse_path
    warehouse = Warehouse(path)
    if not path.exists():
        return ok(f"{path} does not exist yet: the first run creates it")
    if not warehouse.is_free():
        return warn(
            f"{path.name} is locked by {warehouse.holder()}", "wait for that run to end; runs wait for each other"
        )
    remedy = "close it there: no run can start while it is open; read serving.duckdb instead"
    return _opened(path, remedy, _check_versions)


def _check_versions(connection: duckdb.DuckDBPyConnection, summary: str) -> Check:
    """The warehouse has this release's schema and DuckDB's newest storage format."""
    try:
        plan = make_plan(connection)
    except WarehouseVersionError as error:
        return refused(error)
    summary = f"{summary}, schema {plan.schema or '(none yet)'}, storage {plan.storage}"
    if plan.steps:
        return fail(f"{summary}; pending: {'; '.join(plan.pending)}", "beha2vec migrate")
    if plan.pending:
        return warn(f"{summary}; DuckDB {duckdb.__version__} can write {plan.newest_storage}", "beha2vec migrate")
    return ok(summary)


def check_serving(settings: Settings) -> Check:
    """The database for people can be read."""
    path = settings.storage.serving_path
    if not path.exists():
        return ok(f"{path} does not exist yet: the asset serving_database creates it")
    return _opened(path, "delete it and materialize the asset serving_database")


def check_forgotten(settings: Settings) -> Check:
    """The list of forgotten people can be read, and no removal was cut off."""
    forgotten = Forgotten(settings.storage.data_dir)
    try:
        listed = sum(not one.startswith(WORD) for one in forgotten.hashes())
    except PrivacyError as error:
        return refused(error)
    if is_unfinished(settings):
        return fail("a removal of people was cut off, or could not change a file", "beha2vec forget --again")
    return ok(f"{counted(listed, 'identifier')} on the list" if listed else "the list is empty")


def _opened(
    path: Path, remedy: str, look: Callable[[duckdb.DuckDBPyConnection, str], Check] = lambda _, summary: ok(summary)
) -> Check:
    try:
        with limits.connect(path, read_only=True) as connection:
            ((tables,),) = connection.execute(
                "select count(*) from information_schema.tables where table_type = 'BASE TABLE'"
            ).fetchall()
            return look(connection, f"{path.name} has {tables} tables")
    except duckdb.ConnectionException:  # this process itself has it open
        return ok(f"{path.name} is open in this process")
    except duckdb.Error as error:
        if "could not set lock" in str(error).lower():
            return warn(f"{path.name} is open in another program: {error}", remedy)
        return fail(
            f"{path.name} cannot be read: {error}",
            f"move it away and materialize again; or install the duckdb that wrote it (here: {duckdb.__version__})",
        )
