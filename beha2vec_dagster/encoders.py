"""What the encoder's assets share: saved encoders by version, and the core's messages in a run's log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg
import duckdb

from beha2vec_dagster.settings import settings

if TYPE_CHECKING:
    from beha2vec_core import BehaviorEncoder


def newest_version(connection: duckdb.DuckDBPyConnection) -> str:
    """The encoder trained last."""
    newest = connection.execute("select model_version from beha2vec.encoder_newest").fetchone()
    if newest is None:
        raise dg.Failure("there is no trained encoder yet: materialize trained_encoder first")
    return str(newest[0])


def current_version(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The encoder whose vectors readers see, if any."""
    current = connection.execute("select model_version from beha2vec.encoder_current").fetchone()
    return str(current[0]) if current else None


_RETRAIN = "Materialize trained_encoder, or the job train_encoder, which trains one and makes all that follows from it"


def load_encoder(version: str, device: str, remedy: str = _RETRAIN) -> "BehaviorEncoder":
    """A saved encoder.

    Raises:
        dg.Failure: this release cannot read it, as after an upgrade; the message names the remedy.
    """
    from beha2vec_core import BehaviorEncoder
    from beha2vec_core.encoder.encoder import EncoderFormatError

    try:
        return BehaviorEncoder.load(settings.encoders_path / version, device=device)  # type: ignore[arg-type]
    except EncoderFormatError as error:
        raise dg.Failure(f"encoder {version} cannot be used: {error}. {remedy}", allow_retries=False) from None


@contextmanager
def encoder_messages(log: logging.Logger) -> Iterator[None]:
    """What the core says while it trains (that it goes on from a checkpoint, say) is in the run's log too."""
    core = logging.getLogger("beha2vec_core.encoder")
    level, handler = core.level, _Forwarding(log)
    core.addHandler(handler)
    core.setLevel(logging.INFO)
    try:
        yield
    finally:
        core.removeHandler(handler)
        core.setLevel(level)


class _Forwarding(logging.Handler):
    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage())
