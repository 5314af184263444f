"""What is made up: numbers of one's own, links, and what no fact shows."""

import re

from beha2vec_core.insights.vocabulary.unsupported import CAUSE, CHANGE, NUMBER_WORDS, PEOPLE

_LAST_WEEK = re.compile(r"\bthe last (?:week|days)\b", re.IGNORECASE)  # what some facts are about
_MARKUP = re.compile(r"https?:|www\.|[<>`]|\]\(|javascript:|^\s*#", re.IGNORECASE)


def made_up(masked: str) -> list[str]:
    """Numbers of one's own, malformed placeholders, links."""
    found = [f"the number {one!r} is written out: use a placeholder" for one in _digits(masked)]
    found += [f"the number word {match.group()!r}: use a placeholder" for match in NUMBER_WORDS.finditer(masked)]
    if "{" in masked or "}" in masked:
        found.append("a placeholder is malformed: write {fact id} or {fact id|all}")
    if _MARKUP.search(masked):
        found.append("it holds a link or markup: write plain text")
    return found


def _digits(masked: str) -> list[str]:
    return [word[:20] for word in masked.split() if any(char.isnumeric() or char.isdigit() for char in word)]


def unsupported(masked: str, *, is_over_time: bool) -> list[str]:
    """Words for what the facts do not show."""
    wrong = {"no change over time": CHANGE, "no causes": CAUSE, "nothing of who users are": PEOPLE}
    return [
        f"{match.group()!r}: the facts show {what}"
        for what, pattern in wrong.items()
        if (match := pattern.search(_LAST_WEEK.sub("", masked) if is_over_time else masked))
    ]
