"""Commands that read the results."""

import sys
import textwrap
from collections.abc import Mapping
from contextlib import closing, nullcontext
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from beha2vec_core.cli import project
from beha2vec_core.cli.app import app, ended_by, fail, read_settings, require_published, require_results
from beha2vec_core.cli.rows import Layout, write_rows
from beha2vec_core.predictions.horizons import Horizons, read_horizons
from beha2vec_core.store import limits
from beha2vec_core.store.export import ExportError, Format, What, load_commands, parse_dataset
from beha2vec_core.store.export import export as export_tables
from beha2vec_core.store.published import NotPublishedError, open_published
from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError
from beha2vec_core.store.written import note_written


@app.command()
def summary() -> None:
    """Summarize the last run and suggest next steps."""
    from beha2vec_core.profiles.counts import cluster_sizes, clustered_words, funnel
    from beha2vec_core.profiles.counts import totals as find_totals

    settings = read_settings()
    require_published(settings.storage.serving_path)
    with ended_by(NotPublishedError), open_published(settings.storage.serving_path) as connection:
        totals, steps = find_totals(connection), funnel(connection)
        sizes = sorted(cluster_sizes(connection))
        names = dict(connection.execute("select cluster_key, name from beha2vec.cluster_insights").fetchall())
        ((last,),) = connection.execute("select max(event_date) from beha2vec.user_clusters_current").fetchall()
    script = Path(sys.executable).with_name("beha2vec")
    command = script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else Path("beha2vec")
    users = sum(size for _, size in sizes)
    if last:
        published = datetime.fromtimestamp(settings.storage.serving_path.stat().st_mtime, settings.export.tz)
        typer.echo(f"\nResults of {last}, published {published:%Y-%m-%d %H:%M} ({settings.export.tz.key})")
    if failure := project.failed_last_run():
        typer.secho(failure, fg="yellow", err=True)
    typer.echo(f"\n{clustered_words(totals.clustered_users, totals.clusters, totals.with_too_few_events)}:")
    for key, size in sizes:
        unit = "user " if size == 1 else "users"
        typer.echo(f"  {key:>2}  {names.get(key) or '':<32} {size:>9,} {unit}  {size / users:6.1%}")
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
  3. ask questions:                    {command} chat "{_question([key for key, _ in sizes])}\""""
    )
    if project.is_demo(settings.export.source):
        typer.echo(f"  4. load your own export:             set it in .env, then: {command} doctor")


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
    storage = read_settings().storage
    path = storage.warehouse_path if warehouse else storage.serving_path
    (require_results if warehouse else require_published)(path)
    door = Warehouse.of(storage).exclusive("beha2vec query") if warehouse else nullcontext()
    try:
        with door, limits.connect(path, read_only=True) as connection:
            if len(connection.extract_statements(sql)) != 1:
                raise duckdb.InvalidInputException("give one SELECT")
            write_rows(connection.execute(sql), layout)
    except BrokenPipeError:
        raise
    except duckdb.CatalogException as error:
        hint = "Other tables, such as raw events and dbt's working tables, are in the warehouse: add --warehouse"
        fail(str(error) if warehouse else f"{error}\n{hint}")
    except (duckdb.Error, WarehouseBusyError, OSError) as error:
        fail(str(error))


