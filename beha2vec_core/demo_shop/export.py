"""Writes the demo shop's events as a GA4 BigQuery export: gzipped NDJSON, a file a day, and the truth beside it.

Row form: a BigQuery JSON extract of today's export schema: int64 as strings, nulls dropped.
Row order inside a file: by user index, a user's rows by time; late rows lie among them. As in a real export, no
reader may rely on it. Rows after the last day are cut, as if the export had been taken at midnight.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.parquet as pq

from beha2vec_core.demo_shop.audience import Channel
from beha2vec_core.demo_shop.catalogue import USD_PER_EUR, northfold
from beha2vec_core.demo_shop.dice import Dice
from beha2vec_core.demo_shop.journeys import Calendar, Event, Item, Order, Session, Visitor, simulate
from beha2vec_core.progress import with_progress

_DUPLICATE_SHARE = 0.003
_LATE_SHARE = 0.005
_MAX_LATE_DAYS = 3
_STREAM_ID = "4417208361"
FILE_PATTERN = "events_*.ndjson.gz"
_TRUTH_SCHEMA = pa.schema([("user_pseudo_id", pa.string()), ("persona", pa.string())])
_TRUTH_ROWS = 5_000
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_quote = json.encoder.encode_basestring

Row = dict[str, Any]


@dataclass
class DemoSummary:
    """What a demo export holds. ``events`` counts rows, duplicates included; ``personas`` counts users."""

    users: int
    days: int
    truth: Path
    events: int = 0
    duplicates: int = 0
    late_events: int = 0
    users_without_consent: int = 0
    files: list[Path] = field(default_factory=list)
    personas: Counter[str] = field(default_factory=Counter)


def write_demo_export(
    out: Path,
    *,
    users: int,
    days: int,
    seed: int,
    start_date: date = date(2026, 1, 5),
    timezone: str = "Europe/Berlin",
    truth: Path | None = None,
    regulars: bool = True,
    progress: bool = True,
) -> DemoSummary:
    """Write a GA4 export of the invented shop Northfold to ``out/events_YYYYMMDD.ndjson.gz``.

    The same arguments give the same bytes in any process, and user number i is the same however many users there
    are. Memory does not grow with users. A day without events has no file, as in GA4. An earlier demo export in
    ``out`` (known by its truth file) is replaced whole.

    Args:
        out: the folder of the export; made if absent.
        users: how many users, at least 1 (about 1.5% refuse consent: no user_pseudo_id, no truth).
        days: how many days, at least 1.
        seed: any whole number from 0.
        start_date: the first day, in the property's time zone.
        timezone: the property's time zone, an IANA name.
        truth: where the persona of each user goes (parquet: user_pseudo_id, persona), by default
            ``<out>_truth.parquet`` beside ``out``; never inside it.
        regulars: some users are regular customers, who come back again and again and may order each time.
        progress: show a bar.

    Raises:
        ValueError: an argument is out of range, ``truth`` lies inside ``out``, or ``out`` holds an export that no
            demo run has written.
    """
    truth = truth or out.parent / f"{out.name}_truth.parquet"
    calendar = _checked(out, truth, users=users, days=days, seed=seed, start_date=start_date, timezone=timezone)
    out.mkdir(parents=True, exist_ok=True)
    truth.parent.mkdir(parents=True, exist_ok=True)

    summary = DemoSummary(users=users, days=days, truth=truth)
    day_files = [DayFile(out / f"events_{day:%Y%m%d}.ndjson.gz") for day in calendar.dates]
    unfinished_truth = truth.with_name(truth.name + ".part")
    shop = northfold()
    try:
        with pq.ParquetWriter(unfinished_truth, _TRUTH_SCHEMA) as truth_writer:
            known: list[dict[str, str]] = []
            for index in with_progress(range(users), title="demo users", unit="user", shown=progress):
                dice = Dice(seed, index)
                visitor = simulate(shop, calendar, dice, index, regulars=regulars)
                summary.personas[visitor.persona.name] += 1
                if visitor.consents:
                    known.append({"user_pseudo_id": visitor.user_pseudo_id, "persona": visitor.persona.name})
                else:
                    summary.users_without_consent += 1
                write_visitor(visitor, calendar, dice, day_files, summary)
                if len(known) == _TRUTH_ROWS or index == users - 1:
                    truth_writer.write_table(pa.Table.from_pylist(known, schema=_TRUTH_SCHEMA))
                    known.clear()
        for stale in out.glob(FILE_PATTERN):
            stale.unlink()
        unfinished_truth.replace(truth)
        summary.files = [day_file.path for day_file in day_files if day_file.finish()]
    finally:
        unfinished_truth.unlink(missing_ok=True)
        for day_file in day_files:
            day_file.discard()
    return summary


def _checked(out: Path, truth: Path, *, users: int, days: int, seed: int, start_date: date, timezone: str) -> Calendar:
    if users < 1:
        raise ValueError(f"users is {users}: ask for at least 1")
    if days < 1:
        raise ValueError(f"days is {days}: ask for at least 1")
    if seed < 0:
        raise ValueError(f"seed is {seed}: use a whole number from 0")
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {timezone!r}: use an IANA name such as Europe/Berlin") from error
    if out.resolve() in truth.resolve().parents:
        raise ValueError(f"the truth file {truth} lies inside the export {out}: put it outside, assets must not see it")
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file: name a folder")
    if not truth.exists() and any(out.glob(FILE_PATTERN)):
        raise ValueError(f"{out} holds an export that no demo run has written (no {truth}): choose an empty folder")
    try:
        return Calendar(start_date, days, zone)
    except OverflowError as error:
        raise ValueError(f"{days} days from {start_date} run past the calendar: ask for fewer") from error


class DayFile:
    """One day's gzip file, written in pieces without holding a file open; it gets its name when finished."""

    _PIECE = 64 * 1024

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unfinished = path.with_name(path.name + ".part")
        self._unfinished.unlink(missing_ok=True)
        self._text: list[str] = []
        self._length = 0
        # wbits 31: a gzip header, in which zlib leaves the time 0
        self._compressor = zlib.compressobj(level=4, wbits=31)

    def write(self, row: str) -> None:
        """Add a row, a line of JSON with its line break."""
        self._text.append(row)
        self._length += len(row)
        if self._length >= self._PIECE:
            self._append(self._compress())

    def finish(self) -> bool:
        """Give the file its name; False where there was nothing to write."""
        if not self._text and not self._unfinished.exists():
            return False
        self._append(self._compress() + self._compressor.flush())
        self._unfinished.replace(self.path)
        return True

    def discard(self) -> None:
        """Remove what was not finished."""
        self._unfinished.unlink(missing_ok=True)

    def _compress(self) -> bytes:
        text, self._text, self._length = "".join(self._text), [], 0
        return self._compressor.compress(text.encode())

    def _append(self, piece: bytes) -> None:
        with self._unfinished.open("ab") as file:
            file.write(piece)


