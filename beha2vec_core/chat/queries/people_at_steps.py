"""How many people get from one step of buying to another: users are counted where people are asked for."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.parts.grammar import Word
from beha2vec_core.chat.parts.parts import Parts
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import OF_STEPS, STEPS
from beha2vec_core.semantic.query import Did, Filter

_RATES = {name: pair for name, pair in OF_STEPS.items() if "_to_" in name}
_RATES |= {"cart_to_order": (2, 6), "checkout_completion": (3, 6)}
_OF_PEOPLE = re.compile(rf"\b(?:{PEOPLE})\b")
_OF_VISITS = re.compile(r"\b(?:sessions?|visits?)\b")


def of_people(parts: Parts, metrics: list[str]) -> tuple[Parts, list[str]]:
    """The question about a rate of sessions as one about users, if it asks for people; else as it is."""
    pair = _RATES.get(metrics[0]) if len(metrics) == 1 else None
    if pair is None or not _OF_PEOPLE.search(parts.text) or _OF_VISITS.search(parts.text):
        return parts, metrics
    if parts.done or parts.limits or parts.has("cause", "trend", "change", "compare", "rest"):
        return parts, metrics
    first, last = map(_reached, pair)
    rate = next(word for word in parts.words if word.name == metrics[0])
    words = [word for word in parts.words if word is not rate and word.name not in ("users", "buyers")]
    words += [Word("share", rate.text, rate.place), Word("metric", rate.text, rate.place, "users")]
    return replace(parts, words=words, done=(last, first), is_counted=False), ["users"]


def _reached(step: int) -> Filter:
    """Users who got as far as the step."""
    if step == max(STEPS):
        return Filter("user", did=(Did("purchases"),))
    return Filter("user", did=(Did("steps", (Filter("step", (f"{step} {STEPS[step][1]}",)),)),))
