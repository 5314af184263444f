"""What the encoder's assets share: saved encoders by version, days embedded by one, the core's messages in a log."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import duckdb

from beha2vec_core.user_sequences import sequence_file
from beha2vec_core.warehouse import replace_partition
from beha2vec_dagster.resources import WarehouseResource
from beha2vec_dagster.settings import settings

if TYPE_CHECKING:
    import pyarrow as pa

    from beha2vec_core import BehaviorEncoder


# by how much a figure on held-out users may surely be worse than that of the encoder in use
TOLERANCE = 0.01


def newest_version(connection: duckdb.DuckDBPyConnection) -> str:
    """The encoder trained last."""
    newest = connection.execute("select model_version from beha2vec.encoder_newest").fetchall()
    if not newest:
        raise dg.Failure("there is no trained encoder yet: materialize encoder_candidate first")
    return str(newest[0][0])


def current_version(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The encoder whose vectors readers see, if any."""
    current = connection.execute("select model_version from beha2vec.encoder_current").fetchall()
    return str(current[0][0]) if current else None


def reasons_to_refuse(connection: duckdb.DuckDBPyConnection, version: str, tolerance: float = TOLERANCE) -> list[str]:
    """Why the encoder should not be promoted, from its evaluation; nothing where too few users could be judged."""
    from beha2vec_core.evaluation import gate

    query = "from beha2vec.encoder_evaluation where model_version = ?"
    rows = connection.sql(query, params=[version]).to_arrow_table()
    return gate.reasons_to_refuse(rows.to_pylist(), tolerance)


_RETRAIN = "Run the job train_encoder: it trains one and puts it in its place"


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


def embed_days(
    log: logging.Logger, warehouse: WarehouseResource, encoder: "BehaviorEncoder", days: list[date]
) -> dict[date, int]:
    """Replace the days' vectors of one encoder; streamed to parquet first, since the warehouse is held for seconds.

    Returns the rows of each day.

    Raises:
        dg.Failure: a day has no sequences.
    """
    missing = [day for day in days if not sequence_file(settings.sequences_path, day).exists()]
    if missing:
        raise dg.Failure(f"there are no user_sequences for {missing[0]}: materialize that partition first")
    import pyarrow.parquet as pq

    version = encoder.model_version
    counts: dict[date, int] = {}
    with tempfile.TemporaryDirectory(prefix=".embeddings-", dir=settings.data_path) as scratch:
        for number, day in enumerate(days, start=1):
            source = pq.ParquetFile(sequence_file(settings.sequences_path, day))
            with encoder.encode_stream(source.iter_batches()) as encoded:
                _write(encoded, Path(scratch) / f"{day}.parquet")
            if number % 10 == 0 or number == len(days):
                log.info(f"{day} ({number:,}/{len(days):,} days) encoded by {version}")
        with warehouse.connect("user_embeddings") as connection:
            for day in days:
                file = str(Path(scratch) / f"{day}.parquet").replace("'", "''")
                counts[day] = replace_partition(
                    connection,
                    "beha2vec.user_embeddings",
                    f"""select date '{day}' as event_date, '{version}' as model_version, user_key,
                        as_of, n_events, low_evidence,
                        behavior::float[] as behavior, identity::float[] as identity from read_parquet('{file}')""",
                    f"event_date = date '{day}' and model_version = '{version}'",
                )
    return counts


def _write(batches: "pa.RecordBatchReader", path: Path) -> None:
    """As parquet, a batch at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, batches.schema) as file:
        for batch in batches:
            file.write_batch(batch)
