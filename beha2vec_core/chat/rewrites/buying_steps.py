"""Steps of buying in a question: the funnel between two of them, what is lost there, and how many get on."""

from __future__ import annotations

import re
from itertools import pairwise

from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.definitions import STEPS

THE = r"(?:(?:the|a|an|my|our|their|there|they're|your|any|some|this)\s+)?"
STOPS = (
    r"(?:loses?|losing|lost|drop(?:ping|s)?(?:[\s-]*(?:offs?|outs?))?|g[ai]v(?:e|es|ing) up|bail\w*|leak\w*|abandon\w*|"
    r"quit\w*|stop\w*|fall(?:ing|s)? (?:off|out|away))"
)
_STEP_WORDS = {
    1: (
        rf"(?:view|see|saw|seen|visit|look(?:ed|ing)? at|open)(?:s|ed|ing|er)?\s+{THE}(?:products?|"
        r"items?)(?: pages?)?|product (?:pages?|views?|details?)|view(?:ed|s)?(?= (?:to|but|and never|and not)\b)|"
        r"(?<=between )views?(?= and\b)"
    ),
    2: (
        r"(?:add|put)(?:s|ed|t?ing)?\s+(?:(?:something|anything|items?|products?|things?|stuff|it|them|"
        rf"one)\s+)?(?:to|in|into)\s+{THE}carts?|carts?"
    ),
    3: (
        rf"(?:start|begin|began|begun|enter|reach|initiate|get to|go to)(?:s|ed|d|ning|ing)?\s+{THE}checkouts?|"
        r"checkouts?"
    ),
    4: r"shipping(?: (?:step|info\w*|details?|page))?",
    5: r"payment(?: (?:step|info\w*|details?|page))?",
    6: (
        r"(?:end(?:s|ed)? up\s+)?(?:check(?:s|ed|ing)? out|buy(?:s|ing)?|bought|purchas(?:e|es|ed|ing)|orders?|ordered|"
        r"pay(?:s|ing)?|paid(?! (?:search|social|video|shopping|traffic|channels?|ads?|campaigns?|media|visits?|"
        r"sessions?)\b)|convert(?:s|ed)?|complete|finish(?:es|ed)?)"
    ),
}
_ANY_STEP = re.compile(rf"\b(?:{'|'.join(f'(?P<s{n}>{words})' for n, words in _STEP_WORDS.items())})\b")
_APART = re.compile(r"\b(?:vs|versus|or|not|no|without|never|before|by|than|but|abandonment|rate|per)\b|[;]")
_THOSE = re.compile(
    r"\b(?:who|that|which|those|of all|between|from|once|after|make it|get|drop[\s-]*offs?|conversion|continue|go)\b"
)


_NAMED_TIME = re.compile(rf"\b(?:{'|'.join(name for name, _ in STEPS.values())}) to \w+ time\b")


def in_steps(text: str) -> str:
    """A text in small letters with steps of buying as one of our measures: a funnel, a drop-off or a rate."""
    return as_step_time(text) or _as_funnel(text) or _around_one(text) or _as_drop_off(text) or _as_step_rate(text)


def as_step_time(text: str) -> str | None:
    """The time between two steps; None where it is not asked for."""
    if _NAMED_TIME.search(text):
        return text
    found = _steps_in(text)
    asked = _HOW_LONG.search(text)
    steps = sorted({step for step, _ in found})
    if not asked or len(steps) != 2 or found[0][0] != steps[0] or _FROM_A_VISIT.search(text):
        return None
    (first, one), (last, other) = found[0], found[-1]
    rest = _HOW_LONG.sub(" ", f"{text[: one.start()]} , {text[other.end() :]}")
    return f"{STEPS[first][0]} to {STEPS[last][0]} time {_OF_WAITING.sub(' ', rest)}"


def steps_of(first: int, last: int) -> str:
    """The word for a part of the funnel; none for all of it."""
    return "" if (first, last) == (min(STEPS), max(STEPS)) else f"steps{first}to{last}"


def _steps_in(text: str) -> list[tuple[int, re.Match[str]]]:
    return [(int(str(found.lastgroup)[1:]), found) for found in _ANY_STEP.finditer(text)]


