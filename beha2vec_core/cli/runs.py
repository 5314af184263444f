"""Commands that change the results: runs, rollback, migration."""

import os
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, NoReturn

import typer

from beha2vec_core.cli import project
from beha2vec_core.cli.app import app, ended_by, fail, parse_day, read_export_settings, read_settings, require_results
from beha2vec_core.ga4 import CORRECTED_DAYS
from beha2vec_core.ga4.source_files import SourceNotReachedError
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.compact import CompactError
from beha2vec_core.store.tables import create_tables
from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError, WarehouseVersionError
from beha2vec_core.words import counted

_REFRESH = "refresh_last_days"
_READING_JOBS = (_REFRESH, "materialize_everything")


@app.command()
def materialize(
    select: Annotated[
        str | None,
        typer.Option(help="Assets, in Dagster's selection syntax (docs/operations.md); default: the whole graph."),
    ] = None,
    job: Annotated[
        str | None,
        typer.Option(help=f"A job of Dagster instead: {_REFRESH} for the new days, train_encoder and others."),
    ] = None,
    start: Annotated[
        date | None,
        typer.Option(
            parser=parse_day,
            metavar="YYYY-MM-DD",
            help=f"First day; default: from the settings, with --job {_REFRESH} the last {CORRECTED_DAYS} days.",
        ),
    ] = None,
    end: Annotated[
        date | None,
        typer.Option(parser=parse_day, metavar="YYYY-MM-DD", help="Last day; default: from the settings or yesterday."),
    ] = None,
    config: Annotated[str | None, typer.Option(help="Run config: JSON, or the path of a JSON or YAML file.")] = None,
) -> None:
    """Materialize assets for a range of days in one run, as the Dagster UI would; the run appears there too."""
    from beha2vec_core.cli.doctor import checks_before_a_run

    if select and job:
        fail("give --select or --job, not both", 2)
    settings = read_export_settings()
    export = settings.export
    kept = settings.first_kept_day("raw", datetime.now(UTC)) or export.start_date
    last = end or export.last_day
    earliest = last - timedelta(days=CORRECTED_DAYS - 1) if job == _REFRESH else export.start_date
    first = start or max(earliest, export.start_date, kept)
    if first < export.start_date:
        fail(f"--start {first} is before BEHA2VEC_START_DATE={export.start_date}: set that to an earlier day", 2)
    if first < kept:
        fail(f"--start {first} is older than BEHA2VEC_RETENTION_DAYS_RAW keeps: the first day kept is {kept}", 2)
    if last < first:
        given = "--end" if end else "BEHA2VEC_END_DATE" if export.end_date else "yesterday"
        remedy = "give other --start and --end" if start or end else "set BEHA2VEC_START_DATE to an earlier day"
        fail(f"the last day, {last} ({given}), is before the first, {first}: {remedy}", 2)
    reads_export = job in _READING_JOBS if job else _reads_export(select or "*")
    asked = {"export": export.model_copy(update={"start_date": first, "end_date": last})}
    for check in checks_before_a_run(settings.model_copy(update=asked)) if reads_export else ():
        remedy = check.remedy
        if check.name == "dates" and (start or end):
            remedy = "give --start and --end of days that the export has"
        if check.status == "fail":
            fail(f"{check.message}\n  -> {remedy}")
        if check.name == "export" and check.status == "warn":
            typer.echo(f"warning: {check.message}\n  -> {remedy}", err=True)
    if settings.storage.warehouse == "duckdb" and (reads_export or "dbt" in (select or "")):
        _print_estimate(settings, first, last)
    if not (select or job) and any(settings.storage.encoders_path.glob("*")):
        typer.echo(
            "This trains another encoder and other clusters. For new days with the encoder in use, run "
            f"beha2vec materialize --job {_REFRESH}"
        )
    _become_run(["--job", job] if job else ["--select", select or "*"], first, last, config)


def _print_estimate(settings: ExportSettings, first: date, last: date) -> None:
    """Say what a run of these days takes; end the command where it does not fit into memory or on the disk."""
    from beha2vec_core.cli.doctor.export import export_files
    from beha2vec_core.estimate import estimate_run
    from beha2vec_core.ga4.bigquery import TooManyBytesError, price_of, require_affordable

    files = export_files(settings)
    with ended_by(SourceNotReachedError, TooManyBytesError):
        price = price_of(file for file in files if file.day and first <= file.day <= last)
        if price:
            require_affordable(price, settings.bigquery.maximum_bytes)
            typer.echo(price.summary)
    found = estimate_run(settings, first, last, files)
    if found.remedy:
        fail(f"{found.summary}\n  -> {found.remedy}")
    typer.echo(found.summary)


