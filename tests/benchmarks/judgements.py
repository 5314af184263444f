"""Judgements as a parquet file, so that a method can be judged in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beha2vec_core.evaluation.statistics import Outcome, Statistic


@dataclass(frozen=True)
class Judgement:
    """One figure of one method on one split of one data set."""

    data: str
    method: str
    split: str
    repeat: int
    outcome: Outcome


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("data", "method", "split", "task", "metric", "statistic")),
        *((name, pa.int64()) for name in ("repeat", "n")),
        ("value", pa.float64()),
        ("users", pa.list_(pa.string())),
        *((name, pa.list_(pa.float64())) for name in ("score", "label")),
    ]
)


def write_judgements(judgements: Sequence[Judgement], path: Path) -> None:
    """Write them, with the units they were computed from."""
    rows = [
        {"data": one.data, "method": one.method, "split": one.split, "repeat": one.repeat} | vars(one.outcome)
        for one in judgements
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)


def read_judgements(path: Path) -> list[Judgement]:
    """Read what :func:`write_judgements` wrote."""
    return [_judgement(row) for row in pq.read_table(path).to_pylist()]


def _judgement(row: dict[str, Any]) -> Judgement:
    assert row["statistic"] in get_args(Statistic)
    about = {name: row.pop(name) for name in ("data", "method", "split", "repeat")}
    users = None if row["users"] is None else np.array(row.pop("users"), dtype=object)
    score, label = (None if row[name] is None else np.array(row[name], dtype=float) for name in ("score", "label"))
    return Judgement(**about, outcome=Outcome(**row | {"users": users, "score": score, "label": label}))
