"""``beha2vec activate`` and ``beha2vec sent``: send members of an audience to other systems, and show what was sent."""

from datetime import date
from itertools import groupby
from typing import Annotated

import typer

from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.cli.app import app, ended_by, fail, read_settings
from beha2vec_core.words import counted

_NOT_ALL = 1


@app.command()
def activate(
    audience: Annotated[str, typer.Argument(help="Name of the audience in audiences.yml.")],
    to: Annotated[str, typer.Option("--to", help="Name of the destination in destinations.yml.")],
    send: Annotated[bool, typer.Option("--send", help="Send. Without it the plan is only shown.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Let the service check the requests without using them (ga4, data_manager).")
    ] = False,
    empty: Annotated[
        bool, typer.Option("--empty", help="Everybody leaves: to end an audience at the destination.")
    ] = False,
    repeat_unknown: Annotated[
        bool, typer.Option("--repeat-unknown", help="Repeat requests without an answer, though they may count twice.")
    ] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="Send members that are older than four days, and consent as known then.")
    ] = False,
) -> None:
    """Show who of an audience would be sent to a destination, step by step; with --send, send (docs/activation.md).

    Exit code 1: not all was accepted. 2: nothing was sent; the message says what to do. Files that other users can
    write say nothing about what to send, as in the nightly run (docs/security.md).
    """
    from beha2vec_core.activation import run
    from beha2vec_core.activation.written_by import who_else_writes

    if send and debug:
        fail("give --send or --debug: with --debug nothing is used", 2)
    settings = read_settings()
    options = run.Options(empty, repeat_unknown, debug, stale)
    with ended_by(*run.EXPECTED, code=2):
        if (send or debug) and (not_ours := who_else_writes(settings)):
            raise ActivationError(not_ours)
        chosen = run.chosen_audience(settings, audience, to, empty=empty)
        destination = run.destination_of(settings, to, debug=debug)
        lacking = "" if empty else run.unnamed(chosen, to)
        if lacking and (send or debug):
            raise ActivationError(f"{to}: {lacking}")
        if not send and not debug:
            plan = run.plan_only(settings, chosen, destination, options)
            for line in plan.lines():
                typer.echo(line)
            for problem in filter(None, (*destination.missing(), lacking, "" if stale else plan.stale)):
                typer.secho(f"{to}: {problem}", fg="yellow", err=True)
            asked = (("--empty", empty), ("--repeat-unknown", repeat_unknown), ("--stale", stale or plan.stale))
            typer.echo(run.how_to_send(plan, chosen, to, *(option for option, is_asked in asked if is_asked)))
            return
        plan, report = run.plan_and_send(
            settings, chosen, destination, options, say=lambda plan: typer.echo("\n".join(plan.lines()))
        )
    typer.echo("Checked by the service, and not used:" if debug else "Sent:")
    for line in report.lines() or ["nothing to send"]:
        typer.echo(f"  {line}")
    if plan.held_back or not report.is_complete:
        raise typer.Exit(_NOT_ALL)


@app.command()
def sent(
    audience: Annotated[str | None, typer.Option("--audience", help="Only of this audience.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Only to this destination.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How many days with changes to show.")] = 7,
    user: Annotated[
        str | None, typer.Option("--user", help="What was sent about one user: a user key, device id or login id.")
    ] = None,
    close: Annotated[
        bool,
        typer.Option(
            "--close",
            help="Write down that users are there no more, after you removed them by hand: those who cannot be "
            "addressed, or all of the audience where the file no longer has the destination.",
        ),
    ] = False,
) -> None:
    """Show what was sent, by day, destination and audience, with the users that each step left out.

    With --user, each change of one user.
    """
    from beha2vec_core.activation.ledger import sent as lines_of
    from beha2vec_core.activation.run import EXPECTED, close_users, sent_of

    settings = read_settings()
    if close:
        if not (audience and to):
            fail("--close needs --audience and --to", 2)
        with ended_by(*EXPECTED, code=2):
            users = close_users(settings, audience, to)
        typer.echo(f"{counted(users, 'user')} of {audience}: written down as no longer at {to}")
        return
    if user is not None:
        with ended_by(*EXPECTED, code=2):
            changes = sent_of(settings, user)
        chosen = [one for one in changes if to in (None, one.destination) and audience in (None, one.audience)]
        newest = sorted({one.at.date() for one in chosen}, reverse=True)[:days]
        for one in (one for one in chosen if one.at.date() in newest):
            became = one.outcome + (f" ({one.reason})" if one.reason else "")
            typer.echo(f"{one.at:%Y-%m-%d %H:%M} UTC  {one.audience} to {one.destination}: {one.change}, {became}")
        if not chosen:
            typer.echo("Nothing was sent about this user")
        return
    with ended_by(ActivationError, code=2):
        found = lines_of(settings.storage.ledger_path, to, audience)
    shown: list[date] = sorted({line.day for line in found}, reverse=True)[:days]
    if not found:
        typer.echo("Nothing has been sent yet: beha2vec activate AUDIENCE --to DESTINATION shows a plan")
    lines = (line for line in found if line.day in shown)
    for heading, group in groupby(lines, lambda line: f"{line.day}  {line.audience} to {line.destination}"):
        typer.echo(heading)
        for line in group:
            typer.echo(f"  {line.step:<16}{line.outcome:<12}{line.users:>10,}")
