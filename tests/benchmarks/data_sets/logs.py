"""Public logs that are no visits to a site, as events: an order line or a reply is a page view, its subject a page."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.benchmarks.data_sets import data_folder
from tests.benchmarks.data_sets.logs_export import MATHOVERFLOW, RETAIL, found


def online_retail() -> pd.DataFrame:
    """Orders of a gift shop (UCI Online Retail, CC BY 4.0): a customer's order lines, pages are articles."""
    lines = pd.read_parquet(found(data_folder(), RETAIL))
    lines = lines[lines["CustomerID"].notna() & (lines["Quantity"] > 0)]
    moments = pd.to_datetime(lines["InvoiceDate"]).to_numpy().astype("datetime64[us]").astype(np.int64)
    users = lines["CustomerID"].astype(float).astype(int).astype(str)
    return _events(users.to_numpy(), moments, ("shop.example/" + lines["StockCode"].astype(str)).to_numpy())


def mathoverflow() -> pd.DataFrame:
    """Answers and comments (SNAP; Stack Exchange data, CC BY-SA): a user's replies, pages are those replied to."""
    path = found(data_folder(), MATHOVERFLOW)
    rows = pd.read_csv(path, sep=" ", names=["who", "to", "seconds"])
    users, pages = rows["who"].astype(str), "forum.example/" + rows["to"].astype(str)
    return _events(users.to_numpy(), rows["seconds"].to_numpy() * 1_000_000, pages.to_numpy())


READERS = {"online_retail": online_retail, "mathoverflow": mathoverflow}


def _events(users: object, moments: object, pages: object) -> pd.DataFrame:
    table = pd.DataFrame({"user_key": users, "event_timestamp": moments, "event_name": "page_view", "page": pages})
    table[["theme", "page_type"]] = ""
    return table.sort_values(["user_key", "event_timestamp"], kind="stable").reset_index(drop=True)
