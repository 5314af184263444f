"""Forget people: nothing of them is left in what the product wrote, and no later run brings them back.

In this order, so that a killed run is finished by the next one: their hashes join the list of the forgotten (ingest
leaves them out from then on), a note keeps who they are until all is done, then raw partitions, other files, databases.
At the end everything is searched again, and a certificate says what was removed and what remains.
"""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.activation.forget import Departure, in_words, leave_destinations
from beha2vec_core.files import remove_stale_scratch, replacing
from beha2vec_core.ga4.ingest import partition_file
from beha2vec_core.privacy.common import OTHERS
from beha2vec_core.privacy.forgetting import in_bigquery as bigquery
from beha2vec_core.privacy.forgetting.dagster_records import POSTGRESQL, find_in_records, remove_from_records
from beha2vec_core.privacy.forgetting.find import Found, columns_of, find_person, relations_of
from beha2vec_core.privacy.forgetting.identities import Resolved, published_forms, resolve
from beha2vec_core.privacy.forgetting.places import Kind, files_of, kind_of
from beha2vec_core.privacy.forgetting.remove import Removed, remove_from_file
from beha2vec_core.privacy.forgotten import Forgotten
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.privacy.people import KINDS_THAT_NAME, People, load
from beha2vec_core.settings import Settings
from beha2vec_core.store import limits
from beha2vec_core.store.compact import compact
from beha2vec_core.store.sql import identifier, quote
from beha2vec_core.store.tables import IDENTIFIERS, create_tables
from beha2vec_core.store.vectors import FILE_NAME
from beha2vec_core.store.warehouse import Warehouse
from beha2vec_core.words import counted

_NOTE = ".forget_under_way.json"
_CERTIFICATES = "forget_certificates"
_REMARK_ON_EXPORT = (
    "The GA4 property and its export (BEHA2VEC_SOURCE) are not this product's: delete the person there too. Until then "
    "each ingest leaves the person out."
)
_REMARKS_ON_BIGQUERY = (
    "GA4's export in BigQuery does not have the person any more. If GA4 writes them again, runs stop with an error.",
    "Google keeps rows that were deleted in BigQuery for up to 14 days (time travel and fail-safe).",
)
# a login of more is seldom one person's: sites also send `guest`
MOST_DEVICES = 20


@dataclass
class Certificate:
    """What was done, without any identifier in plain text."""

    at: str  # when, UTC
    asked: list[str]  # keyed hash of each identifier asked for
    # those of ``asked`` that no table or partition had; they are on the list anyway
    not_found: list[str] = field(default_factory=list)
    identifiers: int = 0  # how many identifiers the people had, all on the list now
    removed: list[dict[str, Any]] = field(default_factory=list)  # rows and texts by place
    # places that still contain one of the people, each with the reason; empty if nothing is left
    left: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what the command cannot do
    path: Path | None = None  # the certificate's file

    @property
    def rows(self) -> int:
        """Rows removed."""
        return sum(int(place["rows"]) for place in self.removed)

    def as_text(self) -> str:
        """For people."""
        lines = [f"Certificate of removal, {self.at} UTC", f"asked for: {counted(len(self.asked), 'identifier')}"]
        lines += [f"  {one}" + ("  (not found)" if one in self.not_found else "") for one in self.asked]
        lines.append(f"on the list of the forgotten: {counted(self.identifiers, 'identifier')} of these people")
        lines.append(f"removed: {counted(self.rows, 'row')} in {counted(len(self.removed), 'place')}")
        for place in self.removed:
            lines.append(f"  {place['place']}: {_amount(place['rows'], place['texts'])}")
        if self.left:
            lines.append(f"searched again: {counted(len(self.left), 'place')} left")
            lines += [f"  {place['place']}: {place['why']}" for place in self.left]
        else:
            lines.append("searched again, every column of every file and table: nothing left")
        lines += ["what else to do:", *(f"  - {remark}" for remark in self.remarks)]
        return "\n".join(lines)


