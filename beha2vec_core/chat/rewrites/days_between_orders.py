"""The days from an order to the next one in a question: "how long until people order again", "days between orders"."""

from __future__ import annotations

import re

from beha2vec_core.chat.words.verbs import PEOPLE

_ORDER = r"(?:orders?|purchases?|transactions?)"
_THE = r"(?:(?:the|their|an?|our|its|someone|placing|making) )*"
_UNIT = r"(?:days|weeks|months|hours)"
_TIME = re.compile(
    rf"\b(?:(?:after|in|within) )?(?:how (?:long|soon|quickly|fast|much time|many {_UNIT})|(?:number of |amount of )?"
    rf"(?<!which )(?<!what )(?<!on )(?<!first )(?<!second )(?<!one )(?<!\d )(?:{_UNIT}|time)|"
    r"gaps?|intervals?|wait(?:ing)?(?: times?)?|delay)(?: lag| gap)?\b"
)
_WHO = rf"(?:an?|the|our|new|same|existing|average|usually|typically|normally|{PEOPLE}|they|someone|one|we)"
_AGAIN = (
    rf"(?:(?:re-?order|repurchase|rebuy)s?|(?:order|buy|purchase|shop)s? (?:(?:something|anything|from us|with us) )*"
    rf"(?:again|once more)|(?:come|return)s?(?: back)? (?:to|and) (?:buy|order|purchase|shop)s?(?: again)?|"
    rf"(?:(?:place|make)s? )?(?:another|(?:{_THE}(?:next|repeat|subsequent|following|new))) {_ORDER})\b"
)
_FIRST = rf"{_THE}(?:first|1st|initial)(?: {_ORDER})?"
_SECOND = rf"(?:(?:place|make|buy|order)s? )?{_THE}(?:second|2nd)(?: (?:{_ORDER}|time))\b"
_TO = r"(?:until|till|before|to|and)"
_KINDS = (  # of days, by the measure: the first that is found
    ("days to second order",
     re.compile(
     rf"\b(?:between|from) {_FIRST} {_TO} (?:{_SECOND}|{_THE}(?:second|2nd)\b(?! (?!{_ORDER})\w+ing)|{_AGAIN})"
     rf"|\b{_TO} (?:(?:{_WHO}) )*{_SECOND}(?: after {_FIRST})?"
     rf"|\b{_TO} (?:(?:{_WHO}) )*{_AGAIN} after {_THE}(?:first|1st|initial) {_ORDER}"
     )),
    ("daysbetweenorders",
     re.compile(
     rf"\b(?:between|separat\w+) {_THE}(?:(?:two|2|consecutive|successive|subsequent|repeat|different|"
     rf"customers?|users?|buyers?) )*(?<!and ){_ORDER}\b(?! (?:and|to|from)\b)|\b(?:between|from) (?:one|an?) "
     rf"{_ORDER} (?:and|to) (?:another|the next|the following)\b(?: one| {_ORDER})?|\b{_TO} (?:(?:{_WHO}) "
     rf")*{_AGAIN}|\b(?:do|does|did) (?:(?:{_WHO}) )+{_AGAIN}"
     )),
)  # fmt: skip
_VISIT = re.compile(r"\b(?:visits?|sessions?|carts?|checkouts?|refund\w*|third|3rd|fourth|view\w*|clicks?)\b")
_OF_WAITING = re.compile(
    rf"\b(?:do|does|did|it|takes?|took|pass(?:es)?|go(?:es)? by|elapses?|lies?|needs?|usually|typically|normally|"
    rf"typical|usual|normal|is|are|was|there|waits?|{PEOPLE}|they|someone|in {_UNIT}|of)\b"
)


def in_gaps(text: str) -> str:
    """A text in small letters with the time from an order to another one as a measure of ours."""
    time = _TIME.search(text)
    for measure, pattern in _KINDS if time else ():
        found = pattern.search(text)
        if time is None or found is None or found.end() < time.end():
            continue
        begin, end = min(time.start(), found.start()), max(time.end(), found.end())
        if _VISIT.search(text[begin:end]):
            return text
        between = _OF_WAITING.sub(" ", text[time.end() : found.start()])
        is_median = re.search(r"\b(?:median|typical)\W*$", text[:begin]) is not None or "median" in between
        before = re.sub(r"\b(?:median|typical)\W*$", "", text[:begin])
        after = re.sub(rf"^\W*(?:does it take|in {_UNIT})\b", " ", text[end:])
        return f"{before} {'median ' * is_median}{measure} {between.replace('median', '')} {after}"
    return text
