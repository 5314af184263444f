"""The command line, a module per group of commands; ``doctor`` holds the checks, ``project`` the files of a project."""

from beha2vec_core.cli import setup, runs, results, audiences, activate, mcp, themes, privacy, alerts  # noqa: F401, I001  # importing registers; this order in --help
from beha2vec_core.cli.app import app

__all__ = ["app"]