def forget(
    settings: Settings,
    asked: Iterable[str],
    dagster_home: Path | None = None,
    more: Iterable[Path] = (),
    say: Callable[[str], None] = lambda text: None,
    runs_in_progress: Callable[[], list[str]] = list,
    most_devices: int = MOST_DEVICES,
) -> Certificate:
    """Remove people everywhere, and keep them out.

    Args:
        asked: device ids, login ids or user keys.
        more: other files and folders that hold copies of results.
        say: called with a line of text as it goes on.
        runs_in_progress: the runs that may write back what they have read; asked for before and after the removal.
        most_devices: of one login.

    Raises:
        PrivacyError: a login was seen on more devices, an identifier is a placeholder, a run is in progress, the key
            of the list is gone, or GA4's export in BigQuery, which dbt reads, still has them.
        SourceNotReachedError: BigQuery is the warehouse, and does not answer.
        WarehouseBusyError: another process holds the warehouse.
        CompactError: no room on the disk; run it again with more.
    """
    wanted, more = sorted(set(asked)), list(more)
    in_bigquery = bigquery.is_used(settings)
    forgotten = Forgotten(settings.storage.data_dir)
    now = datetime.now(UTC)
    with Warehouse.of(settings.storage).exclusive("forget"):
        _require_no_run(runs_in_progress())
        forgotten.hashes()  # before anything else: refuses where the key is gone
        resolved = resolve(settings, wanted)
        _require_one_person(resolved, most_devices)
        note, unfinished = settings.storage.data_dir / _NOTE, People()
        if note.exists():
            unfinished = People.from_json(note.read_text(encoding="utf-8"))
            say("an earlier removal was cut off; it is finished too")
        people = resolved.people | unfinished
        if in_bigquery:
            bigquery.require_gone_from_export(settings, people, wanted)
        forgotten.add(people.named, now.date(), people.common)
        _write(note, people.to_json())
        # before the ledger forgets where they are
        departures = _leave_destinations(settings, people, say)
        kept = {settings.storage.ledger_path} if any(one.problem and not one.is_final for one in departures) else set()
        searched = published_forms(settings, people)
        removed = _remove_everywhere(settings, searched, dagster_home, more, say, bool(unfinished.named), kept)
        _require_no_run(runs_in_progress())  # a run that began meanwhile; the note is still there
        say("searching again")
        left = [found for found in _find(settings, searched, dagster_home, more) if found.file != note]
        # what could not be changed is tried again by the next run, which needs to know who they are
        if all(_is_encoder(settings, found.file) for found in left):
            note.unlink()
    remarks = [
        *(_REMARKS_ON_BIGQUERY if in_bigquery else (_REMARK_ON_EXPORT,)),
        *_remarks(people),
        *(f"{in_words(one)[0].upper()}{in_words(one)[1:]}." for one in departures),
    ]
    return _certify(settings, forgotten, now, wanted, resolved, people, removed, left, remarks)


def locate(
    settings: Settings, asked: Iterable[str], dagster_home: Path | None = None, more: Iterable[Path] = ()
) -> tuple[Resolved, list[Found]]:
    """Who is meant, and where they are; changes nothing.

    Raises:
        WarehouseBusyError: another process holds the warehouse.
    """
    warehouse = Warehouse.of(settings.storage)
    with warehouse.exclusive("find-person"):
        resolved = resolve(settings, asked)
    people = published_forms(settings, resolved.people)
    return resolved, _find(settings, people, dagster_home, more, warehouse.exclusive("find-person"))


def _find(
    settings: Settings,
    people: People,
    dagster_home: Path | None,
    more: Iterable[Path],
    lock: AbstractContextManager[None] | None = None,
) -> list[Found]:
    return [
        *find_person(settings, people, dagster_home, more, lock),
        *find_in_records(dagster_home, people),
        *bigquery.find_in_bigquery(settings, people),
    ]


def on_the_list(settings: Settings, dagster_home: Path | None = None, more: Iterable[Path] = ()) -> frozenset[str]:
    """Identifiers of forgotten people that tables and parquet files have: after a backup was restored.

    Raises:
        PrivacyError: the key of the list is gone.
        WarehouseBusyError: another process holds the warehouse.
    """
    forgotten = Forgotten(settings.storage.data_dir)
    found: set[str] = set()
    with Warehouse.of(settings.storage).exclusive("forget --again"):
        hashes = forgotten.hashes()
        for path in files_of(settings, dagster_home, more) if hashes else ():
            kind = kind_of(path)
            if kind not in (Kind.DUCKDB, Kind.PARQUET):
                continue
            with limits.connect() as connection, relations_of(connection, path, kind) as relations:
                for relation in relations.values():
                    for column, kind_of_column in columns_of(connection, relation).items():
                        if IDENTIFIERS.get(column) in KINDS_THAT_NAME and kind_of_column == "VARCHAR":
                            ids = connection.execute(f"select distinct {identifier(column)} from {relation}").fetchall()
                            found |= forgotten.those_of({one for (one,) in ids if one is not None}, hashes)
    return frozenset(found)


