"""A small log for tests of methods, and how their answers are read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

SECOND = 1_000_000
MINUTE = 60 * SECOND
START = 1_700_000_000 * SECOND


def log(*rows: tuple[str, int, str | None] | tuple[str, int, str | None, str]) -> pd.DataFrame:
    """Events from (user, minute, page) or (user, minute, page, event name)."""
    full = [(*row, "page_view") if len(row) == 3 else row for row in rows]
    frame = pd.DataFrame(full, columns=["user_key", "minute", "page", "event_name"])
    frame["event_timestamp"] = START + frame.pop("minute") * MINUTE
    return frame.assign(page=frame["page"].astype(object), theme="any", page_type="any")


def views(**users: str) -> pd.DataFrame:
    """Page views a minute apart: ``views(u1="a b a")``."""
    return log(*((user, minute, page) for user, pages in users.items() for minute, page in enumerate(pages.split())))


def small_log(users: int = 60, seed: int = 0) -> pd.DataFrame:
    """Users of one to fifteen events on a shop's pages; some events have no page, some users no page view."""
    rng = np.random.default_rng(seed)
    sections = {"hats": ["a", "b", "c"], "mugs": ["d", "e"], "help": ["faq", "contact"]}
    rows: list[tuple[object, ...]] = []
    for user in range(users):
        time = START + int(rng.integers(0, 30)) * 1440 * MINUTE
        section = list(sections)[user % 3]
        for event in range(int(rng.choice([1, 2, 4, 8, 15]))):
            page = f"shop.example/{section}/{rng.choice(sections[section])}"
            name = str(rng.choice(["page_view", "page_view", "page_view", "add_to_cart", "purchase"]))
            silent = user % 10 == 9 or (event and rng.random() < 0.1)
            if user % 10 == 9:
                name = "app_open"
            rows.append((f"u{user:03d}", time, name, None if silent else page, section, "product"))
            time += int(rng.choice([20, 300, 4000])) * SECOND
    columns = ["user_key", "event_timestamp", "event_name", "page", "theme", "page_type"]
    return pd.DataFrame(rows, columns=columns)


def only(events: pd.DataFrame, users: Sequence[str]) -> pd.DataFrame:
    """The events of these users."""
    return events[events["user_key"].isin(users)]
