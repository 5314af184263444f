"""The command line: ``beha2vec --help``."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from beha2vec_core.cli import project
from beha2vec_core.cli.rows import Layout, write_rows
from beha2vec_core.settings import (
    AnySettings,
    ExportSettings,
    Settings,
    SettingsError,
    load_export_settings,
    load_settings,
    misspelt_variables,
)
from beha2vec_core.store.export import ExportError, Format, What, load_commands, parse_dataset
from beha2vec_core.store.export import export as export_tables
from beha2vec_core.words import counted

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="User embeddings, clusters and explanations from a GA4 BigQuery export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

themes = typer.Typer(help="The themes of the label file.", no_args_is_help=True)
app.add_typer(themes, name="themes")

alerts = typer.Typer(help="Alerts about failed runs and checks.", no_args_is_help=True)
app.add_typer(alerts, name="alerts")

_BUSY_SECONDS = 3.0


def _settings() -> Settings:
    return _or_exit(load_settings)


def _export_settings() -> ExportSettings:
    return _or_exit(load_export_settings)


def _or_exit(load: Callable[[], AnySettings]) -> AnySettings:
    try:
        return load()
    except SettingsError as error:
        hint = "" if Path(".env").exists() else f" (There is no .env in {Path.cwd()}: is it the project's folder?)"
        _fail(f"{error}{hint}", 2)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"beha2vec {version('beha2vec')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand != "doctor" and (wrong := misspelt_variables()):
        pairs = ", ".join(f"{name} (did you mean {right}?)" for name, right in wrong.items())
        typer.secho(f"warning: unknown settings: {pairs}", fg="yellow", err=True)


def _fail(error: Exception | str, code: int = 1) -> NoReturn:
    typer.secho(str(error), fg="red", err=True)
    raise typer.Exit(code)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The project's folder; created if it does not exist.")],
) -> None:
    """Create a project: a folder with settings, Dagster's configuration and a README."""
    try:
        project.init(folder)
    except (project.ProjectError, OSError) as error:
        _fail(error)
    typer.echo(
        f"Created {folder}. Try it with the data of an invented shop:\n  cd {quote(str(folder))}\n  beha2vec demo\n"
        "or set your export in .env, then:\n  beha2vec doctor\n  beha2vec materialize"
    )


@app.command()
def demo(
    users: Annotated[int, typer.Option(help="Number of users.", min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="Same seed: same data.")] = 7,
) -> None:
    """Write the export of an invented shop and build everything from it."""
    try:
        values = project.prepare_demo(_settings().source)
    except project.ProjectError as error:
        _fail(error)
    first, last = (datetime.fromisoformat(values[f"BEHA2VEC_{name}_DATE"]) for name in ("START", "END"))
    demo_data(Path(values["BEHA2VEC_SOURCE"]), users, (last - first).days + 1, seed, first)
    command = _run_command("*", first.date(), last.date())
    if code := subprocess.run(command, env=project.environment()).returncode:
        raise typer.Exit(code)
    summary()


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 3000,
) -> None:
    """Open Dagster for this machine: the graph, its runs, checks and schedules. For a server see docs/deployment.md."""
    try:
        project.become_ui(port)
    except project.ProjectError as error:
        _fail(error)


@app.command("demo-data")
def demo_data(
    out: Annotated[Path, typer.Option(help="Folder for the export (a file a day).")] = Path("data/demo_export"),
    users: Annotated[int, typer.Option(help="Number of users.", min=1)] = 3000,
    days: Annotated[int, typer.Option(help="Number of days.", min=1)] = 28,
    seed: Annotated[int, typer.Option(help="Same seed: same bytes.")] = 7,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = datetime(2026, 1, 5),
    timezone: Annotated[str, typer.Option(help="Time zone of the demo shop.")] = "Europe/Berlin",
) -> None:
    """Write the GA4 export of a demo shop; a truth file has the persona of each user."""
    from beha2vec_core.demo_shop import write_demo_export

    try:
        summary = write_demo_export(out, users=users, days=days, seed=seed, start_date=start.date(), timezone=timezone)
    except ValueError as error:
        _fail(str(error), 2)
    typer.echo(
        f"{counted(summary.events, 'event')} of {counted(summary.users, 'user')} on {counted(summary.days, 'day')} in "
        f"{out} ({counted(len(summary.files), 'file')}). Personas: {summary.truth}"
    )