def is_unfinished(settings: Settings) -> bool:
    """Whether a removal was cut off, or left something that it could not change."""
    return (settings.storage.data_dir / _NOTE).exists()


def _leave_destinations(settings: Settings, people: People, say: Callable[[str], None]) -> list[Departure]:
    try:
        departures = leave_destinations(settings, people.named)
    except ActivationError as error:
        raise PrivacyError(f"the destinations of audiences: {error}; then run this command again") from None
    for one in departures:
        say(in_words(one))
    return departures


def _require_one_person(resolved: Resolved, most_devices: int) -> None:
    login, devices = max(resolved.devices_of.items(), key=lambda one: one[1], default=("", 0))
    if devices > most_devices:
        raise PrivacyError(
            f"the login id {login!r} was seen on {devices:,} devices, which are all removed with it. If they are one "
            f"person's, add --devices {devices}. If the site sends it for many people, list it under placeholder_ids "
            "(docs/privacy.md)"
        )


def _require_no_run(runs: list[str]) -> None:
    """A run in progress would write back what it read before."""
    if runs:
        raise PrivacyError(
            f"in progress: {counted(len(runs), 'run')}, {', '.join(runs)}. A run could write back what it has read: "
            "wait until it ends, or stop it (beha2vec ui, Runs); then run this command again"
        )


def _remove_everywhere(
    settings: Settings,
    people: People,
    dagster_home: Path | None,
    more: list[Path],
    say: Callable[[str], None],
    resuming: bool,
    kept: set[Path],
) -> list[Removed]:
    storage = settings.storage
    remove_stale_scratch(storage.raw_path, "ingest")
    remove_stale_scratch(storage.data_dir, limits.SPILL)
    # of killed runs, on whatever machine: none is in progress, and we hold the lock
    for leftover in storage.data_dir.glob(f".{limits.SPILL}-*/{FILE_NAME}"):
        shutil.rmtree(leftover.parent, ignore_errors=True)
    for leftover in storage.data_dir.glob(f".{storage.serving_path.name}.*"):
        leftover.unlink(missing_ok=True)
    removed: list[Removed] = []
    skipped = {path.resolve() for path in (storage.data_dir / _NOTE, *kept)}
    paths = [
        path
        for path in files_of(settings, dagster_home, more)
        if path.resolve() not in skipped and not _is_encoder(settings, path)
    ]
    # raw first: what is made from it would come back with the next run
    paths.sort(key=lambda path: (not path.is_relative_to(storage.raw_path), kind_of(path) is Kind.DUCKDB))
    # one for all files, which keeps nothing of them: a database is changed by another one, that needs the memory
    with limits.connect(config={"enable_external_file_cache": False}) as connection:
        load(connection, people)
        for path in paths:
            try:
                done = remove_from_file(
                    connection,
                    path,
                    people,
                    made_from_events=path.is_relative_to(storage.sequences_path),
                    whole=path.is_relative_to(storage.page_cache_path),
                )
                is_database = path.exists() and kind_of(path) is Kind.DUCKDB
                if path == storage.warehouse_path and (done or removed or resuming):
                    _correct_log(settings)
                if is_database and resuming and not done:  # a copy that was changed is compact already
                    say(f"rewriting {path.name}")
                    compact(path)
            except FileNotFoundError:
                continue  # gone meanwhile
            except (duckdb.Error, sqlite3.Error, OSError, EOFError) as error:
                say(f"{path}: {str(error).splitlines()[0]}")  # the search at the end reports it
                continue
            for one in done:
                say(f"{_place(settings, one.file)} {one.table}".strip() + f": {_amount(one.rows, one.texts)}")
            removed += done
    elsewhere = [*remove_from_records(dagster_home, people, resuming), *bigquery.remove_from_bigquery(settings, people)]
    for one in elsewhere:
        say(f"{one.file} {one.table}: {_amount(one.rows, one.texts)}")
    return removed + elsewhere


