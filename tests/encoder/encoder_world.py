"""Small logs with every kind of field, for tests of the encoder's parts."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from hypothesis import strategies as st

from beha2vec_core.encoder.config import EncoderConfig
from beha2vec_core.encoder.features import Fields
from beha2vec_core.encoder.network import BehaviorNetwork
from beha2vec_core.events.sequences import Sequences, build_sequences

CPU = torch.device("cpu")
CONFIG = EncoderConfig(
    dim=16,
    layers=2,
    heads=2,
    dropout=0.0,
    unknown_rate=0.0,
    min_count=1,
    hash_buckets=4,
    extra_fields={"device": "category", "price": "number"},
)
COLUMNS = ["user_key", "event_timestamp", "event_name", "page", "theme", "device", "price"]
PAGES = (
    "shop.example/p/10023-blue-hat",
    "shop.example/p/77-red-hat",
    "shop.example/",
    "screen:Cart",
    "a.example/x?y=1",
)

Event = tuple[str, float, str, str, str | None, str | None, float | None]

events = st.tuples(
    st.sampled_from("uvw"),
    st.sampled_from([0, 0.5, 1, 2, 30, 60, 84, 200]),  # seconds
    st.sampled_from(["page_view", "screen_view", "click", "scroll"]),
    st.sampled_from(PAGES),
    st.sampled_from(["hats", "help", None]),
    st.sampled_from(["phone", "desk", None]),
    st.sampled_from([0.0, -3.5, 3.5, 1e9, None]),
)
logs = st.lists(events, min_size=1, max_size=12)


def read(log: list[Event]) -> Sequences:
    table = pd.DataFrame(log, columns=COLUMNS)
    table["event_timestamp"] = (table["event_timestamp"].astype(float) * 1e6).astype("int64")
    table["price"] = table["price"].astype(float)
    return build_sequences(table, extra_text=["device"], extra_number=["price"])


def random_log(users: int, seed: int = 0) -> Sequences:
    """Users of one to twelve events; who has many goes for other pages than who has few."""
    rng = np.random.default_rng(seed)
    log: list[Event] = []
    for user in range(users):
        length, second = int(rng.integers(1, 13)), 0.0
        for _ in range(length):
            page = PAGES[int(rng.integers(0, 2)) + 2 * (rng.random() * 12 < length)]
            name, theme = str(rng.choice(["page_view", "click"])), ("hats", "help")[user % 2]
            log.append((f"u{user:03d}", second, name, page, theme, None, float(rng.integers(0, 9))))
            second += float(rng.choice([5, 60, 4000]))
    return read(log)


def fresh(sequences: Sequences, config: EncoderConfig = CONFIG) -> tuple[Fields, BehaviorNetwork]:
    """Fields and an untrained network, always the same one."""
    fields = Fields.fit(sequences, config)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return fields, BehaviorNetwork(config, fields).eval()


def digest_of(table: pa.Table) -> str:
    """Of all bits of the vectors."""
    digest = hashlib.sha256()
    for column in ("behavior", "identity"):
        digest.update(table[column].combine_chunks().flatten().to_numpy().tobytes())
    return digest.hexdigest()