def _as_funnel(text: str) -> str | None:
    """A funnel whose steps are named, from the first to the last of them; None where it is none."""
    if not _FUNNEL.search(text):
        return None
    every = _steps_in(text)
    found = [
        one for one in every if not re.match(r"\s+funnel", text[one[1].end() :])
    ]  # purchase funnel from ... to ...
    found = found if len(found) > 1 else every
    steps = [step for step, _ in found]
    if len(found) > 1 and steps == sorted(set(steps)):
        betweens = [text[one.end() : other.start()] for (_, one), (_, other) in pairwise(found)]
        if all(map(_TOWARDS.fullmatch, betweens)):
            begin, end = found[0][1].start(), found[-1][1].end()
            before = re.sub(r"\b(?:from|between|of|for|with)\s+(?:the\s+)?$", " ", text[:begin])
            return f"{before} {steps_of(steps[0], steps[-1])} {text[end:]}"
    for step, one in found[:1] if len(found) == 1 else []:
        before, after = text[: one.start()], text[one.end() :]
        if began := re.search(
            r"\b(?:from|after|(?:start|begin)(?:s|ing|ning)? (?:at|from|with|in))\s+(?:the\s+)?$", before
        ):
            after = re.sub(r"^\s*(?:step )?(?:on(?:wards?)?|forward|downwards?)\b", " ", after)
            return f"{before[: began.start()]} {steps_of(step, max(STEPS))} {after}"
        if ended := re.search(r"\b(?:up to|until|till|down to|to|into|ending (?:at|with|in))\s+(?:the\s+)?$", before):
            is_begun = re.search(r"\b(?:from|between)\b", before)  # by what is no step
            return None if is_begun else f"{before[: ended.start()]} {steps_of(min(STEPS), step)} {after}"
        if re.match(r"\s+(?:funnel|steps?|part)\b", after) or re.search(
            r"\bfunnel (?:of|for|in|at) (?:the )?$", before
        ):
            return f"{before} {steps_of(step if step < max(STEPS) else min(STEPS), max(STEPS))} {after}"
    return None


def _around_one(text: str) -> str | None:
    """The funnel up to a step or from it on, or what is lost at it, where it is the only one; None elsewhere."""
    found = _steps_in(text)
    if len(found) != 1:
        return None
    (step, one), last = found[0], max(STEPS)
    before, after = text[: one.start()], text[one.end() :]
    if asked := _DO_NEXT.search(before):
        return f"{before[: asked.start()]} funnel {steps_of(step, last)} {after}" if step < last else None
    lost = _LOST.search(f"{before} , {after}")
    if lost and (way := _ON_THE_WAY.search(before)) and (asked := _WHERE.search(f"{before[: way.start()]} , {after}")):
        rest = _LOST.sub(" ", _WHERE.sub(" ", f"{before[: way.start()]} , {after}", count=1), count=1)
        return f"funnel {steps_of(min(STEPS), step)} {rest}"
    at_it, it_loses = _LOST_AT.search(before), _ITS_LOSS.match(after)
    if step in _OF_CHECKOUT and (at_it or it_loses):
        before = before[: at_it.start()] if at_it else before
        after = after if at_it or not it_loses else after[it_loses.end() :]
        return f"{before} {STEPS[step][0]} drop {STEPS[step + 1][0]} {after}"
    return None


def _as_drop_off(text: str) -> str | None:
    """The sessions that end between two steps; None where they are not asked for."""
    found = _steps_in(text)
    if len(found) != 2 or not found[0][0] < found[1][0]:
        return None
    (first, one), (last, other) = found
    before, between, after = text[: one.start()], text[one.end() : other.start()], text[other.end() :]
    lost = _LOST.search(before) or _LOST.search(after)
    if lost and (asked := _WHERE.search(before)):
        around = _LOST.sub(" ", f"{before[: asked.start()]} {before[asked.end() :]} , {after}", count=1)
        around = _BETWEEN_STEPS.sub(" ", around)
        return f"funnel {steps_of(first, last)} {around}"
    is_list = re.fullmatch(r"\s*and\s*", between) is not None and not re.search(r"\bbetween\b", before)
    if not lost or is_list or not _TOWARDS.fullmatch(between):
        return None
    before, after = (_LOST.sub(" ", part, count=1) for part in (before, after))
    before = _BETWEEN_STEPS.sub(" ", before)
    before = _SUBJECT.sub(" ", re.sub(r"\b(?:do|did|are|have) we\s*$", " ", before))
    return f"{before} {STEPS[first][0]} drop {STEPS[last][0]} {re.sub(r'^ (?:rate|step)s?', '', after)}"


def _as_step_rate(text: str) -> str:
    """Two steps of buying, the later one asked of those with the earlier one: "who add to cart, how many buy".

    More steps, one after the other, are the funnel; with "never" or "but not" between two, those are meant that ended.
    """
    text = _BUT_STOPS.sub("but did not buy", text)
    found = _steps_in(text)
    steps = [step for step, _ in found]
    betweens = [text[one.end() : other.start()] for (_, one), (_, other) in pairwise(found)]
    if len(found) > 2 and steps == sorted(set(steps)) and all(map(_THEN.fullmatch, betweens)):
        return f"{text[: found[0][1].start()]} funnel {steps_of(steps[0], steps[-1])} {text[found[-1][1].end() :]}"
    if len(found) == 2 and found[0][0] < found[1][0]:
        (first, one), (last, other) = found
        between = text[one.end() : other.start()]
        beside = _BESIDE.fullmatch(between)
        if not _APART.search(between) and (beside or _THOSE.search(text[: other.start()])):
            rate = f"{STEPS[first][0]} to {STEPS[last][0]} rate"
            rest = " " if beside else _FROM_TO.sub(" ", between)
            before = re.sub(r"\b(?:drop[\s-]*offs?|conversion(?: rate)?|between|from)\b", " ", text[: one.start()])
            return f"{before} {rate} {rest} {re.sub(r'^ (?:rate|step)s?', '', text[other.end() :])}"
        if _WITHOUT.search(between):
            before = _SUBJECT.sub(" ", text[: one.start()])
            return f"{before} {STEPS[first][0]} without {STEPS[last][0]} {text[other.end() :]}"
    return text


