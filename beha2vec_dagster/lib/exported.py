"""Exported variables win over `.env` in Dagster's programs too, which load the file over them when they start."""

import json
import os

from dotenv import dotenv_values

_KEPT = "_BEHA2VEC_EXPORTED"


def keep() -> None:
    """Hand the exported variables that `.env` names too to the processes that this one starts."""
    os.environ[_KEPT] = json.dumps({name: os.environ[name] for name in dotenv_values(".env") if name in os.environ})


def restore() -> None:
    """Set again what was kept, if anything."""
    os.environ.update(json.loads(os.environ.get(_KEPT, "{}")))
