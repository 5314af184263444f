"""Small logs and fake methods for the tests of tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.data import INPUT_COLUMNS
from beha2vec_core.evaluation.splits import Split, user_hash
from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial
from tests.benchmarks.methods import TimedMethod
from tests.benchmarks.tasks import PlantedTrial

SECOND = 1_000_000
CONVERSIONS = ("add_to_cart", "begin_checkout", "purchase")

Step = tuple[float, str, str]  # seconds, event name, page


def log(journeys: dict[str, Iterable[Step]]) -> pd.DataFrame:
    """The events of the journeys, in order of user, then as given."""
    rows = [(user, int(at * SECOND), name, page) for user in sorted(journeys) for at, name, page in journeys[user]]
    events = pd.DataFrame(rows, columns=["user_key", "event_timestamp", "event_name", "page"])
    events = events.astype({"event_timestamp": "int64"})
    return events.assign(
        theme="",
        page_type="",
        session=events["user_key"],
        section=[page.split("/")[0] for page in events["page"]],
        is_page_view=events["event_name"] == "page_view",
        is_conversion=events["event_name"].isin(CONVERSIONS),
        is_purchase=events["event_name"] == "purchase",
    )


def views(pages: Iterable[str], start: float = 0) -> list[Step]:
    """A page view a minute."""
    return [(start + 60 * place, "page_view", page) for place, page in enumerate(pages)]


class Encoder:
    """Vectors made by a function of one user's events; sees only what a method may."""

    def __init__(self, vector: Callable[[str, pd.DataFrame], Iterable[float]]) -> None:
        self.vector = vector
        self.seen: list[pd.DataFrame] = []

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        assert tuple(events.columns) == INPUT_COLUMNS
        self.seen.append(events)
        rows = [list(self.vector(str(user), journey)) for user, journey in events.groupby("user_key", sort=True)]
        return np.array(rows, dtype=np.float32)


class Ranker:
    """Says the same of everybody."""

    def __init__(self, *best: str) -> None:
        self.best = list(best)
        self.seen: list[pd.DataFrame] = []

    def rank_next(self, events: pd.DataFrame, target: str, k: int) -> list[list[str]]:
        assert tuple(events.columns) == INPUT_COLUMNS
        self.seen.append(events)
        return [self.best[:k] for _ in range(events["user_key"].nunique())]


def constant() -> Encoder:
    return Encoder(lambda user, journey: [0.3, 0.4, 0.5])


def length() -> Encoder:
    """A place on a circle by the log of the number of page views: the nearer in length, the higher the cosine."""

    def place(user: str, journey: pd.DataFrame) -> list[float]:
        angle = np.pi * np.log((journey["event_name"] == "page_view").sum()) / np.log(1000)
        return [np.cos(angle), np.sin(angle)]

    return Encoder(place)


def section_counts(sections: Iterable[str]) -> Encoder:
    """What a user looked at."""
    names = list(sections)

    def counts(user: str, journey: pd.DataFrame) -> list[float]:
        found = journey["page"].str.split("/").str[0].tolist()
        return [found.count(name) for name in names]

    return Encoder(counts)


def page_counts() -> Encoder:
    """The same, page by page of `shop`."""
    names = [f"{section}/{number}" for section in SECTIONS for number in range(7)]

    def counts(user: str, journey: pd.DataFrame) -> list[float]:
        found = journey["page"].tolist()
        return [found.count(name) for name in names]

    return Encoder(counts)


class Shuffled:
    """Another's vectors, dealt out to the users by chance, anew each time."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.rng = np.random.default_rng(0)

    def encode(self, events: pd.DataFrame) -> npt.NDArray[np.float32]:
        return self.rng.permutation(self.encoder.encode(events))


def trial(
    judged: pd.DataFrame,
    fitted: Any,
    *,
    fit: pd.DataFrame | None = None,
    cut: int | None = None,
    method: Callable[[pd.DataFrame, int], Any] | None = None,
    costly: bool = False,
    personas: pd.Series | None = None,
    oracle: pd.Series | None = None,
) -> Trial:
    split = Split("tuning", 0, judged if fit is None else fit, judged, cut)
    fake = TimedMethod("fake", "ours", method or (lambda events, seed: fitted), costly)
    return PlantedTrial(split, fitted, fake, personas=personas, oracle=oracle)


def figures(task: Task, of: Trial) -> dict[str, float]:
    return {outcome.metric: outcome.value for outcome in task.run(of)}


def outcomes(task: Task, of: Trial) -> dict[str, Outcome]:
    return {outcome.metric: outcome for outcome in task.run(of)}


SECTIONS = ("hats", "mugs", "bags", "pens")


def shop(users: int = 240, salt: str = "") -> tuple[pd.DataFrame, pd.Series]:
    """Users who stay in one section, their persona; those of two sections put something into the cart after page 5."""
    journeys: dict[str, list[Step]] = {}
    persona = {}
    for number in range(users):
        user = f"{salt}u{number:04d}"
        drawn = user_hash(user)
        section = SECTIONS[drawn % 4]
        pages = [f"{section}/{(drawn >> step) % 7}" for step in range(5 + drawn // 4 % 20)]
        steps = views(pages, start=number * 3_600)
        if section in SECTIONS[:2]:
            steps.append((steps[-1][0] + 30, "add_to_cart", pages[-1]))
        journeys[user], persona[user] = steps, section
    return log(journeys), pd.Series(persona)