@app.command()
def predict(
    target: Annotated[
        str, typer.Option(help="purchase, return, or an event of BEHA2VEC_PREDICTION_EVENTS.")
    ] = "purchase",
    horizon: Annotated[
        int | None, typer.Option(help="Days ahead: 7, 14 or 28.", show_default="the longest that was tested")
    ] = None,
    top: Annotated[int, typer.Option(help="Number of users, the highest probability first.", min=1)] = 100,
    layout: Annotated[Layout, typer.Option("--format", help="table, csv or json (a line per row).")] = Layout.TABLE,
) -> None:
    """List the users most likely to do something, with the 90% interval, expected revenue and reasons."""

    from beha2vec_core.predictions.wording import does

    path = read_settings().storage.serving_path
    require_published(path)
    try:
        with ended_by(NotPublishedError), open_published(path) as connection:
            known = read_horizons(connection)
            of_target = known.get(target)
            days = of_target.shown if of_target and horizon is None else horizon
            if not of_target or days not in of_target.days:
                notes = connection.execute("select unnest(notes) from beha2vec.prediction_model_current").fetchall()
                fail(_not_predicted(target, days, known, [note for (note,) in notes]), 2)
            title = f"Most likely to {does(target)} within {days} days. {of_target.note(days)}"
            typer.echo(title.strip(), err=True)
            write_rows(
                connection.execute(
                    """select user_key, round(probability, 4) as probability, round(low, 4) as low,
                        round(high, 4) as high, decile, round(value, 2) as expected_revenue,
                        array_to_string(reasons, '; ') as reasons, as_of
                    from beha2vec.user_predictions_current where target = ? and horizon = ?
                    order by user_predictions_current.probability desc, user_key limit ?""",
                    [target, days, top],
                ),
                layout,
                shown=top,
            )
    except duckdb.Error as error:
        fail(f"{error}. Materialize serving_database again")


def _not_predicted(target: str, horizon: int | None, known: Mapping[str, Horizons], notes: list[str]) -> str:
    from beha2vec_core.predictions.wording import TRAIN, why_not

    if not known:
        return f"there are no predictions yet: {TRAIN}"
    listed = "; ".join(f"{name} within {', '.join(map(str, one.days))} days" for name, one in known.items())
    why = f"{target} within {horizon} days is not predicted." if target in known else why_not(target, notes)
    return f"{why} Choose from: {listed}"


@app.command()
def chat(
    question: Annotated[str | None, typer.Argument(help="One question; without it, a conversation.")] = None,
    model: Annotated[bool, typer.Option("--model/--no-model", help="Whether a language model answers.")] = True,
) -> None:
    """Ask questions about the clusters; answered by the configured language model, or looked up."""
    from beha2vec_core.chat.conversation import open_conversation
    from beha2vec_core.chat.data.database import NotInData
    from beha2vec_core.chat.terminal import answer_once
    from beha2vec_core.chat.terminal import chat as chat_in_terminal

    settings = read_settings()
    require_published(settings.storage.serving_path)
    with closing(open_conversation(settings, use_model=model)) as conversation, ended_by(NotInData):
        if question is None:
            chat_in_terminal(conversation, settings.storage.data_dir / "chat_history", partial(note_written, settings))
        else:
            conversation.overview()
            answer_once(conversation, question)


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
    """Export vectors, clusters, predictions, audiences, facts and insights to files; existing ones are replaced."""
    settings = read_settings()
    require_published(settings.storage.serving_path)
    try:
        written = export_tables(settings.storage.serving_path, out, form, what or tuple(What), dataset)
    except ValueError as error:
        fail(f"--dataset: {error}", 2)
    except (ExportError, OSError) as error:
        fail(str(error))
    note_written(settings, *(table.path for table in written))
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

    settings = read_settings()
    with ended_by(LaunchError, project.ProjectError):
        project.require_port(host, port)
        launch(settings, host, port)


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="File to write; an existing one is replaced.")] = Path("report.html"),
) -> None:
    """Write a report to share: one HTML file with overview, map and clusters. Needs the extra "explorer"."""
    settings = read_settings()
    if find_spec("plotly") is None:
        fail("the report needs plotly: pip install 'beha2vec[explorer]'")
    from beha2vec_core.explorer.published import Published
    from beha2vec_core.explorer.report import write_report

    with ended_by(NotPublishedError, OSError):
        size = write_report(Published(settings.storage.serving_path), out, settings.export.tz)
    note_written(settings, out)
    typer.echo(f"{out}: {size / 1e6:.1f} MB; open it in a browser or send it by e-mail")
