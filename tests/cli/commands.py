"""Commands run in this process."""

from typer.testing import CliRunner

from beha2vec_core.cli import app


def run_migrate(*arguments: str) -> tuple[int, str]:
    """`beha2vec migrate`: its exit code and what it wrote."""
    result = CliRunner().invoke(app, ["migrate", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output
