"""``python -m beha2vec_core`` is the command ``beha2vec``."""

from beha2vec_core.cli import app

app(prog_name="beha2vec")
