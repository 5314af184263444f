"""Detectors of Chinese, Japanese and Korean names by surroundings."""

import re
from collections.abc import Iterator
from functools import cache

from beha2vec_core.privacy.detectors import Span
from beha2vec_core.privacy.names import east_asian_names, is_east_asian_name, is_first_name
from beha2vec_core.privacy.phrases import alternatives
from beha2vec_core.privacy.rules import rules

# a space divides no words in Japanese, but a family name from a given name
_HONORIFIC = re.compile(
    r"(?:(?P<family>[\u4e00-\u9fff々ヶ]{1,3})[ \u3000][\u3040-\u30ff\u4e00-\u9fff々ヶ]{1,4}"
    r"|(?P<name>[\u4e00-\u9fff々ヶ]{2,6}))(?=\s?(?:さん|様|さま|殿))"
)
_EAST_ASIAN = re.compile(r"[\u4e00-\u9fff가-힣]")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], bool], ...]:
    """Patterns of Chinese and Korean names in titles, each with whether the given name has to be a known one."""
    known = rules()
    name = rf"(?P<name>(?:{east_asian_names().family})(?:[\u4e00-\u9fff]{{1,2}}|[가-힣]{{2}}))"
    end = r"(?![\u4e00-\u9fff가-힣])"
    gap = r"[\s,!:，、！：]*"
    titles = alternatives(known.honorifics)
    strong, weak = (
        alternatives(tuple(phrase for phrase in phrases if _EAST_ASIAN.search(phrase)))
        for phrases in (known.strong_greetings, known.weak_greetings)
    )
    things = alternatives(tuple(phrase for phrase in known.accounts + known.holdings if _EAST_ASIAN.search(phrase)))
    begin = r"(?<![\u4e00-\u9fff가-힣])"
    return (
        (re.compile(rf"(?:{strong}){gap}{name}(?=\s?{titles}|{end})"), False),
        (re.compile(rf"(?:{weak}){gap}{name}(?=\s?{titles}|{end})"), True),
        (re.compile(rf"{begin}{name}(?=\s?{titles})"), True),
        (re.compile(rf"{begin}{name}(?={alternatives(known.possessives)}\s?{things})"), True),
        (re.compile(rf"(?:{things})\s*[:：–—|-]\s*{name}{end}"), True),
    )


@cache
def _japanese_patterns() -> tuple[re.Pattern[str], ...]:
    """Japanese full names after what belongs to a person, after a word for a death, and beside how to reach someone."""
    known = rules()
    phrases = known.accounts + known.holdings + known.papers + known.obituaries
    things = alternatives(tuple(phrase for phrase in phrases if _EAST_ASIAN.search(phrase)))
    labels = known.labels["phone"] + known.labels["email"]
    contacts = alternatives(tuple(phrase for phrase in labels if _EAST_ASIAN.search(phrase)))
    family = "|".join(sorted(east_asian_names().japanese, key=lambda name: (-len(name), name)))
    ending = "".join(sorted(east_asian_names().japanese_given))
    letters = r"[\u3040-\u30ff\u4e00-\u9fff々]"
    name = rf"(?P<name>(?:{family})[ \u3000]?[\u4e00-\u9fff々]{{0,2}}[{ending}])(?!{letters})"
    return (
        re.compile(rf"(?:{things})[\s_:：–—|-]*{name}"),
        re.compile(rf"(?:{contacts})[\s_:：–—|-]*{name}"),
        re.compile(rf"(?<!{letters}){name}(?=[\s_のは]+(?:{contacts}))"),
        re.compile(rf"(?<!{letters}){name}(?=の\s?(?:{things}))"),
    )


def east_asian_spans(text: str) -> Iterator[Span]:
    """Names before a title, after a greeting, and beside what belongs to a person."""
    if _EAST_ASIAN.search(text) is None:
        return
    for match in _HONORIFIC.finditer(text):
        if match["family"] or is_first_name(match["name"]) or match["name"].startswith(east_asian_names().japanese):
            yield match.span()
    for pattern in _japanese_patterns():
        for match in pattern.finditer(text):
            yield match.span("name")
    for pattern, given_is_known in _patterns():
        for match in pattern.finditer(text):
            if is_east_asian_name(match["name"], given_is_known):
                yield match.span("name")
