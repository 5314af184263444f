"""An export of GA4 as evaluation data: any user's own, and the merchandise store's."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pandas as pd

from beha2vec_core.ga4.readers import create_tables, read_file
from beha2vec_core.ga4.source_files import SourceFile, SourceNotFoundError
from beha2vec_core.ga4.sources import find_source_files
from tests.benchmarks.data_sets.addresses import page_key
from tests.benchmarks.data_sets.base import DataNotFoundError, EvaluationData, as_log, comes_back, number_of_pauses

STORE = Path("merch_store_2016_2017") / "export"
# the store's addresses begin with the site's own name, written in two ways
STORE_WRAPPERS = ("google+redesign", "google redesign")
# The order of events of one microsecond: dbt_ga4's ga4_event_taxonomy, tie_order (a test compares them).
TIE_ORDER = (
    "first_open",
    "first_visit",
    "session_start",
    "page_view",
    "screen_view",
    "view_search_results",
    "view_promotion",
    "select_promotion",
    "view_item_list",
    "select_item",
    "view_item",
    "scroll",
    "click",
    "add_to_wishlist",
    "add_to_cart",
    "view_cart",
    "remove_from_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
    "refund",
    "user_engagement",
)
_READER_VERSION = 1
_SMALL_BYTES = 100_000

_ROWS = """
    select
        user_pseudo_id as user_key,
        event_timestamp,
        event_name,
        {page_location} as location,
        {page_title} as page_title,
        {firebase_screen} as screen,
        {ga_session_id} as ga_session_id,
        device.web_info.hostname as host
    from accepted
    order by
        user_key, event_timestamp, batch_page_id nulls last, batch_ordering_id nulls last, batch_event_index nulls last,
        coalesce(list_position($ties, event_name), 1000), event_name, location, page_title, ga_session_id
"""


def merch_store(folder: Path, cache: Path | None = None) -> EvaluationData:
    """A year of real visits to the Google Merchandise Store, August 2016 to August 2017.

    Source: the public BigQuery data set ``google_analytics_sample``, a sample of complete sessions re-expressed as a
    GA4 export; 25,302 events of 2,685 users. Session lengths and conversion rate are not the store's (1 to 3 or 10 to
    22 hits, hardly any between). 48 users have more than one session: it cannot be split in time.

    Args:
        folder: where ``merch_store_2016_2017/export`` lies.
        cache: see `from_export`.

    Raises:
        DataNotFoundError: it does not lie there.
    """
    source = folder / STORE
    if not source.is_dir():
        raise DataNotFoundError(
            f"the merchandise store's export is not at {source}. Put it there or name the folder that holds "
            f"{STORE.parts[0]} with BEHA2VEC_EVALUATION_DATA; without it the evaluation leaves merch_store out"
        )
    return from_export(
        str(source),
        name="merch_store",
        about="Real visits to the Google Merchandise Store, 2016-08 to 2017-08, a sample of whole sessions; "
        "hardly anyone comes back.",
        below=STORE_WRAPPERS,
        cache=cache,
    )


def from_export(
    source: str,
    *,
    name: str = "own",
    about: str = "An export of GA4.",
    below: Collection[str] = (),
    cache: Path | None = None,
) -> EvaluationData:
    """Any export that :mod:`beha2vec_core.ga4` reads.

    A user is a ``user_pseudo_id``; a session a ``ga_session_id``, or without one what no pause of 30 minutes cuts.

    Args:
        source: a file, a folder or a glob.
        name: what the table calls it.
        about: a sentence on it; what was left out is added.
        below: first levels of paths that only wrap the real sections (see `section`).
        cache: a folder that keeps what was read, for as long as the files do not change; None: read each time.

    Raises:
        DataNotFoundError: nothing there that could be an export.
        UnreadableFileError: a file is cut short or not what its name says.
        ValueError: no event is left.
    """
    try:
        files = find_source_files(source, "own")
    except SourceNotFoundError as error:
        raise DataNotFoundError(str(error)) from error
    rows = _cached_rows(files, cache) if cache else _read_rows(files)
    log = as_log(_placed(rows), below=below)
    unreadable = f" {rows.attrs['unreadable']:,} rows could not be read." if rows.attrs["unreadable"] else ""
    return EvaluationData(name, f"{about} {log.left_out}{unreadable}", log.events, temporal=comes_back(log.events))


def _cached_rows(files: list[SourceFile], cache: Path) -> pd.DataFrame:
    """`_read_rows`, kept as parquet under a name that changes with the files."""
    seen = [(str(file.path.resolve()), (stat := file.path.stat()).st_size, stat.st_mtime_ns) for file in files]
    path = cache / f"export_{hashlib.sha256(repr((_READER_VERSION, seen)).encode()).hexdigest()[:16]}.parquet"
    if path.exists():
        return pd.read_parquet(path)
    rows = _read_rows(files)
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    rows.to_parquet(unfinished)
    unfinished.replace(path)
    return rows


def _read_rows(files: list[SourceFile]) -> pd.DataFrame:
    """The rows of all files, a user's in order; how many could not be read is ``attrs["unreadable"]``."""
    with duckdb.connect() as connection, TemporaryDirectory() as folder:
        create_tables(connection)
        reports = [read_file(connection, file) for file in _joined(files, Path(folder))]
        params = {
            "page_location": _param("page_location", "string_value"),
            "page_title": _param("page_title", "string_value"),
            "firebase_screen": _param("firebase_screen", "string_value"),
            "ga_session_id": _param("ga_session_id", "int_value"),
        }
        rows = connection.execute(_ROWS.format(**params), {"ties": list(TIE_ORDER)}).df()
    rows.attrs["unreadable"] = sum(report.quarantined for report in reports)
    return rows