def _reads_export(select: str) -> bool:
    """Whether the selection surely contains raw_ga4_events; the run itself says what is wrong with others."""
    return any(part.strip() == "*" or part.strip().strip("+*") == "raw_ga4_events" for part in select.split(","))


def run_command(what: list[str], first: date, last: date, config: str | None = None) -> list[str]:
    """The command line of a run of assets, or of a job, for a range of days."""
    command = [sys.executable, "-m", "beha2vec_dagster", *what, "--start", str(first), "--end", str(last)]
    return command + (["--config", config] if config else [])


def _become_run(what: list[str], first: date, last: date, config: str | None) -> NoReturn:
    """Become the process that runs it: what stops this command stops the run."""
    with ended_by(project.ProjectError, code=2):
        environment = project.environment()
    sys.stdout.flush()
    os.execve(sys.executable, run_command(what, first, last, config), environment)


@app.command()
def rollback(
    to: Annotated[str | None, typer.Option(help="model_version to return to; default: the previous one.")] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Return to the previous prediction model instead.")
    ] = False,
) -> None:
    """Return to an earlier encoder and its clusters, or to the previous prediction model; newer days are made again."""
    from beha2vec_core.store.versions import RollbackError, roll_back

    settings = read_export_settings()
    require_results(settings.storage.warehouse_path)
    warehouse = Warehouse.of(settings.storage)
    last = settings.export.last_day
    if predictions:
        if to:
            fail("give --to or --predictions, not both", 2)
        _roll_back_predictions(warehouse)
        _become_run(["--select", "user_predictions,serving_database"], last, last, None)
    errors = RollbackError, WarehouseBusyError, WarehouseVersionError
    with ended_by(*errors), warehouse.connect("rollback") as connection:
        create_tables(connection)
        found = roll_back(connection, to)
    typer.echo(f"encoder {found.model_version} is in use again, with clusters {found.cluster_model_version}")
    select = "cluster_members,cluster_profiles,cluster_insights,serving_database"
    if found.lacking:
        typer.echo(f"newer days to embed with it: {len(found.lacking)}, from {found.lacking[0]}")
        select = f"user_embeddings,user_clusters,{select}"
    days = found.lacking or [last]
    _become_run(["--select", select], days[0], days[-1], None)


def _roll_back_predictions(warehouse: Warehouse) -> None:
    """Show readers the previous prediction model."""
    from beha2vec_core.predictions.store import roll_back

    with ended_by(WarehouseBusyError, WarehouseVersionError), warehouse.connect("rollback") as connection:
        create_tables(connection)
        version = roll_back(connection)
    if version is None:
        fail("there is no earlier prediction model to return to")
    typer.echo(f"prediction model {version} is in use again")


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Only show what would change; exit code 1 if anything would.")
    ] = False,
    backup: Annotated[bool, typer.Option(help="Keep the old file as a backup.")] = True,
) -> None:
    """Migrate the warehouse to this release's schema and storage format; clean older partitions of personal data."""
    from beha2vec_core.privacy.forgetting.stored import clean_stored, find_uncleaned
    from beha2vec_core.store.migrate import MigrationError, make_plan
    from beha2vec_core.store.migrate import migrate as migrate_warehouse

    settings = read_settings()
    warehouse = Warehouse.of(settings.storage)
    with ended_by(CompactError, MigrationError, WarehouseBusyError, WarehouseVersionError):
        there = warehouse.path.exists()
        if there:
            with warehouse.connect("migrate --check") as connection:
                plan = make_plan(connection)
                stored = find_uncleaned(connection, settings.storage)
            typer.echo(f"{warehouse.path.name} has schema {plan.schema or '(none yet)'} and storage {plan.storage}")
        else:
            stored = find_uncleaned(None, settings.storage)
            typer.echo(f"{warehouse.path} does not exist yet: the first run creates it")
        pending = [*(plan.pending if there else ()), *stored.pending]
        for change in pending:
            typer.echo(f"  {'to do' if check else 'doing'}: {change}")
        if not pending:
            typer.echo("nothing to migrate")
        if check:
            raise typer.Exit(1 if pending else 0)
        done = migrate_warehouse(warehouse, backup) if there else None
        changed = clean_stored(warehouse, settings.storage, typer.echo) if stored.pending else 0
    if done and done.plan.pending:
        typer.echo(f"done: {counted(len(done.rows), 'table')} with {counted(sum(done.rows.values()), 'row')}")
    if changed:
        typer.echo(f"personal data removed from {counted(changed, 'value')}; the next run builds the dbt models again")
    if done and done.backup:
        typer.echo(f"the old file is kept as {done.backup}; delete it once everything works")