@app.command()
def doctor() -> None:
    """Check export, dates, time zone, disk, locks, versions, device and endpoint, and suggest fixes."""
    from beha2vec_core.cli.doctor import run_checks

    colors = {"ok": "green", "warn": "yellow", "fail": "red"}
    checks = run_checks(_settings())
    for check in checks:
        typer.secho(f"{check.status:>4}", fg=colors[check.status], nl=False)
        typer.echo(f"  {check.name}: {check.message}")
        if check.remedy and check.status != "ok":
            typer.echo(f"        -> {check.remedy}")
    if any(check.status == "fail" for check in checks):
        raise typer.Exit(1)


@app.command()
def materialize(
    select: Annotated[str, typer.Option(help="Assets, in Dagster's selection syntax.")] = "*",
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; default: from the settings.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day; default: from the settings or yesterday.")
    ] = None,
    config: Annotated[str | None, typer.Option(help="Run config: JSON, or the path of a JSON or YAML file.")] = None,
) -> None:
    """Materialize assets for a range of days in one run, as the Dagster UI would; the run appears there too."""
    from beha2vec_core.cli.doctor import first_obstacle

    settings = _export_settings()
    first = start.date() if start else settings.start_date
    last = end.date() if end else settings.end_date or _yesterday(settings)
    if first < settings.start_date:
        _fail(f"--start {first} is before BEHA2VEC_START_DATE={settings.start_date}: set that to an earlier day", 2)
    if last < first:
        _fail(f"--end {last} is before --start {first}", 2)
    asked = {"start_date": first, "end_date": last}
    if _reads_export(select) and (obstacle := first_obstacle(settings.model_copy(update=asked))):
        remedy = "give --start and --end of days that the export has" if start or end else obstacle.remedy
        _fail(f"{obstacle.message}\n  -> {remedy if obstacle.name == 'dates' else obstacle.remedy}")
    _materialize(select, first, last, config)


def _reads_export(select: str) -> bool:
    """Whether the selection surely contains raw_ga4_events; the run itself says what is wrong with others."""
    return any(part.strip() == "*" or part.strip().strip("+*") == "raw_ga4_events" for part in select.split(","))


def _run_command(select: str, first: date, last: date, config: str | None = None) -> list[str]:
    command = [sys.executable, "-m", "beha2vec_dagster.run", "--select", select]
    command += ["--start", str(first), "--end", str(last)]
    return command + (["--config", config] if config else [])


def _materialize(select: str, first: date, last: date, config: str | None) -> NoReturn:
    """Become the process that runs it: what stops this command stops the run."""
    try:
        environment = project.environment()
    except project.ProjectError as error:
        _fail(error, 2)
    sys.stdout.flush()
    os.execve(sys.executable, _run_command(select, first, last, config), environment)


