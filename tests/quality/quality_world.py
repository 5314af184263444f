"""A small warehouse for checks of the data: our tables, encoders with their clusters, rows as a test needs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from beha2vec_core.quality.catalogue import CHECKS
from beha2vec_core.quality.check import CheckOutcome, Look
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.tables import create_tables

DAY = date(2026, 3, 6)
NOW = datetime(2026, 3, 6, 12)


class World:
    """The warehouse, and how checks look at it."""

    def __init__(self, folder: Path) -> None:
        self.settings = ExportSettings(
            data_dir=folder, source="data/demo_export", start_date=date(2026, 1, 5), timezone="Europe/Berlin"
        )
        self._connection = duckdb.connect()
        create_tables(self._connection)
        self._connection.execute("create schema ga4")

    @contextmanager
    def connect(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """In memory: files and their lock cost most of the time, and are tested with the graph."""
        yield self._connection

    def execute(self, sql: str, *parameters: Any) -> None:
        with self.connect("test") as connection:
            connection.execute(sql, list(parameters))

    def check(self, name: str, asset: str | None = None, first: date = DAY, last: date = DAY) -> CheckOutcome:
        """What the check of that name finds; of that asset, where several assets have one."""
        (check,) = [check for check in CHECKS if check.name == name and asset in (None, check.asset)]
        return check.look(Look(self.connect, first, last, self.settings))

    def log(self, day: date, accepted: int, users: int = 50, status: str = "ingested", property_id: str = "p") -> None:
        self.execute(
            "insert into raw.ga4_ingest_log values (?, ?, ?, ?, ?, 0, ?, [], null, ?, 0, 0)",
            property_id, day, status, accepted, accepted, users, NOW,
        )  # fmt: skip

    def encoder(self, version: str, promoted: datetime = NOW, warm_start_from: str | None = None) -> None:
        """An encoder that readers see, with its clusters 0, 1 and 2."""
        with self.connect("test") as connection:
            connection.execute(
                """insert into beha2vec.encoders by name select ? as model_version, '{}'::json as config,
                '{}'::json as train_config, '{}'::json as data_window, '[]'::json as training_curve,
                ?::timestamp as trained_at, ? as warm_start_from""",
                [version, promoted, warm_start_from],
            )
            connection.execute(
                "insert into beha2vec.cluster_models values (?, ?, 3, 100, '[]', ?, ?)",
                [f"clusters of {version}", version, promoted, promoted],
            )
            connection.execute(
                """insert into beha2vec.cluster_lineage
                select ?, null, unnest([0, 1, 2]), 'born', null, 30, 0
                union all select ?, null, 7, 'gone', null, 5, 0""",
                [f"clusters of {version}"] * 2,
            )

    def embed(self, version: str, day: date, vectors: np.ndarray, first_user: int = 0) -> None:
        rows = pa.table(
            {
                "user_key": [f"u{first_user + i}" for i in range(len(vectors))],
                "behavior": [row.astype(np.float32).tolist() for row in vectors],
            }
        )
        with self.connect("test") as connection:
            connection.register("rows", rows)
            connection.execute(
                f"""insert into beha2vec.user_embeddings by name select date '{day}' as event_date,
                '{version}' as model_version, user_key, timestamp '{day} 22:59:59' as as_of, 9 as n_events,
                false as low_evidence, behavior::float[] as behavior, behavior::float[] as identity from rows"""
            )

    def assign(self, version: str, day: date, clusters: list[int], first_user: int = 0) -> None:
        for place, cluster in enumerate(clusters):
            self.execute(
                "insert into beha2vec.user_clusters values (?, ?, ?, ?, ?, 0.5, 0.1, 1.0, 2.0, null, null)",
                day, f"clusters of {version}", version, f"u{first_user + place}", cluster,
            )  # fmt: skip

    def quality(
        self,
        day: date,
        events: int = 1000,
        without_user: int = 0,
        late: int = 0,
        early: int = 0,
        break_reason: str | None = None,
    ) -> None:
        """A row of dbt's daily quality."""
        self.execute(
            """create table if not exists ga4.ga4_quality__daily (
                property_id varchar, event_date date, events bigint, null_id_share double, late_events bigint,
                early_events bigint, is_tracking_break boolean, tracking_break_reason varchar, usual_events double)"""
        )
        self.execute(
            "insert into ga4.ga4_quality__daily values ('p', ?, ?, ?, ?, ?, ?, ?, 1000)",
            day, events, without_user / events if events else None, late, early, break_reason is not None, break_reason,
        )  # fmt: skip


def before(days: int) -> date:
    return DAY - timedelta(days=days)
