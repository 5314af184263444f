"""How far sessions get in the funnel, in words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from beha2vec_core.chat.answers.phrases import cell, interval, when_of, where_of
from beha2vec_core.semantic.definitions import METRICS
from beha2vec_core.semantic.layer import Result
from beha2vec_core.words import between, number

_GROUPS = 6  # funnels in words


def funnel_in_words(result: Result) -> str:
    """How far sessions get, and after which step most of them end, of each group."""
    query, lines = result.query, []
    groups = dict.fromkeys(tuple(row[name] for name in query.by[1:]) for row in result.rows)
    steps = replace(query, filters=tuple(one for one in query.filters if one.dimension != "step"))
    for group in groups:
        rows = [row for row in result.rows if tuple(row[name] for name in query.by[1:]) == group]
        named = next((one.values[-1] for one in query.filters if one.dimension == "step"), rows[-1]["step"])
        rows += [{**rows[-1], "step": named, "value": 0}] if rows[-1]["step"] != named else []
        of = f" for {' / '.join(map(cell, group))}" if group else ""
        of = f"Funnel{of}{where_of(steps, METRICS['sessions'])}{when_of(query.period)}"
        lost = [(1 - b["value"] / a["value"], a, b) for a, b in pairwise(rows) if a["value"]]
        if not lost:
            lines.append(f"{of}: only one step.")
            continue
        share, last, _ = max(lost, key=lambda one: one[0])
        ends = interval(round(share * last["value"]), last["value"], last["value"])
        between_words = f" (95% interval {between(*(number(end, 'share') for end in ends))})" if ends else ""
        ending = f"Most are lost after the {_step(last)}: {number(share, 'share')} of {last['value']:,}{between_words}."
        if not share:
            ending = "None are lost on the way."
        elif (most := max(lost, key=lambda one: one[1]["value"] - one[2]["value"])[1:])[0] is not last:
            ending += f" In numbers, most end after the {_step(most[0])}: {most[0]['value'] - most[1]['value']:,}."
        elif len(rows) == 2:
            left = last["value"] - rows[-1]["value"]
            interval_of = between_words.replace(" (", "; ").rstrip(")")
            ending = f"The other {left:,} ({number(share, 'share')}{interval_of}) did not."
        through = number(rows[-1]["value"] / rows[0]["value"], "share") if rows[0]["value"] else "none"
        lines.append(
            f"{of}: {rows[-1]['value']:,} of {rows[0]['value']:,} sessions ({through}) got from the "
            f"{_step(rows[0])} to the {_step(rows[-1])}. {ending}"
        )
        if len(lines) == _GROUPS:
            break
    return "\n".join(
        [
            *lines,
            "A session that reached a step counts for all before it. The interval treats sessions as independent.",
        ]
    )


def _step(row: dict[str, Any]) -> str:
    return str(row["step"])[2:]
