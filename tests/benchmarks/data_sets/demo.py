"""The demo shop in two frozen editions: planted personas and planted intent.

An edition is its parameters, its seed and a hash of what they make. Whoever changes the generator changes the hash, a
test fails, and the results table is renewed together with the hash: figures of two generators never stand in one table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from beha2vec_core.demo_shop.catalogue import Shop, northfold
from beha2vec_core.demo_shop.dice import Dice
from beha2vec_core.demo_shop.journeys import Calendar, simulate
from beha2vec_core.demo_shop.personas import PERSONAS
from tests.benchmarks.data_sets.addresses import page_key
from tests.benchmarks.data_sets.base import COLUMNS, EvaluationData, as_log, comes_back
from tests.benchmarks.data_sets.intent import simulate_intent
from tests.benchmarks.data_sets.oracle import Oracle, View


@dataclass(frozen=True)
class Edition:
    """One frozen data set: how it is made, and the hash of what comes out (see `content_hash`)."""

    users: int
    days: int
    seed: int
    start: date
    timezone: str
    content: str


PERSONAS_EDITION = Edition(
    3000,
    60,
    20,
    date(2026, 1, 5),
    "Europe/Berlin",
    content="902280a5278e95a81c49e1769d1b5b8efbd3ba7874cec9b9ec1b18163dc82736",
)
INTENT_EDITION = Edition(
    2500,
    60,
    21,
    date(2026, 1, 5),
    "Europe/Berlin",
    content="81ad4725117a8a8296866ba45f9043eb92bf7aeea6ac365683eb98afe0d70898",
)


def demo_personas(edition: Edition = PERSONAS_EDITION) -> EvaluationData:
    """Visits to the demo shop by eight planted personas (:mod:`beha2vec_core.demo_shop.personas`).

    The same code path as ``beha2vec demo-data``, without the detour over files: duplicates and late rows, which ingest
    mends, are not made. Personas differ in what they do and in which order, hardly in how much. ``oracle`` is the
    most likely persona by the generator's own probabilities (see `oracle` for what they cover);
    many users see a page or two, and nobody can tell whose these are.
    """
    shop, calendar, timezone = northfold(), _calendar(edition), ZoneInfo(edition.timezone)
    rows: list[tuple[str, int, str, str | None, str, str]] = []
    personas: dict[str, str] = {}
    for index in range(edition.users):
        visitor = simulate(shop, calendar, Dice(edition.seed, index), index)
        if not visitor.consents:
            continue
        user = visitor.user_pseudo_id
        personas[user] = visitor.persona.name
        rows += [
            (user, event.timestamp, event.name, page_key(event.location), event.title, f"{user}/{session.session_id}")
            for session in visitor.sessions
            for event in session.events
            if calendar.day_of(event.timestamp) is not None
        ]
    log = as_log(pd.DataFrame(rows, columns=list(COLUMNS)))
    weights = persona_posterior(log.events, shop, timezone)
    about = f"An invented shop's visitors with eight planted personas, {edition.days} days. {log.left_out}"
    return EvaluationData(
        "demo_personas",
        about,
        log.events,
        personas=pd.Series(personas, name="persona").reindex(weights.index),
        oracle=weights.idxmax(axis=1).rename("oracle"),
        temporal=comes_back(log.events),
    )


def demo_intent(edition: Edition = INTENT_EDITION) -> EvaluationData:
    """Journeys in which the order of the first pages, and nothing else, says who will buy (see `intent`).

    A bag of the first five pages is at chance. The planted groups are no ``personas``: buyers' later pages would give
    them away to any bag.
    """
    start = _calendar(edition).start
    rows, _ = simulate_intent(edition.users, edition.seed, start, edition.days)
    log = as_log(rows)
    about = f"Invented journeys whose order alone says who will buy, {edition.days} days. {log.left_out}"
    return EvaluationData("demo_intent", about, log.events, temporal=comes_back(log.events))


def persona_posterior(events: pd.DataFrame, shop: Shop, timezone: ZoneInfo) -> pd.DataFrame:
    """How likely each persona is for each user, seeing the user's events only.

    Returns:
        One row a user (index user_key, sorted), one column a persona, rows summing to 1.
    """
    oracle = Oracle(shop, timezone)
    known = {shop.host + page.path: page for pages in shop.pages.values() for page in pages}
    weights = {}
    for user, own in events.groupby("user_key", sort=True):
        sessions: dict[str, list[View]] = {}
        columns = (own[name] for name in ("event_name", "event_timestamp", "page", "session"))
        for name, moment, page, session in zip(*columns, strict=True):
            views = sessions.setdefault(session, [])
            if name == "page_view":
                views.append(View(known[page], moment, scrolled=False))
            elif name == "scroll":
                views[-1] = View(views[-1].page, views[-1].moment, scrolled=True)
        weights[user] = np.exp(oracle.log_posterior(list(sessions.values())))
    names = [persona.name for persona in PERSONAS]
    return pd.DataFrame.from_dict(weights, orient="index", columns=names).rename_axis("user_key")


def content_hash(data: EvaluationData) -> str:
    """SHA-256 over user_key, event_timestamp, event_name, page and persona of every event, in order."""
    users = data.events["user_key"]
    persona: Iterable[str] = users.map(data.personas) if data.personas is not None else [""] * len(users)
    columns = (data.events[name] for name in ("user_key", "event_timestamp", "event_name", "page"))
    digest = hashlib.sha256()
    for row in zip(*columns, persona, strict=True):
        digest.update("\x1f".join(map(str, row)).encode() + b"\n")
    return digest.hexdigest()


def _calendar(edition: Edition) -> Calendar:
    return Calendar(edition.start, edition.days, ZoneInfo(edition.timezone))