def _joined(files: list[SourceFile], folder: Path) -> list[SourceFile]:
    """Small files of gzipped NDJSON as one: a file costs the readers more than its few rows.

    Gzip files one after the other are a gzip file. Files that do not end with a line's end would run into each other,
    arrays are no lines, and large files gain nothing: they stay as they are.
    """
    small = [file for file in files if file.format == "ndjson" and _is_small_and_whole(file.path)]
    if len(small) < 2:
        return files
    together = folder / "joined.ndjson.gz"
    with together.open("wb") as out:
        for file in small:
            out.write(file.path.read_bytes())
    names = f"{small[0].name} to {small[-1].name}"
    others = [file for file in files if file not in small]
    return [replace(small[0], path=together, name=names, day=None), *others]


def _is_small_and_whole(path: Path) -> bool:
    if path.suffix != ".gz" or path.stat().st_size > _SMALL_BYTES:
        return False
    try:
        content = gzip.decompress(path.read_bytes())
    except (EOFError, OSError, zlib.error):
        return False
    return content.endswith(b"\n") and content.partition(b"\n")[0].rstrip().endswith(b"}")


def _param(key: str, member: str) -> str:
    return f"list_filter(event_params, lambda param: param.key = '{key}')[1].value.{member}"


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with ``page`` and ``session`` in place of what they are made of."""
    places = rows[["location", "host"]].drop_duplicates()
    pages = {
        (location, host): page_key(_text(location), _text(host)) for location, host in places.itertuples(index=False)
    }
    page = pd.Series([pages[place] for place in zip(rows["location"], rows["host"], strict=True)], index=rows.index)
    page = page.astype(object).where(page.notna(), None)
    on_screen = rows["screen"].notna() & ((rows["event_name"] == "screen_view") | page.isna())
    page = page.where(~on_screen, "screen:" + rows["screen"].astype(object).str.strip())
    return pd.DataFrame(
        {
            "user_key": rows["user_key"],
            "event_timestamp": rows["event_timestamp"].astype(np.int64),
            "event_name": rows["event_name"],
            "page": page,
            "page_title": rows["page_title"],
            "session": _sessions(rows),
        }
    )


def _sessions(rows: pd.DataFrame) -> pd.Series:
    """A name for each row's session: its ``ga_session_id``, or the number of pauses before it."""
    without_id = rows["ga_session_id"].isna()
    number = number_of_pauses(rows[without_id]).reindex(rows.index)
    names = (
        rows["ga_session_id"].astype("Int64").astype(str).where(~without_id, "gap" + number.astype("Int64").astype(str))
    )
    return rows["user_key"] + "/" + names


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
