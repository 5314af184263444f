"""Facts, clusters and steps of buying as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from beha2vec_core.chat.clusters.facts import ENOUGH
from beha2vec_core.chat.data.funnels import Funnel
from beha2vec_core.chat.data.predictions import Expected
from beha2vec_core.chat.data.published import Cluster, Fact
from beha2vec_core.profiles.counts import Step, Totals
from beha2vec_core.words import between, counted, number


def cluster_line(cluster: Cluster) -> str:
    """One line: key, name, users, share."""
    users, share = counted(cluster.users, "user"), number(cluster.share, "share")
    return f"  - cluster {cluster.key}, {cluster.name}: {users}, {share}"


def count_lines(totals: Totals, steps: Iterable[Step]) -> list[str]:
    """How much there is of everything, and a line a step from events to clusters, with why there are fewer."""
    known = [
        counted(number, what)
        for number, what in (
            (totals.sessions, "session"),
            (totals.page_views, "page view"),
            (totals.buyers, "buyer"),
        )
        if number is not None
    ]
    lines = [f"Total: {', '.join([counted(totals.users, 'user'), *known])}."]
    shown = [f"  - {step.name}: {step.count:,}" + (f" ({step.why})" if step.why else "") for step in steps]
    return [*lines, *(["From events to clusters:", *shown] if shown else [])]


def total_line(
    what: str, horizon: int, some: Iterable[Expected], currency: str, *, who: str = "", share: bool = False
) -> str:
    """One line: how many of all users are expected to do it within these days, or not to do it (``what``)."""
    every = [*some]
    doing, users = sum(one.expected for one in every), sum(one.users for one in every)
    part = f", {number(doing / users, 'share')}" if share and users else ""
    worth = _worth([one.value for one in every], currency)
    return f"{what} within {horizon} days: {doing:,.0f} of {counted(users, 'user')}{who}{part}{worth}."


def revenue_line(horizon: int, some: Iterable[Expected], currency: str) -> str:
    """The expected revenue of these days, and of how many users."""
    every = [*some]
    revenue, doing = sum(one.value or 0 for one in every), sum(one.expected for one in every)
    return (
        f"Expected revenue within {horizon} days: {_amount(revenue, currency)}, from {doing:,.0f} expected buyers "
        f"among {counted(sum(one.users for one in every), 'user')}.\n"
        "Only known users are predicted: what new users will spend is not included."
    )


def _worth(values: Iterable[float | None], currency: str) -> str:
    known = [one for one in values if one is not None]
    return f", expected revenue {_amount(sum(known), currency)}" if known else ""


def _amount(value: float, currency: str) -> str:
    return f"{value:,.2f} {currency}".rstrip()  # another line says that there are several currencies


def predicted_days(days: Sequence[int]) -> str:
    """For which days predictions exist: predictions exist for the next 7, 14 and 28 days."""
    *first, last = map(str, days)
    return f"predictions exist for the next {', '.join(first)}{' and ' * bool(first)}{last} days"


def expected_line(group: str, one: Expected, currency: str, *, share: bool = False) -> str:
    """One line: how many users of a group are expected to do it, with the interval, and their expected revenue."""
    ends = between(number(one.low, "users"), number(one.high, "users"))
    part = f", {number(one.share, 'share')}" if share else ""
    doing = f"{one.expected:,.0f} of {counted(one.users, 'user')}{part} ({ends})"
    return f"  - {group}: {doing}{_worth([one.value], currency)}"


def likely_line(row: Mapping[str, Any]) -> str:
    """One line: a user's probability with its interval, and what raises it most; as of `Published.likely_users`."""
    shown, ends = number(row["probability"], "share"), between(*(number(row[one], "share") for one in ("low", "high")))
    why = f"  {'; '.join(row['reasons'])}" if row["reasons"] else ""
    return f"  - {shown}{f' ({ends})' * (ends != shown)}  {row['user_key']}{why}"


def fact_line(fact: Fact) -> str:
    """One line: what the fact says, and how sure a difference is."""
    return f"  - {fact.sentence}{'; may be chance' if fact.is_sure is False else ''}"


def funnel_text(
    funnels: list[Funnel], names: dict[int, str], exits: Callable[[int], list[tuple[str, int, int]]]
) -> str:
    """Where sessions stop on the way to an order, clusters with enough checkouts first, the leakiest on top."""
    judged = sorted((f for f in funnels if f.checkouts >= ENOUGH), key=lambda f: -(f.lost or 0))
    few = [f for f in funnels if f not in judged]
    lines: list[str] = []
    if judged:
        worst = judged[0]
        low, high = worst.interval or (0.0, 1.0)
        where = f"cluster {worst.cluster_key} ({names.get(worst.cluster_key)})"
        lines.append(
            f"{f'Checkout leaks most in {where}' if judged[1:] else f'Checkout in {where}'}: of "
            f"{counted(worst.checkouts, 'session')} that began checkout, {number(worst.lost or 0, 'share')} ended "
            f"without an order (95% interval {between(number(low, 'share'), number(high, 'share'))})."
        )
        if len(funnels) > 1 and not judged[1:]:
            lines.append(f"No other cluster has {ENOUGH} such sessions, so clusters are not compared.")
        others = [f for f in judged[1:] if f.interval and f.interval[1] > low]
        if others:
            close = ", ".join(
                f"cluster {f.cluster_key} ({number(f.lost or 0, 'share')} of {f.checkouts:,})" for f in others
            )
            lines.append(f"The intervals overlap, so the ranking may be due to chance: {close}.")
        if places := [place for place in exits(worst.cluster_key) if place[1] > 1]:
            lines.append("Most of these sessions ended on:")
            lines += [f"  - {page}: {counted(sessions, 'session')}" for page, sessions, _ in places[:4]]
    elif len(funnels) > 1:
        lines.append(f"No cluster has {ENOUGH} sessions that began checkout: too few to say which leaks.")
    lines += ["", "Sessions at each step, and the share that continued:"]
    for funnel in [*judged, *sorted(few, key=lambda f: -f.checkouts)]:
        steps = " -> ".join(
            f"{step.name.replace('_', ' ')} {step.sessions:,}"
            + (f" ({number(1 - step.lost, 'share')})" if step.lost is not None else "")
            for step in funnel.steps
        )
        note = f"; fewer than {ENOUGH} checkouts, too few to judge" if funnel in few else ""
        lines.append(f"  - cluster {funnel.cluster_key} ({names.get(funnel.cluster_key)}): {steps}{note}")
    return "\n".join(lines).strip()
