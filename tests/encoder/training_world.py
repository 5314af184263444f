"""A site whose visitors change their ways: what was learnt before makes what comes after look ever less likely."""

from __future__ import annotations

import numpy as np
import pandas as pd

from beha2vec_core import EncoderConfig, TrainConfig

CONFIG = EncoderConfig(dim=16, layers=1, heads=2, feed_forward=4, dropout=0.1, max_length=16)
TRAIN = TrainConfig(
    epochs=6, device="cpu", progress=False, batch_users=16, held_out_time=0.3, patience=0, learning_rate=0.02
)


def make_events(users: int = 160) -> pd.DataFrame:
    """Two to seven page views a user; the first two thirds of the users walk the pages up, the others, later, down."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(users):
        up = user < users * 2 // 3
        page = int(rng.integers(0, 8))
        for view in range(int(rng.integers(2, 8))):
            time = (user * 1_000 + view * 60) * 1_000_000
            rows.append((f"u{user:03d}", time, "page_view", f"site.example/{page}"))
            page = (page + (1 if up else -1)) % 8
    return pd.DataFrame(rows, columns=["user_key", "event_timestamp", "event_name", "page"])
