"""Questions made of parts whose query is known: each measure with groups, filters and days, said in several ways."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.lookup import Lookup
from tests.benchmarks.chat_questions import given

Words = Mapping[str, tuple[str, ...]]
MEASURES: Words = {
    "revenue": ("revenue", "turnover"), "orders": ("orders", "number of orders"), "sessions": ("sessions", "visits"),
    "users": ("users", "visitors"), "new_users": ("new users",), "aov": ("average order value", "AOV"),
    "conversion_rate": ("conversion rate",), "bounce_rate": ("bounce rate",), "page_views": ("page views",),
    "revenue_per_user": ("revenue per user",), "engaged_rate": ("engagement rate",),
    "cart_abandonment": ("cart abandonment",), "sessions_per_user": ("visits per user",),
}  # fmt: skip
SUMS = {name: MEASURES[name] for name in ("revenue", "orders", "sessions", "users")}
GROUPS: Words = {
    "channel": ("channel", "channels"), "device": ("device", "devices"), "country": ("country", "countries"),
    "source": ("source", "sources"), "browser": ("browser", "browsers"),
}  # fmt: skip
FILTERS: Words = {
    "device=mobile": ("on mobile", "on phones"), "country=Germany": ("in Germany", "from Germany"),
    "channel=Email": ("from email", "via email"), "browser=Safari": ("on Safari",), "source=google": ("from google",),
}  # fmt: skip
DAYS: Words = {
    "2026-04-01..2026-04-30": ("in April", "last month", "in april 2026"),
    "2026-05-04..2026-05-10": ("last week", "from 4 to 10 May"),
    "2026-05-05..2026-05-05": ("on 5 May", "on May 5"),
}
VISIT = {"channel", "source"}


class _Maker:
    """Draws words, and notes what the query has of them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, words: Words) -> tuple[str, str]:
        name = self.random.choice([*words])
        return name, self.random.choice(words[name])

    def one(self, *forms: str) -> str:
        return self.random.choice(forms)


def _query(*parts: str) -> str:
    return " | ".join(part for part in parts if part)


def counted(make: _Maker) -> tuple[str, str]:
    (metric, m), (where, f), (days, d) = make.of(MEASURES), make.of(FILTERS), make.of(DAYS)
    return make.one(f"{m} {f} {d}", f"{d}, {m} {f}", f"show me {m} {d} {f}"), _query(metric, where, days)


def by_group(make: _Maker) -> tuple[str, str]:
    (metric, m), (where, f), (group, _) = make.of(MEASURES), make.of(FILTERS), make.of(GROUPS)
    if {group, where.split("=")[0]} <= VISIT or where.startswith(group):
        return by_group(make)
    return make.one(f"{m} by {group} {f}", f"{m} {f} per {group}", f"{f}, {m} by {group}"), _query(
        metric, f"by {group}", where
    )


def ranked(make: _Maker) -> tuple[str, str]:
    (metric, m), group, (days, d) = make.of(MEASURES), make.random.choice([*GROUPS]), make.of(DAYS)
    m = "number of orders" if metric == "orders" else m  # the highest order is the largest one
    word, asc = make.random.choice([("highest", ""), ("lowest", "asc")])
    return make.one(f"which {group} had the {word} {m} {d}?", f"{group} with the {word} {m} {d}"), _query(
        metric, f"by {group}", days, asc
    )


def first_few(make: _Maker) -> tuple[str, str]:
    (metric, m), group, n = make.of(MEASURES), make.random.choice([*GROUPS]), make.random.choice([3, 5])
    groups = GROUPS[group][1]
    return make.one(f"top {n} {groups} by {m}", f"the {n} {groups} with the highest {m}"), _query(
        metric, f"by {group}", f"top {n}"
    )


def changed(make: _Maker) -> tuple[str, str]:
    (metric, m), (where, f) = make.of(MEASURES), make.of(FILTERS)
    asked = make.one(
        "{} {} in April vs March", "compare {} {} in April with March", "did {} {} rise from March to April?"
    )
    return asked.format(m, f), _query(metric, where, "2026-04-01..2026-04-30", "vs 2026-03-01..2026-03-31")