@app.command()
def rollback(
    to: Annotated[str | None, typer.Option(help="model_version to return to; default: the previous one.")] = None,
) -> None:
    """Return to an earlier encoder and its clusters; newer days must then be embedded with it."""
    from beha2vec_core.store.tables import create_tables
    from beha2vec_core.store.versions import RollbackError, roll_back
    from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError, WarehouseVersionError

    settings = _export_settings()
    if not settings.warehouse_path.exists():
        _fail("there are no results yet: run beha2vec materialize first")
    warehouse = Warehouse(settings.warehouse_path, lock_timeout=settings.lock_timeout_seconds)
    try:
        with warehouse.connect("rollback") as connection:
            create_tables(connection)
            found = roll_back(connection, to)
    except (RollbackError, WarehouseBusyError, WarehouseVersionError) as error:
        _fail(str(error))
    typer.echo(f"encoder {found.model_version} is in use again, with clusters {found.cluster_model_version}")
    select = "cluster_members,cluster_profiles,cluster_insights,serving_database"
    if found.lacking:
        typer.echo(f"newer days to embed with it: {len(found.lacking)}, from {found.lacking[0]}")
        select = f"user_embeddings,user_clusters,{select}"
    days = found.lacking or [settings.end_date or _yesterday(settings)]
    _materialize(select, days[0], days[-1], None)


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Only show what would change; exit code 1 if anything would.")
    ] = False,
    backup: Annotated[bool, typer.Option(help="Keep the old file as a backup.")] = True,
) -> None:
    """Migrate the warehouse to this release's schema and DuckDB's newest storage format, after an upgrade."""
    from beha2vec_core.store.migrate import MigrationError, make_plan
    from beha2vec_core.store.migrate import migrate as migrate_warehouse
    from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError, WarehouseVersionError

    settings = _settings()
    if not settings.warehouse_path.exists():
        typer.echo(f"{settings.warehouse_path} does not exist yet: the first run creates it")
        return
    warehouse = Warehouse(settings.warehouse_path, lock_timeout=settings.lock_timeout_seconds)
    try:
        with warehouse.connect("migrate --check") as connection:
            plan = make_plan(connection)
        typer.echo(f"{warehouse.path.name} has schema {plan.schema or '(none yet)'} and storage {plan.storage}")
        for change in plan.pending:
            typer.echo(f"  {'to do' if check else 'doing'}: {change}")
        if not plan.pending:
            typer.echo("nothing to migrate")
        if check:
            raise typer.Exit(1 if plan.pending else 0)
        done = migrate_warehouse(warehouse, backup)
    except (MigrationError, WarehouseBusyError, WarehouseVersionError) as error:
        _fail(str(error))
    if done.plan.pending:
        typer.echo(f"done: {counted(len(done.rows), 'table')} with {counted(sum(done.rows.values()), 'row')}")
    if done.backup:
        typer.echo(f"the old file is kept as {done.backup}; delete it once everything works")


@app.command()
def summary() -> None:
    """Summarize the last run and suggest next steps."""
    import duckdb

    from beha2vec_core.profiles.counts import clustered_words, funnel
    from beha2vec_core.profiles.counts import totals as find_totals

    settings = _settings()
    if not settings.serving_path.exists():
        _fail("there are no results yet: run beha2vec materialize first")
    with duckdb.connect(str(settings.serving_path), read_only=True) as connection:
        totals, steps = find_totals(connection), funnel(connection)
        users = connection.execute("select count(*) from beha2vec.user_clusters_current").fetchall()[0][0]
        clusters = connection.execute(
            """select cluster_key, coalesce(name, '') as name, count(*) as users from beha2vec.user_clusters_current
            left join beha2vec.cluster_insights using (cluster_key) group by all order by all"""
        ).fetchall()
    script = Path(sys.executable).with_name("beha2vec")
    command = script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else Path("beha2vec")
    unknown = users - totals.clustered_users
    typer.echo(f"\n{clustered_words(totals.clustered_users, totals.clusters, unknown)}:")
    for key, name, size in clusters:
        typer.echo(f"  {key:>2}  {name:<32} {size:>9,} {'user ' if size == 1 else 'users'}  {size / users:6.1%}")
    typer.echo("\nFrom events to clusters:")
    for step in steps:
        typer.echo(f"  {step.name:<36} {step.count:>9,}")
        for loss in step.losses:
            typer.echo(textwrap.fill(loss.words, 100, initial_indent="      - ", subsequent_indent="        "))
    typer.echo(
        f"""
Next steps
  1. see the graph, plots and checks:  {command} ui, then http://localhost:3000
  2. explore users and clusters:       {command} explore, then http://localhost:8501
  3. ask questions:                    {command} chat "{_question([key for key, _, _ in clusters])}"
  4. load your own export:             set it in .env, then: {command} doctor"""
    )