def _correct_log(settings: Settings) -> None:
    """Count the rows that left the partitions as forgotten in the ingest log, so that each day adds up again."""
    with limits.connect(settings.storage.warehouse_path) as connection:
        create_tables(connection)
        days = connection.execute(
            "select property_id, event_date, accepted from raw.ga4_ingest_log where status = 'ingested'"
        ).fetchall()
        for property_id, day, accepted in days:
            path = partition_file(settings.storage.raw_path, property_id, day)
            if not path.exists():
                continue
            scan = f"read_parquet({quote(path)}, hive_partitioning = false)"
            ((rows,),) = connection.execute(f"select count(*) from {scan}").fetchall()
            if rows < accepted:
                connection.execute(
                    f"""update raw.ga4_ingest_log set accepted = $rows,
                        forgotten = coalesce(forgotten, 0) + accepted - $rows,
                        users = (select count(distinct user_pseudo_id) from {scan})
                    where property_id = $property and event_date = $day""",
                    {"rows": rows, "property": property_id, "day": day},
                )


def _certify(
    settings: Settings,
    forgotten: Forgotten,
    now: datetime,
    wanted: list[str],
    resolved: Resolved,
    people: People,
    removed: list[Removed],
    left: list[Found],
    remarks: list[str],
) -> Certificate:
    certificate = Certificate(
        at=now.strftime("%Y-%m-%d %H:%M:%S"),
        asked=[forgotten.digest(one) for one in wanted],
        not_found=[forgotten.digest(one) for one in sorted(resolved.unknown)],
        identifiers=len(people.named),
        removed=[
            {"place": f"{_place(settings, one.file)} {one.table}".strip(), "rows": one.rows, "texts": one.texts}
            for one in removed
        ],
        left=[
            {"place": f"{_place(settings, one.file)} {one.table} {one.column}".strip(), "why": _why(settings, one)}
            for one in left
        ],
        remarks=remarks,
    )
    folder = settings.storage.data_dir / _CERTIFICATES
    folder.mkdir(exist_ok=True)
    digest = hashlib.sha256("".join(certificate.asked).encode()).hexdigest()[:8]
    certificate.path = folder / f"{now:%Y%m%dT%H%M%S%f}-{digest}.json"
    about = {name: value for name, value in vars(certificate).items() if name != "path"}
    _write(certificate.path, json.dumps(about, indent=1))
    return certificate


def _remarks(people: People) -> list[str]:
    remarks = [
        "Counts and averages (profiles, insights) still include the person until the next nightly run. Counts of "
        "events by day (ga4_quality__daily) stay as they are; they name no one.",
        "Encoders trained before have seen the person's events; the next training (train_encoder) does not.",
        "Backups still have the person. After restoring one, put the newest forgotten.csv and privacy.key back, and "
        "run beha2vec forget --again.",
        "Copies elsewhere still have the person: files loaded into BigQuery, shared reports, what the language model's "
        "provider keeps.",
        "Copies that no one noted were not searched: output that a shell wrote to a file (beha2vec query ... > FILE), "
        "downloads from the explorer, files that were moved or copied. Name them with --also, or delete them.",
    ]
    if people.shared:
        remarks.append(
            f"{counted(len(people.shared), 'device')} that others use too: their sequences and vectors were removed; "
            "beha2vec materialize --job reembed_history makes them again, without the person."
        )
    if people.common:
        remarks.append(
            f"{counted(len(people.common), 'identifier')} also in texts of at least {OTHERS} other people, as words "
            "are: removed from the columns of identifiers, and left in texts."
        )
    return remarks


def _why(settings: Settings, found: Found) -> str:
    if found.file == settings.storage.ledger_path.resolve():
        return "a destination could not be reached, see below: correct it, and run the command again"
    if found.file == bigquery.BIGQUERY:
        return "a run wrote it meanwhile: run the command again"
    if found.file == POSTGRESQL:
        return (
            "written while the command ran, or in the plan of a job: delete that job's runs in the UI, and run the "
            "command again"
        )
    if found.problem:
        return f"the file cannot be read ({found.problem}): delete it, or repair it and run the command again"
    if _is_encoder(settings, found.file):
        return (
            "an encoder knows an address that names the person: it is deleted with the encoder, and the next trained "
            "encoder will not contain it"
        )
    return "written while the command ran, or of a kind that is not changed: delete the file, and run the command again"


def _is_encoder(settings: Settings, path: Path) -> bool:
    return path.is_relative_to(settings.storage.encoders_path)


def _amount(rows: int, texts: int) -> str:
    parts = [counted(rows, "row")] if rows or not texts else []
    return ", ".join(parts + ([f"the identifiers in {counted(texts, 'text')}"] if texts else []))


def _place(settings: Settings, path: Path) -> str:
    folder = settings.storage.data_dir
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.chmod(0o600)
        temporary.write_text(text + "\n", encoding="utf-8")