def shared(make: _Maker) -> tuple[str, str]:
    (metric, m), (where, f) = make.of(SUMS), make.of(FILTERS)
    return make.one(f"what share of {m} is {f}?", f"share of {m} {f}", f"how much of our {m} is {f}"), _query(
        metric, where, "share"
    )


def shared_within(make: _Maker) -> tuple[str, str]:
    (metric, m), (where, f), (group, _) = make.of(SUMS), make.of(FILTERS), make.of(GROUPS)
    if {group, where.split("=")[0]} <= VISIT or where.startswith(group):
        return shared_within(make)
    return make.one(f"share of {m} {f} by {group}", f"what share of {m} is {f}? >> by {group}"), _query(
        metric, f"by {group}", where, "share within each"
    )


def continued(make: _Maker) -> tuple[str, str]:
    (metric, m), (days, d) = make.of(MEASURES), make.of(DAYS)
    (more, f), (other, o) = make.of(FILTERS), make.of(SUMS)
    base = f"{m} {d} >> "
    then = [
        (f"and {f}?", _query(metric, more, days)), (f"what about {f}", _query(metric, more, days)),
        (f"show {o} instead", _query(other, days)), ("by channel", _query(metric, "by channel", days)),
        ("and last week?", _query(metric, "2026-05-04..2026-05-10")),
    ]  # fmt: skip
    asked, query = make.random.choice(then)
    return base + asked, query


def of_people(make: _Maker) -> tuple[str, str]:
    where, f = make.of(FILTERS)
    done = make.random.choice(["used a coupon", "viewed a product"])
    asked = make.one("how many users {f} {done}", "number of users {f} who {done}", "how many users who {done} {f}")
    return asked.format(f=f, done=done), _query("users", where, f"user={done}")


FORMS = (counted, by_group, ranked, first_few, changed, shared, shared_within, continued, of_people)
OF_EACH = 25


@pytest.fixture
def lookup(shop: Path) -> Lookup:
    return Lookup(Published(shop), Aliases(shop))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_the_query_is_the_one_the_question_is_made_of(
    lookup: Lookup, form: Callable[[_Maker], tuple[str, str]]
) -> None:
    make, wrong = _Maker(seed=7), {}
    for _ in range(OF_EACH):
        asked, expected = form(make)
        found, _ = given(lookup, asked)
        if found != expected:
            wrong[asked] = f"{found}, not {expected}"
    assert not wrong


PAIRS = (
    ("mobile users", "desktop users"), ("email visitors", "organic search visitors"), ("new users", "returning users"),
    ("users in Germany", "users in the United States"),
)  # fmt: skip
COMPARED = (
    ("do {} spend more than {}?", 1), ("are {} less likely to buy than {}?", -1), ("do {} convert better than {}?", 1),
    ("do {} bounce less than {}?", -1), ("do {} view more pages than {}?", 1),
    ("is the conversion rate of {} lower than that of {}?", -1),
)  # fmt: skip


def test_yes_and_no_agree_with_the_numbers(lookup: Lookup) -> None:
    verdicts = []
    for question, sign in COMPARED:
        for one, other in [*PAIRS, *(pair[::-1] for pair in PAIRS)]:
            lookup.forget()
            text = lookup.ask(question.format(one, other)).text
            verdicts.append(text.partition(".")[0])
            first, second = re.findall(r"[:;] [^,:;]+, ([\d.]+)", text)[:2]  # in the order of the question
            if verdicts[-1] in ("Yes", "No"):
                assert (verdicts[-1] == "Yes") == ((float(first) - float(second)) * sign > 0), text
    assert min(map(verdicts.count, ("Yes", "No"))) > 3
    assert {*verdicts} - {"Yes", "No"} <= {"No clear difference", "About the same", "Only a small difference"}
