"""``beha2vec audiences``: who is in each audience, and what its rule would select now."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import duckdb
import typer

from beha2vec_core.audiences.file import Audience, AudienceError, find_audience, load_audiences
from beha2vec_core.cli.app import app, fail, read_settings, require_published
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.settings import Settings
from beha2vec_core.store.published import NotPublishedError, open_published
from beha2vec_core.words import counted

audiences_app = typer.Typer(
    help="Groups of users to act on, by the rules of audiences.yml (docs/audiences.md).", no_args_is_help=True
)
app.add_typer(audiences_app, name="audiences")
_Name = Annotated[str, typer.Argument(help="Name of the audience in the file.")]


@audiences_app.command("list")
def list_audiences() -> None:
    """List the audiences of the file, with their members on the last day that is published."""
    from beha2vec_core.audiences.members import counts, usable

    with _opened() as (_, audiences, connection):
        members = {name: sum(states.values()) for name, states in counts(connection).items()}
        if audiences and not members:
            command = "beha2vec materialize --select audience_members,serving_database"
            typer.echo(f"No members are published yet: run {command}", err=True)
        tables, problems = usable(connection, audiences, strict=True)
        for one in audiences:
            is_known = one.name in members or one.name in tables
            users = counted(members.get(one.name, 0), "member") if is_known else "members not known"
            typer.echo(f"{one.name}  ({one.purpose}, {users})")
            for text in filter(None, (one.description, one.rule)):
                typer.echo(textwrap.fill(text, 100, initial_indent="    ", subsequent_indent="    "))
        for problem in problems:
            typer.secho(problem, fg="yellow", err=True)


@audiences_app.command()
def names() -> None:
    """List the columns and functions that a rule can use."""
    from beha2vec_core.audiences.names import described

    with _opened(needs_file=False) as (_, _, connection):
        found = described(connection)
    width = max(map(len, found)) + 2
    for name, description in found.items():
        typer.echo(textwrap.fill(f"{name:<{width}}{description}", 120, subsequent_indent=width * " "))


@audiences_app.command()
def preview(name: _Name) -> None:
    """Show how many users the rule selects now, and how many of them may be contacted, step by step."""
    from beha2vec_core.audiences.rule import audience_table
    from beha2vec_core.audiences.selection import preview_key, selection_sql, steps

    with _opened() as (settings, audiences, connection):
        audience = find_audience(audiences, name)
        secret = preview_key(settings.storage.data_dir)
        selection = selection_sql(audience, audience_table(connection, audience, audiences), secret)
        typer.echo(f"{audience.name}: {' '.join(audience.rule.split())}")
        typer.echo(f"  {'':<52} {'remain':>9}{'left out':>10}")
        members, *others = steps(connection, audience, selection)
        typer.echo(f"  {members.name:<52} {members.users:>9,}")
        for step in others:
            typer.echo(f"  {step.name:<52} {step.users:>9,}{step.left_out:>10,}")
        clusters = connection.execute(
            f"""select cluster_key, coalesce(name, ''), count(*) from beha2vec.user_clusters_current
            left join beha2vec.cluster_insights using (cluster_key)
            where user_key in (select user_key from ({selection})) group by all order by 3 desc, 1 limit 5"""
        ).fetchall()
        if clusters:
            typer.echo("Largest clusters among the members:")
        for cluster_key, called, users in clusters:
            typer.echo(f"  {cluster_key:>2}  {called:<48} {users:>9,}")


@audiences_app.command()
def diff(name: _Name) -> None:
    """Show how many users would enter and leave, compared with the last day that was materialized."""
    from beha2vec_core.audiences.rule import audience_table

    with _opened() as (_, audiences, connection):
        table = audience_table(connection, find_audience(audiences, name), audiences)
        ((day, entered, stayed, left),) = connection.execute(
            f"""select (select max(event_date) from beha2vec.audience_members),
                count(*) filter (before.user_key is null), count(*) filter (now.user_key = before.user_key),
                count(*) filter (now.user_key is null)
            from {table} as now
            full join (from beha2vec.audience_members_current where audience = ?) as before
                on now.property_id = before.property_id and now.user_key = before.user_key""",
            [name],
        ).fetchall()
        not_yet = "not materialized yet (beha2vec materialize --select audience_members,serving_database)"
        typer.echo(f"{name}, {f'compared with {day}' if day else not_yet}:")
        for number, words in ((entered, "would enter"), (stayed, "would stay"), (left, "would leave")):
            typer.echo(f"  {counted(number, 'user')} {words}")


@contextmanager
def _opened(*, needs_file: bool = True) -> Iterator[tuple[Settings, list[Audience], duckdb.DuckDBPyConnection]]:
    """The settings, the audiences of the file, and the published database; an error ends the command."""
    settings = read_settings()
    require_published(settings.storage.serving_path)
    try:
        audiences = load_audiences(settings.audiences.file)
        if needs_file and not audiences:
            fail(f"{settings.audiences.file} has no audiences (docs/audiences.md, BEHA2VEC_AUDIENCES_FILE)")
        with open_published(settings.storage.serving_path) as connection:
            yield settings, audiences, connection
    except (AudienceError, NotPublishedError, PrivacyError) as error:
        fail(str(error), 2)
    except duckdb.CatalogException as error:
        fail(f"{str(error).splitlines()[0]} Materialize serving_database again", 2)
