"""Commands that make a project, check it and open Dagster."""

import subprocess
from contextlib import suppress
from datetime import date
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from beha2vec_core.cli import project
from beha2vec_core.cli.app import app, ended_by, parse_day, read_settings, warn_of_names
from beha2vec_core.words import counted

# of the demo; its settings, demo_shop/demo.env, have the same last day
_USERS, _DAYS = 2100, 84


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="The project's folder; created if it does not exist.")]) -> None:
    """Create a project: a folder with settings, Dagster's configuration and a README."""
    with ended_by(project.ProjectError, OSError):
        project.init(folder)
    typer.echo(
        f"Created {folder}. Try it with the data of an invented shop:\n  cd {quote(str(folder))}\n  beha2vec demo\n"
        "or set your export in .env, then:\n  beha2vec doctor\n  beha2vec materialize"
    )


@app.command()
def demo(
    users: Annotated[int, typer.Option(help="Number of users.", min=1)] = _USERS,
    days: Annotated[
        int | None, typer.Option(help=f"Number of days; default: {_DAYS}. Predictions need 35.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed: same data.")] = 7,
) -> None:
    """Write the export of an invented shop and build everything from it."""
    with ended_by(project.ProjectError):
        values = project.prepare_demo(read_settings().export.source, days)
    from beha2vec_core.cli.results import summary
    from beha2vec_core.cli.runs import run_command

    first, last = (date.fromisoformat(values[f"BEHA2VEC_{name}_DATE"]) for name in ("START", "END"))
    demo_data(Path(values["BEHA2VEC_SOURCE"]), users, (last - first).days + 1, seed, first)
    command = run_command(["--select", "*"], first, last)
    if code := _wait_for(subprocess.Popen(command, env=project.environment())):
        raise typer.Exit(code)
    summary()


def _wait_for(run: subprocess.Popen[bytes]) -> int:
    """The exit code of a run. Ctrl-C reaches the run too, which says how it ends."""
    while True:
        with suppress(KeyboardInterrupt):
            return run.wait()


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 3000) -> None:
    """Open Dagster for this machine: the graph, its runs, checks and schedules. For a server see docs/deployment.md."""
    with ended_by(project.ProjectError):
        project.become_ui(port)


@app.command("demo-data")
def demo_data(
    out: Annotated[Path, typer.Option(help="Folder for the export (a file a day).")] = Path("data/demo_export"),
    users: Annotated[int, typer.Option(help="Number of users.", min=1)] = _USERS,
    days: Annotated[int, typer.Option(help="Number of days.", min=1)] = _DAYS,
    seed: Annotated[int, typer.Option(help="Same seed: same bytes.")] = 7,
    start: Annotated[date, typer.Option(parser=parse_day, metavar="YYYY-MM-DD", help="First day.")] = date(2026, 1, 5),
    timezone: Annotated[str, typer.Option(help="Time zone of the demo shop.")] = "Europe/Berlin",
) -> None:
    """Write the GA4 export of a demo shop; a truth file has the persona of each user."""
    from beha2vec_core.demo_shop import write_demo_export

    with ended_by(ValueError, code=2):
        summary = write_demo_export(out, users=users, days=days, seed=seed, start_date=start, timezone=timezone)
    typer.echo(
        f"{counted(summary.events, 'event')} of {counted(summary.users, 'user')} on {counted(summary.days, 'day')} in "
        f"{out} ({counted(len(summary.files), 'file')}). Personas: {summary.truth}"
    )


@app.command()
def doctor() -> None:
    """Check export, dates, time zone, disk, locks, versions, device and endpoint, and suggest fixes."""
    from beha2vec_core.cli.doctor import run_checks

    colors = {"ok": "green", "warn": "yellow", "fail": "red"}
    try:
        settings = read_settings()
    except typer.Exit:
        warn_of_names()
        raise
    checks = run_checks(settings)
    for check in checks:
        typer.secho(f"{check.status:>4}", fg=colors[check.status], nl=False)
        typer.echo(f"  {check.name}: {check.message}")
        if check.remedy and check.status != "ok":
            typer.echo(f"        -> {check.remedy}")
    if any(check.status == "fail" for check in checks):
        raise typer.Exit(1)
