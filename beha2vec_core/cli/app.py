"""The command ``beha2vec``, and what its commands share: settings, errors, options."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from typer.core import TyperGroup

from beha2vec_core.settings import ExportSettings, Settings, SettingsError, misspelt_variables, renamed_variables
from beha2vec_core.store import limits
from beha2vec_core.store.published import NotPublishedError, open_published

_T = TypeVar("_T")


class _Commands(TyperGroup):
    """The commands. If the reader of the output stops early (``| head``), a command ends without an error."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return None
        finally:
            try:
                sys.stdout.flush()  # otherwise the interpreter reports the closed pipe when it exits
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    cls=_Commands,
    help="User embeddings, clusters and explanations from a GA4 BigQuery export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def read_settings() -> Settings:
    """The settings; a wrong one ends the command with its message."""
    settings = _or_exit(Settings.load)
    limits.hold_to(settings.storage)
    return settings


def read_export_settings() -> ExportSettings:
    """The settings of a command that runs the graph; a missing or wrong one ends it with its message."""
    from beha2vec_core.pages import require_valid_settings

    settings = _or_exit(ExportSettings.load)
    _or_exit(lambda: require_valid_settings(settings))
    limits.hold_to(settings.storage)
    return settings


def _or_exit(step: Callable[[], _T]) -> _T:
    try:
        return step()
    except SettingsError as error:
        hint = "" if Path(".env").exists() else f"(There is no .env in {Path.cwd()}: is it the project's folder?)"
        between = "\n" if "\n" in str(error) else " "
        fail(f"{error}{between}{hint}".strip(), 2)


def require_results(path: Path) -> None:
    """End the command where a database of results does not exist."""
    if not path.exists():
        fail(f"there are no results in {path.parent}: run beha2vec materialize, or go to the project's folder")


def require_published(path: Path) -> None:
    """End the command where nothing is published; say so where only a sample of the users is."""
    from beha2vec_core.store.sample import sample_notice

    require_results(path)
    with suppress(NotPublishedError), open_published(path) as connection:  # the command says what is wrong with it
        if notice := sample_notice(connection):
            typer.secho(notice, fg="yellow", err=True)


def parse_day(text: object) -> date:
    """The day that an option names."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise typer.BadParameter(f"{text} is not a day: write it as YYYY-MM-DD, for example 2026-01-31") from None


def fail(error: Exception | str, code: int = 1) -> NoReturn:
    """End the command with a message and an exit code."""
    typer.secho(str(error), fg="red", err=True)
    raise typer.Exit(code)


@contextmanager
def ended_by(*errors: type[Exception], code: int = 1) -> Iterator[None]:
    """A block that ends the command at one of these errors, with its message."""
    try:
        yield
    except errors as error:
        fail(error, code)


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
    # what is written is of users: for its owner only, and for a group where the umask denies all others already
    umask = os.umask(0o077)
    if umask & 0o007 == 0o007:
        os.umask(umask)
    if context.invoked_subcommand != "doctor":  # which reports them itself
        warn_of_names()


def warn_of_names() -> None:
    """Name the variables that are a misspelt setting, or the former name of one."""
    if wrong := misspelt_variables():
        pairs = ", ".join(f"{name} (did you mean {right}?)" for name, right in wrong.items())
        typer.secho(f"warning: unknown settings: {pairs}", fg="yellow", err=True)
    for old, new in renamed_variables().items():
        typer.secho(f"warning: {old} is now {new}; the former name still works", fg="yellow", err=True)
