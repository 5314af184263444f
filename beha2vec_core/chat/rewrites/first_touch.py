"""Where users first came from, in a question: "buyers by first channel", "first came via search"."""

from __future__ import annotations

import re

from beha2vec_core.chat.rewrites.substitute import rewritten
from beha2vec_core.chat.words.verbs import PEOPLE

_OF = r"(channel|source|medium|campaign)(?: group)?"
_TO_US = (
    r"(?: (?:to (?:us|the (?:site|shop|store)|our (?:site|shop|store))|us|here|in|(?:the|our) (?:site|shop|store)))?"
)
_CAME = (
    rf"(?:came|come|comes|arrived?|visited|visit|found|find|discovered|discover|reached|reach|landed|acquired){_TO_US}"
)
_VIA = r"(?:from|via|through|by)(?: (?:an?|the|our))?"
_ON = r"(?:from|via|through|by|on|with)(?: (?:an?|the|our))?"
_FIRST = r"(?:first|originally|initially)"
_WHO = r"(?:(?:who|that|which|whose|have|had|has|were|was|did) )*"
_LATER = r"(?:(?:they|later|then|finally|eventually|actually|ended|end|up|who) )*"
_KIND = r"(?:the )?(?:first|original|initial)(?: (?:user|touch|marketing|traffic|acquisition|visit|session))?"
_IS = r"(?: (?:was|is|were|=|being|of))?"
_RULES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        # a heading: the question after it says which is which
        (r"^\W*(?:first|last)(?:[ -](?:touch|click))?(?: channel)? (?:vs\.?|versus|and|or) (?:first|last)"
         r"(?:[ -](?:touch|click))?(?: channel)?\s*:\s*(?=how|what|which)", ""),
        (rf"\bfirst[ -]touch (?:attribution )?(?:of |for )?(.*?) by {_OF}\b(?! of)", r"\1 by first\2"),
        (rf"\b(?:which|what) {_OF}s? (?:did|do|does) (.*?) "
         rf"(?:{_FIRST} {_CAME}(?: (?:from|by|through|via))?|{_CAME} (?:from|by|through|via) {_FIRST})(?!\w)",
         r"\2 by first\1"),
        (rf"\bwhere (?:did|do|does) (.*?) (?:{_FIRST} {_CAME}(?: from)?|{_CAME} from {_FIRST})(?!\w)",
         r"\1 by firstchannel"),
        (rf"\b{_WHO}(?:{_FIRST} {_CAME}|{_CAME} first) {_VIA}\b", "who came firsttouch"),
        (rf"\b{_WHO}{_FIRST} (?:visit|session|touch|click|contact)(?! (?:\w+ )?on\b)"
         rf"(?: (?:was|is|came|were)(?: {_VIA})?| {_VIA})\b",
         "who came firsttouch"),
        (rf"\bby (?:the )?(channel|source|medium|campaign)s? (?:that|which) {_FIRST} "
         rf"(?:brought|sent|referred|led|got)(?: (?:the|our|these|those))?(?: (?:{PEOPLE}|them))?{_TO_US}",
         r"by first\1"),
        (rf"\b(?:whose )?{_KIND} channel(?: group)?s?\b{_IS} ?", "firstchannel "),
        (rf"\b(?:whose )?{_KIND} (source|medium|campaign)s?\b{_IS} ?", r"first\1 "),
        (r"\bfirst[ -]touch\b", "firstchannel"),
    )
)  # fmt: skip
_TOUCH = re.compile(r"\bfirst(?:touch|channel|source|medium|campaign)\b")
_BOUGHT = re.compile(
    rf"(?:,)? (?:but|and|yet|then|who) {_LATER}(?:bought|buy|ordered|order|purchased|purchase|converted|convert)"
    rf"(?: (?:something|anything))?(?P<via> {_ON})?(?=\W|$)"
)
_DID_NOT = re.compile(
    rf",? (?:(?:but|and|yet) )?{_LATER}(?:did not|didn't|have not|haven't|never)(?: (?:ever|yet|actually))* "
    r"(?:buy|bought|order|ordered|purchased?|convert|converted)\b(?: (?:something|anything))?"
)
_CAME_BACK = re.compile(
    rf",? (?:(?:but|and|yet|then) )?{_LATER}(?:came back|returned|come back|return) (?:from|via|through)\b"
)
_PEOPLE = re.compile(rf"\b(?:{PEOPLE})\b")
_WHO_DID = re.compile(rf"\b(?:{PEOPLE}) (?:who|that) (?!came firsttouch\b).*?{_DID_NOT.pattern}")


def in_first_touch(text: str) -> str:
    """A text in small letters with where users first came from as one word, and where they bought as a filter."""
    for pattern, new in _RULES:
        text = rewritten(pattern, new, text)
    if not _TOUCH.search(text):
        return text
    if _WHO_DID.search(text):  # users who did this and did not buy, by first channel: both are said of them already
        return _CAME_BACK.sub(" from", text)
    if denied := _DID_NOT.search(text):
        text = f"{text[: denied.start()]} {text[denied.end() :]}"
        text = _PEOPLE.sub(lambda found: f"{found[0]} who did not buy", text, count=1)
    elif bought := _BOUGHT.search(text):
        text = _PEOPLE.sub(
            "buyers", f"{text[: bought.start()]} {'from' * bool(bought['via'])} {text[bought.end() :]}", count=1
        )
    return _CAME_BACK.sub(" from", text)
