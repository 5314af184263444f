"""Logs of real customers as data sets, and as GA4 exports, so that ingest, dbt and features run on them.

Each order, post or comment is a page view; an order also is a purchase with its transaction id, value and currency. A
session is what no pause of 30 minutes cuts. The export day is the day of the event, in UTC: use the time zone UTC.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from beha2vec_core.demo_shop.export import FILE_PATTERN, DayFile, param
from beha2vec_core.evaluation.data import INPUT_COLUMNS, TASK_COLUMNS, TEXTS
from beha2vec_core.progress import with_progress
from tests.benchmarks.data_sets.base import DataNotFoundError, EvaluationData, number_of_pauses
from tests.benchmarks.data_sets.cdnow import cdnow_transactions

LOGS = ("online_retail_2010_11", "cdnow", "mathoverflow_2009_16")
RETAIL = Path("online_retail_2010_11") / "online_retail.parquet"
MATHOVERFLOW = Path("mathoverflow_2009_16") / "sx-mathoverflow.txt.gz"
_SECOND = 1_000_000
_NOON = 12 * 3600 * _SECOND
_CDNOW_SHIFT = 887 * 7 * 86_400 * _SECOND  # 1997-01-01 becomes 2014-01-01, also a Wednesday
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True)
class ExportSummary:
    """What was written: rows, users, first and last day, and what was left out."""

    rows: int
    users: int
    first: date
    last: date
    left_out: str


@dataclass(frozen=True)
class Log:
    """Events with the columns ``user_key``, ``event_timestamp`` (µs UTC), ``path``, ``title``, ``order``, ``value``.

    ``order`` is null where nothing is bought.
    """

    host: str
    currency: str | None
    events: pd.DataFrame
    left_out: str


def online_retail(folder: Path) -> Log:
    """Orders of a UK gift shop, December 2010 to December 2011 (UCI Online Retail, CC BY 4.0); times as if in UTC.

    The page of an order is its most expensive line.

    Raises:
        DataNotFoundError: it does not lie in ``folder``.
    """
    lines = pd.read_parquet(found(folder, RETAIL))
    bought = (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0) & ~lines["InvoiceNo"].str.startswith("C")
    known = lines["CustomerID"].notna()
    left_out = (
        f"{(~known).sum():,} lines without a customer and {(known & ~bought).sum():,} cancelled or free ones left out."
    )
    lines = lines[bought & known].copy()
    lines["value"] = lines["Quantity"] * lines["UnitPrice"]
    first = lines.sort_values(["InvoiceNo", "value", "StockCode"], ascending=[True, False, True], kind="stable")
    orders = first.groupby("InvoiceNo", as_index=False).agg(
        user_key=("CustomerID", "first"),
        moment=("InvoiceDate", "min"),
        code=("StockCode", "first"),
        title=("Description", "first"),
        value=("value", "sum"),
    )
    events = pd.DataFrame(
        {
            "user_key": orders["user_key"].astype("int64").astype(str),
            "event_timestamp": _microseconds(orders["moment"]),
            "path": "/p/" + orders["code"].str.lower(),
            "title": orders["title"].str.strip(),
            "order": orders["InvoiceNo"],
            "value": orders["value"].round(2),
        }
    )
    return Log("gifts.example", "GBP", events, left_out)


def mathoverflow(folder: Path) -> Log:
    """Answers and comments on MathOverflow, 2009 to 2016 (SNAP; Stack Exchange data, CC BY-SA); nobody buys.

    The page is the person who is answered.

    Raises:
        DataNotFoundError: it does not lie in ``folder``.
    """
    path = found(folder, MATHOVERFLOW)
    log = pd.read_csv(path, sep=" ", header=None, names=["who", "whom", "seconds"])
    events = pd.DataFrame(
        {
            "user_key": log["who"].astype(str),
            "event_timestamp": log["seconds"].astype("int64") * _SECOND,
            "path": "/users/" + log["whom"].astype(str),
            "title": "Posts of a Person",
            "order": None,
            "value": 0.0,
        }
    )
    return Log("mathoverflow.example", None, events, "Nothing was left out.")


def cdnow(cache: Path) -> Log:
    """Purchases of CDs, January 1997 to June 1998 (see the module ``cdnow``); each at noon, as the hour is unknown.

    All dates are 887 weeks later, from January 2014: ingest refuses timestamps that are older than Google Analytics.

    Raises:
        DataNotFoundError: it cannot be fetched.
    """
    orders = cdnow_transactions(cache)
    free = orders["value"] <= 0
    orders = orders[~free].reset_index(drop=True)
    number = orders.groupby("customer").cumcount() + 1
    # purchases of one day follow each other by an hour, as distinct visits
    of_day = orders.groupby(["customer", "date"]).cumcount()
    events = pd.DataFrame(
        {
            "user_key": orders["customer"],
            "event_timestamp": _microseconds(orders["date"]) + _CDNOW_SHIFT + _NOON + of_day * 3600 * _SECOND,
            "path": "/cds",
            "title": "CDs",
            "order": orders["customer"] + "-" + number.astype(str),
            "value": orders["value"],
        }
    )
    return Log("cds.example", "USD", events, f"{free.sum()} purchases of the value 0 left out.")


def read_log(name: str, *, folder: Path, cache: Path) -> Log:
    """A log by name, see `write_export`."""
    match name:
        case "online_retail_2010_11":
            return online_retail(folder)
        case "mathoverflow_2009_16":
            return mathoverflow(folder)
        case "cdnow":
            return cdnow(cache)
    raise ValueError(f"there is no log {name!r}; choose online_retail_2010_11, mathoverflow_2009_16 or cdnow")


def as_data(name: str, *, folder: Path, cache: Path) -> EvaluationData:
    """A log as a data set: each order or post is a page view, and each order a purchase right after it.

    Raises:
        DataNotFoundError, ValueError: see `write_export`.
    """
    log = read_log(name, folder=folder, cache=cache)
    views = log.events[["user_key", "event_timestamp"]].assign(page=log.host + log.events["path"])
    views[["theme", "page_type", "section"]] = ""
    orders = views[log.events["order"].notna()].assign(event_name="purchase")
    events = pd.concat([views.assign(event_name="page_view"), orders])
    events = events.sort_values(["user_key", "event_timestamp"], kind="stable").reset_index(drop=True)
    events["session"] = events["user_key"] + "/" + number_of_pauses(events).astype(str)
    events["is_page_view"] = events["event_name"] == "page_view"
    events["is_conversion"] = events["is_purchase"] = ~events["is_page_view"]
    about = f"What real people ordered or posted, not what they looked at. {log.left_out}"
    return EvaluationData(name, about, events[[*INPUT_COLUMNS, *TASK_COLUMNS]].astype(TEXTS), temporal=True)


def write_export(
    name: str, out: Path, *, folder: Path, cache: Path, progress: Callable[[str], None] = print
) -> ExportSummary:
    """Write a log as ``out/events_YYYYMMDD.ndjson.gz``, a file for each day with events.

    Args:
        name: ``online_retail_2010_11``, ``mathoverflow_2009_16`` or ``cdnow``.
        out: a folder without an export; made if absent.
        folder: where real data lie, see `tests.benchmarks.data_sets.data_folder`.
        cache: where fetched data are kept, see `tests.benchmarks.data_sets.cache_folder`.
        progress: takes a message at the beginning and one at the end.

    Raises:
        DataNotFoundError: the data are not on this machine; the message says how to get them.
        FileExistsError: ``out`` holds an export.
        ValueError: there is no such log.
    """
    if any(out.glob(FILE_PATTERN)):
        raise FileExistsError(f"{out} holds an export: choose an empty folder")
    log = read_log(name, folder=folder, cache=cache)
    events = log.events.sort_values(["user_key", "event_timestamp"], kind="stable").reset_index(drop=True)
    pause = number_of_pauses(events)
    users = events["user_key"]
    events["session_number"] = pause + 1
    events["session_id"] = events["event_timestamp"].groupby([users, pause]).transform("min") // _SECOND
    events["first_touch"] = events["event_timestamp"].groupby(users).transform("min")
    events["day"] = pd.to_datetime(events["event_timestamp"], unit="us").dt.strftime("%Y%m%d")
    progress(f"{name}: writing {len(events):,} events of {users.nunique():,} users to {out}")
    out.mkdir(parents=True, exist_ok=True)
    rows = 0
    for day, of_day in with_progress(list(events.groupby("day", sort=True)), title=name, unit="day"):
        file = DayFile(out / f"events_{day}.ndjson.gz")
        try:
            for event in of_day.to_dict("records"):
                names = ("page_view",) if pd.isna(event["order"]) else ("page_view", "purchase")
                for event_name in names:
                    file.write(_row(event_name, event, log))
                rows += len(names)
            file.finish()
        finally:
            file.discard()
    first, last = (datetime.strptime(day, "%Y%m%d").date() for day in (events["day"].min(), events["day"].max()))
    progress(f"{name}: {rows:,} rows, {first} to {last}. {log.left_out}")
    return ExportSummary(rows, users.nunique(), first, last, log.left_out)


def _row(name: str, event: Mapping[Hashable, Any], log: Log) -> str:
    """One row of the export, as a line of JSON: int64 as strings, nulls dropped."""
    params: dict[str, str | int | float] = {
        "ga_session_id": int(event["session_id"]),
        "ga_session_number": int(event["session_number"]),
        "page_location": f"https://{log.host}{event['path']}",
        "page_title": event["title"],
        "session_engaged": "1",
    }
    rest: dict[str, Any] = {
        "user_pseudo_id": event["user_key"],
        "user_first_touch_timestamp": str(event["first_touch"]),
        "is_active_user": True,
        "device": {"category": "desktop", "web_info": {"hostname": log.host}},
        "stream_id": "1",
        "platform": "WEB",
    }
    if name == "purchase":
        params |= {"transaction_id": event["order"], "value": float(event["value"]), "currency": log.currency or ""}
        rest["ecommerce"] = {"purchase_revenue": float(event["value"]), "transaction_id": event["order"]}
    members = ",".join(param(key, value) for key, value in params.items())
    return (
        f'{{"event_date":"{event["day"]}","event_timestamp":"{event["event_timestamp"]}","event_name":"{name}",'
        f'"event_params":[{members}],{_encode(rest)[1:]}\n'
    )


def found(folder: Path, name: Path) -> Path:
    """The file of that name in the folder of real data.

    Raises:
        DataNotFoundError: it is not there; the message says where to put it.
    """
    path = folder / name
    if not path.is_file():
        raise DataNotFoundError(
            f"there is no {path}. Put it there, or name the folder that holds {name.parts[0]} with "
            "BEHA2VEC_EVALUATION_DATA"
        )
    return path


def _microseconds(moments: pd.Series) -> pd.Series:
    """Microseconds since 1970 of naive moments, taken as UTC."""
    return moments.astype("datetime64[us]").astype("int64")