def _question(cluster_keys: list[int]) -> str:
    """A question for the chat: about a cluster that exists, or about no cluster where there is none."""
    from beha2vec_core.clusters.model import TOO_LITTLE_EVIDENCE

    found = [key for key in cluster_keys if key != TOO_LITTLE_EVIDENCE]
    return f"build a buyer persona for cluster {min(found)}" if found else "which pages do most users view?"


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over the published database.")],
    warehouse: Annotated[
        bool,
        typer.Option(
            "--warehouse",
            help="Query the warehouse, which also has raw.ga4_quarantine and raw.ga4_ingest_log; waits for runs.",
        ),
    ] = False,
    layout: Annotated[
        Layout, typer.Option("--format", help="table: the first 100 rows; csv, json (a line per row): all rows.")
    ] = Layout.TABLE,
) -> None:
    """Query the published read-only database in SQL; schemas: beha2vec (our results), ga4 (the dbt models)."""
    from contextlib import nullcontext

    import duckdb

    from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError

    settings = _settings()
    path = settings.warehouse_path if warehouse else settings.serving_path
    if not path.exists():
        _fail("there are no results yet: run beha2vec materialize first")
    door = Warehouse(path, settings.lock_timeout_seconds).exclusive("beha2vec query") if warehouse else nullcontext()
    try:
        with door, duckdb.connect(str(path), read_only=True) as connection:
            if len(connection.extract_statements(sql)) != 1:
                raise duckdb.InvalidInputException("give one SELECT")
            write_rows(connection.execute(sql), layout)
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has enough, as in: beha2vec query ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (duckdb.Error, WarehouseBusyError, OSError) as error:
        _fail(str(error))


@app.command()
def chat(
    question: Annotated[str | None, typer.Argument(help="One question; without it, a conversation.")] = None,
    model: Annotated[bool, typer.Option("--model/--no-model", help="Whether a language model answers.")] = True,
) -> None:
    """Ask questions about the clusters; answered by the configured language model, or looked up."""
    from beha2vec_core.chat.conversation import open_conversation
    from beha2vec_core.chat.published import NotInData
    from beha2vec_core.chat.terminal import answer_once
    from beha2vec_core.chat.terminal import chat as chat_in_terminal

    settings = _settings()
    conversation = open_conversation(settings, use_model=model)
    try:
        if question is None:
            chat_in_terminal(conversation, settings.data_path / "chat_history")
        else:
            conversation.overview()
            answer_once(conversation, question)
    except NotInData as error:
        _fail(str(error))
    finally:
        conversation.close()


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Folder for the files; created if missing.")] = Path("export"),
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="parquet: vectors are lists. csv: a column a dimension (behavior_0, ...). "
            "bigquery: load files, schemas and the script load.sh; needs --dataset.",
        ),
    ] = Format.PARQUET,
    what: Annotated[
        list[What] | None, typer.Option(help="What to write; can be given several times. Default: all.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="BigQuery dataset to load into, as project.dataset.")] = None,
) -> None:
    """Export the published vectors, clusters, profiles and insights to files; existing ones are replaced."""
    settings = _settings()
    try:
        written = export_tables(settings.serving_path, out, form, what or tuple(What), dataset)
    except ValueError as error:
        _fail(f"--dataset: {error}", 2)
    except (ExportError, OSError) as error:
        _fail(str(error))
    for table in written:
        typer.echo(f"{table.what:<17}{table.rows:>12,} rows  {table.path.stat().st_size:>14,} bytes  {table.path}")
    if form is Format.BIGQUERY and dataset:
        typer.echo(f"\nTo load them, run {out / 'load.sh'} where bq is signed in, or in that folder:")
        for command in load_commands([table.what for table in written], *parse_dataset(dataset)):
            typer.echo(f"  {command}")


@app.command()
def explore(
    host: Annotated[str, typer.Option(help="Address to listen on; the default is local only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8501,
) -> None:
    """Explore your users in the browser: overview, map, clusters, single users. Needs the extra "explorer"."""
    from beha2vec_core.explorer.launch import LaunchError, launch

    settings = _settings()
    try:
        project.require_port(host, port)
        launch(settings, host, port)
    except (LaunchError, project.ProjectError) as error:
        _fail(str(error))


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="File to write; an existing one is replaced.")] = Path("report.html"),
) -> None:
    """Write a report to share: one HTML file with overview, map and clusters. Needs the extra "explorer"."""
    from importlib.util import find_spec

    settings = _settings()
    if find_spec("plotly") is None:
        _fail("the report needs plotly: pip install 'beha2vec[explorer]'")
    from beha2vec_core.explorer.published import NotPublishedError, Published
    from beha2vec_core.explorer.report import write_report

    try:
        size = write_report(Published(settings.serving_path), out, settings.tz)
    except (NotPublishedError, OSError) as error:
        _fail(str(error))
    typer.echo(f"{out}: {size / 1e6:.1f} MB; open it in a browser or send it by e-mail")