_HOW_LONG = re.compile(
    r"\b(?:how (?:long|much time|many (?:minutes|seconds|hours))|(?:median |average |typical |mean )?(?:time|minutes|"
    r"seconds)(?= (?:from|between|does|do|passes|it)\b)|time it takes)\b"
)
_FROM_A_VISIT = re.compile(r"\b(?:first|last) (?:visit|session)|\bdays?\b|\bsession start")
_OF_WAITING = re.compile(
    r"\b(?:do|does|did|it|takes?|took|until|till|before|between|from|to|and|the|their|they|an?|first|last|pass(?:es)?|"
    r"typical(?:ly)?|usual(?:ly)?|median|on average|average|people|users|customers|visitors|in minutes|in seconds|"
    r"page|completed|finished|is|of|for)\b|\bputting\b"
)
_FUNNEL = re.compile(r"\bfunnels?\b")
_TOWARDS = re.compile(
    r"(?:\s|->|=>|[-\u2013\u2192>,:]|\b(?:and|then|to|into|until|till|up|through|all|way|via|over|the)\b)+"
)
_OF_CHECKOUT = (4, 5)  # steps within the checkout: of others there is a measure of its own, cart abandonment
_DROP_OFF = r"(?:drop(?:ping|s)?[\s-]*(?:offs?|outs?)|loss(?:es)?|abandonment)(?: rate)?"
_LOST_AT = re.compile(rf"\b{_DROP_OFF} (?:at|in|on|during|after|from) (?:the )?$")
_ITS_LOSS = re.compile(rf"\s+{_DROP_OFF}\b")
_ON_THE_WAY = re.compile(
    r"\b(?:on (?:the|their|its) (?:way|path|road|journey) (?:to|towards)|before (?:they )?)\s*(?:the )?$"
)
_DO_NEXT = re.compile(
    rf"\bwhat (?:(?:do|does|did) (?:(?:the|our|most) )*(?:{PEOPLE}|they) do|happens|happened|comes) "
    rf"(?:(?:next|right|directly|then) )*(?:after|once|when) (?:(?:they|{PEOPLE}|having|have) )*$"
)
_LOST = re.compile(
    rf"\b(?:{STOPS}(?: (?:rate|share|percentage))?|dropped(?: (?:off|out))?(?= (?:from|between))|losses|loss(?: rate)?|"
    r"abandonment(?: rate)?|attrition|leav(?:e|es|ing)|disappear\w*|churn|(?:do|does|did) not (?:continue|proceed|"
    r"go(?: on)?|move(?: on)?|make it|get|advance|progress))\b"
)
_WHERE = re.compile(r"\b(?:where|(?:at |in |after )?(?:which|what) (?:step|stage|point|part)s?)\b")
_BETWEEN_STEPS = re.compile(r"\b(?:from|between|of|on the way)\s+(?:the\s+)?(?=,?$|, )")
_SUBJECT = re.compile(
    rf"\b(?:the )?(?:{PEOPLE}|sessions?|visits?)(?: (?:who|that|which))?(?: (?:with|had|have))?(?: (?:a|an|the))?\s*$"
)
_BUT_STOPS = re.compile(rf"\bbut (?:then |they |later )*{STOPS}(?: (?:it|there|again|then))?\b")
_THEN = re.compile(r"\s*(?:->|=>|\u2192|>|,|to|then|and|\s)+\s*(?:the )?")
_WITHOUT = re.compile(
    r"^\W*(?:but|and|who|that|\s)*\s*(?:did|do|does|have|has|were|was)?\s*(?:not|never|no|without)\b(?:\W+\w+){0,2}\W*$"
)
_BESIDE = re.compile(
    r"\s*(?:,\s*)?(?:->|to|(?:turn(?:s|ed)? |convert(?:s|ed)? )?into|becomes?|became|leads? to|led to|and then|"
    r"and)\s+(?:the |an? )?"
)
_FROM_TO = re.compile(r"\b(?:to|into|and|then|reach(?:es)?|get|actually|really|end up|go on|continue)\b")
ADD_TO_CART = re.compile(
    r"\b(?:(?:something|anything|items?|products?|things?)\s+)?(?:add|put)(?:s|ed|t?ing)?\s+(?:(?:something|anything|"
    rf"items?|products?|things?|stuff)\s+)?(?:to|in|into)\s+{THE}carts?\b|\badd[\s-]to[\s-]carts?\b"
)
