"""What the encoder's assets share: saved encoders by version, days embedded by one, the core's messages in a log."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb

from beha2vec_core.compute import Compute
from beha2vec_core.compute.device import Device
from beha2vec_core.encoder.user_embeddings import EmbeddedDay, encode_changed, known_sequences, replace_changed
from beha2vec_core.events.user_sequences import sequence_file
from beha2vec_core.files import scratch
from beha2vec_core.progress import with_progress
from beha2vec_core.settings import Settings
from beha2vec_core.store.limits import SPILL
from beha2vec_dagster.lib.resources import WarehouseResource

if TYPE_CHECKING:
    from beha2vec_core import BehaviorEncoder


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


def version_beside(connection: duckdb.DuckDBPyConnection, version: str) -> str | None:
    """What an encoder is compared with: the one in use, or the previous one if it is in use itself."""
    others = connection.execute(
        """select model_version from beha2vec.cluster_models where promoted_at is not null and model_version <> ?
        order by promoted_at desc limit 1""",
        [version],
    ).fetchall()
    return str(others[0][0]) if others else None


def version_in_use(connection: duckdb.DuckDBPyConnection) -> str:
    """The encoder to embed by: the one readers see, before there are readers the last that was accepted.

    Raises:
        dg.Failure: none was accepted yet.
    """
    in_use = current_version(connection)
    if in_use:
        return in_use
    newest = newest_version(connection)
    accepted = connection.execute(
        "select model_version from beha2vec.encoders where accepted_at is not null order by trained_at desc limit 1"
    ).fetchall()
    if not accepted:
        raise dg.Failure(
            f"no encoder is in use yet, and {newest} was not accepted: materialize encoder_evaluation and "
            "trained_encoder, or run beha2vec materialize --job train_encoder",
            allow_retries=False,
        )
    return str(accepted[0][0])


def is_accepted(connection: duckdb.DuckDBPyConnection, version: str) -> bool:
    """Whether the encoder was promoted, now or before."""
    query = "select accepted_at from beha2vec.encoders where model_version = ?"
    return connection.execute(query, [version]).fetchall()[0][0] is not None


def evaluation_rows(connection: duckdb.DuckDBPyConnection, version: str) -> list[dict[str, Any]]:
    """The evaluation of an encoder, for `beha2vec_core.evaluation.gate`; empty where too few users could be judged."""
    query = "from beha2vec.encoder_evaluation where model_version = ?"
    rows: list[dict[str, Any]] = connection.sql(query, params=[version]).to_arrow_table().to_pylist()
    return rows


_RETRAIN = "Run beha2vec materialize --job train_encoder: it trains one and puts it in its place"


def load_encoder(folder: Path, device: Device, remedy: str = _RETRAIN) -> "BehaviorEncoder":
    """The encoder saved in a folder, whose name is its version.

    Raises:
        dg.Failure: this release cannot read it, as after an upgrade; the message names the remedy.
    """
    from beha2vec_core import BehaviorEncoder
    from beha2vec_core.encoder.encoder import EncoderFormatError

    try:
        return BehaviorEncoder.load(folder, device=device)
    except EncoderFormatError as error:
        raise dg.Failure(f"encoder {folder.name} cannot be used: {error}. {remedy}", allow_retries=False) from None


def embed_days(
    settings: Settings,
    warehouse: WarehouseResource,
    encoder: "BehaviorEncoder",
    days: list[date],
    compute: Compute,
    *,
    again: bool = False,
) -> dict[date, EmbeddedDay]:
    """Bring the days' vectors of one encoder up to date with the sequences, a day at a time.

    ``again``: embed users too whose sequence has not changed.

    The warehouse is held for moments only: what is encoded is in parquet first.

    Raises:
        dg.Failure: a day has no sequences.
    """
    missing = [day for day in days if not sequence_file(settings.storage.sequences_path, day).exists()]
    if missing:
        raise dg.Failure(f"there are no user_sequences for {missing[0]}: materialize that partition first")
    version = encoder.model_version
    embedded: dict[date, EmbeddedDay] = {}
    with scratch(settings.storage.data_dir, SPILL) as folder:
        file = folder / "encoded.parquet"
        for day in with_progress(days, title=f"vectors of {version}", unit="day"):
            with warehouse.connect(f"user_embeddings {day}: read") as connection:
                known = known_sequences(connection, version, day)
            known = known.slice(0, 0) if again else known
            users = encode_changed(
                encoder, sequence_file(settings.storage.sequences_path, day), known, file, compute=compute
            )
            with warehouse.connect(f"user_embeddings {day}: write") as connection:
                embedded[day] = replace_changed(connection, version, day, users, file)
    return embedded
