"""The command line: a command is a few lines that call the core, ``doctor`` checks the set-up."""

from beha2vec_core.cli.main import app

__all__ = ["app"]