def write_visitor(
    visitor: Visitor, calendar: Calendar, dice: Dice, day_files: list[DayFile], summary: DemoSummary
) -> None:
    """Write a visitor's events to the files of their days, with a few duplicates and late rows, and count them."""
    bundle = 0
    for session in visitor.sessions:
        tail = _encode(_session_fields(visitor, session))[1:]  # the same in all rows of the session: encoded once
        batch: tuple[int, int] | None = None
        for event in session.events:
            if event.batch[:2] != batch:
                batch, bundle = event.batch[:2], bundle + 1
            day = calendar.day_of(event.timestamp)
            if day is None:
                continue
            chance = dice.uniform()
            if chance >= 1 - _LATE_SHARE:
                arrival = day + dice.integer(1, _MAX_LATE_DAYS + 1)
                if arrival < len(day_files):
                    day = arrival
                    summary.late_events += 1
            row = f"{_event_fields(visitor, session, event, bundle, calendar.dates[day])},{tail}\n"
            day_files[day].write(row)
            summary.events += 1
            if chance < _DUPLICATE_SHARE:
                day_files[day].write(row)
                summary.events += 1
                summary.duplicates += 1


def _event_fields(visitor: Visitor, session: Session, event: Event, bundle: int, day: date) -> str:
    """The fields that differ from row to row inside a session, as the open beginning of a JSON object.

    Written as text where a field is in every row: encoding whole dicts would halve the speed of the export.
    """
    page_load, request, place = event.batch
    is_active = "true" if visitor.consents and event.engaged else "false"
    common = (
        f'{{"event_date":"{day:%Y%m%d}","event_timestamp":"{event.timestamp}","event_name":"{event.name}"'
        f',"event_params":[{_params(visitor, session, event)}],"event_bundle_sequence_id":"{bundle}"'
        f',"is_active_user":{is_active},"batch_page_id":"{page_load}","batch_ordering_id":"{request}"'
        f',"batch_event_index":"{place}"'
    )
    rare: Row = {"items": [_item(item) for item in event.items]}
    if event.order is not None:
        rare["event_value_in_usd"] = _usd(event.order.revenue)
        rare["ecommerce"] = _order(event.order, event.items, rare["items"])
    elif event.items:
        rare["ecommerce"] = {
            "total_item_quantity": str(sum(item.quantity for item in event.items)),
            "unique_items": str(len(event.items)),
            "transaction_id": "(not set)",
        }
    if event.is_landing and visitor.consents and not session.channel.is_direct:
        rare["collected_traffic_source"] = _collected(session)
    if event.logged_in and visitor.consents:
        rare["user_id"] = visitor.user_id
    return f"{common},{_encode(rare)[1:-1]}"


