"""Public logs other than web analytics, as events: order lines and replies are page views of articles and people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.benchmarks.data_sets import data_folder, load, logs_export


def read_events(name: str) -> pd.DataFrame:
    """The events of a log or of any other data set."""
    return READERS[name]() if name in READERS else load(name).events


def online_retail() -> pd.DataFrame:
    """Order lines of a gift shop (UCI Online Retail, CC BY 4.0); pages are articles."""
    lines = pd.read_parquet(logs_export.found(data_folder(), logs_export.RETAIL))
    lines = lines[lines["CustomerID"].notna() & (lines["Quantity"] > 0)]
    moments = pd.to_datetime(lines["InvoiceDate"]).to_numpy().astype("datetime64[us]").astype(np.int64)
    users = lines["CustomerID"].astype(float).astype(int).astype(str)
    return _events(users.to_numpy(), moments, ("shop.example/" + lines["StockCode"].astype(str)).to_numpy())


def mathoverflow() -> pd.DataFrame:
    """Answers and comments (SNAP; Stack Exchange data, CC BY-SA); pages are the people who are answered."""
    rows = logs_export.mathoverflow(data_folder()).events
    return _events(rows["user_key"], rows["event_timestamp"], "mathoverflow.example" + rows["path"])


READERS = {"online_retail": online_retail, "mathoverflow": mathoverflow}


def _events(users: object, moments: object, pages: object) -> pd.DataFrame:
    table = pd.DataFrame({"user_key": users, "event_timestamp": moments, "event_name": "page_view", "page": pages})
    table[["theme", "page_type"]] = ""
    return table.sort_values(["user_key", "event_timestamp"], kind="stable").reset_index(drop=True)
