"""What classifiers see of a page: one cleaned row, with nothing in it that is not text."""

import re
from typing import Any

import pandas as pd
import pyarrow as pa

from beha2vec_core.pages.site import page_shapes, without_site_name
from beha2vec_core.pages.text import clean_path, clean_text, clean_title

INPUT_COLUMNS = ["page_key", "page_title", "page_path", "hostname", "page_views"]
LIST_COLUMNS = ["item_names", "item_categories"]
EVENT_COLUMNS = {"usual_events": "usually", "frequent_events": "often"}
MAX_ITEMS, MAX_EVENTS = 5, 10
_NOT_NAME = re.compile(r"\W+")


def prepare(pages: pd.DataFrame | pa.Table) -> pd.DataFrame:
    """What classifiers see: one cleaned row a page_key, ordered by it.

    Columns ``page_key``, ``page_title`` (without the site's name), ``page_path``, ``hostname``, ``page_text``,
    ``shape`` (see `site.page_shapes`), ``events``, what people do there (``usually:view_item often:add_to_cart``), all
    text without control characters and never null; ``item_names`` and ``item_categories``, tuples of at most
    `MAX_ITEMS` texts; ``page_views``; ``users``, who saw the page under its title (0 where nothing says it).

    Raises:
        ValueError: a column is missing.
    """
    frame: pd.DataFrame = pages.to_pandas() if isinstance(pages, pa.Table) else pages
    if missing := [column for column in INPUT_COLUMNS if column not in frame]:
        raise ValueError(f"the pages lack the column {', '.join(missing)}; give the rows of dim_ga4__pages")
    frame = frame.reset_index(drop=True)
    screen = frame["page_key"].str.removeprefix("screen:")
    # an app screen has a name in place of a path
    texts = {
        "page_title": map(clean_title, frame["page_title"]),
        "page_path": map(clean_path, frame["page_path"].fillna(screen)),
        "hostname": map(clean_title, frame["hostname"]),
        "page_text": map(clean_text, frame["page_text"] if "page_text" in frame else [None] * len(frame)),
    }
    cleaned = pd.DataFrame({"page_key": frame["page_key"].astype(object)})
    for column, values in texts.items():
        cleaned[column] = pd.Series(list(values), index=frame.index, dtype=object)
    for column in LIST_COLUMNS:
        lists = frame[column] if column in frame else [None] * len(frame)
        cleaned[column] = pd.Series([_texts(value) for value in lists], index=frame.index, dtype=object)
    cleaned["events"] = pd.Series(_events(frame), index=frame.index, dtype=object)
    cleaned["page_views"] = frame["page_views"].fillna(0).astype("int64")
    cleaned["users"] = frame["users"].fillna(0).astype("int64") if "users" in frame else 0
    views = cleaned.groupby("page_key")["page_views"].sum()
    order = cleaned.sort_values(["page_key", "page_views", "page_title"], ascending=[True, False, True])
    distinct = order.drop_duplicates("page_key").reset_index(drop=True)
    distinct["page_views"] = distinct["page_key"].map(views)
    distinct["page_title"] = without_site_name(distinct)
    distinct["shape"] = page_shapes(distinct)
    return distinct


def _events(frame: pd.DataFrame) -> list[str]:
    """The events of each page in one text, in alphabetical order, each name without what could pass for another."""
    events = [""] * len(frame)
    for column, how in EVENT_COLUMNS.items():
        for row, names in enumerate(frame.get(column, ())):
            known = sorted(_NOT_NAME.sub("_", name.lower()) for name in _texts(names, MAX_EVENTS))
            events[row] += "".join(f"{how}:{name} " for name in known)
    return events


def _texts(value: Any, most: int = MAX_ITEMS) -> tuple[str, ...]:
    """A list column's cell (list, array or null) as cleaned texts."""
    if value is None or isinstance(value, str | float):
        return ()
    return tuple(text for text in map(clean_title, list(value)[:most]) if text)
