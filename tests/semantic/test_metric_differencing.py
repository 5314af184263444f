"""`metric` asked for periods that overlap: what is left of one after others are subtracted tells of no few users.

`pytest -n 0 -s -o addopts= tests/semantic/test_metric_differencing.py` prints the figures of docs/security.md.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from functools import cache
from itertools import product
from statistics import mean

import duckdb
import pytest

from beha2vec_core.semantic.anonymous import LAST_DAYS, period_of, run_anonymous
from beha2vec_core.semantic.query import Period, Query
from beha2vec_core.store import anonymous
from beha2vec_core.store.anonymous import MIN_USERS, rounding_key

DAYS = Period(date(2026, 1, 3), date(2026, 5, 6))  # a Saturday to a Wednesday
ALL = frozenset(DAYS.first + timedelta(days=n) for n in range((DAYS.last - DAYS.first).days + 1))
# numbers that add up over periods
METRICS = {
    "sessions": "count(*)", "engaged_sessions": "count_if(is_engaged)",
    "single_page_sessions": "count_if(page_views = 1)",
}  # fmt: skip
SLICES = {
    (): "",
    ("device",): "device_category",
    ("country",): "country",
    ("device", "country"): "device_category, country",
}
SECRETS = 3
Fact = tuple[frozenset[date], str, tuple[str, ...], tuple[str, ...]]  # days, metric, dimensions, values
Answers = dict[Fact, float]


@cache
def named_periods() -> dict[str, frozenset[date]]:
    """All that can be asked for, and their days."""
    names = ["all", *(f"last {n} days" for n in LAST_DAYS)]
    names += sorted({f"{day:%Y-%m}" for day in ALL} | {f"{day:%G-W%V}" for day in ALL})
    periods = {name: period_of(name, DAYS) or DAYS for name in names}
    return {name: frozenset(day for day in ALL if one.first <= day <= one.last) for name, one in periods.items()}


@cache
def differences() -> dict[frozenset[date], list[tuple[frozenset[date], ...]]]:
    """Days that are left of a period without others inside it, and all such ways to get at them.

    The others are whole weeks or months, as many as there are, and one of the last days; or single days.
    """
    periods = named_periods()
    found: dict[frozenset[date], set[tuple[frozenset[date], ...]]] = defaultdict(set)
    for whole in periods.values():
        inside = {name: days for name, days in periods.items() if days < whole}
        for kind, more in product(("W", "2026-"), ((), *((days,) for days in inside.values()))):
            taken = list(more)
            for name, days in inside.items():
                if name.startswith("2026-") and ("W" in name) == (kind == "W") and not any(days & one for one in taken):
                    taken.append(days)
            found[whole.difference(*taken)].add((whole, *taken))
        single = tuple(frozenset([day]) for day in sorted(whole) if not is_quiet(day))
        found[whole.difference(*single)].add((whole, *single))
    return {left: sorted(ways, key=len) for left, ways in found.items() if left}


@cache
def is_quiet(day: date) -> bool:
    """Few come on days that whole weeks leave of months and of the last days."""
    week = {day + timedelta(days=n - day.weekday()) for n in range(7)}
    return any(0 < len(week & days) < len(week & ALL) for name, days in named_periods().items() if "W" not in name)


def site(secret: int) -> duckdb.DuckDBPyConnection:
    """The same sessions with another secret."""
    connection = duckdb.connect()
    connection.execute("create schema ga4; create schema beha2vec")
    connection.execute("create table beha2vec.rounding as select ? as key", [rounding_key(bytes([secret]))])
    connection.execute(
        """create table ga4.fct_ga4__sessions as
        select 's' || day || n as session_key, 'u' || u as user_key, day as session_date,
            ['mobile', 'desktop', 'tablet'][1 + u % 3] as device_category,
            ['DE', 'FR', 'IT'][1 + u // 3 % 3] as country,
            hash(day, n, 'p') % 3 + 1 as page_views, hash(day, n, 'e') % 3 > 0 as is_engaged
        from (select day, n, (hash(day, n, 'u') % 400)::int as u
            from (select unnest($days) as day), range(90) as r(n)
            where n < case when day in (select unnest($quiet)) then 1 + hash(day) % 4 else 90 end)""",
        {"days": sorted(ALL), "quiet": [day for day in sorted(ALL) if is_quiet(day)]},
    )
    return connection


def asked(connection: duckdb.DuckDBPyConnection) -> Answers:
    """Every answer of `metric` about them."""
    found: Answers = {}
    for (name, days), metric, by in product(named_periods().items(), METRICS, SLICES):
        for row in run_anonymous(connection, Query(metric, by, period=period_of(name, DAYS))):
            if row["value"] is not None:
                found[days, metric, by, tuple(row[one] for one in by)] = row["value"]
    for metric, by in product(METRICS, list(SLICES)[:3]):
        for row in run_anonymous(connection, Query(metric, ("day", *by))):
            if row["value"] is not None:
                found[frozenset([row["day"]]), metric, by, tuple(row[one] for one in by)] = row["value"]
    return found


def few(connection: duckdb.DuckDBPyConnection) -> dict[Fact, int]:
    """What must not be learned: numbers of the days that are left, of fewer than 20 users."""
    found = {}
    for left, (by, columns) in product(differences(), SLICES.items()):
        rows = connection.execute(
            f"""select count(distinct user_key), {", ".join(METRICS.values())}, {columns or "1"}
            from ga4.fct_ga4__sessions where list_contains(?, session_date) group by {columns or "all"}""",
            [sorted(left)],
        ).fetchall()
        for users, *row in rows:
            values = tuple(row[len(METRICS) :]) if by else ()
            if users < MIN_USERS:
                found |= {(left, metric, by, values): n for metric, n in zip(METRICS, row, strict=False) if n}
    return found


def guesses(fact: Fact, answers: Answers) -> list[float]:
    """What the differences say of it, each in another way."""
    left, *about = fact
    numbers = [[answers.get((days, *about)) for days in way] for way in differences()[left]]
    return [one[0] - sum(one[1:]) for one in numbers if None not in one]


@pytest.mark.slow
def test_overlapping_periods_give_away_no_few_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacker has learned a number if one way, or the mean of all, is within 5 % of it, whatever the secret."""
    sites = [site(number) for number in range(SECRETS)]
    truth = few(sites[0])
    rounded = [asked(one) for one in sites]
    monkeypatch.setattr(anonymous, "_rounded", lambda number, contributors: f"({number} + 0 * length($1))")
    exact = asked(sites[0])

    def learned(answers: list[Answers]) -> tuple[int, int, int]:
        facts = ways = right = 0
        for fact, number in truth.items():
            found = list(zip(*(guesses(fact, one) for one in answers), strict=True))
            facts, ways = facts + bool(found), ways + len(found)
            all_ways = [*found, tuple(map(mean, zip(*found, strict=True)))] if found else []
            right += any(all(abs(guess - number) <= 0.05 * number for guess in way) for way in all_ways)
        return facts, ways, right

    as_sent, without_rounding = learned(rounded), learned([exact])
    print(
        f"numbers of few users: {as_sent[0]:,}, asked for in {as_sent[1]:,} ways; learned: {as_sent[2]}, without the "
        f"random rounding {without_rounding[2]}"
    )
    assert as_sent[0] > 200 and as_sent[2] == 0
    assert without_rounding[2] > 150, "the attack works"
