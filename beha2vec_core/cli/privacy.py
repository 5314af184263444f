"""Commands about personal data: find a person, forget a person, apply the retention."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.cli import project
from beha2vec_core.cli.app import app, ended_by, fail, read_settings
from beha2vec_core.ga4.source_files import SourceNotReachedError
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.settings import Settings
from beha2vec_core.store.compact import CompactError
from beha2vec_core.store.warehouse import Warehouse, WarehouseBusyError, WarehouseVersionError
from beha2vec_core.words import counted

_NOT_FOUND, _SOMETHING_LEFT = 3, 1

Users = Annotated[
    list[str] | None,
    typer.Option("--user", help="A device id (user_pseudo_id), login id (user_id) or user_key; several times."),
]
File = Annotated[Path | None, typer.Option("--file", help="A text file with one of them per line.")]
Also = Annotated[
    list[Path] | None, typer.Option("--also", help="Another file or folder with copies of results; several times.")
]


@app.command("find-person")
def find_person(user: Users = None, file: File = None, also: Also = None) -> None:
    """Show every file, table and column that has a person; changes nothing. Exit code 3: no one was found."""
    from beha2vec_core.privacy.forgetting.forget import locate

    settings = read_settings()
    _require_data(settings)
    with ended_by(PrivacyError, SourceNotReachedError, WarehouseBusyError, WarehouseVersionError):
        resolved, found = locate(settings, _asked(user, file), _dagster_home(), also or ())
    people = resolved.people
    typer.echo(
        f"{counted(len(people.devices - resolved.unknown), 'device id')}, "
        f"{counted(len(people.keys - resolved.unknown), 'user key')}, {counted(len(found), 'place')}"
    )
    for one in found:
        typer.echo(f"  {one}")
    if people.common:
        typer.echo(f"{counted(len(people.common), 'identifier')} not looked for in texts: a word of other people's too")
    if resolved.unknown:
        typer.secho(f"not found: {', '.join(sorted(resolved.unknown))}", fg="yellow", err=True)
    if not found:
        raise typer.Exit(_NOT_FOUND)


@app.command()
def forget(
    user: Users = None,
    file: File = None,
    also: Also = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Those on the list of the forgotten, after a backup was restored; no names needed."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show where they are, as find-person does.")] = False,
    devices: Annotated[
        int | None,
        typer.Option("--devices", help="How many devices one login id may have, if more than 20 are one person's."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the certificate only.")] = False,
) -> None:
    """Remove people everywhere, keep them out of later runs, and print a certificate (docs/privacy.md).

    Exit code 1: something is left. 3: a person was not found, and is on the list of the forgotten anyway.
    """
    from beha2vec_core.privacy.forgetting.forget import MOST_DEVICES, is_unfinished, on_the_list
    from beha2vec_core.privacy.forgetting.forget import forget as forget_people

    if dry_run:
        return find_person(user, file, also)
    settings = read_settings()
    home = _dagster_home()
    if home is None or again:  # before a project's first run, a person can be put on the list only
        _require_data(settings)
    with (
        # while another process holds the warehouse, the removal that is not finished may be its own
        _saying_how_to_finish(lambda: is_unfinished(settings) and Warehouse.of(settings.storage).is_free()),
        ended_by(PrivacyError, CompactError, SourceNotReachedError, WarehouseBusyError, WarehouseVersionError),
    ):
        asked = on_the_list(settings, home, also or ()) if again else _asked(user, file)
        if not asked and not is_unfinished(settings):
            typer.echo("no one on the list of forgotten people is in the data")
            return None
        certificate = forget_people(
            settings,
            asked,
            home,
            also or (),
            say=lambda text: None if quiet else typer.echo(text, err=True),
            runs_in_progress=lambda: _runs_in_progress(home) if home else [],
            most_devices=MOST_DEVICES if devices is None else devices,
        )
    typer.echo(certificate.as_text())
    typer.echo(f"\nthe certificate is kept as {certificate.path}")
    if certificate.left:
        raise typer.Exit(_SOMETHING_LEFT)
    if certificate.not_found:
        typer.secho(
            f"{counted(len(certificate.not_found), 'identifier')} not found: check the spelling. It is on the list of "
            "the forgotten: an export that has it later is read without it",
            fg="yellow",
            err=True,
        )
        raise typer.Exit(_NOT_FOUND)
    return None


@app.command("apply-retention")
def apply_retention() -> None:
    """Remove what is older than BEHA2VEC_RETENTION_DAYS_* allow, as the nightly job apply_retention does."""
    from beha2vec_core.privacy.forgetting.retention import apply_retention as apply

    settings = read_settings()
    with ended_by(ActivationError, CompactError, SourceNotReachedError, WarehouseBusyError, WarehouseVersionError):
        removed = apply(settings)
    if not removed:
        typer.echo("all layers are kept forever: set BEHA2VEC_RETENTION_DAYS_RAW or another one (docs/privacy.md)")
    for one in removed:
        typer.echo(
            f"{one.layer:<11}{counted(one.rows, 'row')} of {counted(one.days, 'day')} before {one.before} removed "
            f"(kept: {counted(one.keep_days, 'day')})"
        )


@contextmanager
def _saying_how_to_finish(is_unfinished: Callable[[], bool]) -> Iterator[None]:
    """What ends the block may have interrupted a removal."""
    try:
        yield
    except BaseException:
        if is_unfinished():
            again = "the removal was interrupted and is not complete: run beha2vec forget --again"
            typer.secho(again, fg="red", err=True)
        raise


def _require_data(settings: Settings) -> None:
    """End the command where there is no data folder: "not found" would be no answer."""
    if not settings.storage.data_dir.exists():
        fail(f"there is no data folder {settings.storage.data_dir}: go to the project's folder")


def _asked(user: list[str] | None, file: Path | None) -> list[str]:
    asked = list(user or [])
    if file is not None:
        try:
            asked += file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--file {file}: {error}", 2)
    asked = [one for line in asked if (one := line.strip())]
    if not asked:
        fail("no person given: use --user with a device id, a login id or a user_key, or --file with one per line", 2)
    return asked


def _dagster_home() -> Path | None:
    try:
        return project.dagster_home()
    except project.ProjectError:
        return None


def _runs_in_progress(home: Path) -> list[str]:
    """The runs in progress of any kind, as Dagster's records have them.

    Raises:
        PrivacyError: the records cannot be read.
    """
    found = subprocess.run(
        [sys.executable, "-m", "beha2vec_dagster.in_progress"],
        env={**os.environ, "DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    if found.returncode:
        why = (found.stderr.strip().splitlines() or ["no message"])[-1]
        raise PrivacyError(f"Dagster's records in {home} cannot be read, so runs in progress are not known: {why}")
    return found.stdout.splitlines()
