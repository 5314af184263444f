"""A day's user embeddings: users whose sequence is new or has changed are embedded; the vectors of the others stay."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from beha2vec_core.store import limits
from beha2vec_core.store.warehouse import transaction

if TYPE_CHECKING:
    from beha2vec_core.compute import Compute
    from beha2vec_core.encoder.encoder import BehaviorEncoder

_TABLE = "beha2vec.user_embeddings"
_BATCH_ROWS = 10_000


class EmbeddedDay(NamedTuple):
    """Users of a day, and how many of them were embedded just now."""

    users: int
    embedded: int


class DayChangedError(RuntimeError):
    """Another run wrote the same day meanwhile; the message names the remedy."""


def known_sequences(connection: duckdb.DuckDBPyConnection, model_version: str, day: date) -> pa.Table:
    """``user_key`` and ``sequence_hash`` of the vectors that an encoder has made for a day."""
    return connection.sql(
        f"select user_key, sequence_hash from {_TABLE} where model_version = ? and event_date = ?",
        params=[model_version, day],
    ).to_arrow_table()


def encode_changed(
    encoder: BehaviorEncoder, sequences: Path, known: pa.Table, target: Path, compute: Compute | None = None
) -> pa.Table:
    """Encode the users of a sequence file whose sequence is not the one known, to a parquet file.

    Args:
        sequences: the day's file, from ``user_sequences.write_day``.
        known: from ``known_sequences``; a hash that is null or another means that the user is encoded again.
        target: the file to write; it has what ``encode_stream`` gives.
        compute: where users are encoded; None: in this process.

    Returns:
        ``user_key`` and ``sequence_hash`` of all users of the day.
    """
    with limits.connect() as connection:
        connection.register("known", known)
        connection.read_parquet(str(sequences), hive_partitioning=False).create_view("sequences")
        users = connection.sql(
            "select user_key, hash(sequences) as sequence_hash from sequences order by user_key"
        ).to_arrow_table()
        changed = connection.sql(
            """select sequences.* from sequences
            anti join known
                on known.user_key = sequences.user_key and known.sequence_hash = hash(sequences)
            order by sequences.user_key"""
        )
        with (
            encoder.encode_stream(changed.to_arrow_reader(_BATCH_ROWS), compute=compute) as encoded,
            pq.ParquetWriter(target, encoded.schema) as file,
        ):
            for batch in encoded:
                file.write_batch(batch)
    return users


def replace_changed(
    connection: duckdb.DuckDBPyConnection, model_version: str, day: date, users: pa.Table, encoded: Path
) -> EmbeddedDay:
    """Put a day's new vectors in place of those they replace, and take away users who are no longer active, at once.

    One transaction: a kill in between leaves the day as it was.

    Args:
        users: all users of the day, from ``encode_changed``.

    Raises:
        DayChangedError: rows that were to stay are gone.
    """
    of_day = f"event_date = date '{day}' and model_version = '{model_version}'"
    connection.register("users_of_day", users)
    connection.read_parquet(str(encoded), hive_partitioning=False).create_view("encoded", replace=True)
    try:
        with transaction(connection):
            connection.execute(
                f"""delete from {_TABLE} where {of_day} and (
                    user_key in (select user_key from encoded)
                    or user_key not in (select user_key from users_of_day))"""
            )
            ((embedded,),) = connection.execute(
                f"""insert into {_TABLE} by name
                select date '{day}' as event_date, '{model_version}' as model_version, user_key, as_of, n_events,
                    low_evidence, behavior::float[] as behavior, identity::float[] as identity, sequence_hash
                from encoded join users_of_day using (user_key)"""
            ).fetchall()
            ((stored,),) = connection.execute(f"select count(*) from {_TABLE} where {of_day}").fetchall()
            if stored != users.num_rows:
                raise DayChangedError(
                    f"another run has changed user_embeddings of {day} meanwhile: {stored:,} rows for "
                    f"{users.num_rows:,} users. Nothing was written; run it again when that run has ended"
                )
    finally:
        connection.execute("drop view encoded")
        connection.unregister("users_of_day")
    return EmbeddedDay(int(stored), int(embedded))
