"""Numbers in prose, as ``{fact id}``: whoever writes the sentence, code writes the number.

``{c3.purchase_rate}`` is the value of the fact, ``{c3.purchase_rate|all}`` the value of all users,
``{c3.purchase_rate|times}`` how many times the first is of the second, and ``{c3.purchase_rate|low}`` and
``{c3.purchase_rate|high}`` are the ends of the value's interval.
"""

import re
from collections.abc import Mapping

from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.wording import number as as_written

PLACEHOLDER = re.compile(r"\{\s*([^{}|\s]{1,160})\s*(?:\|\s*([a-z]{1,10})\s*)?\}")
FORMS = ("", "all", "times", "low", "high")


def shown(fact: Fact, form: str) -> str | None:
    """The number that a placeholder of this form becomes; None where there is none."""
    value, unit = {
        "": (fact.value, fact.unit),
        "all": (fact.population_value, fact.unit),
        "times": (fact.lift, "lift"),
        "low": (fact.interval_low, fact.unit),
        "high": (fact.interval_high, fact.unit),
    }.get(form, (None, ""))
    return None if value is None else as_written(value, unit)


def written(fact: Fact, form: str = "") -> str:
    """The placeholder of a fact."""
    return f"{{{fact.fact_id}|{form}}}" if form else f"{{{fact.fact_id}}}"


def fill(prose: str, facts: Mapping[str, Fact]) -> str:
    """The prose with its placeholders replaced, in one pass: what is put in is never read again.

    A placeholder of no fact, or of a form that the fact has no number for, stays as it is written.
    """

    def replace(match: re.Match[str]) -> str:
        fact = facts.get(match.group(1))
        number = shown(fact, match.group(2) or "") if fact else None
        return match.group() if number is None else number

    return PLACEHOLDER.sub(replace, prose)