def _session_fields(visitor: Visitor, session: Session) -> Row:
    """The fields that are the same in all rows of a session."""
    device, place, consent = visitor.device, visitor.place, "Yes" if visitor.consents else "No"
    fields: Row = {
        "privacy_info": {"analytics_storage": consent, "ads_storage": consent, "uses_transient_token": "No"},
        "user_properties": [],
        "device": {
            "category": device.category,
            "mobile_brand_name": device.brand,
            "mobile_model_name": device.model,
            "operating_system": device.operating_system,
            "operating_system_version": device.operating_system_version,
            "language": place.language,
            "is_limited_ad_tracking": "No",
            "web_info": {
                "browser": device.browser,
                "browser_version": device.browser_version,
                "hostname": northfold().host,
            },
        },
        "geo": {
            "continent": place.continent,
            "sub_continent": place.sub_continent,
            "country": place.country,
            "region": place.region,
            "city": place.city,
            "metro": "(not set)",
        },
        "stream_id": _STREAM_ID,
        "platform": "WEB",
    }
    if visitor.consents:
        fields |= {
            "user_pseudo_id": visitor.user_pseudo_id,
            "user_first_touch_timestamp": str(visitor.first_touch),
            "user_ltv": {"revenue": session.revenue_before, "currency": "EUR"},
            "traffic_source": {
                "name": visitor.acquired_by.campaign or "(not set)",
                "medium": visitor.acquired_by.medium,
                "source": visitor.acquired_by.source,
            },
            "session_traffic_source_last_click": _last_click(session.last_click),
        }
    return fields


def _params(visitor: Visitor, session: Session, event: Event) -> str:
    """The members of ``event_params``, as JSON text."""
    params: dict[str, str | int | float] = {}
    if visitor.consents:
        params = {"ga_session_id": session.session_id, "ga_session_number": session.number}
    params["page_location"] = event.location
    params["page_title"] = event.title
    if event.referrer:
        params["page_referrer"] = event.referrer
    if visitor.consents:
        params["session_engaged"] = "1" if event.engaged else "0"
        if event.engaged:
            params["engaged_session_event"] = 1
    if event.engagement is not None:
        params["engagement_time_msec"] = event.engagement
    channel = session.channel
    if event.is_landing and event.name in ("page_view", "session_start") and not channel.is_direct:
        params |= {"source": channel.source, "medium": channel.medium}
        if channel.campaign:
            params["campaign"] = channel.campaign
        if session.click_id:
            params["gclid"] = session.click_id
    return ",".join([param(key, value) for key, value in {**params, **event.params}.items()])


def param(key: str, value: str | int | float) -> str:
    """One member of ``event_params``, as JSON text."""
    if isinstance(value, str):
        return f'{{"key":"{key}","value":{{"string_value":{_quote(value)}}}}}'
    if isinstance(value, int):
        return f'{{"key":"{key}","value":{{"int_value":"{value}"}}}}'
    return f'{{"key":"{key}","value":{{"double_value":{value!r}}}}}'


def _order(order: Order, items: Sequence[Item], rows: list[Row]) -> Row:
    return {
        "total_item_quantity": str(sum(item.quantity for item in items)),
        "purchase_revenue_in_usd": round(sum(row["item_revenue_in_usd"] for row in rows), 2),
        "purchase_revenue": order.revenue,
        "shipping_value_in_usd": _usd(order.shipping),
        "shipping_value": order.shipping,
        "tax_value_in_usd": _usd(order.tax),
        "tax_value": order.tax,
        "unique_items": str(len({item.product.item_id for item in items})),
        "transaction_id": order.transaction_id,
    }


def _item(item: Item) -> Row:
    product = item.product
    fields: Row = {
        "item_id": product.item_id,
        "item_name": product.name,
        "item_brand": product.brand,
        "item_variant": "(not set)",
        "item_category": product.category,
        "item_category2": product.subcategory,
        "price_in_usd": _usd(product.price),
        "price": product.price,
        "quantity": str(item.quantity),
    }
    if item.paid is not None:
        # of an order: the price of one piece is what was paid for it
        paid_in_usd = _usd(item.paid)
        fields |= {"price": item.paid, "price_in_usd": paid_in_usd}
        fields["item_revenue"] = round(item.paid * item.quantity, 2)
        fields["item_revenue_in_usd"] = round(paid_in_usd * item.quantity, 2)
    if item.list_name is not None:
        fields |= {"item_list_name": item.list_name, "item_list_index": str(item.list_index)}
    if item.coupon is not None:
        fields["coupon"] = item.coupon
    return fields


def _collected(session: Session) -> Row:
    channel = session.channel
    fields: Row = {"manual_source": channel.source, "manual_medium": channel.medium}
    if channel.campaign:
        fields["manual_campaign_name"] = channel.campaign
    if session.click_id:
        fields["gclid"] = session.click_id
    return fields


def _last_click(channel: Channel) -> Row:
    campaign = channel.campaign or ("(direct)" if channel.is_direct else "(not set)")
    named = {"campaign_name": campaign, "source": channel.source, "medium": channel.medium}
    fields: Row = {
        "manual_campaign": named,
        "cross_channel_campaign": named
        | {"default_channel_group": channel.group, "primary_channel_group": channel.group},
    }
    if channel.paid_click:
        fields["google_ads_campaign"] = {"account_name": "Northfold", "campaign_name": channel.campaign}
    return fields


def _usd(euros: float) -> float:
    return round(euros * USD_PER_EUR, 2)