@themes.command("suggest")
def suggest_themes(
    pages: Annotated[int, typer.Option(help="How many pages to look at, the most viewed first.", min=1)] = 5000,
    groups: Annotated[
        int | None, typer.Option(help="Number of themes; default: chosen by how well they separate the pages.", min=2)
    ] = None,
    output: Annotated[Path, typer.Option(help="The label file to write.")] = Path("labels.yml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    seed: Annotated[int, typer.Option(help="Same pages, same seed: same file.")] = 0,
) -> None:
    """Group pages by topic and write a label file to edit, for a site without labels."""
    from beha2vec_core.encoder.device import DeviceError, resolve_device
    from beha2vec_core.pages.discover import DiscoveryError, discover_themes, label_file
    from beha2vec_core.pages.embedder import Embedder
    from beha2vec_core.pages.weights import ModelUnavailable

    settings = _settings()
    if output.exists() and not force:
        _fail(f"{output} already exists: choose another --output, or --force to overwrite it", 2)
    try:
        device = str(resolve_device(settings.device))
        found = discover_themes(
            _pages(settings),
            Embedder.find(settings.embedding_model, device=device),
            groups=groups,
            max_pages=pages,
            seed=seed,
        )
    except (DiscoveryError, ModelUnavailable, DeviceError) as error:
        _fail(str(error))
    output.write_text(label_file(found), encoding="utf-8")
    for theme in found.themes:
        typer.echo(f"  {theme.label.name:<40} {theme.pages:>6,} pages  {theme.share_of_views:6.1%} of page views")
    typer.echo(
        f"{counted(len(found.themes), 'theme')} of {counted(len(found.page_keys), 'page')} in {output}; "
        f"{found.left_out:,} more are common to every site, or have no words.\n"
        f"Edit it, then set BEHA2VEC_LABELS_FILE={output} and run enriched_pages."
    )


@alerts.command("test")
def test_alerts() -> None:
    """Send a test message to every alert recipient."""
    from beha2vec_core.alerts import send, trial

    settings = _settings()
    if not settings.alerts_configured:
        _fail(
            "no alert recipient: set BEHA2VEC_ALERT_SLACK_WEBHOOK_URL, BEHA2VEC_ALERT_WEBHOOK_URL, or "
            "BEHA2VEC_ALERT_EMAIL_TO with BEHA2VEC_ALERT_SMTP_HOST (docs/operations.md)",
            2,
        )
    deliveries = send(trial(settings), settings)
    for delivery in deliveries:
        if delivery.error:
            typer.secho(f"{delivery.target}: {delivery.error}", fg="red", err=True)
        else:
            typer.echo(f"{delivery.target}: sent")
    if any(delivery.error for delivery in deliveries):
        raise typer.Exit(1)


def _pages(settings: Settings) -> pd.DataFrame:
    """The distinct pages: from the warehouse, or from the published database while another process holds it."""
    import duckdb

    from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError

    query = "select page_key, page_title, page_path, hostname, page_views from ga4.dim_ga4__pages"
    try:
        if settings.warehouse_path.exists():
            with Warehouse(settings.warehouse_path, lock_timeout=_BUSY_SECONDS).connect("themes suggest") as connection:
                return connection.execute(query).df()
    except WarehouseBusyError as error:
        if not settings.serving_path.exists():
            _fail(str(error))
        typer.echo(f"the warehouse is busy: the pages are those of {settings.serving_path.name}", err=True)
        with duckdb.connect(str(settings.serving_path), read_only=True) as connection:
            return connection.execute(query).df()
    except duckdb.CatalogException:
        pass
    _fail("there are no pages yet: run beha2vec materialize --select '+dim_ga4__pages' first")


def _yesterday(settings: ExportSettings) -> date:
    return datetime.now(settings.tz).date() - timedelta(days=1)


if __name__ == "__main__":
    app()
