"""Two measures of the same groups, much of one and little of the other: "many views but hardly any purchases"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from beha2vec_core.chat.parts.vocabulary import Vocabulary
from beha2vec_core.chat.words.lemmas import tokens
from beha2vec_core.semantic.definitions import METRICS

_SO = r"(?:(?:very|really|quite|relatively|rather|pretty|only|just|too|so|such|still|a|an|the) )*"
_OF = r"(?: (?:numbers?|amounts?|volumes?|counts?) of)?"
_QUANTITIES = {
    "many": rf"(?:{_SO}(?:lots?|tons?|loads|heaps|plenty|bunch|great deal) of|{_SO}(?<!how )(?<!as )many|"
    rf"{_SO}(?:high|big|large|huge|heavy|strong){_OF}|(?<!how )(?<!as )much|(?:the )?most)",
    "few": rf"(?:{_SO}(?:hardly|barely|scarcely) (?:any|an?)|almost no|next to no|{_SO}(?:few|little)|"
    rf"{_SO}(?:low|small|tiny|poor|weak){_OF}|not (?:many|much|a lot of)|(?:the )?(?:least|fewest))",
    "no": r"(?:no|zero|not (?:a single|any)|without (?:a single|any))",
}
_BARE = re.compile(r"lots?|tons?|loads|heaps|plenty|bunch|deal|many|few|little|hardly|barely|scarcely|almost|next to")
_OFTEN = r"(?:a lot|lots|loads|tons|heaps|plenty|often|frequently|heavily|much|many times|regularly)"
_SELDOM = r"(?:rarely|seldom|(?:hardly|barely|scarcely|almost never)(?: ever)?|infrequently)"
_GET = r"(?:(?:get|gets|got|getting|are|is|were|was|be|been|do|does|did|have|has|people|users|visitors|they) )*"
_VERBS = {  # and the measure of how often it is done
    "page_views": r"(?:view(?:ed|s)?|look(?:ed|s)? at|seen?|saw|click(?:ed|s)?(?: on)?|brows(?:ed?|es))",
    "cart_additions": r"(?:(?:add(?:ed|s)?|puts?) (?:(?:some|any)thing )?(?:to|in|into) (?:(?:the|a|their) )?"
    r"(?:carts?|baskets?)|carted|(?:(?:make|made|makes|end|ends|ended|go|goes|went)(?: it| up)? )?(?:in|into|to) "
    r"(?:the|a|their) (?:carts?|baskets?))",
    "sessions": r"visit(?:ed|s)?",
    "orders": r"(?:bought|buys?|purchased?|purchases|ordered|orders?|sold|sells?)",
}
_WHY = re.compile(r"\b(?:why|how come|reasons?|so many|too many)\b")
_JOINED = re.compile(
    r"\s*,?\s*(?:(?:but|and|yet|though|although|while|whereas|with|despite|in spite of|they|it|that|which|who|also|"
    r"then|do|does|did|are|is|were|was|get|gets|got|have|has|had|having|bring|brings|make|makes|generate|generates|"
    r"still|only|at the same time|compared to|compared with|relative to|for|only) )*"
)
_FROM = re.compile(
    r"(?: (?:from|on|via|in|through|by) (?:[\w'&-]+ ){0,3}?[\w'&-]+)?(?= (?:but|yet|though|although|while)\b)"
)
_WHAT = re.compile(r"\b(?:what|(?:which )?(?:things|stuff))(?: (?:do|does|did|is|are|was|were))?\s*$")
_STATE = re.compile(
    r"\s*(?:is|are|was|were) (?:(?:very|really|quite|so|too|pretty) )*(?:(high|strong)|(low|weak|poor))\b"
)
_OPPOSED = re.compile(r"\b(?:but|yet|though|although|while|whereas|despite|in spite of)\b")
_COUNTED = re.compile(r"\b(?:how many|number of)\b")
_FIRST = re.compile(r"\b(?:most|least|fewest)\b")
_ANY = re.compile(  # without one of these there is nothing to read
    r"\b(?:lots?|tons?|loads|heaps|plenty|bunch|deal|many|few|little|much|hardly|barely|scarcely|almost|next|often|"
    r"frequently|heavily|regularly|rarely|seldom|infrequently|high|big|large|huge|heavy|strong|low|small|tiny|poor|"
    r"weak|most|least|fewest)\b"
)
_OF_PRODUCTS = {"cart_additions", "orders"}
_THINGS = {"item": "items_sold", "page": "page_views"}  # many items, of an order
_SKIPPED = re.compile(r"(?:(?:of|the|our|actual|real) )*")
_CARTS = re.compile(r"(?:carts?|baskets?)\b(?! (?:pages?|abandon\w*|users?|sessions?|additions?)\b)")
_SALES = re.compile(r"sales?\b")


@dataclass(frozen=True)
class Opposed:
    """How much there is of measures: "many", "few" or "no"."""

    first: tuple[str, str]  # the measure that the question is read with, and how much of it
    second: tuple[str, str] | None  # the other one; None where only one is said
    said: str  # the words
    is_counted: bool = False  # whether it is asked how many groups these are


def in_measures(text: str, vocabulary: Vocabulary) -> tuple[str, Opposed | None]:
    """A text in small letters with one measure in place of the two, and what is said of them."""
    alone: Opposed | None = None
    if not _ANY.search(text):
        return text, None
    for found in re.finditer(r"(?<![\w-])(?=[a-z])", text):
        one = _said(text, found.start(), vocabulary)
        if one is None:
            continue
        first, end = one
        within = found_within[0] if (found_within := _FROM.match(text, end)) else ""
        joined = _JOINED.match(text, end + len(within))
        assert joined  # it matches nothing too
        other = _said(text, joined.end(), vocabulary)
        if other is not None and _FIRST.search(text[found.start() : other[1]]) and not _OPPOSED.search(joined[0]):
            other = None  # the most of one, and the most of another
        if other is not None and other[0][0] != first[0]:
            second, end = other
            if first[1] != "many" and second[1] == "many":
                first, second = second, first
            word = "views" if first[0] == "page_views" else METRICS[first[0]].words[0]
            is_counted = _COUNTED.search(text[: found.start()]) is not None
            opposed = Opposed(first, second, text[found.start() : end].strip(), is_counted)
            rest = within + re.sub(r"^\s+(?=[a-z])", ", ", text[end:])
            before = re.sub(r"\b(?:where|whose)\s*$", "", text[: found.start()])
            if {first[0], second[0]} & _OF_PRODUCTS:
                before = re.sub(r"\bproduct pages?\b", "products", _WHAT.sub("which products ", before))
            return f"{before}having {word}{rest}", opposed
        said = text[found.start() : end].strip()
        if alone is None and _BARE.search(said) and not _WHY.search(text):
            alone = Opposed(first, None, said)
    return text, alone


def _said(text: str, begin: int, vocabulary: Vocabulary) -> tuple[tuple[str, str], int] | None:
    """A measure and how much of it there is at a place of the text, and where this ends."""
    for name, verb in _VERBS.items():
        few = rf"(?:{_SELDOM}|least) {_GET}{verb}|not {_GET}{verb}(?: (?:{_OFTEN}|well))?|{verb} (?:{_SELDOM}|little)"
        for much, pattern in (
            ("many", rf"{_GET}(?:(?:{_OFTEN}|most) {_GET}{verb}|{verb}(?: by \w+)? (?:{_OFTEN}|well))\b"),
            ("few", rf"{_GET}(?:{few})\b"),
            ("no", rf"{_GET}never {_GET}{verb}\b"),
        ):
            if found := re.compile(pattern).match(text, begin):
                return (name, much), found.end()
    for much, pattern in _QUANTITIES.items():
        if (found := re.compile(rf"{pattern} ").match(text, begin)) is None:
            continue
        place = found.end() + len(_SKIPPED.match(text, found.end())[0])  # type: ignore[index]
        if measure := _measure(text, place, vocabulary):
            name, end = measure
            is_number = name == "revenue" and _SALES.match(text, place) and "much" not in found[0]
            return ("orders" if is_number else name, much), end
    if measure := _measure(text, begin, vocabulary):  # views are high, orders are low
        state = _STATE.match(text, measure[1])
        return ((measure[0], "many" if state[1] else "few"), state.end()) if state else None
    return None


def _measure(text: str, place: int, vocabulary: Vocabulary) -> tuple[str, int] | None:
    """The measure that a place of the text begins with, and where it ends."""
    if carts := _CARTS.match(text, place):
        return "cart_additions", carts.end()
    words = tokens(re.split(r"[,;]", text[place:], maxsplit=1)[0])
    word, size, _ = vocabulary.longest(words, 0) if words and words[0].isalpha() else (None, 0, "")
    name = "" if word is None else word.name if word.kind == "metric" else _THINGS.get(word.name, "")
    if not name:
        return None
    named = re.compile(r"\W+".join(map(re.escape, words[:size]))).match(text, place)
    return (name, named.end()) if named else None
