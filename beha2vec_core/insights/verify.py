"""The check no text passes with a number that is not a fact, or with evidence that does not exist."""

import re
from collections.abc import Iterable

from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight
from beha2vec_core.insights.sheet import Fact

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_PERCENT = re.compile(r"\s*(?:%|percent\b|per cent\b)", re.IGNORECASE)
_SCALE = re.compile(r"\s*(k|thousand|m|million)\b", re.IGNORECASE)
# "cluster 3" names a cluster; "in this cluster 148 users" does not
_CLUSTER_BEFORE = re.compile(r"(?<!\bthis )(?<!\bthe )(?<!\beach )\bclusters?\s*#?\s*$", re.IGNORECASE)
_WORDS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety|hundreds?|thousands?|millions?|dozens?|twice|thrice|double[sd]?|tripled?|triples|half|halves|thirds?|"
    r"quarters?)\b",
    re.IGNORECASE,
)


def known_evidence(cited: Iterable[str], facts: Iterable[Fact]) -> list[str]:
    """The cited fact ids that exist, each once, in the order cited."""
    known = {fact.fact_id for fact in facts}
    return [fact_id for fact_id in dict.fromkeys(cited) if fact_id in known]


def problems(
    text: ClusterInsight | ClusterComparison,
    facts: Iterable[Fact],
    *,
    cluster_keys: Iterable[int] = (),
    names: Iterable[str] = (),
) -> list[str]:
    """What is wrong with the text, as sentences its writer can act on; empty if nothing.

    Args:
        text: what a model wrote.
        facts: all facts it was given.
        cluster_keys: clusters it may name by number.
        names: names of clusters it may use (they are no claims).
    """
    known = list(facts)
    found = []
    if not known_evidence(text.evidence, known):
        found.append("evidence names no fact id of the data")
    prose = [value for key, value in text.model_dump().items() if key != "evidence"]
    written = " \n ".join(part for value in prose for part in (value if isinstance(value, list) else [value]))
    for number in unknown_numbers(written, known, cluster_keys=cluster_keys, names=names):
        found.append(f"the number {number!r} is not in the facts")
    return found


def unknown_numbers(
    written: str, facts: Iterable[Fact], *, cluster_keys: Iterable[int] = (), names: Iterable[str] = ()
) -> list[str]:
    """Numbers of a text that no fact has, as written.

    A number stands for a fact's value, population value, lift, z, interval end or support if it is that number rounded
    to the digits written; with a percent sign only shares count, without one they count as fractions. Numbers inside
    ids, pages, titles and names of the data are no claims. Number words ("twice", "half") cannot be checked and are
    returned too.
    """
    known = list(facts)
    rest = _without_quotes(written, known, names)
    percents, plain = _values(known)
    keys = [float(key) for key in cluster_keys]
    unknown = []
    for match in _NUMBER.finditer(rest):
        digits = match.group().replace(",", "").lstrip("+-")
        value, tolerance = float(digits), 0.5 * 10.0 ** -len(digits.partition(".")[2]) + 1e-9
        after = rest[match.end() :]
        if scale := _SCALE.match(after):
            factor = 1e3 if scale.group(1).lower() in {"k", "thousand"} else 1e6
            value, tolerance = value * factor, tolerance * factor
        is_percent = _PERCENT.match(after) is not None
        if not is_percent and _CLUSTER_BEFORE.search(rest[: match.start()]):
            pool, tolerance = keys, 0.0
        else:
            pool = percents if is_percent else plain
        if not any(abs(value - candidate) <= tolerance for candidate in pool):
            unknown.append(rest[match.start() : match.end() + 1].strip())
    return [*unknown, *(match.group() for match in _WORDS.finditer(rest))]


def _without_quotes(written: str, facts: list[Fact], names: Iterable[str]) -> str:
    """The text without ids, pages, titles and names that come from the data, which may contain digits."""
    quotes = {quote for fact in facts for quote in (fact.fact_id, fact.feature, fact.title) if quote}
    quotes |= {quote.replace("_", " ") for quote in quotes} | set(names)
    # a feature that is a bare number would excuse every such number
    claimed = sorted(
        (quote for quote in quotes if len(quote) > 3 and any(map(str.isalpha, quote))), key=len, reverse=True
    )
    for quote in claimed:
        if any(map(str.isdigit, quote)) or _WORDS.search(quote):
            written = re.sub(rf"(?<!\w){re.escape(quote)}(?!\w)", " ", written, flags=re.IGNORECASE)
    return written


def _values(facts: list[Fact]) -> tuple[list[float], list[float]]:
    percents: list[float] = []
    plain: list[float] = []
    for fact in facts:
        values = [
            v for v in (fact.value, fact.population_value, fact.interval_low, fact.interval_high) if v is not None
        ]
        plain += values
        if fact.unit == "share":
            percents += [100 * value for value in values]
        plain += [float(fact.support), *(abs(v) for v in (fact.lift, fact.z) if v is not None)]
    return percents, plain
